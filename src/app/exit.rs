//! How a run ends.

use std::fmt::Display;
use std::process::{ExitCode, Termination};

use crate::journal::JournalError;
use crate::storage::{Fault, StorageError};

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
    /// 6: another run holds the journal's lock.
    Locked,
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

/// What ended a command early: what to say, and the code to leave with.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn stopped(message: impl Display) -> Self {
        Self { exit: Exit::Stopped, message: message.to_string() }
    }

    pub(crate) fn journal(error: JournalError) -> Self {
        let is_held = matches!(error, JournalError::Locked { .. } | JournalError::Overtaken { .. });
        let exit = match error {
            _ if is_held => Exit::Locked,
            JournalError::NotRegular { .. } => Exit::Usage,
            _ => Exit::Stopped,
        };
        Self { exit, message: error.to_string() }
    }

    /// For a command that cannot begin, or go on, without an object.
    pub(crate) fn storage(error: StorageError) -> Self {
        let exit = match error.fault {
            Fault::Usage => Exit::Usage,
            Fault::Credentials => Exit::Credentials,
            Fault::Missing | Fault::Taken | Fault::Unconditional | Fault::Other => Exit::Stopped,
        };
        Self { exit, message: error.to_string() }
    }

    pub(crate) fn usage(message: impl Display) -> Self {
        Self { exit: Exit::Usage, message: message.to_string() }
    }

    pub(crate) fn credentials(message: impl Display) -> Self {
        Self { exit: Exit::Credentials, message: message.to_string() }
    }
}
