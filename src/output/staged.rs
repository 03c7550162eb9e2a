//! Writes outputs to object storage: copies the existing parts of an output into a local folder, lets the caller write
//! there, uploads the result, and removes the objects whose copies the caller removed.

use std::path::{Path, PathBuf};

use super::error::OutputError;
use super::parts::{Limits, is_part_of};
use super::target::{Kind, Target};
use crate::fs::Written;
use crate::model::NamedFile;
use crate::storage::{Listed, Storage, StorageError, is_remote};

/// The bytes to download of an existing CSV file: its headings are enough.
const HEADINGS: u64 = 1 << 12;

/// Writes the output of `target` by `make`, which gets a local path.
pub(super) fn write(
    storage: &Storage,
    target: &Target,
    limits: &Limits,
    make: impl FnOnce(&Path) -> Result<Vec<Written>, OutputError>,
) -> Result<Vec<Written>, OutputError> {
    staged(storage, target.path(), existing(target, limits), make)
}

/// Writes one file at `path` by `make`, which gets a local path.
pub(super) fn write_file(
    storage: &Storage,
    path: &Path,
    make: impl FnOnce(&Path) -> Result<Written, OutputError>,
) -> Result<Vec<Written>, OutputError> {
    staged(storage, path, None, |path| Ok(vec![make(path)?]))
}

/// The existing objects that the writer of an output reads or replaces.
struct Existing<'a> {
    /// What their URLs begin with.
    prefix: PathBuf,
    matches: Box<dyn Fn(&Path) -> bool + 'a>,
}

fn existing<'a>(target: &'a Target, limits: &Limits) -> Option<Existing<'a>> {
    let whole = target.path();
    let is_divided = limits.max_bytes.is_some();
    Some(match target.kind() {
        Kind::Metrics => Existing { prefix: whole.to_owned(), matches: Box::new(move |path| path == whole) },
        Kind::Workbook => parts_of(whole, false),
        // Parts may replace the whole file.
        Kind::CsvArchive | Kind::Csv => parts_of(whole, is_divided),
        Kind::CsvFolder => {
            let folders: Vec<PathBuf> = std::iter::once(whole.to_owned()).chain(target.files()).collect();
            let is_in = move |path: &Path| folders.iter().any(|folder| path.parent() == Some(folder));
            Existing {
                // With a trailing slash, so that `a/` does not match `ab/`.
                prefix: whole.join(""),
                matches: Box::new(move |path| is_csv(path) && is_in(path)),
            }
        }
        Kind::Json | Kind::Journal | Kind::Page | Kind::Ticket => return None,
    })
}

fn parts_of(whole: &Path, include_whole: bool) -> Existing<'_> {
    let mut stem = whole.file_stem().unwrap_or_default().to_owned();
    stem.push(".");
    let matches = move |path: &Path| is_part_of(path, whole) || include_whole && path == whole;
    Existing { prefix: whole.with_file_name(stem), matches: Box::new(matches) }
}

fn is_csv(path: &Path) -> bool {
    path.extension().is_some_and(|suffix| suffix == "csv")
}

fn staged(
    storage: &Storage,
    output: &Path,
    existing: Option<Existing<'_>>,
    make: impl FnOnce(&Path) -> Result<Vec<Written>, OutputError>,
) -> Result<Vec<Written>, OutputError> {
    if !is_remote(output) {
        return make(output);
    }
    let failed = |error| failed(output, error);
    let (Some(remote_folder), Some(name)) = (output.parent(), output.file_name()) else {
        return make(output);
    };
    let folder = storage.scratch(output).map_err(failed)?;
    let stage = Stage { output, remote_folder, local_folder: folder.path() };
    let earlier = stage.download(storage, existing)?;
    let made = make(&stage.local_folder.join(name)).map_err(|error| stage.with_remote_path(error))?;
    let files: Vec<NamedFile> = made
        .iter()
        .map(|file| NamedFile { name: stage.remote_path(&file.path), local: file.path.clone() })
        .collect();
    // The first may name the others, so it is uploaded last.
    if let Some((first, others)) = files.split_first() {
        storage.put(others).map_err(failed)?;
        storage.put(std::slice::from_ref(first)).map_err(failed)?;
    }
    let gone = earlier.into_iter().filter(|file| !file.local.exists()).map(|file| file.name);
    storage.remove(&gone.collect::<Vec<_>>()).map_err(failed)?;
    Ok(made.into_iter().zip(files).map(|(file, at)| Written { path: at.name, ..file }).collect())
}

/// The error with the path of its object, or else of the output.
fn failed(output: &Path, error: StorageError) -> OutputError {
    let is_named = !error.location.as_os_str().is_empty();
    let path = if is_named { error.location.clone() } else { output.to_owned() };
    OutputError::at(&path)(error)
}

/// A folder in object storage, and the local one where its files are written first.
struct Stage<'a> {
    output: &'a Path,
    remote_folder: &'a Path,
    local_folder: &'a Path,
}

impl Stage<'_> {
    fn remote_path(&self, path: &Path) -> PathBuf {
        path.strip_prefix(self.local_folder)
            .map_or_else(|_| path.to_owned(), |below| self.remote_folder.join(below))
    }

    fn with_remote_path(&self, error: OutputError) -> OutputError {
        OutputError { path: self.remote_path(&error.path), ..error }
    }

    /// Copies the existing objects of an output to the local folder; of CSV files only the headings.
    fn download(
        &self,
        storage: &Storage,
        existing: Option<Existing<'_>>,
    ) -> Result<Vec<NamedFile>, OutputError> {
        let Some(Existing { prefix, matches }) = existing else { return Ok(Vec::new()) };
        let failed = |error| failed(self.output, error);
        // An error of the listing names the prefix, which the user did not write.
        let unlisted = |error: StorageError| OutputError::at(self.output)(error);
        let mut wanted = Vec::new();
        for Listed { location: object, size } in storage.list(&prefix).map_err(unlisted)? {
            let Ok(below) = object.strip_prefix(self.remote_folder) else { continue };
            let path = self.local_folder.join(below);
            if matches(&object) {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder).map_err(OutputError::at(&object))?;
                }
                let limit = (is_csv(&object) && size > HEADINGS).then_some(HEADINGS);
                wanted.push((NamedFile { name: object, local: path }, limit));
            }
        }
        storage.get_all(&wanted).map_err(failed)?;
        Ok(wanted.into_iter().map(|(file, _)| file).filter(|file| file.local.exists()).collect())
    }
}
