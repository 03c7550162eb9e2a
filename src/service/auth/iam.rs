//! IAM's call for a token by user name and password.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::secrets::same;
use super::tokens::Tokens;
use crate::model::Secret;
use crate::service::errors;

/// The path of the call.
pub(in crate::service) const PATH: &str = "/v3/auth/tokens";

/// The response header with the token.
const TOKEN: &str = "x-subject-token";
/// IAM's times have six decimals.
const TIME: &str = "%Y-%m-%dT%H:%M:%S%.6fZ";

/// The login that gets a token. A field that is not set accepts any value.
#[derive(Debug, Clone)]
pub struct Iam {
    /// The user's name.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<Secret>,
    /// The name of the account that the user belongs to.
    pub domain: Option<String>,
    /// The name of the project that a token may be for.
    pub project: Option<String>,
    /// Lifetime of a token.
    pub token_life: Duration,
}

impl Default for Iam {
    fn default() -> Self {
        let token_life = Duration::from_secs(24 * 3600);
        Self { user: None, password: None, domain: None, project: None, token_life }
    }
}

/// Why no token is issued.
#[derive(Debug, thiserror::Error)]
pub(in crate::service) enum LoginError {
    // The parser's message could contain the password.
    #[error(
        "The body must hold auth.identity.password.user with name, password and domain.name (line {}, column {}).",
        .0.line(), .0.column()
    )]
    Body(#[from] serde_json::Error),
    #[error("auth.identity.methods must be [\"password\"]; there is no other method here.")]
    Method,
    #[error("The user, the password, the domain or the project is wrong.")]
    Wrong,
}

impl IntoResponse for LoginError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Body(_) | Self::Method => StatusCode::BAD_REQUEST,
            Self::Wrong => StatusCode::UNAUTHORIZED,
        };
        let error = json!({
            "code": status.as_u16(), "message": self.to_string(), "title": status.canonical_reason(),
        });
        errors::json_text(status, json!({ "error": error }).to_string())
    }
}

#[derive(Deserialize)]
struct Body {
    auth: AuthRequest,
}

#[derive(Deserialize)]
struct AuthRequest {
    identity: Identity,
    #[serde(default)]
    scope: Scope,
}

#[derive(Deserialize)]
struct Identity {
    methods: Vec<String>,
    password: Password,
}

#[derive(Deserialize)]
struct Password {
    user: User,
}

#[derive(Deserialize)]
struct User {
    name: String,
    password: String,
    domain: Domain,
}

#[derive(Deserialize)]
struct Domain {
    name: String,
}

/// The scope of a token: a project or an account.
#[derive(Default, Deserialize)]
struct Scope {
    project: Option<Scoped>,
    domain: Option<Scoped>,
}

/// A project or an account, by name or by id.
#[derive(Deserialize)]
struct Scoped {
    name: Option<String>,
    id: Option<String>,
}

impl Scoped {
    fn described(self, domain: Option<&Value>) -> Value {
        let id = self.id.unwrap_or_else(|| id(self.name.as_deref().unwrap_or_default()));
        let name = self.name.unwrap_or_else(|| id.clone());
        match domain {
            Some(domain) => json!({ "domain": domain, "id": id, "name": name }),
            None => json!({ "id": id, "name": name }),
        }
    }
}

/// Answers the call at `now`.
pub(in crate::service) fn issue(
    iam: &Iam,
    tokens: &Tokens,
    body: &[u8],
    now: Timestamp,
) -> Result<Response, LoginError> {
    let Body { auth: AuthRequest { identity, scope } } = serde_json::from_slice(body)?;
    if identity.methods != ["password"] {
        return Err(LoginError::Method);
    }
    let user = identity.password.user;
    let project = scope.project.as_ref().and_then(|project| project.name.as_deref());
    let right = matches(iam.user.as_deref(), &user.name)
        && matches(iam.password.as_ref().map(Secret::expose), &user.password)
        && matches(iam.domain.as_deref(), &user.domain.name)
        && project.is_none_or(|name| matches(iam.project.as_deref(), name));
    if !right {
        return Err(LoginError::Wrong);
    }
    let (token, expires) = tokens.issue(now);
    let domain = json!({ "id": id(&user.domain.name), "name": user.domain.name });
    // Without a scope a token is for the account.
    let (scope, scoped) = match (scope.project, scope.domain) {
        (Some(project), _) => ("project", project.described(Some(&domain))),
        (None, Some(domain)) => ("domain", domain.described(None)),
        (None, None) => ("domain", domain.clone()),
    };
    let body = json!({ "token": {
        "catalog": [],
        "expires_at": expires.strftime(TIME).to_string(),
        "issued_at": now.strftime(TIME).to_string(),
        "methods": ["password"],
        "roles": [],
        "user": { "domain": domain, "id": id(&user.name), "name": user.name, "password_expires_at": "" },
        (scope): scoped,
    } });
    let mut response = errors::json_text(StatusCode::CREATED, body.to_string());
    if let Ok(token) = HeaderValue::try_from(token) {
        response.headers_mut().insert(TOKEN, token);
    }
    Ok(response)
}

fn matches(wanted: Option<&str>, found: &str) -> bool {
    wanted.is_none_or(|wanted| same(wanted.as_bytes(), found.as_bytes()))
}

/// An id in the usual format, derived from the name.
fn id(name: &str) -> String {
    hex::encode(Sha256::digest(name).first_chunk::<16>().map_or(&[][..], |half| half))
}
