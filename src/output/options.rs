//! What a caller may choose about outputs.

use super::parts::Limits;
use super::ticket::Ticket;
use crate::storage::Storage;

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
