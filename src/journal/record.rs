//! What a journal holds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::origin::{Origin, Part};
use crate::model::{Account, ClockOffset, FailureKind, Reconciliation, TOOL, TaskId, TaskList};

/// The version of the journal's form.
pub const FORMAT: u64 = 1;

/// The endpoint's name for the service in the program's own process.
pub const EMBEDDED: &str = "embedded";

/// What the run was asked: the first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`] of the writer.
    pub journal_format: u64,
    /// The name and version of the program that wrote it.
    pub tool: String,
    /// When the run began.
    pub started_at: Timestamp,
    /// Where the answers come from, without credentials.
    pub endpoint: String,
    /// Whose tasks were asked for; none in a merged journal and in one of an older version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// What was to be fetched, in the order of the reports.
    pub list: TaskList,
    /// What the account was asked for, to find the tasks or to compare them; none if it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searched: Option<Searched>,
    /// Why the account may have tasks that its listing did not name, for people; none if it named all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unlisted: Vec<String>,
    /// Rows of a plan that are not in the list because another row is the same server, as the plan names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub same_server: Vec<String>,
    /// How the list compares with what the account has; none if nobody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconciliation: Option<Reconciliation>,
    /// The shard that the list is; none if it is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Part>,
    /// Of a merged journal: what it was made from, by endpoint, in the order of the list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged_from: Vec<Origin>,
}

/// Which of the account's tasks were asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Searched {
    /// Those in this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Those of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether only those that have results. None in a journal of an older version, in which `--discover` without
    /// a state or a name did that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_results: Option<bool>,
}

impl Header {
    /// The header of a run of this program.
    pub fn new(started_at: Timestamp, endpoint: String, list: TaskList) -> Self {
        Self {
            journal_format: FORMAT,
            tool: TOOL.to_owned(),
            started_at,
            endpoint,
            account: None,
            list,
            searched: None,
            unlisted: Vec::new(),
            same_server: Vec::new(),
            reconciliation: None,
            shard: None,
            merged_from: Vec::new(),
        }
    }
}

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
