//! What changed, for machines.

use std::io::Write;

use serde::Serialize;

use crate::model::{Language, TOOL, Totals, Verdict};
use crate::output::error::Cause;
use crate::output::json::{Counts, Criteria, FORMAT, Run, write_json};
use crate::report::{Change, Diff, DirectoryChange, SummaryRow, TaskChange, Zone};

/// Writes the document of what changed, `"format": 1`.
///
/// # Errors
/// What the writer says.
pub(super) fn write(diff: &Diff<'_>, to: &mut dyn Write) -> Result<(), Cause> {
    let zone = diff.zone();
    let document = Document {
        format: FORMAT,
        tool: TOOL,
        sample_data: diff.is_sample(),
        before: Run::of(diff.before(), zone),
        now: Run::of(diff.now(), zone),
        warnings: diff.warnings(Language::English),
        criteria: Criteria::of(diff.now().options()),
        counts: Counts(diff.counts().into()),
        tasks: diff.tasks().iter().map(|row| Task::new(row, zone)).collect(),
    };
    write_json(&document, to)
}

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    tool: &'static str,
    sample_data: bool,
    before: Run<'a>,
    now: Run<'a>,
    warnings: Vec<String>,
    criteria: Criteria,
    counts: Counts<Change>,
    tasks: Vec<Task<'a>>,
}

/// A task of either report. Times are RFC 3339; counts are of files, and none if it was not verified.
#[derive(Serialize)]
struct Task<'a> {
    task_id: Option<&'a str>,
    source_server: Option<&'a str>,
    change: &'static str,
    verdict_before: Option<Verdict>,
    verdict_now: Option<Verdict>,
    different_before: Option<u64>,
    different_now: Option<u64>,
    different_delta: Option<i64>,
    missing_before: Option<u64>,
    missing_now: Option<u64>,
    missing_delta: Option<i64>,
    redundant_before: Option<u64>,
    redundant_now: Option<u64>,
    redundant_delta: Option<i64>,
    last_verified_before: Option<String>,
    last_verified_now: Option<String>,
    notes: Vec<String>,
    directories: Vec<Directory<'a>>,
}

impl<'a> Task<'a> {
    fn new(row: &'a TaskChange<'a>, zone: &Zone) -> Self {
        let side = |side: Option<&SummaryRow<'_>>, pick: fn(&Totals) -> u64| {
            side.and_then(|row| row.totals.as_ref()).map(pick)
        };
        let sides = |pick: fn(&Totals) -> u64| {
            let (before, now) = (side(row.old, pick), side(row.new, pick));
            (before, now, before.zip(now).map(|(before, now)| delta(before, now)))
        };
        let verified = |side: Option<&SummaryRow<'_>>| {
            side.and_then(|row| row.last_verified).map(|time| zone.rfc3339(time))
        };
        let (different_before, different_now, different_delta) = sides(|totals| totals.different);
        let (missing_before, missing_now, missing_delta) = sides(|totals| totals.missing);
        let (redundant_before, redundant_now, redundant_delta) = sides(|totals| totals.redundant);
        Self {
            task_id: row.task.task_id.as_ref().map(|id| id.as_str()),
            source_server: row.task.source_name.as_deref(),
            change: row.change.key(),
            verdict_before: row.old.map(|row| row.verdict),
            verdict_now: row.new.map(|row| row.verdict),
            different_before,
            different_now,
            different_delta,
            missing_before,
            missing_now,
            missing_delta,
            redundant_before,
            redundant_now,
            redundant_delta,
            last_verified_before: verified(row.old),
            last_verified_now: verified(row.new),
            notes: row.notes.iter().map(|note| note.text(Language::English)).collect(),
            directories: row.directories.iter().map(Directory::from).collect(),
        }
    }
}

/// By how much a count grew, or shrank.
fn delta(before: u64, now: u64) -> i64 {
    let size = i64::try_from(now.abs_diff(before)).unwrap_or(i64::MAX);
    if now < before { -size } else { size }
}

/// A directory that changed; a side on which it was not checked has no counts.
#[derive(Serialize)]
struct Directory<'a> {
    directory: &'a str,
    change: &'static str,
    total_files_before: Option<u64>,
    total_files_now: Option<u64>,
    different_before: Option<u64>,
    different_now: Option<u64>,
    missing_before: Option<u64>,
    missing_now: Option<u64>,
    redundant_before: Option<u64>,
    redundant_now: Option<u64>,
}

impl<'a> From<&'a DirectoryChange> for Directory<'a> {
    fn from(directory: &'a DirectoryChange) -> Self {
        let (old, new) = (directory.old.as_ref(), directory.new.as_ref());
        Self {
            directory: &directory.directory,
            change: directory.change.key(),
            total_files_before: old.map(|check| check.total),
            total_files_now: new.map(|check| check.total),
            different_before: old.map(|check| check.different),
            different_now: new.map(|check| check.different),
            missing_before: old.map(|check| check.missing),
            missing_now: new.map(|check| check.missing),
            redundant_before: old.map(|check| check.redundant),
            redundant_now: new.map(|check| check.redundant),
        }
    }
}
