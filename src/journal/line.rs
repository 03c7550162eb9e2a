//! The JSON form of a record.

use std::ops::Range;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::record::{Answered, Failed, Outcome, Record};
use crate::model::{ClockOffset, TaskContext, TaskId};

/// A line; its body is a string if it is valid UTF-8, else base64.
#[derive(Serialize, Deserialize)]
pub(super) struct Line<Context = TaskContext, Body = String> {
    ordinal: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task_id: Option<String>,
    fetched_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clock_offset_s: Option<ClockOffset>,
    attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    context: Option<Context>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    sample_data: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content_range: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed: Option<Failed>,
    /// True for a server without a task, which has no answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    no_task: bool,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    body: Option<Body>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    /// A line that has it is a footer.
    #[serde(default, skip_serializing)]
    finished_at: Option<IgnoredAny>,
}

/// A line that was read, with context and body as the JSON that they are.
pub(super) type RawLine<'a> = Line<&'a RawValue, &'a RawValue>;

/// The default of any option; serde's own requires `T: Default`.
fn none<T>() -> Option<T> {
    None
}

impl From<Record> for Line {
    fn from(record: Record) -> Self {
        let Record { ordinal, task_id, fetched_at, clock_offset, attempts, request_id, context, outcome } =
            record;
        let mut line = Self {
            ordinal,
            task_id: task_id.map(Into::into),
            fetched_at,
            clock_offset_s: clock_offset,
            attempts,
            request_id,
            context,
            status: None,
            sample_data: false,
            content_range: None,
            failed: None,
            no_task: false,
            body: None,
            body_base64: None,
            finished_at: None,
        };
        match outcome {
            Outcome::Failed(failed) => line.failed = Some(failed),
            Outcome::NoTask => line.no_task = true,
            Outcome::Answered(answered) => {
                line.status = Some(answered.status);
                line.sample_data = answered.sample_data;
                line.content_range = answered.content_range;
                match String::from_utf8(answered.body) {
                    Ok(text) => line.body = Some(text),
                    Err(bytes) => line.body_base64 = Some(BASE64_STANDARD.encode(bytes.as_bytes())),
                }
            }
        }
        line
    }
}

impl<'a> RawLine<'a> {
    /// Parses a line.
    pub(super) fn parse(text: &'a [u8]) -> Result<Self, String> {
        serde_json::from_slice(text).map_err(|error| error.to_string())
    }

    /// Whether it is the footer, and not a record.
    pub(super) fn is_footer(&self) -> bool {
        self.finished_at.is_some()
    }

    pub(super) fn task_id(&self) -> Option<&str> {
        self.task_id.as_deref()
    }

    pub(super) fn fetched_at(&self) -> Timestamp {
        self.fetched_at
    }

    pub(super) fn ordinal(&self) -> usize {
        self.ordinal
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    pub(super) fn clock_offset(&self) -> Option<ClockOffset> {
        self.clock_offset_s
    }

    /// Its record, with an empty body in place of the JSON string that the line has or had.
    fn without_body(self, has_body: bool) -> Result<Record, String> {
        let Self { ordinal, task_id, fetched_at, attempts, request_id, status, .. } = self;
        let (sample_data, content_range) = (self.sample_data, self.content_range);
        let answered = |body| {
            let status = status.ok_or("`status` is missing")?;
            Ok::<_, String>(Outcome::Answered(Answered { status, sample_data, content_range, body }))
        };
        let outcome = match (self.failed, has_body, self.body_base64) {
            (None, false, None) if self.no_task => Outcome::NoTask,
            (Some(failed), false, None) => Outcome::Failed(failed),
            (None, true, None) => answered(Vec::new())?,
            (None, false, Some(coded)) => {
                answered(BASE64_STANDARD.decode(coded).map_err(|error| format!("body_base64: {error}"))?)?
            }
            _ => {
                return Err(
                    "a record needs exactly one of `failed`, `no_task`, `body` and `body_base64`".to_owned()
                );
            }
        };
        // A context in a form that this version does not know is not known; the results beside it still count.
        let context = self.context.and_then(|context| serde_json::from_str(context.get()).ok());
        let task_id = task_id.map(TaskId::try_from).transpose().map_err(|error| error.to_string())?;
        let clock_offset = self.clock_offset_s;
        Ok(Record { ordinal, task_id, fetched_at, clock_offset, attempts, request_id, context, outcome })
    }
}

/// A line whose body is passed over.
pub(super) struct SplitLine<'t> {
    text: &'t [u8],
    /// The fields without the body, and the place of the body; none for a line that cannot be [split](split_body).
    split: Option<(Vec<u8>, Range<usize>)>,
}

impl<'t> SplitLine<'t> {
    pub(super) fn of(text: &'t [u8]) -> Self {
        Self { text, split: split_body(text) }
    }

    /// The line, and the place of its body's string.
    pub(super) fn parse(&self) -> Result<(RawLine<'_>, Option<Range<usize>>), String> {
        let of_fields = self.split.as_ref().and_then(|(fields, body)| {
            let line = RawLine::parse(fields).ok().filter(|line| line.body.is_none())?;
            Some((line, Some(body.clone())))
        });
        if let Some(found) = of_fields {
            return Ok(found);
        }
        let line = RawLine::parse(self.text)?;
        let body = line.body.map(|body| place(body.get(), self.text));
        Ok((line, body))
    }

    /// Checks that [`Record::read`] can read the line. `line` and `body` are what was parsed of it.
    pub(super) fn check(&self, line: RawLine<'_>, body: Option<Range<usize>>) -> Result<(), String> {
        RawLine { context: None, ..line }.without_body(body.is_some())?;
        match body {
            // A body that was split off was checked.
            Some(body) if self.split.is_none() => unescape(&mut self.text.to_vec(), body.start + 1).map(drop),
            _ => Ok(()),
        }
    }
}

impl Record {
    /// Parses a line. A body may be very long, so it is unescaped in place, and not read before that.
    pub(super) fn read(mut text: Vec<u8>) -> Result<Self, String> {
        let before_body = last_body(&text).and_then(|(fields, body)| {
            let line = RawLine::parse(&fields).ok().filter(|line| line.body.is_none())?;
            Some((line.without_body(true), body.start, fields))
        });
        let (mut record, start, fields) = match before_body {
            Some((record, start, fields)) => (record, start, Some(fields)),
            None => {
                let line = RawLine::parse(&text)?;
                let body = line.body.map(|body| place(body.get(), &text));
                let record = line.without_body(body.is_some());
                let Some(body) = body else { return record };
                (record, body.start + 1, None)
            }
        };
        let (length, end) = unescape(&mut text, start)?;
        let after = text.get(end..).unwrap_or_default().trim_ascii();
        if let Some(mut fields) = fields.filter(|_| after != b"}") {
            // The text at the end is that of another field.
            fields.pop();
            fields.extend_from_slice(after);
            let line = RawLine::parse(&fields)?;
            if line.body.is_some() {
                return Err("duplicate field `body`".to_owned());
            }
            record = line.without_body(true);
        }
        let mut record = record?;
        if let Outcome::Answered(answered) = &mut record.outcome {
            text.truncate(length);
            answered.body = text;
        }
        Ok(record)
    }
}

/// Splits a line whose last field is its body, as in every answer that is text: the other fields as an object, and
/// the place of the body's string. None for other lines, and for invalid ones.
///
/// A body is most of its line, and passing over it with serde takes longer than all else that is read of the line.
pub(super) fn split_body(line: &[u8]) -> Option<(Vec<u8>, Range<usize>)> {
    let (fields, body) = last_body(line)?;
    let text = line.get(body.clone())?;
    // A loop over the bytes is faster than a search: JSON in a string is full of escapes.
    let mut rest = text;
    while let Some(byte) = rest.first() {
        let length = match byte {
            b'\\' if rest.get(1) == Some(&b'"') => 2,
            b'\\' => escaped(rest)?.1,
            b'"' | 0..b' ' => return None,
            _ => 1,
        };
        rest = rest.get(length..)?;
    }
    std::str::from_utf8(text).ok()?;
    Some((fields, body.start - 1..body.end + 1))
}

/// As [`split_body`], with the place of what is in the string's quotes, of which nothing is checked.
fn last_body(line: &[u8]) -> Option<(Vec<u8>, Range<usize>)> {
    const FIELD: &[u8] = br#","body":""#;
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    // No string holds this: a quote in it would be escaped.
    let start = memchr::memmem::find(line, FIELD)?;
    let fields = [line.get(..start)?, b"}"].concat();
    let body = line.get(start + FIELD.len()..)?.strip_suffix(b"\"}")?;
    let start = start + FIELD.len();
    Some((fields, start..start + body.len()))
}

/// The byte range of a part in its text.
fn place(part: &str, whole: &[u8]) -> Range<usize> {
    let start = part.as_ptr().addr() - whole.as_ptr().addr();
    start..start + part.len()
}

/// Unescapes the JSON string whose first quote is before `start`, to the beginning of `text`: no character is longer
/// than its escape. Returns its new length, and where the text after its last quote starts.
fn unescape(text: &mut [u8], start: usize) -> Result<(usize, usize), String> {
    let found = unescape_string(text, start);
    let is_text = |length| text.get(..length).is_some_and(|text| std::str::from_utf8(text).is_ok());
    found.filter(|(length, _)| is_text(*length)).ok_or_else(|| "`body` is not a valid JSON string".to_owned())
}

fn unescape_string(text: &mut [u8], start: usize) -> Option<(usize, usize)> {
    let (mut read, mut written) = (start, 0);
    // A loop over the bytes is faster than a search: JSON in a string is full of escapes.
    loop {
        let byte = *text.get(read)?;
        let (plain, length) = match byte {
            b'\\' if text.get(read + 1) == Some(&b'"') => (b'"', 2),
            b'\\' => {
                let (character, length) = escaped(text.get(read..)?)?;
                let mut bytes = [0; 4];
                let bytes = character.encode_utf8(&mut bytes).as_bytes();
                text.get_mut(written..written + bytes.len())?.copy_from_slice(bytes);
                (read, written) = (read + length, written + bytes.len());
                continue;
            }
            b'"' => return Some((written, read + 1)),
            0..b' ' => return None,
            plain => (plain, 1),
        };
        *text.get_mut(written)? = plain;
        (read, written) = (read + length, written + 1);
    }
}

/// The character whose escape a text begins with, and the length of the escape in bytes.
fn escaped(text: &[u8]) -> Option<(char, usize)> {
    let character = match text.get(1)? {
        escape @ (b'"' | b'\\' | b'/') => char::from(*escape),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let first = unit(text)?;
            let second = if (0xD800..0xDC00).contains(&first) { Some(unit(text.get(6..)?)?) } else { None };
            let character = char::decode_utf16([first].into_iter().chain(second)).next()?.ok()?;
            return Some((character, if second.is_some() { 12 } else { 6 }));
        }
        _ => return None,
    };
    Some((character, 2))
}

/// The UTF-16 unit whose escape a text begins with.
fn unit(text: &[u8]) -> Option<u16> {
    let digits =
        text.get(..6)?.strip_prefix(b"\\u").filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unescaped(string: &str) -> Option<String> {
        let mut text = format!("{{\"body\":{string}}}").into_bytes();
        let (length, end) = unescape(&mut text, 9).ok()?;
        assert_eq!(text[end..], b"}"[..]);
        text.truncate(length);
        Some(String::from_utf8(text).unwrap())
    }

    #[test]
    fn invalid_escapes_are_rejected() {
        for string in [
            r#""\ud800""#,
            r#""\ud800\ud800""#,
            r#""\udc00""#,
            r#""\u+123""#,
            r#""\ud83d\u""#,
            r#""\x""#,
            "\"\t\"",
            "\"",
        ] {
            assert_eq!(unescaped(string), None, "{string}");
        }
        assert_eq!(unescaped(r#""\ud83d\ude00\u00FC\/\b\f""#).as_deref(), Some("😀ü/\u{8}\u{c}"));
    }

    #[test]
    fn body_is_split_off_only_where_it_is_the_valid_last_field() {
        let split = |line: &str| {
            let (fields, place) = split_body(line.as_bytes())?;
            Some((String::from_utf8(fields).unwrap(), line.get(place).unwrap().to_owned()))
        };
        let found = |fields: &str, body: &str| Some((fields.to_owned(), body.to_owned()));
        assert_eq!(split("{\"ordinal\":0,\"body\":\"\"}\n"), found("{\"ordinal\":0}", "\"\""));
        let body = r#""\"ä\u00e4\\""#;
        assert_eq!(
            split(&format!("{{\"a\":\",\\\"body\\\":\",\"body\":{body}}}")),
            found(r#"{"a":",\"body\":"}"#, body)
        );
        for line in [
            r#"{"body":"a"}"#,
            r#"{"a":1,"body":"b","c":"d"}"#,
            r#"{"a":1,"body":"b"}}"#,
            r#"{"a":1,"body":"b\"}"#,
            r#"{"a":1,"body":"\x"}"#,
            r#"{"a":1,"body":"\u00g0"}"#,
            r#"{"a":1,"body":"\u00"}"#,
            r#"{"a":1,"body":"\ud800"}"#,
            "{\"a\":1,\"body\":\"\t\"}",
            r#"{"a":1,"body":"b"#,
        ] {
            assert_eq!(split(line), None, "{line}");
        }
        assert_eq!(split_body(b"{\"a\":1,\"body\":\"\xff\"}"), None);
    }

    #[test]
    fn body_is_found_at_any_place() {
        let fields = r#""ordinal":0,"fetched_at":"2026-11-21T00:00:00Z","attempts":1"#;
        let body = |line: String| match Record::read(line.into_bytes())?.outcome {
            Outcome::Answered(answered) => Ok(String::from_utf8(answered.body).unwrap()),
            other => Err(format!("{other:?}")),
        };
        for rest in [
            r#""status":200,"body":"a\"b"}"#,
            r#""status":200,"body":"a\"b","request_id":"r"}"#,
            r#""body":"a\"b","status":200,"request_id":"r"}"#,
            r#""later":{"x":1,"body":"no"},"status":200,"body":"a\"b"}"#,
            r#""status":200,"body" : "a\"b","later":{"x":1,"body":"no"}}"#,
            r#""status":200,"b\u006fdy":"a\"b"}"#,
        ] {
            assert_eq!(body(format!("{{{fields},{rest}\n")).as_deref(), Ok("a\"b"), "{rest}");
        }
        for rest in [
            r#""status":200,"body":"a","body":"b"}"#,
            r#""status":200,"b\u006fdy":"a","body":"b"}"#,
            r#""status":200,"body":"a","request_id":"r}"#,
            r#""later":{"x":1,"body":"no"}}"#,
        ] {
            assert!(body(format!("{{{fields},{rest}\n")).is_err(), "{rest}");
        }
        assert!(Record::read([fields.as_bytes(), b",\"status\":200,\"body\":\"\xff\"}"].concat()).is_err());
    }

    proptest! {
        #[test]
        fn any_text_survives_escape_and_unescape(text in any::<String>()) {
            prop_assert_eq!(unescaped(&serde_json::to_string(&text).unwrap()), Some(text));
        }
    }
}
