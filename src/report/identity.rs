//! Which rows of two reports are the same server.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::summary::Report;
use crate::model::TaskId;

/// What a server is known by in a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity<'a> {
    /// The plan's name of the server, in lower case, if it was listed without a task id.
    plan: Option<Cow<'a, str>>,
    task_id: Option<&'a str>,
    source_id: Option<&'a str>,
    endpoint: &'a str,
}

impl<'a> Identity<'a> {
    /// The identity of a server. `plan` is in lower case.
    pub(super) fn new(
        plan: Option<&'a str>,
        task_id: Option<&'a str>,
        source_id: Option<&'a str>,
        endpoint: &'a str,
    ) -> Self {
        Self { plan: plan.map(Cow::Borrowed), task_id, source_id, endpoint }
    }

    /// The identities of a report's rows.
    pub fn all(report: &'a Report<'_>) -> Vec<Self> {
        let header = report.journal().header();
        let rows = report.rows().iter();
        rows.map(|row| Self {
            plan: row.task.planned.as_ref().map(|planned| planned.name.to_lowercase().into()),
            task_id: row.task.task_id.as_ref().map(TaskId::as_str),
            source_id: row.task.source_id.as_deref(),
            endpoint: header.endpoint_of(row.ordinal),
        })
        .collect()
    }

    /// For each of `new`, the position in `old` of the same server: the same row of a plan, else the same task, else
    /// the same source id where each side has it once, as when a task was deleted and created again. None for a server
    /// that `old` does not have.
    pub fn positions(old: &[Self], new: &[Self]) -> Vec<Option<usize>> {
        let mut matches = Matches { old, new, positions: vec![None; new.len()], taken: HashSet::new() };
        matches.add(|identity| identity.plan.as_deref());
        matches.add(|identity| identity.task_id);
        matches.add(|identity| identity.source_id);
        matches.positions
    }
}

struct Matches<'s, 'a> {
    old: &'s [Identity<'a>],
    new: &'s [Identity<'a>],
    positions: Vec<Option<usize>>,
    taken: HashSet<usize>,
}

impl<'s, 'a> Matches<'s, 'a> {
    /// Matches what has no match yet by `key`, and by the endpoint where one side has the key several times.
    fn add(&mut self, key: impl Fn(&'s Identity<'a>) -> Option<&'s str>) {
        let repeated = |side: &'s [Identity<'a>]| {
            let mut seen = HashSet::new();
            side.iter().filter_map(&key).filter(move |key| !seen.insert(*key)).collect::<Vec<_>>()
        };
        let repeated: HashSet<&str> = repeated(self.old).into_iter().chain(repeated(self.new)).collect();
        let full = |identity: &'s Identity<'a>| {
            let key = key(identity)?;
            Some((key, repeated.contains(key).then_some(identity.endpoint)))
        };
        let positions = |side: &'s [Identity<'a>]| {
            let mut positions: HashMap<_, Option<usize>> = HashMap::new();
            for (position, key) in
                side.iter().enumerate().filter_map(|(position, one)| Some((position, full(one)?)))
            {
                positions.entry(key).and_modify(|position| *position = None).or_insert(Some(position));
            }
            positions
        };
        let (before, now) = (positions(self.old), positions(self.new));
        for (key, position) in now {
            let earlier =
                before.get(&key).copied().flatten().filter(|position| !self.taken.contains(position));
            let (Some(earlier), Some(position)) = (earlier, position) else { continue };
            if let Some(found) = self.positions.get_mut(position).filter(|found| found.is_none()) {
                *found = Some(earlier);
                self.taken.insert(earlier);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity<'a>(plan: &'a str, task_id: &'a str, source_id: &'a str) -> Identity<'a> {
        let some = |text: &'a str| Some(text).filter(|text| !text.is_empty());
        Identity::new(some(plan), some(task_id), some(source_id), "e")
    }

    #[test]
    fn server_is_matched_by_plan_row_then_task_then_source() {
        let old = [
            identity("web", "t1", "s1"),
            identity("", "t2", "s2"),
            identity("", "t3", "s3"),
            identity("gone", "", ""),
        ];
        for (new, position) in [
            (identity("web", "t9", "s9"), Some(0)),
            (identity("web", "t2", "s2"), Some(0)),
            (identity("other", "t1", "s9"), Some(0)),
            (identity("", "t2", "s3"), Some(1)),
            (identity("", "t9", "s3"), Some(2)),
            (identity("gone", "t4", "s4"), Some(3)),
            (identity("", "t9", "s9"), None),
            (identity("other", "", ""), None),
        ] {
            assert_eq!(Identity::positions(&old, std::slice::from_ref(&new)), [position], "{new:?}");
        }
    }

    #[test]
    fn several_tasks_of_one_server_are_matched_by_task_alone() {
        let old = [identity("", "t1", "s"), identity("", "t2", "s")];
        let new = [identity("", "t2", "s"), identity("", "t3", "s")];
        assert_eq!(Identity::positions(&old, &new), [Some(1), None]);
    }

    #[test]
    fn tasks_of_several_endpoints_are_matched_within_their_endpoint() {
        let at = |endpoint| Identity { endpoint, ..identity("web", "t", "s") };
        assert_eq!(Identity::positions(&[at("a"), at("b")], &[at("b"), at("a")]), [Some(1), Some(0)]);
    }
}
