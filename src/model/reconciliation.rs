//! Comparison of a task list with the account.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::shard::Shard;
use super::task::{Task, TaskId, TaskList};

/// The differences between the list's tasks and the account's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// In the list, but not in the account.
    pub not_found: Vec<TaskId>,
    /// In the account, but not in the list.
    pub undeclared: Vec<Task>,
}

impl Reconciliation {
    /// Compares by task id and keeps the order. All tasks of a server in a plan count as listed.
    pub fn of(declared: &TaskList, found: &TaskList) -> Self {
        fn ids(list: &TaskList) -> HashSet<&TaskId> {
            list.tasks.iter().filter_map(|task| task.task_id.as_ref()).collect()
        }
        let (declared_ids, found_ids) = (ids(declared), ids(found));
        let planned = declared.tasks.iter().filter(|task| task.planned.is_some());
        let servers: HashSet<&str> = planned.filter_map(|task| task.source_id.as_deref()).collect();
        let is_declared = |task: &Task| {
            task.task_id.as_ref().is_some_and(|id| declared_ids.contains(id))
                || task.source_id.as_deref().is_some_and(|id| servers.contains(id))
        };
        let declared = declared.tasks.iter().filter_map(|task| task.task_id.as_ref());
        let not_found = declared.filter(|id| !found_ids.contains(*id));
        let undeclared = found.tasks.iter().filter(|task| !is_declared(task));
        Self { not_found: not_found.cloned().collect(), undeclared: undeclared.cloned().collect() }
    }

    /// The differences in the tasks of `shard`.
    pub fn of_shard(mut self, shard: Shard) -> Self {
        self.not_found.retain(|id| shard.holds(id.as_str()));
        self.undeclared.retain(|task| shard.holds(task.key()));
        self
    }
}
