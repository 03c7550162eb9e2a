//! What stands before every route: the body's limit, latency, authentication, throttling, faults, headers.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use tokio::sync::Notify;

use super::auth::{Guard, IAM_PATH};
use super::connection::Switch;
use super::errors;
use super::faults::{Dice, Fault};
use super::throttle::Throttle;
use crate::model::Rate;

/// The header that every answer carries, so that what is made from it can say so.
pub const SAMPLE_HEADER: &str = "x-sample-data";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const SAMPLE: HeaderName = HeaderName::from_static(SAMPLE_HEADER);
/// The greatest length of a body, in bytes.
const BODY: usize = 1 << 20;
/// How much of a longer body is still read, so that the client can see the answer to it.
const DISCARDED: usize = 16 << 20;

/// What all requests share before they come to a route.
pub(super) struct Gate {
    pub(super) latency: Duration,
    pub(super) guard: Guard,
    pub(super) throttle: Option<Throttle>,
    pub(super) dice: Dice,
    pub(super) request_ids: RequestIds,
    /// Told when a stopping service waits no longer.
    pub(super) cut: Arc<Notify>,
}

/// Gives every request an id of its own: one random half per service, one counted half.
pub(super) struct RequestIds {
    service: u64,
    next: AtomicU64,
}

impl RequestIds {
    pub(super) fn new() -> Self {
        Self { service: fastrand::u64(..), next: AtomicU64::new(0) }
    }

    fn next(&self) -> String {
        format!("{:016x}{:016x}", self.service, self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// The middleware.
pub(super) async fn pass(
    State(gate): State<Arc<Gate>>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: Request,
    next: Next,
) -> Response {
    let request_id = gate.request_ids.next();
    let mut response = tokio::select! {
        biased;
        response = answer(&gate, &switch, &request_id, request, next) => response,
        () = gate.cut.notified() => {
            switch.cut();
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    };
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::try_from(request_id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(SAMPLE, HeaderValue::from_static("true"));
    response
}

async fn answer(gate: &Gate, switch: &Switch, request_id: &str, request: Request, next: Next) -> Response {
    // The body is read even where the answer does not need it: a client that is still sending when
    // the connection closes sees a broken connection and not the answer.
    let (head, body) = match whole(request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    if !gate.latency.is_zero() {
        tokio::time::sleep(gate.latency).await;
    }
    if let Err(refused) = gate.guard.check(&head, &body, Timestamp::now()) {
        return errors::unauthenticated(&refused, request_id);
    }
    // The limit is the gateway's, and counts those it knows; IAM stands beside it.
    if let Some(throttle) = &gate.throttle
        && head.uri.path() != IAM_PATH
        && !throttle.admits(Instant::now())
    {
        return errors::throttled(throttle.limit(), request_id);
    }
    let request = Request::from_parts(head, Body::from(body));
    match gate.dice.roll() {
        None => next.run(request).await,
        Some(Fault::Slow(time)) => {
            tokio::time::sleep(time).await;
            next.run(request).await
        }
        Some(Fault::Truncate) => truncated(next.run(request).await).await,
        Some(Fault::Reset) => {
            switch.cut();
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Some(Fault::Throttled) => throttled(gate, request_id),
        Some(Fault::Status(status)) => failed(status),
        Some(Fault::Garbage) => garbage(),
        Some(Fault::Html) => page(),
    }
}

async fn whole(request: Request) -> Result<(Parts, Bytes), Response> {
    let (head, body) = request.into_parts();
    if body.is_end_stream() {
        return Ok((head, Bytes::new()));
    }
    let mut read = Vec::new();
    let mut length = 0usize;
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece: Bytes =
            piece.map_err(|error| errors::invalid(&format!("the body cannot be read: {error}")))?;
        length = length.saturating_add(piece.len());
        if length <= BODY {
            read.extend_from_slice(&piece);
        } else if length > DISCARDED {
            break;
        }
    }
    if length > BODY {
        return Err(errors::invalid(&format!("the body is longer than {BODY} bytes")));
    }
    Ok((head, read.into()))
}

fn throttled(gate: &Gate, request_id: &str) -> Response {
    let limit = gate.throttle.as_ref().map(Throttle::limit);
    // Without a limit of its own the answer names the gateway's usual one.
    match limit.or_else(|| "60/m".parse::<Rate>().ok()) {
        Some(limit) => errors::throttled(limit, request_id),
        None => StatusCode::TOO_MANY_REQUESTS.into_response(),
    }
}

fn failed(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match status {
        StatusCode::INTERNAL_SERVER_ERROR => {
            errors::error(status, errors::INTERNAL, "Obtaining verification results failed.")
        }
        _ => errors::error(status, errors::UNAVAILABLE, "The service cannot be reached. Try again later."),
    }
}

fn garbage() -> Response {
    let bytes: &[u8] = b"{\"result_list\":[{\"finished_time\":17\xff\xfe\x00\x1f\x8b";
    ([(header::CONTENT_TYPE, "application/json")], bytes).into_response()
}

fn page() -> Response {
    let html = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\
                <body><h1>Sign in to continue</h1></body></html>\n";
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
}

/// Promises the whole body and sends the first half of it.
async fn truncated(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(whole) = to_bytes(body, usize::MAX).await else { return failed(500) };
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    let half = whole.slice(..whole.len() / 2);
    let end = stream::once(async {
        // The half must be on its way before the error ends the connection.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    let body = Body::from_stream(stream::iter([Ok::<Bytes, io::Error>(half)]).chain(end));
    Response::from_parts(parts, body)
}
