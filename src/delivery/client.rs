//! Requests to a ticket system, over the HTTP client, the retries and the rate limit of the API's client.

use std::cell::Cell;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;

use super::address::Address;
use super::error::DeliveryError;
use super::system::Credentials;
use crate::answer::is_json;
use crate::model::{FailureKind, Rate, Redactor, Secret};
use crate::net::is_loopback;
use crate::sms::http::{Http, without_query};
use crate::sms::request::request_with_retry;
use crate::sms::throttle::Gate;
use crate::sms::{Failure, HttpSettings, Outcome, Reply, log_headers};

/// The most requests a second to a ticket system.
const REQUESTS_PER_SECOND: f64 = 5.0;
/// The largest answer that is read, in bytes, unless a file is larger.
const MAX_ANSWER: u64 = 64 << 20;

/// What bounds the requests to ticket systems.
#[derive(Debug, Clone)]
pub struct WebSettings {
    /// The time for one request, uploads included.
    pub timeout: Duration,
    /// The time for a connection.
    pub connect_timeout: Duration,
    /// Attempts for each step.
    pub max_attempts: NonZeroU32,
    /// Certificates to trust beside the system's, as PEM.
    pub ca_cert: Option<PathBuf>,
    /// The size of the largest file, in bytes.
    pub largest_file: u64,
    /// Where the user finds the secret, as in `$RT_TOKEN`.
    pub secret_name: String,
}

/// A client of one system.
pub(super) struct WebClient {
    http: Http,
    base: Url,
    header: (HeaderName, HeaderValue),
    redactor: Redactor,
    /// For successful answers, in whose names and addresses a short secret may be a word.
    answer_redactor: Redactor,
    gate: Gate,
    max_attempts: NonZeroU32,
    secret_name: String,
}

/// A request; `body` has its content type.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: Vec<(&'static str, &'static str)>,
    pub(super) body: Option<(String, Vec<u8>)>,
}

impl Call {
    pub(super) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: Vec::new(), body: None }
    }

    pub(super) fn json(method: Method, url: Url, document: &Value) -> Self {
        let body = Some(("application/json".to_owned(), document.to_string().into_bytes()));
        Self { method, url, headers: Vec::new(), body }
    }

    pub(super) fn post(url: Url, content_type: String, body: Vec<u8>) -> Self {
        Self { method: Method::POST, url, headers: Vec::new(), body: Some((content_type, body)) }
    }
}

impl WebClient {
    pub(super) fn new(
        address: &Address,
        credentials: Credentials,
        settings: &WebSettings,
    ) -> Result<Self, DeliveryError> {
        let base = address.base().clone();
        let http = HttpSettings {
            timeout: settings.timeout,
            connect_timeout: settings.connect_timeout,
            max_response: MAX_ANSWER.max(settings.largest_file.saturating_mul(2)),
            ca_cert: settings.ca_cert.clone(),
            allow_http: false,
        };
        let http =
            Http::new(&http, !is_loopback(&base)).map_err(|error| DeliveryError::new(error.to_string()))?;
        let (name, value, secret) = match credentials {
            Credentials::Header(name, secret) => (name, secret.expose().to_owned(), secret),
            Credentials::Basic(user, password) => {
                let text = format!("{user}:{}", password.expose());
                ("authorization", format!("Basic {}", BASE64_STANDARD.encode(text)), password)
            }
        };
        let invalid = || {
            let name = &settings.secret_name;
            DeliveryError::new(format!(
                "{name} has characters that a header cannot carry; check that it was copied whole"
            ))
        };
        let mut header = HeaderValue::from_str(&value).map_err(|_| invalid())?;
        header.set_sensitive(true);
        // The secret without the scheme before it.
        let bare = secret.expose().rsplit(' ').next().unwrap_or_default();
        let value = value.rsplit(' ').next().unwrap_or_default();
        let secrets = [Secret::new(bare.to_owned()), Secret::new(value.to_owned())];
        let secrets = || secrets.iter().chain(http.secrets());
        let (redactor, answer_redactor) = (Redactor::new(secrets()), Redactor::of_evidence(secrets()));
        Ok(Self {
            http,
            base,
            header: (HeaderName::from_static(name), header),
            redactor,
            answer_redactor,
            gate: Gate::new(Rate::at_most(REQUESTS_PER_SECOND)),
            max_attempts: settings.max_attempts,
            secret_name: settings.secret_name.clone(),
        })
    }

    /// The JSON answer to a request that changes nothing; it is retried.
    pub(super) async fn get_json(&self, url: Url) -> Result<Value, DeliveryError> {
        let reply = request_with_retry(&self.gate, self.max_attempts, async || {
            self.send(Call::get(url.clone()), true).await
        })
        .await;
        let reply = reply.map_err(|error| DeliveryError::of(&error, &self.secret_name))?;
        parse(reply.status, &reply.body)
    }

    /// The bytes at `url`; the request is retried.
    pub(super) async fn get_bytes(&self, url: Url) -> Result<Vec<u8>, DeliveryError> {
        let reply = request_with_retry(&self.gate, self.max_attempts, async || {
            self.send(Call::get(url.clone()), false).await
        })
        .await;
        Ok(reply.map_err(|error| DeliveryError::of(&error, &self.secret_name))?.body)
    }

    /// Sends a request that changes something, once: whether it is repeated depends on what the ticket has then.
    pub(super) async fn change(&self, call: Call) -> Result<Reply, DeliveryError> {
        let call = Cell::new(Some(call));
        let once = async || match call.take() {
            Some(call) => self.send(call, true).await,
            None => {
                Outcome::Failed(Failure::new(FailureKind::Other, "the request was sent before".to_owned()))
            }
        };
        let reply = request_with_retry(&self.gate, NonZeroU32::MIN, once).await;
        reply.map_err(|error| DeliveryError::of(&error, &self.secret_name))
    }

    /// [`change`](Self::change) with a JSON answer.
    pub(super) async fn change_json(&self, call: Call) -> Result<Value, DeliveryError> {
        let reply = self.change(call).await?;
        parse(reply.status, &reply.body)
    }

    /// Files are compared with what was sent, so they are not redacted; they are never shown.
    async fn send(&self, call: Call, redacts: bool) -> Outcome {
        let Call { method, url, headers, body } = call;
        if url.origin() != self.base.origin() {
            let what =
                "the ticket system refers to another host; files and credentials are sent only to the host in --to".to_owned();
            return Outcome::Failed(Failure::new(FailureKind::Credentials, what));
        }
        let mut request = self.http.request(method.clone(), url.clone());
        request = request.header(self.header.0.clone(), self.header.1.clone());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some((content_type, body)) = body {
            request = request.header("content-type", content_type).body(body);
        }
        let redact = |text: Vec<u8>| self.redactor.redact(text);
        let shows_headers = tracing::enabled!(tracing::Level::TRACE);
        let mut answer = match self.http.send(request).await {
            Ok(answer) => answer,
            Err(failure) => return Outcome::Failed(failure),
        };
        if shows_headers {
            log_headers("response", method.as_str(), url.path(), &answer.headers, redact);
        }
        let mut body = std::mem::take(&mut answer.body);
        if !answer.status.is_success() {
            body = redact(body);
        } else if redacts {
            body = self.answer_redactor.redact(body);
        }
        let clean = |text: String| self.redactor.redact_text(text);
        let status = answer.status.as_u16();
        if answer.status.is_success() {
            return Outcome::Answered(Reply {
                status,
                request_id: answer.header("x-request-id").map(clean),
                sample_data: false,
                content_range: None,
                content_type: answer.header("content-type").map(clean),
                date: answer.date(),
                clock_offset: answer.clock_offset,
                body,
            });
        }
        let mut failure = answer.failure(&body);
        if failure.error.message.is_none() || is_json(&body) {
            failure.error.message = messages(&body).or(failure.error.message);
        }
        if answer.status.is_redirection() {
            let target = answer.header("location").map(clean);
            let target = target.as_deref().map_or("nowhere", without_query).to_owned();
            let what = format!("redirects to {target}; redirects are never followed: give the final address");
            failure.error.message = Some(what);
        }
        if status == 401 { Outcome::Refused(failure) } else { Outcome::Failed(failure) }
    }
}

/// Parses the JSON of a successful answer.
pub(super) fn parse(status: u16, body: &[u8]) -> Result<Value, DeliveryError> {
    serde_json::from_slice(body).map_err(|_| {
        let start = String::from_utf8_lossy(body.get(..200).unwrap_or(body)).to_ascii_lowercase();
        let kind = if start.contains("<html") || start.contains("<!doctype") {
            "an HTML page, such as a login page"
        } else {
            "not JSON"
        };
        DeliveryError::new(format!(
            "HTTP {status}: the answer is {kind}; check the address, --ticket-system and the credentials"
        ))
    })
}

/// The messages of an error answer in the forms of ticket systems: `{"errors":["…"]}`, `{"errorMessages":["…"]}`.
pub(super) fn messages(body: &[u8]) -> Option<String> {
    let document: Value = serde_json::from_slice(body).ok()?;
    let mut found = Vec::new();
    for name in ["errors", "errorMessages", "message", "error"] {
        collect(document.get(name), &mut found);
    }
    let text = found.join("; ");
    (!text.is_empty()).then(|| text.chars().take(500).collect())
}

fn collect(value: Option<&Value>, found: &mut Vec<String>) {
    match value {
        Some(Value::String(text)) if !text.is_empty() => found.push(text.clone()),
        Some(Value::Array(items)) => items.iter().for_each(|item| collect(Some(item), found)),
        Some(Value::Object(items)) => items.values().for_each(|item| collect(Some(item), found)),
        _ => {}
    }
}

/// A multipart form with one file: its content type and body.
pub(super) fn form_file(field: &str, name: &str, content_type: &str, content: &[u8]) -> (String, Vec<u8>) {
    let mut form = Form::new([content]);
    form.file(field, name, content_type, content);
    form.finish()
}

/// A multipart form.
pub(super) struct Form {
    boundary: String,
    body: Vec<u8>,
}

impl Form {
    /// A form for files with these `contents`.
    pub(super) fn new<'a>(contents: impl IntoIterator<Item = &'a [u8]> + Clone) -> Self {
        loop {
            let boundary = format!("cutover-report-{:016x}", fastrand::u64(..));
            let occurs = |content| memchr::memmem::find(content, boundary.as_bytes()).is_some();
            if !contents.clone().into_iter().any(occurs) {
                return Self { boundary, body: Vec::new() };
            }
        }
    }

    pub(super) fn field(&mut self, name: &str, value: &str) {
        self.part(&format!("name=\"{name}\"\r\n\r\n"), value.as_bytes());
    }

    pub(super) fn file(&mut self, field: &str, name: &str, content_type: &str, content: &[u8]) {
        let head = format!("name=\"{field}\"; filename=\"{name}\"\r\nContent-Type: {content_type}\r\n\r\n");
        self.part(&head, content);
    }

    fn part(&mut self, head: &str, content: &[u8]) {
        let start = format!("--{}\r\nContent-Disposition: form-data; {head}", self.boundary);
        self.body.extend(start.as_bytes());
        self.body.extend(content);
        self.body.extend(b"\r\n");
    }

    /// Its content type and body.
    pub(super) fn finish(mut self) -> (String, Vec<u8>) {
        self.body.extend(format!("--{}--\r\n", self.boundary).as_bytes());
        (format!("multipart/form-data; boundary={}", self.boundary), self.body)
    }
}
