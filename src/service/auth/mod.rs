//! Authentication of requests, and IAM tokens.
//!
//! The time is always a parameter, so that skew, expiry and locks are tested without waiting.

mod iam;
mod signature;
#[cfg(test)]
mod tests;
mod tokens;

use std::sync::Arc;

use axum::http::request::Parts;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

pub use iam::Iam;
pub(super) use iam::{LoginError, PATH as IAM_PATH, issue};
pub use signature::AccessKey;
pub(super) use tokens::Tokens;

use super::errors;
use crate::model::Secret;
use crate::sms::sign;
use signature::Verifier;

/// The header with a token.
const TOKEN_HEADER: &str = "x-auth-token";

/// How clients must authenticate; IAM's own call needs no authentication.
#[derive(Debug, Clone, Default)]
pub enum Auth {
    /// No authentication.
    #[default]
    None,
    /// A token that this service issued, or this one.
    Token(Option<Secret>),
    /// Signatures with this key.
    Aksk(AccessKey),
}

/// Why authentication failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("there is no {TOKEN_HEADER} header; this service takes tokens")]
    MissingToken,
    #[error("the token is not known")]
    UnknownToken,
    #[error("the token has expired; get a new one")]
    ExpiredToken,
    #[error(
        "there is no Authorization header of {}; this service takes signatures by access key",
        sign::ALGORITHM
    )]
    NoSignature,
    #[error("the Authorization header must be {} Access=…, SignedHeaders=…, Signature=…", sign::ALGORITHM)]
    Unreadable,
    #[error("the access key is not known")]
    UnknownKey,
    #[error("the access key is locked until {0:.0}, after too many failures in a row")]
    Locked(Timestamp),
    #[error("{0} is not among the signed headers")]
    NotSigned(&'static str),
    #[error("the signed header {0} must be there once, as UTF-8")]
    NoSuchHeader(String),
    #[error("the query is not UTF-8")]
    Query,
    #[error("{} must be a time such as {}, not {date}", sign::DATE_HEADER, sign::date(*now))]
    NoDate { date: String, now: Timestamp },
    #[error("{} {date} is more than 15 minutes from this service's time, {}", sign::DATE_HEADER, sign::date(*now))]
    Skewed { date: String, now: Timestamp },
    #[error("the signature is not that of the request")]
    WrongSignature,
    #[error("the security token is not that of the access key")]
    WrongSecurityToken,
}

impl Refused {
    /// The gateway's code for it.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::ExpiredToken => errors::TOKEN_EXPIRED,
            _ => errors::NOT_AUTHENTICATED,
        }
    }
}

/// Authenticates requests.
pub(super) enum Guard {
    Open,
    Tokens { issued: Arc<Tokens>, fixed: Option<Secret> },
    Signatures(Verifier),
}

impl Guard {
    pub(super) fn new(auth: Auth, issued: Arc<Tokens>) -> Self {
        match auth {
            Auth::None => Self::Open,
            Auth::Token(fixed) => Self::Tokens { issued, fixed },
            Auth::Aksk(key) => Self::Signatures(Verifier::new(key)),
        }
    }

    /// Checks a request that was received at `now`.
    pub(super) fn check(&self, head: &Parts, body: &[u8], now: Timestamp) -> Result<(), Refused> {
        match self {
            _ if head.uri.path() == IAM_PATH => Ok(()),
            Self::Open => Ok(()),
            Self::Tokens { issued, fixed } => {
                let token = head.headers.get(TOKEN_HEADER).ok_or(Refused::MissingToken)?;
                let is_fixed = |fixed: &Secret| same(token.as_bytes(), fixed.expose().as_bytes());
                if fixed.as_ref().is_some_and(is_fixed) {
                    Ok(())
                } else {
                    issued.check(token.as_bytes(), now)
                }
            }
            Self::Signatures(verifier) => verifier.check(head, body, now),
        }
    }
}

/// Compares two secrets by their digests, so that timing reveals nothing about them.
fn same(one: &[u8], other: &[u8]) -> bool {
    Sha256::digest(one) == Sha256::digest(other)
}

/// Random bytes of the operating system.
#[expect(clippy::expect_used, reason = "the systems that are supported always have random bytes")]
fn random<const LENGTH: usize>() -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).expect("random bytes of the operating system");
    bytes
}
