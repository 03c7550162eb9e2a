//! Why a delivery failed.

use std::time::Duration;

use crate::model::clean;
use crate::sms::request::RequestError;
use crate::sms::retry;

/// Why a delivery failed, and whether another attempt may succeed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what}")]
pub struct DeliveryError {
    what: String,
    retry: Retry,
}

#[derive(Debug, Clone, Copy)]
enum Retry {
    Never,
    /// After this time at least.
    After(Option<Duration>),
}

impl DeliveryError {
    /// An error that no further attempt can help.
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self { what: clean(&what.into()).into_owned(), retry: Retry::Never }
    }

    /// Of a request that was not answered as it should be.
    pub(super) fn of(error: &RequestError, secret: &str) -> Self {
        let (RequestError::Failed(failure) | RequestError::Refused(failure)) = error;
        let parts =
            [Some(failure.what.as_str()), failure.error.code.as_deref(), failure.error.message.as_deref()];
        let mut what = parts.into_iter().flatten().collect::<Vec<_>>().join(": ");
        let advice = match failure.status {
            Some(401) => format!("the credentials are refused; check {secret}"),
            Some(403) => {
                "the account may not do this; check its permissions, and whether the ticket is closed"
                    .to_owned()
            }
            Some(404) => {
                "there is no such ticket, or the account may not see it; check the address in --to".to_owned()
            }
            Some(413) => TOO_LARGE.to_owned(),
            Some(_) => too_large(&what).unwrap_or_default().to_owned(),
            None if failure.kind.is_unreachable() => {
                "check the address in --to, the network, the proxy variables and --ca-cert".to_owned()
            }
            None => String::new(),
        };
        if !advice.is_empty() {
            what = format!("{what}; {advice}");
        }
        let is_refused = matches!(error, RequestError::Refused(_));
        let may_pass = !is_refused && failure.is_transient() && !failure.kind.is_lasting();
        let retry = if may_pass { Retry::After(failure.retry_after) } else { Retry::Never };
        Self { what: clean(&what).into_owned(), retry }
    }

    /// The same error with what was being done when it came.
    pub(super) fn during(self, what: &str) -> Self {
        Self { what: format!("{}: {}", clean(what), self.what), ..self }
    }

    /// How long to wait before the attempt after number `attempt`; none if none may help.
    pub(super) fn wait(&self, attempt: u32) -> Option<Duration> {
        match self.retry {
            Retry::Never => None,
            Retry::After(asked) => {
                Some(retry::delay(attempt, fastrand::f64(), asked)).filter(|wait| *wait <= retry::MAX_WAIT)
            }
        }
    }
}

const TOO_LARGE: &str = "split large files with --max-bytes, or choose files with --attach";

/// What to do if a system's message says that a file is too large.
fn too_large(message: &str) -> Option<&'static str> {
    let message = message.to_ascii_lowercase();
    ["too large", "too big", "maximum", "exceed"]
        .iter()
        .any(|word| message.contains(word))
        .then_some(TOO_LARGE)
}

/// A file above the limit of a system.
pub(super) fn above_limit(name: &str, size: u64, limit: u64) -> DeliveryError {
    DeliveryError::new(format!(
        "{name} has {size} bytes, and the system accepts at most {limit} bytes a file; {TOO_LARGE}"
    ))
}
