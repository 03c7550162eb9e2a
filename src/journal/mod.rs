//! The journal: JSON Lines that hold what a run was asked and every answer it got.
//!
//! The first line is the [`Header`], then a [`Record`] per finished task in the order of finishing,
//! then, when the run came to its end, the [`Footer`]. An answer is kept as the service gave it and
//! read anew by every report, so nothing that was fetched is lost to what a reader understands.

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
pub use header::{EMBEDDED, FORMAT, Header, Searched};
pub use lock::Lock;
pub use merge::{Merge, MergeError, WriteError};
pub use origin::{Divided, Missing, Origin, Part, Run};
pub use record::{Answered, Failed, Footer, Outcome, Record};
pub use replay::Journal;
pub use resume::Wanted;

#[cfg(test)]
mod tests;
