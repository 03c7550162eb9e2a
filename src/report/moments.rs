//! The moments that finished times are compared with.

use jiff::Timestamp;

use crate::model::Verification;

/// The moments that finished times are compared with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    /// When the service answered: no verification can have finished later.
    pub(super) answered: Timestamp,
    /// The end of the run, at which ages are measured.
    pub(super) as_of: Timestamp,
}

impl Moments {
    /// Whether a verification as a whole shows nothing: no file was checked, or its time is not known.
    pub(super) fn is_in_doubt(&self, verification: &Verification) -> bool {
        verification.known_time(self.answered).is_none()
            || verification.directories.iter().all(|check| check.total == 0)
    }
}
