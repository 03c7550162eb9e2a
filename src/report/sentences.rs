//! Sentences about a report, in the reader's language.

use std::collections::BTreeMap;
use std::iter;
use std::time::Duration;

use super::duration::{age_text, duration_text};
use super::groups::failing_text;
use super::options::Options;
use super::row::SummaryRow;
use super::summary::Report;
use crate::model::Language;

impl Report<'_> {
    /// What the reconciliation found, in one sentence; none if the list was not compared with the account.
    pub fn reconciled(&self, language: Language) -> Option<String> {
        self.journal().header().reconciliation.as_ref()?;
        let agreement = || language.text("the list holds just the tasks that the account has").to_owned();
        Some(self.differences(language).unwrap_or_else(agreement))
    }

    /// How many tasks the list and the account do not both have, if any.
    fn differences(&self, language: Language) -> Option<String> {
        let reconciliation = self.journal().header().reconciliation.as_ref()?;
        let (not_found, undeclared) = (reconciliation.not_found.len(), reconciliation.undeclared.len());
        let text = "{0} declared but not found, {1} found but not declared";
        (not_found + undeclared > 0).then(|| language.fill(text, &[&not_found, &undeclared]))
    }

    /// Which part of a list the report is of; none if it is of a whole one.
    pub fn part(&self, language: Language) -> Option<String> {
        let missing = self.missing();
        if !missing.shards.is_empty() {
            let shards = missing.shards.join(language.comma());
            return Some(language.fill("missing shards: {0}, with {1} tasks", &[&shards, &missing.tasks]));
        }
        let header = self.journal().header();
        let part = header.shard.as_ref()?;
        let (shard, tasks, all) = (part.shard, header.list.tasks.len(), part.list.list_tasks);
        Some(language.fill("shard {0} alone, with {1} of {2} tasks", &[&shard, &tasks, &all]))
    }

    /// How many tasks pass and what the others are, in one sentence, as in
    /// `9 of 12 tasks pass; 1 inconsistent, 2 stale`. [`headline`](Report::headline) has the status.
    pub fn outcome(&self, language: Language) -> String {
        let passing = self.passing();
        let others = failing_text(&self.counts(), language);
        let filtered = self.filtered();
        let missing = if filtered.is_some() { 0 } else { self.missing().tasks };
        let all_pass = others.is_empty() && missing == 0 && self.unlisted().is_empty();
        let outcome = match (self.rows().len() + missing, all_pass) {
            (0, _) if filtered.is_some() => language.fill("{0} of {1} tasks pass", &[&0, &0]),
            (0, _) => language.text("No task is listed, so nothing is verified").to_owned(),
            (1, true) => language.text("The task passes").to_owned(),
            (all, true) => language.fill("All {0} tasks pass", &[&all]),
            (1, false) => language.fill("{0} of 1 task passes", &[&passing]),
            (all, false) => language.fill("{0} of {1} tasks pass", &[&passing, &all]),
        };
        let unfinished =
            (!self.journal().is_finished()).then(|| language.text("the run is unfinished").to_owned());
        let unlisted = (!self.unlisted().is_empty())
            .then(|| language.text("the account may have tasks that are not listed").to_owned());
        let parts = [
            filtered.map(|filtered| filtered.text(language)),
            Some(outcome),
            Some(others).filter(|others| !others.is_empty()),
            self.part(language),
            unlisted,
            unfinished,
            self.differences(language),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(language.semicolon())
    }

    /// What a verification by SMS compares, and what it does not.
    pub fn what_is_checked(&self, language: Language) -> String {
        let modes = self.modes(language);
        let sentences = WHAT_IS_CHECKED.iter().map(|text| language.text(text).to_owned()).chain(modes);
        sentences.collect::<Vec<_>>().join(language.text(" "))
    }

    /// The configured modes of verification, where any is known.
    fn modes(&self, language: Language) -> Option<String> {
        let mode = |row: &SummaryRow<'_>| row.context.as_ref().and_then(|context| context.mode.clone());
        let mut tasks: BTreeMap<String, usize> = BTreeMap::new();
        for mode in self.rows().iter().filter_map(mode) {
            *tasks.entry(mode.chars().take(MAX_NAME).collect()).or_default() += 1;
        }
        let known: usize = tasks.values().sum();
        if known == self.rows().len() && tasks.len() == 1 {
            let mode = tasks.keys().next()?;
            return Some(
                language.fill("The configured mode of verification is {0}.", &[&language.text(mode)]),
            );
        }
        let unknown = self.rows().len().saturating_sub(known);
        let of_mode =
            |(mode, tasks): (&String, &usize)| language.fill("{1} {0}", &[tasks, &language.text(mode)]);
        let mut modes: Vec<String> = tasks.iter().take(MAX_MODES).map(of_mode).collect();
        modes.extend((tasks.len() > MAX_MODES).then(|| "…".to_owned()));
        modes.extend((unknown > 0).then(|| language.fill("not known {0}", &[&unknown])));
        let modes = modes.join(language.comma());
        (known > 0).then(|| language.fill("Tasks by configured mode of verification: {0}.", &[&modes]))
    }

    /// Number of tasks whose context is known.
    pub fn context_known(&self) -> usize {
        self.rows().iter().filter(|row| row.context.is_some()).count()
    }

    /// Number of tasks with a task id.
    pub fn with_task_id(&self) -> usize {
        self.rows().iter().filter(|row| row.task.task_id.is_some()).count()
    }

    /// Of how many tasks the context is known.
    pub fn context(&self, language: Language) -> String {
        let (known, all) = (self.context_known(), self.with_task_id());
        if known == 0 {
            let text = "not known: later synchronisations and configured directories are not checked";
            return language.text(text).to_owned();
        }
        language.fill("known for {0} of {1} tasks", &[&known, &all])
    }

    /// What makes a verification too old and what waives differences, in one sentence.
    pub fn criteria(&self, language: Language) -> String {
        self.options().criteria(language)
    }

    /// How many tasks have evidence, and what share of these passes: tasks without any are not in it.
    pub fn evidence(&self, language: Language) -> String {
        let (judged, passing, all) =
            (self.judged(), self.passing(), self.rows().len() + self.missing().tasks);
        // Cut, never rounded up: 100 % means all of them.
        match (passing * 1000).checked_div(judged) {
            None => language.fill("0 of {0} tasks have evidence", &[&all]),
            Some(thousandths) => {
                let share = language.fill("{0}.{1} %", &[&(thousandths / 10), &(thousandths % 10)]);
                language.fill(
                    "{0} of {1} tasks have evidence; {2} of these pass ({3})",
                    &[&judged, &all, &passing, &share],
                )
            }
        }
    }

    /// How many tasks pass and have verification results, and how old the oldest of these is, for a line below
    /// the [`headline`](Report::headline).
    pub fn evidence_line(&self, language: Language) -> String {
        let (judged, passing, all) =
            (self.judged(), self.passing(), self.rows().len() + self.missing().tasks);
        let mut parts = Vec::new();
        let is_filtered = self.filtered().is_some();
        // Cut, never rounded up: 100 % means all of them. The share of tasks that were chosen means nothing.
        if let (Some(thousandths), false) = ((passing * 1000).checked_div(all), is_filtered) {
            let share = language.fill("{0}.{1} %", &[&(thousandths / 10), &(thousandths % 10)]);
            parts.push(language.fill("{0} of {1} tasks pass ({2})", &[&passing, &all, &share]));
        }
        let results = if is_filtered {
            "{0} of the {1} tasks shown have verification results"
        } else {
            "{0} of {1} have verification results"
        };
        parts.push(language.fill(results, &[&judged, &all]));
        if let Some((row, _)) = self.oldest() {
            let age = self.age(row).and_then(|age| Duration::try_from(age).ok()).unwrap_or_default();
            let age = age_text(age, language);
            let name: String = row.task.display_name().chars().take(MAX_NAME).collect();
            parts.push(language.fill("the oldest is {0} old ({1})", &[&age, &name]));
        }
        parts.join(language.semicolon())
    }

    /// How far the clock of the machine that fetched was off, if by more than 5 minutes.
    pub fn clock(&self, language: Language) -> Option<String> {
        let offset = self.journal().clock_offset().filter(|offset| offset.is_notable())?;
        let minutes = offset.as_secs().unsigned_abs().saturating_add(30) / 60;
        let size = duration_text(Duration::from_secs(minutes.saturating_mul(60)), language);
        let text = if offset.as_secs() > 0 {
            "the clock of the machine that fetched was {0} behind the service's clock; ages are measured on the \
             service's clock"
        } else {
            "the clock of the machine that fetched was {0} ahead of the service's clock; ages are measured on the \
             service's clock"
        };
        Some(language.fill(text, &[&size]))
    }

    /// The age of the oldest verification that a verdict rests on; none without any.
    pub fn oldest_verification(&self, language: Language) -> Option<String> {
        let (row, verified) = self.oldest()?;
        let age = Duration::try_from(self.age(row)?).unwrap_or_default();
        let zone = &self.options().timezone;
        let age = age_text(age, language);
        let (name, verified) = (row.task.display_name(), zone.plain(verified));
        let text = "{0}, verified {1} ({2}), {3} before the end of the run";
        Some(language.fill(text, &[&name, &verified, &zone.name(), &age]))
    }
}

impl Options {
    /// What makes a verification too old and what waives differences, in one sentence.
    pub fn criteria(&self, language: Language) -> String {
        let policy = &self.policy;
        let zone = &self.timezone;
        let age = policy.max_age.map(|age| {
            language.fill("more than {0} old at the end of the run", &[&duration_text(age, language)])
        });
        let before = policy
            .not_before
            .map(|time| language.fill("finished before {0} ({1})", &[&zone.plain(time), &zone.name()]));
        let bounds: Vec<String> = age.into_iter().chain(before).collect();
        let age = if bounds.is_empty() {
            language.text("A verification may be of any age").to_owned()
        } else {
            language.fill("A verification is stale when {0}", &[&bounds.join(language.text(" or "))])
        };
        let waivers = self.waivers.as_ref().map(|waivers| waivers.file());
        let waivers = waivers.map(|file| language.fill("differences are waived as {0} says", &[&file]));
        iter::once(age).chain(waivers).collect::<Vec<_>>().join(language.semicolon())
    }
}

/// From the service's documentation of consistency verification. No field of an answer says which strategy ran.
const WHAT_IS_CHECKED: [&str; 2] = [
    "By default, SMS compares the size and modification time of files, not their content; its answer does not say \
     which strategy ran.",
    "Not checked: more than 1,000,000 files in a directory, paths of 1,024 bytes or more, on Windows paths with \
     non-ASCII characters, and Btrfs.",
];

/// The most modes in a sentence.
const MAX_MODES: usize = 5;
/// The most characters of a name in a sentence.
const MAX_NAME: usize = 40;
