//! Authentication: from credentials to request headers.

mod credentials;
mod failure;
mod iam;
mod lease;
mod metadata;
mod reading;
mod sources;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Mutex;

use super::http::{ClientError, Http, HttpSettings, is_loopback, parse_endpoint};
use super::outcome::Outcome;
use crate::model::Secret;
use lease::RENEWAL_PAUSE;

pub use credentials::{AccessKey, Credentials, Login, Scope};
pub(super) use lease::{Authority, Lease};
pub use reading::{Granted, read_key, read_token};
pub use sources::{
    CredentialChoice, Environment, FindError, Found, Method, account, find, missing, secret_of_file,
};

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

#[cfg(test)]
mod tests;
