//! Why authentication failed.

use jiff::Timestamp;

use crate::service::errors;
use crate::sms::sign;

/// The header with a token.
pub(super) const TOKEN_HEADER: &str = "x-auth-token";

/// Why authentication failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::service) enum Refused {
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
    pub(in crate::service) fn code(&self) -> &'static str {
        match self {
            Self::ExpiredToken => errors::TOKEN_EXPIRED,
            _ => errors::NOT_AUTHENTICATED,
        }
    }
}
