//! All errors of a template, where a parser alone stops at the first.

use std::ops::Range;

use serde::Deserialize as _;
use toml::de::{DeTable, DeValue, Deserializer};

use super::parse::{File, TemplateError, Wrong, at, template};
use crate::model::did_you_mean;

/// The most errors of a template that are reported together.
const MAX_ERRORS: usize = 50;
/// The keys that templates have anywhere, to name the one that was meant.
const KEYS: [&str; 33] = [
    "description",
    "title",
    "summary",
    "tasks",
    "about",
    "highlight",
    "page",
    "signoff",
    "ticket",
    "widths",
    "headings",
    "columns",
    "folded",
    "labels",
    "charts",
    "sheets",
    "sheet",
    "column",
    "is",
    "above",
    "look",
    "paper",
    "orientation",
    "field",
    "decision",
    "signature",
    "name",
    "label",
    "role",
    "markdown",
    "jira",
    "plain",
    "en",
];

/// Every error of a template that cannot be used, in the order of the file.
///
/// A parser stops at its first error, so the entry that is wrong is removed and the rest parsed again.
pub(super) fn all_errors(name: &str, source: &str) -> Vec<TemplateError> {
    let Ok(mut document) = DeTable::parse(source) else {
        return template(name, source).err().into_iter().collect();
    };
    let mut wrongs: Vec<Wrong> = Vec::new();
    while wrongs.len() < MAX_ERRORS
        && let Err(error) = File::deserialize(Deserializer::from(document.clone()))
    {
        let span = error.span().unwrap_or_default();
        let mut what = error.message().to_owned();
        if let Some(key) = source.get(span.clone()).filter(|key| key_at(document.get_ref(), &span, key)) {
            what.push_str(&did_you_mean(key, KEYS));
        }
        // A key that is missing because it was misspelt is one error.
        if !wrongs.iter().any(|(earlier, _)| span.start <= earlier.start && earlier.end <= span.end) {
            wrongs.push((span.clone(), what));
        }
        if !remove(document.get_mut(), &span) {
            break;
        }
    }
    wrongs.sort_by_key(|(span, _)| span.start);
    if wrongs.is_empty() {
        return template(name, source).err().into_iter().collect();
    }
    wrongs.into_iter().map(|wrong| at(name, source, wrong)).collect()
}

/// Whether a table, or one below it, has a key at this place.
fn key_at(table: &DeTable<'_>, span: &Range<usize>, text: &str) -> bool {
    table.iter().any(|(key, value)| {
        let is_it = key.span() == *span && key.get_ref() == text;
        is_it
            || match value.get_ref() {
                DeValue::Table(below) => key_at(below, span, text),
                DeValue::Array(all) => all.iter().any(|value| match value.get_ref() {
                    DeValue::Table(below) => key_at(below, span, text),
                    _ => false,
                }),
                _ => false,
            }
    })
}

/// Removes the innermost entry that has its key or its value at this place; whether there is one.
fn remove(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    let is_inside = |place: Range<usize>| place.start <= span.start && span.end <= place.end;
    let is_below = table.iter_mut().any(|(_, value)| match value.get_mut() {
        DeValue::Table(below) => remove(below, span),
        DeValue::Array(all) => all.iter_mut().any(|value| match value.get_mut() {
            DeValue::Table(below) => remove(below, span),
            _ => false,
        }),
        _ => false,
    });
    let found = table.iter().find(|(key, value)| is_inside(key.span()) || is_inside(value.span()));
    is_below || found.map(|(key, _)| key.clone()).is_some_and(|key| table.remove(&key).is_some())
}
