//! Sentences about a history, in the reader's language.

use std::fmt::Display;

use super::course::{Course, History, NightSummary};
use crate::model::{Language, Verdict};
use crate::report::zone::Zone;

/// How the nights are judged.
const JUDGED: &str = "Every night is judged by the options of this history; ages and waivers are as of the end of that \
                      night's run.";

/// The figures of a task, each with its definition.
const DEFINITIONS: [(&str, &str); 8] = [
    (
        "Night",
        "the runs that ended between noon and noon; their journals are merged, but a run does not count if a later one of \
         the night is finished and has all its tasks",
    ),
    (
        "Synchronised",
        "a blue line above a night: the server was synchronised after that night's verification, or since the last \
         night whose context is known",
    ),
    (
        "No result",
        "the task was not fetched or the fetch failed, its shard is missing, or the list does not have it",
    ),
    (
        "Nights without progress",
        "nights with a verdict since the last better verdict, or the last fewer differences under the same verdict; \
         0 if the task passes",
    ),
    (
        "Changed side",
        "how often the task changed between passing and not passing; nights without a result do not count",
    ),
    ("First passed", "the end of the first run in which the task passed"),
    (
        "Last got worse",
        "the end of the last run with a worse verdict than before, or with more differences under the same verdict",
    ),
    (
        "Nights without evidence",
        "nights without a result, and nights in which the task was Unreadable or Not verified",
    ),
];

impl History {
    /// The outcome in one sentence, as in `Nights: 3; tasks: 12, 7 pass, 5 do not pass; without progress: 2`.
    pub fn headline(&self, language: Language) -> String {
        let count = |is_it: fn(&&Course) -> bool| self.tasks().iter().filter(is_it).count();
        let passing = count(|task| task.passes());
        let (nights, tasks) = (self.nights().len(), self.tasks().len());
        let all: [&dyn Display; 4] = [&nights, &tasks, &passing, &(tasks - passing)];
        let mut parts = vec![language.fill("Nights: {0}; tasks: {1}, {2} pass, {3} do not pass", &all)];
        for (text, count) in [
            ("without progress: {0}", count(|task| task.nights_without_progress() > 0)),
            ("changed side more than once: {0}", count(|task| task.changes() > 1)),
            ("no longer listed: {0}", count(|task| !task.is_listed)),
        ] {
            if count > 0 {
                parts.push(language.fill(text, &[&count]));
            }
        }
        parts.join(language.semicolon())
    }

    /// How the nights are judged.
    pub fn judged(&self, language: Language) -> &'static str {
        language.text(JUDGED)
    }

    /// The figures of a task, each with its definition.
    pub fn definitions(&self, language: Language) -> Vec<(&'static str, &'static str)> {
        DEFINITIONS.iter().map(|(name, text)| (language.text(name), language.text(text))).collect()
    }

    /// Why the history may mislead, a sentence each.
    pub fn warnings(&self, zone: &Zone, language: Language) -> Vec<String> {
        let nights = |is_it: fn(&&NightSummary) -> bool| -> Vec<String> {
            self.nights().iter().filter(is_it).map(|night| zone.plain(night.ended_at)).collect()
        };
        [
            (
                "earlier runs do not count in these nights ({0}), because a later finished run has all their tasks: {1}",
                nights(|night| !night.superseded.is_empty()),
            ),
            ("results are missing, so the counts are too low, in these nights ({0}): {1}", nights(|night| !night.is_whole())),
            (
                "the clock of a machine that fetched was off by more than 5 minutes in these nights ({0}), which are ordered \
                 by the service's clock: {1}",
                nights(|night| night.is_clock_wrong),
            ),
        ]
        .into_iter()
        .filter(|(_, nights)| !nights.is_empty())
        .map(|(text, nights)| language.fill(text, &[&nights.len(), &shortened(&nights, language)]))
        .collect()
    }

    /// The label of a verdict, or of a gap.
    pub fn verdict_label(verdict: Option<Verdict>, language: Language) -> &'static str {
        language.text(verdict.map_or("No result", Verdict::label))
    }
}

/// The last few of the items.
fn shortened(items: &[String], language: Language) -> String {
    const MOST: usize = 5;
    let from = items.len().saturating_sub(MOST);
    let shown = items.get(from..).unwrap_or_default().join(language.comma());
    if from > 0 { format!("…{}{shown}", language.comma()) } else { shown }
}
