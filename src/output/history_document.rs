//! A history with its options, and the tasks that its outputs list.

use crate::report::{Course, History, Options};

/// A history, and the options that its nights are judged by.
#[derive(Debug, Clone, Copy)]
pub struct HistoryDocument<'a> {
    /// The history.
    pub history: &'a History,
    /// Language, time zone and criteria.
    pub options: &'a Options,
}

/// The tasks that do not pass or changed side more than once.
pub(super) fn notable(history: &History) -> impl Iterator<Item = &Course> {
    history.tasks().iter().filter(|task| is_notable(task))
}

/// Whether a task does not pass, or changed side more than once.
pub fn is_notable(task: &Course) -> bool {
    !task.passes() || task.changes() > 1
}
