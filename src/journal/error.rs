//! Why a journal cannot be read or written.

use std::path::PathBuf;

use super::header::FORMAT;

/// What can go wrong with a journal.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it is")]
pub enum JournalError {
    #[error("{path}: {source}", path = .path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error(
        "{path}:1: the header cannot be read: {what}; without it the journal is of no use, and \
         --overwrite replaces it",
        path = .path.display()
    )]
    Header { path: PathBuf, what: String },
    #[error(
        "{path}:{line}: {what}; in a copy without this line, --resume fetches its task again and a report \
         counts it as not fetched; --overwrite replaces the journal",
        path = .path.display()
    )]
    Broken { path: PathBuf, line: u64, what: String },
    #[error("{path} is not a journal of this program: its first line is no header", path = .0.display())]
    NoJournal(PathBuf),
    #[error(
        "{path} is a journal of format {format}; this version reads format {FORMAT}, so use the one that wrote it; \
         --overwrite replaces the journal",
        path = .path.display()
    )]
    Format { path: PathBuf, format: u64 },
    #[error(
        "{path} holds an unfinished run with {held} of {total} tasks; --resume fetches the rest, --overwrite discards \
         it and starts again",
        path = .path.display()
    )]
    Unfinished { path: PathBuf, held: usize, total: usize },
    #[error("{path} is there already and is no journal; name another with --journal, or use --overwrite", path = .0.display())]
    NotOurs(PathBuf),
    #[error(
        "{path} is not a lock file of this program; remove it, or choose another journal path with --journal",
        path = .0.display()
    )]
    NoLock(PathBuf),
    #[error("{path}: {what}", path = .path.display())]
    NotRegular { path: PathBuf, what: String },
    #[error(
        "cannot create lock file {path}: {source}; choose another folder with --journal",
        path = .path.display()
    )]
    LockFile { path: PathBuf, source: std::io::Error },
    #[error(
        "{path}: another run holds this journal{by}; wait for its end, or name another with --journal",
        path = .path.display(),
        by = named(.holder)
    )]
    Locked { path: PathBuf, holder: String },
    #[error(
        "{path}: another run has written this journal meanwhile, and this one ends; what it fetched is kept in {kept}",
        path = .path.display(),
        kept = .kept.display()
    )]
    Overtaken { path: PathBuf, kept: PathBuf },
}

/// The holder of a lock in brackets, if it can be told.
fn named(holder: &str) -> String {
    if holder.is_empty() { String::new() } else { format!(" ({holder})") }
}
