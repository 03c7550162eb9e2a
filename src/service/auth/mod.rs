//! Authentication of requests, and IAM tokens.
//!
//! The time is always a parameter, so that skew, expiry and locks are tested without waiting.

mod iam;
mod refused;
mod secrets;
mod signature;
#[cfg(test)]
mod tests;
mod tokens;

use std::sync::Arc;

use axum::http::request::Parts;
use jiff::Timestamp;

pub use iam::Iam;
pub(super) use iam::{LoginError, PATH as IAM_PATH, issue};
pub(super) use refused::Refused;
pub use signature::AccessKey;
pub(super) use tokens::Tokens;

use crate::model::Secret;
use refused::TOKEN_HEADER;
use secrets::same;
use signature::Verifier;

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
