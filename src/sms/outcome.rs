//! Outcomes of requests.

use std::time::{Duration, SystemTime};

use super::retry::is_transient;
use crate::answer::ErrorBody;
use crate::model::{ClockOffset, FailureKind};
use crate::net::Cause;

/// A successful response; its body is not parsed yet.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status, 200 to 299.
    pub status: u16,
    /// The request id that the service gave.
    pub request_id: Option<String>,
    /// Whether it is sample data of the embedded service.
    pub sample_data: bool,
    /// The `Content-Range` header, which shows a partial body.
    pub content_range: Option<String>,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// The `Date` header.
    pub date: Option<SystemTime>,
    /// How far the server's clock is ahead of this machine's; none if unknown.
    pub clock_offset: Option<ClockOffset>,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

/// The outcome of one request.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// A 2xx response.
    Answered(Reply),
    /// No response, or an error response.
    Failed(Failure),
    /// The credentials were refused or cannot be obtained. More requests could lock them.
    Refused(Failure),
}

/// A request without a usable answer.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The kind of failure; retries and hints depend on it.
    pub kind: FailureKind,
    /// The HTTP status, if there was a response.
    pub status: Option<u16>,
    /// The error in the response body.
    pub error: ErrorBody,
    /// A short description, as in `HTTP 503` or `the request timed out`.
    pub what: String,
    /// What the user can do, if known.
    pub advice: Option<&'static str>,
    /// The `Retry-After` header.
    pub retry_after: Option<Duration>,
    /// The `Date` header, if there was a response.
    pub date: Option<SystemTime>,
    /// How far the server's clock is ahead of this machine's; none if unknown.
    pub clock_offset: Option<ClockOffset>,
}

impl Failure {
    /// A one-line description, as in `HTTP 403 Forbidden: SMS.9004: no permission`.
    pub fn summary(&self) -> String {
        let parts = [Some(self.what.as_str()), self.error.code.as_deref(), self.error.message.as_deref()];
        let mut summary = parts.into_iter().flatten().collect::<Vec<_>>().join(": ");
        if let Some(advice) = self.advice {
            summary = format!("{summary}; {advice}");
        }
        summary
    }

    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        match self.kind {
            FailureKind::Status => self.status.is_some_and(is_transient),
            kind => kind.may_pass(),
        }
    }

    /// A failure without a response.
    pub fn new(kind: FailureKind, what: String) -> Self {
        Self {
            kind,
            status: None,
            error: ErrorBody::default(),
            what,
            advice: kind.advice(),
            retry_after: None,
            date: None,
            clock_offset: None,
        }
    }
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        Self { advice: cause.advice, ..Self::new(cause.kind, cause.what) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The retry table, with the advice to the user.
    #[test]
    fn every_failure_kind_is_in_the_retry_table() {
        let row = |failure: &Failure| {
            let is = |yes: bool, name: &'static str| if yes { name } else { "-" };
            format!(
                "{:20} {:6} {:8} {:12} {:8} {}",
                format!("{:?}", failure.kind),
                failure.status.map_or_else(|| "-".to_owned(), |status| status.to_string()),
                is(failure.is_transient(), "retried"),
                is(failure.kind.is_unreachable(), "unreachable"),
                is(failure.kind.is_lasting(), "lasting"),
                failure.advice.unwrap_or("-"),
            )
        };
        let of_status =
            |status| Failure { status: Some(status), ..Failure::new(FailureKind::Status, String::new()) };
        let statuses = [301, 400, 401, 403, 404, 408, 409, 413, 429, 500, 501, 502, 503, 504];
        let kinds = FailureKind::ALL.into_iter().filter(|kind| *kind != FailureKind::Status);
        let failures = statuses.map(of_status).into_iter();
        let failures = failures.chain(kinds.map(|kind| Failure::new(kind, String::new())));
        insta::assert_snapshot!(failures.map(|failure| row(&failure)).collect::<Vec<_>>().join("\n"));
    }
}
