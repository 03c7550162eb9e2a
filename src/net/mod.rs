//! Shared by all HTTP clients: certificates, proxies, name resolution, content codings, and error classification.

mod cause;
mod coding;
mod proxy;
mod resolve;
mod trust;

use std::net::IpAddr;

use reqwest::Url;

pub use cause::{Cause, is_certificate};
pub use coding::{ACCEPTED, BodyError, BodyReader};
pub use proxy::{Proxies, ProxyError};
pub use trust::{TrustError, trusted};

/// The common settings: no redirects, which could leak credentials, no built-in retries, and no built-in content
/// decoding.
pub fn builder() -> reqwest::ClientBuilder {
    // Fails only when a provider is already installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(concat!("cutover-report/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .tcp_nodelay(true)
        .dns_resolver(resolve::Resolver)
}

/// Whether the host is this machine.
pub fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}
