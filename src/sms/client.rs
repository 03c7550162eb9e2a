//! One request at a time over HTTP. Waiting and trying again are the caller's.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, StatusCode, Url};

use super::error_body::{ErrorBody, retry_after};
use super::retry::is_transient;
use super::sign::encode;
use crate::model::{Secret, TaskId};

/// The header by which the embedded service marks its answers as sample data.
const SAMPLE_HEADER: &str = "x-sample-data";

/// How to reach the API.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The address, as in `https://sms.ap-southeast-3.myhuaweicloud.com`.
    pub endpoint: String,
    /// The value of `X-Auth-Token`; none sends no credentials.
    pub token: Option<Secret>,
    /// Lets a token travel over plain HTTP to another machine.
    pub allow_http: bool,
    /// The time for one request from connecting to the last byte.
    pub timeout: Duration,
    /// The time for a connection to stand.
    pub connect_timeout: Duration,
    /// The largest body that is read, in bytes after decompression.
    pub max_response: u64,
    /// Certificates to trust beside the system's, as PEM.
    pub ca_cert: Option<PathBuf>,
}

/// Why no client can be made of a [`Connection`].
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it is")]
pub enum ClientError {
    #[error("`{0}` is not an endpoint; write it as https://sms.ap-southeast-3.myhuaweicloud.com")]
    Endpoint(String),
    #[error("the endpoint holds a user name or password; give credentials by the environment instead")]
    CredentialsInUrl,
    #[error(
        "the token would travel unencrypted to {0}; use https, or --allow-http if the network is trusted"
    )]
    PlainHttp(String),
    #[error(
        "the token holds characters that a header cannot carry; check that it was copied whole, on one line"
    )]
    Token,
    #[error("--ca-cert {path}: {what}", path = .0.display(), what = .1)]
    CaCert(PathBuf, String),
    #[error("the HTTP client cannot start: {0}")]
    Http(String),
}

/// A successful answer, not yet read for what it says.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status, 200 to 299.
    pub status: u16,
    /// The service's id of the request.
    pub request_id: Option<String>,
    /// Whether the embedded service gave it.
    pub sample_data: bool,
    /// The body as it came, decompressed.
    pub body: Vec<u8>,
}

/// What came of one request.
#[derive(Debug)]
pub enum Outcome {
    /// A 2xx answer.
    Answered(Reply),
    /// Anything else.
    Failed(Failure),
}

/// A request that brought no answer to its question.
#[derive(Debug)]
pub struct Failure {
    /// The HTTP status, if there was an answer at all.
    pub status: Option<u16>,
    /// What the answer says.
    pub error: ErrorBody,
    /// In a few words, as in `HTTP 503` or `connection refused`.
    pub what: String,
    /// Whether the next try may end otherwise.
    pub transient: bool,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
}

impl Failure {
    fn broken(what: String, transient: bool) -> Self {
        Self { status: None, error: ErrorBody::default(), what, transient, retry_after: None }
    }
}

/// A client of one endpoint with one set of credentials.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<Secret>,
    max_response: u64,
}

impl Client {
    /// Checks the settings and makes a client; connects to nothing.
    ///
    /// # Errors
    /// [`ClientError`] when a setting cannot work or would send the token unprotected.
    pub fn new(connection: Connection) -> Result<Self, ClientError> {
        let endpoint = parse_endpoint(&connection.endpoint)?;
        let local = is_loopback(&endpoint);
        if connection.token.is_some() && endpoint.scheme() == "http" && !local && !connection.allow_http {
            return Err(ClientError::PlainHttp(endpoint.host_str().unwrap_or_default().to_owned()));
        }
        let mut headers = HeaderMap::new();
        if let Some(token) = &connection.token {
            let mut value = HeaderValue::from_str(token.expose()).map_err(|_| ClientError::Token)?;
            value.set_sensitive(true);
            headers.insert("x-auth-token", value);
        }
        // Fails only when a provider is there already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("cutover-report/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            // A redirect would carry X-Auth-Token to wherever it points.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(connection.connect_timeout)
            .timeout(connection.timeout)
            .tcp_nodelay(true);
        if local {
            builder = builder.no_proxy();
        }
        if let Some(path) = connection.ca_cert {
            let fault = |what: String| ClientError::CaCert(path.clone(), what);
            let pem = std::fs::read(&path).map_err(|error| fault(error.to_string()))?;
            let certificates =
                reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| fault(describe(error)))?;
            if certificates.is_empty() {
                return Err(fault("holds no PEM certificate".to_owned()));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        Ok(Self {
            http: builder.build().map_err(|error| ClientError::Http(describe(error)))?,
            base: endpoint.as_str().trim_end_matches('/').to_owned(),
            token: connection.token,
            max_response: connection.max_response,
        })
    }

    /// The endpoint, as it stands in journals and reports.
    pub fn endpoint(&self) -> &str {
        &self.base
    }

    /// Asks for a task's verification results: `GET /v3/tasks/{task_id}/consistency-result`.
    pub async fn consistency_result(&self, task_id: &TaskId) -> Outcome {
        self.send(Method::GET, task_id, None).await
    }

    /// Sends verification results as the Agent does: `POST /v3/tasks/{task_id}/consistency-result`.
    pub async fn upload(&self, task_id: &TaskId, body: String) -> Outcome {
        self.send(Method::POST, task_id, Some(body)).await
    }

    async fn send(&self, method: Method, task_id: &TaskId, body: Option<String>) -> Outcome {
        let url = format!("{}/v3/tasks/{}/consistency-result", self.base, encode(task_id.as_str()));
        let mut request = self.http.request(method, url);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Outcome::Failed(self.transport(error)),
        };
        let status = response.status();
        let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        let request_id = header("x-request-id");
        let sample_data = header(SAMPLE_HEADER).is_some();
        let asked = header(RETRY_AFTER.as_str()).and_then(|value| retry_after(&value, SystemTime::now()));
        let location = header("location");
        let body = match self.read(&mut response).await {
            Ok(body) => self.redact(body),
            Err(mut failure) => {
                failure.error.request_id = request_id;
                return Outcome::Failed(failure);
            }
        };
        if status.is_success() {
            let status = status.as_u16();
            return Outcome::Answered(Reply { status, request_id, sample_data, body });
        }
        let mut error = ErrorBody::parse(&body);
        error.request_id = request_id.or(error.request_id);
        if status.is_redirection() {
            let target = location.as_deref().map_or("nowhere", without_query);
            error.message = Some(format!("redirects to {target}; redirects are never followed"));
        }
        Outcome::Failed(Failure {
            status: Some(status.as_u16()),
            error,
            what: status_text(status),
            transient: is_transient(status.as_u16()),
            retry_after: asked,
        })
    }

    /// Reads the body chunk by chunk, so that neither a wrong length nor a compressed bomb grows past
    /// the cap.
    async fn read(&self, response: &mut reqwest::Response) -> Result<Vec<u8>, Failure> {
        let status = response.status();
        let too_large = || Failure {
            status: Some(status.as_u16()),
            ..Failure::broken(
                format!("the answer is larger than {} bytes (--max-response)", self.max_response),
                false,
            )
        };
        if response.content_length().is_some_and(|length| length > self.max_response) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.transport(error))? {
            let length = u64::try_from(body.len() + chunk.len()).unwrap_or(u64::MAX);
            if length > self.max_response {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn transport(&self, error: reqwest::Error) -> Failure {
        let what = describe(error);
        Failure::broken(self.token.as_ref().map_or(what.clone(), |token| token.redact(what)), true)
    }

    /// A body is kept in the journal, so a token that the server echoes is blanked first.
    fn redact(&self, body: Vec<u8>) -> Vec<u8> {
        match (&self.token, String::from_utf8(body)) {
            (Some(token), Ok(text)) => token.redact(text).into_bytes(),
            (None, Ok(text)) => text.into_bytes(),
            (_, Err(not_text)) => not_text.into_bytes(),
        }
    }
}

fn parse_endpoint(text: &str) -> Result<Url, ClientError> {
    let wrong = || ClientError::Endpoint(without_query(text).to_owned());
    let url = Url::parse(text).map_err(|_| wrong())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ClientError::CredentialsInUrl);
    }
    let usable = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some()
        && url.query().is_none()
        && url.fragment().is_none();
    if usable { Ok(url) } else { Err(wrong()) }
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(endpoint: &str) -> Connection {
        Connection {
            endpoint: endpoint.to_owned(),
            token: Some(Secret::new("hush".to_owned())),
            allow_http: false,
            timeout: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(1),
            max_response: 1,
            ca_cert: None,
        }
    }

    #[test]
    fn a_token_goes_unencrypted_to_this_machine_alone() {
        for endpoint in ["http://127.0.0.1:1", "http://localhost", "http://[::1]:2", "https://sms.example"] {
            assert!(Client::new(connection(endpoint)).is_ok(), "{endpoint}");
        }
        for endpoint in ["http://sms.example", "http://127.0.0.1.example", "http://10.0.0.1"] {
            assert!(
                matches!(Client::new(connection(endpoint)), Err(ClientError::PlainHttp(_))),
                "{endpoint}"
            );
        }
        assert!(Client::new(Connection { allow_http: true, ..connection("http://10.0.0.1") }).is_ok());
    }

    #[test]
    fn endpoints_that_cannot_work_are_refused() {
        for endpoint in ["", "sms.example", "ftp://sms.example", "https://", "https://sms.example?x=1"] {
            assert!(matches!(Client::new(connection(endpoint)), Err(ClientError::Endpoint(_))), "{endpoint}");
        }
        assert!(matches!(Client::new(connection("https://a:b@c")), Err(ClientError::CredentialsInUrl)));
    }

    #[test]
    fn a_client_never_shows_its_token() {
        let client = Client::new(connection("https://sms.example")).unwrap();
        assert!(!format!("{client:?}").contains("hush"));
    }
}
