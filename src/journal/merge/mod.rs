//! Merges journals: of shards, regions, accounts, or of one list at different times.
//!
//! The result depends only on the contents of the inputs, not on their order or names. One input is open at a time
//! and its answers are read one by one, so memory grows with the lists, not with the answers.

mod choice;
mod error;
mod input;
mod join;
mod lists;

pub use error::{MergeError, WriteError};
pub use join::Merge;

#[cfg(test)]
mod tests;
