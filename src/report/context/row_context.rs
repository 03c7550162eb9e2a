//! A task's context in a report.

use jiff::Timestamp;

use super::rules::LaterSync;
use crate::model::Language;
use crate::report::zone::Zone;

/// A task's context as a row shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowContext {
    /// When it was read, on the service's clock.
    pub read_at: Timestamp,
    /// When the last synchronisation ended.
    pub last_synchronised: Option<Timestamp>,
    /// The synchronisation that made the task stale.
    pub stale_by: Option<LaterSync>,
    /// The configured mode of verification.
    pub mode: Option<String>,
    /// The configured mode of checking again.
    pub recheck: Option<String>,
    /// How many directories are configured.
    pub configured: usize,
    /// The configured directories that are not in the verification, and those found illegal.
    pub not_verified: Vec<String>,
    /// The task's state.
    pub state: Option<String>,
}

impl RowContext {
    /// The facts that no column before the folded ones has, in one line; none if there are none.
    pub fn line(&self, language: Language, zone: &Zone) -> Option<String> {
        let synchronised = self
            .last_synchronised
            .map(|time| language.fill("last synchronised {0} ({1})", &[&zone.plain(time), &zone.name()]));
        let configured =
            (self.configured > 0).then(|| language.fill("directories configured: {0}", &[&self.configured]));
        let recheck = self.recheck.as_ref().map(|recheck| language.fill("checked again: {0}", &[recheck]));
        let mut parts: Vec<String> = synchronised.into_iter().chain(configured).chain(recheck).collect();
        if parts.is_empty() {
            return None;
        }
        parts.extend(self.state.as_ref().map(|state| language.fill("task state {0}", &[state])));
        Some(parts.join(language.semicolon()))
    }
}
