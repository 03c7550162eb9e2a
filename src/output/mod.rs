//! Reports as files. Each kind has a module; [`write()`] is the way in.

mod at_once;
mod atomic;
mod csv;
mod diff;
mod fingerprint;
mod json;
mod manifest;
mod parts;
mod prometheus;
mod staged;
mod target;
mod ticket;
mod xlsx;

use std::path::{Path, PathBuf};

use crate::journal::JournalError;
use crate::report::Report;
use crate::storage::{Storage, StorageError};

pub use atomic::{AtomicFile, Written, discard_unfinished};
pub use diff::{DiffTarget, DiffTargetError, write_diff, write_diff_document};
pub use json::write_summary;
pub use manifest::{Evidence, Finding, Manifest, ManifestError, manifest_path, write_manifest};
pub use parts::{Limits, is_part_of};
pub use target::{Kind, Target, TargetError};
pub use ticket::{Ticket, TicketError};
pub use xlsx::ROWS_PER_SHEET;

/// What a caller may choose about files.
#[derive(Debug, Clone, Default)]
pub struct FileOptions {
    /// Leaves texts in CSV as they are, even those that a spreadsheet would run.
    pub csv_raw: bool,
    /// How much one file may hold.
    pub limits: Limits,
    /// The template of a ticket's text.
    pub ticket: Ticket,
    /// Where `s3://` leads to.
    pub storage: Storage,
}

/// What came of a target.
#[derive(Debug)]
pub struct Output {
    /// The target.
    pub target: Target,
    /// Its files, or why there are none.
    pub written: Result<Vec<Written>, OutputError>,
}

/// A file that could not be written, and why. What stood at its path stands there still.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {cause}", path = .path.display())]
pub struct OutputError {
    /// The file; of a folder the one that failed, and those before it are new.
    pub path: PathBuf,
    /// What went wrong.
    pub cause: Cause,
}

impl OutputError {
    fn at<C: Into<Cause>>(path: &Path) -> impl Fn(C) -> Self {
        move |cause| Self { path: path.to_owned(), cause: cause.into() }
    }
}

/// Why an output could not be written.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it is")]
pub enum Cause {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("the journal cannot be read: {0}")]
    Journal(#[from] JournalError),
    #[error("the workbook cannot be made: {0}")]
    Workbook(#[from] rust_xlsxwriter::XlsxError),
    #[error("the CSV cannot be made: {0}")]
    Csv(#[from] ::csv::Error),
    #[error("the archive cannot be made: {0}")]
    Zip(#[from] zip::result::ZipError),
    #[error("the JSON cannot be made: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the text cannot be made: {0}")]
    Ticket(#[from] TicketError),
    #[error("{what} alone takes {size} bytes, and --max-bytes allows {limit}; allow more{advice}")]
    TooLarge { what: String, size: u64, limit: u64, advice: &'static str },
    #[error("{0}")]
    Name(String),
    // Its place is that of the output's file.
    #[error("{}", .0.what)]
    Storage(#[from] StorageError),
}

/// Writes `report` to `target`, each file whole or not at all, and gives the files: of a workbook with
/// parts, the one with the Summary first. A ticket tells of the `earlier` outputs.
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
        Kind::Json => AtomicFile::write(path, |file| json::write_summary(report, file)),
        Kind::Metrics => AtomicFile::write(path, |file| prometheus::write(report, path, file)),
        Kind::Journal => AtomicFile::write(path, |file| Ok(report.journal().copy_to(file)?)),
        Kind::Ticket => AtomicFile::write(path, |file| options.ticket.write(report, earlier, file)),
    };
    Ok(vec![file?])
}
