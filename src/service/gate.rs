//! Checks before every route: the body's size and time, latency, authentication, throttling, faults, headers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use jiff::Timestamp;
use tokio::sync::Notify;

use super::auth::{Guard, IAM_PATH};
use super::connection::ResetHandle;
use super::faults::{Fault, FaultSampler};
use super::throttle::Throttle;
use super::{errors, fault_responses};

/// The header that marks every response as sample data.
pub const SAMPLE_HEADER: &str = "x-sample-data";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const SAMPLE: HeaderName = HeaderName::from_static(SAMPLE_HEADER);
/// Maximum length of a body, in bytes.
const BODY: usize = 1 << 20;
/// How much of a longer body is still read, so that the client can read the response.
const DISCARDED: usize = 16 << 20;

/// The state of the checks.
pub(super) struct Gate {
    /// Timeout for a request's body.
    pub(super) body_timeout: Duration,
    pub(super) latency: Duration,
    pub(super) guard: Guard,
    pub(super) throttle: Option<Throttle>,
    pub(super) fault_sampler: FaultSampler,
    pub(super) request_ids: RequestIds,
    /// Notified when a stopping service stops waiting.
    pub(super) cut: Arc<Notify>,
}

/// Generates request ids: a random half per service, and a counter.
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
    ConnectInfo(reset): ConnectInfo<ResetHandle>,
    request: Request,
    next: Next,
) -> Response {
    let request_id = gate.request_ids.next();
    let mut response = tokio::select! {
        biased;
        response = answer(&gate, &reset, &request_id, request, next) => response,
        () = gate.cut.notified() => {
            reset.reset();
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

async fn answer(
    gate: &Gate,
    reset: &ResetHandle,
    request_id: &str,
    request: Request,
    next: Next,
) -> Response {
    // The body is always read: a client that is still sending when the connection closes cannot read the response.
    let (head, body) = match tokio::time::timeout(gate.body_timeout, whole(request)).await {
        Ok(Ok(request)) => request,
        Ok(Err(response)) => return response,
        Err(_) => return errors::body_timeout(gate.body_timeout),
    };
    if !gate.latency.is_zero() {
        tokio::time::sleep(gate.latency).await;
    }
    if let Err(refused) = gate.guard.check(&head, &body, Timestamp::now()) {
        return errors::unauthenticated(refused.code(), &refused.to_string(), request_id);
    }
    let request = Request::from_parts(head, Body::from(body));
    // Limit and faults are the gateway's and do not apply to IAM.
    if request.uri().path() == IAM_PATH {
        return next.run(request).await;
    }
    if let Some(throttle) = &gate.throttle
        && !throttle.admits(Instant::now())
    {
        return errors::throttled(throttle.limit(), request_id);
    }
    match gate.fault_sampler.roll() {
        None => next.run(request).await,
        Some(Fault::Slow(time)) => {
            tokio::time::sleep(time).await;
            next.run(request).await
        }
        Some(Fault::Truncate) => fault_responses::truncated(next.run(request).await).await,
        Some(Fault::Drip(time)) => fault_responses::dripping(next.run(request).await, time).await,
        Some(Fault::Huge(size)) => fault_responses::huge(next.run(request).await, size),
        Some(Fault::Type) => fault_responses::as_plain_text(next.run(request).await),
        Some(Fault::Reset) => {
            reset.reset();
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Some(Fault::Throttled) => {
            fault_responses::throttled(gate.throttle.as_ref().map(Throttle::limit), request_id)
        }
        Some(Fault::Status(status)) => fault_responses::failed(status, request_id),
        Some(Fault::Garbage) => fault_responses::garbage(),
        Some(Fault::Html) => fault_responses::page(),
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
