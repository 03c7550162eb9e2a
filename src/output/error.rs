//! Why an output could not be written.

use std::path::{Path, PathBuf};

use super::ticket_error::TicketError;
use crate::fs::{AtomicFile, Written};
use crate::journal::JournalError;
use crate::model::{io_advice, io_reason};
use crate::sshsig::SignError;
use crate::storage::StorageError;

/// A file that could not be written, and why. An existing file at its path is unchanged.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {cause}", path = .path.display())]
pub struct OutputError {
    /// The file; of a folder the one that failed, and those before it are new.
    pub path: PathBuf,
    /// What went wrong.
    pub cause: Cause,
}

impl OutputError {
    pub(super) fn at<C: Into<Cause>>(path: &Path) -> impl Fn(C) -> Self {
        move |cause| Self { path: path.to_owned(), cause: cause.into() }
    }
}

/// Why an output could not be written.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it is")]
pub enum Cause {
    #[error("{}", io_advice(.0))]
    Io(#[from] std::io::Error),
    #[error("the journal cannot be read: {0}")]
    Journal(#[from] JournalError),
    #[error("cannot create the workbook: {}", io_reason(.0))]
    Workbook(#[from] rust_xlsxwriter::XlsxError),
    #[error("cannot create the CSV: {}", io_reason(.0))]
    Csv(#[from] ::csv::Error),
    #[error("cannot create the archive: {}", io_reason(.0))]
    Zip(#[from] zip::result::ZipError),
    #[error("cannot create the JSON: {}", io_reason(.0))]
    Json(#[from] serde_json::Error),
    #[error("cannot create the text: {0}")]
    Ticket(#[from] TicketError),
    #[error("cannot create the page: {}", io_reason(.0))]
    Page(#[from] minijinja::Error),
    #[error("{what} alone takes {size} bytes, but --max-bytes allows {limit}; raise it{advice}")]
    TooLarge { what: String, size: u64, limit: u64, advice: &'static str },
    #[error("the manifest cannot be signed: {0}")]
    Sign(#[from] SignError),
    #[error("{0}")]
    Name(String),
    // Its place is that of the output's file.
    #[error("{}", .0.what)]
    Storage(#[from] StorageError),
}

impl From<(PathBuf, std::io::Error)> for OutputError {
    fn from((path, error): (PathBuf, std::io::Error)) -> Self {
        Self { path, cause: error.into() }
    }
}

/// Creates the file at `path`, lets `fill` write it, and commits it.
pub(super) fn write_file(
    path: &Path,
    fill: impl FnOnce(&mut AtomicFile) -> Result<(), Cause>,
) -> Result<Written, OutputError> {
    let write = || -> Result<Written, Cause> {
        let mut file = AtomicFile::create(path)?;
        fill(&mut file)?;
        Ok(file.commit()?)
    };
    write().map_err(OutputError::at(path))
}
