//! Signatures of every kind at a fixed time.

use axum::http::Request;

use super::signature::*;
use super::*;
use crate::sms::sign;
use jiff::SignedDuration;

fn key() -> AccessKey {
    let secret = Secret::new("secret".to_owned());
    AccessKey { id: "AK".to_owned(), secret, security_token: None, locks: false }
}

fn now() -> Timestamp {
    "2026-11-21T08:00:00Z".parse().unwrap()
}

/// A correctly signed request, which tests change before or after signing.
struct Sent {
    uri: &'static str,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    more: Vec<(&'static str, &'static str)>,
    body: &'static [u8],
    secret: &'static str,
}

impl Default for Sent {
    fn default() -> Self {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Self {
            uri: "/v3/tasks/a%20b",
            query: Vec::new(),
            headers: vec![header("host", "here:80"), header("x-sdk-date", "20261121T080000Z")],
            more: Vec::new(),
            body: b"",
            secret: "secret",
        }
    }
}

impl Sent {
    fn authorization(&self) -> String {
        let path = self.uri.split('?').next().unwrap();
        let (query, headers, body) = (&self.query, &self.headers, self.body);
        let request = sign::Request { method: "GET", path, query, headers, body };
        request.authorization("AK", &Secret::new(self.secret.to_owned()))
    }

    fn with(self, authorization: &str) -> Parts {
        let mut request = Request::get(self.uri).header("authorization", authorization);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        for (name, value) in self.more {
            request = request.header(name, value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn check_at(self, verifier: &Verifier, now: Timestamp) -> Result<(), Refused> {
        let (authorization, body) = (self.authorization(), self.body);
        verifier.check(&self.with(&authorization), body, now)
    }

    fn check(self) -> Result<(), Refused> {
        self.check_at(&Verifier::new(key()), now())
    }

    fn signing(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

#[test]
fn valid_signature_is_accepted() {
    assert_eq!(Sent::default().check(), Ok(()));
    let query = [("name", "a+b c&ü"), ("id", "")].map(|(name, value)| (name.into(), value.into()));
    let uri = "/v3/tasks?name=a+b%20c%26%C3%BC&id";
    let sent = Sent { uri, query: query.to_vec(), body: b"{}", ..Sent::default() };
    assert_eq!(sent.signing("content-type", "application/json").check(), Ok(()));
}

#[test]
fn unsigned_extra_headers_are_allowed() {
    let more = vec![("user-agent", "curl"), ("accept", "*/*"), ("accept", "text/html")];
    assert_eq!(Sent { more, ..Sent::default() }.check(), Ok(()));
}

#[test]
fn authentication_error_names_the_cause() {
    let wrong = Sent { secret: "another", ..Sent::default() };
    assert_eq!(wrong.check(), Err(Refused::WrongSignature));
    let mut unsigned = Sent::default();
    unsigned.headers.remove(0);
    assert_eq!(unsigned.check(), Err(Refused::NotSigned("host")));
    let mut undated = Sent::default();
    undated.headers.remove(1);
    assert_eq!(undated.check(), Err(Refused::NotSigned("x-sdk-date")));
    let mut dated = Sent::default();
    dated.headers[1].1 = "2026-11-21T08:00:00Z".to_owned();
    let error = dated.check().unwrap_err();
    assert_eq!(
        error.to_string(),
        "x-sdk-date must be a time such as 20261121T080000Z, not 2026-11-21T08:00:00Z"
    );
    let twice = Sent { more: vec![("x-a", "2")], ..Sent::default() }.signing("x-a", "1");
    assert_eq!(twice.check(), Err(Refused::NoSuchHeader("x-a".to_owned())));
    assert_eq!(Sent { uri: "/?%ff", ..Sent::default() }.check(), Err(Refused::Query));
}

#[test]
fn malformed_authorization_header_is_refused() {
    let right = Sent::default().authorization();
    for (text, refused) in [
        (right.replace("SHA256", "SM3"), Refused::NoSignature),
        (right.replace("SDK-HMAC-SHA256", "Bearer"), Refused::NoSignature),
        ("SDK-HMAC-SHA256".to_owned(), Refused::NoSignature),
        ("SDK-HMAC-SHA256 ".to_owned(), Refused::Unreadable),
        (right.replace("Signature=", "Sign="), Refused::Unreadable),
        (format!("{right}, More=1"), Refused::Unreadable),
        (right.replace("Access=AK", "Access=BK"), Refused::UnknownKey),
        (right.replace("host;", ""), Refused::NotSigned("host")),
        (right.replace("host;", "host;x-gone;"), Refused::NoSuchHeader("x-gone".to_owned())),
        (right.replace("Signature=", "Signature=0"), Refused::WrongSignature),
        (right.replace("host;x-sdk-date", ""), Refused::NoSuchHeader(String::new())),
    ] {
        let head = Sent::default().with(&text);
        assert_eq!(Verifier::new(key()).check(&head, b"", now()), Err(refused), "{text}");
    }
    let head = Sent { more: vec![("authorization", "another")], ..Sent::default() }.with(&right);
    assert_eq!(Verifier::new(key()).check(&head, b"", now()), Err(Refused::NoSignature));
}

#[test]
fn clock_skew_up_to_15_minutes_is_allowed() {
    let at = |seconds: i64| {
        Sent::default().check_at(&Verifier::new(key()), now() + SignedDuration::from_secs(seconds))
    };
    for within in [-900, -1, 0, 900] {
        assert_eq!(at(within), Ok(()), "{within}");
    }
    for beyond in [-901, 901, 86_400 * 365] {
        let error = at(beyond).unwrap_err().to_string();
        assert!(error.starts_with("x-sdk-date 20261121T080000Z is more than 15 minutes"), "{error}");
    }
}

#[test]
fn temporary_key_requires_signed_token() {
    let token = Some(Secret::new("token".to_owned()));
    let verifier = Verifier::new(AccessKey { security_token: token, ..key() });
    let check = |sent: Sent| sent.check_at(&verifier, now());
    assert_eq!(check(Sent::default().signing("x-security-token", "token")), Ok(()));
    let unsigned = Sent { more: vec![("x-security-token", "token")], ..Sent::default() };
    for sent in [Sent::default(), unsigned] {
        assert_eq!(check(sent), Err(Refused::NotSigned("x-security-token")));
    }
    let another = Sent::default().signing("x-security-token", "another");
    assert_eq!(check(another), Err(Refused::WrongSecurityToken));
}

#[test]
fn five_failures_in_a_row_lock_the_key_for_five_minutes() {
    let verifier = Verifier::new(AccessKey { locks: true, ..key() });
    let at = |seconds: i64, secret: &'static str| {
        let now = now() + SignedDuration::from_secs(seconds);
        Sent { secret, ..Sent::default() }.check_at(&verifier, now)
    };
    let fail = |seconds: i64, count: usize| {
        for _ in 0..count {
            assert_eq!(at(seconds, "another"), Err(Refused::WrongSignature));
        }
    };
    fail(0, 4);
    assert_eq!(at(0, "secret"), Ok(()), "four are not enough, and a success ends the row");
    fail(0, 5);
    let until = now() + SignedDuration::from_secs(300);
    assert_eq!(at(299, "secret"), Err(Refused::Locked(until)));
    assert_eq!(at(299, "another"), Err(Refused::Locked(until)));
    assert_eq!(at(300, "secret"), Ok(()));
    fail(300, 4);
    assert_eq!(at(300, "secret"), Ok(()), "the count began anew");
}

#[test]
fn key_does_not_lock_by_default() {
    let verifier = Verifier::new(key());
    for _ in 0..20 {
        let sent = Sent { secret: "another", ..Sent::default() };
        assert_eq!(sent.check_at(&verifier, now()), Err(Refused::WrongSignature));
    }
    assert_eq!(Sent::default().check_at(&verifier, now()), Ok(()));
}

#[test]
fn generated_keys_differ() {
    let (one, other) = (AccessKey::generate(), AccessKey::generate());
    assert_eq!((one.id.len(), one.secret.expose().len()), (20, 40));
    assert!(one.id != other.id && one.secret.expose() != other.secret.expose());
}
