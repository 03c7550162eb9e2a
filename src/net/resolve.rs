//! Name resolution with errors that say what they are.
//!
//! The standard library drops the resolver's code, and the HTTP client's own resolver panics when the system
//! refuses a thread.

use std::net::SocketAddr;
use std::thread;

use dns_lookup::{AddrInfoHints, LookupErrorKind, SockType, getaddrinfo};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::oneshot;

/// Why a name has no address.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResolveError {
    /// The name server says that there is no such host, or that it has no address.
    #[error("cannot find host {0}: no such host")]
    Unknown(String),
    /// The name server cannot be reached or does not answer.
    #[error("cannot resolve host {0}: the name server does not answer")]
    Unavailable(String),
    /// The system refused a thread.
    #[error("cannot resolve host {0}: the system refuses a thread: {1}")]
    Thread(String, std::io::Error),
}

/// The system's resolver, in a thread per request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        Box::pin(async move {
            let (sender, receiver) = oneshot::channel();
            let of_thread = host.clone();
            let resolve = move || drop(sender.send(resolve(&of_thread)));
            thread::Builder::new()
                .name("resolver".to_owned())
                .spawn(resolve)
                .map_err(|error| ResolveError::Thread(host.clone(), error))?;
            let addresses = receiver.await.unwrap_or(Err(ResolveError::Unavailable(host)))?;
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
    fn resolve_with_localhost_finds_a_loopback_address() {
        let addresses = resolve("localhost").unwrap();
        assert!(addresses.iter().all(|address| address.ip().is_loopback()), "{addresses:?}");
    }
}
