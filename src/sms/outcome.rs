//! What comes of a request.

use std::time::{Duration, SystemTime};

use crate::answer::ErrorBody;

/// A successful answer, not yet read for what it says.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status, 200 to 299.
    pub status: u16,
    /// The service's id of the request.
    pub request_id: Option<String>,
    /// Whether the embedded service gave it.
    pub sample_data: bool,
    /// The media type of the body, as the service names it.
    pub content_type: Option<String>,
    /// The server's clock.
    pub date: Option<SystemTime>,
    /// The body as it came, decompressed.
    pub body: Vec<u8>,
}

/// What came of one request.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// A 2xx answer.
    Answered(Reply),
    /// No answer to the question.
    Failed(Failure),
    /// The credentials are refused or not to be had. Asking on could lock them.
    Refused(Failure),
}

/// Why no connection comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreachable {
    /// As in any outage.
    Passing,
    /// The host is not known or its certificate not trusted, which waiting seldom mends.
    Lasting,
}

/// A request that brought no answer to its question.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The HTTP status, if there was an answer at all.
    pub status: Option<u16>,
    /// What the answer says.
    pub error: ErrorBody,
    /// In a few words, as in `HTTP 503` or `connection refused`.
    pub what: String,
    /// Whether the next try may end otherwise.
    pub transient: bool,
    /// Set if no connection came about: the failure then says nothing of what was asked.
    pub unreachable: Option<Unreachable>,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
    /// The server's clock, if there was an answer.
    pub date: Option<SystemTime>,
}

impl Failure {
    /// All that is known, in one line, as in `HTTP 403 Forbidden: SMS.9004: no permission`.
    pub fn summary(&self) -> String {
        let parts = [Some(self.what.as_str()), self.error.code.as_deref(), self.error.message.as_deref()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(": ")
    }

    pub(super) fn broken(what: String, transient: bool) -> Self {
        Self {
            status: None,
            error: ErrorBody::default(),
            what,
            transient,
            unreachable: None,
            retry_after: None,
            date: None,
        }
    }
}
