//! Failures of commands, and their exit codes.

use std::fmt::Display;
use std::path::Path;

pub use crate::cli::Exit;
use crate::journal::{JournalError, MergeError, WriteError};
use crate::model::{Clean, clean};
use crate::storage::{Fault as StorageFault, StorageError};
use crate::tasks::{Fault, TaskListError};

/// Why a command failed: the message, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// One line, or several of [`lines`](Self::lines): line breaks of data are escaped.
    message: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Display) -> Self {
        Self { exit, message: clean(&message.to_string()).into_owned() }
    }

    /// A message of several lines.
    pub(crate) fn lines<L: Display>(exit: Exit, lines: impl IntoIterator<Item = L>) -> Self {
        let lines: Vec<String> = lines.into_iter().map(|line| Clean(line).to_string()).collect();
        Self { exit, message: lines.join("\n") }
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Appends to the message.
    pub(crate) fn and(self, more: impl Display) -> Self {
        Self { message: format!("{}; {}", self.message, Clean(more)), ..self }
    }

    pub(crate) fn stopped(message: impl Display) -> Self {
        Self::new(Exit::Stopped, message)
    }

    pub(crate) fn journal(error: JournalError) -> Self {
        let is_held = matches!(error, JournalError::Locked { .. } | JournalError::ConcurrentWrite { .. });
        let exit = match error {
            _ if is_held => Exit::Locked,
            JournalError::NotRegular { .. } => Exit::Usage,
            _ => Exit::Stopped,
        };
        Self::new(exit, error)
    }

    /// Journals that cannot be merged.
    pub(crate) fn merge(error: MergeError) -> Self {
        match error {
            MergeError::Journal(error) => Self::journal(error),
            MergeError::IncompatibleShards { .. } => Self::usage(error),
            MergeError::Changed(_) => Self::stopped(error),
        }
    }

    /// A merged journal that cannot be written to `path`.
    pub(crate) fn merge_write(error: WriteError, path: &Path) -> Self {
        match error {
            WriteError::Merge(error) => Self::merge(error),
            WriteError::Io(source) => Self::journal(JournalError::Io { path: path.to_owned(), source }),
        }
    }

    /// For a command that cannot start or continue without an object.
    pub(crate) fn storage(error: StorageError) -> Self {
        let exit = match error.fault {
            StorageFault::Usage => Exit::Usage,
            StorageFault::Credentials => Exit::Credentials,
            StorageFault::Missing
            | StorageFault::Conflict
            | StorageFault::ConditionUnsupported
            | StorageFault::Other => Exit::Stopped,
        };
        Self::new(exit, error)
    }

    pub(crate) fn usage(message: impl Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A task list with errors, one a line.
    pub(crate) fn list(error: TaskListError) -> Self {
        let head = "invalid task list; nothing was sent:".to_owned();
        Self::lines(Exit::Usage, std::iter::once(head).chain(error.0.iter().map(ToString::to_string)))
    }

    /// A plan with rows that fit several servers, one a line.
    pub(crate) fn plan(faults: &[Fault]) -> Self {
        let head = "the plan cannot be used; no results were fetched:".to_owned();
        Self::lines(Exit::Usage, std::iter::once(head).chain(faults.iter().map(ToString::to_string)))
    }

    pub(crate) fn credentials(message: impl Display) -> Self {
        Self::new(Exit::Credentials, message)
    }
}
