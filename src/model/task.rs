//! Migration tasks as a task list declares them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The id of a migration task: 1 to 255 characters, none of them a control character.
///
/// The API pages disagree on the greatest length (36 or 255); the larger one is taken when reading.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TaskId(String);

/// Why a text is no task id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaskIdError {
    /// Nothing, or white space alone.
    #[error("task_id is empty")]
    Empty,
    /// More than [`TaskId::MAX_CHARS`] characters.
    #[error("task_id is {0} characters long; the API takes at most 255")]
    TooLong(usize),
    /// A line break, a tab or another control character.
    #[error("task_id holds a control character")]
    Control,
    /// `.` or `..`, which a URL path cannot carry as a name.
    #[error("task_id is a path step (`.` or `..`), not an id")]
    PathStep,
}

impl TaskId {
    /// The greatest length in characters.
    pub const MAX_CHARS: usize = 255;

    /// Takes `text` without the white space around it.
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
            Ok(Self(text.to_owned()))
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
        id.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One migration task: what to ask for, and what the list says about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// What the API knows the task by; none for a server of a plan that has no task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// The id of the source server, if the list gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
    /// The name of the source server, if the list gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_name: Option<String>,
    /// Further columns of the list, by column name; an empty field is left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// How a plan names the server, if the list gives no task id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<Planned>,
}

/// A server of a plan without task ids, and what the account has of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// How the plan names the server: by its name, source id or address. Unique in the list.
    pub name: String,
    /// How many migration tasks the server has.
    pub tasks: usize,
    /// Names of servers with tasks that are like the plan's name, if the server has no task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub near: Vec<String>,
    /// Other rows of the plan that are this server, as the plan names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// What else the plan says that the account contradicts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<PlanDoubt>,
}

/// What a plan says of a server that the account contradicts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanDoubt {
    /// The account has no source server with the plan's source id; the name or address was used.
    UnknownSourceId(String),
    /// The server was found by its address; the account has this other name for it.
    FoundByAddress(String),
    /// The plan's address is that of this other server; the name was used.
    AddressOfAnother(String),
    /// The account has these addresses for the server, and not the plan's.
    OtherAddress(String),
}

impl Task {
    /// A task of which nothing but the id is known.
    pub fn new(task_id: TaskId) -> Self {
        Self { task_id: Some(task_id), ..Self::default() }
    }

    /// The task id as text; empty for a server without a task.
    pub fn id_text(&self) -> &str {
        self.task_id.as_ref().map_or("", TaskId::as_str)
    }

    /// What the list knows the task by, whatever the account has: the plan's name of the server, else the task id.
    pub fn key(&self) -> &str {
        self.planned.as_ref().map_or(self.id_text(), |planned| &planned.name)
    }

    /// The name that people know the task by: its source server's, else what the list knows it by.
    pub fn display_name(&self) -> &str {
        match self.source_name.as_deref().map(str::trim) {
            Some(name) if !name.is_empty() => name,
            _ => self.key(),
        }
    }

    /// As [`display_name`](Self::display_name), with the id beside a source server's name.
    pub fn name_and_id(&self) -> String {
        match (self.display_name(), self.id_text()) {
            (name, "") => name.to_owned(),
            (name, id) if name == id => name.to_owned(),
            (name, id) => format!("{name} ({id})"),
        }
    }
}

/// The tasks of a run, each id once, in the order in which they were declared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskList {
    /// The names of the label columns, in the order in which they first appear.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The tasks.
    pub tasks: Vec<Task>,
}
