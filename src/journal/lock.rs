//! One run at a time on a journal.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::JournalError;

/// How the text in a lock's file begins.
const HOLDER: &str = "process ";

/// The right to write a journal, until it is dropped.
///
/// It is a lock of the operating system on `<journal>.lock`, so it ends with the process however that
/// ends; a file that a killed run leaves behind holds nobody up. The journal itself is not locked:
/// it is replaced by renaming, which a lock does not follow.
#[derive(Debug)]
pub struct Lock {
    /// Locked for as long as it is open.
    _file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock of `journal` for a run that began at `started`; does not wait.
    ///
    /// # Errors
    /// [`JournalError::Locked`] when another run has it, [`JournalError::NoLock`] when the file of
    /// that name is something else; else what the file system says.
    pub fn hold(journal: &Path, started: Timestamp) -> Result<Self, JournalError> {
        let path = lock_path(journal);
        let io = |source| JournalError::Io { path: path.clone(), source };
        loop {
            let mut options = OpenOptions::new();
            let mut file =
                options.read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
            let locked = file.try_lock();
            let mut holder = Vec::new();
            // Where a lock keeps readers out too, the holder stays unnamed.
            let _ = file.read_to_end(&mut holder);
            let holder = String::from_utf8_lossy(&holder).into_owned();
            if !holder.is_empty() && !holder.starts_with(HOLDER) {
                return Err(JournalError::NoLock(path));
            }
            match locked {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(JournalError::Locked { path: journal.to_owned(), holder });
                }
                Err(TryLockError::Error(source)) => return Err(io(source)),
            }
            // A run that ends takes its file away; whoever opened that one before must look again.
            if is_at(&file, &path) {
                let holder = format!("{HOLDER}{}, since {started}", std::process::id());
                file.set_len(0).and_then(|()| file.rewind()).map_err(io)?;
                file.write_all(holder.as_bytes()).map_err(io)?;
                return Ok(Self { _file: file, path });
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Only where `is_at` can tell, lest two runs lock two files of one name.
        if cfg!(unix) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Where the lock of a journal stands.
pub fn lock_path(journal: &Path) -> PathBuf {
    let mut path = journal.as_os_str().to_owned();
    path.push(".lock");
    PathBuf::from(path)
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    matches!((file.metadata().map(id), path.metadata().map(id)), (Ok(file), Ok(there)) if file == there)
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_the_next_one_is_told_who() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("j.jsonl");
        let hold = || Lock::hold(&journal, "2026-11-21T08:00:00Z".parse().unwrap());
        let first = hold().unwrap();
        let told = hold().unwrap_err().to_string();
        let holder = format!("process {}, since 2026-11-21T08:00:00Z", std::process::id());
        assert!(told.contains(&holder), "{told}");
        drop(first);
        // What a killed run leaves behind.
        std::fs::write(lock_path(&journal), "process 1, since the beginning of time and longer").unwrap();
        let second = hold().unwrap();
        assert!(hold().unwrap_err().to_string().contains(&holder));
        drop(second);
        std::fs::write(lock_path(&journal), "version = 4").unwrap();
        assert!(matches!(hold(), Err(JournalError::NoLock(_))), "a file of another program is left alone");
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
                        let Ok(lock) = Lock::hold(&journal, Timestamp::UNIX_EPOCH) else { continue };
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
