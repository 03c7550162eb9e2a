//! Task lists as text: an id a line.

use std::sync::Arc;

use super::collect::is_error_value;
use super::headings::{ColumnChoice, Field, plan_field};
use super::rows::{Row, Rows};
use super::{csv, table};

pub(super) fn read(text: &str, choices: &[ColumnChoice]) -> Rows {
    let name: Arc<str> = Arc::from("task_id");
    let mut rows = Rows { columns: vec![Arc::clone(&name)], ..Rows::default() };
    let mut is_first = true;
    for (line, id) in lines(text) {
        let is_heading = Field::of(id) == Some(Field::TaskId);
        let is_other = plan_field(id, choices).is_some() || id.contains([',', ';', '\t']);
        if is_first && !is_heading && is_other {
            // A table, or a column of servers, with another suffix.
            return csv::read(text, choices);
        }
        if is_heading && !is_first {
            let what = "repeats the heading: two files were joined here; delete this line";
            rows.faults.push((Some(line), what.to_owned()));
        } else if id.contains(' ') && !is_heading {
            rows.faults.push((Some(line), "has more than one word; write one task id a line".to_owned()));
        } else if !is_heading {
            let fields = vec![(Arc::clone(&name), id.to_owned())];
            rows.rows.push(Row { line, fields, problems: Vec::new() });
        }
        is_first = false;
    }
    rows
}

/// Whether a text of unknown format begins with a task id on a line of its own.
pub(super) fn is_likely(text: &str) -> bool {
    lines(text).next().is_some_and(|(_, id)| table::looks_like_id(id))
}

/// The lines with an id, without comments, and their numbers.
fn lines(text: &str) -> impl Iterator<Item = (u64, &str)> {
    let mut line = 1;
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = rest.find(['\r', '\n']);
        let (content, after) = rest.split_at(end.unwrap_or(rest.len()));
        let here = (line, without_comment(content));
        rest = after.strip_prefix("\r\n").or_else(|| after.get(1..)).unwrap_or_default();
        line += 1;
        (!content.is_empty() || end.is_some()).then_some(here)
    })
    .filter(|(_, id)| !id.is_empty())
}

/// A comment begins with `#` at the start of a line, or behind a space.
fn without_comment(line: &str) -> &str {
    // A cell that a spreadsheet could not work out is an error, not a comment.
    if is_error_value(line.trim()) {
        return line.trim();
    }
    let mut starts = line.match_indices('#').map(|(start, _)| start);
    let is_comment = |start: &usize| {
        line.get(..*start).is_some_and(|before| before.is_empty() || before.ends_with(char::is_whitespace))
    };
    let end = starts.find(is_comment).unwrap_or(line.len());
    line.get(..end).unwrap_or(line).trim()
}
