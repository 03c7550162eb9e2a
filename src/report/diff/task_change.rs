//! What became of a task and of its directories.

use crate::model::{DirectoryCheck, Note, Task};
use crate::report::change::Change;
use crate::report::row::SummaryRow;

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
