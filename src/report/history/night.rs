//! One night: the results of every task, from one report or several.

use jiff::Timestamp;

use super::entry::{Entry, Names, identities};
use crate::model::{ClockOffset, Shard, Verdict};
use crate::report::identity::Identity;
use crate::report::status::Facts;
use crate::report::summary::Report;

/// The results of one night.
#[derive(Debug, Clone)]
pub struct Night {
    /// When the first run started, on the clock of the machine that fetched.
    pub started_at: Timestamp,
    /// When the last run ended, on the clock of the machine that fetched.
    pub ended_at: Timestamp,
    /// When the last run ended, on the service's clock. Nights are ordered by it.
    pub(super) as_of: Timestamp,
    /// The journals, as the user named them.
    pub journals: Vec<String>,
    /// Whether the clock of a machine that fetched was off by more than 5 minutes.
    pub is_clock_wrong: bool,
    pub(super) facts: Facts,
    /// The shard of the report, if it is of one, and the number of tasks in the whole list. Used until reports are joined.
    pub(super) shard: Option<(Shard, usize)>,
    pub(super) is_sample: bool,
    /// Whether the journal joins those of several runs.
    pub(super) is_merged: bool,
    /// The journals of earlier runs of the same list in this night, which do not count.
    pub superseded: Vec<String>,
    pub(super) entries: Vec<Entry>,
}

impl Night {
    /// Reduces a report to the verdict of each task. `journals` are the journals that it is made from.
    pub fn of(report: &Report<'_>, journals: Vec<String>, names: &mut Names) -> Self {
        let journal = report.journal();
        let header = journal.header();
        let entries =
            report.rows().iter().map(|row| Entry::of(row, header.endpoint_of(row.ordinal), names)).collect();
        Self {
            started_at: header.started_at,
            ended_at: journal.ended_at(),
            as_of: journal.as_of(),
            journals,
            is_clock_wrong: journal.clock_offset().is_some_and(ClockOffset::is_notable),
            facts: report.facts(),
            shard: header.shard.as_ref().map(|part| (part.shard, part.list.list_tasks)),
            is_sample: report.is_sample(),
            is_merged: !header.merged_from.is_empty(),
            superseded: Vec::new(),
            entries,
        }
    }

    /// Whether this run replaces an `earlier` one of the same night: it ended later, is finished, and its list has every
    /// task of the earlier one. Shards replace the same shard only.
    pub fn supersedes(&self, earlier: &Self) -> bool {
        let is_alike = self.is_merged == earlier.is_merged && self.shard == earlier.shard;
        let has_all = || {
            let places = Identity::positions(&identities(&self.entries), &identities(&earlier.entries));
            places.iter().all(Option::is_some)
        };
        // Most runs of a night are of other lists; comparing all tasks of each pair takes long.
        let shares_first = || {
            let is_same = |one: &Option<_>, other: &Option<_>| one.is_some() && one == other;
            earlier.entries.first().is_some_and(|first| {
                self.entries.iter().any(|own| {
                    is_same(&own.task_id, &first.task_id)
                        || is_same(&own.plan, &first.plan)
                        || is_same(&own.source_id, &first.source_id)
                })
            })
        };
        is_alike && self.facts.finished && self.as_of > earlier.as_of && shares_first() && has_all()
    }

    /// Joins the reports of different shards of one list; none without any.
    pub fn join_shards(nights: Vec<Self>) -> Option<Self> {
        let shards: Vec<(Shard, usize)> = nights.iter().filter_map(|night| night.shard).collect();
        let (first, list_tasks) = shards.first()?;
        let of = first.of();
        let mut night = nights.into_iter().reduce(Self::join)?;
        let all = (1..=of.get()).filter_map(|index| Shard::new(index, of));
        let missing = all.filter(|shard| shards.iter().all(|(other, _)| other != shard));
        night.facts.missing_shards = missing.map(|shard| shard.to_string()).collect();
        night.facts.missing_tasks = list_tasks.saturating_sub(night.entries.len());
        night.facts.only_shard = None;
        Some(night)
    }

    /// Adds the tasks of another report of the same night. For a task of both, the later report counts unless it has
    /// no result.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        let (mut night, later) = if self.as_of <= other.as_of { (self, other) } else { (other, self) };
        let places = Identity::positions(&identities(&night.entries), &identities(&later.entries));
        for (entry, place) in later.entries.into_iter().zip(places) {
            match place.and_then(|place| night.entries.get_mut(place)) {
                Some(known) => {
                    let finding = entry.result().or(known.finding).or(entry.finding);
                    known.update(Entry { finding, ..entry });
                }
                None => night.entries.push(entry),
            }
        }
        night.started_at = night.started_at.min(later.started_at);
        night.ended_at = later.ended_at;
        night.as_of = later.as_of;
        night.journals.extend(later.journals);
        night.superseded.extend(later.superseded);
        night.is_clock_wrong |= later.is_clock_wrong;
        night.is_sample |= later.is_sample;
        let facts = &mut night.facts;
        facts.finished &= later.facts.finished;
        facts.missing_shards.extend(later.facts.missing_shards);
        facts.only_shard = later.facts.only_shard.or(facts.only_shard.take());
        facts.missing_tasks += later.facts.missing_tasks;
        facts.may_be_unlisted |= later.facts.may_be_unlisted;
        facts.undeclared += later.facts.undeclared;
        let verdict = |entry: &Entry| entry.finding.map_or(Verdict::FetchFailed, |finding| finding.verdict);
        let count = |wanted| night.entries.iter().filter(|entry| verdict(entry) == wanted).count();
        facts.counts = Verdict::ALL.into_iter().map(|verdict| (verdict, count(verdict))).collect();
        night
    }
}
