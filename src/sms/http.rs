//! HTTP with bounds: a request in, a whole answer or a failure out.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url};

use super::outcome::{Failure, Unreachable};
use super::retry::is_transient;
use crate::answer::{ErrorBody, retry_after};

/// What rustls says of a certificate that is not to be trusted, and what systems say of a host that
/// there is not. The code of the latter's error is nowhere to be had.
const LASTING: [&str; 5] = [
    "invalid peer certificate",
    "Name or service not known",
    "Name does not resolve",
    "nodename nor servname provided",
    "No such host is known",
];

/// What bounds and protects every request.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// The time for one request from connecting to the last byte.
    pub timeout: Duration,
    /// The time for a connection to stand.
    pub connect_timeout: Duration,
    /// The largest body that is read, in bytes after decompression.
    pub max_response: u64,
    /// Certificates to trust beside the system's, as PEM.
    pub ca_cert: Option<PathBuf>,
    /// Lets credentials travel over plain HTTP to other machines.
    pub allow_http: bool,
}

/// Why no client can be made of a [`Connection`](super::Connection).
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it is")]
pub enum ClientError {
    #[error("`{0}` is not an endpoint; write it as https://sms.ap-southeast-3.myhuaweicloud.com")]
    Endpoint(String),
    #[error("the endpoint holds a user name or password; give credentials by the environment instead")]
    CredentialsInUrl,
    #[error(
        "credentials would travel unencrypted to {0}; use https, or --allow-http if the network is trusted"
    )]
    PlainHttp(String),
    #[error(
        "the {0} holds characters that a header cannot carry; check that it was copied whole, on one line"
    )]
    Header(&'static str),
    #[error("--ca-cert {path}: {what}", path = .0.display(), what = .1)]
    CaCert(PathBuf, String),
    #[error("IAM, by HUAWEICLOUD_SDK_IAM_ENDPOINT or the profile's iam_endpoint: {0}")]
    Iam(Box<ClientError>),
    #[error("the HTTP client cannot start: {0}")]
    Http(String),
}

/// A client for requests to one place.
#[derive(Debug)]
pub(super) struct Http {
    client: reqwest::Client,
    max_response: u64,
}

/// An answer with its whole body, whatever its status.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Http {
    /// A client that goes through the proxies of the environment if `proxied`, and never to where a
    /// redirect points: it would carry the credentials there.
    pub(super) fn new(settings: &HttpSettings, proxied: bool) -> Result<Self, ClientError> {
        // Fails only when a provider is there already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("cutover-report/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.timeout)
            .tcp_nodelay(true);
        if !proxied {
            builder = builder.no_proxy();
        }
        if let Some(path) = &settings.ca_cert {
            let fault = |what: String| ClientError::CaCert(path.clone(), what);
            let pem = std::fs::read(path).map_err(|error| fault(error.to_string()))?;
            let certificates =
                reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| fault(describe(error)))?;
            if certificates.is_empty() {
                return Err(fault("holds no PEM certificate".to_owned()));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        let client = builder.build().map_err(|error| match &settings.ca_cert {
            // What is in a PEM file is looked at only now.
            Some(path) => ClientError::CaCert(path.clone(), describe(error)),
            None => ClientError::Http(describe(error)),
        })?;
        Ok(Self { client, max_response: settings.max_response })
    }

    pub(super) fn request(&self, method: reqwest::Method, url: Url) -> reqwest::RequestBuilder {
        self.client.request(method, url)
    }

    /// Sends `request` and reads the whole answer.
    ///
    /// What a refusal says of itself may be lost on the way, but never that it is one: if the body
    /// of an answer other than a success cannot be read, it counts as empty.
    pub(super) async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, Failure> {
        let mut response = request.send().await.map_err(broken)?;
        let body = match self.read(&mut response).await {
            Err(failure) if response.status().is_success() => return Err(failure),
            body => body.unwrap_or_default(),
        };
        Ok(Answer { status: response.status(), headers: std::mem::take(response.headers_mut()), body })
    }

    /// Reads the body chunk by chunk, so that neither a wrong length nor a compressed bomb grows past
    /// the cap.
    async fn read(&self, response: &mut reqwest::Response) -> Result<Vec<u8>, Failure> {
        let too_large = || {
            let what = format!("the answer is larger than {} bytes (--max-response)", self.max_response);
            Failure::broken(what, false)
        };
        if response.content_length().is_some_and(|length| length > self.max_response) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            let length = u64::try_from(body.len() + chunk.len()).unwrap_or(u64::MAX);
            if length > self.max_response {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

impl Answer {
    /// A header's value, if it is text.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        Some(self.headers.get(name)?.to_str().ok()?.to_owned())
    }

    /// The server's clock.
    pub(super) fn date(&self) -> Option<SystemTime> {
        httpdate::parse_http_date(&self.header("date")?).ok()
    }

    /// What an answer other than a success says; `body` is the answer's without any secret.
    pub(super) fn failure(&self, body: &[u8]) -> Failure {
        Failure {
            status: Some(self.status.as_u16()),
            error: ErrorBody::parse(body),
            what: status_text(self.status),
            transient: is_transient(self.status.as_u16()),
            unreachable: None,
            retry_after: self.header("retry-after").and_then(|value| retry_after(&value, SystemTime::now())),
            date: self.date(),
        }
    }
}

fn broken(error: reqwest::Error) -> Failure {
    let is_connect = error.is_connect();
    let what = describe(error);
    let lasts = LASTING.iter().any(|said| what.contains(said));
    let why = if lasts { Unreachable::Lasting } else { Unreachable::Passing };
    Failure { unreachable: is_connect.then_some(why), ..Failure::broken(what, true) }
}

/// Reads an address and refuses what would carry credentials unprotected.
pub(super) fn parse_endpoint(text: &str, secret: bool, allow_http: bool) -> Result<Url, ClientError> {
    let has_user = |url: &Url| !url.username().is_empty() || url.password().is_some();
    let usable = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    let url = match Url::parse(text) {
        Ok(url) if has_user(&url) => return Err(ClientError::CredentialsInUrl),
        Ok(url) if usable(&url) => url,
        // What is no address may hold a password all the same.
        _ if text.contains('@') => return Err(ClientError::CredentialsInUrl),
        _ => return Err(ClientError::Endpoint(without_query(text).to_owned())),
    };
    if secret && url.scheme() == "http" && !is_loopback(&url) && !allow_http {
        return Err(ClientError::PlainHttp(url.host_str().unwrap_or_default().to_owned()));
    }
    Ok(url)
}

/// Whether the address is this machine's own.
pub(super) fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

/// The part of an address that is fit to be shown.
pub(super) fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

/// As in `HTTP 503 Service Unavailable`.
fn status_text(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("HTTP {} {reason}", status.as_u16()),
        None => format!("HTTP {}", status.as_u16()),
    }
}

/// The cause at the bottom of an error, which is the part that tells; never its URL.
fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    if error.is_timeout() {
        return if error.is_connect() { "connecting timed out" } else { "the request timed out" }.to_owned();
    }
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
