//! A finished task, and the last line of a journal.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{ClockOffset, FailureKind, TaskId};

/// One finished task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The task's place in the list, from 0.
    pub ordinal: usize,
    /// The task, for readers who search the journal; none for a server without a task.
    pub task_id: Option<TaskId>,
    /// When the last attempt ended, on the clock of the machine that asked.
    pub fetched_at: Timestamp,
    /// How far the service's clock was ahead of that; none if its answer does not show it.
    pub clock_offset: Option<ClockOffset>,
    /// Requests that were made for it.
    pub attempts: u32,
    /// The service's id of the last request.
    pub request_id: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of asking for a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The service answered; whether that can be read is for the report to say.
    Answered(Answered),
    /// No answer could be had.
    Failed(Failed),
    /// Nothing was requested: no migration task of the server was found.
    NoTask,
}

/// A 2xx answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// Whether the embedded service gave it.
    pub sample_data: bool,
    /// The `Content-Range` header, which shows that the body is only a part.
    pub content_range: Option<String>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

/// Why no answer could be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// The last HTTP status, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The last error code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What kind of failure it was; none in a journal of an older version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<FailureKind>,
    /// What the server said, and what was tried.
    pub message: String,
}

/// The last line of a run that came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footer {
    /// When the last task was finished.
    pub finished_at: Timestamp,
    /// Tasks recorded.
    pub recorded: usize,
}
