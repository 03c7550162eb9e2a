//! The summary for machines. Its keys are those of the structs here: a column can be renamed without breaking
//! what scripts rely on.

mod format;
mod run;
mod task;

use std::io::Write;

use serde::Serialize;

use crate::model::{Language, TOOL, TaskId, Verdict};
use crate::output::error::Cause;
use crate::report::{Change, Groups, Report, Status, Waiver, WaiverUse};
pub(super) use format::{Counts, FORMAT, write_json};
pub(super) use run::{Criteria, Run};
use task::TaskEntry;

/// Writes the summary document, `"format": 1`.
///
/// # Errors
/// What the writer says.
pub fn write_summary(report: &Report<'_>, to: &mut dyn Write) -> Result<(), Cause> {
    let header = report.journal().header();
    let options = report.options();
    let document = Document {
        format: FORMAT,
        tool: TOOL,
        sample_data: report.is_sample(),
        status: report.status(),
        headline: report.headline(Language::English),
        filtered: report.filtered().map(|filtered| FilteredEntry {
            tasks: filtered.tasks,
            of: filtered.of,
            only: &options.view.only,
            labels: options.view.labels.iter().map(|filter| filter.text()).collect(),
        }),
        since_last_run: report.since().map(|since| SinceEntry {
            journal: &since.journal,
            ended_at: options.timezone.rfc3339(since.ended_at),
            changes: Counts(since.counts.into()),
        }),
        run: Run::of(report, &options.timezone),
        criteria: Criteria::of(options),
        counts: Counts(report.counts()),
        groups: report.groups().map(GroupsEntry::from),
        evidence: Evidence {
            judged: report.judged(),
            passing: report.passing(),
            oldest_age_seconds: report.oldest().and_then(|(row, _)| report.age(row)).map(|age| age.as_secs()),
        },
        reconciliation: header.reconciliation.as_ref().map(|reconciliation| Reconciled {
            declared_not_found: &reconciliation.not_found,
            found_not_declared: &reconciliation.undeclared,
        }),
        waivers: report.waivers().map(|waivers| waivers.iter().map(WaiverEntry::from).collect()),
        tasks: report.rows().iter().map(|row| TaskEntry::new(report, row)).collect(),
    };
    write_json(&document, to)
}

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    tool: &'static str,
    sample_data: bool,
    status: Status,
    headline: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    filtered: Option<FilteredEntry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since_last_run: Option<SinceEntry<'a>>,
    run: Run<'a>,
    criteria: Criteria,
    counts: Counts<Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<GroupsEntry>,
    evidence: Evidence,
    #[serde(skip_serializing_if = "Option::is_none")]
    reconciliation: Option<Reconciled<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waivers: Option<Vec<WaiverEntry<'a>>>,
    tasks: Vec<TaskEntry<'a>>,
}

/// What changed since the last run: the number of tasks by change.
#[derive(Serialize)]
struct SinceEntry<'a> {
    journal: &'a str,
    ended_at: String,
    #[serde(flatten)]
    changes: Counts<Change>,
}

/// The part of the tasks that the document shows: all its counts are of these.
#[derive(Serialize)]
struct FilteredEntry<'a> {
    tasks: usize,
    of: usize,
    only: &'a [Verdict],
    #[serde(rename = "where")]
    labels: Vec<String>,
}

/// The tasks by the value of a label.
#[derive(Serialize)]
struct GroupsEntry {
    by: String,
    rows: Vec<GroupEntry>,
}

/// The tasks with one value; `null` is the name of those without.
#[derive(Serialize)]
struct GroupEntry {
    name: Option<String>,
    tasks: usize,
    passing: usize,
    counts: Counts<Verdict>,
}

impl From<Groups> for GroupsEntry {
    fn from(Groups { by, rows }: Groups) -> Self {
        let row = |group: crate::report::Group| GroupEntry {
            name: group.name,
            tasks: group.tasks,
            passing: group.passing,
            counts: Counts(group.counts),
        };
        Self { by, rows: rows.into_iter().map(row).collect() }
    }
}

/// What the verdicts are based on: only tasks with evidence are judged.
#[derive(Serialize)]
struct Evidence {
    judged: usize,
    passing: usize,
    oldest_age_seconds: Option<i64>,
}

/// A waiver as its file has it, and what came of it.
#[derive(Serialize)]
struct WaiverEntry<'a> {
    #[serde(flatten)]
    waiver: &'a Waiver,
    expired: bool,
    covered_rows: u64,
}

impl<'a> From<&'a WaiverUse> for WaiverEntry<'a> {
    fn from(WaiverUse { waiver, expired, rows }: &'a WaiverUse) -> Self {
        Self { waiver, expired: *expired, covered_rows: if *expired { 0 } else { *rows } }
    }
}

/// The tasks that the list and the account do not both have, if they were compared.
#[derive(Serialize)]
struct Reconciled<'a> {
    declared_not_found: &'a [TaskId],
    found_not_declared: &'a [crate::model::Task],
}
