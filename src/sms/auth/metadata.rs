//! Temporary access keys from the metadata service of a cloud server.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde::Deserialize;

use super::credentials::AccessKey;
use super::failure::{credential_error, refused};
use super::lease::{Authority, Lease};
use crate::model::{Redactor, Secret};
use crate::sms::http::{Http, parse_endpoint};
use crate::sms::outcome::{Failure, Outcome};

/// How long before its expiry a key is renewed, as in the official SDK.
const MARGIN: SignedDuration = SignedDuration::from_mins(40);
/// Requested lifetime of the metadata service's own token, in seconds.
const TOKEN_SECONDS: &str = "21600";
/// The name in error messages.
const NAME: &str = "the metadata service";

#[derive(Deserialize)]
struct Body {
    credential: Credential,
}

#[derive(Deserialize)]
struct Credential {
    access: String,
    secret: String,
    securitytoken: String,
    expires_at: Option<String>,
}

fn refusal(what: String) -> Outcome {
    refused(format!("{NAME}: {what}"))
}

/// Requests the key of this server's agency.
///
/// Older servers have no token endpoint, so the key is requested without a token.
pub(super) async fn key(http: &Http, endpoint: &str) -> Result<Lease, Outcome> {
    let base = parse_endpoint(endpoint, false, true).map_err(|error| refusal(error.to_string()))?;
    let at = |path: &str| {
        let mut url = base.clone();
        url.set_path(path);
        url
    };
    // Outside the cloud there is no such service, so a retry is pointless.
    let missing =
        |failure: Failure| refusal(format!("{} at {endpoint}; is this a cloud server?", failure.what));
    let request = http
        .request(Method::PUT, at("/meta-data/latest/api/token"))
        .header("x-metadata-token-ttl-seconds", TOKEN_SECONDS);
    let answer = http.send(request).await.map_err(missing)?;
    let token = match answer.status.as_u16() {
        200 => Some(Secret::new(String::from_utf8_lossy(&answer.body).trim().to_owned())),
        404 | 405 | 503 => None,
        _ => return Err(credential_error(answer.failure(&answer.body), NAME)),
    };
    let mut request = http.request(Method::GET, at("/openstack/latest/securitykey"));
    if let Some(token) = &token {
        request = request.header("x-metadata-token", token.expose());
    }
    let answer = http.send(request).await.map_err(missing)?;
    if !answer.status.is_success() {
        let body = Redactor::new(&token).redact(answer.body.clone());
        return Err(credential_error(answer.failure(&body), NAME));
    }
    granted(&answer.body)
        .ok_or_else(|| refusal("the response has no key; does the server have an agency?".to_owned()))
}

/// The key of a successful response with this body, if it has one.
pub(super) fn granted(body: &[u8]) -> Option<Lease> {
    let Body { credential } = serde_json::from_slice(body).ok()?;
    if credential.access.trim().is_empty() || credential.secret.trim().is_empty() {
        return None;
    }
    let expires_at = credential.expires_at.and_then(|time| time.parse::<Timestamp>().ok());
    let key = AccessKey {
        id: Secret::new(credential.access),
        secret: Secret::new(credential.secret),
        security_token: Some(Secret::new(credential.securitytoken))
            .filter(|token| !token.expose().trim().is_empty()),
    };
    Some(Lease::expiring(Authority::Key(key), expires_at, MARGIN))
}
