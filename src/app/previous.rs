//! Finds the last run of the same report before a run, and compares the two.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;

use crate::cli::{PreviousArg, ReportArgs};
use crate::fs::Scratch;
use crate::journal::{Header, Journal, JournalError};
use crate::model::{NamedFile, Task};
use crate::report::{Diff, Options, Report, Since, View};
use crate::storage::{Storage, is_remote};

use super::console;
use super::exit::Failure;
use super::journal_files::{first_line, has_journal_suffix};

/// The most objects that are downloaded to find the last run.
const MAX_REMOTE: usize = 8;

/// The report of a journal with what changed since the last run, if `previous` asks for that.
///
/// # Errors
/// When a journal cannot be read. Without an earlier run there is a warning if `warn`.
pub(crate) fn report<'j>(
    journal: &'j Journal,
    options: Options,
    previous: Option<&PreviousArg>,
    replaced: Option<&NamedFile>,
    storage: &Storage,
    warn: bool,
) -> Result<Report<'j>, Failure> {
    let mut report = Report::new(journal, options.clone()).map_err(Failure::journal)?;
    let Some(previous) = previous else { return Ok(report) };
    let earlier = match previous {
        PreviousArg::Journal(path) => {
            let file = storage.fetch(path).map_err(Failure::storage)?;
            Some(Journal::open(file).map_err(Failure::journal)?)
        }
        PreviousArg::Newest => newest_before(journal, replaced, storage),
    };
    let Some(earlier) = earlier else {
        if warn {
            console::warning(
                "--previous: no earlier finished run of this report was found, so nothing is compared and \
                 `--fail-on worse,gone` has no effect; --previous JOURNAL names one",
            );
        }
        return Ok(report);
    };
    // All tasks are compared, also those that the report leaves out.
    let is_whole = options.view.is_whole();
    let options = Options { view: View::default(), ..options };
    let before = Report::new(&earlier, options.clone()).map_err(Failure::journal)?;
    let unfiltered =
        if is_whole { None } else { Some(Report::new(journal, options).map_err(Failure::journal)?) };
    let (sha256, _) = earlier
        .digest()
        .map_err(|source| Failure::journal(JournalError::Io { path: earlier.path().to_owned(), source }))?;
    let diff = Diff::new(&before, unfiltered.as_ref().unwrap_or(&report)).map_err(Failure::journal)?;
    let since = Since {
        journal: earlier.path().display().to_string(),
        sha256,
        ended_at: earlier.ended_at(),
        counts: diff.counts(),
    };
    report.set_since(since);
    Ok(report)
}

/// A copy of the finished journal at `path`, which this run will replace, to compare with it.
pub(crate) fn copy_replaced(
    path: &Path,
    args: &ReportArgs,
    storage: &Storage,
) -> Option<(Scratch, NamedFile)> {
    if args.previous != Some(PreviousArg::Newest) {
        return None;
    }
    let file = storage.fetch(path).ok()?;
    if !file.local.is_file() || !Journal::open(&file).ok()?.is_finished() {
        return None;
    }
    let folder = Scratch::disposable().ok()?;
    let local = folder.path().join("previous.jsonl");
    std::fs::copy(&file.local, &local).ok()?;
    Some((folder, NamedFile { name: path.to_owned(), local }))
}

/// The newest finished journal of the same report that ended before `journal`: the one that it replaced, or one in its
/// folder or in the dated folders beside that.
///
/// A journal is of the same report if it is of the same endpoint and shard, and either its path differs in digits only
/// and the lists have a task in common, or at least half of the tasks of each list are in the other.
pub(crate) fn newest_before(
    journal: &Journal,
    replaced: Option<&NamedFile>,
    storage: &Storage,
) -> Option<Journal> {
    let is_earlier = |found: &Journal| {
        found.is_finished()
            && found.as_of() < journal.as_of()
            && is_same_report(found.header(), found.path(), journal.header(), journal.path())
    };
    let replaced = replaced.and_then(|file| Journal::open(file).ok()).filter(is_earlier);
    let found = candidates(journal.path(), storage)
        .into_iter()
        .filter(|(started, _)| *started < journal.header().started_at)
        .find_map(|(_, file)| Journal::open(file).ok().filter(is_earlier));
    [replaced, found].into_iter().flatten().max_by_key(Journal::as_of)
}

fn is_same_report(one: &Header, its_path: &Path, other: &Header, other_path: &Path) -> bool {
    if !is_same_source(one, other) {
        return false;
    }
    let (common, most) = common_tasks(one, other);
    let is_named_alike = undated(its_path) == undated(other_path);
    is_named_alike && common > 0 || common * 2 >= most
}

/// Whether both runs are of the same endpoint and shard.
pub(super) fn is_same_source(one: &Header, other: &Header) -> bool {
    let shard = |header: &Header| header.shard.as_ref().map(|part| part.shard);
    one.endpoint == other.endpoint && shard(one) == shard(other)
}

/// The number of tasks that both lists have, and that of the longer list.
pub(super) fn common_tasks<'h>(one: &'h Header, other: &'h Header) -> (usize, usize) {
    let keys = |header: &'h Header| -> HashSet<&'h str> { header.list.tasks.iter().map(Task::key).collect() };
    let (ours, theirs) = (keys(one), keys(other));
    (ours.intersection(&theirs).count(), ours.len().max(theirs.len()))
}

/// The file's name with every digit replaced, so that names that differ in date and time are equal.
fn undated(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect()
}

/// The files that may be earlier journals with the starts of their runs, newest first. Unreadable files are skipped.
fn candidates(path: &Path, storage: &Storage) -> Vec<(Timestamp, NamedFile)> {
    let files: Vec<NamedFile> = if is_remote(path) {
        remote_files(path, storage)
    } else {
        local_files(path).into_iter().map(NamedFile::from).collect()
    };
    let started = files.into_iter().filter_map(|file| Some((started_at(&file.local)?, file)));
    let mut started: Vec<(Timestamp, NamedFile)> = started.collect();
    started.sort_by(|(start, file), (other_start, other)| {
        other_start.cmp(start).then_with(|| file.name.cmp(&other.name))
    });
    started
}

/// The start of a journal's run, from its first line alone; none if it is not a journal.
fn started_at(path: &Path) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Start {
        #[serde(rename = "journal_format")]
        _format: u64,
        started_at: Timestamp,
    }
    serde_json::from_slice::<Start>(&first_line(path)?).ok().map(|start| start.started_at)
}

fn local_files(path: &Path) -> Vec<PathBuf> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut folders = vec![folder.to_owned()];
    // `.` and `..` have no name of their own.
    let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    if is_dated(&real) {
        let above = match (folder.file_name(), folder.parent()) {
            (Some(_), Some(above)) if above.as_os_str().is_empty() => PathBuf::from("."),
            (Some(_), Some(above)) => above.to_owned(),
            _ => folder.join(".."),
        };
        let beside = entries(&above).into_iter().filter(|beside| {
            undated(beside) == undated(&real) && beside.is_dir() && beside.file_name() != real.file_name()
        });
        folders.extend(beside);
    }
    let own = path.canonicalize().ok();
    let files = folders.iter().flat_map(|folder| entries(folder));
    let is_other = |file: &PathBuf| own.is_none() || file.canonicalize().ok() != own;
    files.filter(|file| has_journal_suffix(file) && is_other(file)).collect()
}

/// Whether the name of a folder may be a date.
fn is_dated(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name.chars().any(|c| c.is_ascii_digit())
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| if folder == Path::new(".") { entry.file_name().into() } else { entry.path() })
        .collect();
    paths.sort();
    paths
}

/// Copies of the objects that are named alike, in the folder of `path` and the dated ones beside it.
fn remote_files(path: &Path, storage: &Storage) -> Vec<NamedFile> {
    let Some(folder) = path.parent() else { return Vec::new() };
    let above = if is_dated(folder) { folder.parent().unwrap_or(folder) } else { folder };
    let listed = storage.list(&above.join("")).unwrap_or_default().into_iter().map(|listed| listed.location);
    let is_near = |place: &PathBuf| {
        place != path
            && undated(place) == undated(path)
            && place.parent().is_some_and(|parent| parent == folder || undated(parent) == undated(folder))
    };
    let mut places: Vec<PathBuf> = listed.filter(is_near).collect();
    // The names differ in digits only, so the last ones are the newest.
    places.sort();
    places.into_iter().rev().take(MAX_REMOTE).filter_map(|place| storage.fetch(&place).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::test_folder::{folder_with, names_in};

    #[test]
    fn folders_with_other_digits_are_searched_and_others_are_not() {
        let folder = folder_with(&[
            "2026-11-20/r.jsonl",
            "2026-11-21/r.jsonl",
            "2026-11-21/r.xlsx",
            "2026-11-21/other.jsonl",
            "2026-11-22/r.jsonl",
            "archive/r.jsonl",
            "v2/r.jsonl",
        ]);
        let folder = folder.path();
        let names = |path: &str| names_in(folder, local_files(&folder.join(path)));
        let beside = ["2026-11-21/other.jsonl", "2026-11-20/r.jsonl", "2026-11-22/r.jsonl"];
        assert_eq!(names("2026-11-21/r.jsonl"), beside);
        assert_eq!(names("archive/r.jsonl"), [""; 0]);
    }
}
