//! Who asks: from credentials to the headers of one request.

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
pub use sources::{Environment, FindError, Found, Method, Wanted, account, find, missing};

/// How a client proves who it is.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Not at all.
    None,
    /// By a token that somebody else fetched.
    Token(Secret),
    /// By signatures with an access key.
    Key(AccessKey),
    /// By a token from IAM, renewed as needed.
    Password(Login),
    /// By signatures with the temporary key that the cloud gives to the server this runs on.
    Metadata {
        /// The metadata service, as in `http://169.254.169.254`.
        endpoint: String,
    },
}

impl Credentials {
    /// Whether anything is sent that must not be overheard.
    pub fn are_secret(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Whether requests are signed, for which the clock must be right.
    pub fn sign(&self) -> bool {
        matches!(self, Self::Key(_) | Self::Metadata { .. })
    }
}

/// An access key, AK and SK.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// AK: says whose key it is.
    pub id: Secret,
    /// SK: never sent.
    pub secret: Secret,
    /// What a temporary key comes with.
    pub security_token: Option<Secret>,
}

/// The project and the account that signed requests act for; the key's own where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The value of `X-Project-Id`.
    pub project_id: Option<String>,
    /// The value of `X-Domain-Id`.
    pub domain_id: Option<String>,
}

/// What one request is authenticated with.
#[derive(Debug, Clone)]
pub(super) enum Authority {
    None,
    Token(Secret),
    Key(AccessKey),
}

impl Authority {
    /// What a server might echo of it.
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

/// An authority for as long as it lasts.
#[derive(Debug, Clone)]
pub(super) struct Lease {
    pub(super) authority: Authority,
    /// Redacts what the answers to its requests may echo.
    pub(super) redactor: Arc<Redactor>,
    /// How many were obtained up to this one; 0 for one that nobody can renew.
    serial: u64,
    /// When to get a new one; never if it is not known how long it lasts.
    renew_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

/// How long a lease is used on after an attempt to renew it came to nothing.
const RENEWAL_PAUSE: SignedDuration = SignedDuration::from_secs(60);

impl Lease {
    fn lasting(authority: Authority, more: &[Secret]) -> Self {
        Self { authority, redactor: Arc::new(Redactor::new([])), serial: 0, renew_at: None, expires_at: None }
            .redacting(more)
    }

    /// The lease with a redactor of its own secrets and `more`.
    fn redacting(self, more: &[Secret]) -> Self {
        let redactor = Redactor::new(self.authority.secrets().iter().chain(more));
        Self { redactor: Arc::new(redactor), ..self }
    }

    /// A lease to be renewed `margin` before it expires.
    fn expiring(authority: Authority, expires_at: Option<Timestamp>, margin: SignedDuration) -> Self {
        let now = Timestamp::now();
        // One that is over at birth says that the clocks differ; the service will tell when it is.
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

/// Gives each request its authority, and renews what expires, once for all who wait for it.
#[derive(Debug)]
pub(super) struct Authenticator {
    source: Source,
    /// Secrets that answers may echo besides those of the lease.
    more: Vec<Secret>,
    slot: Mutex<Slot>,
    /// How many renewals have ended.
    renewals: AtomicU64,
    /// The serial of the newest lease that the service has accepted.
    proven: AtomicU64,
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
    /// How many leases were obtained.
    obtained: u64,
    /// What came of the last renewal, if no lease.
    failed: Option<Outcome>,
}

impl Authenticator {
    /// `more` are secrets that answers may echo besides the credentials.
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
        let (renewals, proven) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Self { source, more, slot: Mutex::default(), renewals, proven })
    }

    /// What to authenticate a request with now.
    ///
    /// # Errors
    /// [`Outcome::Refused`] when there are no credentials to be had, [`Outcome::Failed`] when they
    /// could not be had this time.
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
        // Who waited while another one tried shares what came of it.
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

    /// Notes that the service accepted a lease.
    pub(super) fn accepted(&self, lease: &Lease) {
        self.proven.fetch_max(lease.serial, Ordering::Relaxed);
    }

    /// Whether a request whose token the service calls outdated may be made again with a new one.
    ///
    /// A token that was never accepted is replaced once only: if its successor is outdated too,
    /// asking on could lock the account.
    pub(super) async fn outdated(&self, lease: &Lease) -> bool {
        if !matches!(self.source, Source::Iam(..)) {
            return false;
        }
        let mut slot = self.slot.lock().await;
        if slot.lease.as_ref().is_some_and(|current| current.serial != lease.serial) || slot.lease.is_none() {
            return true;
        }
        let may_renew = lease.serial == 1 || self.proven.load(Ordering::Relaxed) >= lease.serial;
        if may_renew {
            slot.lease = None;
        }
        may_renew
    }
}

/// Credentials that are not to be had, and that asking again does not bring.
fn refused(what: String) -> Outcome {
    Outcome::Refused(Failure::new(FailureKind::Credentials, what))
}

/// A failure to get credentials, by what the service that gives them says.
fn unobtained(failure: Failure, service: &str) -> Outcome {
    let is_transient = failure.is_transient();
    let failure = Failure { what: format!("{service}: {}", failure.what), ..failure };
    if is_transient { Outcome::Failed(failure) } else { Outcome::Refused(failure) }
}

#[cfg(test)]
mod tests;
