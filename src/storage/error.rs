//! Errors of object storage. They contain no secrets.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use reqwest::{StatusCode, Url};

use crate::model::{Redactor, io_reason};
use crate::net::Cause;

/// An object that could not be read, written or removed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{what}", named(.place))]
pub struct StorageError {
    /// Its URL; empty if the error concerns every object.
    pub place: PathBuf,
    /// The kind of failure.
    pub fault: Fault,
    /// What went wrong, and what to do.
    pub what: String,
}

/// The kind of failure, as far as callers distinguish it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A URL or a setting is wrong.
    Usage,
    /// Credentials are missing or refused.
    Credentials,
    /// There is no such object, or no such bucket.
    Missing,
    /// The object was changed by another program.
    Conflict,
    /// The server refused the request; if it was a conditional upload, it may not support conditions.
    ConditionUnsupported,
    /// Anything else.
    Other,
}

fn named(place: &Path) -> String {
    if place.as_os_str().is_empty() { String::new() } else { format!("{}: ", place.display()) }
}

/// S3 codes for expired temporary credentials; their status is not 401 or 403.
const EXPIRED: [&str; 2] = ["ExpiredToken", "InvalidToken"];
/// S3 code for an unsupported request; its status varies.
const NOT_IMPLEMENTED: &str = "NotImplemented";
/// Statuses of servers that do not support conditional uploads.
const NO_CONDITIONS: [StatusCode; 5] = [
    StatusCode::BAD_REQUEST,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::LENGTH_REQUIRED,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    StatusCode::NOT_IMPLEMENTED,
];
/// The code for a missing bucket.
const NO_BUCKET: &str = "NoSuchBucket";
/// Shown length of a server's message, in characters.
const MAX_SHOWN: usize = 200;

/// An error response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", line(&self.text()))]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    code: Option<String>,
    /// The server's message.
    message: String,
}

impl Refusal {
    /// Parses an S3 error body; any other body is the message.
    pub(super) fn new(status: StatusCode, body: &[u8]) -> Self {
        let body = String::from_utf8_lossy(body);
        let element = |name: &str| {
            let (_, rest) = body.split_once(&format!("<{name}>"))?;
            Some(rest.split_once(&format!("</{name}>"))?.0.trim().to_owned())
        };
        let code = element("Code");
        let message = element("Message").or_else(|| code.is_none().then(|| body.trim().to_owned()));
        Self { status, code, message: message.unwrap_or_default() }
    }

    fn has_code(&self, codes: &[&str]) -> bool {
        self.code.as_deref().is_some_and(|code| codes.contains(&code))
    }

    /// Whether the bucket is missing, and not only the object.
    pub(super) fn is_about_bucket(&self) -> bool {
        self.has_code(&[NO_BUCKET])
    }

    fn fault(&self) -> Fault {
        match self.status {
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => Fault::Credentials,
            _ if self.has_code(&EXPIRED) => Fault::Credentials,
            status if NO_CONDITIONS.contains(&status) => Fault::ConditionUnsupported,
            _ if self.has_code(&[NOT_IMPLEMENTED]) => Fault::ConditionUnsupported,
            StatusCode::NOT_FOUND => Fault::Missing,
            StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT => Fault::Conflict,
            _ => Fault::Other,
        }
    }

    /// As in `HTTP 403 Forbidden: AccessDenied: Access Denied`.
    fn text(&self) -> String {
        let status = format!("HTTP {}", self.status);
        let parts = [Some(status.as_str()), self.code.as_deref(), Some(self.message.as_str())];
        parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
    }
}

impl StorageError {
    fn new(place: &Path, fault: Fault, what: impl Into<String>) -> Self {
        Self { place: place.to_owned(), fault, what: what.into() }
    }

    pub(super) fn usage(place: &Path, what: &str) -> Self {
        Self::new(place, Fault::Usage, what)
    }

    pub(super) fn missing(place: &Path) -> Self {
        Self::new(place, Fault::Missing, "the object does not exist")
    }

    pub(super) fn conflict(place: &Path) -> Self {
        Self::new(place, Fault::Conflict, "another program wrote the object after this run read it")
    }

    pub(super) fn other(place: &Path, what: impl Into<String>) -> Self {
        Self::new(place, Fault::Other, what)
    }

    /// An I/O error of the local copy.
    pub(super) fn local(place: &Path, error: &io::Error) -> Self {
        Self::other(place, format!("local copy: {}", io_reason(error)))
    }

    /// An error that concerns every object.
    pub(super) fn setting(fault: Fault, what: impl Into<String>) -> Self {
        Self::new(Path::new(""), fault, what)
    }

    /// An error of `object_store` for an object. Its own texts contain URLs with queries and whole answers, so
    /// only the cause is shown. `url` and `proxy` are where requests go.
    pub(super) fn of(
        place: &Path,
        error: &object_store::Error,
        redactor: &Redactor,
        url: Option<&Url>,
        proxy: Option<&str>,
    ) -> Self {
        use object_store::Error as E;
        let refusal = find::<Refusal>(error);
        let what = if let Some(refusal) = refusal {
            refusal.text()
        } else if let (Some(error), Some(url)) = (find::<reqwest::Error>(error), url) {
            let Cause { what, advice, .. } = Cause::of(error, url, proxy);
            advice.map_or_else(|| what.clone(), |advice| format!("{what}; {advice}"))
        } else {
            innermost(error)
        };
        // Redacted before it is truncated, so no part of a secret is left at the end.
        let what = line(&redactor.redact_text(what));
        let fault = match error {
            E::PermissionDenied { .. } | E::Unauthenticated { .. } => Fault::Credentials,
            E::NotFound { .. } => Fault::Missing,
            E::AlreadyExists { .. } | E::Precondition { .. } => Fault::Conflict,
            _ => refusal.map_or(Fault::Other, Refusal::fault),
        };
        Self::new(place, fault, what)
    }
}

/// The first error of type `E` in a chain.
pub(super) fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The text of the innermost error.
fn innermost(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    io_reason(innermost)
}

/// A text in one short line without control characters.
fn line(text: &str) -> String {
    let shown = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    shown.take(MAX_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    fn refusal(status: u16, body: &str) -> Refusal {
        Refusal::new(StatusCode::from_u16(status).unwrap(), body.as_bytes())
    }

    #[test]
    fn refusal_with_an_s3_error_shows_code_and_message() {
        let xml = "<?xml version=\"1.0\"?>\n<Error><Code>SignatureDoesNotMatch</Code><Message>The signature \
                   differs.</Message><AWSAccessKeyId>AKIA</AWSAccessKeyId></Error>";
        assert_eq!(
            refusal(403, xml).to_string(),
            "HTTP 403 Forbidden: SignatureDoesNotMatch: The signature differs."
        );
        assert_eq!(refusal(404, "").to_string(), "HTTP 404 Not Found");
        assert_eq!(refusal(502, "<html>\n").to_string(), "HTTP 502 Bad Gateway: <html>");
    }

    #[test]
    fn error_with_a_refusal_has_the_fault_of_its_status_and_code_and_no_secret() {
        let redactor = Redactor::new([&Secret::new("hush-hush=hush".to_owned())]);
        let url = Url::parse("https://s3.example").unwrap();
        let of = |status, code: &str, message: &str| {
            let body = format!("<Code>{code}</Code><Message>{message}</Message>");
            let source = Box::new(refusal(status, &body));
            let error = object_store::Error::Generic { store: "S3", source };
            StorageError::of(Path::new("s3://b/k"), &error, &redactor, Some(&url), None)
        };
        let expired = of(400, "ExpiredToken", "not hush-hush&#61;hush");
        assert_eq!(expired.to_string(), "s3://b/k: HTTP 400 Bad Request: ExpiredToken: not [redacted]");
        let long = of(500, "X", &("x".repeat(160) + "hush-hush=hush"));
        assert!(!long.what.contains("hush"), "{long}");
        let faults = [
            (400, "ExpiredToken", Fault::Credentials),
            (400, "InvalidToken", Fault::Credentials),
            (403, "AccessDenied", Fault::Credentials),
            (401, "", Fault::Credentials),
            (404, "NoSuchKey", Fault::Missing),
            (409, "ConditionalRequestConflict", Fault::Conflict),
            (412, "PreconditionFailed", Fault::Conflict),
            (501, "X", Fault::ConditionUnsupported),
            (400, "NotImplemented", Fault::ConditionUnsupported),
            (400, "InvalidArgument", Fault::ConditionUnsupported),
            (405, "MethodNotAllowed", Fault::ConditionUnsupported),
            (500, "InternalError", Fault::Other),
        ];
        for (status, code, fault) in faults {
            assert_eq!(of(status, code, "").fault, fault, "{status} {code}");
        }
        // Words in the message do not decide the kind.
        assert_eq!(of(500, "X", "NoSuchBucket NotImplemented ExpiredToken").fault, Fault::Other);
    }
}
