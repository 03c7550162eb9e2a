//! A task list as a file, with the columns that it was read with.

use std::io::Write;
use std::path::Path;

use super::error::{Cause, OutputError, write_file};
use super::xlsx;
use crate::fs::Written;

/// The forms of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    /// CSV.
    Csv,
    /// A workbook of one sheet.
    Workbook,
}

impl ListKind {
    /// The form by the suffix of a path.
    ///
    /// # Errors
    /// What the suffix may be.
    pub fn of(path: &Path) -> Result<Self, String> {
        let suffix = path.extension().and_then(|suffix| suffix.to_str()).map(str::to_ascii_lowercase);
        match suffix.as_deref() {
            Some("csv") => Ok(Self::Csv),
            Some("xlsx") => Ok(Self::Workbook),
            _ => Err(format!("-o {}: a task list is written as .csv or .xlsx", path.display())),
        }
    }
}

/// The headings and rows as CSV.
///
/// # Errors
/// As of the CSV writer.
pub fn list_csv(columns: &[String], rows: &[Vec<String>]) -> Result<Vec<u8>, Cause> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(columns)?;
    rows.iter().try_for_each(|row| writer.write_record(row))?;
    writer.into_inner().map_err(|error| Cause::Io(error.into_error()))
}

/// Writes the headings and rows to a file.
///
/// # Errors
/// When it cannot be written; an existing file is then unchanged.
pub fn write_list(
    path: &Path,
    kind: ListKind,
    columns: &[String],
    rows: &[Vec<String>],
) -> Result<Written, OutputError> {
    write_file(path, |file| match kind {
        ListKind::Csv => Ok(file.write_all(&list_csv(columns, rows)?)?),
        ListKind::Workbook => xlsx::write_list(columns, rows, file),
    })
}
