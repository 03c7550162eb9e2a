//! Tokens from IAM, for a user name and a password.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use super::credentials::Login;
use super::failure::{credential_error, refused};
use super::lease::{Authority, Lease};
use crate::model::{Redactor, Secret};
use crate::sms::http::{Http, parse_endpoint};
use crate::sms::outcome::Outcome;

/// How long before its expiry a token is renewed; a tenth of its lifetime if that is shorter.
const MARGIN: SignedDuration = SignedDuration::from_mins(10);

impl Login {
    fn body(&self) -> String {
        let scope = match &self.project {
            Some(project) => json!({ "project": { "name": project } }),
            None => json!({ "domain": { "name": self.domain } }),
        };
        let user = json!({
            "name": self.user,
            "password": self.password.expose(),
            "domain": { "name": self.domain },
        });
        let identity = json!({ "methods": ["password"], "password": { "user": user } });
        json!({ "auth": { "identity": identity, "scope": scope } }).to_string()
    }
}

fn refusal(what: &str) -> Outcome {
    refused(format!("IAM: {what}"))
}

/// Requests a token: `POST /v3/auth/tokens`.
pub(super) async fn log_in(http: &Http, login: &Login) -> Result<Lease, Outcome> {
    let mut url =
        parse_endpoint(&login.endpoint, false, true).map_err(|error| refusal(&error.to_string()))?;
    url.set_path(&format!("{}/v3/auth/tokens", url.path().trim_end_matches('/')));
    url.set_query(Some("nocatalog=true"));
    let request =
        http.request(Method::POST, url).header("content-type", "application/json").body(login.body());
    let answer = http.send(request).await.map_err(|failure| credential_error(failure, "IAM"))?;
    if !answer.status.is_success() {
        let secrets = std::iter::once(&login.password).chain(http.secrets());
        let body = Redactor::new(secrets).redact(answer.body.clone());
        return Err(credential_error(answer.failure(&body), "IAM"));
    }
    granted(answer.header("x-subject-token"), &answer.body)
        .ok_or_else(|| refusal("the response has no token (X-Subject-Token)"))
}

/// The token of a successful response with this `X-Subject-Token` and body, if it has one.
pub(super) fn granted(token: Option<String>, body: &[u8]) -> Option<Lease> {
    let token = token.filter(|token| !token.trim().is_empty())?;
    let expires_at = serde_json::from_slice::<Value>(body)
        .ok()
        .and_then(|body| body.pointer("/token/expires_at")?.as_str()?.parse::<Timestamp>().ok());
    let life = expires_at.map(|expires_at| expires_at.duration_since(Timestamp::now()));
    let margin = life.map_or(MARGIN, |life| MARGIN.min(life / 10));
    Some(Lease::expiring(Authority::Token(Secret::new(token.trim().to_owned())), expires_at, margin))
}
