//! The contexts that listed tasks come with.

use std::collections::HashMap;

use crate::model::{TaskContext, TaskId};
use crate::sms::pages::Entry;

/// The contexts of tasks.
pub type Contexts = HashMap<TaskId, TaskContext>;

/// The contexts of listed tasks.
pub(super) fn of_entries(entries: &[Entry]) -> Contexts {
    let context = |entry: &Entry| {
        let task = entry.task.as_ref()?;
        Some((TaskId::new(&task.id).ok()?, task.context.clone()?))
    };
    entries.iter().filter_map(context).collect()
}
