//! Signatures of a request that the input describes, compared with a second implementation, which is written after the
//! description of SDK-HMAC-SHA256.

use std::collections::BTreeMap;

use cutover_report::model::Secret;
use cutover_report::sms::sign::{DATE_HEADER, Request};
use sha2::{Digest, Sha256};

use super::shared::Bytes;

const ACCESS: &str = "AK";
const DATE: &str = "20261121T080000Z";
/// The places of these are chosen by the input; names that a client sends, and one that is never signed.
const HEADERS: [&str; 6] =
    ["content-type", "x-project-id", "x-security-token", "x-language", "x_custom", "x-a"];

pub fn run(data: &[u8]) {
    let mut bytes = Bytes(data);
    let method = ["GET", "POST", "PUT", "DELETE"][usize::from(bytes.below(4))];
    let secret = bytes.any_text();
    let path = format!("/{}", bytes.any_text());
    let query: Vec<_> = (0..bytes.below(4)).map(|_| (bytes.any_text(), bytes.any_text())).collect();
    let mut headers =
        vec![("host".to_owned(), "sms.example".to_owned()), (DATE_HEADER.to_owned(), DATE.to_owned())];
    let mask = bytes.below(64);
    for (place, name) in HEADERS.iter().enumerate().filter(|(place, _)| mask >> place & 1 == 1) {
        let value = if bytes.below(2) == 0 { "application/json".to_owned() } else { bytes.any_text() };
        headers.insert(place % headers.len(), ((*name).to_owned(), value));
    }
    let body = bytes.0;
    let request = Request { method, path: &path, query: &query, headers: &headers, body };
    let signature = hex::encode(hmac(secret.as_bytes(), to_sign(&request).as_bytes()));
    let signed: Vec<&str> = signed(&headers).keys().copied().collect();
    let expected =
        format!("SDK-HMAC-SHA256 Access={ACCESS}, SignedHeaders={}, Signature={signature}", signed.join(";"));
    let key = Secret::new(secret);
    assert_eq!(request.authorization(ACCESS, &key), expected);
    assert!(request.is_signed_by(&signature, &key));
    let other = Request { body: &[body, b"."].concat(), ..request };
    let is_body_signed = !canonical(&request).ends_with("\nUNSIGNED-PAYLOAD");
    assert_ne!(is_body_signed || body.is_empty(), other.is_signed_by(&signature, &key));
    assert!(!Request { path: &format!("{path}."), ..request }.is_signed_by(&signature, &key));
}

fn to_sign(request: &Request<'_>) -> String {
    format!("SDK-HMAC-SHA256\n{DATE}\n{}", hex::encode(Sha256::digest(canonical(request))))
}

fn canonical(request: &Request<'_>) -> String {
    let mut canonical = format!("{}\n", request.method);
    let path = String::from_utf8_lossy(&unescaped(request.path.as_bytes())).into_owned();
    for (place, segment) in path.split('/').enumerate() {
        if place > 0 {
            canonical.push('/');
        }
        canonical += &escaped(segment);
    }
    if !canonical.ends_with('/') {
        canonical.push('/');
    }
    canonical.push('\n');
    let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in request.query {
        names.entry(name).or_default().push(value);
    }
    let mut is_first = true;
    for (name, values) in &mut names {
        values.sort_unstable();
        for value in values {
            if !is_first {
                canonical.push('&');
            }
            is_first = false;
            canonical += &format!("{}={}", escaped(name), escaped(value));
        }
    }
    canonical.push('\n');
    let signed = signed(request.headers);
    for (name, value) in &signed {
        canonical += &format!("{name}:{value}\n");
    }
    canonical.push('\n');
    canonical += &signed.keys().copied().collect::<Vec<_>>().join(";");
    canonical.push('\n');
    let kind = signed.get("content-type").copied().unwrap_or_default();
    let is_json = kind.starts_with("application/json") || kind.starts_with("application/bson");
    if request.body.is_empty() || kind.is_empty() || is_json {
        canonical += &hex::encode(Sha256::digest(request.body));
    } else {
        canonical += "UNSIGNED-PAYLOAD";
    }
    canonical
}

/// The headers that are signed, in the order of their names.
fn signed(headers: &[(String, String)]) -> BTreeMap<&str, &str> {
    let headers = headers.iter().filter(|(name, _)| !name.contains('_'));
    headers.map(|(name, value)| (name.as_str(), value.trim())).collect()
}

fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

fn unescaped(text: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        bytes.push(*first);
        if let (b'%', [high, low, after @ ..]) = (*first, after)
            && let (Some(high), Some(low)) = (digit(*high), digit(*low))
        {
            bytes.pop();
            bytes.extend(u8::try_from(16 * high + low));
            rest = after;
        }
    }
    bytes
}

/// HMAC of RFC 2104.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0; 64];
    let hashed = Sha256::digest(key);
    let key = if key.len() > block.len() { hashed.as_slice() } else { key };
    block[..key.len()].copy_from_slice(key);
    let inner = Sha256::digest([&block.map(|byte| byte ^ 0x36), message].concat());
    Sha256::digest([&block.map(|byte| byte ^ 0x5c), inner.as_slice()].concat()).to_vec()
}
