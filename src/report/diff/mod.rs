//! What changed between two reports of the same tasks.

pub(super) mod change;
mod compare;
mod comparison;
mod table;

pub use change::{Change, DirectoryChange, TaskChange};
pub use comparison::Diff;
pub use table::{CHANGES, ChangeCell, DIRECTORIES, DirectoryCell, DirectoryRow};
