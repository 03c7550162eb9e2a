//! A request with retries.

use std::num::NonZeroU32;

use tokio::time::Instant;

use super::attempt::Attempt;
use super::outcome::{Failure, Outcome, Reply};
use super::retry::{MAX_NOT_JSON, MAX_WAIT};
use super::throttle::Gate;
use crate::model::FailureKind;

/// Why a request has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RequestError {
    /// All attempts failed.
    #[error("{}", .0.summary())]
    Failed(Box<Failure>),
    /// The credentials were refused or cannot be obtained.
    #[error("the credentials were refused: {}", .0.summary())]
    Refused(Box<Failure>),
}

/// Sends `request` through the gate; retries transient failures up to `max_attempts`.
///
/// # Errors
/// The failure of the last attempt.
pub async fn request_with_retry(
    gate: &Gate,
    max_attempts: NonZeroU32,
    request: impl AsyncFn() -> Outcome,
) -> Result<Reply, RequestError> {
    let mut attempt = 1;
    loop {
        let permit = gate.acquire().await;
        let sent = Instant::now();
        let outcome = request().await;
        let logged = Attempt::of(attempt, sent.elapsed(), &outcome);
        let log = |wait| {
            if let Some(logged) = logged {
                logged.log(None, wait);
            }
        };
        let failure = match outcome {
            Outcome::Answered(reply) => {
                log(None);
                gate.record_success(&permit);
                return Ok(reply);
            }
            Outcome::Failed(failure) => failure,
            Outcome::Refused(failure) => {
                log(None);
                return Err(RequestError::Refused(Box::new(failure)));
            }
        };
        let wait = gate.record_failure(&permit, attempt, &failure);
        let hopeless = !failure.is_transient() || gate.is_unreachable(&failure, max_attempts);
        let is_no_json = failure.kind == FailureKind::NotJson;
        let most = if is_no_json { max_attempts.get().min(MAX_NOT_JSON) } else { max_attempts.get() };
        if hopeless || attempt >= most || wait > MAX_WAIT {
            log(None);
            return Err(RequestError::Failed(Box::new(failure)));
        }
        log(Some(wait));
        attempt += 1;
        tokio::time::sleep(wait).await;
    }
}
