//! Outputs whose place is in object storage: made in a folder of this machine, and then put there.
//!
//! The folder stands for the one that the output is to be in. What an output looks at in its own place, as
//! parts of an earlier run, is copied there first; what is gone from there afterwards is removed from the
//! storage too. So whoever makes an output knows nothing of all this.

use std::path::{Path, PathBuf};

use super::error::OutputError;
use super::parts::{Limits, is_part_of};
use super::target::{Kind, Target};
use crate::fs::Written;
use crate::model::NamedFile;
use crate::storage::{Listed, Storage, StorageError, is_remote};

/// Of a CSV file no more is looked at than its headings, in bytes.
const HEADINGS: u64 = 1 << 12;

/// Makes the output of `target` by `make`, which gets the path to make it at.
pub(super) fn write(
    storage: &Storage,
    target: &Target,
    limits: &Limits,
    make: impl FnOnce(&Path) -> Result<Vec<Written>, OutputError>,
) -> Result<Vec<Written>, OutputError> {
    let looked_at = looked_at(target, limits);
    staged(storage, target.path(), looked_at, make)
}

/// Makes the one file at `place` by `make`, which gets the path to make it at.
pub(super) fn write_file(
    storage: &Storage,
    place: &Path,
    make: impl FnOnce(&Path) -> Result<Written, OutputError>,
) -> Result<(), OutputError> {
    staged(storage, place, None, |path| Ok(vec![make(path)?])).map(drop)
}

/// The objects that an output looks at: what their URLs begin with, and which of those.
struct LookedAt<'a> {
    prefix: PathBuf,
    is_it: Box<dyn Fn(&Path) -> bool + 'a>,
}

fn looked_at<'a>(target: &'a Target, limits: &Limits) -> Option<LookedAt<'a>> {
    let whole = target.path();
    let is_divided = limits.max_bytes.is_some();
    Some(match target.kind() {
        Kind::Metrics => LookedAt { prefix: whole.to_owned(), is_it: Box::new(move |place| place == whole) },
        Kind::Workbook => parts(whole, false),
        // What stands at its own place is looked at if there may be parts instead of it.
        Kind::CsvArchive | Kind::Csv => parts(whole, is_divided),
        Kind::CsvFolder => {
            let folders: Vec<PathBuf> = std::iter::once(whole.to_owned()).chain(target.files()).collect();
            let is_in = move |place: &Path| folders.iter().any(|folder| place.parent() == Some(folder));
            LookedAt {
                // With its slash, lest another folder's name begin so.
                prefix: whole.join(""),
                is_it: Box::new(move |place| is_csv(place) && is_in(place)),
            }
        }
        Kind::Json | Kind::Journal | Kind::Page | Kind::Ticket => return None,
    })
}

fn parts(whole: &Path, and_whole: bool) -> LookedAt<'_> {
    let mut stem = whole.file_stem().unwrap_or_default().to_owned();
    stem.push(".");
    let is_it = move |place: &Path| is_part_of(place, whole) || and_whole && place == whole;
    LookedAt { prefix: whole.with_file_name(stem), is_it: Box::new(is_it) }
}

fn is_csv(place: &Path) -> bool {
    place.extension().is_some_and(|suffix| suffix == "csv")
}

fn staged(
    storage: &Storage,
    place: &Path,
    looked_at: Option<LookedAt<'_>>,
    make: impl FnOnce(&Path) -> Result<Vec<Written>, OutputError>,
) -> Result<Vec<Written>, OutputError> {
    if !is_remote(place) {
        return make(place);
    }
    let failed = |error| failed(place, error);
    let (Some(there), Some(name)) = (place.parent(), place.file_name()) else { return make(place) };
    let folder = storage.scratch(place).map_err(failed)?;
    let stage = Stage { place, there, here: folder.path() };
    let earlier = stage.bring(storage, looked_at)?;
    let made = make(&stage.here.join(name)).map_err(|error| stage.renamed(error))?;
    let files: Vec<NamedFile> = made
        .iter()
        .map(|file| NamedFile { name: stage.place_of(&file.path), local: file.path.clone() })
        .collect();
    // The first may name the others, so it comes when they are there.
    if let Some((first, others)) = files.split_first() {
        storage.put(others).map_err(failed)?;
        storage.put(std::slice::from_ref(first)).map_err(failed)?;
    }
    let gone = earlier.into_iter().filter(|file| !file.local.exists()).map(|file| file.name);
    storage.remove(&gone.collect::<Vec<_>>()).map_err(failed)?;
    Ok(made.into_iter().zip(files).map(|(file, at)| Written { path: at.name, ..file }).collect())
}

/// At the object that is meant, or else at the output.
fn failed(place: &Path, error: StorageError) -> OutputError {
    let is_named = !error.place.as_os_str().is_empty();
    let path = if is_named { error.place.clone() } else { place.to_owned() };
    OutputError::at(&path)(error)
}

/// A folder in the storage, and the one that stands for it.
struct Stage<'a> {
    /// Where the output is to be.
    place: &'a Path,
    there: &'a Path,
    here: &'a Path,
}

impl Stage<'_> {
    fn place_of(&self, path: &Path) -> PathBuf {
        path.strip_prefix(self.here).map_or_else(|_| path.to_owned(), |below| self.there.join(below))
    }

    fn renamed(&self, error: OutputError) -> OutputError {
        OutputError { path: self.place_of(&error.path), ..error }
    }

    /// Copies what the output looks at, as much of it as that.
    fn bring(
        &self,
        storage: &Storage,
        looked_at: Option<LookedAt<'_>>,
    ) -> Result<Vec<NamedFile>, OutputError> {
        let Some(LookedAt { prefix, is_it }) = looked_at else { return Ok(Vec::new()) };
        let failed = |error| failed(self.place, error);
        // What the URLs begin with is no place that anybody knows.
        let unlisted = |error: StorageError| OutputError::at(self.place)(error);
        let mut wanted = Vec::new();
        for Listed { place, size } in storage.list(&prefix).map_err(unlisted)? {
            let Ok(below) = place.strip_prefix(self.there) else { continue };
            let path = self.here.join(below);
            if is_it(&place) {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder).map_err(OutputError::at(&place))?;
                }
                let most = (is_csv(&place) && size > HEADINGS).then_some(HEADINGS);
                wanted.push((NamedFile { name: place, local: path }, most));
            }
        }
        storage.get_all(&wanted).map_err(failed)?;
        Ok(wanted.into_iter().map(|(file, _)| file).filter(|file| file.local.exists()).collect())
    }
}
