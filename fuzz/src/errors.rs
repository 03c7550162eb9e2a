//! Bodies of failed answers, of the service, gateways, proxies and ticket systems.

use std::time::SystemTime;

use cutover_report::answer::{ErrorBody, describe_body, normalise, retry_after};
use cutover_report::delivery::read_messages;

pub fn run(body: &[u8]) {
    let error = ErrorBody::parse(body);
    let message = error.message.as_deref().unwrap_or_default();
    assert!(message.chars().count() <= 501, "a message of {} bytes", message.len());
    assert_eq!(error.text().is_none(), error.code.is_none() && error.message.is_none());
    error.limit();
    if let Some(reported) = ErrorBody::reported(body) {
        assert!(normalise(body).is_err(), "an answer that reports {reported:?} was read");
    }
    describe_body(body);
    if let Some(messages) = read_messages(body) {
        assert!((1..=500).contains(&messages.chars().count()));
    }
    if let Ok(header) = std::str::from_utf8(body) {
        retry_after(header, SystemTime::UNIX_EPOCH);
    }
}
