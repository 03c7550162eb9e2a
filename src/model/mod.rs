//! Domain types: tasks, verifications, directory checks, verdicts.
//!
//! Plain values: no I/O, no async, no clock.

mod account;
mod clean;
mod clock;
mod context;
mod failure_kind;
mod invisible;
mod io_reason;
mod labels;
mod language;
mod markup;
mod named;
mod near;
mod place;
mod rate;
mod reconciliation;
mod redact;
mod secret;
mod shard;
mod task;
mod verdict;
mod verification;

pub use account::Account;
pub use clean::{Clean, clean, clean_json, clean_lines, is_hidden};
pub use clock::ClockOffset;
pub use context::TaskContext;
pub use failure_kind::FailureKind;
pub use invisible::is_invisible;
pub use io_reason::{io_advice, io_reason};
pub use labels::Labels;
pub use language::Language;
pub use markup::Markup;
pub use named::NamedFile;
pub use near::{did_you_mean, nearest};
pub use place::Place;
pub use rate::{Rate, RateError};
pub use reconciliation::Reconciliation;
pub use redact::Redactor;
pub use secret::Secret;
pub use shard::Shard;
pub use task::{LISTED_LABELS, PlanDoubt, Planned, Task, TaskId, TaskIdError, TaskList};
pub use verdict::{Note, Verdict};
pub use verification::{Answer, DirectoryCheck, Shape, Totals, Verification};

/// The program's name and version, as in its outputs.
pub const TOOL: &str = concat!("cutover-report ", env!("CARGO_PKG_VERSION"));
/// The mark of everything made from the embedded service's data.
pub const SAMPLE: &str = "SAMPLE DATA from the embedded service: not evidence";
