//! The result of one task in one night.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{Note, Verdict};
use crate::report::identity::Identity;
use crate::report::row::SummaryRow;

/// The result of a task in one night.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// The verdict.
    pub verdict: Verdict,
    /// The differing, missing and redundant files; 0 without a verification.
    pub differences: u64,
    /// What is known of synchronisations; none if the context is not known.
    pub synchronisation: Option<Synchronisation>,
}

/// The last synchronisation that a night knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Synchronisation {
    /// When the last one ended; none if there was none.
    pub ended_at: Option<Timestamp>,
    /// Whether it ended after the verification, or has not ended.
    pub is_later: bool,
}

/// Whether each night shows a new synchronisation, or one after its verification.
pub(super) fn marks(findings: &[Option<Finding>]) -> Vec<bool> {
    let mut known: Option<Option<Timestamp>> = None;
    let mut mark = |finding: &Option<Finding>| {
        let Some(found) = finding.and_then(|finding| finding.synchronisation) else { return false };
        let is_new = known.is_some_and(|known| found.ended_at > known);
        known = Some(known.map_or(found.ended_at, |known| known.max(found.ended_at)));
        is_new || found.is_later
    };
    findings.iter().map(&mut mark).collect()
}

/// Texts that occur in many nights, each kept once.
#[derive(Debug, Default)]
pub struct Names(HashSet<Arc<str>>);

impl Names {
    pub(super) fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let text: Arc<str> = text.into();
        self.0.insert(Arc::clone(&text));
        text
    }
}

/// A task in the list of one night.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The plan's name of the server, in lower case.
    pub(super) plan: Option<Arc<str>>,
    pub(super) task_id: Option<Arc<str>>,
    pub(super) source_id: Option<Arc<str>>,
    pub(super) source_name: Option<Arc<str>>,
    pub(super) endpoint: Arc<str>,
    /// None if the journal has no record of the task. A failed fetch is a finding here, so that it is counted.
    pub(super) finding: Option<Finding>,
}

impl Entry {
    pub(super) fn of(row: &SummaryRow<'_>, endpoint: &str, names: &mut Names) -> Self {
        let mut get = |text: Option<&str>| text.map(|text| names.get(text));
        let task = row.task;
        Self {
            plan: get(task.planned.as_ref().map(|planned| planned.name.to_lowercase()).as_deref()),
            task_id: get(task.task_id.as_ref().map(|id| id.as_str())),
            source_id: get(task.source_id.as_deref()),
            source_name: get(task.source_name.as_deref()),
            endpoint: names.get(endpoint),
            // A task without a record was not fetched.
            finding: row.fetched_at.map(|_| Finding {
                verdict: row.verdict,
                differences: row.differences(),
                synchronisation: row.context.as_ref().map(|context| Synchronisation {
                    ended_at: context.last_synchronised,
                    // The verdict may have another reason, or a waiver may accept it.
                    is_later: context.stale_by.is_some()
                        || row
                            .notes
                            .iter()
                            .any(|note| matches!(note, Note::SynchronisedSince | Note::Synchronising)),
                }),
            }),
        }
    }

    /// The finding, or none if the fetch failed.
    pub(super) fn result(&self) -> Option<Finding> {
        self.finding.filter(|finding| finding.verdict != Verdict::FetchFailed)
    }

    pub(super) fn identity(&self) -> Identity<'_> {
        let (task_id, source_id) = (self.task_id.as_deref(), self.source_id.as_deref());
        Identity::new(self.plan.as_deref(), task_id, source_id, &self.endpoint)
    }

    /// Replaces the fields that a later list of the same task has; keeps the others.
    pub(super) fn update(&mut self, later: Self) {
        let Self { plan, task_id, source_id, source_name, endpoint, finding } = later;
        self.plan = plan.or(self.plan.take());
        self.task_id = task_id.or(self.task_id.take());
        self.source_id = source_id.or(self.source_id.take());
        self.source_name = source_name.or(self.source_name.take());
        self.endpoint = endpoint;
        self.finding = finding;
    }
}

pub(super) fn identities<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Vec<Identity<'e>> {
    entries.into_iter().map(Entry::identity).collect()
}
