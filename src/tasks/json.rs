//! Task lists as JSON: an array, the batch-export body, or an object a line.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::rows::{Row, Rows};
use super::text::line_breaks;

pub(super) fn read(text: &str) -> Rows {
    #[derive(serde::Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        task_info: Vec<&'a RawValue>,
    }
    let items = if text.trim_start().starts_with('{') {
        serde_json::from_str::<Body<'_>>(text).map(|body| body.task_info)
    } else {
        serde_json::from_str(text)
    };
    match items {
        Err(error) => Rows::fault(
            u64::try_from(error.line().max(1)).ok(),
            format!("is neither an array of tasks nor {{\"task_info\": […]}}: {error}"),
        ),
        Ok(items) => {
            let mut rows = Rows::default();
            for (line, item) in with_lines(text, items) {
                add(&mut rows, line, item);
            }
            rows
        }
    }
}

pub(super) fn read_lines(text: &str) -> Rows {
    let mut rows = Rows::default();
    for (line, item) in (1..).zip(text.lines()) {
        if !item.trim().is_empty() {
            add(&mut rows, line, item);
        }
    }
    rows
}

/// The parts of a text, in their order, with the lines on which they begin.
pub(super) fn with_lines<'a>(
    text: &'a str,
    parts: Vec<&'a RawValue>,
) -> impl Iterator<Item = (u64, &'a str)> {
    let mut line = 1;
    let mut seen = 0;
    parts.into_iter().map(move |part| {
        // A part is a slice of the text, so the distance between the two is its offset.
        let offset = (part.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        line += line_breaks(text.as_bytes().get(seen..offset).unwrap_or_default());
        seen = offset;
        (line, part.get())
    })
}

/// What is wrong with a part that begins on `line`, and on which line of the file.
pub(super) fn fault(line: u64, error: &serde_json::Error) -> (Option<u64>, String) {
    let below = u64::try_from(error.line().saturating_sub(1)).unwrap_or(0);
    let text = error.to_string();
    // The line that the error names is one of the part.
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    let column = if error.is_data() { String::new() } else { format!(" at column {}", error.column()) };
    (Some(line + below), format!("{what}{column}"))
}

fn add(rows: &mut Rows, line: u64, item: &str) {
    let fields = match serde_json::from_str(item) {
        Ok(Fields(fields)) => fields,
        Err(error) => {
            let (line, what) = fault(line, &error);
            return rows.faults.push((line, format!("is not a task object: {what}")));
        }
    };
    let mut row = Row::new(line);
    let known_faults = rows.faults.len();
    for (name, value) in fields {
        match text_of(value) {
            Some(text) => row.fields.push((name.into(), text)),
            None => rows.faults.push((Some(line), format!("`{name}` must be one string or number"))),
        }
    }
    if rows.faults.len() == known_faults {
        rows.rows.push(row);
    }
}

/// A field as text; a number as the author wrote it.
fn text_of(value: &RawValue) -> Option<String> {
    match value.get() {
        "null" => Some(String::new()),
        text if text.starts_with('"') => serde_json::from_str(text).ok(),
        text if text.starts_with(['[', '{']) => None,
        text => Some(text.to_owned()),
    }
}

/// The fields of an object in the order in which they are written.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with a task_id")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}
