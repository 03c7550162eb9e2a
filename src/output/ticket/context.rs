//! What a ticket's template can say: the report in few words, each value short.

use std::path::Path;

use serde::Serialize;

use super::escape::cut;
use crate::fs::Written;
use crate::model::{Language, Markup};
use crate::output::{Kind, Output};
use crate::report::{Report, SummaryRow};

/// Tasks and files that are named at most.
const NAMED: usize = 10;
/// Tasks without evidence that are named at most: most of them stand among the worst too.
const NAMED_WITHOUT_EVIDENCE: usize = 5;
/// Of a CSV folder these are named; the others are a file per task.
const NAMED_OF_FOLDER: [&str; 2] = ["summary.csv", "results.csv"];

/// What values may take at most, in characters of the finished text. With these, nothing that a
/// run holds makes a comment of 4,000 characters.
mod longest {
    pub(super) const HEADLINE: usize = 240;
    pub(super) const ENDPOINT: usize = 80;
    pub(super) const CRITERIA: usize = 160;
    pub(super) const NAME: usize = 32;
    /// The length of a task's id.
    pub(super) const ID: usize = 36;
    pub(super) const REASON: usize = 56;
    pub(super) const FILE: usize = 32;
}

/// The names that a template can use.
#[derive(Debug, Serialize)]
pub(super) struct Context {
    /// Whether the data is the embedded service's own, and so no evidence.
    pub sample_data: bool,
    /// The outcome in one sentence.
    pub headline: String,
    pub run: Run,
    /// What makes a verification too old, in one sentence.
    pub criteria: String,
    /// How many tasks there are.
    pub tasks: usize,
    /// The verdicts that tasks have.
    pub counts: Vec<Count>,
    /// Tasks that do not pass, the worst first.
    pub worst: Vec<Task>,
    /// How many more do not pass.
    pub more_worst: usize,
    /// How many tasks have no evidence at all.
    pub without_evidence: usize,
    /// The names of the first of them, and how many more there are.
    pub without_evidence_names: String,
    /// The other outputs of the run, those that failed first.
    pub files: Vec<File>,
    pub more_files: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct Run {
    pub started: String,
    pub ended: String,
    pub zone: String,
    pub endpoint: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Count {
    pub verdict: String,
    pub tasks: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct Task {
    /// The source server's name; the id if it has none.
    pub name: String,
    pub id: String,
    pub verdict: String,
    /// Differences or error, if there is more to say than the verdict.
    pub reason: String,
}

#[derive(Debug, Serialize)]
pub(super) struct File {
    /// Without its folders.
    pub name: String,
    /// Whether it could be written; if not, it has no size and no hash.
    pub written: bool,
    /// In bytes.
    pub size: u64,
    /// In hexadecimal digits.
    pub sha256: String,
}

impl Context {
    pub(super) fn new(report: &Report<'_>, earlier: &[Output], markup: Markup) -> Self {
        let options = report.options();
        let (language, zone) = (options.language, &options.timezone);
        let header = report.journal().header();
        let short = |text: &str, longest| cut(markup, text, longest);
        let name = |row: &SummaryRow<'_>| short(row.task.display_name(), longest::NAME);
        let failing = worst_first(report);
        let bare: Vec<&SummaryRow<'_>> =
            report.rows().iter().filter(|row| !row.verdict.has_evidence()).collect();
        let task = |row: &&SummaryRow<'_>| Task {
            name: name(row),
            id: short(row.task.task_id.as_str(), longest::ID),
            verdict: language.text(row.verdict.label()).to_owned(),
            reason: short(&row.reason(language, zone), longest::REASON),
        };
        let more = bare.len().saturating_sub(NAMED_WITHOUT_EVIDENCE);
        let more = (more > 0).then(|| language.fill("… and {0} more", &[&more]));
        let names = bare.iter().take(NAMED_WITHOUT_EVIDENCE).map(|row| name(row)).chain(more);
        let (files, more_files) = files(earlier, markup);
        Self {
            sample_data: report.is_sample(),
            headline: short(&report.headline(language), longest::HEADLINE),
            run: Run {
                started: zone.plain(header.started_at),
                ended: zone.plain(report.journal().ended_at()),
                zone: zone.name().to_owned(),
                endpoint: short(&header.endpoint, longest::ENDPOINT),
            },
            criteria: short(&report.criteria(language), longest::CRITERIA),
            tasks: report.rows().len(),
            counts: counts(report, language),
            worst: failing.iter().take(NAMED).map(task).collect(),
            more_worst: failing.len().saturating_sub(NAMED),
            without_evidence: bare.len(),
            without_evidence_names: names.collect::<Vec<_>>().join(language.comma()),
            files,
            more_files,
        }
    }

    /// A run in which everything happened: every part of a template has something to say.
    pub(super) fn example() -> Self {
        let text = str::to_owned;
        let file = |written| File { name: text("report.xlsx"), written, size: 1, sha256: "0".repeat(64) };
        Self {
            sample_data: true,
            headline: text("0 of 2 tasks pass"),
            run: Run {
                started: text("2026-11-21 09:42:00"),
                ended: text("2026-11-21 09:43:00"),
                zone: text("UTC"),
                endpoint: text("https://sms.example"),
            },
            criteria: text("A verification may be of any age"),
            tasks: 2,
            counts: vec![Count { verdict: text("Fetch failed"), tasks: 2 }],
            worst: vec![Task {
                name: text("web"),
                id: text("task-1"),
                verdict: text("Fetch failed"),
                reason: text("HTTP 500"),
            }],
            more_worst: 1,
            without_evidence: 2,
            without_evidence_names: text("web, … and 1 more"),
            files: vec![file(false), file(true)],
            more_files: 1,
        }
    }

    /// A run in which nothing did: the other branches.
    pub(super) fn bare_example() -> Self {
        Self {
            sample_data: false,
            tasks: 0,
            counts: Vec::new(),
            worst: Vec::new(),
            more_worst: 0,
            without_evidence: 0,
            without_evidence_names: String::new(),
            files: Vec::new(),
            more_files: 0,
            ..Self::example()
        }
    }
}

fn counts(report: &Report<'_>, language: Language) -> Vec<Count> {
    let present = report.counts().into_iter().filter(|(_, tasks)| *tasks > 0);
    present
        .map(|(verdict, tasks)| Count { verdict: language.text(verdict.label()).to_owned(), tasks })
        .collect()
}

/// By verdict, then by how much differs; else in the order of the list.
fn worst_first<'a>(report: &'a Report<'a>) -> Vec<&'a SummaryRow<'a>> {
    let differences = |row: &SummaryRow<'_>| {
        row.totals.map_or(0, |totals| {
            totals.different.saturating_add(totals.missing).saturating_add(totals.redundant)
        })
    };
    let mut failing: Vec<_> = report.rows().iter().filter(|row| !row.verdict.passes()).collect();
    failing.sort_by_key(|row| (row.verdict, std::cmp::Reverse(differences(row))));
    failing
}

/// The files to name, and how many more there are. Tickets do not name each other.
fn files(earlier: &[Output], markup: Markup) -> (Vec<File>, usize) {
    let others = || earlier.iter().filter(|output| output.target.kind() != Kind::Ticket);
    let name = |path: &Path| {
        let name = path.file_name().unwrap_or(path.as_os_str());
        cut(markup, &name.to_string_lossy(), longest::FILE)
    };
    let failed = others().filter(|output| output.written.is_err()).map(|output| File {
        name: name(output.target.path()),
        written: false,
        size: 0,
        sha256: String::new(),
    });
    let written: Vec<(&Output, &Written)> =
        others().flat_map(|output| output.written.iter().flatten().map(move |file| (output, file))).collect();
    let is_named = |(output, file): &&(&Output, &Written)| {
        output.target.kind() != Kind::CsvFolder
            || NAMED_OF_FOLDER.iter().any(|name| file.path == output.target.path().join(name))
    };
    let all = failed.clone().count() + written.len();
    let named = written.iter().filter(is_named).map(|(_, file)| File {
        name: name(&file.path),
        written: true,
        size: file.size,
        sha256: file.sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
    });
    let files: Vec<File> = failed.chain(named).take(NAMED).collect();
    let more = all - files.len();
    (files, more)
}
