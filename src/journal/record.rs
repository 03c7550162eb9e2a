//! Records of finished tasks, and the footer.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{ClockOffset, FailureKind, TaskContext, TaskId};

/// One finished task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The task's place in the list, from 0.
    pub ordinal: usize,
    /// The task's id, to search the journal for; none for a server without a task.
    pub task_id: Option<TaskId>,
    /// When the last attempt ended, on this machine's clock.
    pub fetched_at: Timestamp,
    /// How far the service's clock was ahead; none if its answer has no time.
    pub clock_offset: Option<ClockOffset>,
    /// Requests sent for the task.
    pub attempts: u32,
    /// The request id that the service gave the last request.
    pub request_id: Option<String>,
    /// What the account's listing says of the task; none if it was not read, and in a journal of an older version.
    pub context: Option<TaskContext>,
    /// The result.
    pub outcome: Outcome,
}

/// The result of fetching a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The service answered. The report decides whether the answer is valid.
    Answered(Answered),
    /// All attempts failed.
    Failed(Failed),
    /// Nothing was requested: no migration task of the server was found.
    NoTask,
}

/// A 2xx answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// Whether it is sample data of the embedded service.
    pub sample_data: bool,
    /// The `Content-Range` header of a partial body.
    pub content_range: Option<String>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

/// Why a task could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// The last HTTP status, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The last error code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The kind of the failure; none in a journal of an older version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<FailureKind>,
    /// The server's message and the failed attempts.
    pub message: String,
}

/// The last line of a complete run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footer {
    /// When the last task finished.
    pub finished_at: Timestamp,
    /// Number of tasks with a record.
    pub recorded: usize,
}
