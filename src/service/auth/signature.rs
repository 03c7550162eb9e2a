//! Verifies signatures by access key as the gateway does: over the headers that the client lists.

use std::sync::{Mutex, PoisonError};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use jiff::{SignedDuration, Timestamp};

use super::refused::Refused;
use super::secrets::{random, same};
use crate::model::Secret;
use crate::sms::sign;

/// How far a request's date may be from now, either way.
const SKEW: SignedDuration = SignedDuration::from_mins(15);
/// Number of failures in a row that lock an access key.
const FAILURES: u32 = 5;
/// How long a key is locked.
const LOCKED: SignedDuration = SignedDuration::from_mins(5);
const SECURITY_TOKEN_HEADER: &str = "x-security-token";

/// An access key whose signatures are accepted.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// The key's id.
    pub id: String,
    /// The secret key.
    pub secret: Secret,
    /// The security token that signed requests must contain, for a temporary key. If none, it is not checked.
    pub security_token: Option<Secret>,
    /// Whether five failures in a row lock the key for five minutes, as the gateway does.
    pub locks: bool,
}

impl AccessKey {
    /// A new random key.
    pub fn generate() -> Self {
        Self {
            id: format!("SAMPLE{}", hex::encode(random::<7>()).to_ascii_uppercase()),
            secret: Secret::new(hex::encode(random::<20>())),
            security_token: None,
            locks: false,
        }
    }
}

/// Verifies signatures of one key.
pub(in crate::service) struct Verifier {
    key: AccessKey,
    record: Mutex<Record>,
}

/// Recent failures of the key.
#[derive(Default)]
struct Record {
    failures: u32,
    locked_until: Option<Timestamp>,
}

impl Verifier {
    pub(super) fn new(key: AccessKey) -> Self {
        Self { key, record: Mutex::default() }
    }

    pub(super) fn check(&self, head: &Parts, body: &[u8], now: Timestamp) -> Result<(), Refused> {
        let authorization = Authorization::of(&head.headers)?;
        if authorization.access_key != self.key.id {
            return Err(Refused::UnknownKey);
        }
        let checked = self.verify(&authorization, head, body, now);
        if self.key.locks { self.count_failures(checked, now) } else { checked }
    }

    fn verify(
        &self,
        authorization: &Authorization<'_>,
        head: &Parts,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), Refused> {
        let headers = authorization.headers(&head.headers)?;
        let signed = |name: &'static str| {
            let found = headers.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.trim()).ok_or(Refused::NotSigned(name))
        };
        signed("host")?;
        let date = signed(sign::DATE_HEADER)?;
        let time = sign::parse_date(date).ok_or_else(|| Refused::NoDate { date: date.to_owned(), now })?;
        if now.duration_since(time).abs() > SKEW {
            return Err(Refused::Skewed { date: date.to_owned(), now });
        }
        let query = query(head.uri.query().unwrap_or_default()).ok_or(Refused::Query)?;
        let request = sign::Request {
            method: head.method.as_str(),
            path: head.uri.path(),
            query: &query,
            headers: &headers,
            body,
        };
        if !request.is_signed_by(authorization.signature, &self.key.secret) {
            return Err(Refused::WrongSignature);
        }
        match &self.key.security_token {
            Some(token) if !same(signed(SECURITY_TOKEN_HEADER)?.as_bytes(), token.expose().as_bytes()) => {
                Err(Refused::WrongSecurityToken)
            }
            _ => Ok(()),
        }
    }

    /// Counts failures, and refuses even valid requests while the key is locked.
    fn count_failures(&self, checked: Result<(), Refused>, now: Timestamp) -> Result<(), Refused> {
        // Every change is complete, so a poisoned lock is still usable.
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = record.locked_until.filter(|until| now < *until) {
            return Err(Refused::Locked(until));
        }
        record.failures = if checked.is_ok() { 0 } else { record.failures + 1 };
        if record.failures == FAILURES {
            *record = Record { failures: 0, locked_until: now.checked_add(LOCKED).ok() };
        }
        checked
    }
}

/// The parts of an `Authorization` header.
struct Authorization<'a> {
    access_key: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn of(headers: &'a HeaderMap) -> Result<Self, Refused> {
        let text = single_value(headers, AUTHORIZATION.as_str()).ok_or(Refused::NoSignature)?;
        let (algorithm, parts) = text.split_once(' ').ok_or(Refused::NoSignature)?;
        if algorithm != sign::ALGORITHM {
            return Err(Refused::NoSignature);
        }
        let mut parts = parts.split(',').map(str::trim);
        let mut part = |name: &str| {
            let value = parts.next().and_then(|part| part.strip_prefix(name));
            value.and_then(|value| value.strip_prefix('=')).ok_or(Refused::Unreadable)
        };
        let (access_key, signed_headers, signature) =
            (part("Access")?, part("SignedHeaders")?, part("Signature")?);
        match parts.next() {
            None => Ok(Self { access_key, signed_headers, signature }),
            Some(_) => Err(Refused::Unreadable),
        }
    }

    /// The headers that the client signed, with the values received.
    fn headers(&self, headers: &HeaderMap) -> Result<Vec<(String, String)>, Refused> {
        let named = |name: &str| {
            let value = single_value(headers, name).ok_or_else(|| Refused::NoSuchHeader(name.to_owned()))?;
            Ok((name.to_ascii_lowercase(), value.to_owned()))
        };
        self.signed_headers.split(';').map(named).collect()
    }
}

/// The value of a header that occurs once: of two, either may be the signed one.
fn single_value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    std::str::from_utf8(value.as_bytes()).ok()
}

/// The decoded names and values of a query; a `+` is a plus. None if they are not UTF-8.
fn query(raw: &str) -> Option<Vec<(String, String)>> {
    let decoded = |text: &str| String::from_utf8(sign::decode(text)).ok();
    let pairs = raw.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decoded(name)?, decoded(value)?))
        })
        .collect()
}
