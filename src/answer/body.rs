//! Answers of the obtain call, in every shape, as one model.
//!
//! Pure, and strict where leniency would turn missing evidence into a pass: a count that is absent,
//! null, negative or a fraction makes the whole answer unreadable. Unknown fields are ignored.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, Visitor};
use std::fmt;

use super::epoch::epoch_time;
use super::error_fields::ErrorBody;
use super::object::{Form, Object};
use crate::model::{Answer, DirectoryCheck, Shape, Verification};

/// The longest description of what is wrong with a body, in characters.
const MAX_MESSAGE: usize = 300;

/// Why a successful response is not an answer.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// There is nothing in it.
    #[error("the body is empty")]
    Empty,
    /// It is not UTF-8.
    #[error("the body is not UTF-8 text from byte {0} on")]
    NotText(usize),
    /// It is not JSON.
    #[error("the body is not valid JSON at byte {byte} (line {line}, column {column}): {what}")]
    NotJson {
        /// The offending byte, from 0.
        byte: usize,
        /// Its line, from 1.
        line: usize,
        /// Its column in bytes, from 1.
        column: usize,
        /// What the parser says.
        what: String,
    },
    /// It is JSON of another form.
    #[error("the body is JSON, but not a verification answer: {0}")]
    NoShape(String),
    /// It reports an error.
    #[error("{place} reports an error although the HTTP status is a success{}", detail(.error))]
    Error {
        /// The part of the body that reports it.
        place: String,
        /// What it reports.
        error: Box<ErrorBody>,
    },
    /// The status is a success, but not 200.
    #[error("HTTP {0} is not a complete answer: only HTTP 200 is")]
    Status(u16),
    /// The response has a part of the answer.
    #[error("the response is partial: content-range {0}")]
    Partial(String),
}

fn detail(error: &ErrorBody) -> String {
    error.text().map_or_else(String::new, |text| format!(": {text}"))
}

impl Unreadable {
    /// The error that the response reports, if that is why it is not an answer.
    pub fn error(&self) -> Option<&ErrorBody> {
        match self {
            Self::Error { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// Reads a successful response to the obtain call: its status, its `Content-Range` header and its body.
///
/// # Errors
/// [`Unreadable`] for another status than 200, for a part of an answer, and as [`normalise`].
pub fn read_answer(status: u16, content_range: Option<&str>, body: &[u8]) -> Result<Answer, Unreadable> {
    if status != 200 {
        return Err(Unreadable::Status(status));
    }
    match content_range.filter(|range| !is_whole(range)) {
        Some(range) => Err(Unreadable::Partial(super::text_body::shorten(range))),
        None => normalise(body),
    }
}

/// Whether a `Content-Range` covers everything, as `bytes 0-239/240` does.
fn is_whole(range: &str) -> bool {
    let parts = || {
        let (_, range) = range.trim().split_once(' ')?;
        let (range, total) = range.trim().split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let [first, last, total] = [first, last, total].map(|number| number.trim().parse::<u64>().ok());
        Some((first?, last?, total?))
    };
    parts().is_some_and(|(first, last, total)| first == 0 && last.checked_add(1) == Some(total))
}

/// Whether a body is JSON, of any form. The service sends nothing else: another body comes from a proxy, or was
/// damaged on the way.
pub fn is_json(body: &[u8]) -> bool {
    // serde_json looks at no text that it passes over.
    let text = std::str::from_utf8(body).ok();
    text.is_some_and(|text| serde_json::from_str::<IgnoredAny>(without_mark(text)).is_ok())
}

/// A text without its byte order mark, if it has one.
pub(super) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Reads the body of a 200 answer.
///
/// # Errors
/// [`Unreadable`] for everything that is no known shape.
pub fn normalise(body: &[u8]) -> Result<Answer, Unreadable> {
    let whole = std::str::from_utf8(body).map_err(|error| Unreadable::NotText(error.valid_up_to()))?;
    let text = without_mark(whole);
    if text.trim().is_empty() {
        return Err(Unreadable::Empty);
    }
    let mark = whole.len() - text.len();
    let document: Object<Document> =
        serde_json::from_str(text).map_err(|error| explain(text, mark, &error))?;
    let document = document.untroubled(|| "the body".to_owned())?;
    match (document.result_list, document.consistency_result) {
        (Some(Some(_)), Some(Some(directories))) if !directories.is_empty() => Err(Unreadable::NoShape(
            "it has both `result_list` and `consistency_result`, so which one is valid is unknown".to_owned(),
        )),
        (Some(Some(items)), _) => from_list(items, document.task_id),
        (_, Some(directories)) => {
            let directories = checks(directories.unwrap_or_default(), "")?;
            let verification = (!directories.is_empty()).then_some(Verification {
                finished: document.finished_time.0,
                // Not documented in this shape, but it counts if it is there.
                check_result: document.check_result,
                directories,
            });
            Ok(Answer::new(Shape::Legacy, document.task_id, verification.into_iter().collect()))
        }
        (Some(None), None) => Ok(Answer::new(Shape::ResultList, document.task_id, Vec::new())),
        (None, None) => {
            Err(Unreadable::NoShape("it has neither `result_list` nor `consistency_result`".to_owned()))
        }
    }
}

fn from_list(items: Vec<Item>, task_id: Option<String>) -> Result<Answer, Unreadable> {
    let mut shape = Shape::ResultList;
    let mut verifications = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let listed = match item {
            Item::Object(listed) => listed,
            Item::Text(text) => {
                shape = Shape::ResultListStrings;
                serde_json::from_str(&text).map_err(|error| {
                    Unreadable::NoShape(format!("the text in result_list[{index}]: {}", short(&error)))
                })?
            }
        };
        let place = format!("result_list[{index}]");
        let listed = listed.untroubled(|| place.clone())?;
        verifications.push(Verification {
            finished: listed.finished_time.0,
            check_result: Some(listed.check_result.unwrap_or_default()),
            directories: checks(listed.consistency_result.unwrap_or_default(), &format!("{place}."))?,
        });
    }
    Ok(Answer::new(shape, task_id, verifications))
}

/// The directories of a verification; `path` leads to them.
fn checks(checks: Vec<Object<Check>>, path: &str) -> Result<Vec<DirectoryCheck>, Unreadable> {
    let check = |(index, check): (usize, Object<Check>)| {
        check.untroubled(|| format!("{path}consistency_result[{index}]")).map(Into::into)
    };
    checks.into_iter().enumerate().map(check).collect()
}

impl<T> Object<T> {
    /// The object, if no field of it reports an error; `place` names it.
    fn untroubled(self, place: impl FnOnce() -> String) -> Result<T, Unreadable> {
        match self.error {
            None => Ok(self.value),
            Some(error) => Err(Unreadable::Error { place: place(), error }),
        }
    }
}

/// The parser's message, cut where it quotes much of what it read.
fn short(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.char_indices().nth(MAX_MESSAGE) {
        None => text,
        // The parser puts the position at the end.
        Some((end, _)) => {
            let place = format!(" at line {} column {}", error.line(), error.column());
            format!("{}…{place}", text.get(..end).unwrap_or_default())
        }
    }
}

/// `mark` is the length of the byte order mark before `text`, in bytes.
fn explain(text: &str, mark: usize, error: &serde_json::Error) -> Unreadable {
    if error.is_data() {
        return Unreadable::NoShape(short(error));
    }
    let (line, column) = (error.line(), error.column());
    let lines_before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let what = short(error);
    let what = what.rsplit_once(" at line ").map_or(what.as_str(), |(what, _)| what).to_owned();
    Unreadable::NotJson {
        byte: mark + (lines_before + column).saturating_sub(1).min(text.len()),
        line,
        column,
        what,
    }
}

/// Both shapes at once. The outer option distinguishes an absent field from a null one.
#[derive(Deserialize)]
struct Document {
    #[serde(default, deserialize_with = "present")]
    result_list: Option<Option<Vec<Item>>>,
    #[serde(default, deserialize_with = "present")]
    consistency_result: Option<Option<Vec<Object<Check>>>>,
    #[serde(default)]
    finished_time: FinishedTime,
    #[serde(default)]
    check_result: Option<String>,
    #[serde(default)]
    task_id: Option<String>,
}

impl Form for Document {
    const FIELDS: &'static [&'static str] =
        &["result_list", "consistency_result", "finished_time", "check_result", "task_id"];
}

fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    finished_time: FinishedTime,
    #[serde(default)]
    check_result: Option<String>,
    #[serde(default)]
    consistency_result: Option<Vec<Object<Check>>>,
}

impl Form for Listed {
    const FIELDS: &'static [&'static str] = &["finished_time", "check_result", "consistency_result"];
}

/// An element of `result_list`: the pages show objects and declare strings.
enum Item {
    Object(Object<Listed>),
    Text(String),
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemVisitor;
        impl<'de> Visitor<'de> for ItemVisitor {
            type Value = Item;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a verification object, or a string with one")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Item, E> {
                Ok(Item::Text(text.to_owned()))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Item, A::Error> {
                Object::read(map).map(Item::Object)
            }
        }
        deserializer.deserialize_any(ItemVisitor)
    }
}

#[derive(Deserialize)]
struct Check {
    dir_check: String,
    num_total_files: Count,
    num_different_files: Count,
    num_target_miss_files: Count,
    num_target_more_files: Count,
}

impl Form for Check {
    const FIELDS: &'static [&'static str] = &[
        "dir_check",
        "num_total_files",
        "num_different_files",
        "num_target_miss_files",
        "num_target_more_files",
    ];
}

/// A number of files. Null, texts and fractions are refused: they could be read as fewer files than there are.
struct Count(u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountVisitor;
        impl Visitor<'_> for CountVisitor {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a count of files: a whole number, 0 or more")
            }

            fn visit_u64<E: de::Error>(self, count: u64) -> Result<Count, E> {
                Ok(Count(count))
            }
        }
        deserializer.deserialize_u64(CountVisitor)
    }
}

impl From<Check> for DirectoryCheck {
    fn from(check: Check) -> Self {
        Self {
            directory: check.dir_check,
            total: check.num_total_files.0,
            different: check.num_different_files.0,
            missing: check.num_target_miss_files.0,
            redundant: check.num_target_more_files.0,
        }
    }
}

/// A point in time as a number or a text, in seconds or milliseconds; none if it is empty or 0.
#[derive(Default)]
struct FinishedTime(Option<Timestamp>);

impl<'de> Deserialize<'de> for FinishedTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TimeVisitor;
        impl Visitor<'_> for TimeVisitor {
            type Value = FinishedTime;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a finished_time in seconds or milliseconds since 1970")
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<FinishedTime, E> {
                if value == 0 {
                    return Ok(FinishedTime(None));
                }
                let invalid = || E::invalid_value(de::Unexpected::Signed(value), &self);
                epoch_time(value).map(|time| FinishedTime(Some(time))).ok_or_else(invalid)
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<FinishedTime, E> {
                match i64::try_from(value) {
                    Ok(value) => self.visit_i64(value),
                    Err(_) => Err(E::invalid_value(de::Unexpected::Unsigned(value), &self)),
                }
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<FinishedTime, E> {
                match text.trim() {
                    "" => Ok(FinishedTime(None)),
                    text => match text.parse() {
                        Ok(value) => self.visit_i64(value),
                        Err(_) => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                    },
                }
            }

            fn visit_unit<E: de::Error>(self) -> Result<FinishedTime, E> {
                Ok(FinishedTime(None))
            }
        }
        deserializer.deserialize_any(TimeVisitor)
    }
}

#[cfg(test)]
mod tests;
