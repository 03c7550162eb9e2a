//! Merges journals: of shards, regions, accounts, or of one list at different times.
//!
//! The result depends only on the contents of the inputs, not on their order or names. Each input is read once and
//! checked without its answers. Where a task has several records, these are read again to select one. Then the lines of
//! the selected ones are copied as they are, so memory grows with the lists, not with the answers.

mod choice;
mod error;
mod input;
mod join;
mod kept;
mod lists;

pub use error::{MergeError, WriteError};
pub use join::Merge;

#[cfg(test)]
mod tests;
