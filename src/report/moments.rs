//! The moments that finished times are compared with.

use jiff::{SignedDuration, Timestamp};

use crate::model::Verification;

/// A finished time later than this after the answer cannot be right. Clocks of servers differ by less.
const FUTURE_TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// The moments that finished times are compared with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    /// When the service answered: no verification can have finished later.
    pub(super) answered: Timestamp,
    /// The end of the run, at which ages are measured.
    pub(super) as_of: Timestamp,
}

impl Moments {
    pub(super) fn is_future(&self, finished: Option<Timestamp>) -> bool {
        finished.is_some_and(|finished| finished.duration_since(self.answered) > FUTURE_TOLERANCE)
    }

    /// Whether a verification as a whole shows nothing: no file was checked, or its time is not known.
    pub(super) fn is_in_doubt(&self, verification: &Verification) -> bool {
        verification.finished.is_none()
            || self.is_future(verification.finished)
            || verification.directories.iter().all(|check| check.total == 0)
    }
}
