//! One process at a time on a file, by every path to it.
//!
//! Two locks of the operating system are held. The one on `<file>.lock`, beside the file that links lead to,
//! exists before the file does. The one on the file itself holds for hard links too; a file that replaces it by
//! renaming is added with [`FileLock::cover`]. Both end with the process, so a killed run blocks no other.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::model::io_reason;

use super::path::{check_regular, irregular, is_at, open_flags, resolve};

/// How the text in a lock file begins.
const HOLDER: &str = "process ";

/// The right to write a file, until it is dropped.
#[derive(Debug)]
pub struct FileLock {
    /// Locked while it is open.
    file: File,
    path: PathBuf,
    /// The locked file itself, and those that replaced it.
    covered: Mutex<Vec<File>>,
}

/// Why a lock was not acquired.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it; what its lock file says of it.
    #[error("another process has the lock ({0})")]
    Held(String),
    /// There is something at the path that is never replaced or locked.
    #[error("{}: {what}", .path.display())]
    Refused {
        /// The locked file, or its lock file.
        path: PathBuf,
        /// What is there, and what to do.
        what: String,
    },
    /// The lock file belongs to another program.
    #[error("{} is not a lock file of this program", .0.display())]
    Foreign(PathBuf),
    /// The file system failed.
    #[error("cannot create lock file {}: {}", .path.display(), io_reason(.source))]
    Io {
        /// The lock file.
        path: PathBuf,
        /// The failure.
        source: io::Error,
    },
}

impl FileLock {
    /// Acquires the lock of `target`, which need not exist; does not wait. `since` is written into the lock file.
    ///
    /// # Errors
    /// [`LockError::Held`] when another process has it; else what is in the way.
    pub fn acquire(target: &Path, since: &str) -> Result<Self, LockError> {
        check_regular(target)
            .map_err(|error| LockError::Refused { path: target.to_owned(), what: error.to_string() })?;
        let target = resolve(target).map_err(|source| LockError::Io { path: target.to_owned(), source })?;
        let path = beside(&target);
        let file = lock_file(&path, since)?;
        let lock = Self { file, path, covered: Mutex::default() };
        #[cfg(unix)]
        match open_for_lock(&target) {
            None => {}
            Some(file) => match file.try_lock() {
                Ok(()) => lock.cover(file),
                Err(TryLockError::WouldBlock) => return Err(LockError::Held(String::new())),
                // Without such locks the lock file has to do.
                Err(TryLockError::Error(_)) => {}
            },
        }
        Ok(lock)
    }

    /// Holds `file`, which replaces the locked one, as long as this lock.
    pub fn cover(&self, file: File) {
        // A file that no other process knows yet; without such locks, the lock file alone protects it.
        let _ = if cfg!(unix) { file.try_lock() } else { Ok(()) };
        self.covered.lock().unwrap_or_else(PoisonError::into_inner).push(file);
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Only where `is_at` can find out; otherwise two runs could lock two files of one name.
        if cfg!(unix) && is_at(&self.file, &self.path) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The lock file of `target`: beside the file that links lead to.
pub fn lock_path(target: &Path) -> PathBuf {
    beside(&resolve(target).unwrap_or_else(|_| target.to_owned()))
}

fn beside(target: &Path) -> PathBuf {
    let mut path = target.as_os_str().to_owned();
    path.push(".lock");
    PathBuf::from(path)
}

/// Creates or opens the lock file, and locks it.
fn lock_file(path: &Path, since: &str) -> Result<File, LockError> {
    let io = |source| LockError::Io { path: path.to_owned(), source };
    let refused = |what: &str| LockError::Refused {
        path: path.to_owned(),
        what: format!(
            "is {what}, and the lock file must be a regular file; remove it, or choose another journal path"
        ),
    };
    loop {
        if let Some(what) = path.symlink_metadata().ok().and_then(|found| irregular(&found)) {
            return Err(refused(what));
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        open_flags(&mut options);
        let mut file = options.open(path).map_err(io)?;
        let found = file.metadata().map_err(io)?;
        if let Some(what) = irregular(&found) {
            return Err(refused(what));
        }
        if has_other_names(&found) {
            return Err(refused("a hard link to another file"));
        }
        let locked = file.try_lock();
        let mut holder = Vec::new();
        // Where a lock keeps readers out too, the holder stays unnamed.
        let _ = file.read_to_end(&mut holder);
        let holder = String::from_utf8_lossy(&holder).into_owned();
        if !holder.is_empty() && !holder.starts_with(HOLDER) {
            return Err(LockError::Foreign(path.to_owned()));
        }
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held(holder)),
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        // A run that ends removes its lock file; a process that opened it before must check again.
        if is_at(&file, path) {
            let holder = format!("{HOLDER}{}, since {since}", std::process::id());
            file.set_len(0).and_then(|()| file.rewind()).map_err(io)?;
            file.write_all(holder.as_bytes()).map_err(io)?;
            return Ok(file);
        }
    }
}

#[cfg(unix)]
fn has_other_names(found: &std::fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(found) > 1
}

#[cfg(not(unix))]
fn has_other_names(_: &std::fs::Metadata) -> bool {
    false
}

/// The file to lock, for writing if that is permitted: some network file systems want that.
#[cfg(unix)]
fn open_for_lock(target: &Path) -> Option<File> {
    let open = |write| {
        let mut options = OpenOptions::new();
        options.read(true).write(write);
        open_flags(&mut options);
        options.open(target)
    };
    // A file that cannot be opened is reported when it is read.
    open(true).or_else(|_| open(false)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acquire(target: &Path) -> Result<FileLock, LockError> {
        FileLock::acquire(target, "2026-11-21T08:00:00Z")
    }

    #[test]
    fn second_lock_fails_and_names_the_holder() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("j.jsonl");
        let first = acquire(&journal).unwrap();
        let holder = format!("process {}, since 2026-11-21T08:00:00Z", std::process::id());
        assert!(matches!(acquire(&journal), Err(LockError::Held(by)) if by == holder));
        drop(first);
        assert!(!lock_path(&journal).exists());
        // What a killed run leaves behind.
        std::fs::write(lock_path(&journal), "process 1, since the beginning of time and longer").unwrap();
        let second = acquire(&journal).unwrap();
        assert!(matches!(acquire(&journal), Err(LockError::Held(by)) if by == holder));
        drop(second);
        std::fs::write(lock_path(&journal), "version = 4").unwrap();
        assert!(matches!(acquire(&journal), Err(LockError::Foreign(_))));
        assert_eq!(std::fs::read_to_string(lock_path(&journal)).unwrap(), "version = 4");
    }

    #[cfg(unix)]
    #[test]
    fn lock_holds_for_every_path_to_the_file() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("j.jsonl"), "").unwrap();
        std::fs::hard_link(at("j.jsonl"), at("hard.jsonl")).unwrap();
        symlink("j.jsonl", at("soft.jsonl")).unwrap();
        symlink(".", at("here")).unwrap();
        let held = acquire(&at("j.jsonl")).unwrap();
        for name in ["hard.jsonl", "soft.jsonl", "here/j.jsonl", "here/hard.jsonl", "./j.jsonl"] {
            assert!(matches!(acquire(&at(name)), Err(LockError::Held(_))), "{name}");
        }
        assert!(!at("hard.jsonl.lock").exists());
        let new = File::create(at("new")).unwrap();
        held.cover(new);
        std::fs::rename(at("new"), at("j.jsonl")).unwrap();
        std::fs::hard_link(at("j.jsonl"), at("later.jsonl")).unwrap();
        assert!(matches!(acquire(&at("later.jsonl")), Err(LockError::Held(_))));
        drop(held);
        assert!(acquire(&at("later.jsonl")).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn lock_file_that_is_no_regular_file_is_refused_and_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::os::unix::fs::symlink("target", at("a.lock")).unwrap();
        std::fs::write(at("empty"), "").unwrap();
        std::fs::hard_link(at("empty"), at("b.lock")).unwrap();
        std::fs::create_dir(at("c.lock")).unwrap();
        for name in ["a", "b", "c"] {
            assert!(matches!(acquire(&at(name)), Err(LockError::Refused { .. })), "{name}");
        }
        assert!(!at("target").exists());
        assert_eq!(std::fs::read_to_string(at("empty")).unwrap(), "");
    }

    #[test]
    fn never_two_at_once_however_they_come_and_go() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("j.jsonl");
        let inside = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..2000 {
                        let Ok(lock) = acquire(&journal) else { continue };
                        assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                        std::thread::yield_now();
                        inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                        drop(lock);
                    }
                });
            }
        });
    }
}
