//! The two tables of a comparison, column by column. Every output takes its columns from here.

use super::task_change::{DirectoryChange, TaskChange};
use crate::model::{DirectoryCheck, Task, Totals};
use crate::report::table::{Cell, Column};

/// The value of a column in a row of the changes.
pub type ChangeCell = for<'a> fn(&'a TaskChange<'a>) -> Cell<'a>;
/// The value of a column in a row of the directories.
pub type DirectoryCell = for<'a> fn(&'a DirectoryRow<'a>) -> Cell<'a>;

/// A directory that changed, and its task.
#[derive(Debug, Clone, Copy)]
pub struct DirectoryRow<'a> {
    /// The task.
    pub task: &'a Task,
    /// The directory.
    pub directory: &'a DirectoryChange,
}

/// The changes: one row per task of either report.
pub const CHANGES: &[Column<ChangeCell>] = &[
    Column::text("Task ID", "task_id", 38, |row| Cell::text(row.task.task_id.as_ref().map(|id| id.as_str()))),
    Column::text("Source server", "source_server", 22, |row| Cell::text(row.task.source_name.as_deref())),
    Column::text("Change", "change", 11, |row| Cell::Change(row.change)),
    Column::text("Verdict before", "verdict_before", 14, |row| {
        row.old.map_or(Cell::Empty, |row| Cell::Verdict(row.verdict))
    }),
    Column::text("Verdict now", "verdict_now", 14, |row| {
        row.new.map_or(Cell::Empty, |row| Cell::Verdict(row.verdict))
    }),
    Column::number("Different before", "different_before", 11, |row| before(row, |sum| sum.different)),
    Column::number("Different now", "different_now", 11, |row| now(row, |sum| sum.different)),
    Column::number("Different +/-", "different_delta", 11, |row| delta(row, |sum| sum.different)),
    Column::number("Missing before", "missing_before", 11, |row| before(row, |sum| sum.missing)),
    Column::number("Missing now", "missing_now", 11, |row| now(row, |sum| sum.missing)),
    Column::number("Missing +/-", "missing_delta", 11, |row| delta(row, |sum| sum.missing)),
    Column::number("Redundant before", "redundant_before", 12, |row| before(row, |sum| sum.redundant)),
    Column::number("Redundant now", "redundant_now", 12, |row| now(row, |sum| sum.redundant)),
    Column::number("Redundant +/-", "redundant_delta", 12, |row| delta(row, |sum| sum.redundant)),
    Column::time("Last verified before", "last_verified_before", 21, |row| {
        Cell::time(row.old.and_then(|row| row.last_verified))
    }),
    Column::time("Last verified now", "last_verified_now", 21, |row| {
        Cell::time(row.new.and_then(|row| row.last_verified))
    }),
    Column::text("Notes", "notes", 64, |row| Cell::Notes(&row.notes)),
];

fn before<'a>(row: &TaskChange<'_>, pick: fn(&Totals) -> u64) -> Cell<'a> {
    Cell::count(row.old.and_then(|row| row.totals.as_ref()).map(pick))
}

fn now<'a>(row: &TaskChange<'_>, pick: fn(&Totals) -> u64) -> Cell<'a> {
    Cell::count(row.new.and_then(|row| row.totals.as_ref()).map(pick))
}

fn delta<'a>(row: &TaskChange<'_>, pick: fn(&Totals) -> u64) -> Cell<'a> {
    match (before(row, pick), now(row, pick)) {
        (Cell::Count(before), Cell::Count(now)) => {
            let size = i64::try_from(now.abs_diff(before)).unwrap_or(i64::MAX);
            Cell::Delta(if now < before { -size } else { size })
        }
        _ => Cell::Empty,
    }
}

/// The directories that changed, of all tasks that both reports have.
pub const DIRECTORIES: &[Column<DirectoryCell>] = &[
    Column::text("Task ID", "task_id", 38, |row| Cell::text(row.task.task_id.as_ref().map(|id| id.as_str()))),
    Column::text("Source server", "source_server", 22, |row| Cell::text(row.task.source_name.as_deref())),
    Column::text("Directory", "directory", 50, |row| Cell::text(Some(&row.directory.directory))),
    Column::text("Change", "change", 11, |row| Cell::Change(row.directory.change)),
    Column::number("Total files before", "total_files_before", 12, |row| old(row, |check| check.total)),
    Column::number("Total files now", "total_files_now", 12, |row| new(row, |check| check.total)),
    Column::number("Different before", "different_before", 11, |row| old(row, |check| check.different)),
    Column::number("Different now", "different_now", 11, |row| new(row, |check| check.different)),
    Column::number("Missing before", "missing_before", 12, |row| old(row, |check| check.missing)),
    Column::number("Missing now", "missing_now", 12, |row| new(row, |check| check.missing)),
    Column::number("Redundant before", "redundant_before", 13, |row| old(row, |check| check.redundant)),
    Column::number("Redundant now", "redundant_now", 13, |row| new(row, |check| check.redundant)),
];

fn old<'a>(row: &DirectoryRow<'_>, pick: fn(&DirectoryCheck) -> u64) -> Cell<'a> {
    Cell::count(row.directory.old.as_ref().map(pick))
}

fn new<'a>(row: &DirectoryRow<'_>, pick: fn(&DirectoryCheck) -> u64) -> Cell<'a> {
    Cell::count(row.directory.new.as_ref().map(pick))
}
