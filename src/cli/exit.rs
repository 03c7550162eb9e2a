//! Exit codes.

use std::process::{ExitCode, Termination};

/// The exit codes that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: an error stopped the run, or an output could not be written.
    Stopped,
    /// 2: invalid usage, configuration or task list.
    Usage,
    /// 3: reports written, but a task could not be fetched or read.
    Incomplete,
    /// 4: reports written, and `--fail-on` applies.
    Gate,
    /// 5: credentials missing or refused.
    Credentials,
    /// 6: another run holds the journal.
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
    /// All, in ascending order.
    pub const ALL: [Self; 11] = [
        Self::Done,
        Self::Stopped,
        Self::Usage,
        Self::Incomplete,
        Self::Gate,
        Self::Credentials,
        Self::Locked,
        Self::Delivery,
        Self::HungUp,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The code itself.
    pub const fn code(self) -> u8 {
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

    /// What it means, in the help and in the tables of the documentation.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Stopped => "an error stopped the run, or an output could not be written",
            Self::Usage => "invalid usage, configuration or task list",
            Self::Incomplete => "reports written, but a task could not be fetched or read",
            Self::Gate => "reports written, and --fail-on applies",
            Self::Credentials => "credentials are missing or refused",
            Self::Locked => "another run holds the journal",
            Self::Delivery => "reports written, but a delivery or the --on-finish command failed",
            Self::HungUp => "stopped by SIGHUP; the journal is kept",
            Self::Interrupted => "stopped by SIGINT; the journal is kept",
            Self::Terminated => "stopped by SIGTERM; the journal is kept",
        }
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self.code())
    }
}
