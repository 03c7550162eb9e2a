//! Why journals cannot be merged, or the merged one not written.

use std::io;
use std::path::PathBuf;

use crate::journal::error::JournalError;

/// Why journals cannot be merged.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it is")]
pub enum MergeError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(
        "{one} and {other} hold shards that do not belong together: {what}; \
         merge the shards of each run by themselves, and then what comes of it",
        one = .one.display(),
        other = .other.display()
    )]
    Strangers { one: PathBuf, other: PathBuf, what: String },
    #[error("{path} was replaced while it was merged; merge again", path = .0.display())]
    Replaced(PathBuf),
}

/// Why a merged journal could not be written.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it is")]
pub enum WriteError {
    #[error(transparent)]
    Merge(#[from] MergeError),
    #[error(transparent)]
    Io(#[from] io::Error),
}
