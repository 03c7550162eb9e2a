//! The contexts that listed tasks come with.

use std::collections::HashMap;

use crate::model::{TaskContext, TaskId};
use crate::sms::pages::Entry;

/// The contexts of tasks.
pub type Contexts = HashMap<TaskId, TaskContext>;

/// Takes the contexts out of listed tasks, so that those of a large account are not in memory twice.
pub(super) fn take_contexts(entries: &mut [Entry]) -> Contexts {
    let context = |entry: &mut Entry| {
        let task = entry.task.as_mut()?;
        Some((TaskId::new(&task.id).ok()?, task.context.take()?))
    };
    entries.iter_mut().filter_map(context).collect()
}
