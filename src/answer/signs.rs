//! The one reader of error shapes: what a JSON object says about an error.
//!
//! Failed responses and successful ones are read alike. Of a failed response it gives code and message; of a
//! successful one whether it is an error after all. Memory is bounded for documents of any size.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, Visitor};

use super::error_fields::ErrorBody;
use super::text_body::shorten;

/// The most items of a list that are looked at.
const MAX_ITEMS: usize = 16;
/// Texts that say that all is well, in lower case, as values of fields named for errors.
const SUCCESS: [&str; 10] =
    ["", "0", "ok", "success", "successful", "succeeded", "none", "null", "no error", "false"];
/// Values of `status` that report an error, in lower case.
const FAILURE: [&str; 6] = ["failed", "fail", "failure", "error", "errored", "err"];

/// A JSON value, reduced to what can describe an error.
#[derive(Debug)]
pub(super) enum Peeked {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Peeked>),
    Object(Box<Signs>),
}

/// What the fields of one JSON object say about an error.
#[derive(Debug, Default)]
pub(super) struct Signs {
    /// `error_code` and the like, unless it means success.
    error_code: Option<String>,
    /// `error_msg` and the like.
    error_message: Option<String>,
    /// `code`, which is an error only beside a message or by its form.
    code: Option<String>,
    /// `message`, which alone is no error.
    message: Option<String>,
    /// `error` as a text.
    error_text: Option<String>,
    /// Whatever describes an error further.
    description: Option<String>,
    /// From `error`, `errors`, or an object of another name that is an error.
    nested: Option<ErrorBody>,
    /// From `details`.
    detail: Option<ErrorBody>,
    request_id: Option<String>,
    /// Whether `status` or `success` reports a failure.
    is_failed: bool,
    /// Whether `error`, `errors` or `error_code` holds anything.
    is_flagged: bool,
    /// Whether `code` or `error_code` means success.
    is_success: bool,
    /// Whether any field holds anything.
    has_content: bool,
}

/// What a field is for, by its name without case, spaces and separators.
fn role(name: &str) -> &'static str {
    let plain: String = name.chars().filter(|c| c.is_alphanumeric()).take(40).collect();
    match plain.to_ascii_lowercase().as_str() {
        "errorcode" | "errcode" | "errorno" | "errno" => "error code",
        "errormsg"
        | "errormessage"
        | "errmsg"
        | "errmessage"
        | "errordesc"
        | "errordescription"
        | "errordetail"
        | "errorinfo"
        | "encodedauthorizationmessage" => "error message",
        "error" | "fault" | "exception" | "err" => "error",
        "errors" | "faults" | "exceptions" => "errors",
        "code" => "code",
        "message" | "msg" => "message",
        "status" | "statuscode" | "httpstatus" | "result" => "status",
        "success" | "ok" => "success",
        "detail" | "title" | "reason" | "description" | "faultstring" => "description",
        "details" => "details",
        "requestid" | "xrequestid" => "request id",
        _ => "",
    }
}

impl Signs {
    /// Takes a field into account. The first of several fields of one meaning counts.
    pub(super) fn offer(&mut self, name: &str, value: Peeked) {
        let role = role(name);
        // An encoded message is for machines; it only shows that the request was denied.
        let is_encoded = role == "error message" && name.starts_with("encoded");
        self.has_content |= value.has_content();
        match (role, value) {
            ("error code", value @ (Peeked::List(_) | Peeked::Object(_))) => {
                self.is_flagged |= value.has_content();
            }
            ("error code", value) => {
                self.is_success |= value.is_success();
                put(&mut self.error_code, value.code());
            }
            ("error message", value) if is_encoded => self.is_flagged |= value.has_content(),
            ("error message", Peeked::Object(inner)) => put_error(&mut self.nested, inner.into_error()),
            ("error message", value) => put(&mut self.error_message, value.message()),
            ("error" | "errors", value) => {
                self.is_flagged |= value.is_error();
                match value {
                    Peeked::Text(_) => put(&mut self.error_text, value.message()),
                    value => put_error(&mut self.nested, value.into_error()),
                }
            }
            ("code", value) => {
                self.is_success |= value.is_success();
                put(&mut self.code, value.code());
            }
            ("message", Peeked::Object(inner)) => put_error(&mut self.nested, inner.error()),
            ("message", value) => put(&mut self.message, value.message()),
            ("status", value @ (Peeked::Text(_) | Peeked::Number(_))) => {
                self.is_failed |= value.is_failure();
            }
            ("success", value) => {
                self.is_failed |= matches!(value, Peeked::Bool(false))
                    || matches!(value, Peeked::Text(text) if text.eq_ignore_ascii_case("false"));
            }
            ("details", Peeked::List(items)) => {
                let objects = items.into_iter().filter_map(|item| match item {
                    Peeked::Object(inner) => inner.error(),
                    _ => None,
                });
                put_error(&mut self.detail, objects.into_iter().next());
            }
            ("details" | "description", value @ Peeked::Text(_)) => {
                put(&mut self.description, value.message());
            }
            ("request id", value) => put(&mut self.request_id, value.code()),
            (_, Peeked::Object(inner)) => put_error(&mut self.nested, inner.error()),
            _ => {}
        }
    }

    /// The error that the fields report; none if nothing says that there is one.
    pub(super) fn error(self) -> Option<ErrorBody> {
        let code = self.code.as_deref();
        let is_coded = code.is_some_and(|code| self.message.is_some() || is_error_code(code));
        let is_error = self.error_code.is_some()
            || self.error_message.is_some()
            || self.error_text.is_some()
            || self.nested.is_some()
            || self.detail.is_some()
            || self.is_failed
            || self.is_flagged
            || is_coded;
        is_error.then(|| self.into_body())
    }

    /// The error of an object that is the value of `error`: every value describes one.
    fn into_error(self) -> Option<ErrorBody> {
        let says_more = self.code.is_some() || self.message.is_some() || self.description.is_some();
        if says_more || self.has_content && !self.is_success {
            return Some(self.into_body());
        }
        self.error()
    }

    /// Code and message, where the response is known to be an error.
    pub(super) fn into_body(self) -> ErrorBody {
        let [nested, detail] = [self.nested, self.detail].map(Option::unwrap_or_default);
        ErrorBody {
            code: self.error_code.or(nested.code).or(self.code).or(detail.code),
            message: self
                .error_message
                .or(nested.message)
                .or(self.message)
                .or(self.description)
                .or(self.error_text)
                .or(detail.message),
            request_id: self.request_id.or(nested.request_id),
        }
    }
}

fn put(slot: &mut Option<String>, value: Option<String>) {
    if slot.is_none() {
        *slot = value;
    }
}

fn put_error(slot: &mut Option<ErrorBody>, error: Option<ErrorBody>) {
    if slot.is_none() {
        *slot = error;
    }
}

/// Whether a `code` is one of a service, as `SMS.9004`, or an HTTP status of an error.
fn is_error_code(code: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_service = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_uppercase()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    code.split_once('.').is_some_and(|(service, number)| is_service(service) && is_number(number))
        || code.parse().is_ok_and(|code: u16| (400..=599).contains(&code))
}

impl Peeked {
    fn is_success(&self) -> bool {
        match self {
            Self::Number(number) => number.parse().is_ok_and(is_success_number),
            Self::Text(text) => {
                let text = text.trim();
                !text.is_empty()
                    && (SUCCESS.contains(&text.to_lowercase().as_str())
                        || text.parse().is_ok_and(is_success_number))
            }
            _ => false,
        }
    }

    fn has_content(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(value) => *value,
            Self::Number(number) => number.parse() != Ok(0.0),
            Self::Text(text) => !SUCCESS.contains(&text.trim().to_lowercase().as_str()),
            Self::List(items) => items.iter().any(Self::has_content),
            Self::Object(signs) => signs.has_content,
        }
    }

    /// A value as a code; none if it means success.
    fn code(&self) -> Option<String> {
        match self {
            Self::Number(text) | Self::Text(text) if !text.trim().is_empty() && !self.is_success() => {
                Some(text.trim().to_owned())
            }
            Self::Bool(true) => Some("true".to_owned()),
            _ => None,
        }
    }

    /// A value as a message; none if it says nothing, or that all is well.
    fn message(&self) -> Option<String> {
        match self {
            Self::Text(text) if self.has_content() => Some(text.clone()),
            Self::List(items) => items.iter().find_map(Self::message),
            _ => None,
        }
    }

    /// Whether the value of `status` reports an error.
    fn is_failure(&self) -> bool {
        match self {
            Self::Text(text) => {
                FAILURE.contains(&text.trim().to_lowercase().as_str()) || is_error_code(text.trim())
            }
            Self::Number(number) => is_error_code(number),
            _ => false,
        }
    }

    /// Whether the value of `error` or `errors` reports an error.
    fn is_error(&self) -> bool {
        match self {
            Self::List(items) => items.iter().any(|item| match item {
                // An entry of a list of errors is one, even if it says nothing.
                Self::Object(_) => true,
                item => item.has_content(),
            }),
            Self::Object(signs) => signs.has_content && (!signs.is_success || signs.message.is_some()),
            value => value.has_content(),
        }
    }

    /// The error that the value of `error` or `errors` describes.
    pub(super) fn into_error(self) -> Option<ErrorBody> {
        match self {
            Self::Object(signs) => signs.into_error(),
            Self::List(items) => items.into_iter().find_map(Self::into_error),
            Self::Number(_) => Some(ErrorBody { code: Some(self.code()?), ..ErrorBody::default() }),
            value => Some(ErrorBody { message: Some(value.message()?), ..ErrorBody::default() }),
        }
    }
}

fn is_success_number(number: f64) -> bool {
    number == 0.0 || (200.0..300.0).contains(&number)
}

impl<'de> Deserialize<'de> for Peeked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PeekedVisitor;
        impl<'de> Visitor<'de> for PeekedVisitor {
            type Value = Peeked;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Peeked, E> {
                Ok(Peeked::Bool(value))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Peeked, E> {
                Ok(Peeked::Number(value.to_string()))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Peeked, E> {
                Ok(Peeked::Number(value.to_string()))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Peeked, E> {
                Ok(Peeked::Number(value.to_string()))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Peeked, E> {
                Ok(Peeked::Text(shorten(text)))
            }

            fn visit_unit<E: de::Error>(self) -> Result<Peeked, E> {
                Ok(Peeked::Null)
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Peeked, A::Error> {
                let mut kept = Vec::new();
                while kept.len() < MAX_ITEMS {
                    match items.next_element()? {
                        Some(Peeked::Null) => {}
                        Some(item) => kept.push(item),
                        None => return Ok(Peeked::List(kept)),
                    }
                }
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Peeked::List(kept))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut fields: A) -> Result<Peeked, A::Error> {
                let mut signs = Signs::default();
                while let Some(name) = fields.next_key::<String>()? {
                    signs.offer(&name, fields.next_value()?);
                }
                Ok(Peeked::Object(Box::new(signs)))
            }
        }
        deserializer.deserialize_any(PeekedVisitor)
    }
}
