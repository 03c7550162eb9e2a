//! The status of a report: whether a cutover may rest on it, in one word and one sentence.

use serde::Serialize;

use super::summary::Report;
use super::view::Filtered;
use crate::model::{Language, Verdict};

/// Whether a cutover may rest on a report. The first of [`Status::ALL`] that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Evidence is missing: a task has no readable answer, or tasks are not in the report.
    Incomplete,
    /// Every task has an answer, and a task does not pass.
    NotReady,
    /// Every task passes, some because of waivers.
    ReadyWithWaivers,
    /// Every task passes.
    Ready,
}

impl Status {
    /// All statuses, in the order in which they are decided.
    pub const ALL: [Self; 4] = [Self::Incomplete, Self::NotReady, Self::ReadyWithWaivers, Self::Ready];

    /// The key in JSON and in the environment of commands.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::NotReady => "not_ready",
            Self::ReadyWithWaivers => "ready_with_waivers",
            Self::Ready => "ready",
        }
    }

    /// The words of the banner in English; [`Language::text`] has them in others.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Incomplete => "INCOMPLETE",
            Self::NotReady => "NOT READY",
            Self::ReadyWithWaivers => "READY WITH WAIVERS",
            Self::Ready => "READY",
        }
    }

    /// Whether every task passes and no evidence is missing.
    pub const fn is_ready(self) -> bool {
        matches!(self, Self::ReadyWithWaivers | Self::Ready)
    }
}

/// What a status depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The tasks of the report by verdict. A verdict may be left out if it has no task.
    pub counts: Vec<(Verdict, usize)>,
    /// Whether the run ended.
    pub finished: bool,
    /// The shards that are not in the report, as in `3/4`.
    pub missing_shards: Vec<String>,
    /// The one shard that the report is of, if the list was divided and not merged again.
    pub only_shard: Option<String>,
    /// The tasks of the list that are in shards that the report does not have.
    pub missing_tasks: usize,
    /// Whether the account may have tasks that its listing did not show.
    pub may_be_unlisted: bool,
    /// The tasks of the account that are not in the task list.
    pub undeclared: usize,
    /// The part of the tasks that the report shows, if it does not show all.
    pub filtered: Option<Filtered>,
}

impl Facts {
    /// The first status that applies.
    pub fn status(&self) -> Status {
        let is_whole = self.finished
            && self.missing_shards.is_empty()
            && self.only_shard.is_none()
            && self.missing_tasks == 0
            && !self.may_be_unlisted
            && self.undeclared == 0
            && self.filtered.is_none();
        if !is_whole || self.tasks() == 0 || self.unanswered() > 0 {
            Status::Incomplete
        } else if self.failing() > 0 {
            Status::NotReady
        } else if self.waived() > 0 {
            Status::ReadyWithWaivers
        } else {
            Status::Ready
        }
    }

    /// The status and every number that matters, in one sentence, as in
    /// `INCOMPLETE: 1 of 12 tasks has no answer; 4 more do not pass`.
    pub fn headline(&self, language: Language) -> String {
        let status = self.status();
        let of_all = |count, phrases: [&'static str; 3]| of_tasks(language, count, self.all(), phrases);
        let mut clauses = self.gaps(language);
        match status {
            Status::Ready => {
                clauses.push(all_of(language, self.all(), ["the task passes", "all {0} tasks pass"]))
            }
            Status::ReadyWithWaivers => {
                let phrases = ["the task passes by a waiver", "all {0} tasks pass, {1} of them by a waiver"];
                clauses.push(language.fill(one_or_many(self.all(), phrases), &[&self.all(), &self.waived()]));
            }
            Status::Incomplete | Status::NotReady => {
                let (unanswered, other) = (self.unanswered(), self.failing() - self.unanswered());
                if unanswered > 0 {
                    clauses.push(of_all(unanswered, self.unanswered_phrases()));
                }
                if unanswered > 0 && other > 0 {
                    let phrases = ["{0} more does not pass", "{0} more do not pass"];
                    clauses.push(count_of(language, other, phrases));
                } else if other > 0 {
                    clauses.push(of_all(
                        other,
                        [
                            "the task does not pass",
                            "{0} of {1} tasks does not pass",
                            "{0} of {1} tasks do not pass",
                        ],
                    ));
                } else if unanswered == 0 && self.all() > 0 {
                    let passing = self.tasks();
                    clauses.push(of_all(
                        passing,
                        ["the task passes", "{0} of {1} tasks passes", "{0} of {1} tasks pass"],
                    ));
                }
                if self.waived() > 0 {
                    let phrases = ["{0} passes by a waiver", "{0} pass by a waiver"];
                    clauses.push(count_of(language, self.waived(), phrases));
                }
            }
        }
        let clauses = clauses.join(language.semicolon());
        language.fill("{0}: {1}", &[&language.text(status.label()), &clauses])
    }

    /// Why evidence is missing beside the tasks without an answer, a clause each.
    fn gaps(&self, language: Language) -> Vec<String> {
        let mut gaps = Vec::new();
        gaps.extend(self.filtered.map(|filtered| filtered.text(language)));
        if self.all() == 0 && self.filtered.is_none() {
            gaps.push(language.text("no task is listed").to_owned());
        }
        if !self.finished {
            gaps.push(language.text("the run is unfinished").to_owned());
        }
        if !self.missing_shards.is_empty() {
            let shards = self.missing_shards.join(language.comma());
            gaps.push(language.fill("missing shards: {0}, with {1} tasks", &[&shards, &self.missing_tasks]));
        }
        if let Some(shard) = &self.only_shard {
            let all = self.tasks() + self.missing_tasks;
            let text = "shard {0} alone, with {1} of {2} tasks";
            gaps.push(language.fill(text, &[shard, &self.tasks(), &all]));
        }
        if self.may_be_unlisted {
            gaps.push(language.text("the account may have tasks that are not listed").to_owned());
        }
        if self.undeclared > 0 {
            let phrases = [
                "{0} task of the account is not in the list",
                "{0} tasks of the account are not in the list",
            ];
            gaps.push(count_of(language, self.undeclared, phrases));
        }
        gaps
    }

    fn unanswered_phrases(&self) -> [&'static str; 3] {
        if self.count(|verdict| verdict == Verdict::Unreadable) > 0 {
            [
                "the task has no readable answer",
                "{0} of {1} tasks has no readable answer",
                "{0} of {1} tasks have no readable answer",
            ]
        } else {
            ["the task has no answer", "{0} of {1} tasks has no answer", "{0} of {1} tasks have no answer"]
        }
    }

    /// The tasks that the sentence is about: those of missing shards too, but of a part the part alone.
    fn all(&self) -> usize {
        let missing = if self.filtered.is_some() { 0 } else { self.missing_tasks };
        self.tasks() + missing
    }

    fn tasks(&self) -> usize {
        self.count(|_| true)
    }

    fn unanswered(&self) -> usize {
        self.count(|verdict| matches!(verdict, Verdict::FetchFailed | Verdict::Unreadable))
    }

    fn failing(&self) -> usize {
        self.count(|verdict| !verdict.passes())
    }

    fn waived(&self) -> usize {
        self.count(|verdict| verdict == Verdict::Accepted)
    }

    fn count(&self, is_it: impl Fn(Verdict) -> bool) -> usize {
        self.counts.iter().filter(|(verdict, _)| is_it(*verdict)).map(|(_, count)| count).sum()
    }
}

fn one_or_many(count: usize, [one, many]: [&'static str; 2]) -> &'static str {
    if count == 1 { one } else { many }
}

fn all_of(language: Language, count: usize, phrases: [&'static str; 2]) -> String {
    language.fill(one_or_many(count, phrases), &[&count])
}

fn count_of(language: Language, count: usize, phrases: [&'static str; 2]) -> String {
    language.fill(one_or_many(count, phrases), &[&count])
}

/// The first phrase is for the only task, the second for one of several.
fn of_tasks(language: Language, count: usize, all: usize, [only, one, many]: [&'static str; 3]) -> String {
    let phrase = match (count, all) {
        (1, 1) => only,
        (1, _) => one,
        _ => many,
    };
    language.fill(phrase, &[&count, &all])
}

impl Report<'_> {
    /// Whether a cutover may rest on the report. Sample data has a status too, and is no evidence
    /// whatever it is: see [`is_sample`](Report::is_sample).
    pub fn status(&self) -> Status {
        self.facts().status()
    }

    /// The status and every number that matters, in one sentence, as in
    /// `INCOMPLETE: 1 of 12 tasks has no answer; 4 more do not pass`.
    pub fn headline(&self, language: Language) -> String {
        self.facts().headline(language)
    }

    /// Whether a cutover may rest on the report, which it may never on sample data.
    pub fn is_ready(&self) -> bool {
        self.status().is_ready() && !self.is_sample()
    }

    /// What the status depends on.
    pub fn facts(&self) -> Facts {
        let header = self.journal().header();
        let missing = self.missing();
        // A list that was divided into one shard is whole.
        let part = header.shard.as_ref().filter(|part| part.shard.of().get() > 1);
        let outside = part.map_or(0, |part| part.list.list_tasks.saturating_sub(header.list.tasks.len()));
        Facts {
            counts: self.counts(),
            finished: self.journal().is_finished(),
            missing_shards: missing.shards,
            only_shard: part.map(|part| part.shard.to_string()),
            missing_tasks: missing.tasks + outside,
            may_be_unlisted: !self.unlisted().is_empty(),
            undeclared: header.reconciliation.as_ref().map_or(0, |found| found.undeclared.len()),
            filtered: self.filtered(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn facts(counts: &[(Verdict, usize)]) -> Facts {
        Facts { counts: counts.to_vec(), finished: true, ..Facts::default() }
    }

    fn english(facts: &Facts) -> String {
        facts.headline(Language::English)
    }

    #[test]
    fn headline_names_the_status_and_every_number() {
        use Verdict::{Accepted, Consistent, FetchFailed, Inconsistent, Stale, Unreadable};
        for (counts, headline, chinese) in [
            (
                &[(FetchFailed, 1), (Inconsistent, 4), (Consistent, 7)][..],
                "INCOMPLETE: 1 of 12 tasks has no answer; 4 more do not pass",
                "报告不完整：12个任务中1个没有响应；另有4个未通过",
            ),
            (
                &[(FetchFailed, 2), (Unreadable, 1), (Stale, 1)],
                "INCOMPLETE: 3 of 4 tasks have no readable answer; 1 more does not pass",
                "报告不完整：4个任务中3个没有可解析的响应；另有1个未通过",
            ),
            (&[(FetchFailed, 1)], "INCOMPLETE: the task has no answer", "报告不完整：该任务没有响应"),
            (&[], "INCOMPLETE: no task is listed", "报告不完整：任务清单为空"),
            (
                &[(Inconsistent, 5), (Consistent, 7)],
                "NOT READY: 5 of 12 tasks do not pass",
                "不具备割接条件：12个任务中5个未通过",
            ),
            (
                &[(Stale, 1), (Accepted, 1), (Consistent, 1)],
                "NOT READY: 1 of 3 tasks does not pass; 1 passes by a waiver",
                "不具备割接条件：3个任务中1个未通过；1个靠豁免通过",
            ),
            (&[(Stale, 1)], "NOT READY: the task does not pass", "不具备割接条件：该任务未通过"),
            (
                &[(Accepted, 2), (Consistent, 10)],
                "READY WITH WAIVERS: all 12 tasks pass, 2 of them by a waiver",
                "具备割接条件（有豁免）：12个任务均通过，其中2个靠豁免",
            ),
            (
                &[(Accepted, 1)],
                "READY WITH WAIVERS: the task passes by a waiver",
                "具备割接条件（有豁免）：该任务靠豁免通过",
            ),
            (&[(Consistent, 12)], "READY: all 12 tasks pass", "具备割接条件：12个任务均通过"),
            (&[(Consistent, 1)], "READY: the task passes", "具备割接条件：该任务通过"),
        ] {
            let facts = facts(counts);
            assert_eq!(english(&facts), headline);
            assert_eq!(facts.headline(Language::Chinese), chinese);
        }
    }

    #[test]
    fn headline_names_every_gap() {
        let passing = facts(&[(Verdict::Consistent, 8)]);
        for (facts, headline) in [
            (
                Facts { finished: false, ..passing.clone() },
                "INCOMPLETE: the run is unfinished; 8 of 8 tasks pass",
            ),
            (
                Facts { missing_shards: vec!["3/3".to_owned()], missing_tasks: 4, ..passing.clone() },
                "INCOMPLETE: missing shards: 3/3, with 4 tasks; 8 of 12 tasks pass",
            ),
            (
                Facts { only_shard: Some("1/2".to_owned()), missing_tasks: 4, ..passing.clone() },
                "INCOMPLETE: shard 1/2 alone, with 8 of 12 tasks; 8 of 12 tasks pass",
            ),
            (
                Facts { may_be_unlisted: true, ..passing.clone() },
                "INCOMPLETE: the account may have tasks that are not listed; 8 of 8 tasks pass",
            ),
            (
                Facts { undeclared: 1, ..passing.clone() },
                "INCOMPLETE: 1 task of the account is not in the list; 8 of 8 tasks pass",
            ),
            (
                Facts { filtered: Some(Filtered { tasks: 8, of: 500 }), ..passing },
                "INCOMPLETE: filtered: 8 of 500 tasks; 8 of 8 tasks pass",
            ),
            (
                Facts { filtered: Some(Filtered { tasks: 0, of: 12 }), finished: true, ..Facts::default() },
                "INCOMPLETE: filtered: 0 of 12 tasks",
            ),
        ] {
            assert_eq!(english(&facts), headline);
        }
    }

    fn any_facts() -> impl Strategy<Value = Facts> {
        let counts =
            prop::collection::vec(prop_oneof![3 => Just(0_usize), 2 => 1_usize..5], Verdict::ALL.len());
        let flags = (prop::bool::weighted(0.8), prop::bool::weighted(0.1));
        let gaps = (
            prop::option::weighted(0.1, Just("1/2".to_owned())),
            prop::option::weighted(0.1, Just("2/3".to_owned())),
            prop_oneof![9 => Just(0_usize), 1 => 1_usize..3],
            prop::option::weighted(0.1, 0_usize..9),
        );
        (counts, flags, gaps).prop_map(|(counts, (finished, may_be_unlisted), gaps)| {
            let (only_shard, missing_shards, undeclared, more) = gaps;
            let tasks = counts.iter().sum::<usize>();
            Facts {
                counts: Verdict::ALL.into_iter().zip(counts).collect(),
                finished,
                only_shard,
                missing_shards: missing_shards.into_iter().collect(),
                missing_tasks: 0,
                may_be_unlisted,
                undeclared,
                filtered: more.map(|more| Filtered { tasks, of: tasks + more }),
            }
        })
    }

    proptest! {
        #[test]
        fn ready_needs_every_task_to_pass_and_no_gap(facts in any_facts()) {
            let count = |verdict: Verdict| facts.counts.iter().find(|(v, _)| *v == verdict).map_or(0, |(_, n)| *n);
            let tasks: usize = facts.counts.iter().map(|(_, count)| count).sum();
            let passing = count(Verdict::Accepted) + count(Verdict::Consistent);
            let has_gap = !facts.finished
                || facts.only_shard.is_some()
                || !facts.missing_shards.is_empty()
                || facts.may_be_unlisted
                || facts.undeclared > 0
                || facts.filtered.is_some();
            let status = facts.status();
            prop_assert_eq!(status.is_ready(), tasks > 0 && passing == tasks && !has_gap);
            let unanswered = count(Verdict::FetchFailed) + count(Verdict::Unreadable);
            prop_assert_eq!(status == Status::Incomplete, has_gap || tasks == 0 || unanswered > 0);
            prop_assert_eq!(status == Status::ReadyWithWaivers, status.is_ready() && count(Verdict::Accepted) > 0);
        }

        #[test]
        fn headline_begins_with_the_status_and_has_no_singular_plural_mix(facts in any_facts()) {
            let headline = english(&facts);
            let rest = headline.strip_prefix(facts.status().label()).and_then(|rest| rest.strip_prefix(": "));
            prop_assert!(rest.is_some_and(|rest| !rest.is_empty()), "{}", headline);
            for clause in headline.split("; ") {
                let number = clause.split(' ').next().unwrap_or_default();
                if number == "1" {
                    for plural in [" do not", " have ", " pass ", " are "] {
                        prop_assert!(!clause.contains(plural), "{}", clause);
                    }
                }
            }
            let chinese = facts.headline(Language::Chinese);
            prop_assert!(chinese.starts_with(Language::Chinese.text(facts.status().label())));
            let without = chinese.replace("1/2", "").replace("2/3", "");
            prop_assert!(!without.contains(|c: char| c.is_ascii_alphabetic() || c == ';'), "{}", chinese);
        }
    }
}
