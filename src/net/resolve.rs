//! Name resolution with typed errors.
//!
//! The standard library drops the resolver's code, and the HTTP client's own resolver panics when the system
//! refuses a thread.

use std::net::SocketAddr;

use dns_lookup::{AddrInfoHints, LookupErrorKind, SockType, getaddrinfo};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::threads::run_blocking;

/// Why a name has no address.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResolveError {
    /// The host does not exist, or has no address.
    #[error("cannot find host {0}: no such host")]
    Unknown(String),
    /// The name server cannot be reached or does not answer.
    #[error("cannot resolve host {0}: the name server does not answer")]
    Unavailable(String),
}

/// The system's resolver, in a thread per request, or on the calling thread where the system refuses one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        Box::pin(async move {
            let of_thread = host.clone();
            let addresses = match run_blocking(move || resolve(&of_thread)).await {
                Ok(addresses) => addresses?,
                // Without a thread, resolve here; other requests wait.
                Err(_) => resolve(&host)?,
            };
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

fn resolve(host: &str) -> Result<Vec<SocketAddr>, ResolveError> {
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let found = getaddrinfo(Some(host), None, Some(hints)).map_err(|error| match error.kind() {
        LookupErrorKind::NoName | LookupErrorKind::NoData => ResolveError::Unknown(host.to_owned()),
        _ => ResolveError::Unavailable(host.to_owned()),
    })?;
    let addresses: Vec<SocketAddr> = found.filter_map(|found| Some(found.ok()?.sockaddr)).collect();
    if addresses.is_empty() { Err(ResolveError::Unknown(host.to_owned())) } else { Ok(addresses) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_resolves_to_loopback() {
        let addresses = resolve("localhost").unwrap();
        assert!(addresses.iter().all(|address| address.ip().is_loopback()), "{addresses:?}");
    }
}
