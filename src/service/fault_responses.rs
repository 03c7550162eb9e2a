//! Injected faults: wrong responses, and correct ones that are damaged.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, stream};

use super::errors;
use crate::model::Rate;

/// Number of pieces of a dripping response.
const MAX_PIECES: usize = 100;
/// The stated limit where none is enforced: high, so that clients do not slow down.
const UNENFORCED_LIMIT: &str = "1000/s";
/// White space that is sent repeatedly.
const BLANK: &[u8] = &[b' '; 1 << 16];

/// The gateway's 429; without a limit it states one that no client exceeds.
pub(super) fn throttled(limit: Option<Rate>, request_id: &str) -> Response {
    match limit.or_else(|| UNENFORCED_LIMIT.parse().ok()) {
        Some(limit) => errors::throttled(limit, request_id),
        None => StatusCode::TOO_MANY_REQUESTS.into_response(),
    }
}

pub(super) fn failed(status: u16, request_id: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match status {
        StatusCode::UNAUTHORIZED => {
            errors::unauthenticated(errors::NOT_AUTHENTICATED, "an injected fault", request_id)
        }
        StatusCode::FORBIDDEN => errors::forbidden(),
        StatusCode::NOT_FOUND => errors::error(status, errors::TASK_NOT_FOUND, "There is no such task."),
        StatusCode::INTERNAL_SERVER_ERROR => errors::error(status, errors::INTERNAL, "The request failed."),
        status if status.is_client_error() => {
            errors::error(status, errors::INVALID_PARAMETER, "The request is refused.")
        }
        status => {
            errors::error(status, errors::UNAVAILABLE, "The service cannot be reached. Try again later.")
        }
    }
}

pub(super) fn garbage() -> Response {
    let bytes: &[u8] = b"{\"result_list\":[{\"finished_time\":17\xff\xfe\x00\x1f\x8b";
    ([(header::CONTENT_TYPE, "application/json")], bytes).into_response()
}

pub(super) fn page() -> Response {
    let html = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\
                <body><h1>Sign in to continue</h1></body></html>\n";
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
}

pub(super) fn as_plain_text(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// Announces the full length and sends the first half.
pub(super) async fn truncated(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(whole) = to_bytes(body, usize::MAX).await else { return failed(500, "") };
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    let half = whole.slice(..whole.len() / 2);
    let end = stream::once(async {
        // The half must be sent before the error ends the connection.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    let body = Body::from_stream(stream::iter([Ok::<Bytes, io::Error>(half)]).chain(end));
    Response::from_parts(parts, body)
}

/// Sends the headers at once, and the body in pieces over `time`.
pub(super) async fn dripping(response: Response, time: Duration) -> Response {
    let (parts, body) = response.into_parts();
    let Ok(whole) = to_bytes(body, usize::MAX).await else { return failed(500, "") };
    Response::from_parts(parts, Body::from_stream(pieces_over(whole, time)))
}

fn pieces_over(whole: Bytes, time: Duration) -> impl Stream<Item = io::Result<Bytes>> {
    let size = whole.len().div_ceil(MAX_PIECES).max(1);
    let count = whole.len().div_ceil(size);
    let pause = time.div_f64(count.max(1) as f64);
    stream::iter(0..count).then(move |at| {
        let drop = whole.slice(at * size..whole.len().min((at + 1) * size));
        async move {
            tokio::time::sleep(pause).await;
            Ok(drop)
        }
    })
}

/// Sends `size` bytes of white space first, which JSON allows, without a length.
pub(super) fn huge(response: Response, size: u64) -> Response {
    let (parts, body) = response.into_parts();
    let blank = stream::unfold(size, async |left| {
        let piece = BLANK.get(..usize::try_from(left).unwrap_or(usize::MAX)).unwrap_or(BLANK);
        (left > 0).then(|| (Ok(Bytes::from_static(piece)), left - piece.len() as u64))
    });
    Response::from_parts(parts, Body::from_stream(blank.chain(body.into_data_stream())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn pieces_restore_the_body_within_the_time() {
        for length in [0, 1, 99, 100, 101, 12_345] {
            let whole: Bytes = (0..length).map(|at| at as u8).collect::<Vec<_>>().into();
            let start = Instant::now();
            let pieces: Vec<Bytes> =
                pieces_over(whole.clone(), Duration::from_secs(30)).map(Result::unwrap).collect().await;
            assert_eq!(pieces.concat(), whole);
            assert!(pieces.len() <= MAX_PIECES && pieces.len() >= length.min(50));
            let took = start.elapsed().as_secs_f64();
            assert!(length == 0 || (29.9..30.5).contains(&took), "{length} bytes in {took} s");
        }
    }

    #[tokio::test]
    async fn huge_response_has_requested_size_and_valid_end() {
        for size in [0, 1, 65_536, 100_000] {
            let body = huge("{}".into_response(), size).into_body();
            let bytes = to_bytes(body, usize::MAX).await.unwrap();
            assert_eq!(bytes.len() as u64, size + 2);
            assert_eq!(bytes.trim_ascii_start(), b"{}");
        }
    }
}
