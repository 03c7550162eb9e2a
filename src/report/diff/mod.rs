//! What changed between two reports of the same tasks.

mod compare;
mod comparison;
mod table;
mod task_change;

pub use comparison::Diff;
pub use table::{CHANGES, ChangeCell, DIRECTORIES, DirectoryCell, DirectoryRow};
pub use task_change::{DirectoryChange, TaskChange};
