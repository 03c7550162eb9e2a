//! Answers of the obtain call, in every shape, as one model.
//!
//! Pure, and strict where leniency would turn missing evidence into a pass: a count that is absent,
//! null, negative or a fraction makes the whole answer unreadable. Unknown fields are passed over.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, Visitor};
use std::fmt;
use std::marker::PhantomData;

use crate::model::{Answer, DirectoryCheck, Shape, Verification};

/// Finished times below this are seconds since 1970, the others milliseconds.
const FIRST_MILLISECOND_VALUE: i64 = 100_000_000_000;
/// The longest that is said of what is wrong with a body, in characters.
const MAX_MESSAGE: usize = 300;

/// Why a body is no answer.
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
}

/// Whether a body is JSON, of whatever form. One that is not never left the service like that:
/// something on the way has put its own in its place, or spoilt it.
pub fn is_json(body: &[u8]) -> bool {
    // serde_json looks at no text that it passes over.
    let text = std::str::from_utf8(body).ok();
    text.is_some_and(|text| serde_json::from_str::<IgnoredAny>(without_mark(text)).is_ok())
}

/// A text without the byte order mark that may stand before it.
fn without_mark(text: &str) -> &str {
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
    let Object(document): Object<Document> =
        serde_json::from_str(text).map_err(|error| explain(text, mark, &error))?;
    if is_code(&document.error_code) {
        return Err(Unreadable::NoShape("its `error_code` says that it is an error".to_owned()));
    }
    match (document.result_list, document.consistency_result) {
        (Some(Some(_)), Some(Some(directories))) if !directories.is_empty() => Err(Unreadable::NoShape(
            "it has both a `result_list` and a `consistency_result`; which of them holds cannot be told"
                .to_owned(),
        )),
        (Some(Some(items)), _) => from_list(items, document.task_id),
        (_, Some(directories)) => {
            let directories = directories.filter(|directories| !directories.is_empty());
            let verification = directories.map(|directories| Verification {
                finished: document.finished_time.0,
                // The pages know none in this shape; one that is there counts.
                check_result: document.check_result,
                directories: directories.into_iter().map(Into::into).collect(),
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
                let Object(listed) = serde_json::from_str(&text).map_err(|error| {
                    Unreadable::NoShape(format!("the text in result_list[{index}]: {}", short(&error)))
                })?;
                listed
            }
        };
        verifications.push(Verification {
            finished: listed.finished_time.0,
            check_result: Some(listed.check_result.unwrap_or_default()),
            directories: listed.consistency_result.unwrap_or_default().into_iter().map(Into::into).collect(),
        });
    }
    Ok(Answer::new(shape, task_id, verifications))
}

/// What the parser says, cut where it quotes at length what it read.
fn short(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.char_indices().nth(MAX_MESSAGE) {
        None => text,
        // The place stands at the end.
        Some((end, _)) => {
            let place = format!(" at line {} column {}", error.line(), error.column());
            format!("{}…{place}", text.get(..end).unwrap_or_default())
        }
    }
}

/// `mark` is the length of the byte order mark that stood before `text`.
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

/// Both shapes at once. The outer option tells an absent field from a null one.
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
    #[serde(default)]
    error_code: serde_json::Value,
}

/// Whether a field that names an error names one.
fn is_code(code: &serde_json::Value) -> bool {
    match code {
        serde_json::Value::Null => false,
        serde_json::Value::String(code) => !matches!(code.trim(), "" | "0"),
        code => *code != 0,
    }
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

/// A JSON object, and nothing else: serde would also take the fields of a struct from an array, by
/// their place.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

/// An element of `result_list`: the pages show objects and declare strings.
enum Item {
    Object(Listed),
    Text(String),
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemVisitor;
        impl<'de> Visitor<'de> for ItemVisitor {
            type Value = Item;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a verification object, or a string that holds one")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Item, E> {
                Ok(Item::Text(text.to_owned()))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Item, A::Error> {
                Listed::deserialize(de::value::MapAccessDeserializer::new(map)).map(Item::Object)
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

/// A number of files. Neither null nor a text nor a fraction: it might be read as fewer than there are.
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

impl From<Object<Check>> for DirectoryCheck {
    fn from(Object(check): Object<Check>) -> Self {
        Self {
            directory: check.dir_check,
            total: check.num_total_files.0,
            different: check.num_different_files.0,
            missing: check.num_target_miss_files.0,
            redundant: check.num_target_more_files.0,
        }
    }
}

/// A point in time as a number or a text, in seconds or milliseconds.
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
                let time = match value {
                    0..FIRST_MILLISECOND_VALUE => Timestamp::from_second(value),
                    FIRST_MILLISECOND_VALUE.. => Timestamp::from_millisecond(value),
                    _ => return Err(E::invalid_value(de::Unexpected::Signed(value), &self)),
                };
                time.map(|time| FinishedTime(Some(time)))
                    .map_err(|_| E::invalid_value(de::Unexpected::Signed(value), &self))
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
