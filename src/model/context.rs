//! What the account's listing says of a task, beside its results.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A task's context as the service sent it: its state, subtasks and settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskContext {
    /// When it was read, on the service's clock.
    pub read_at: Timestamp,
    /// The fields as the service sent them: the text of a JSON object.
    pub listed: String,
}
