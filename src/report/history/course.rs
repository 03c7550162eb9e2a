//! The course of every task over all nights.

use std::sync::Arc;

use jiff::Timestamp;

use super::entry::{Entry, Finding, identities, marks};
use super::night::Night;
use super::statistics::Statistics;
use crate::model::Verdict;
use crate::report::identity::Identity;
use crate::report::status::Status;

/// The course of all tasks over several nights.
#[derive(Debug, Clone)]
pub struct History {
    nights: Vec<NightSummary>,
    tasks: Vec<Course>,
    is_sample: bool,
}

/// One night of a history.
#[derive(Debug, Clone)]
pub struct NightSummary {
    /// When the first run started, on the clock of the machine that fetched.
    pub started_at: Timestamp,
    /// When the last run ended, on the clock of the machine that fetched.
    pub ended_at: Timestamp,
    /// The journals, as the user named them.
    pub journals: Vec<String>,
    /// The journals of earlier runs of the same list, which do not count.
    pub superseded: Vec<String>,
    /// The status of the night's report.
    pub status: Status,
    /// Whether every run ended.
    pub finished: bool,
    /// The shards that are missing, as in `3/4`.
    pub missing_shards: Vec<String>,
    /// How many tasks have each verdict, in the order of [`Verdict::ALL`], zeros included. Failed fetches are counted,
    /// though they are gaps in the courses of their tasks.
    pub counts: Vec<(Verdict, usize)>,
    /// Tasks of the history without a result in this night: not listed, not fetched, or the fetch failed.
    pub gaps: usize,
    /// Tasks that were listed for this night and have no record, those of missing shards included.
    pub not_fetched: usize,
    /// Whether the clock of a machine that fetched was off by more than 5 minutes.
    pub is_clock_wrong: bool,
}

impl NightSummary {
    /// How many tasks have a verdict; failed fetches are counted.
    pub fn tasks(&self) -> usize {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// How many tasks pass.
    pub fn passing(&self) -> usize {
        self.counts.iter().filter(|(verdict, _)| verdict.passes()).map(|(_, count)| count).sum()
    }

    /// How many tasks have a verdict and do not pass; failed fetches are counted.
    pub fn not_passing(&self) -> usize {
        self.tasks() - self.passing()
    }

    /// The gaps that are in no count: tasks that were not listed or have no record.
    pub fn absent(&self) -> usize {
        let failed = self.counts.iter().filter(|(verdict, _)| *verdict == Verdict::FetchFailed);
        self.gaps.saturating_sub(failed.map(|(_, count)| count).sum())
    }

    /// Whether every task that was listed has a record. If not, the counts are too low.
    pub fn is_whole(&self) -> bool {
        self.not_fetched == 0
    }
}

/// The course of one task.
#[derive(Debug, Clone)]
pub struct Course {
    entry: Entry,
    /// Whether the last night lists the task.
    pub is_listed: bool,
    /// The finding of each night; none at a gap.
    pub findings: Vec<Option<Finding>>,
    statistics: Statistics,
    /// By night.
    synchronised: Vec<bool>,
}

impl Course {
    /// The course of a task that this many nights did not list before the night of `entry`.
    fn after_gaps(nights: usize, entry: Entry) -> Self {
        let mut findings = vec![None; nights];
        findings.push(entry.result());
        Self { entry, is_listed: true, findings, statistics: Statistics::default(), synchronised: Vec::new() }
    }

    /// Records what the newest night says about the task.
    fn update(&mut self, entry: Entry) {
        if let Some(newest) = self.findings.last_mut() {
            *newest = entry.result();
        }
        self.is_listed = true;
        self.entry.update(entry);
    }

    /// The task id that the last list with this task has.
    pub fn task_id(&self) -> Option<&str> {
        self.entry.task_id.as_deref()
    }

    /// The source id that the last list with this task has.
    pub fn source_id(&self) -> Option<&str> {
        self.entry.source_id.as_deref()
    }

    /// The name of the source server in the last list that has one.
    pub fn source_name(&self) -> Option<&str> {
        self.entry.source_name.as_deref()
    }

    /// The name of the source server, else the task id.
    pub fn display_name(&self) -> &str {
        let entry = &self.entry;
        let names: [&Option<Arc<str>>; 4] =
            [&entry.source_name, &entry.task_id, &entry.plan, &entry.source_id];
        names.into_iter().flatten().next().map_or("", |name| name)
    }

    /// The verdicts of all nights; none at a gap.
    pub fn verdicts(&self) -> impl Iterator<Item = Option<Verdict>> {
        self.findings.iter().map(|finding| finding.map(|finding| finding.verdict))
    }

    /// Whether each night is marked: the server was synchronised after that night's verification, or for the first time
    /// known since the last night whose context is known.
    pub fn synchronised(&self) -> &[bool] {
        &self.synchronised
    }

    /// The newest finding; none if no night has one.
    pub fn last(&self) -> Option<Finding> {
        self.findings.iter().rev().flatten().next().copied()
    }

    /// Whether the newest verdict passes.
    pub fn passes(&self) -> bool {
        self.last().is_some_and(|finding| finding.verdict.passes())
    }

    /// The place of the first night in which the task passed.
    pub fn first_passed(&self) -> Option<usize> {
        self.statistics.first_passed
    }

    /// The place of the last night in which the task got worse.
    pub fn last_got_worse(&self) -> Option<usize> {
        self.statistics.last_got_worse
    }

    /// How often the task changed between passing and not passing. Gaps do not count.
    pub fn changes(&self) -> usize {
        self.statistics.changes
    }

    /// Nights without evidence: gaps, unreadable answers, and tasks that were not verified.
    pub fn nights_without_evidence(&self) -> usize {
        self.statistics.without_evidence
    }

    /// Nights with a verdict since the task last made progress; 0 if it passes.
    pub fn nights_without_progress(&self) -> usize {
        self.statistics.without_progress
    }
}

impl History {
    /// Joins nights. The result depends only on them, not on their order.
    ///
    /// A server is one task over all nights, as [`Identity::positions`] matches it with what the nights before know.
    pub fn new(mut nights: Vec<Night>) -> Self {
        nights.sort_by(|one, other| {
            let key = |night: &Night| (night.as_of, night.started_at);
            key(one).cmp(&key(other)).then_with(|| one.journals.cmp(&other.journals))
        });
        let is_sample = nights.iter().any(|night| night.is_sample);
        let mut summaries = Vec::with_capacity(nights.len());
        let mut tasks: Vec<Course> = Vec::new();
        for (number, night) in nights.into_iter().enumerate() {
            summaries.push(summary(&night));
            let known = tasks.iter().map(|task| &task.entry);
            let places = Identity::positions(&identities(known), &identities(&night.entries));
            for task in &mut tasks {
                task.is_listed = false;
                task.findings.push(None);
            }
            for (entry, place) in night.entries.into_iter().zip(places) {
                match place.and_then(|place| tasks.get_mut(place)) {
                    Some(task) => task.update(entry),
                    None => tasks.push(Course::after_gaps(number, entry)),
                }
            }
        }
        for task in &mut tasks {
            task.statistics = Statistics::of(&task.findings);
            task.synchronised = marks(&task.findings);
        }
        for (number, night) in summaries.iter_mut().enumerate() {
            let is_gap = |task: &&Course| task.findings.get(number).is_none_or(Option::is_none);
            night.gaps = tasks.iter().filter(is_gap).count();
        }
        tasks.sort_by_key(|task| {
            let stuck = std::cmp::Reverse(task.nights_without_progress());
            let verdict = task.last().map(|finding| finding.verdict);
            (task.passes(), stuck, verdict, std::cmp::Reverse(task.changes()))
        });
        Self { nights: summaries, tasks, is_sample }
    }

    /// The nights, in the order of the run's end on the service's clock.
    pub fn nights(&self) -> &[NightSummary] {
        &self.nights
    }

    /// The tasks of all nights: first those that do not pass, stuck longest first.
    pub fn tasks(&self) -> &[Course] {
        &self.tasks
    }

    /// Whether a night has sample data of the embedded service, which is no evidence.
    pub fn is_sample(&self) -> bool {
        self.is_sample
    }

    /// The end of a night's run by the night's place.
    pub fn ended_at(&self, night: Option<usize>) -> Option<Timestamp> {
        self.nights.get(night?).map(|night| night.ended_at)
    }
}

fn summary(night: &Night) -> NightSummary {
    let found = || night.entries.iter().filter_map(|entry| entry.finding);
    let count = |wanted| found().filter(|finding| finding.verdict == wanted).count();
    NightSummary {
        started_at: night.started_at,
        ended_at: night.ended_at,
        journals: night.journals.clone(),
        superseded: night.superseded.clone(),
        status: night.facts.status(),
        finished: night.facts.finished,
        missing_shards: night.facts.missing_shards.clone(),
        counts: Verdict::ALL.into_iter().map(|verdict| (verdict, count(verdict))).collect(),
        gaps: 0,
        is_clock_wrong: night.is_clock_wrong,
        not_fetched: night.entries.len() - found().count() + night.facts.missing_tasks,
    }
}
