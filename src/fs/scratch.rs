//! Folders for temporary files, which the next run removes if their own run was killed.
//!
//! A folder holds a file `lock` that its run keeps locked. A folder whose lock is free belongs to a run that has
//! ended, so it is removed. A folder without a `lock` file was kept on purpose and is removed only when empty.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use crate::model::io_reason;

use super::path::{is_at, open_flags};

/// How the folders beside outputs are named.
const BESIDE: &str = ".cutover-report-";
/// How the folders in the system's folder for temporary files are named.
const IN_TEMP: &str = "cutover-report-";
/// The file in each folder that its run keeps locked.
const LOCK: &str = "lock";
/// How often another name is tried.
const MAX_TRIES: usize = 32;
/// The age from which a temporary file of an earlier version is removed.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// The folders of this process; none once it is ending.
static ACTIVE: Mutex<Option<Active>> = Mutex::new(Some(Active::new()));

struct Active {
    /// By path; whether its content is removed when the process is stopped.
    folders: BTreeMap<PathBuf, bool>,
    /// Those beside outputs, by the folder that they are in.
    beside: BTreeMap<PathBuf, Weak<Scratch>>,
    /// The folders that were searched for what killed runs left, with the prefix of its names.
    swept: BTreeSet<(PathBuf, &'static str)>,
}

impl Active {
    const fn new() -> Self {
        Self { folders: BTreeMap::new(), beside: BTreeMap::new(), swept: BTreeSet::new() }
    }

    /// Searches a folder for what killed runs left, unless this process did so before.
    fn sweep_once(&mut self, parent: &Path, prefix: &'static str) {
        if self.swept.insert((parent.to_owned(), prefix)) {
            sweep(parent, prefix);
        }
    }
}

/// Removes every unfinished file, for a process that is about to end. No new file appears after this call.
///
/// A thread that then creates or completes a file waits until the process ends.
pub fn discard_unfinished() {
    let active = ACTIVE.lock().unwrap_or_else(PoisonError::into_inner).take();
    for (path, is_disposable) in active.into_iter().flat_map(|active| active.folders) {
        // Failure to remove is harmless: the next run removes it.
        let _ =
            if is_disposable { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path.join(LOCK)) };
    }
}

/// Removes what killed runs left in the system's folder for temporary files, for a run that may need none itself.
pub fn remove_abandoned() {
    let parent = std::env::temp_dir();
    with_active(|active| active.sweep_once(&parent, IN_TEMP));
}

/// Changes files under temporary names, or waits for the end of a process that is ending.
pub(super) fn while_running<T>(change: impl FnOnce() -> T) -> T {
    with_active(|_| change())
}

fn with_active<T>(change: impl FnOnce(&mut Active) -> T) -> T {
    if let Some(active) = ACTIVE.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        return change(active);
    }
    loop {
        std::thread::park();
    }
}

/// A folder for temporary files, removed with its content when dropped.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    /// Locked while it is open.
    _lock: File,
    files: AtomicU64,
    /// Whether it is kept when the program breaks down.
    is_durable: bool,
}

impl Scratch {
    /// Creates a folder in the system's folder for temporary files. Its content is removed when a signal stops
    /// the process.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn disposable() -> io::Result<Self> {
        Self::in_temp(true)
    }

    /// Creates a folder in the system's folder for temporary files. Its content stays when a signal stops the
    /// process.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn durable() -> io::Result<Self> {
        Self::in_temp(false)
    }

    fn in_temp(is_disposable: bool) -> io::Result<Self> {
        let parent = std::env::temp_dir();
        with_active(|active| {
            let mut scratch = Self::create(active, &parent, IN_TEMP)?;
            scratch.is_durable = !is_disposable;
            active.folders.insert(scratch.path.clone(), is_disposable);
            Ok(scratch)
        })
        .map_err(|error| in_folder(&parent, &error))
    }

    /// The folder of this process for temporary files in `parent`.
    pub(super) fn beside(parent: &Path) -> io::Result<Arc<Self>> {
        with_active(|active| {
            if let Some(scratch) = active.beside.get(parent).and_then(Weak::upgrade) {
                return Ok(scratch);
            }
            let scratch = Arc::new(Self::create(active, parent, BESIDE)?);
            active.folders.insert(scratch.path.clone(), true);
            active.beside.insert(parent.to_owned(), Arc::downgrade(&scratch));
            Ok(scratch)
        })
        .map_err(|error| in_folder(parent, &error))
    }

    fn create(active: &mut Active, parent: &Path, prefix: &'static str) -> io::Result<Self> {
        active.sweep_once(parent, prefix);
        let mut builder = tempfile::Builder::new();
        builder.prefix(prefix);
        let mut last = io::Error::from(ErrorKind::AlreadyExists);
        for _ in 0..MAX_TRIES {
            let folder = builder.tempdir_in(parent)?;
            match hold(&folder.path().join(LOCK)) {
                Ok(lock) => {
                    let files = AtomicU64::new(0);
                    return Ok(Self { path: folder.keep(), _lock: lock, files, is_durable: false });
                }
                // Another run took the new folder for an abandoned one.
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::WouldBlock) => {
                    last = error;
                }
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path in the folder that no other call returns.
    pub(super) fn next_path(&self) -> PathBuf {
        self.path.join(self.files.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// Keeps the folder and its content, and returns its path. No later run removes it.
    pub fn keep(self) -> PathBuf {
        let _ = std::fs::remove_file(self.path.join(LOCK));
        // What is forgotten is not removed.
        forget(&self.path);
        self.path.clone()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !forget(&self.path) {
            return;
        }
        let _ = if self.is_durable && std::thread::panicking() {
            std::fs::remove_file(self.path.join(LOCK))
        } else {
            std::fs::remove_dir_all(&self.path)
        };
    }
}

/// Whether the folder was this process's to remove.
fn forget(path: &Path) -> bool {
    let mut active = ACTIVE.lock().unwrap_or_else(PoisonError::into_inner);
    active.as_mut().is_some_and(|active| active.folders.remove(path).is_some())
}

fn in_folder(folder: &Path, error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("cannot create a file in folder {}: {}", folder.display(), io_reason(error)),
    )
}

/// Creates the lock file of a new folder and locks it.
fn hold(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
    match file.try_lock() {
        // Without locks, no run can find out whether another is alive, so none removes the folder.
        Ok(()) | Err(TryLockError::Error(_)) => {}
        Err(TryLockError::WouldBlock) => return Err(ErrorKind::WouldBlock.into()),
    }
    if is_at(&file, path) { Ok(file) } else { Err(ErrorKind::NotFound.into()) }
}

/// Removes what killed runs left in `parent`. What cannot be removed is left for a later run.
fn sweep(parent: &Path, prefix: &str) {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix)) {
        let (path, kind) = (entry.path(), entry.file_type());
        match kind {
            Ok(kind) if kind.is_dir() && is_own(&path) => remove_if_abandoned(&path),
            // A temporary file of an earlier version, which did not lock its files.
            Ok(kind) if kind.is_file() && prefix == BESIDE && is_own(&path) && is_old(&path) => {
                let _ = std::fs::remove_file(&path);
            }
            _ => {}
        }
    }
}

fn remove_if_abandoned(folder: &Path) {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    open_flags(&mut options);
    match options.open(folder.join(LOCK)) {
        Ok(lock) if lock.try_lock().is_ok() => {
            let _ = std::fs::remove_dir_all(folder);
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let _ = std::fs::remove_dir(folder);
        }
        _ => {}
    }
}

#[cfg(unix)]
fn is_own(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let user = rustix::process::geteuid();
    user.is_root() || path.symlink_metadata().is_ok_and(|entry| entry.uid() == user.as_raw())
}

#[cfg(not(unix))]
fn is_own(_: &Path) -> bool {
    true
}

fn is_old(path: &Path) -> bool {
    let modified = path.symlink_metadata().and_then(|entry| entry.modified());
    modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > MAX_AGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a run that was killed leaves.
    fn abandoned(parent: &Path, name: &str) -> PathBuf {
        let folder = parent.join(name);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join(LOCK), "").unwrap();
        std::fs::write(folder.join("0"), "half of a report").unwrap();
        folder
    }

    #[test]
    fn sweep_removes_abandoned_folders_and_leaves_live_and_kept_ones() {
        let parent = tempfile::tempdir().unwrap();
        let dead = abandoned(parent.path(), ".cutover-report-dead");
        let live = abandoned(parent.path(), ".cutover-report-live");
        let lock = File::open(live.join(LOCK)).unwrap();
        lock.try_lock().unwrap();
        let kept = abandoned(parent.path(), ".cutover-report-kept");
        std::fs::remove_file(kept.join(LOCK)).unwrap();
        let other = abandoned(parent.path(), ".another-program");
        #[cfg(unix)]
        std::os::unix::fs::symlink(&other, parent.path().join(".cutover-report-link")).unwrap();
        sweep(parent.path(), BESIDE);
        assert!(!dead.exists());
        assert!(live.join("0").exists() && kept.join("0").exists() && other.join("0").exists());
        drop(lock);
        sweep(parent.path(), BESIDE);
        assert!(!live.exists());
    }

    #[test]
    fn scratch_dropped_is_removed_and_kept_survives_a_sweep() {
        let dropped = Scratch::disposable().unwrap();
        let path = dropped.path().to_owned();
        assert!(path.exists());
        drop(dropped);
        assert!(!path.exists());
        let kept = Scratch::durable().unwrap();
        std::fs::write(kept.path().join("journal.jsonl"), "{}").unwrap();
        let path = kept.keep();
        remove_if_abandoned(&path);
        assert!(path.join("journal.jsonl").exists());
        std::fs::remove_dir_all(path).unwrap();
    }
}
