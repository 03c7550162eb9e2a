//! Authentication: from credentials to request headers.

mod iam;
mod metadata;
mod sources;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::http::{ClientError, Http, HttpSettings, is_loopback, parse_endpoint};
use super::outcome::{Failure, Outcome};
use crate::model::{FailureKind, Redactor, Secret};

pub use iam::Login;
pub use sources::{
    CredentialChoice, Environment, FindError, Found, Method, account, find, missing, secret_of_file,
};

/// How a client authenticates.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// No authentication.
    None,
    /// A token that was fetched elsewhere.
    Token(Secret),
    /// Signatures with an access key.
    Key(AccessKey),
    /// A token from IAM, renewed as needed.
    Password(Login),
    /// Signatures with the temporary key of the cloud server that this runs on.
    Metadata {
        /// The metadata service, as in `http://169.254.169.254`.
        endpoint: String,
    },
}

impl Credentials {
    /// Whether requests contain secrets.
    pub fn are_secret(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Whether requests are signed, which requires a correct clock.
    pub fn sign(&self) -> bool {
        matches!(self, Self::Key(_) | Self::Metadata { .. })
    }
}

/// An access key, AK and SK.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// AK: the key's id.
    pub id: Secret,
    /// SK: never sent.
    pub secret: Secret,
    /// The security token of a temporary key.
    pub security_token: Option<Secret>,
}

/// Project and account of signed requests; by default those of the key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The value of `X-Project-Id`.
    pub project_id: Option<String>,
    /// The value of `X-Domain-Id`.
    pub domain_id: Option<String>,
}

/// The authentication of a request.
#[derive(Debug, Clone)]
pub(super) enum Authority {
    None,
    Token(Secret),
    Key(AccessKey),
}

impl Authority {
    /// The secrets that a server may echo.
    pub(super) fn secrets(&self) -> Vec<Secret> {
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
pub(super) struct Lease {
    pub(super) authority: Authority,
    /// Redacts secrets that responses may echo.
    pub(super) redactor: Arc<Redactor>,
    /// Number of this lease, from 1; 0 for one that cannot be renewed.
    serial: u64,
    /// When to renew it; none if the lifetime is unknown.
    renew_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

/// Time before the next renewal after a failed one.
const RENEWAL_PAUSE: SignedDuration = SignedDuration::from_secs(60);

impl Lease {
    fn lasting(authority: Authority, more: &[Secret]) -> Self {
        Self { authority, redactor: Arc::new(Redactor::new([])), serial: 0, renew_at: None, expires_at: None }
            .redacting(more)
    }

    /// Sets a redactor for its own secrets and `more`.
    fn redacting(self, more: &[Secret]) -> Self {
        let redactor = Redactor::new(self.authority.secrets().iter().chain(more));
        Self { redactor: Arc::new(redactor), ..self }
    }

    /// A lease that is renewed `margin` before it expires.
    fn expiring(authority: Authority, expires_at: Option<Timestamp>, margin: SignedDuration) -> Self {
        let now = Timestamp::now();
        // One that has expired already shows that the clocks differ; then the service reports the expiry.
        let expires_at = expires_at.filter(|expires_at| *expires_at > now);
        let renew_at = expires_at
            .and_then(|expires_at| expires_at.checked_sub(margin).ok())
            .map(|renew_at| renew_at.max(now.saturating_add(RENEWAL_PAUSE).unwrap_or(now)));
        let renew_at = renew_at.zip(expires_at).map(|(renew_at, expires_at)| renew_at.min(expires_at));
        Self { authority, redactor: Arc::new(Redactor::new([])), serial: 0, renew_at, expires_at }
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        self.renew_at.is_none_or(|renew_at| now < renew_at)
    }
}

/// Authenticates requests. Renews expired credentials once for all waiting requests.
#[derive(Debug)]
pub(super) struct Authenticator {
    source: Source,
    /// Secrets that responses may echo besides those of the lease.
    more: Vec<Secret>,
    slot: Mutex<Slot>,
    /// Number of finished renewals.
    renewals: AtomicU64,
    /// The serial of the newest accepted lease.
    newest_accepted: AtomicU64,
}

#[derive(Debug)]
enum Source {
    Fixed(Box<Lease>),
    Iam(Http, Login),
    Metadata(Http, String),
}

#[derive(Debug, Default)]
struct Slot {
    lease: Option<Lease>,
    /// Number of leases obtained.
    obtained: u64,
    /// The failure of the last renewal.
    failed: Option<Outcome>,
}

impl Authenticator {
    /// `more` are secrets that responses may echo besides the credentials.
    pub(super) fn new(
        credentials: Credentials,
        settings: &HttpSettings,
        more: &[Secret],
    ) -> Result<Self, ClientError> {
        let mut more = more.to_vec();
        let fixed = |authority| Source::Fixed(Box::new(Lease::lasting(authority, &more)));
        let source = match credentials {
            Credentials::None => fixed(Authority::None),
            Credentials::Token(token) => fixed(Authority::Token(token)),
            Credentials::Key(key) => fixed(Authority::Key(key)),
            Credentials::Password(login) => {
                let endpoint = parse_endpoint(&login.endpoint, true, settings.allow_http)
                    .map_err(|error| ClientError::Iam(Box::new(error)))?;
                more.push(login.password.clone());
                Source::Iam(Http::new(settings, !is_loopback(&endpoint))?, login)
            }
            Credentials::Metadata { endpoint } => {
                let quick = HttpSettings {
                    timeout: Duration::from_secs(5),
                    connect_timeout: Duration::from_secs(2),
                    ..settings.clone()
                };
                Source::Metadata(Http::new(&quick, false)?, endpoint)
            }
        };
        let (renewals, newest_accepted) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Self { source, more, slot: Mutex::default(), renewals, newest_accepted })
    }

    /// The current lease, renewed if necessary.
    ///
    /// # Errors
    /// [`Outcome::Refused`] when there are no credentials, [`Outcome::Failed`] when a retry may help.
    pub(super) async fn lease(&self) -> Result<Lease, Outcome> {
        if let Source::Fixed(lease) = &self.source {
            return Ok(Lease::clone(lease));
        }
        let renewals = self.renewals.load(Ordering::Acquire);
        let mut slot = self.slot.lock().await;
        let now = Timestamp::now();
        if let Some(lease) = slot.lease.as_ref().filter(|lease| lease.is_fresh(now)) {
            return Ok(lease.clone());
        }
        // Requests that waited for another one's renewal share its failure.
        if self.renewals.load(Ordering::Acquire) != renewals
            && let Some(failed) = &slot.failed
        {
            return Err(failed.clone());
        }
        let obtained = match &self.source {
            Source::Fixed(lease) => Ok(Lease::clone(lease)),
            Source::Iam(http, login) => iam::log_in(http, login).await,
            Source::Metadata(http, endpoint) => metadata::key(http, endpoint).await,
        };
        self.renewals.fetch_add(1, Ordering::Release);
        match obtained {
            Ok(lease) => {
                slot.obtained += 1;
                let lease = Lease { serial: slot.obtained, ..lease.redacting(&self.more) };
                slot.failed = None;
                slot.lease = Some(lease.clone());
                Ok(lease)
            }
            Err(failed) => match &mut slot.lease {
                Some(lease) if lease.expires_at.is_some_and(|expires_at| now < expires_at) => {
                    lease.renew_at = now.checked_add(RENEWAL_PAUSE).ok();
                    Ok(lease.clone())
                }
                _ => {
                    slot.failed = Some(failed.clone());
                    Err(failed)
                }
            },
        }
    }

    /// Records that the service accepted a lease.
    pub(super) fn accepted(&self, lease: &Lease) {
        self.newest_accepted.fetch_max(lease.serial, Ordering::Relaxed);
    }

    /// Whether to retry a request with a new token after the service reported its token as expired.
    ///
    /// A token that was never accepted is replaced only once: if the next one is rejected too, more requests could
    /// lock the account.
    pub(super) async fn outdated(&self, lease: &Lease) -> bool {
        if !matches!(self.source, Source::Iam(..)) {
            return false;
        }
        let mut slot = self.slot.lock().await;
        if slot.lease.as_ref().is_some_and(|current| current.serial != lease.serial) || slot.lease.is_none() {
            return true;
        }
        let may_renew = lease.serial == 1 || self.newest_accepted.load(Ordering::Relaxed) >= lease.serial;
        if may_renew {
            slot.lease = None;
        }
        may_renew
    }
}

/// A permanent failure to obtain credentials.
fn refused(what: String) -> Outcome {
    Outcome::Refused(Failure::new(FailureKind::Credentials, what))
}

/// A failure of the service that issues credentials.
fn credential_error(failure: Failure, service: &str) -> Outcome {
    let is_transient = failure.is_transient();
    let failure = Failure { what: format!("{service}: {}", failure.what), ..failure };
    if is_transient { Outcome::Failed(failure) } else { Outcome::Refused(failure) }
}

#[cfg(test)]
mod tests;
