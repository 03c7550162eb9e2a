//! Which runs a journal's tasks come from, and what part of a list they are.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::{Account, ClockOffset, Shard, TaskList};

/// Of a list that was divided among runs: what it was, and where the tasks that are here stood in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Divided {
    /// The SHA-256 of the list's task ids, or the plan's names of servers, each with a line feed behind it, in
    /// hexadecimal digits.
    pub list_sha256: String,
    /// How many tasks it had.
    pub list_tasks: usize,
    /// The places in it, from 0, of the tasks that are here.
    pub ordinals: Vec<usize>,
}

/// The shard that a run took, and the list of which it is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which shard.
    #[serde(flatten)]
    pub shard: Shard,
    /// Of which list.
    #[serde(flatten)]
    pub list: Divided,
}

impl Part {
    /// Takes out of `list` what falls to `shard`.
    pub fn take(shard: Shard, list: TaskList) -> (Self, TaskList) {
        let mut digest = Sha256::new();
        for task in &list.tasks {
            digest.update(task.key());
            digest.update(b"\n");
        }
        let list_sha256 = hex::encode(digest.finalize());
        let list_tasks = list.tasks.len();
        let of_shard = list.tasks.into_iter().enumerate().filter(|(_, task)| shard.holds(task.key()));
        let (ordinals, tasks) = of_shard.unzip();
        let list = TaskList { tasks, labels: list.labels };
        (Self { shard, list: Divided { list_sha256, list_tasks, ordinals } }, list)
    }
}

/// A run whose tasks stand in a merged journal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Run {
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended, or its last task did.
    pub ended_at: Timestamp,
    /// Whether it came to its end.
    pub finished: bool,
    /// The shard that it took, if it took one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// How far the service's clock was ahead of the machine's at the end; none if no answer shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset_s: Option<ClockOffset>,
    /// Whose tasks it asked for, as far as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
}

/// What a merged journal holds of one endpoint; its tasks stand together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The endpoint that the runs asked.
    pub endpoint: String,
    /// How many tasks of the merged list are of this endpoint.
    pub tasks: usize,
    /// The runs, by when they began.
    pub runs: BTreeSet<Run>,
    /// The list that some of the runs took shards of. Its tasks come first, in their order, and then
    /// those of which it knows nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<Divided>,
}

impl Origin {
    /// How many shards the list was divided into, if it was.
    pub fn shards(&self) -> Option<u32> {
        self.runs.iter().find_map(|run| Some(run.shard?.of().get()))
    }

    /// The shards that no run took.
    pub(super) fn missing(&self) -> Vec<Shard> {
        let taken: BTreeSet<Shard> = self.runs.iter().filter_map(|run| run.shard).collect();
        let Some(of) = taken.first().map(|shard| shard.of()) else { return Vec::new() };
        let all = (1..=of.get()).filter_map(|index| Shard::new(index, of));
        all.filter(|shard| !taken.contains(shard)).collect()
    }
}

/// What a merged journal lacks of the lists that it holds shards of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Missing {
    /// The shards, as in `3/4`, and with their endpoint where others are whole or divided otherwise.
    pub shards: Vec<String>,
    /// How many tasks they are.
    pub tasks: usize,
}
