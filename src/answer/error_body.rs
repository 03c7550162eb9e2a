//! Error responses of the service, the gateway and proxies.

use std::time::Duration;

use super::body::without_mark;
use super::error_fields::ErrorBody;
use super::signs::Peeked;
use super::text_body::{self, first_words};
use crate::model::Rate;

impl ErrorBody {
    /// Reads the body of a failed response: JSON of any known error shape, XML, HTML or plain text.
    pub fn parse(body: &[u8]) -> Self {
        match peek(body) {
            Some(Peeked::Object(signs)) => {
                let error = signs.into_body();
                let is_silent = error.code.is_none() && error.message.is_none();
                let words = || first_words(body).filter(|words| words != "{}");
                Self { message: if is_silent { words() } else { error.message }, ..error }
            }
            Some(value @ (Peeked::Text(_) | Peeked::List(_))) => {
                let error = value.into_error();
                error.unwrap_or_else(|| Self { message: first_words(body), ..Self::default() })
            }
            Some(_) => Self { message: first_words(body), ..Self::default() },
            None => text_body::parse(body),
        }
    }

    /// The error that the body of a successful response reports all the same; none if nothing in it
    /// says so, and for a body that is not a JSON object.
    ///
    /// Looks at the document's own fields and at objects in them, not into lists of data.
    pub fn reported(body: &[u8]) -> Option<Self> {
        match peek(body) {
            Some(Peeked::Object(signs)) => signs.error(),
            _ => None,
        }
    }

    /// Code and message in one line; none if there is neither.
    pub fn text(&self) -> Option<String> {
        let parts: Vec<&str> =
            [&self.code, &self.message].into_iter().flatten().map(String::as_str).collect();
        (!parts.is_empty()).then(|| parts.join(": "))
    }

    /// The limit that the gateway names when it refuses a request for its rate.
    ///
    /// Only for the gateway's codes: `APIG.0308`, or the older `APIGW.…`. The text is a hint, as in
    /// `…,limit:50,time:1 second`; none when it has another form.
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

fn peek(body: &[u8]) -> Option<Peeked> {
    let text = String::from_utf8_lossy(body);
    serde_json::from_str(without_mark(&text)).ok()
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

    fn parsed(body: &str) -> (Option<String>, Option<String>) {
        let error = ErrorBody::parse(body.as_bytes());
        (error.code, error.message)
    }

    #[test]
    fn known_error_shape_gives_code_and_message() {
        for body in [
            r#"{"error_code":"SMS.1","error_msg":"no"}"#,
            r#"{"errorCode":"SMS.1","errorMsg":"no"}"#,
            r#"{"code":"SMS.1","message":"no"}"#,
            r#"{"error":{"code":"SMS.1","message":"no"}}"#,
            r#"{"error":{"error_code":"SMS.1","error_msg":"no"}}"#,
            r#"{"errors":[{"code":"SMS.1","message":"no"},{"code":"SMS.2"}]}"#,
            r#"{"errors":[null,{"code":"SMS.1","detail":"no"}]}"#,
            r#"{"forbidden":{"code":"SMS.1","message":"no"}}"#,
            r#"{"response":{"error":{"code":"SMS.1","message":"no"}}}"#,
            r#"{"error":{"code":"SMS.1","message":"no"},"code":400,"message":"Bad"}"#,
            r#"{"details":[{"error_code":"SMS.2","error_msg":"x"}],"error_code":"SMS.1","error_msg":"no"}"#,
            r#"[{"error_code":"SMS.1","error_msg":"no"}]"#,
            "\u{feff}{\"error_code\":\"SMS.1\",\"error_msg\":\"no\"}",
            "<Error><Code>SMS.1</Code><Message>no</Message></Error>",
        ] {
            assert_eq!(parsed(body), (Some("SMS.1".to_owned()), Some("no".to_owned())), "{body}");
        }
    }

    #[test]
    fn other_error_body_gives_its_first_words() {
        for (body, code, message) in [
            (r#"{"forbidden":{"code":403,"message":"no"}}"#, Some("403"), Some("no")),
            (r#"{"errors":["first","second"]}"#, None, Some("first")),
            (r#"{"errors":{"name":["is too long"]}}"#, None, Some(r#"{"errors":{"name":["is too long"]}}"#)),
            (r#"{"error":"no","path":"/v3"}"#, None, Some("no")),
            (r#"{"status":500,"error":"Oops","message":"no"}"#, None, Some("no")),
            (r#"{"detail":"no"}"#, None, Some("no")),
            (r#"{"message":"no"}"#, None, Some("no")),
            (r#"{"hint": "no"}"#, None, Some(r#"{"hint": "no"}"#)),
            (r#""no""#, None, Some("no")),
            ("12", None, Some("12")),
            ("no  way\n", None, Some("no way")),
            ("{}", None, None),
            ("", None, None),
        ] {
            assert_eq!(parsed(body), (code.map(str::to_owned), message.map(str::to_owned)), "{body}");
        }
    }

    #[test]
    fn gateway_limit_is_read_only_with_its_code_and_a_valid_text() {
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
    fn retry_after_as_seconds_or_date_gives_duration() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_770);
        assert_eq!(retry_after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Sun, 07 Nov 1993 08:49:37 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }
}
