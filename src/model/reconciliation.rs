//! What a task list says beside what the account has.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{Shard, Task, TaskId, TaskList};

/// The differences between the tasks that a list declares and those that the account lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// Declared, but not found.
    pub not_found: Vec<TaskId>,
    /// Found, but not declared: servers that nobody may have thought of.
    pub undeclared: Vec<Task>,
}

impl Reconciliation {
    /// Compares by task id; both sides keep their order.
    pub fn of(declared: &TaskList, found: &TaskList) -> Self {
        let ids = |list: &TaskList| -> HashSet<TaskId> {
            list.tasks.iter().map(|task| task.task_id.clone()).collect()
        };
        let (declared_ids, found_ids) = (ids(declared), ids(found));
        let not_found = declared.tasks.iter().map(|task| &task.task_id).filter(|id| !found_ids.contains(*id));
        let undeclared = found.tasks.iter().filter(|task| !declared_ids.contains(&task.task_id));
        Self { not_found: not_found.cloned().collect(), undeclared: undeclared.cloned().collect() }
    }

    /// The differences in tasks that fall to `shard`, so that those of all shards are the whole.
    pub fn of_shard(mut self, shard: Shard) -> Self {
        self.not_found.retain(|id| shard.holds(id));
        self.undeclared.retain(|task| shard.holds(&task.task_id));
        self
    }
}
