//! What changed since the last run.

use jiff::Timestamp;

use super::change::Change;
use super::zone::Zone;
use crate::model::Language;

/// What changed since an earlier run of the same report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Since {
    /// The earlier run's journal, as messages name it.
    pub journal: String,
    /// That journal's SHA-256.
    pub sha256: [u8; 32],
    /// The end of the earlier run, on the clock of the machine that fetched.
    pub ended_at: Timestamp,
    /// How many tasks have each change, in the order of [`Change::ALL`], zeros included.
    pub counts: [(Change, usize); 6],
}

impl Since {
    /// How many tasks have a change.
    pub fn count(&self, wanted: Change) -> usize {
        self.counts.iter().filter(|(change, _)| *change == wanted).map(|(_, count)| count).sum()
    }

    /// As in `Changes since the last run: 2 fixed, 1 worse, 0 new, 0 gone (it ended 2026-11-20 02:05:00, UTC)`.
    pub fn text(&self, zone: &Zone, language: Language) -> String {
        let [fixed, worse, new, gone] =
            [Change::Fixed, Change::Worse, Change::New, Change::Gone].map(|change| self.count(change));
        language.fill(
            "Changes since the last run: {0} fixed, {1} worse, {2} new, {3} gone (it ended {4}, {5})",
            &[&fixed, &worse, &new, &gone, &zone.plain(self.ended_at), &zone.name()],
        )
    }
}
