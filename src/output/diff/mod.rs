//! What changed between two journals, as files.

mod json;
mod markdown;

use std::io::Write;
use std::path::{Path, PathBuf};

use super::csv::Table;
use super::options::StdoutKind;
use super::target::{UnknownPlaceholder, fill_in};
use super::{staged, xlsx};
use crate::fs::AtomicFile;
use crate::output::error::{Cause, OutputError, write_file};
use crate::report::{CHANGES, Diff, Zone};
use crate::storage::Storage;

pub use json::write_diff_document;

/// The kind of an output, reported by its suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Workbook,
    Csv,
    Json,
    Markdown,
}

/// One output of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffTarget {
    path: PathBuf,
    kind: Kind,
}

/// A text that names no output of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiffTargetError {
    /// The suffix is of no known kind.
    #[error("-o {0}: the suffix tells what to write; use .xlsx, .csv, .json or .md")]
    Suffix(String),
    /// The path has a placeholder of an unknown name.
    #[error(transparent)]
    Placeholder(#[from] UnknownPlaceholder),
}

impl DiffTarget {
    /// Reads an OUT argument; `{date}` and `{time}` become the start of the later run in `zone`.
    ///
    /// # Errors
    /// When the suffix is of no known kind.
    pub fn parse(text: &str, started: jiff::Timestamp, zone: &Zone) -> Result<Self, DiffTargetError> {
        let text = fill_in(text, started, zone)?;
        let path = PathBuf::from(&text);
        let suffix = path.extension().and_then(|suffix| suffix.to_str()).map(str::to_ascii_lowercase);
        let kind = match suffix.as_deref().filter(|_| !text.ends_with('/')) {
            Some("xlsx") => Kind::Workbook,
            Some("csv") => Kind::Csv,
            Some("json") => Kind::Json,
            Some("md") => Kind::Markdown,
            _ => return Err(DiffTargetError::Suffix(text)),
        };
        Ok(Self { path, kind })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Writes `diff` to `target`, whole or not at all.
///
/// # Errors
/// [`OutputError`] with the file.
pub fn write_diff(
    diff: &Diff<'_>,
    target: &DiffTarget,
    csv_raw: bool,
    storage: &Storage,
) -> Result<(), OutputError> {
    let fill = |file: &mut AtomicFile| match target.kind {
        Kind::Workbook => xlsx::write_changes(diff, file),
        Kind::Csv => write_csv(diff, file, csv_raw),
        Kind::Json => write_diff_document(diff, file),
        Kind::Markdown => Ok(file.write_all(markdown::text(diff).as_bytes())?),
    };
    staged::write_file(storage, &target.path, |path| write_file(path, fill))
}

/// Writes one output of `diff` to a writer.
///
/// # Errors
/// What went wrong.
pub fn write_diff_to(
    diff: &Diff<'_>,
    kind: StdoutKind,
    csv_raw: bool,
    to: &mut dyn Write,
) -> Result<(), Cause> {
    match kind {
        StdoutKind::Json => write_diff_document(diff, to),
        StdoutKind::Csv => write_csv(diff, to, csv_raw),
        StdoutKind::Ticket => Ok(to.write_all(markdown::text(diff).as_bytes())?),
    }
}

fn write_csv(diff: &Diff<'_>, to: &mut dyn Write, csv_raw: bool) -> Result<(), Cause> {
    let zone = diff.zone();
    let mut table = Table::new(to, zone, csv_raw);
    table.headings(CHANGES.iter().map(|column| column.heading_in(column.heading, zone)))?;
    for task in diff.tasks() {
        table.row(CHANGES.iter().map(|column| (column.cell)(task)))?;
    }
    table.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suffix_tells_the_kind() {
        let started = "2026-01-31T23:30:00Z".parse().unwrap();
        let target = |text: &str| DiffTarget::parse(text, started, &Zone::named("Asia/Shanghai").unwrap());
        for (text, kind) in [
            ("a.xlsx", Kind::Workbook),
            ("a.CSV", Kind::Csv),
            ("a.b/c.json", Kind::Json),
            ("{date}.md", Kind::Markdown),
        ] {
            assert_eq!(target(text).map(|target| target.kind), Ok(kind), "{text}");
        }
        assert_eq!(target("{date}-{time}.md").unwrap().path(), Path::new("2026-02-01-073000.md"));
        for text in ["a", "a/", "a.md/", "a.zip", "a.jsonl", ".xlsx", ""] {
            assert!(target(text).is_err(), "{text}");
        }
    }
}
