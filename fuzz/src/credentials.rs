//! Answers with credentials. The first byte chooses: the `e`xpiry in an answer of IAM, or the `k`ey of the metadata
//! service. Anything else is the body of an answer of IAM, whose first line is the token.

use cutover_report::sms::auth::{Granted, read_key, read_token};
use jiff::Timestamp;
use serde_json::json;

pub fn run(data: &[u8]) {
    let Some((kind, content)) = data.split_first() else { return };
    let granted = match kind {
        b'e' => {
            let body = json!({"token": {"expires_at": String::from_utf8_lossy(content)}});
            read_token(Some("token".to_owned()), body.to_string().as_bytes())
        }
        b'k' => read_key(content),
        _ => {
            let line = content.iter().position(|byte| *byte == b'\n').unwrap_or(content.len());
            let (token, body) = content.split_at(line);
            read_token(String::from_utf8(token.to_vec()).ok(), body)
        }
    };
    let Some(Granted { secrets, renew_at, expires_at }) = granted else { return };
    let now = Timestamp::now();
    assert!(!secrets.is_empty() && secrets.iter().all(|secret| !secret.expose().trim().is_empty()));
    assert_eq!(renew_at.is_some(), expires_at.is_some());
    assert!(renew_at <= expires_at);
    // It is renewed while it is valid, and not at once.
    let soon = now.saturating_add(jiff::SignedDuration::from_secs(50)).expect("a time");
    assert!(renew_at.is_none_or(|renew_at| renew_at >= soon || Some(renew_at) == expires_at));
}
