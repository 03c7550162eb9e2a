//! Log events of attempts and headers.

use std::time::Duration;

use reqwest::header::HeaderMap;
use tracing::Level;

use super::outcome::Outcome;

/// Headers whose values are logged; of all others only the names.
const SHOWN: [&str; 14] = [
    "accept",
    "accept-encoding",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "host",
    "retry-after",
    "server",
    "transfer-encoding",
    "via",
    "x-language",
    "x-request-id",
    "x-sdk-date",
];

/// An attempt, as it is logged.
#[derive(Debug)]
pub struct Attempt {
    number: u32,
    elapsed: Duration,
    status: Option<u16>,
    request_id: Option<String>,
    error: Option<String>,
}

impl Attempt {
    /// Collects what is logged of an attempt; none if logging is off.
    pub fn of(number: u32, elapsed: Duration, outcome: &Outcome) -> Option<Self> {
        if !tracing::enabled!(Level::INFO) {
            return None;
        }
        let (status, request_id, error) = match outcome {
            Outcome::Answered(reply) => (Some(reply.status), reply.request_id.clone(), None),
            Outcome::Failed(failure) | Outcome::Refused(failure) => {
                (failure.status, failure.error.request_id.clone(), Some(failure.summary()))
            }
        };
        Some(Self { number, elapsed, status, request_id, error })
    }

    /// Logs the attempt, with the wait before the retry if there is one.
    pub fn log(self, task_id: Option<&str>, wait: Option<Duration>) {
        let Self { number: attempt, elapsed, status, request_id, error } = self;
        let (request_id, error) = (request_id.as_deref(), error.as_deref());
        let (elapsed_ms, wait_ms) = (milliseconds(elapsed), wait.map(milliseconds));
        let error = error.or(wait.and(Some("the answer cannot be used")));
        if error.is_some() {
            tracing::info!(
                event = "attempt_failed",
                task_id,
                attempt,
                status,
                elapsed_ms,
                wait_ms,
                request_id,
                error
            );
        } else {
            tracing::debug!(event = "attempt", task_id, attempt, status, elapsed_ms, request_id);
        }
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Logs the headers of a request or response. Only values of known harmless headers are logged, with secrets
/// redacted.
pub fn log_headers(
    event: &'static str,
    method: &str,
    path: &str,
    headers: &HeaderMap,
    redact: impl Fn(Vec<u8>) -> Vec<u8>,
) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(&redact(bytes.to_vec())).into_owned();
    let shown = headers.iter().map(|(name, value)| {
        let is_shown = SHOWN.contains(&name.as_str());
        let value = if is_shown { text(value.as_bytes()) } else { "[redacted]".to_owned() };
        format!("{name}: {value}")
    });
    let headers = shown.collect::<Vec<_>>().join("; ");
    let path = text(path.as_bytes());
    tracing::trace!(event, method, path = path.as_str(), headers = headers.as_str());
}
