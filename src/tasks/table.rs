//! Tables: the rows of a CSV file or a worksheet, below the row that names the columns.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::header;
use super::headings::{ColumnChoice, Field, key};
use super::line::{Cell, HEADING_ROWS, Line, filled};
use super::rows::{Row, Rows};

/// This many characters of a file's first row are shown in an error.
const SHOWN_CHARS: usize = 200;

/// What a table does with cells to the right of its last heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Surplus {
    /// In CSV they mean that a delimiter is not quoted.
    Refused,
    /// In a worksheet they are notes beside the table.
    Labels,
}

/// Reads the rows below the headings; a table of ids alone needs no heading. `None` where no row names a task or a
/// server.
pub(super) fn read(lines: Vec<Line>, surplus: Surplus, choices: &[ColumnChoice]) -> Option<Rows> {
    let Some(mut header) = header::find(&lines, choices) else { return lone_ids(lines) };
    let header_lines = lines.iter().take(header.last + 1).filter(|line| line.line >= header.lines.0);
    let width = header_lines.map(width_of).max().unwrap_or(0);
    let repeated = header.number_repeated(choices);
    let mut rows = Rows::default();
    rows.faults.extend(repeated.into_iter().map(|what| (Some(header.lines.1), what)));
    if !rows.faults.is_empty() {
        return Some(rows);
    }
    let names: BTreeMap<usize, Arc<str>> =
        header.names.iter().map(|(column, name)| (*column, Arc::from(name.as_str()))).collect();
    rows.columns = names.values().cloned().collect();
    rows.heading_line = Some(header.lines.1);
    for line in lines.into_iter().skip(header.last + 1) {
        if let Some(what) = joined_files(&line, &names, header.has_task_ids) {
            rows.faults.push((Some(line.line), what));
        } else if surplus == Surplus::Refused && filled(&line).any(|(column, _)| *column >= width) {
            let fields = width_of(&line);
            let what = format!("has {fields} fields, but there are {width} columns");
            rows.faults.push((Some(line.line), what));
        } else {
            let given = line.cells.last().map_or(0, |(column, _)| column + 1);
            let mut row = row(line, &names);
            if surplus == Surplus::Refused {
                // A short record has blank fields, not missing columns.
                let missing = names.range(given..).map(|(_, name)| (Arc::clone(name), String::new()));
                row.fields.extend(missing);
            }
            rows.rows.push(row);
        }
    }
    Some(rows)
}

fn width_of(line: &Line) -> usize {
    line.cells.last().map_or(0, |(column, _)| column + 1)
}

fn row(line: Line, names: &BTreeMap<usize, Arc<str>>) -> Row {
    let mut row = Row { line: line.line, fields: Vec::with_capacity(line.cells.len()), problems: Vec::new() };
    for (column, cell) in line.cells {
        let name = match names.get(&column) {
            Some(name) => Arc::clone(name),
            None => Arc::from(format!("column {}", column + 1)),
        };
        if let Some(problem) = cell.problem {
            row.problems.push((Arc::clone(&name), problem));
        }
        row.fields.push((name, cell.text));
    }
    row
}

/// The error for a table that names neither tasks nor servers.
pub(super) fn no_task_id(lines: &[Line]) -> String {
    // The headings are rather the first of the widest lines than a title above them.
    let first = lines.get(..HEADING_ROWS.min(lines.len())).unwrap_or_default();
    let widest = first.iter().rev().max_by_key(|line| filled(line).count());
    let names = widest.map(|line| &*line.cells).unwrap_or_default();
    let mut shown = names.iter().map(|(_, cell)| cell.text.trim()).collect::<Vec<_>>().join(", ");
    if let Some((end, _)) = shown.char_indices().nth(SHOWN_CHARS) {
        shown.truncate(end);
        shown.push('…');
    }
    format!(
        "has no column `task_id`, and none that names a server (as server, hostname, source_name, source_id or IP \
         address do); its columns are: {shown}; name it with --column, as in --column source_name=HEADING"
    )
}

/// What is wrong with a row that a second file begins with, after two files were joined.
fn joined_files(line: &Line, names: &BTreeMap<usize, Arc<str>>, has_task_ids: bool) -> Option<String> {
    let is_own =
        |column: &usize, cell: &Cell| names.get(column).is_some_and(|name| key(name) == key(&cell.text));
    let is_heading = |(column, cell): &(usize, Cell)| is_own(column, cell) || Field::of(&cell.text).is_some();
    let is_id = |(column, cell): &(usize, Cell)| {
        let named = names.get(column).and_then(|name| Field::of(name));
        // A lone column of servers names itself again.
        let is_lone = !has_task_ids && names.len() == 1 && is_own(column, cell);
        is_lone || (named == Some(Field::TaskId) && Field::of(&cell.text) == Some(Field::TaskId))
    };
    if filled(line).any(is_id) || (filled(line).count() > 1 && filled(line).all(is_heading)) {
        return Some("repeats the headings: two files were joined here; delete this line".to_owned());
    }
    let (_, first) = filled(line).next()?;
    first.text.starts_with('\u{feff}').then(|| {
        "begins with a byte-order mark (U+FEFF): two files were joined here; delete that character".to_owned()
    })
}

/// A table without headings, of which every row is one task id and nothing else.
fn lone_ids(lines: Vec<Line>) -> Option<Rows> {
    let is_lone = |line: &Line| filled(line).count() == 1;
    let (_, first) = lines.first().and_then(|line| filled(line).next())?;
    if !looks_like_id(&first.text) || !lines.iter().all(is_lone) {
        return None;
    }
    let name: Arc<str> = Arc::from("task_id");
    let mut rows = Rows { columns: vec![Arc::clone(&name)], ..Rows::default() };
    for line in lines {
        let names = line.cells.iter().map(|(column, _)| (*column, Arc::clone(&name))).collect();
        match joined_files(&line, &names, true) {
            Some(what) if line.line > 1 => rows.faults.push((Some(line.line), what)),
            _ => rows.rows.push(row(line, &names)),
        }
    }
    Some(rows)
}

/// Whether a text has the form of the ids that the service gives: a UUID.
pub(super) fn looks_like_id(text: &str) -> bool {
    let groups: Vec<&str> = text.trim().split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
