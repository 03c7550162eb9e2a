//! The authentication of requests, with its lifetime.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::credentials::AccessKey;
use crate::model::{Redactor, Secret};

/// The authentication of a request.
#[derive(Debug, Clone)]
pub(in crate::sms) enum Authority {
    None,
    Token(Secret),
    Key(AccessKey),
}

impl Authority {
    /// The secrets that a server may echo.
    pub(in crate::sms) fn secrets(&self) -> Vec<Secret> {
        match self {
            Self::None => Vec::new(),
            Self::Token(token) => vec![token.clone()],
            Self::Key(key) => [Some(&key.id), Some(&key.secret), key.security_token.as_ref()]
                .into_iter()
                .flatten()
                .cloned()
                .collect(),
        }
    }
}

/// An authority with its lifetime.
#[derive(Debug, Clone)]
pub(in crate::sms) struct Lease {
    pub(in crate::sms) authority: Authority,
    /// Redacts secrets that responses may echo, in all but evidence.
    pub(in crate::sms) redactor: Arc<Redactor>,
    /// Redacts them in evidence.
    pub(in crate::sms) evidence_redactor: Arc<Redactor>,
    /// Number of this lease, from 1; 0 for one that cannot be renewed.
    pub(super) serial: u64,
    /// When to renew it; none if the lifetime is unknown.
    pub(super) renew_at: Option<Timestamp>,
    pub(super) expires_at: Option<Timestamp>,
}

/// Time before the next renewal after a failed one.
pub(super) const RENEWAL_PAUSE: SignedDuration = SignedDuration::from_secs(60);

impl Lease {
    /// A lease whose secrets are not redacted yet.
    fn new(authority: Authority, renew_at: Option<Timestamp>, expires_at: Option<Timestamp>) -> Self {
        let redactor = Arc::new(Redactor::new([]));
        let evidence_redactor = Arc::clone(&redactor);
        Self { authority, redactor, evidence_redactor, serial: 0, renew_at, expires_at }
    }

    pub(super) fn lasting(authority: Authority, more: &[Secret]) -> Self {
        Self::new(authority, None, None).redacting(more)
    }

    /// Sets a redactor for its own secrets and `more`.
    pub(super) fn redacting(self, more: &[Secret]) -> Self {
        let secrets = self.authority.secrets();
        let redactor = Arc::new(Redactor::new(secrets.iter().chain(more)));
        let evidence_redactor = Arc::new(Redactor::of_evidence(secrets.iter().chain(more)));
        Self { redactor, evidence_redactor, ..self }
    }

    /// A lease that is renewed `margin` before it expires.
    pub(super) fn expiring(
        authority: Authority,
        expires_at: Option<Timestamp>,
        margin: SignedDuration,
    ) -> Self {
        let now = Timestamp::now();
        // One that has expired already shows that the clocks differ; then the service reports the expiry.
        let expires_at = expires_at.filter(|expires_at| *expires_at > now);
        let renew_at = expires_at
            .and_then(|expires_at| expires_at.checked_sub(margin).ok())
            .map(|renew_at| renew_at.max(now.saturating_add(RENEWAL_PAUSE).unwrap_or(now)));
        let renew_at = renew_at.zip(expires_at).map(|(renew_at, expires_at)| renew_at.min(expires_at));
        Self::new(authority, renew_at, expires_at)
    }

    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        self.renew_at.is_none_or(|renew_at| now < renew_at)
    }
}
