//! The lines of a journal.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::origin::{Origin, Part};
use crate::model::{Reconciliation, TOOL, TaskId, TaskList};

/// The version of the journal's form.
pub const FORMAT: u64 = 1;

/// The endpoint's name for the service in the program's own process.
pub const EMBEDDED: &str = "embedded";

/// What the run was asked: the first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`] of the writer.
    pub journal_format: u64,
    /// The name and version of the program that wrote it.
    pub tool: String,
    /// When the run began.
    pub started_at: Timestamp,
    /// Where the answers come from, without credentials.
    pub endpoint: String,
    /// What was to be fetched, in the order of the reports.
    pub list: TaskList,
    /// What the account was asked for, to find the tasks or to compare them; none if it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searched: Option<Searched>,
    /// How the list compares with what the account has; none if nobody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconciliation: Option<Reconciliation>,
    /// The shard that the list is; none if it is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Part>,
    /// Of a merged journal: what it was made from, by endpoint, in the order of the list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged_from: Vec<Origin>,
}

/// Which of the account's tasks were asked for; without either, those that have results.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Searched {
    /// Those in this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Those of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Header {
    /// The header of a run of this program.
    pub fn new(started_at: Timestamp, endpoint: String, list: TaskList) -> Self {
        Self {
            journal_format: FORMAT,
            tool: TOOL.to_owned(),
            started_at,
            endpoint,
            list,
            searched: None,
            reconciliation: None,
            shard: None,
            merged_from: Vec::new(),
        }
    }
}

/// One finished task.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Line")]
pub struct Record {
    /// The task's place in the list, from 0.
    pub ordinal: usize,
    /// The task, once more, for who searches the journal.
    pub task_id: TaskId,
    /// When the last attempt ended.
    pub fetched_at: Timestamp,
    /// Requests that were made for it.
    pub attempts: u32,
    /// The service's id of the last request.
    pub request_id: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of asking for a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The service answered; whether that can be read is for the report to say.
    Answered(Answered),
    /// No answer could be had.
    Failed(Failed),
}

/// A 2xx answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// Whether the embedded service gave it.
    pub sample_data: bool,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

/// Why no answer could be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// The last HTTP status, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The last error code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What the server said, and what was tried.
    pub message: String,
}

/// The last line of a run that came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footer {
    /// When the last task was finished.
    pub finished_at: Timestamp,
    /// Tasks recorded.
    pub recorded: usize,
}

/// A record as it stands in the file: the body as text where it is text.
#[derive(Serialize, Deserialize)]
pub(super) struct Line {
    ordinal: usize,
    task_id: TaskId,
    fetched_at: Timestamp,
    attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    sample_data: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed: Option<Failed>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text")]
    body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

/// Reads a body, which may be very long, without a copy of it aside.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let raw = Option::<&RawValue>::deserialize(deserializer)?;
    let text = |raw: &RawValue| unescaped(raw.get()).ok_or_else(|| D::Error::custom("the body is no text"));
    raw.map(text).transpose()
}

/// The text that a JSON string stands for.
fn unescaped(string: &str) -> Option<String> {
    let mut rest = string.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::with_capacity(rest.len());
    while let Some(place) = memchr::memchr(b'\\', rest.as_bytes()) {
        text.push_str(rest.get(..place)?);
        let escape = *rest.as_bytes().get(place + 1)?;
        rest = rest.get(place + 2..)?;
        text.push(match escape {
            b'"' | b'\\' | b'/' => char::from(escape),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = unit(rest)?;
                rest = rest.get(4..)?;
                let mut second = None;
                if (0xD800..0xDC00).contains(&first) {
                    let after = rest.strip_prefix("\\u")?;
                    second = Some(unit(after)?);
                    rest = after.get(4..)?;
                }
                char::decode_utf16([first].into_iter().chain(second)).next()?.ok()?
            }
            _ => return None,
        });
    }
    text.push_str(rest);
    Some(text)
}

/// The UTF-16 unit that a text begins with, in four digits.
fn unit(text: &str) -> Option<u16> {
    let digits = text.get(..4).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    u16::from_str_radix(digits, 16).ok()
}

impl From<Record> for Line {
    fn from(record: Record) -> Self {
        let Record { ordinal, task_id, fetched_at, attempts, request_id, outcome } = record;
        let mut line = Self {
            ordinal,
            task_id,
            fetched_at,
            attempts,
            request_id,
            status: None,
            sample_data: false,
            failed: None,
            body: None,
            body_base64: None,
        };
        match outcome {
            Outcome::Failed(failed) => line.failed = Some(failed),
            Outcome::Answered(answered) => {
                line.status = Some(answered.status);
                line.sample_data = answered.sample_data;
                match String::from_utf8(answered.body) {
                    Ok(text) => line.body = Some(text),
                    Err(bytes) => line.body_base64 = Some(BASE64_STANDARD.encode(bytes.as_bytes())),
                }
            }
        }
        line
    }
}

impl TryFrom<Line> for Record {
    type Error = String;

    fn try_from(line: Line) -> Result<Self, String> {
        let answered = |body| {
            let status = line.status.ok_or("a body without a status")?;
            Ok::<_, String>(Outcome::Answered(Answered { status, sample_data: line.sample_data, body }))
        };
        let outcome = match (line.failed, line.body, line.body_base64) {
            (Some(failed), None, None) => Outcome::Failed(failed),
            (None, Some(text), None) => answered(text.into_bytes())?,
            (None, None, Some(coded)) => {
                answered(BASE64_STANDARD.decode(coded).map_err(|error| format!("body_base64: {error}"))?)?
            }
            _ => return Err("a record has one of `failed`, `body` and `body_base64`".to_owned()),
        };
        Ok(Self {
            ordinal: line.ordinal,
            task_id: line.task_id,
            fetched_at: line.fetched_at,
            attempts: line.attempts,
            request_id: line.request_id,
            outcome,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_half_a_character_is_no_text() {
        for string in
            [r#""\ud800""#, r#""\ud800\ud800""#, r#""\udc00""#, r#""\u+123""#, r#""\ud83d\u""#, r#""\x""#]
        {
            assert_eq!(unescaped(string), None, "{string}");
        }
        assert_eq!(unescaped(r#""\ud83d\ude00\u00FC\/\b\f""#).as_deref(), Some("😀ü/\u{8}\u{c}"));
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in any::<String>()) {
            prop_assert_eq!(unescaped(&serde_json::to_string(&text).unwrap()), Some(text));
        }
    }
}
