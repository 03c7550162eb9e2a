//! The rows of the table of tasks, as the data block `#rows` that the page's script reads.
//!
//! It is a JSON document with a list per column, which takes half the size of an object per row. It is written value
//! by value: a report of 100,000 tasks is never in memory as text.

use std::collections::HashMap;
use std::io::Write;

use serde::Serialize;
use serde_json::json;

use super::escape;
use super::words::verdict_words;
use crate::model::Verdict;
use crate::output::error::Cause;
use crate::report::{Label, Report, SummaryRow, notes_text};

/// Writes the block `#rows`.
pub(super) fn write_rows(report: &Report<'_>, to: &mut dyn Write) -> Result<(), Cause> {
    let language = report.options().language;
    let zone = &report.options().timezone;
    let rows = report.rows();
    let t = |text: &'static str| language.text(text);
    let mut words = json!({
        "server": t("Source server"), "verdict": t("Verdict"), "last": t("Last verified"), "reason": t("Reason"),
        "different": t("Different"), "missing": t("Missing at target"), "redundant": t("Redundant at target"),
        "files": t("Total files"), "directories": t("Directories"), "directory": t("Directory"), "id": t("Task ID"),
        "source_id": t("Source ID"), "check_result": t("Check result"), "error_code": t("Error code"),
        "error_message": t("Error message"), "request_id": t("Request ID"), "shape": t("Response shape"),
        "attempts": t("Attempts"), "notes": t("Notes"), "meaning": t("Meaning"),
        "search": t("Search server, ID, label, note"), "all_verdicts": t("All verdicts"),
        "not_passing": t("Does not pass"), "every_group": t("{0}: all"), "none": t("(none)"),
        "copy": t("Copy as TSV"), "reset": t("Reset"), "previous": t("Previous page"), "next": t("Next page"),
        "tasks": t("{0} tasks"), "one_task": t("{0} task"), "some_tasks": t("{0} of {1} tasks"),
        "all_failing": t("Show all {0} in the table"), "more": t("… and {0} more"),
        "clean": t("{0} directories without differences"),
        "left_out": t("{0} directories without differences are not in this page"),
        "earlier": t("Earlier verifications"), "copy_link": t("Copy link"), "copied": t("copied"),
        "not_copied": t("the browser does not allow copying"),
        "keys": t("Keys in the table: ↑ ↓ move between rows, → ← open and close details, Home and End go to the first and last row, / goes to the search, Esc closes details or clears the filters."),
    });
    if let Some(words) = words.as_object_mut() {
        words.insert("context".to_owned(), json!(t("Context")));
    }
    let verdicts: Vec<_> = report
        .counts()
        .into_iter()
        .map(|(verdict, tasks)| {
            let words = verdict_words(verdict, language);
            json!({ "key": verdict.key(), "label": words.label, "meaning": words.meaning, "tone": words.tone,
                "shape": words.shape, "tasks": tasks, "passes": verdict.passes() })
        })
        .collect();
    let index = |verdict: Verdict| Verdict::ALL.iter().position(|other| *other == verdict);
    // No Intl in the page: it shows the wall clock of the report's zone.
    let wall_clock = |row: &SummaryRow<'_>| {
        row.last_verified.map(|time| time.as_second() + i64::from(zone.local(time).offset().seconds()))
    };
    write!(to, "<script type=\"application/json\" id=\"rows\">{{")?;
    field(to, "words", &words)?;
    write!(to, ",")?;
    field(to, "verdicts", &verdicts)?;
    write!(to, ",")?;
    field(to, "zone", &zone.name())?;
    write!(to, ",\"columns\":{{")?;
    column(to, "id", rows.iter().map(|row| row.task.id_text()))?;
    write!(to, ",")?;
    column(to, "server", rows.iter().map(|row| row.task.display_name()))?;
    write!(to, ",")?;
    column(to, "source_id", rows.iter().map(|row| row.task.source_id.as_deref().unwrap_or_default()))?;
    write!(to, ",")?;
    column(to, "verdict", rows.iter().map(|row| index(row.verdict)))?;
    write!(to, ",")?;
    column(to, "last", rows.iter().map(wall_clock))?;
    for (key, count) in [
        ("different", (|row| Some(row.totals?.different)) as fn(&SummaryRow<'_>) -> Option<u64>),
        ("missing", |row| Some(row.totals?.missing)),
        ("redundant", |row| Some(row.totals?.redundant)),
        ("files", |row| Some(row.totals?.total)),
        ("directories", |row| Some(row.totals?.directories)),
    ] {
        write!(to, ",")?;
        column(to, key, rows.iter().map(count))?;
    }
    write!(to, "}},\"labels\":[")?;
    let groups = report.groups();
    let mut group_values: Vec<usize> = Vec::new();
    for (number, label) in report.labels().iter().enumerate() {
        if number > 0 {
            write!(to, ",")?;
        }
        let index = LabelIndex::new(report, label);
        let group = groups.as_ref().filter(|groups| groups.by == label.heading);
        index.write(label, group.is_some(), to)?;
        for group in group.map(|groups| groups.rows.as_slice()).unwrap_or_default() {
            group_values.extend(index.indices.get(group.name.as_deref().unwrap_or_default()));
        }
    }
    write!(to, "],")?;
    field(to, "groups", &group_values)?;
    write!(to, ",")?;
    // A server without a task has a link by its name in the plan.
    let without_id = |row: &SummaryRow<'_>| match row.task.task_id {
        Some(_) => String::new(),
        None => row.task.key().to_owned(),
    };
    sparse(to, "servers", rows.iter().map(without_id))?;
    write!(to, ",")?;
    sparse(to, "notes", rows.iter().map(|row| notes_text(&row.notes, language)))?;
    write!(to, ",")?;
    sparse(to, "reasons", rows.iter().map(|row| row.reason(language, zone)))?;
    writeln!(to, "}}</script>")?;
    Ok(())
}

/// A label as a list of its values and the index of each row's value in it.
struct LabelIndex<'a> {
    indices: HashMap<&'a str, usize>,
    values: Vec<&'a str>,
    rows: Vec<usize>,
}

impl<'a> LabelIndex<'a> {
    fn new(report: &'a Report<'_>, label: &Label) -> Self {
        let mut index = Self { indices: HashMap::new(), values: Vec::new(), rows: Vec::new() };
        for row in report.rows() {
            let value = row.task.labels.get(&label.name).map_or("", str::trim);
            let value_index = *index.indices.entry(value).or_insert(index.values.len());
            if value_index == index.values.len() {
                index.values.push(value);
            }
            index.rows.push(value_index);
        }
        index
    }

    fn write(&self, label: &Label, is_group: bool, to: &mut dyn Write) -> Result<(), Cause> {
        write!(to, "{{")?;
        field(to, "name", &label.heading)?;
        write!(to, ",")?;
        field(to, "is_listed", &label.is_listed)?;
        write!(to, ",")?;
        field(to, "is_group", &is_group)?;
        write!(to, ",")?;
        column(to, "values", self.values.iter())?;
        write!(to, ",")?;
        column(to, "rows", self.rows.iter())?;
        Ok(write!(to, "}}")?)
    }
}

fn field<T: Serialize + ?Sized>(to: &mut dyn Write, key: &str, value: &T) -> Result<(), Cause> {
    Ok(write!(to, "\"{key}\":{}", escape::json(&serde_json::to_string(value)?))?)
}

/// Writes a list as a field.
pub(super) fn column<T: Serialize>(
    to: &mut dyn Write,
    key: &str,
    values: impl Iterator<Item = T>,
) -> Result<(), Cause> {
    write!(to, "\"{key}\":[")?;
    for (number, value) in values.enumerate() {
        if number > 0 {
            write!(to, ",")?;
        }
        write!(to, "{}", escape::json(&serde_json::to_string(&value)?))?;
    }
    Ok(write!(to, "]")?)
}

/// The texts that are not empty, by row.
fn sparse(to: &mut dyn Write, key: &str, texts: impl Iterator<Item = String>) -> Result<(), Cause> {
    write!(to, "\"{key}\":{{")?;
    for (number, (row, text)) in texts.enumerate().filter(|(_, text)| !text.is_empty()).enumerate() {
        if number > 0 {
            write!(to, ",")?;
        }
        write!(to, "\"{row}\":{}", escape::json(&serde_json::to_string(&text)?))?;
    }
    Ok(write!(to, "}}")?)
}
