//! Why a journal cannot be read or written.

use std::path::PathBuf;

use crate::model::{io_advice, io_reason};

use super::header::FORMAT;

/// What can go wrong with a journal.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it is")]
pub enum JournalError {
    #[error("{path}: {reason}", path = .path.display(), reason = io_advice(.source))]
    Io { path: PathBuf, source: std::io::Error },
    #[error(
        "{path}:1: cannot read the journal's header: {what}; without it the records cannot be used; --overwrite replaces the journal",
        path = .path.display()
    )]
    Header { path: PathBuf, what: String },
    #[error(
        "{path}:{line}: {what}; if you delete this line from a copy, --resume fetches its task again and reports count it as not fetched; --overwrite replaces the journal",
        path = .path.display()
    )]
    InvalidLine { path: PathBuf, line: u64, what: String },
    #[error("{path} is not a journal: its first line is not a journal header", path = .0.display())]
    MissingHeader(PathBuf),
    #[error(
        "{path} has journal format {format}, but this version reads format {FORMAT}: use the version that wrote it; --overwrite replaces the journal",
        path = .path.display()
    )]
    Format { path: PathBuf, format: u64 },
    #[error(
        "{path} contains an unfinished run with {recorded} of {total} tasks; --resume fetches the rest, --overwrite discards it and starts again",
        path = .path.display()
    )]
    Unfinished { path: PathBuf, recorded: usize, total: usize },
    #[error("{path} already exists and is not a journal; choose another path with --journal, or use --overwrite", path = .0.display())]
    NotAJournal(PathBuf),
    #[error(
        "{path} is not a lock file of this program; remove it, or choose another journal path with --journal",
        path = .0.display()
    )]
    NotALockFile(PathBuf),
    #[error("{path}: {what}", path = .path.display())]
    NotRegular { path: PathBuf, what: String },
    #[error(
        "cannot create lock file {path}: {reason}; choose another folder with --journal",
        path = .path.display(),
        reason = io_reason(.source)
    )]
    LockFile { path: PathBuf, source: std::io::Error },
    #[error(
        "{path}: another run is using this journal{by}; wait until it ends, or choose another path with --journal",
        path = .path.display(),
        by = in_brackets(.holder)
    )]
    Locked { path: PathBuf, holder: String },
    #[error(
        "{path}: another run wrote this journal during this run, which stops; its own records are kept in {kept}",
        path = .path.display(),
        kept = .kept.display()
    )]
    ConcurrentWrite { path: PathBuf, kept: PathBuf },
}

/// The holder of a lock in brackets; empty if unknown.
fn in_brackets(holder: &str) -> String {
    if holder.is_empty() { String::new() } else { format!(" ({holder})") }
}
