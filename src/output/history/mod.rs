//! The course of tasks over many nights, as files.

mod json;
mod markdown;

use std::borrow::Cow;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::csv::Table;
use super::history_document::HistoryDocument;
use super::options::StdoutKind;
use super::target::{UnknownPlaceholder, fill_in};
use super::{html, staged, xlsx};
use crate::fs::AtomicFile;
use crate::output::error::{Cause, OutputError, write_file};
use crate::report::{Cell, History, Zone};
use crate::storage::Storage;

pub use json::write_history_document;

/// The kind of an output, by its suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Workbook,
    Page,
    Csv,
    Json,
    Markdown,
}

/// One output of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryTarget {
    path: PathBuf,
    kind: Kind,
}

/// A text that names no output of a history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryTargetError {
    /// The suffix is of no known kind.
    #[error("-o {0}: the suffix selects the format; use .xlsx, .html, .csv, .json or .md")]
    Suffix(String),
    /// The path has a placeholder of an unknown name.
    #[error(transparent)]
    Placeholder(#[from] UnknownPlaceholder),
}

impl HistoryTarget {
    /// Reads an OUT argument; `{date}` and `{time}` become the start of the last night's run in `zone`.
    ///
    /// # Errors
    /// When the suffix is of no known kind.
    pub fn parse(text: &str, started: jiff::Timestamp, zone: &Zone) -> Result<Self, HistoryTargetError> {
        let text = fill_in(text, started, zone)?;
        let path = PathBuf::from(&text);
        let suffix = path.extension().and_then(|suffix| suffix.to_str()).map(str::to_ascii_lowercase);
        let kind = match suffix.as_deref().filter(|_| !text.ends_with('/')) {
            Some("xlsx") => Kind::Workbook,
            Some("html" | "htm") => Kind::Page,
            Some("csv") => Kind::Csv,
            Some("json") => Kind::Json,
            Some("md") => Kind::Markdown,
            _ => return Err(HistoryTargetError::Suffix(text)),
        };
        Ok(Self { path, kind })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Writes a history to `target` atomically.
///
/// # Errors
/// [`OutputError`] with the file.
pub fn write_history(
    document: &HistoryDocument<'_>,
    target: &HistoryTarget,
    csv_raw: bool,
    storage: &Storage,
) -> Result<(), OutputError> {
    let fill = |file: &mut AtomicFile| match target.kind {
        Kind::Workbook => xlsx::write_history(document, file),
        Kind::Page => html::write_history(document, file),
        Kind::Csv => write_csv(document, file, csv_raw),
        Kind::Json => write_history_document(document, file),
        Kind::Markdown => Ok(file.write_all(markdown::text(document).as_bytes())?),
    };
    staged::write_file(storage, &target.path, |path| write_file(path, fill))
}

/// Writes one output of a history to a writer.
///
/// # Errors
/// What went wrong.
pub fn write_history_to(
    document: &HistoryDocument<'_>,
    kind: StdoutKind,
    csv_raw: bool,
    to: &mut dyn Write,
) -> Result<(), Cause> {
    match kind {
        StdoutKind::Json => write_history_document(document, to),
        StdoutKind::Csv => write_csv(document, to, csv_raw),
        StdoutKind::Ticket => Ok(to.write_all(markdown::text(document).as_bytes())?),
    }
}

/// A row per task: its figures, then its verdict in each night; an empty field is a gap.
fn write_csv(document: &HistoryDocument<'_>, to: &mut dyn Write, csv_raw: bool) -> Result<(), Cause> {
    let HistoryDocument { history, options } = document;
    let zone = &options.timezone;
    let mut table = Table::new(to, zone, csv_raw);
    let headings = [
        "Task ID".to_owned(),
        "Source server".to_owned(),
        format!("First passed ({})", zone.name()),
        format!("Last got worse ({})", zone.name()),
        "Changed side".to_owned(),
        "Nights without evidence".to_owned(),
        "Nights without progress".to_owned(),
    ];
    let nights = history.nights().iter().map(|night| zone.rfc3339(night.ended_at));
    table.headings(headings.into_iter().chain(nights))?;
    for task in history.tasks() {
        let figures = [
            text(task.task_id()),
            text(task.source_name()),
            time(history, task.first_passed()),
            time(history, task.last_got_worse()),
            count(task.changes()),
            count(task.nights_without_evidence()),
            count(task.nights_without_progress()),
        ];
        let verdicts = task.verdicts().map(|verdict| verdict.map_or(Cell::Empty, Cell::Verdict));
        table.row(figures.into_iter().chain(verdicts))?;
    }
    table.finish()
}

fn text(text: Option<&str>) -> Cell<'_> {
    text.map_or(Cell::Empty, |text| Cell::Text(Cow::Borrowed(text)))
}

fn time(history: &History, night: Option<usize>) -> Cell<'static> {
    history.ended_at(night).map_or(Cell::Empty, Cell::Time)
}

fn count(count: usize) -> Cell<'static> {
    Cell::Count(u64::try_from(count).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffix_selects_the_kind() {
        let started = "2026-01-31T23:30:00Z".parse().unwrap();
        let target = |text: &str| HistoryTarget::parse(text, started, &Zone::named("Asia/Shanghai").unwrap());
        for (text, kind) in [
            ("a.xlsx", Kind::Workbook),
            ("a.HTML", Kind::Page),
            ("a.csv", Kind::Csv),
            ("a/b.json", Kind::Json),
            ("{date}.md", Kind::Markdown),
        ] {
            assert_eq!(target(text).map(|target| target.kind), Ok(kind), "{text}");
        }
        assert_eq!(target("{date}-{time}.md").unwrap().path(), Path::new("2026-02-01-073000.md"));
        for text in ["a", "a/", "a.zip", "a.jsonl", "{day}.md", ""] {
            assert!(target(text).is_err(), "{text}");
        }
    }
}
