//! Values of the JSON documents that ticket systems answer with.

use serde_json::Value;

/// The items of a list in a document; none if there is no such list.
pub(super) fn list<'a>(document: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    document.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// A text in a document; empty if there is no such text.
pub(super) fn text<'a>(document: &'a Value, name: &str) -> &'a str {
    document.get(name).and_then(Value::as_str).unwrap_or_default()
}
