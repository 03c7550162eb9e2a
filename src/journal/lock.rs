//! The lock that allows one run at a time on a journal.

use std::fs::File;
use std::path::Path;

use jiff::Timestamp;

use super::error::JournalError;
use crate::fs::{FileLock, LockError};

/// The lock of a journal, for every path that leads to it; released when dropped.
#[derive(Debug)]
pub struct Lock(FileLock);

impl Lock {
    /// Acquires the lock of `journal` for a run that started at `started`; does not wait.
    ///
    /// # Errors
    /// [`JournalError::Locked`] when another run has it, [`JournalError::NotRegular`] when something other than a
    /// regular file is at its path or at the lock file's, [`JournalError::NotALockFile`] when the lock file belongs to
    /// another program; else what the file system says.
    pub fn hold(journal: &Path, started: Timestamp) -> Result<Self, JournalError> {
        FileLock::acquire(journal, &started.to_string()).map(Self).map_err(|error| match error {
            LockError::Held(holder) => JournalError::Locked { path: journal.to_owned(), holder },
            LockError::Refused { path, what } => JournalError::NotRegular { path, what },
            LockError::Foreign(path) => JournalError::NotALockFile(path),
            LockError::Io { path, source } => JournalError::LockFile { path, source },
        })
    }

    /// Extends the lock to `file`, which replaces the journal.
    pub(super) fn cover(&self, file: File) {
        self.0.cover(file);
    }
}
