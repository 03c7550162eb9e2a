//! Reports as CSV: one file, a folder, or an archive of the folder.
//!
//! A folder holds `summary.csv`, `results.csv` and `tasks/<sheet name>.csv`, and `reconciliation.csv` if
//! the list was compared with the account. A file that would be larger than wanted is cut into parts.

mod archive;
mod cut;
mod file_names;
mod subject;
mod table;

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::options::FileOptions;
use super::parts::{part_path, remove_others};
use crate::fs::{AtomicFile, Written};
use crate::fs::{Sealed, place_all, sync_directory, warn};
use crate::model::io_reason;
use crate::output::error::{Cause, OutputError};
use crate::report::Report;
use crate::threads::parallel_map;
use cut::{copy, cut};
use file_names::{claim, remove};
use subject::{Subject, TASKS};

pub(super) use archive::write as write_archive;
pub(super) use table::Table;

/// Files of a folder that are made at once. Each waits for the disk, and those that wait together wait little
/// longer than one alone.
const AT_ONCE: usize = 16;

/// Writes `results.csv` alone, and gives its files.
pub(super) fn write_results(
    report: &Report<'_>,
    path: &Path,
    options: &FileOptions,
) -> Result<Vec<Written>, OutputError> {
    let files = make(report, Subject::Results, path, options).map_err(OutputError::at(path))?;
    let written = place_all(files)?;
    remove_unwritten(Subject::Results, path, &written)?;
    Ok(written)
}

/// Writes `results.csv` to a writer, in one piece.
pub(super) fn write_results_to(
    report: &Report<'_>,
    options: &FileOptions,
    to: &mut dyn Write,
) -> Result<(), Cause> {
    Subject::Results.fill(report, to, options)
}

/// Writes the folder, each file whole, and gives the files; one of an earlier run that this one does
/// not have is removed, lest it pass for a result of this run.
pub(super) fn write_folder(
    report: &Report<'_>,
    folder: &Path,
    options: &FileOptions,
) -> Result<Vec<Written>, OutputError> {
    let tasks = folder.join(TASKS);
    std::fs::create_dir_all(&tasks).map_err(OutputError::at(&tasks))?;
    let mut names = HashSet::new();
    let mut written = Vec::new();
    let subjects: Vec<_> = Subject::all(report).collect();
    for batch in subjects.chunks(AT_ONCE) {
        for (path, files) in make_all(report, batch, folder, options) {
            let at_path = |cause| OutputError::at(&path)(cause);
            let files = files.map_err(at_path)?;
            for file in files.iter().filter(|_| options.limits.max_bytes.is_some()) {
                claim(&mut names, &file.path().to_string_lossy()).map_err(at_path)?;
            }
            for file in files {
                written.push(file.place().map_err(OutputError::at(&path))?);
            }
        }
    }
    // Once for all: a name may be lost in a power cut until then, but stands for a whole file always.
    for directory in [folder, &tasks] {
        sync_directory(directory);
    }
    for subject in [Subject::Summary, Subject::Results, Subject::Reconciliation] {
        remove_unwritten(subject, &folder.join(subject.file(report)), &written)?;
    }
    remove_stale(&tasks, &written)?;
    Ok(written)
}

/// The files of several tables, made at once, with the path of each table.
fn make_all(
    report: &Report<'_>,
    subjects: &[Subject],
    folder: &Path,
    options: &FileOptions,
) -> Vec<(PathBuf, Result<Vec<Sealed>, Cause>)> {
    parallel_map(subjects, |subject| {
        let path = folder.join(subject.file(report));
        let files = make(report, *subject, &path, options);
        (path, files)
    })
}

/// The files of a table, whole but not yet at their places: one, or its parts.
fn make(
    report: &Report<'_>,
    subject: Subject,
    path: &Path,
    options: &FileOptions,
) -> Result<Vec<Sealed>, Cause> {
    let mut file = AtomicFile::create(path)?;
    subject.fill(report, &mut file, options)?;
    if options.limits.allow(file.size()) {
        return Ok(vec![file.seal()?]);
    }
    let whole = file.read_back()?;
    let cut = cut(&whole, &options.limits)?;
    let mut parts = Vec::new();
    for (number, rows) in (1..).zip(&cut.parts) {
        let mut part = AtomicFile::create(&part_path(path, number))?;
        copy(&whole, &cut.headings, &mut part)?;
        copy(&whole, rows, &mut part)?;
        parts.push(part.seal()?);
    }
    Ok(parts)
}

/// Removes what an earlier run left of a table: the file if this run cut it into parts, and parts that
/// this run does not have.
fn remove_unwritten(subject: Subject, path: &Path, written: &[Written]) -> Result<(), OutputError> {
    let is_written = written.iter().any(|file| file.path == path);
    if !is_written && subject.heads(path) {
        remove(path)?;
    }
    remove_others(path, written, |path| subject.heads(path))
}

fn remove_stale(tasks: &Path, written: &[Written]) -> Result<(), OutputError> {
    let current: HashSet<&Path> = written.iter().map(|file| file.path.as_path()).collect();
    let entries = match std::fs::read_dir(tasks) {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            warn(format!(
                "folder {} cannot be listed: {}; files of tasks that are no longer in the list may be left there",
                tasks.display(),
                io_reason(&error)
            ));
            return Ok(());
        }
        entries => entries.map_err(OutputError::at(tasks))?,
    };
    for entry in entries {
        let path = entry.map_err(OutputError::at(tasks))?.path();
        let is_csv = path.extension().is_some_and(|suffix| suffix == "csv");
        if is_csv && !current.contains(path.as_path()) && Subject::Task(0).heads(&path) {
            remove(&path)?;
        }
    }
    Ok(())
}
