//! Task lists as JSON: an array, the batch-export body, or an object a line.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Row, Rows, line_at};

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
            for item in items {
                // An item is a slice of the text, so the distance between the two tells its line.
                let offset = (item.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
                add(&mut rows, line_at(text.as_bytes().get(..offset).unwrap_or_default()), item.get());
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

fn add(rows: &mut Rows, line: u64, item: &str) {
    match serde_json::from_str::<Fields<Value>>(item) {
        Err(error) => rows.faults.push((Some(line), format!("is not a task object: {error}"))),
        Ok(Fields(fields)) => {
            let mut texts = Vec::with_capacity(fields.len());
            for (name, value) in fields {
                match text_of(value) {
                    Some(text) => texts.push((name, text)),
                    None => return rows.faults.push((Some(line), format!("`{name}` is not a text"))),
                }
            }
            rows.rows.push(Row { line, fields: texts });
        }
    }
}

/// A field as text. A fraction has none: its digits may not be those that the author wrote.
fn text_of(value: Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::String(text) => Some(text),
        Value::Number(number) if number.is_f64() => None,
        Value::Number(number) => Some(number.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// The fields of an object in the order in which they are written.
pub(super) struct Fields<V>(pub(super) Vec<(String, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Fields<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder<V>(std::marker::PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for InOrder<V> {
            type Value = Fields<V>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object with a task_id")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<V>, A::Error> {
                let mut fields: Vec<(String, V)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, V>()? {
                    if fields.iter().any(|(other, _)| *other == name) {
                        return Err(serde::de::Error::custom(format!("`{name}` is there twice")));
                    }
                    fields.push((name, value));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(InOrder(std::marker::PhantomData))
    }
}
