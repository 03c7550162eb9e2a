//! Reads the journals of many nights, one at a time, and reduces each to its verdicts.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::fs::Scratch;
use crate::journal::{Journal, JournalError, Merge};
use crate::model::{NamedFile, io_reason};
use crate::report::{History, Names, Night, Options, Report, RunKey, group_into_nights};
use crate::storage::{Storage, is_remote};
use crate::threads::parallel_map;

use super::console;
use super::exit::Failure;
use super::journal_files::has_journal_suffix;

/// Journals are read by at most this many threads; each holds one journal's index and one answer.
const MAX_THREADS: usize = 4;

/// A journal to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) path: PathBuf,
    /// Whether it was found in a folder: then a file that is not a journal is skipped.
    is_found: bool,
}

/// The journals at these paths: files, folders with the folders in them, and `s3://` prefixes. Each file once.
///
/// # Errors
/// When a folder or prefix cannot be listed, or holds no file that may be a journal.
pub(crate) fn find(paths: &[PathBuf], storage: &Storage) -> Result<Vec<Input>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        let is_journal = has_journal_suffix(path);
        let before = found.len();
        if is_remote(path) && !is_journal {
            // With a slash, so that `night` does not find `nightly`.
            let listed = storage.list(&path.join("")).map_err(Failure::storage)?;
            let mut places: Vec<PathBuf> = listed.into_iter().map(|listed| listed.place).collect();
            places.sort();
            found.extend(places.into_iter().filter(|place| may_be_journal(place)));
        } else if !is_remote(path) && path.is_dir() {
            walk(path, &mut HashSet::new(), &mut found)?;
        } else {
            found.push(path.clone());
            continue;
        }
        if found.len() == before {
            return Err(Failure::usage(format!("{} contains no journal (*.jsonl)", path.display())));
        }
    }
    let explicit: HashSet<&PathBuf> = paths.iter().collect();
    let mut seen = HashSet::new();
    found.retain(|path| seen.insert(if is_remote(path) { path.clone() } else { real(path) }));
    Ok(found.into_iter().map(|path| Input { is_found: !explicit.contains(&path), path }).collect())
}

fn may_be_journal(path: &Path) -> bool {
    !is_hidden(path) && has_journal_suffix(path)
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Adds the files of a folder that may be journals, sorted by path. A folder with several links to it is read once.
fn walk(folder: &Path, seen: &mut HashSet<PathBuf>, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    if !seen.insert(real(folder)) {
        return Ok(());
    }
    let failed = |error: std::io::Error| {
        Failure::stopped(format!("cannot read folder {}: {}", folder.display(), io_reason(&error)))
    };
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    for path in paths {
        if path.is_dir() && !is_hidden(&path) {
            walk(&path, seen, found)?;
        } else if path.is_file() && may_be_journal(&path) {
            found.push(path);
        }
    }
    Ok(())
}

/// A journal that was read.
struct ReadJournal {
    file: NamedFile,
    key: RunKey,
    faults: Vec<String>,
    /// Its night, judged by this journal alone.
    night: Option<Night>,
}

/// Reads the journals, joins those of one night, and returns the history.
///
/// # Errors
/// When a journal cannot be read, or none is left.
pub(crate) fn history(inputs: &[Input], options: &Options, storage: &Storage) -> Result<History, Failure> {
    let names = Mutex::new(Names::default());
    let read = spread(inputs, |input| read_input(input, options, storage, &names));
    let mut runs = Vec::new();
    for read in read {
        let Some(read) = read? else { continue };
        for fault in &read.faults {
            console::warning(&format!("{}: {fault}", read.file.name.display()));
        }
        runs.push(read);
    }
    if runs.is_empty() {
        return Err(Failure::usage("no journal found; give journals (*.jsonl), or folders with journals"));
    }
    let keys: Vec<RunKey> = runs.iter().map(|run| run.key.clone()).collect();
    let groups = group_into_nights(&keys, &options.timezone);
    let runs: Vec<Mutex<ReadJournal>> = runs.into_iter().map(Mutex::new).collect();
    let nights = spread(&groups, |sets| {
        let mut night: Option<Night> = None;
        let all: Vec<&Mutex<ReadJournal>> =
            sets.iter().flatten().filter_map(|place| runs.get(*place)).collect();
        let superseded = take_superseded(&all);
        for set in sets {
            let set: Vec<&Mutex<ReadJournal>> = set.iter().filter_map(|place| runs.get(*place)).collect();
            let set: Vec<&Mutex<ReadJournal>> = set.into_iter().filter(|run| is_counted(run)).collect();
            if set.is_empty() {
                continue;
            }
            let Some(read) = night_of(&set, options, &names)? else { continue };
            night = Some(match night {
                Some(before) => before.join(read),
                None => read,
            });
        }
        if let Some(night) = &mut night {
            night.superseded = superseded;
        }
        Ok(night)
    });
    let nights: Result<Vec<Option<Night>>, Failure> = nights.into_iter().collect();
    Ok(History::new(nights?.into_iter().flatten().collect()))
}

/// Applies `make` to each item, on a few threads, and returns the results in the same order.
fn spread<T: Sync, M: Send>(items: &[T], make: impl Fn(&T) -> M + Sync) -> Vec<M> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
    let chunks: Vec<&[T]> = items.chunks(items.len().div_ceil(threads).max(1)).collect();
    let made = parallel_map(&chunks, |chunk| chunk.iter().map(&make).collect::<Vec<M>>());
    made.into_iter().flatten().collect()
}

/// Reads a journal; none if it was found in a folder and is something else.
fn read_input(
    input: &Input,
    options: &Options,
    storage: &Storage,
    names: &Mutex<Names>,
) -> Result<Option<ReadJournal>, Failure> {
    let file = storage.fetch(&input.path).map_err(Failure::storage)?;
    let journal = match Journal::open(&file) {
        Err(JournalError::MissingHeader(_)) if input.is_found => return Ok(None),
        // A run renamed or removed it after the folder was listed.
        Err(JournalError::Io { source, .. }) if input.is_found && source.kind() == ErrorKind::NotFound => {
            return Ok(None);
        }
        journal => journal.map_err(Failure::journal)?,
    };
    let night = Some(judge(&journal, vec![name(&file)], options, names)?);
    Ok(Some(ReadJournal { key: RunKey::of(&journal), faults: journal.faults(), night, file }))
}

fn name(file: &NamedFile) -> String {
    file.name.display().to_string()
}

fn judge(
    journal: &Journal,
    journals: Vec<String>,
    options: &Options,
    names: &Mutex<Names>,
) -> Result<Night, Failure> {
    let report = Report::new(journal, options.clone()).map_err(Failure::journal)?;
    let mut names = names.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Night::of(&report, journals, &mut names))
}

/// Drops the results of runs that a later run of the same list replaces, and returns the names of their journals.
///
/// Without that a merge could take an answer of the earlier run where the later one has none.
fn take_superseded(runs: &[&Mutex<ReadJournal>]) -> Vec<String> {
    let mut runs: Vec<_> =
        runs.iter().map(|run| run.lock().unwrap_or_else(PoisonError::into_inner)).collect();
    let nights: Vec<Option<&Night>> = runs.iter().map(|run| run.night.as_ref()).collect();
    let is_superseded = |night: &Option<&Night>| {
        night.is_some_and(|night| nights.iter().flatten().any(|later| later.supersedes(night)))
    };
    let superseded: Vec<bool> = nights.iter().map(is_superseded).collect();
    let mut names = Vec::new();
    for (run, superseded) in runs.iter_mut().zip(superseded) {
        if superseded {
            run.night = None;
            names.push(name(&run.file));
        }
    }
    names
}

fn is_counted(run: &Mutex<ReadJournal>) -> bool {
    run.lock().unwrap_or_else(PoisonError::into_inner).night.is_some()
}

/// The night of runs that can be merged.
fn night_of(
    set: &[&Mutex<ReadJournal>],
    options: &Options,
    names: &Mutex<Names>,
) -> Result<Option<Night>, Failure> {
    let mut runs: Vec<_> = set.iter().map(|run| run.lock().unwrap_or_else(PoisonError::into_inner)).collect();
    let keys: Vec<&RunKey> = runs.iter().map(|run| &run.key).collect();
    // Only a merge can choose between several answers for one task.
    let needs_merge = runs.len() > 1 && !RunKey::are_different_shards(&keys);
    if !needs_merge {
        let mut nights: Vec<Night> = runs.iter_mut().filter_map(|run| run.night.take()).collect();
        return match nights.pop() {
            Some(night) if nights.is_empty() => Ok(Some(night)),
            last => Ok(Night::join_shards(nights.into_iter().chain(last).collect())),
        };
    }
    let files: Vec<NamedFile> = runs.iter().map(|run| run.file.clone()).collect();
    drop(runs);
    let merge = Merge::of(&files).map_err(Failure::merge)?;
    let folder = Scratch::disposable().map_err(Failure::stopped)?;
    let path = folder.path().join("merged.jsonl");
    let io = |source| Failure::journal(JournalError::Io { path: path.clone(), source });
    let mut to = std::io::BufWriter::with_capacity(1 << 16, std::fs::File::create(&path).map_err(io)?);
    let index = merge.write_to(&mut to).map_err(|error| Failure::merge_write(error, &path))?;
    std::io::Write::flush(&mut to).map_err(io)?;
    let file = std::fs::File::open(&path).map_err(io)?;
    let journal = merge.into_journal(path.as_path().into(), file, index);
    judge(&journal, files.iter().map(name).collect(), options, names).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::test_folder::{folder_with, names_in};

    #[test]
    fn folders_are_searched_once_without_hidden_and_other_files() {
        let folder = folder_with(&[
            "2026-11-02/r.jsonl",
            "2026-11-01/r.jsonl",
            "2026-11-01/r.xlsx",
            ".hidden/r.jsonl",
            "a.jsonl",
        ]);
        let folder = folder.path();
        let at = |name: &str| folder.join(name);
        std::fs::create_dir(at("empty")).unwrap();
        #[cfg(unix)]
        for (to, name) in [("2026-11-02", "latest"), (".", "2026-11-01/up")] {
            std::os::unix::fs::symlink(folder.join(to), at(name)).unwrap();
        }
        let names = |paths: &[&str]| -> Vec<String> {
            let paths: Vec<PathBuf> = paths.iter().map(|path| at(path)).collect();
            let found = find(&paths, &Storage::default()).unwrap();
            names_in(folder, found.into_iter().map(|input| input.path))
        };
        assert_eq!(names(&[""]), ["2026-11-01/r.jsonl", "2026-11-02/r.jsonl", "a.jsonl"]);
        assert_eq!(
            names(&["a.jsonl", "2026-11-02", "2026-11-02/r.jsonl"]),
            ["a.jsonl", "2026-11-02/r.jsonl"]
        );
        let error = find(&[at("empty")], &Storage::default()).unwrap_err();
        assert!(error.message().ends_with("empty contains no journal (*.jsonl)"), "{}", error.message());
    }
}
