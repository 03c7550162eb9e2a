//! Errors of merging journals.

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
        "{one} and {other} contain shards of different runs: {what}; merge the shards of each run first, then merge the results",
        one = .one.display(),
        other = .other.display()
    )]
    IncompatibleShards { one: PathBuf, other: PathBuf, what: String },
    #[error("{path} was changed during the merge; run the merge again", path = .0.display())]
    Changed(PathBuf),
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
