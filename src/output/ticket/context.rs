//! The values that a ticket's template can use, each cut to a length.

use std::path::Path;

use serde::Serialize;

use super::escape::cut;
use crate::fs::Written;
use crate::model::{Language, Markup};
use crate::output::target::{Kind, Output};
use crate::report::{Report, SummaryRow};

/// The most tasks that are named.
const NAMED: usize = 10;
/// The most files that are named.
const NAMED_FILES: usize = 8;
/// The most groups that are named.
const NAMED_GROUPS: usize = 4;
/// The most tasks without evidence that are named: most of them are among the worst too.
const NAMED_WITHOUT_EVIDENCE: usize = 4;
/// The files of a CSV folder that are named; the others are a file per task.
const NAMED_OF_FOLDER: [&str; 2] = ["summary.csv", "results.csv"];

/// The longest values, in characters of the finished text. With these, no run makes a comment of 4,000
/// characters.
mod longest {
    pub(super) const HEADLINE: usize = 200;
    pub(super) const OUTCOME: usize = 130;
    pub(super) const GROUP: usize = 16;
    pub(super) const FAILING: usize = 30;
    pub(super) const ENDPOINT: usize = 64;
    pub(super) const CRITERIA: usize = 140;
    pub(super) const NAME: usize = 28;
    /// The length of a task's id.
    pub(super) const ID: usize = 36;
    pub(super) const REASON: usize = 72;
    pub(super) const FILE: usize = 28;
}

/// The names that a template can use.
#[derive(Debug, Serialize)]
pub(super) struct Context {
    /// Whether the data comes from the embedded service, and so is no evidence.
    pub sample_data: bool,
    /// The key of the status, as in `not_ready`.
    pub status: &'static str,
    /// The status and its numbers in one sentence.
    pub headline: String,
    /// How many tasks pass and what the others are, in one sentence.
    pub outcome: String,
    /// What changed since the last run, in one sentence; empty if nothing was compared.
    pub since: String,
    pub run: Run,
    /// What makes a verification stale, in one sentence.
    pub criteria: String,
    /// What a verification compares, and what it does not.
    pub what_is_checked: String,
    /// How many tasks there are.
    pub tasks: usize,
    /// The verdicts that tasks have.
    pub counts: Vec<Count>,
    /// The label of the groups; empty without groups.
    pub group_by: String,
    pub groups: Vec<Group>,
    /// How many more groups there are.
    pub more_groups: usize,
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
pub(super) struct Group {
    pub name: String,
    pub tasks: usize,
    pub passing: usize,
    /// What the tasks that do not pass are, as in `2 inconsistent, 1 stale`; empty if all pass.
    pub failing: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Task {
    /// The source server's name; the id if it has none.
    pub name: String,
    pub id: String,
    pub verdict: String,
    /// Why the task does not pass.
    pub reason: String,
}

#[derive(Debug, Serialize)]
pub(super) struct File {
    /// The file's name without its folders.
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
        let failing =
            report.counts().iter().filter(|(verdict, _)| !verdict.passes()).map(|(_, count)| count).sum();
        let more_worst = usize::saturating_sub(failing, NAMED);
        let bare: Vec<&SummaryRow<'_>> =
            report.rows().iter().filter(|row| !row.verdict.has_evidence()).collect();
        let task = |row: &SummaryRow<'_>| Task {
            name: name(row),
            id: short(row.task.id_text(), longest::ID),
            verdict: language.text(row.verdict.label()).to_owned(),
            reason: short(&row.reason(language, zone), longest::REASON),
        };
        let more = bare.len().saturating_sub(NAMED_WITHOUT_EVIDENCE);
        let more = (more > 0).then(|| language.fill("… and {0} more", &[&more]));
        let names = bare.iter().take(NAMED_WITHOUT_EVIDENCE).map(|row| name(row)).chain(more);
        let (files, more_files) = files(earlier, markup);
        let groups = report.groups();
        let group = |group: &crate::report::Group| Group {
            name: short(group.label(language), longest::GROUP),
            tasks: group.tasks,
            passing: group.passing,
            failing: short(&group.failing_text(language), longest::FAILING),
        };
        Self {
            sample_data: report.is_sample(),
            status: report.status().key(),
            headline: short(&report.headline(language), longest::HEADLINE),
            outcome: short(&report.outcome(language), longest::OUTCOME),
            since: short(&report.since_text(language).unwrap_or_default(), longest::OUTCOME),
            run: Run {
                started: zone.plain(header.started_at),
                ended: zone.plain(report.journal().ended_at()),
                zone: zone.name().to_owned(),
                endpoint: short(&header.endpoint, longest::ENDPOINT),
            },
            criteria: short(&report.criteria(language), longest::CRITERIA),
            what_is_checked: report.what_is_checked(language),
            tasks: report.rows().len(),
            counts: counts(report, language),
            group_by: groups.as_ref().map(|groups| short(&groups.by, longest::GROUP)).unwrap_or_default(),
            more_groups: groups.as_ref().map_or(0, |groups| groups.rows.len().saturating_sub(NAMED_GROUPS)),
            groups: groups.iter().flat_map(|groups| groups.most_failing(NAMED_GROUPS)).map(group).collect(),
            worst: report.worst(NAMED).into_iter().map(task).collect(),
            more_worst,
            without_evidence: bare.len(),
            without_evidence_names: names.collect::<Vec<_>>().join(language.comma()),
            files,
            more_files,
        }
    }

    /// A run in which every part of a template has values.
    pub(super) fn example() -> Self {
        let text = str::to_owned;
        let file = |written| File { name: text("report.xlsx"), written, size: 1, sha256: "0".repeat(64) };
        Self {
            sample_data: true,
            status: "incomplete",
            headline: text("INCOMPLETE: 2 of 2 tasks have no answer"),
            outcome: text("0 of 2 tasks pass; 2 fetch failed"),
            since: "Changes since the last run: 1 fixed, 0 worse, 0 new, 0 gone".to_owned(),
            run: Run {
                started: text("2026-11-21 09:42:00"),
                ended: text("2026-11-21 09:43:00"),
                zone: text("UTC"),
                endpoint: text("https://sms.example"),
            },
            criteria: text("A verification may be of any age"),
            what_is_checked: text("By default, SMS compares size and modification time."),
            tasks: 2,
            counts: vec![Count { verdict: text("Fetch failed"), tasks: 2 }],
            group_by: text("wave"),
            groups: vec![Group { name: text("1"), tasks: 2, passing: 0, failing: text("2 fetch failed") }],
            more_groups: 1,
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

    /// A run without tasks and files, for the other branches.
    pub(super) fn bare_example() -> Self {
        Self {
            sample_data: false,
            tasks: 0,
            counts: Vec::new(),
            group_by: String::new(),
            groups: Vec::new(),
            more_groups: 0,
            worst: Vec::new(),
            more_worst: 0,
            without_evidence: 0,
            without_evidence_names: String::new(),
            files: Vec::new(),
            more_files: 0,
            since: String::new(),
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
        sha256: hex::encode(file.sha256),
    });
    let files: Vec<File> = failed.chain(named).take(NAMED_FILES).collect();
    let more = all - files.len();
    (files, more)
}
