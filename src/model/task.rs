//! Migration tasks of a task list.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::labels::Labels;

/// The labels that a discovered task has from the account's listing.
pub const LISTED_LABELS: [&str; 3] = ["task_name", "task_type", "task_state"];

/// The id of a migration task: 1 to 255 characters, none of them a control character.
///
/// The API pages disagree on the maximum length (36 or 255); the larger one is used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TaskId(Box<str>);

/// Why a task id is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaskIdError {
    /// Empty, or only white space.
    #[error("task_id is empty")]
    Empty,
    /// More than [`TaskId::MAX_CHARS`] characters.
    #[error("task_id is {0} characters long; the API takes at most 255")]
    TooLong(usize),
    /// A line break, a tab or another control character.
    #[error("task_id contains a control character")]
    Control,
    /// `.` or `..`, which have a special meaning in a URL path.
    #[error("task_id is a path step (`.` or `..`), not an id")]
    PathStep,
}

impl TaskId {
    /// Maximum length in characters.
    pub const MAX_CHARS: usize = 255;

    /// Validates `text` after trimming white space.
    pub fn new(text: &str) -> Result<Self, TaskIdError> {
        let text = text.trim();
        let length = text.chars().count();
        if length == 0 {
            Err(TaskIdError::Empty)
        } else if length > Self::MAX_CHARS {
            Err(TaskIdError::TooLong(length))
        } else if text.chars().any(char::is_control) {
            Err(TaskIdError::Control)
        } else if matches!(text, "." | "..") {
            Err(TaskIdError::PathStep)
        } else {
            Ok(Self(text.into()))
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TaskId {
    type Error = TaskIdError;

    fn try_from(text: String) -> Result<Self, TaskIdError> {
        Self::new(&text)
    }
}

impl From<TaskId> for String {
    fn from(id: TaskId) -> Self {
        id.0.into()
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A migration task with its fields in the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The task id; none for a server of a plan without a task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// The id of the source server, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
    /// The name of the source server, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_name: Option<String>,
    /// Further columns of the list, by column name; an empty field is left out.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// The server's row in a plan without task ids. Boxed, because most tasks of a long list have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<Box<Planned>>,
}

/// A server of a plan without task ids, and its tasks in the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The server's name, source id or address in the plan. Unique in the list.
    pub name: String,
    /// Number of migration tasks of the server.
    pub tasks: usize,
    /// Similar names of servers with tasks, if the server has no task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub near: Vec<String>,
    /// Other rows of the plan for this server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// Contradictions between plan and account.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<PlanDoubt>,
}

/// A contradiction between plan and account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanDoubt {
    /// The account has no source server with the plan's source id; the name or address was used.
    UnknownSourceId(String),
    /// The server was found by its address; the account has this other name for it.
    FoundByAddress(String),
    /// The plan's address belongs to this other server; the name was used.
    AddressOfAnother(String),
    /// The account has these addresses for the server, and not the plan's.
    OtherAddress(String),
}

impl Task {
    /// A task with only an id.
    pub fn new(task_id: TaskId) -> Self {
        Self { task_id: Some(task_id), ..Self::default() }
    }

    /// The task id as text; empty for a server without a task.
    pub fn id_text(&self) -> &str {
        self.task_id.as_ref().map_or("", TaskId::as_str)
    }

    /// The key of the task in the list: the plan's name of the server, else the task id.
    pub fn key(&self) -> &str {
        self.planned.as_ref().map_or(self.id_text(), |planned| &planned.name)
    }

    /// The name for people: the source server's, else the [key](Self::key).
    pub fn display_name(&self) -> &str {
        match self.source_name.as_deref().map(str::trim) {
            Some(name) if !name.is_empty() => name,
            _ => self.key(),
        }
    }

    /// As [`display_name`](Self::display_name), with the task id if it differs.
    pub fn name_and_id(&self) -> String {
        match (self.display_name(), self.id_text()) {
            (name, "") => name.to_owned(),
            (name, id) if name == id => name.to_owned(),
            (name, id) => format!("{name} ({id})"),
        }
    }
}

/// The tasks of a run, each id once, in the order of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskList {
    /// The names of the label columns, in the order in which they first appear.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The tasks.
    pub tasks: Vec<Task>,
}
