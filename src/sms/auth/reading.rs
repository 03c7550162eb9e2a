//! Reads answers with credentials without a connection, for the fuzz targets.

use jiff::Timestamp;

use super::lease::Lease;
use super::{iam, metadata};
use crate::model::Secret;

/// The credentials of an answer.
#[derive(Debug)]
pub struct Granted {
    /// The secrets to redact.
    pub secrets: Vec<Secret>,
    /// When they are renewed; none if their lifetime is unknown.
    pub renew_at: Option<Timestamp>,
    /// When they expire.
    pub expires_at: Option<Timestamp>,
}

/// What IAM grants in a successful response with this `X-Subject-Token` and body.
pub fn read_token(token: Option<String>, body: &[u8]) -> Option<Granted> {
    iam::granted(token, body).map(Granted::of)
}

/// What the metadata service grants in a successful response with this body.
pub fn read_key(body: &[u8]) -> Option<Granted> {
    metadata::granted(body).map(Granted::of)
}

impl Granted {
    fn of(lease: Lease) -> Self {
        let Lease { authority, renew_at, expires_at, .. } = lease;
        Self { secrets: authority.secrets(), renew_at, expires_at }
    }
}
