//! An older run of a report: the check that it can be removed whole, and its removal.

use std::collections::{BTreeSet, HashSet};
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use crate::fs::{directory_of, sync_directory};
use crate::model::io_reason;
use crate::output::{Finding, Manifest, signature_path};
use crate::storage::{Storage, is_remote};

const OUTSIDE: &str = "its folder is not that of the outputs";

/// The folders that the dated paths of the outputs start from.
pub(super) struct Folders(Vec<Folder>);

struct Folder {
    /// As it is named, from the root.
    named: PathBuf,
    /// Without links.
    real: PathBuf,
}

impl Folders {
    /// The folders above the first `{date}` or `{time}` of each path. Paths without them, and folders that do not exist,
    /// are skipped.
    pub(super) fn above_dates<'p>(patterns: impl IntoIterator<Item = &'p Path>) -> Self {
        let has_placeholder = |step: &Component<'_>| step.as_os_str().to_string_lossy().contains('{');
        let folder = |pattern: &Path| {
            let undated: PathBuf = pattern.components().take_while(|step| !has_placeholder(step)).collect();
            let undated = directory_of(&undated.join("x")).to_owned();
            let is_dated = pattern.components().any(|step| has_placeholder(&step));
            let named = plain(&std::path::absolute(&undated).ok()?);
            is_dated.then_some(Folder { named, real: undated.canonicalize().ok()? })
        };
        let mut folders: Vec<Folder> = patterns.into_iter().filter_map(folder).collect();
        folders.sort_by_key(|folder| std::cmp::Reverse(folder.real.components().count()));
        Self(folders)
    }

    /// Checks that no symbolic link is on the way to `path` from one of the folders.
    ///
    /// # Errors
    /// Why it cannot be used, in words.
    pub(super) fn check_links(&self, path: &Path) -> Result<(), String> {
        let absolute = std::path::absolute(path).map_err(|error| io_reason(&error))?;
        let location = self.locate(&plain(&absolute)).ok_or(OUTSIDE)?;
        location.is_there().map(drop)
    }

    /// The location of `path`, which is without `..`.
    fn locate(&self, path: &Path) -> Option<Location> {
        let below = |folder: &Folder| {
            let below = path.strip_prefix(&folder.real).or_else(|_| path.strip_prefix(&folder.named)).ok()?;
            Some(Location { folder: folder.real.clone(), below: below.to_owned() })
        };
        self.0.iter().find_map(below)
    }
}

/// A path below one of the folders.
struct Location {
    folder: PathBuf,
    below: PathBuf,
}

impl Location {
    fn path(&self) -> PathBuf {
        self.folder.join(&self.below)
    }

    fn is_of(&self, date: &str) -> bool {
        contains(&self.below, date)
    }

    /// Whether there is a regular file, without a symbolic link on the way.
    fn is_there(&self) -> Result<bool, String> {
        let mut path = self.folder.clone();
        for step in self.below.components() {
            path.push(step);
            match path.symlink_metadata() {
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                    return Ok(false);
                }
                Err(error) => return Err(format!("{}: {}", path.display(), io_reason(&error))),
                Ok(found) if found.is_symlink() => {
                    return Err(format!("{} is a symbolic link", path.display()));
                }
                Ok(found) if !found.is_dir() && !found.is_file() => {
                    return Err(format!("{} is not a regular file", path.display()));
                }
                Ok(_) => {}
            }
        }
        if path.is_file() { Ok(true) } else { Err(format!("{} is not a regular file", path.display())) }
    }
}

/// What belongs to a run and can be removed.
pub(super) struct Removal {
    /// The outputs and then the journal, those that are still there.
    files: Vec<PathBuf>,
    /// The signature, if there is one, and the manifest.
    manifest: Vec<PathBuf>,
    /// The folders that may become empty, and the folder that each stays below.
    folders: BTreeSet<(PathBuf, PathBuf)>,
    date: String,
}

/// Checks that the run of the manifest at `path` can be removed whole.
///
/// A file belongs to the run if the run's date is in its path, and it is not `shared`: named by the manifest of a run that
/// stays. Other files stay. `known` are all manifests of the report.
///
/// # Errors
/// Why the run stays, in words.
pub(super) fn check(
    path: &Path,
    date: &str,
    folders: &Folders,
    shared: &HashSet<&Path>,
    known: &HashSet<PathBuf>,
) -> Result<Removal, String> {
    let storage = Storage::default();
    let read = |path: &Path| Manifest::read(path, &storage).map_err(|error| error.to_string());
    let absolute = std::path::absolute(path).map_err(|error| io_reason(&error))?;
    let own = folders.locate(&plain(&absolute)).ok_or(OUTSIDE)?;
    if !own.is_there()? {
        return Err(format!("{} was removed", path.display()));
    }
    let manifest = read(path)?;
    let mut claimed: HashSet<PathBuf> = HashSet::new();
    for other in manifests_in(directory_of(&own.path())) {
        if !known.contains(&other)
            && let Ok(manifest) = read(&other)
        {
            claimed.extend(named(&other, &manifest));
        }
    }
    let (mut outputs, mut journal, mut empty) = (Vec::new(), Vec::new(), BTreeSet::new());
    let names = named(&own.path(), &manifest);
    for (file, name) in manifest.files().zip(names) {
        let shown = file.path.display().to_string();
        if is_remote(&name) {
            return Err(format!("{shown} is in object storage"));
        }
        let Some(location) = folders.locate(&name) else {
            if contains(&name, date) {
                return Err(format!("{shown} is not in a folder of these outputs"));
            }
            continue;
        };
        if !location.is_of(date) || shared.contains(name.as_path()) {
            continue;
        }
        let place = location.path();
        empty.insert((directory_of(&place).to_owned(), location.folder.clone()));
        if !location.is_there()? {
            continue;
        }
        if claimed.contains(&name) {
            return Err(format!("{shown} is named by another manifest in its folder"));
        }
        match file.finding() {
            Finding::Same if file.is_journal => journal.push(place),
            Finding::Same => outputs.push(place),
            Finding::Missing => {}
            Finding::Changed(how) => return Err(format!("{shown} was changed: {how}")),
            Finding::Unreadable(why) => return Err(format!("{shown} cannot be read: {why}")),
        }
    }
    let mut last = vec![own.path()];
    let signature = Location { folder: own.folder.clone(), below: signature_path(&own.below) };
    if signature.is_there()? {
        last.insert(0, signature.path());
    }
    empty.insert((directory_of(&own.path()).to_owned(), own.folder));
    let files = outputs.into_iter().chain(journal).collect();
    Ok(Removal { files, manifest: last, folders: empty, date: date.to_owned() })
}

impl Removal {
    /// The files in the order in which they are removed: outputs, journal, signature, manifest.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().chain(&self.manifest).map(PathBuf::as_path)
    }

    /// Removes the files, the manifest last: if this is interrupted, the next run finds it and goes on.
    ///
    /// # Errors
    /// What could not be removed, and why.
    pub(super) fn remove(&self) -> Result<(), String> {
        remove_files(&self.files)?;
        self.files
            .iter()
            .map(|file| directory_of(file))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .for_each(sync_directory);
        self.remove_empty_folders();
        remove_files(&self.manifest)
    }

    /// Removes the folders with the run's date that are empty now.
    pub(super) fn remove_empty_folders(&self) {
        for (folder, above) in &self.folders {
            let is_dated =
                |folder: &&Path| folder.strip_prefix(above).is_ok_and(|below| contains(below, &self.date));
            let mut dated = folder.ancestors().take_while(is_dated);
            // Only an empty folder can be removed so.
            while dated.next().is_some_and(|folder| std::fs::remove_dir(folder).is_ok()) {}
        }
    }
}

fn remove_files(paths: &[PathBuf]) -> Result<(), String> {
    for path in paths {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(format!("{}: {}", path.display(), io_reason(&error)));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The paths that a manifest names, without `..`.
pub(super) fn named(manifest_path: &Path, manifest: &Manifest) -> Vec<PathBuf> {
    let folder = directory_of(manifest_path);
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let full = |name: &str| if is_remote(Path::new(name)) { name.into() } else { plain(&folder.join(name)) };
    manifest.files().map(|file| full(file.name)).collect()
}

/// Whether neither the journal nor a file with the run's `date` in its path is left of what a manifest names.
pub(super) fn is_remnant(manifest_path: &Path, manifest: &Manifest, date: &str) -> bool {
    let is_gone = |path: &Path| {
        let found = path.symlink_metadata();
        found.is_err_and(|error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory))
    };
    let names = named(manifest_path, manifest);
    let mut files = manifest.files().zip(names);
    files.all(|(file, name)| is_gone(&name) || !file.is_journal && !contains(&name, date))
}

/// The manifests in a folder.
fn manifests_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_manifest = |path: &PathBuf| path.to_string_lossy().ends_with(".manifest.json") && path.is_file();
    entries.map(|entry| entry.path()).filter(is_manifest).collect()
}

/// The path without `..`.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, step| {
        match step {
            Component::ParentDir => drop(plain.pop()),
            step => plain.push(step),
        }
        plain
    })
}

fn contains(path: &Path, date: &str) -> bool {
    path.to_string_lossy().contains(date)
}
