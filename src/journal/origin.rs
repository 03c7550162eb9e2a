//! The runs and shards that a journal's tasks come from.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::{Account, ClockOffset, Shard, TaskList};

/// A list that was divided into shards, and which of its tasks are in this journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardedList {
    /// The SHA-256 of the list's task ids, or the plan's server names, each followed by a line feed; hexadecimal.
    pub list_sha256: String,
    /// The number of its tasks.
    pub list_tasks: usize,
    /// The ordinals in it, from 0, of the tasks in this journal.
    pub ordinals: Vec<usize>,
}

/// The shard of a run, and the list it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The shard.
    #[serde(flatten)]
    pub shard: Shard,
    /// The divided list.
    #[serde(flatten)]
    pub list: ShardedList,
}

impl Part {
    /// Selects the tasks of `shard` from `list`.
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
        (Self { shard, list: ShardedList { list_sha256, list_tasks, ordinals } }, list)
    }
}

/// A source run of a merged journal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Run {
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended; of an unfinished run, when its last task did.
    pub ended_at: Timestamp,
    /// Whether it is complete.
    pub finished: bool,
    /// Its shard, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// How far the service's clock was ahead of the machine's at the end; none if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset_s: Option<ClockOffset>,
    /// The account, as far as known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
}

/// The part of a merged journal from one endpoint; its tasks are consecutive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The endpoint.
    pub endpoint: String,
    /// The number of its tasks in the merged list.
    pub tasks: usize,
    /// The runs, by start.
    pub runs: BTreeSet<Run>,
    /// The list that some of the runs are shards of. Its tasks come first, in its order, then all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<ShardedList>,
}

impl Origin {
    /// How many shards the list was divided into, if it was.
    pub fn shards(&self) -> Option<u32> {
        self.runs.iter().find_map(|run| Some(run.shard?.of().get()))
    }

    /// The shards without a run.
    pub(super) fn missing(&self) -> Vec<Shard> {
        let taken: BTreeSet<Shard> = self.runs.iter().filter_map(|run| run.shard).collect();
        let Some(of) = taken.first().map(|shard| shard.of()) else { return Vec::new() };
        let all = (1..=of.get()).filter_map(|index| Shard::new(index, of));
        all.filter(|shard| !taken.contains(shard)).collect()
    }
}

/// The shards that a merged journal lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Missing {
    /// The shards, as in `3/4`, with the endpoint if there are several.
    pub shards: Vec<String>,
    /// The number of their tasks.
    pub tasks: usize,
}
