//! What changed, for machines.

use std::io::Write;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::super::Cause;
use super::super::json::{Criteria, FORMAT, Run, Value};
use crate::model::{Language, TOOL};
use crate::report::{
    CHANGES, Cell, Column, DIRECTORIES, Diff, DirectoryCell, DirectoryRow, TaskChange, Zone,
};

/// The columns of a directory that its task says already.
const OF_TASK: [&str; 2] = ["task_id", "source_server"];

/// Writes the document of what changed, `"format": 1`.
///
/// # Errors
/// What the writer says.
pub fn write_diff_document(diff: &Diff<'_>, to: &mut dyn Write) -> Result<(), Cause> {
    let zone = diff.zone();
    let document = Document {
        format: FORMAT,
        tool: TOOL,
        sample_data: diff.is_sample(),
        before: Run::of(diff.before(), zone),
        now: Run::of(diff.now(), zone),
        warnings: diff.warnings(Language::English),
        criteria: Criteria::of(diff.now().options()),
        counts: Counts(diff),
        tasks: diff.tasks().iter().map(|row| Task { row, zone }).collect(),
    };
    serde_json::to_writer_pretty(&mut *to, &document)?;
    Ok(to.write_all(b"\n")?)
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
    counts: Counts<'a>,
    tasks: Vec<Task<'a>>,
}

struct Counts<'a>(&'a Diff<'a>);

impl Serialize for Counts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.counts().map(|(change, count)| (change.key(), count)))
    }
}

/// A row by the keys of its columns, with the directories that changed.
struct Task<'a> {
    row: &'a TaskChange<'a>,
    zone: &'a Zone,
}

impl Serialize for Task<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for column in CHANGES {
            let cell = (column.cell)(self.row);
            map.serialize_entry(column.key, &Value { cell, zone: self.zone })?;
        }
        let directories = self.row.directories.iter();
        let directories = directories.map(|directory| DirectoryRow { task: self.row.task, directory });
        let directories: Vec<_> = directories.map(|row| Directory { row, zone: self.zone }).collect();
        map.serialize_entry("directories", &directories)?;
        map.end()
    }
}

struct Directory<'a> {
    row: DirectoryRow<'a>,
    zone: &'a Zone,
}

impl Serialize for Directory<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let own = |column: &&Column<DirectoryCell>| !OF_TASK.contains(&column.key);
        serializer.collect_map(DIRECTORIES.iter().filter(own).map(|column| {
            let cell: Cell<'_> = (column.cell)(&self.row);
            (column.key, Value { cell, zone: self.zone })
        }))
    }
}
