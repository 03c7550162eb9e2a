//! One question, asked until it is answered or cannot be.

use std::num::NonZeroU32;

use tokio::time::Instant;

use super::attempt::Attempt;
use super::outcome::{Failure, Outcome, Reply};
use super::retry::{LONGEST_WAIT, NO_JSON};
use super::throttle::Gate;
use crate::model::FailureKind;

/// Why a question has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unanswered {
    /// The service did not answer it.
    #[error("{}", .0.summary())]
    Failed(Box<Failure>),
    /// The credentials were refused or are not to be had.
    #[error("the credentials were refused: {}", .0.summary())]
    Refused(Box<Failure>),
}

/// Makes `request` through the gate, again while that may help and `max_attempts` allows.
///
/// # Errors
/// What the last attempt came to.
pub async fn ask(
    gate: &Gate,
    max_attempts: NonZeroU32,
    request: impl AsyncFn() -> Outcome,
) -> Result<Reply, Unanswered> {
    let mut attempt = 1;
    loop {
        let permit = gate.pass().await;
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
                gate.admitted(&permit);
                return Ok(reply);
            }
            Outcome::Failed(failure) => failure,
            Outcome::Refused(failure) => {
                log(None);
                return Err(Unanswered::Refused(Box::new(failure)));
            }
        };
        let wait = gate.failed(&permit, attempt, &failure);
        let hopeless = !failure.is_transient() || gate.is_out_of_reach(&failure, max_attempts);
        let is_no_json = failure.kind == FailureKind::NotJson;
        let most = if is_no_json { max_attempts.get().min(NO_JSON) } else { max_attempts.get() };
        if hopeless || attempt >= most || wait > LONGEST_WAIT {
            log(None);
            return Err(Unanswered::Failed(Box::new(failure)));
        }
        log(Some(wait));
        attempt += 1;
        tokio::time::sleep(wait).await;
    }
}
