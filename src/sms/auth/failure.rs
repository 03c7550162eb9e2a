//! Failures to obtain credentials.

use crate::model::FailureKind;
use crate::sms::outcome::{Failure, Outcome};

/// A permanent failure to obtain credentials.
pub(super) fn refused(what: String) -> Outcome {
    Outcome::Refused(Failure::new(FailureKind::Credentials, what))
}

/// A failure of the service that issues credentials.
pub(super) fn credential_error(failure: Failure, service: &str) -> Outcome {
    let is_transient = failure.is_transient();
    let failure = Failure { what: format!("{service}: {}", failure.what), ..failure };
    if is_transient { Outcome::Failed(failure) } else { Outcome::Refused(failure) }
}
