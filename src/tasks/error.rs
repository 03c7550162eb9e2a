//! Errors of task lists.

use std::fmt;

/// One thing that is wrong with a task list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file, or `stdin`, or `--task`.
    pub origin: String,
    /// The line or worksheet row, from 1; none when the file as a whole is meant.
    pub line: Option<u64>,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.origin, self.what),
            None => write!(f, "{}: {}", self.origin, self.what),
        }
    }
}

/// Everything that is wrong with the lists, one fault a line.
#[derive(Debug, thiserror::Error)]
#[error("the list cannot be used; nothing was sent:\n{}", lines(.0))]
pub struct TaskListError(pub Vec<Fault>);

pub(super) fn lines(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n")
}
