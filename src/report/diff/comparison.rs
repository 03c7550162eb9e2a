//! Two reports side by side.

use std::collections::HashSet;

use super::compare;
use super::table::DirectoryRow;
use super::task_change::TaskChange;
use crate::journal::JournalError;
use crate::model::{DirectoryCheck, Language, Note};
use crate::report::change::Change;
use crate::report::identity::Identity;
use crate::report::row::SummaryRow;
use crate::report::summary::Report;
use crate::report::zone::Zone;

/// What changed between two reports.
#[derive(Debug)]
pub struct Diff<'a> {
    old: &'a Report<'a>,
    new: &'a Report<'a>,
    tasks: Vec<TaskChange<'a>>,
}

impl<'a> Diff<'a> {
    /// Compares the reports task by task; times, language and criteria are the later one's.
    ///
    /// # Errors
    /// When a journal cannot be read.
    pub fn new(old: &'a Report<'a>, new: &'a Report<'a>) -> Result<Self, JournalError> {
        let places = Identity::places(&Identity::all(old), &Identity::all(new));
        let mut tasks = Vec::new();
        for ((ordinal, row), place) in new.rows().iter().enumerate().zip(&places) {
            let earlier = place.and_then(|place| Some((place, old.rows().get(place)?)));
            tasks.push(match earlier {
                Some((before, earlier)) => {
                    both(earlier, &checked(old, before)?, row, &checked(new, ordinal)?)
                }
                None => TaskChange {
                    task: row.task,
                    change: Change::New,
                    old: None,
                    new: Some(row),
                    notes: row.notes.clone(),
                    directories: Vec::new(),
                },
            });
        }
        let matched: HashSet<usize> = places.into_iter().flatten().collect();
        let gone = old.rows().iter().enumerate().filter(|(place, _)| !matched.contains(place));
        tasks.extend(gone.map(|(_, row)| TaskChange {
            task: row.task,
            change: Change::Gone,
            old: Some(row),
            new: None,
            notes: Vec::new(),
            directories: Vec::new(),
        }));
        tasks.sort_by_key(TaskChange::rank);
        Ok(Self { old, new, tasks })
    }

    /// The earlier report.
    pub fn before(&self) -> &'a Report<'a> {
        self.old
    }

    /// The later report.
    pub fn now(&self) -> &'a Report<'a> {
        self.new
    }

    /// The zone in which times are shown.
    pub fn zone(&self) -> &'a Zone {
        &self.new.options().timezone
    }

    /// Every task of either report: the worse ones first, then the new ones that do not pass, those
    /// gone, better, fixed, new and the same.
    pub fn tasks(&self) -> &[TaskChange<'a>] {
        &self.tasks
    }

    /// The directories that changed, task by task.
    pub fn directories(&self) -> impl Iterator<Item = DirectoryRow<'_>> {
        self.tasks.iter().flat_map(|task| {
            task.directories.iter().map(|directory| DirectoryRow { task: task.task, directory })
        })
    }

    /// How many tasks have each change, in the order of [`Change::ALL`], zeros included.
    pub fn counts(&self) -> [(Change, usize); 6] {
        Change::ALL.map(|change| (change, self.count(change)))
    }

    fn count(&self, change: Change) -> usize {
        self.tasks.iter().filter(|task| task.change == change).count()
    }

    /// Whether an answer of either report came from the embedded service, which is no evidence.
    pub fn is_sample(&self) -> bool {
        self.old.is_sample() || self.new.is_sample()
    }

    /// The outcome in one sentence, as in `2 worse, 1 fixed, 9 same; 8 of 12 tasks pass, 7 of 12 before`.
    pub fn headline(&self, language: Language) -> String {
        let reported = self.counts().into_iter().filter(|(_, count)| *count > 0).map(|(change, count)| {
            language.fill("{0} {1}", &[&count, &language.text(change.label()).to_lowercase()])
        });
        let reported: Vec<String> = reported.collect();
        if reported.is_empty() {
            return language.text("No task is listed, so nothing is compared").to_owned();
        }
        let (now, before) = (self.new.passing(), self.old.passing());
        let (all_now, all_before) = (self.new.rows().len(), self.old.rows().len());
        let passing = language
            .fill("{0} of {1} tasks pass, {2} of {3} before", &[&now, &all_now, &before, &all_before]);
        [reported.join(language.comma()), passing].join(language.semicolon())
    }

    /// Where one of the two reports comes from, in one line.
    pub fn run(&self, report: &Report<'_>, language: Language) -> String {
        let (zone, header) = (self.zone(), report.journal().header());
        let (began, ended) = (zone.plain(header.started_at), zone.plain(report.journal().ended_at()));
        language.fill("Run {0} to {1} ({2}), endpoint {3}", &[&began, &ended, &zone.name(), &header.endpoint])
    }

    /// Why the journals may not be ones to compare, a sentence each.
    pub fn warnings(&self, language: Language) -> Vec<String> {
        let (old, new) = (self.old.journal(), self.new.journal());
        let (before, now) = (&old.header().endpoint, &new.header().endpoint);
        let endpoints = (before != now)
            .then(|| language.fill("the endpoints differ: {0} before, {1} now", &[before, now]));
        let (gone, added) = (self.count(Change::Gone), self.count(Change::New));
        let lists = (gone + added > 0).then(|| {
            let text = "the task lists differ: {0} only before, {1} only now";
            language.fill(text, &[&gone, &added])
        });
        let swapped = (new.header().started_at < old.header().started_at).then(|| {
            language
                .text("the later run (now) began before the earlier one (before): check the order of the journals")
                .to_owned()
        });
        let unfinished = [
            (old, "the run before is incomplete: {0} of {1} tasks are recorded"),
            (new, "the run now is incomplete: {0} of {1} tasks are recorded"),
        ];
        let unfinished = unfinished.into_iter().filter(|(journal, _)| !journal.is_finished());
        let unfinished = unfinished.map(|(journal, text)| {
            language.fill(text, &[&journal.recorded(), &journal.header().list.tasks.len()])
        });
        let missing =
            [(self.old, "shards are missing before: {0}"), (self.new, "shards are missing now: {0}")];
        let missing = missing.into_iter().filter_map(|(report, text)| {
            let shards = report.missing().shards.join(language.comma());
            (!shards.is_empty()).then(|| language.fill(text, &[&shards]))
        });
        let unfinished = unfinished.chain(missing);
        endpoints.into_iter().chain(lists).chain(swapped).chain(unfinished).collect()
    }
}

fn both<'a>(
    old: &'a SummaryRow<'a>,
    checked_before: &[DirectoryCheck],
    new: &'a SummaryRow<'a>,
    checked_now: &[DirectoryCheck],
) -> TaskChange<'a> {
    let mut directories = compare::directories(checked_before, checked_now);
    let change = compare::of_task(old.verdict, new.verdict, &directories);
    let mut notes = compare::notes(&directories);
    if let Some(id) = old.task.task_id.as_ref().filter(|id| Some(*id) != new.task.task_id.as_ref()) {
        notes.push(Note::TaskBefore(id.to_string()));
    }
    match old.last_verified.zip(new.last_verified) {
        Some((before, now)) if now < before => notes.push(Note::OlderThanBefore),
        Some((before, now)) if now == before => notes.push(Note::NotVerifiedAgain),
        _ => {}
    }
    notes.extend(new.notes.iter().cloned());
    directories.retain(|directory| directory.change != Change::Same);
    TaskChange { task: new.task, change, old: Some(old), new: Some(new), notes, directories }
}

/// The directories that a task's verdict rests on.
fn checked(report: &Report<'_>, ordinal: usize) -> Result<Vec<DirectoryCheck>, JournalError> {
    let Some(row) = report.rows().get(ordinal) else { return Ok(Vec::new()) };
    // What was checked for another task says nothing about this one's directories.
    let of_another = row.notes.iter().any(|note| matches!(note, Note::OtherTask(_)));
    let Some(decisive) = row.decisive.filter(|_| !of_another) else { return Ok(Vec::new()) };
    let verification = report.verifications(ordinal)?.into_iter().nth(decisive);
    Ok(verification.map(|verification| verification.directories).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::table::{CHANGES, DIRECTORIES};
    use super::*;

    #[test]
    fn every_text_of_a_comparison_is_there_in_chinese() {
        let headings = CHANGES.iter().map(|column| column.heading);
        let headings = headings.chain(DIRECTORIES.iter().map(|column| column.heading));
        let changes = Change::ALL.into_iter().flat_map(|change| [change.label(), change.meaning()]);
        for text in headings.chain(changes) {
            assert_ne!(Language::Chinese.text(text), text);
        }
        for note in [Note::NoLongerChecked(7), Note::MoreDifferences(7), Note::FewerDifferences(7)]
            .into_iter()
            .chain([Note::NewlyChecked(7), Note::NotVerifiedAgain, Note::OlderThanBefore])
        {
            assert_ne!(note.text(Language::Chinese), note.text(Language::English));
        }
    }
}
