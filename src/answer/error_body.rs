//! What a service, a gateway or a proxy says when it refuses.

use std::time::Duration;

use serde_json::Value;

use crate::model::Rate;

/// The longest error message that is kept, in characters.
const MAX_MESSAGE: usize = 500;

/// The code and message of an error answer, whatever form it came in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorBody {
    /// `SMS.…`, `APIG.…`, or whatever stands for a code.
    pub code: Option<String>,
    /// What the server says, cut to 500 characters.
    pub message: Option<String>,
    /// The request id, if the body holds it.
    pub request_id: Option<String>,
}

impl ErrorBody {
    /// Finds code and message under any of the names that services use.
    pub fn parse(body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) if value.is_object() => {
                let inner = value.get("error").filter(|inner| inner.is_object()).unwrap_or(&value);
                let find = |names: &[&str]| {
                    names.iter().find_map(|name| inner.get(name).or_else(|| value.get(name)).and_then(scalar))
                };
                Self {
                    code: find(&["error_code", "errorCode", "code"]).map(shorten),
                    message: find(&["error_msg", "errorMsg", "message", "error"]).map(shorten),
                    request_id: find(&["request_id", "requestId"]).map(shorten),
                }
            }
            _ => Self { code: None, message: describe_body(body), request_id: None },
        }
    }

    /// The limit that the gateway names when it refuses a request for its rate.
    ///
    /// The code tells that it is the gateway who speaks: `APIG.0308`, or `APIGW.…` as it was before.
    /// The text, as in `…,limit:50,time:1 second`, is a hint, and none when it reads otherwise.
    pub fn limit(&self) -> Option<Rate> {
        let code = self.code.as_deref()?;
        if code != "APIG.0308" && !code.starts_with("APIGW.") {
            return None;
        }
        let message = self.message.as_deref()?.to_ascii_lowercase();
        let (_, limit) = message.split_once("limit:")?;
        let (limit, time) = limit.split_once(",")?;
        let (amount, unit) = time.trim().strip_prefix("time:")?.trim().split_once(' ')?;
        let unit = unit.split(|c: char| !c.is_ascii_alphabetic()).next()?;
        // A window of several units has no rate that says the same.
        if amount == "1" { format!("{limit}/{unit}").parse().ok() } else { None }
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// What a body that is no JSON shows of itself: the title of a page, or its first words.
pub fn describe_body(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let lower = text.to_ascii_lowercase();
    if lower.trim_start().starts_with('<') {
        let title = lower.find("<title>").and_then(|start| {
            let start = start + "<title>".len();
            let end = lower.get(start..)?.find("</title>")? + start;
            text.get(start..end)
        });
        return Some(match title {
            Some(title) => shorten(format!("an HTML page: {}", title.trim())),
            None => "an HTML page".to_owned(),
        });
    }
    let words = text.split_whitespace().take(100).collect::<Vec<_>>().join(" ");
    (!words.is_empty()).then(|| shorten(words))
}

fn shorten(text: String) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() <= MAX_MESSAGE {
        return text;
    }
    text.chars().take(MAX_MESSAGE).chain(['…']).collect()
}

/// A `Retry-After` header: seconds, or an HTTP date, as the time from `now` on.
pub fn retry_after(value: &str, now: std::time::SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    #[test]
    fn finds_code_and_message_in_every_known_form() {
        for body in [
            r#"{"error_code":"SMS.1","error_msg":"no"}"#,
            r#"{"errorCode":"SMS.1","errorMsg":"no"}"#,
            r#"{"code":"SMS.1","message":"no"}"#,
            r#"{"error":{"code":"SMS.1","message":"no"}}"#,
        ] {
            let error = ErrorBody::parse(body.as_bytes());
            assert_eq!(
                (error.code.as_deref(), error.message.as_deref()),
                (Some("SMS.1"), Some("no")),
                "{body}"
            );
        }
    }

    #[test]
    fn the_gateways_limit_is_read_by_its_code_and_its_text_is_a_hint() {
        let said = |code: &str, text: &str| {
            let body = serde_json::json!({ "error_code": code, "error_msg": text }).to_string();
            ErrorBody::parse(body.as_bytes()).limit().map(|limit| limit.to_string())
        };
        let long =
            "The throttling threshold has been reached: policy user over ratelimit,limit:50,time:1 second";
        assert_eq!(said("APIG.0308", long).as_deref(), Some("50/s"));
        assert_eq!(said("APIG.0308", "policy api, Limit: 60, time: 1 minute.").as_deref(), Some("60/m"));
        assert_eq!(said("APIGW.0308", "limit:2,time:1 hour").as_deref(), Some("2/h"));
        assert_eq!(said("SMS.0308", long), None);
        for text in [
            "",
            "too fast",
            "limit:,time:1 second",
            "limit:0,time:1 second",
            "limit:-5,time:1 second",
            "limit:99999999999999999999,time:1 second",
            "limit:5,time:1 day",
            "limit:5,time:10 second",
            "limit:5,time:1",
            "limit:5 a second",
            "time:1 second,limit:5",
        ] {
            assert_eq!(said("APIG.0308", text), None, "{text}");
        }
    }

    #[test]
    fn a_page_is_named_by_its_title_and_a_text_by_its_words() {
        assert_eq!(
            describe_body(b"<html><Title>Bad\nGateway</TITLE>").as_deref(),
            Some("an HTML page: Bad Gateway")
        );
        assert_eq!(describe_body(b"<p>").as_deref(), Some("an HTML page"));
        assert_eq!(describe_body(b" upstream\n down ").as_deref(), Some("upstream down"));
        assert_eq!(describe_body(b""), None);
    }

    #[test]
    fn retry_after_takes_seconds_and_dates() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_770);
        assert_eq!(retry_after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Sun, 07 Nov 1993 08:49:37 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }
}
