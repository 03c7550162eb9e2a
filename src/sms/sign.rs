//! Request signatures by access key: SDK-HMAC-SHA256, as Huawei Cloud's API gateway checks them.
//!
//! Pure: the time is passed in. The client signs and the embedded service verifies; the tests compare with signatures
//! of the official SDK.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::model::Secret;

/// The name of the algorithm at the start of the `Authorization` header.
pub const ALGORITHM: &str = "SDK-HMAC-SHA256";
/// The header with the time of signing.
pub const DATE_HEADER: &str = "x-sdk-date";
/// Used in place of the hash of a body that is not JSON.
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// The signed parts of a request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The HTTP method, in upper case.
    pub method: &'a str,
    /// The path, with or without percent-encoding.
    pub path: &'a str,
    /// The query's names and values, decoded, in any order.
    pub query: &'a [(String, String)],
    /// The headers to sign, including `host` and [`DATE_HEADER`]; names in lower case.
    pub headers: &'a [(String, String)],
    /// The body; empty if there is none.
    pub body: &'a [u8],
}

impl Request<'_> {
    /// The `Authorization` header's value.
    pub fn authorization(&self, access_key: &str, secret_key: &Secret) -> String {
        let signature = hex::encode(self.mac(secret_key).finalize().into_bytes());
        let signed = self.signed_headers();
        format!("{ALGORITHM} Access={access_key}, SignedHeaders={signed}, Signature={signature}")
    }

    /// Whether the hexadecimal `signature` is valid for this request; constant time.
    pub fn is_signed_by(&self, signature: &str, secret_key: &Secret) -> bool {
        hex::decode(signature).is_ok_and(|bytes| self.mac(secret_key).verify_slice(&bytes).is_ok())
    }

    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    fn mac(&self, secret_key: &Secret) -> Hmac<Sha256> {
        let key = secret_key.expose().as_bytes();
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
        mac.update(self.string_to_sign().as_bytes());
        mac
    }

    fn string_to_sign(&self) -> String {
        let canonical = hex::encode(Sha256::digest(self.canonical()));
        format!("{ALGORITHM}\n{}\n{canonical}", self.header(DATE_HEADER).unwrap_or_default())
    }

    fn canonical(&self) -> String {
        let headers: String =
            self.sorted_headers().iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
        [
            self.method,
            &canonical_path(self.path),
            &query_string(self.query),
            &headers,
            &self.signed_headers(),
            &self.body_hash(),
        ]
        .join("\n")
    }

    /// Headers with an underscore are not signed: gateways drop them.
    fn sorted_headers(&self) -> Vec<&(String, String)> {
        let mut headers: Vec<_> = self.headers.iter().filter(|(name, _)| !name.contains('_')).collect();
        headers.sort();
        headers
    }

    fn signed_headers(&self) -> String {
        let names: Vec<&str> = self.sorted_headers().iter().map(|(name, _)| name.as_str()).collect();
        names.join(";")
    }

    fn body_hash(&self) -> String {
        let json = |kind: &str| ["application/json", "application/bson"].iter().any(|k| kind.starts_with(k));
        match self.header("content-type") {
            Some(kind) if !self.body.is_empty() && !kind.is_empty() && !json(kind) => {
                UNSIGNED_PAYLOAD.to_owned()
            }
            _ => hex::encode(Sha256::digest(self.body)),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim())
    }
}

/// Formats a time for [`DATE_HEADER`], as in `20261121T080000Z`.
pub fn date(time: Timestamp) -> String {
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Parses the time in a [`DATE_HEADER`]; none if it is invalid.
pub fn parse_date(text: &str) -> Option<Timestamp> {
    let local = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    local.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// The query as it is signed and sent: sorted and percent-encoded.
pub fn query_string(pairs: &[(String, String)]) -> String {
    let mut pairs: Vec<&(String, String)> = pairs.iter().collect();
    pairs.sort();
    let encoded: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    encoded.join("&")
}

/// The path, decoded and encoded again by segment, with a trailing slash. An escaped slash is decoded first, so it
/// separates segments.
fn canonical_path(path: &str) -> String {
    let decoded = decode(path);
    let segments: Vec<String> = String::from_utf8_lossy(&decoded).split('/').map(encode).collect();
    let path = segments.join("/");
    if path.ends_with('/') { path } else { format!("{path}/") }
}

/// What is percent-encoded: every ASCII character but the unreserved ones of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Percent-encodes everything but the unreserved characters.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Decodes percent-encoding. Text that is no valid escape is unchanged.
pub fn decode(text: &str) -> Vec<u8> {
    percent_decode_str(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn text(value: &Value) -> String {
        match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    /// Compares with signatures of the official SDK.
    #[test]
    fn signatures_match_the_official_sdk() {
        let vectors: Value = serde_json::from_str(include_str!("../../tests/vectors/signing.json")).unwrap();
        let secret_key = Secret::new(text(&vectors["secret_key"]));
        let access_key = text(&vectors["access_key"]);
        let cases = vectors["requests"].as_array().unwrap();
        assert!(cases.len() >= 11, "the vectors are there");
        for case in cases {
            let pairs = |name: &str| -> Vec<(String, String)> {
                let pairs = case[name].as_array().unwrap().iter();
                pairs.map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
            };
            let (query, headers) = (pairs("query"), pairs("headers"));
            let request = Request {
                method: case["method"].as_str().unwrap(),
                path: case["path"].as_str().unwrap(),
                query: &query,
                headers: &headers,
                body: case["body"].as_str().unwrap_or_default().as_bytes(),
            };
            assert_eq!(request.canonical(), case["canonical_request"].as_str().unwrap());
            let authorization = request.authorization(&access_key, &secret_key);
            assert_eq!(authorization, case["authorization"].as_str().unwrap());
            let (_, signature) = authorization.rsplit_once('=').unwrap();
            assert!(request.is_signed_by(signature, &secret_key));
            assert!(!request.is_signed_by(signature, &Secret::new("another key".to_owned())));
        }
    }

    #[test]
    fn encode_escapes_all_but_unreserved_characters() {
        assert_eq!(encode("a/b ü~._-"), "a%2Fb%20%C3%BC~._-");
    }

    #[test]
    fn formatted_date_is_parsed_back() {
        let time: Timestamp = "2026-01-15T08:00:00Z".parse().unwrap();
        assert_eq!(date(time), "20260115T080000Z");
        assert_eq!(parse_date("20260115T080000Z"), Some(time));
        assert_eq!(parse_date("2026-01-15T08:00:00Z"), None);
    }

    proptest! {
        #[test]
        fn encoded_text_is_decoded_back(text in any::<String>()) {
            prop_assert_eq!(decode(&encode(&text)), text.as_bytes());
        }

        #[test]
        fn arbitrary_signature_is_rejected_without_panic(signature in any::<String>()) {
            let request = Request { method: "GET", path: "/", query: &[], headers: &[], body: b"" };
            prop_assert!(!request.is_signed_by(&signature, &Secret::new("key".to_owned())));
        }
    }
}
