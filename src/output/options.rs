//! Options of outputs.

use super::parts::Limits;
use super::ticket::Ticket;
use crate::storage::Storage;

/// Options of files.
#[derive(Debug, Clone, Default)]
pub struct FileOptions {
    /// Leaves texts in CSV as they are, even those that a spreadsheet would run.
    pub csv_raw: bool,
    /// The maximum size of one file.
    pub limits: Limits,
    /// The template of a ticket's text.
    pub ticket: Ticket,
    /// The object storage of `s3://` paths.
    pub storage: Storage,
}

/// An output that can be written to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StdoutKind {
    /// As in `X.json`.
    Json,
    /// As in `X.csv`.
    Csv,
    /// As in `X.md`.
    Ticket,
}
