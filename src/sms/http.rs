//! HTTP with limits: sends a request, returns a complete response or a failure.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use reqwest::header::{ACCEPT_ENCODING, HeaderMap};
use reqwest::{StatusCode, Url};

use super::outcome::Failure;
use crate::answer::{ErrorBody, retry_after};
use crate::model::{ClockOffset, FailureKind, Secret};
use crate::net::{self, ACCEPTED, BodyError, BodyReader, Cause, Proxies, ProxyError, TrustError, trusted};

pub(super) use crate::net::is_loopback;

/// Limits and security settings of every request.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Total timeout of a request.
    pub timeout: Duration,
    /// Connect timeout.
    pub connect_timeout: Duration,
    /// Maximum body size, in bytes after decompression.
    pub max_response: u64,
    /// PEM file with certificates to trust in addition to the system's.
    pub ca_cert: Option<PathBuf>,
    /// Allows credentials over plain HTTP to other machines.
    pub allow_http: bool,
}

/// Invalid settings of a [`Connection`](super::Connection).
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it is")]
pub enum ClientError {
    #[error("`{0}` is not a valid endpoint; write it like https://sms.ap-southeast-3.myhuaweicloud.com")]
    Endpoint(String),
    #[error("the endpoint contains a user name or password; set credentials in the environment instead")]
    CredentialsInUrl,
    #[error(
        "credentials would be sent unencrypted to {0}; use https, or --allow-http if the network is trusted"
    )]
    PlainHttp(String),
    #[error(
        "the {0} contains characters that are invalid in a header; check that it was copied completely, on one line"
    )]
    Header(&'static str),
    #[error("--ca-cert {path}: {what}", path = .0.display(), what = .1)]
    CaCert(PathBuf, TrustError),
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    #[error("IAM endpoint (HUAWEICLOUD_SDK_IAM_ENDPOINT or the profile's iam_endpoint): {0}")]
    Iam(Box<ClientError>),
    #[error("cannot start the HTTP client: {0}")]
    Http(String),
}

/// An HTTP client for one server.
#[derive(Debug)]
pub struct Http {
    client: reqwest::Client,
    max_response: u64,
    /// None if no proxy is used.
    proxies: Option<Arc<Proxies>>,
}

/// A response of any status, with its body.
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
    /// Why the body of an error response could not be read; the body is empty then.
    pub fault: Option<String>,
    /// How far the server's clock is ahead of this machine's.
    pub clock_offset: Option<ClockOffset>,
}

impl Http {
    /// A client that follows no redirects, and uses the proxies of the environment if `proxied`.
    ///
    /// # Errors
    /// [`ClientError`] if a setting is invalid.
    pub fn new(settings: &HttpSettings, proxied: bool) -> Result<Self, ClientError> {
        let mut builder = net::builder().connect_timeout(settings.connect_timeout).timeout(settings.timeout);
        let proxies = proxied.then(Proxies::of_environment).transpose()?.map(Arc::new);
        if proxies.is_none() {
            builder = builder.no_proxy();
        }
        if let Some(path) = &settings.ca_cert {
            let certificates = trusted(path).map_err(|error| ClientError::CaCert(path.clone(), error))?;
            builder = builder.tls_certs_merge(certificates);
        }
        let client = builder.build().map_err(|error| ClientError::Http(error.without_url().to_string()))?;
        Ok(Self { client, max_response: settings.max_response, proxies })
    }

    /// Begins a request.
    pub fn request(&self, method: reqwest::Method, url: Url) -> reqwest::RequestBuilder {
        self.client.request(method, url).header(ACCEPT_ENCODING, ACCEPTED)
    }

    /// The proxy passwords, which a response may echo.
    pub fn secrets(&self) -> &[Secret] {
        self.proxies.as_ref().map_or(&[], |proxies| proxies.secrets())
    }

    /// Sends `request` and reads the complete response.
    ///
    /// If the body of an error response cannot be read, its status is still used, with the reason as the message.
    ///
    /// # Errors
    /// [`Failure`] if there is no response.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, Failure> {
        let sent = Timestamp::now();
        let mut response = request.send().await.map_err(|error| self.failure(&error))?;
        let clock_offset = clock_offset(response.headers(), sent, Timestamp::now());
        let (body, fault) = match self.read(&mut response).await {
            Err(failure) if response.status().is_success() => return Err(failure),
            Err(failure) => (Vec::new(), Some(failure.what)),
            Ok(body) => (body, None),
        };
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        Ok(Answer { status, headers, body, fault, clock_offset })
    }

    async fn read(&self, response: &mut reqwest::Response) -> Result<Vec<u8>, Failure> {
        let length = response.content_length();
        let mut body = BodyReader::new(response.headers(), length, self.max_response)?;
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => body.push(&chunk)?,
                Ok(None) => return Ok(body.finish()?),
                // An error of a body has no URL.
                Err(error) => return Err(self.failure(&error.with_url(response.url().clone()))),
            }
        }
    }

    fn failure(&self, error: &reqwest::Error) -> Failure {
        let Some(url) = error.url() else {
            return Failure::new(FailureKind::Other, "cannot send the request".to_owned());
        };
        let proxy = self.proxies.as_ref().and_then(|proxies| proxies.for_url(url));
        Cause::of(error, url, proxy.as_deref()).into()
    }
}

impl From<BodyError> for Failure {
    fn from(error: BodyError) -> Self {
        let kind = match error {
            BodyError::TooLarge(_) => FailureKind::TooLarge,
            BodyError::Coding(_) => FailureKind::ContentCoding,
            BodyError::Damaged => FailureKind::Protocol,
        };
        Self::new(kind, error.to_string())
    }
}

impl Answer {
    /// A header's value, if it is valid text.
    pub fn header(&self, name: &str) -> Option<String> {
        Some(self.headers.get(name)?.to_str().ok()?.to_owned())
    }

    /// The server's clock.
    pub fn date(&self) -> Option<SystemTime> {
        date(&self.headers)
    }

    /// The failure of an error response; `body` is its body with secrets redacted.
    pub fn failure(&self, body: &[u8]) -> Failure {
        let mut error = ErrorBody::parse(body);
        error.message = error.message.or_else(|| self.fault.clone());
        Failure {
            kind: FailureKind::Status,
            status: Some(self.status.as_u16()),
            error,
            what: status_text(self.status),
            advice: None,
            retry_after: self.header("retry-after").and_then(|value| retry_after(&value, SystemTime::now())),
            date: self.date(),
            clock_offset: self.clock_offset,
        }
    }
}

fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get("date")?.to_str().ok()?).ok()
}

/// The offset of the server's clock. A response with `Age` comes from a cache and has an old `Date`.
fn clock_offset(headers: &HeaderMap, sent: Timestamp, received: Timestamp) -> Option<ClockOffset> {
    if headers.contains_key("age") {
        return None;
    }
    ClockOffset::measure(Timestamp::try_from(date(headers)?).ok()?, sent, received)
}

/// Parses an endpoint; refuses plain HTTP that would expose credentials.
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
        // Even an invalid URL may contain a password.
        _ if text.contains('@') => return Err(ClientError::CredentialsInUrl),
        _ => return Err(ClientError::Endpoint(without_query(text).to_owned())),
    };
    if secret && url.scheme() == "http" && !is_loopback(&url) && !allow_http {
        return Err(ClientError::PlainHttp(url.host_str().unwrap_or_default().to_owned()));
    }
    Ok(url)
}

/// The URL without its query, which may contain secrets.
pub fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

/// As in `HTTP 503 Service Unavailable`.
fn status_text(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("HTTP {} {reason}", status.as_u16()),
        None => format!("HTTP {}", status.as_u16()),
    }
}
