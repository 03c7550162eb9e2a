//! The course of all tasks over several nights, from their journals.

mod course;
mod entry;
mod night;
mod nights;
mod sentences;
mod statistics;

pub use course::{Course, History, NightSummary};
pub use entry::{Finding, Names};
pub use night::Night;
pub use nights::{RunKey, group_into_nights};

#[cfg(test)]
mod tests;
