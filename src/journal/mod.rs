//! The journal: JSON Lines with a run's request and every answer.
//!
//! The first line is the [`Header`], then a [`Record`] per finished task in the order of finishing, then, if the run
//! is complete, the [`Footer`]. Answers are recorded byte for byte and parsed again by every report, so an answer
//! that this version cannot parse is not lost.

mod append;
mod error;
mod header;
mod line;
mod lock;
mod merge;
mod origin;
mod record;
mod replay;
mod resume;

pub use append::Writer;
pub use error::JournalError;
pub use header::{EMBEDDED, FORMAT, Header, SearchFilter};
pub use lock::Lock;
pub use merge::{Merge, MergeError, WriteError};
pub use origin::{Missing, Origin, Part, Run, ShardedList};
pub use record::{Answered, Failed, Footer, Outcome, Record};
pub use replay::{Index, Journal};
pub use resume::RunScope;

#[cfg(test)]
mod tests;
