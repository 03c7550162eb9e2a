//! Reports as files. Each kind has a module; [`write()`] is the way in.

mod csv;
mod diff;
mod document;
mod error;
mod history;
mod history_document;
mod html;
mod json;
mod list;
mod manifest;
mod options;
mod parts;
mod prometheus;
mod staged;
mod target;
mod ticket;
mod ticket_error;
mod xlsx;
mod zip_writer;

use std::io::Write;
use std::path::Path;

use crate::journal::Journal;
use crate::report::Report;

pub use crate::fs::Written;

pub use document::{Document, DocumentKind, DocumentTarget, DocumentTargetError, write_document};
pub use error::{Cause, OutputError};
pub use history_document::{HistoryDocument, is_notable};
pub use json::write_summary;
pub use list::{ListKind, list_csv, write_list};
pub use manifest::{
    Evidence, Finding, Manifest, ManifestError, ManifestFile, ManifestRun, check_comparison_manifest,
    dated_manifests, manifest_path, read_signature, remove_signature, signature_path,
    write_comparison_manifest, write_manifest,
};
pub use options::{CsvOptions, FileOptions, StdoutKind};
pub use parts::{Limits, is_part_of};
pub use target::{Kind, Output, Target, TargetError, UnknownPlaceholder};
pub use ticket::Ticket;
pub use ticket_error::TicketError;
pub use xlsx::ROWS_PER_SHEET;

/// Writes one output of `report` to a writer, in one piece. A ticket names the `earlier` outputs.
///
/// # Errors
/// What went wrong.
pub fn write_to(
    report: &Report<'_>,
    kind: StdoutKind,
    options: &FileOptions,
    earlier: &[Output],
    to: &mut dyn Write,
) -> Result<(), Cause> {
    match kind {
        StdoutKind::Json => json::write_summary(report, to),
        StdoutKind::Csv => csv::write_results_to(report, options, to),
        StdoutKind::Ticket => options.ticket.write(report, earlier, to),
    }
}

/// Writes `report` to `target`, each file atomically, and returns the files: of a workbook with
/// parts, the one with the Summary first. A ticket names the `earlier` outputs.
///
/// # Errors
/// [`OutputError`] with the file at fault.
pub fn write(
    report: &Report<'_>,
    target: &Target,
    options: &FileOptions,
    earlier: &[Output],
) -> Result<Vec<Written>, OutputError> {
    staged::write(&options.storage, target, &options.limits, |path| {
        write_at(report, path, target.kind(), options, earlier)
    })
}

/// Copies the journal to `path`, unless it is there.
fn write_journal(journal: &Journal, path: &Path) -> Result<Written, OutputError> {
    if !journal.is_at(path) {
        return error::write_file(path, |file| Ok(journal.copy_to(file)?));
    }
    let (sha256, size) = journal.digest().map_err(OutputError::at(path))?;
    Ok(Written { path: path.to_owned(), sha256, size })
}

fn write_at(
    report: &Report<'_>,
    path: &Path,
    kind: Kind,
    options: &FileOptions,
    earlier: &[Output],
) -> Result<Vec<Written>, OutputError> {
    let file = match kind {
        Kind::Workbook => return xlsx::write(report, path, &options.limits),
        Kind::CsvFolder => return csv::write_folder(report, path, options),
        Kind::CsvArchive => return csv::write_archive(report, path, options),
        Kind::Csv => return csv::write_results(report, path, options),
        Kind::Json => error::write_file(path, |file| json::write_summary(report, file)),
        Kind::Page => html::write(report, path, &options.limits),
        Kind::Metrics => error::write_file(path, |file| prometheus::write(report, path, file)),
        Kind::Journal => write_journal(report.journal(), path),
        Kind::Ticket => error::write_file(path, |file| options.ticket.write(report, earlier, file)),
    };
    Ok(vec![file?])
}
