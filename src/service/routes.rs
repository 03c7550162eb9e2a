//! The operations.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::auth::{self, Iam, LoginError, Tokens};
use super::export::{self, ExportError};
use super::export_body::ExportBody;
use super::listing::{Filter, OutOfRange};
use super::store::{Store, StoreError};
use super::validate::{self, Invalid};
use super::{answers, errors};
use crate::model::Shape;
use crate::threads::run_blocking;

/// The state of the operations.
pub(super) struct App {
    pub(super) store: Arc<Store>,
    pub(super) shape: Option<Shape>,
    pub(super) export_body: ExportBody,
    pub(super) iam: Iam,
    pub(super) tokens: Arc<Tokens>,
}

type TaskId = Result<Path<String>, PathRejection>;

/// Why a request fails.
#[derive(Debug, thiserror::Error)]
enum ApiError {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("task_id must be percent-encoded UTF-8")]
    Path(#[from] PathRejection),
    #[error("{}", .0.body_text())]
    Query(#[from] QueryRejection),
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
    #[error("The task was not found.")]
    UnknownTask,
    #[error("task_info[{0}] names no known task.")]
    UnknownItem(usize),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Export(#[from] ExportError),
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code) = match self {
            Self::Invalid(_) | Self::Path(_) | Self::Query(_) | Self::OutOfRange(_) => {
                (StatusCode::BAD_REQUEST, errors::INVALID_PARAMETER)
            }
            Self::UnknownTask | Self::UnknownItem(_) => (StatusCode::NOT_FOUND, errors::TASK_NOT_FOUND),
            Self::Store(StoreError::Closed) => (StatusCode::SERVICE_UNAVAILABLE, errors::UNAVAILABLE),
            Self::Store(_) | Self::Export(_) => (StatusCode::INTERNAL_SERVER_ERROR, errors::INTERNAL),
        };
        errors::error(status, code, &self.to_string())
    }
}

/// The routes and fallbacks.
pub(super) fn router(app: App) -> Router {
    Router::new()
        .route("/v3/tasks", get(tasks))
        .route("/v3/tasks/{task_id}", get(task))
        .route("/v3/sources", get(sources))
        .route("/v3/tasks/{task_id}/consistency-result", get(obtain).post(upload))
        .route("/v3/tasks/{task_id}/configuration-setting", get(settings).post(configure))
        .route("/v3/tasks//consistency-result", get(no_task_id).post(no_task_id))
        .route("/v3/tasks/consistency-results/export", post(export))
        .route(auth::IAM_PATH, post(token))
        .fallback(no_such_api)
        .method_not_allowed_fallback(wrong_method)
        .with_state(Arc::new(app))
}

async fn upload(State(app): State<Arc<App>>, task_id: TaskId, body: Bytes) -> Result<Response, ApiError> {
    let Path(task_id) = task_id?;
    validate::task_id_to_write(&task_id)?;
    let directories = validate::upload(&body)?;
    let now = jiff::Timestamp::now().as_millisecond();
    if app.store.upload(task_id, directories, now).await? {
        Ok(errors::json_text(StatusCode::OK, "{}".to_owned()))
    } else {
        Err(ApiError::UnknownTask)
    }
}

async fn obtain(State(app): State<Arc<App>>, task_id: TaskId) -> Result<Response, ApiError> {
    let Path(task_id) = task_id?;
    validate::task_id_to_read(&task_id)?;
    let results = app.store.results(task_id.clone(), app.shape).await?.ok_or(ApiError::UnknownTask)?;
    Ok(errors::json_text(StatusCode::OK, answers::body(&task_id, &results)))
}

type FilterQuery = Result<Query<Filter>, QueryRejection>;

async fn tasks(State(app): State<Arc<App>>, filter: FilterQuery) -> Result<Response, ApiError> {
    let body = app.store.tasks(filter?.0.checked()?).await?;
    Ok(errors::json_text(StatusCode::OK, body.to_string()))
}

async fn sources(State(app): State<Arc<App>>, filter: FilterQuery) -> Result<Response, ApiError> {
    let body = app.store.sources(filter?.0.checked()?).await?;
    Ok(errors::json_text(StatusCode::OK, body.to_string()))
}

async fn task(State(app): State<Arc<App>>, task_id: TaskId) -> Result<Response, ApiError> {
    let Path(task_id) = task_id?;
    let body = app.store.task(task_id).await?.ok_or(ApiError::UnknownTask)?;
    Ok(errors::json_text(StatusCode::OK, body.to_string()))
}

/// The query of a call for special configurations.
#[derive(serde::Deserialize)]
struct ConfigKey {
    config_key: Option<String>,
}

async fn settings(
    State(app): State<Arc<App>>,
    task_id: TaskId,
    key: Result<Query<ConfigKey>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Path(task_id) = task_id?;
    validate::task_id_to_read(&task_id)?;
    let body = app.store.settings(task_id, key?.0.config_key).await?.ok_or(ApiError::UnknownTask)?;
    Ok(errors::json_text(StatusCode::OK, body.to_string()))
}

async fn configure(State(app): State<Arc<App>>, task_id: TaskId, body: Bytes) -> Result<Response, ApiError> {
    let Path(task_id) = task_id?;
    validate::task_id_to_write(&task_id)?;
    let settings = validate::configurations(&body)?;
    if app.store.configure(task_id, settings).await? {
        Ok(errors::json_text(StatusCode::OK, "{}".to_owned()))
    } else {
        Err(ApiError::UnknownTask)
    }
}

async fn export(State(app): State<Arc<App>>, body: Bytes) -> Result<Response, ApiError> {
    let keys = validate::batch(&body)?;
    let tasks = app.store.batch(keys).await?.map_err(ApiError::UnknownItem)?;
    match app.export_body {
        ExportBody::Empty => Ok(errors::json_text(StatusCode::OK, "{}".to_owned())),
        ExportBody::Workbook => {
            let made = run_blocking(move || export::workbook(&tasks)).await;
            let bytes = made.unwrap_or(Err(ExportError::Aborted))?;
            let headers = [
                (header::CONTENT_TYPE, export::MEDIA_TYPE),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"consistency-results.xlsx\""),
            ];
            Ok((headers, bytes).into_response())
        }
    }
}

async fn token(State(app): State<Arc<App>>, body: Bytes) -> Result<Response, LoginError> {
    auth::issue(&app.iam, &app.tokens, &body, jiff::Timestamp::now())
}

/// The route of an empty task id, which no path parameter matches.
async fn no_task_id() -> Result<(), ApiError> {
    Ok(validate::task_id_to_read("")?)
}

async fn no_such_api() -> Response {
    errors::error(
        StatusCode::NOT_FOUND,
        errors::NO_SUCH_API,
        "The API does not exist or has not been published in the environment.",
    )
}

async fn wrong_method() -> Response {
    errors::error(
        StatusCode::METHOD_NOT_ALLOWED,
        errors::METHOD_NOT_ALLOWED,
        "The API does not take this method.",
    )
}
