//! Exit codes, and failures of commands.

use std::fmt::Display;
use std::path::Path;
use std::process::{ExitCode, Termination};

use crate::journal::{JournalError, MergeError, WriteError};
use crate::model::{Clean, clean};
use crate::storage::{Fault as StorageFault, StorageError};
use crate::tasks::{Fault, TaskListError};

/// The exit codes that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: an error stopped the run, or an output could not be written.
    Stopped,
    /// 2: wrong usage, configuration or task list.
    Usage,
    /// 3: reports written, but a task could not be fetched or read.
    Incomplete,
    /// 4: reports written, and a verdict named by `--fail-on` is present.
    Gate,
    /// 5: credentials missing or refused.
    Credentials,
    /// 6: another run is using the journal.
    Locked,
    /// 7: reports written, but a delivery or the command of `--on-finish` failed.
    Delivery,
    /// 129: stopped by SIGHUP; what was fetched is kept.
    HungUp,
    /// 130: stopped by SIGINT; what was fetched is kept.
    Interrupted,
    /// 143: stopped by SIGTERM; what was fetched is kept.
    Terminated,
}

impl Exit {
    /// The code itself.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Stopped => 1,
            Self::Usage => 2,
            Self::Incomplete => 3,
            Self::Gate => 4,
            Self::Credentials => 5,
            Self::Locked => 6,
            Self::Delivery => 7,
            Self::HungUp => 129,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self.code())
    }
}

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
