//! Options of outputs.

use super::parts::Limits;
use super::ticket::Ticket;
use crate::storage::Storage;

/// Options of files.
#[derive(Debug, Clone, Default)]
pub struct FileOptions {
    /// How CSV is written.
    pub csv: CsvOptions,
    /// The maximum size of one file.
    pub limits: Limits,
    /// The template of a ticket's text.
    pub ticket: Ticket,
    /// The object storage of `s3://` paths.
    pub storage: Storage,
}

/// How CSV is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CsvOptions {
    /// Leaves texts as they are, even those that a spreadsheet would run.
    pub raw: bool,
    /// Begins with a byte-order mark, by which Excel knows UTF-8 when a file is opened with a double click.
    pub bom: bool,
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
