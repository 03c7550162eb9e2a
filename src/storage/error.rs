//! What can go wrong with object storage, in words without secrets.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use crate::model::{Secret, redact};

/// An object that could not be had, put or removed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{what}", named(.place))]
pub struct StorageError {
    /// Its URL; empty if it is not for this object alone that there is none.
    pub place: PathBuf,
    /// What kind of failure it is.
    pub fault: Fault,
    /// What went wrong, and what to do.
    pub what: String,
}

/// Why something failed, as far as it matters to a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A URL or a setting is wrong.
    Usage,
    /// Credentials are missing or refused.
    Credentials,
    /// There is no such object, or no such bucket.
    Missing,
    /// Something else stands there than the caller knows.
    Taken,
    /// The server does not know how to put under a condition.
    Unconditional,
    /// Anything else.
    Other,
}

fn named(place: &Path) -> String {
    if place.as_os_str().is_empty() { String::new() } else { format!("{}: ", place.display()) }
}

/// How `object_store` begins what it says of a status.
const STATUS: &str = "Server returned non-2xx status code: ";
/// What is said of temporary credentials with a status that tells nothing of it.
const EXPIRED: [&str; 2] = [": ExpiredToken: ", ": InvalidToken: "];
/// As much of an answer that is no S3 error as is shown, in characters.
const MAX_SHOWN: usize = 200;

impl StorageError {
    fn new(place: &Path, fault: Fault, what: impl Into<String>) -> Self {
        Self { place: place.to_owned(), fault, what: what.into() }
    }

    pub(super) fn usage(place: &Path, what: &str) -> Self {
        Self::new(place, Fault::Usage, what)
    }

    pub(super) fn missing(place: &Path) -> Self {
        Self::new(place, Fault::Missing, "there is no such object")
    }

    pub(super) fn taken(place: &Path) -> Self {
        Self::new(place, Fault::Taken, "somebody else has written there since this run looked at it")
    }

    pub(super) fn other(place: &Path, what: impl Into<String>) -> Self {
        Self::new(place, Fault::Other, what)
    }

    /// Of the copy on this machine.
    pub(super) fn local(place: &Path, error: &io::Error) -> Self {
        Self::other(place, format!("the copy on this machine: {error}"))
    }

    /// For which there is no object at all.
    pub(super) fn setting(fault: Fault, what: impl Into<String>) -> Self {
        Self::new(Path::new(""), fault, what)
    }

    /// What `object_store` says of an object. Its own texts have URLs with queries in them and whole answers,
    /// so only the cause is told.
    pub(super) fn of(place: &Path, error: &object_store::Error, secrets: &[Secret]) -> Self {
        use object_store::Error as E;
        let cause = cause(error);
        let what = String::from_utf8_lossy(&redact(told(&cause).into_bytes(), secrets)).into_owned();
        let fault = match error {
            E::PermissionDenied { .. } | E::Unauthenticated { .. } => Fault::Credentials,
            E::NotFound { .. } => Fault::Missing,
            E::AlreadyExists { .. } | E::Precondition { .. } => Fault::Taken,
            _ if EXPIRED.iter().any(|code| what.contains(code)) => Fault::Credentials,
            _ if what.starts_with("HTTP 501 ") || what.contains("NotImplemented") => Fault::Unconditional,
            _ => Fault::Other,
        };
        Self::new(place, fault, what)
    }
}

/// The text of the error at the bottom.
fn cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// An answer in one line, as in `HTTP 403 Forbidden: AccessDenied: Access Denied`.
fn told(cause: &str) -> String {
    let Some(answer) = cause.strip_prefix(STATUS) else { return line(cause) };
    let (status, body) = answer.split_once(": ").unwrap_or((answer, ""));
    let part = |name: &str| {
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0)
    };
    let said = match (part("Code"), part("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => body.to_owned(),
    };
    let said = line(&said);
    if said.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status}: {said}") }
}

/// A text of anybody's in one line that a terminal only shows.
fn line(text: &str) -> String {
    let shown = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    shown.take(MAX_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_told_in_one_line_without_what_it_echoes() {
        let xml = "<?xml version=\"1.0\"?>\n<Error><Code>SignatureDoesNotMatch</Code><Message>The signature \
                   differs.</Message><AWSAccessKeyId>AKIA</AWSAccessKeyId></Error>";
        assert_eq!(
            told(&format!("{STATUS}403 Forbidden: {xml}")),
            "HTTP 403 Forbidden: SignatureDoesNotMatch: The signature differs."
        );
        assert_eq!(told(&format!("{STATUS}404 Not Found: ")), "HTTP 404 Not Found");
        assert_eq!(told(&format!("{STATUS}502 Bad Gateway: <html>\n")), "HTTP 502 Bad Gateway: <html>");
        assert_eq!(told("Connection refused (os error 111)"), "Connection refused (os error 111)");
    }

    #[test]
    fn what_matters_of_an_answer_is_told_apart_and_no_secret_is_echoed() {
        let of = |status: &str, code: &str| {
            let text = format!("{STATUS}{status}: <Code>{code}</Code><Message>not hush-hush-hush</Message>");
            let error = object_store::Error::Generic { store: "S3", source: text.into() };
            StorageError::of(Path::new("s3://b/k"), &error, &[Secret::new("hush-hush-hush".to_owned())])
        };
        let expired = of("400 Bad Request", "ExpiredToken");
        assert_eq!(expired.to_string(), "s3://b/k: HTTP 400 Bad Request: ExpiredToken: not [redacted]");
        assert_eq!(expired.fault, Fault::Credentials);
        assert_eq!(of("501 Not Implemented", "X").fault, Fault::Unconditional);
        assert_eq!(of("400 Bad Request", "NotImplemented").fault, Fault::Unconditional);
        assert_eq!(of("500 Internal Server Error", "InternalError").fault, Fault::Other);
    }
}
