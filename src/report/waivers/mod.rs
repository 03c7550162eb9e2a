//! Waivers: differences and inconclusive evidence that somebody has accepted, and why.

pub(super) mod list;
mod read;
#[cfg(test)]
mod tests;
pub(super) mod waiver;

pub use list::{WaiverUse, Waivers};
pub use read::WaiversError;
pub use waiver::{Expiry, Waived, Waiver};
