//! Single requests over HTTP. The caller waits and retries.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, StatusCode, Url};

use super::attempt::log_headers;
use super::auth::{Authenticator, Authority, Credentials, Lease, Scope};
use super::http::{ClientError, Http, HttpSettings, is_loopback, parse_endpoint, without_query};
use super::outcome::{Failure, Outcome, Reply};
use super::sign;
use crate::answer::{ErrorBody, is_json};
use crate::model::{FailureKind, Language, Redactor, Secret, TaskId};

/// The header of the embedded service that marks sample data.
const SAMPLE_HEADER: &str = "x-sample-data";

/// How to reach the API.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The address, as in `https://sms.ap-southeast-3.myhuaweicloud.com`.
    pub endpoint: String,
    /// The credentials.
    pub credentials: Credentials,
    /// Project and domain of signed requests.
    pub scope: Scope,
    /// Limits of every request.
    pub http: HttpSettings,
}

/// An API call.
struct Call {
    method: Method,
    /// Relative to the endpoint, percent-encoded.
    path: String,
    query: Vec<(String, String)>,
    body: Option<String>,
    language: Option<Language>,
}

/// The value of `X-Language`.
const fn language_header(language: Language) -> &'static str {
    match language {
        Language::English => "en-us",
        Language::Chinese => "zh-cn",
    }
}

/// A client of one endpoint with one set of credentials.
#[derive(Debug)]
pub struct Client {
    http: Http,
    endpoint: Url,
    authenticator: Authenticator,
    scope: Scope,
    requests: AtomicU64,
}

impl Client {
    /// Creates a client after checking the settings; does not connect.
    ///
    /// # Errors
    /// [`ClientError`] when a setting is invalid or would expose credentials.
    pub fn new(connection: Connection) -> Result<Self, ClientError> {
        let Connection { endpoint, credentials, scope, http } = connection;
        let endpoint = parse_endpoint(&endpoint, credentials.are_secret(), http.allow_http)?;
        check_headers(&credentials, &scope)?;
        let client = Http::new(&http, !is_loopback(&endpoint))?;
        Ok(Self {
            authenticator: Authenticator::new(credentials, &http, client.secrets())?,
            http: client,
            endpoint,
            scope,
            requests: AtomicU64::new(0),
        })
    }

    /// The endpoint, as in journals and reports.
    pub fn endpoint(&self) -> &str {
        self.endpoint.as_str().trim_end_matches('/')
    }

    /// How many requests were sent to the API; those for credentials are not counted.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Obtains credentials that must be fetched, to detect failures early.
    ///
    /// # Errors
    /// When they are refused or cannot be obtained.
    pub async fn authenticate(&self) -> Result<(), Failure> {
        match self.authenticator.lease().await {
            Ok(_) | Err(Outcome::Answered(_)) => Ok(()),
            Err(Outcome::Failed(failure) | Outcome::Refused(failure)) => Err(failure),
        }
    }

    /// Requests a task's verification results: `GET /v3/tasks/{task_id}/consistency-result`.
    pub async fn consistency_result(&self, task_id: &TaskId) -> Outcome {
        self.call(Call::get(results_path(task_id), Vec::new())).await
    }

    /// Sends verification results as the Agent does: `POST /v3/tasks/{task_id}/consistency-result`.
    pub async fn upload(&self, task_id: &TaskId, body: String) -> Outcome {
        self.call(Call::post(results_path(task_id), body)).await
    }

    /// Requests the results of up to 200 tasks as a file: `POST /v3/tasks/consistency-results/export`.
    pub async fn export(&self, body: String, language: Language) -> Outcome {
        let call = Call::post("/v3/tasks/consistency-results/export".to_owned(), body);
        self.call(Call { language: Some(language), ..call }).await
    }

    /// Requests a page of tasks: `GET /v3/tasks`.
    pub async fn tasks(&self, query: Vec<(String, String)>) -> Outcome {
        self.page("/v3/tasks", query).await
    }

    /// Requests a task: `GET /v3/tasks/{task_id}`.
    pub async fn task(&self, task_id: &TaskId) -> Outcome {
        self.page(&format!("/v3/tasks/{}", sign::encode(task_id.as_str())), Vec::new()).await
    }

    /// Requests a page of source servers: `GET /v3/sources`.
    pub async fn sources(&self, query: Vec<(String, String)>) -> Outcome {
        self.page("/v3/sources", query).await
    }

    /// A 2xx response that is partial or reports an error is a failure.
    async fn page(&self, path: &str, query: Vec<(String, String)>) -> Outcome {
        let outcome = self.call(Call::get(path.to_owned(), query)).await;
        let Outcome::Answered(reply) = &outcome else { return outcome };
        let (kind, error, what) = match ErrorBody::reported(&reply.body) {
            _ if !is_json(&reply.body) => {
                (FailureKind::NotJson, ErrorBody::parse(&reply.body), "the response is not JSON".to_owned())
            }
            Some(error) => {
                let what = format!("HTTP {}, but the response is an error", reply.status);
                (FailureKind::Status, error, what)
            }
            None if reply.status == 200 && reply.content_range.is_none() => return outcome,
            None => {
                let what = format!("HTTP {} is not a complete response", reply.status);
                (FailureKind::Status, ErrorBody::default(), what)
            }
        };
        let (status, date) = (Some(reply.status), reply.date);
        Outcome::Failed(Failure { status, error, date, ..Failure::new(kind, what) })
    }

    async fn call(&self, call: Call) -> Outcome {
        let lease = match self.authenticator.lease().await {
            Ok(lease) => lease,
            Err(outcome) => return outcome,
        };
        let (request, signature) = match self.request(&call, &lease.authority) {
            Ok(request) => request,
            Err(error) => {
                return Outcome::Refused(Failure::new(FailureKind::Credentials, error.to_string()));
            }
        };
        self.requests.fetch_add(1, Ordering::Relaxed);
        // A signature allows replaying the request for 15 minutes, so it is redacted.
        let signature = signature.map(|signature| Redactor::new([&signature]));
        let redact_with = |redactor: &Redactor, text: Vec<u8>| {
            let text = redactor.redact(text);
            match &signature {
                Some(signature) => signature.redact(text),
                None => text,
            }
        };
        let redact = |text: Vec<u8>| redact_with(&lease.redactor, text);
        let shows_headers = tracing::enabled!(tracing::Level::TRACE);
        if shows_headers && let Some(Ok(request)) = request.try_clone().map(|request| request.build()) {
            log_headers("request", call.method.as_str(), &call.path, request.headers(), redact);
        }
        let mut answer = match self.http.send(request).await {
            Ok(answer) => answer,
            Err(failure) => return Outcome::Failed(failure),
        };
        if shows_headers {
            log_headers("response", call.method.as_str(), &call.path, &answer.headers, redact);
        }
        // The body goes into the journal, so secrets that the server echoes are redacted.
        let redactor = if answer.status.is_success() { &lease.evidence_redactor } else { &lease.redactor };
        let body = redact_with(redactor, std::mem::take(&mut answer.body));
        let clean = |text: String| String::from_utf8(redact(text.into_bytes())).ok();
        let request_id = answer.header("x-request-id").and_then(clean);
        if answer.status.is_success() {
            self.authenticator.accepted(&lease);
            return Outcome::Answered(Reply {
                status: answer.status.as_u16(),
                request_id,
                sample_data: answer.header(SAMPLE_HEADER).is_some(),
                content_range: answer.headers.contains_key("content-range").then(|| {
                    let range = answer.header("content-range").and_then(clean);
                    range.unwrap_or_else(|| "unreadable".to_owned())
                }),
                content_type: answer.header("content-type").and_then(clean),
                date: answer.date(),
                clock_offset: answer.clock_offset,
                body,
            });
        }
        let mut failure = answer.failure(&body);
        failure.error.request_id = request_id.or(failure.error.request_id);
        if answer.status.is_redirection() {
            let target = answer.header("location").and_then(clean);
            let target = target.as_deref().map_or("nowhere", without_query);
            failure.error.message = Some(format!("redirects to {target}; redirects are not followed"));
        }
        if answer.status == StatusCode::UNAUTHORIZED {
            return self.unauthorized(failure, &lease).await;
        }
        self.authenticator.accepted(&lease);
        Outcome::Failed(failure)
    }

    /// A 401 is final, unless the gateway reports an expired token that can be renewed.
    async fn unauthorized(&self, failure: Failure, lease: &Lease) -> Outcome {
        let is_outdated = failure.error.code.as_deref().is_some_and(|code| code.ends_with(".0307"));
        if is_outdated && self.authenticator.outdated(lease).await {
            let what = "the token expired; a new one is requested".to_owned();
            return Outcome::Failed(Failure { what, kind: FailureKind::TokenRenewed, ..failure });
        }
        Outcome::Refused(failure)
    }

    fn request(
        &self,
        call: &Call,
        authority: &Authority,
    ) -> Result<(reqwest::RequestBuilder, Option<Secret>), ClientError> {
        let mut url = self.endpoint.clone();
        url.set_path(&format!("{}{}", self.endpoint.path().trim_end_matches('/'), call.path));
        let query = sign::query_string(&call.query);
        url.set_query(Some(query.as_str()).filter(|query| !query.is_empty()));
        let mut signature = None;
        let mut headers = Vec::new();
        let mut add = |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
        if call.body.is_some() {
            add("content-type", "application/json");
        }
        if let Some(language) = call.language {
            add("x-language", language_header(language));
        }
        match authority {
            Authority::None => {}
            Authority::Token(token) => add("x-auth-token", token.expose()),
            Authority::Key(key) => {
                add("host", &host(&url));
                add(sign::DATE_HEADER, &sign::date(Timestamp::now()));
                let given = [
                    ("x-project-id", self.scope.project_id.as_deref()),
                    ("x-domain-id", self.scope.domain_id.as_deref()),
                    ("x-security-token", key.security_token.as_ref().map(Secret::expose)),
                ];
                for (name, value) in given {
                    if let Some(value) = value {
                        add(name, value);
                    }
                }
                let signed = sign::Request {
                    method: call.method.as_str(),
                    path: url.path(),
                    query: &call.query,
                    headers: &headers,
                    body: call.body.as_deref().unwrap_or_default().as_bytes(),
                };
                let authorization = signed.authorization(key.id.expose(), &key.secret);
                signature = authorization.rsplit('=').next().map(|text| Secret::new(text.to_owned()));
                headers.push(("authorization".to_owned(), authorization));
            }
        }
        let mut request = self.http.request(call.method.clone(), url);
        for (name, value) in headers.iter().filter(|(name, _)| name != "host") {
            let name = HeaderName::try_from(name.as_str()).map_err(|_| ClientError::Header("request"))?;
            let mut value = HeaderValue::from_str(value).map_err(|_| ClientError::Header("credential"))?;
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        let request = match &call.body {
            Some(body) => request.body(body.clone()),
            None => request,
        };
        Ok((request, signature))
    }
}

impl Call {
    fn get(path: String, query: Vec<(String, String)>) -> Self {
        Self { method: Method::GET, path, query, body: None, language: None }
    }

    fn post(path: String, body: String) -> Self {
        Self { method: Method::POST, path, query: Vec::new(), body: Some(body), language: None }
    }
}

fn results_path(task_id: &TaskId) -> String {
    format!("/v3/tasks/{}/consistency-result", sign::encode(task_id.as_str()))
}

/// The `Host` header for a URL.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Checks that the values are valid in headers.
fn check_headers(credentials: &Credentials, scope: &Scope) -> Result<(), ClientError> {
    let check = |what: &'static str, value: Option<&str>| match value.map(HeaderValue::from_str) {
        Some(Err(_)) => Err(ClientError::Header(what)),
        _ => Ok(()),
    };
    match credentials {
        Credentials::Token(token) => check("token", Some(token.expose()))?,
        Credentials::Key(key) => {
            check("access key", Some(key.id.expose()))?;
            check("security token", key.security_token.as_ref().map(Secret::expose))?;
        }
        Credentials::None | Credentials::Password(_) | Credentials::Metadata { .. } => {}
    }
    check("project id", scope.project_id.as_deref())?;
    check("domain id", scope.domain_id.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn connection(endpoint: &str) -> Connection {
        Connection {
            endpoint: endpoint.to_owned(),
            credentials: Credentials::Token(Secret::new("hush".to_owned())),
            scope: Scope::default(),
            http: HttpSettings {
                timeout: Duration::from_secs(1),
                connect_timeout: Duration::from_secs(1),
                max_response: 1,
                ca_cert: None,
                allow_http: false,
            },
        }
    }

    #[test]
    fn token_over_plain_http_is_allowed_only_to_this_machine() {
        for endpoint in ["http://127.0.0.1:1", "http://localhost", "http://[::1]:2", "https://sms.example"] {
            assert!(Client::new(connection(endpoint)).is_ok(), "{endpoint}");
        }
        for endpoint in ["http://sms.example", "http://127.0.0.1.example", "http://10.0.0.1"] {
            assert!(
                matches!(Client::new(connection(endpoint)), Err(ClientError::PlainHttp(_))),
                "{endpoint}"
            );
        }
        let mut trusted = connection("http://10.0.0.1");
        trusted.http.allow_http = true;
        assert!(Client::new(trusted).is_ok());
    }

    #[test]
    fn invalid_endpoints_are_refused() {
        for endpoint in ["", "sms.example", "ftp://sms.example", "https://", "https://sms.example?x=1"] {
            assert!(matches!(Client::new(connection(endpoint)), Err(ClientError::Endpoint(_))), "{endpoint}");
        }
        for endpoint in ["https://a:b@c", "https://a:b@c d", "a:b@c", "http://a:b@:80"] {
            let refused = Client::new(connection(endpoint));
            assert!(matches!(refused, Err(ClientError::CredentialsInUrl)), "{endpoint}");
        }
    }

    #[test]
    fn debug_output_of_client_contains_no_token() {
        let client = Client::new(connection("https://sms.example")).unwrap();
        assert!(!format!("{client:?}").contains("hush"));
    }
}
