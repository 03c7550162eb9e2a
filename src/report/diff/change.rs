//! What became of a task and of its directories.

use serde::Serialize;

use crate::model::{DirectoryCheck, Note, Task};
use crate::report::row::SummaryRow;

/// What became of a task or a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Something about it got worse.
    Worse,
    /// Only the earlier report has it.
    Gone,
    /// Only the later report has it.
    New,
    /// Something got better and nothing worse, but that did not make it pass.
    Better,
    /// It did not pass, and does now.
    Fixed,
    /// None of these.
    Same,
}

impl Change {
    /// All changes, the most urgent first.
    pub const ALL: [Self; 6] = [Self::Worse, Self::Gone, Self::New, Self::Better, Self::Fixed, Self::Same];

    /// The key in JSON, CSV and options.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Gone => "gone",
            Self::New => "new",
            Self::Better => "better",
            Self::Fixed => "fixed",
            Self::Same => "same",
        }
    }

    /// The label that people read, in English; `Language::text` has it in others.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Worse => "Worse",
            Self::Gone => "Gone",
            Self::New => "New",
            Self::Better => "Better",
            Self::Fixed => "Fixed",
            Self::Same => "Same",
        }
    }

    /// What it says of a task, in one English sentence for a reader who sees it for the first time.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Worse => {
                "a worse verdict, a directory that is no longer checked, or under the same verdict more differences in one"
            }
            Self::Gone => "the task is in the earlier journal alone",
            Self::New => "the task is in the later journal alone",
            Self::Better => {
                "nothing got worse; a better verdict, fewer differences, or more directories checked"
            }
            Self::Fixed => "the task did not pass and passes now, with every directory still checked",
            Self::Same => "verdict and differences are what they were",
        }
    }

    /// The change with this key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|change| change.key() == key)
    }
}

/// What became of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryChange {
    /// The directory, as the Agent names it.
    pub directory: String,
    /// What became of it; one without files counts as not checked, and a number of files that
    /// changed is no change.
    pub change: Change,
    /// Its counts in the earlier report; none if it was not checked.
    pub old: Option<DirectoryCheck>,
    /// Its counts in the later report; none if it was not checked.
    pub new: Option<DirectoryCheck>,
}

/// What became of a task.
#[derive(Debug)]
pub struct TaskChange<'a> {
    /// The task as the later list declares it, if it does.
    pub task: &'a Task,
    /// What became of it.
    pub change: Change,
    /// Its row in the earlier report.
    pub old: Option<&'a SummaryRow<'a>>,
    /// Its row in the later report.
    pub new: Option<&'a SummaryRow<'a>>,
    /// What is to be known of the change, then the warnings of the later report.
    pub notes: Vec<Note>,
    /// The directories that changed, by name; none for a task that one report alone has.
    pub directories: Vec<DirectoryChange>,
}

impl TaskChange<'_> {
    /// Its place among the others: changes that need attention first.
    pub(super) fn rank(&self) -> u8 {
        let passes = self.new.is_some_and(|row| row.verdict.passes());
        match self.change {
            Change::Worse => 0,
            Change::New if !passes => 1,
            Change::Gone => 2,
            Change::Better => 3,
            Change::Fixed => 4,
            Change::New => 5,
            Change::Same => 6,
        }
    }
}
