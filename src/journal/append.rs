//! Writes a journal.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::SystemTime;

use serde::Serialize;

use super::error::JournalError;
use super::header::Header;
use super::line::Line;
use super::lock::Lock;
use super::record::{Footer, Outcome, Record};
use super::replay::Journal;
use crate::fs::{AtomicFile, directory_of, is_at, resolve};
use crate::model::{NamedFile, io_reason};
use crate::threads::spawn;

/// Appends to the journal of the current run.
///
/// An existing file is unchanged until the run has its first answer or ends, so a run without any answer does not
/// replace the evidence of an earlier one. From then on each line goes to the operating system in one write call, so
/// that a killed run loses no finished task. A power failure loses what was appended since the last
/// [`sync`](Self::sync).
///
/// A journal that another program removes, renames, replaces or truncates meanwhile is detected at the next append or
/// sync. All records then go to a new file, and the run continues there: see [`take_notice`](Self::take_notice).
#[derive(Debug)]
pub struct Writer {
    file: NamedFile,
    place: Target,
    /// The tasks that have a record, by ordinal.
    recorded: HashSet<usize>,
    /// Whether appended lines are not synced yet.
    unsynced: bool,
    /// The last sync, until its result is taken.
    syncing: Option<JoinHandle<io::Result<()>>>,
    lock: Option<Arc<Lock>>,
    /// What happened to the journal, until it is reported.
    notice: Option<String>,
}

#[derive(Debug)]
enum Target {
    /// Lines before the first answer, and the state of the existing file.
    Memory(Vec<u8>, FileState),
    /// The journal at its path.
    File(OpenJournal),
}

/// A journal file to append to.
#[derive(Debug)]
struct OpenJournal {
    file: File,
    /// Its path, with links resolved.
    path: PathBuf,
    /// Its length in bytes, as far as this run wrote it.
    length: u64,
    /// An unnamed copy, for the case that the journal is truncated; none if there is no room for one.
    copy: Option<File>,
}

/// Inode, length and modification time: what changes when a file is replaced.
type FileState = Option<(u64, u64, Option<SystemTime>)>;

fn file_state(path: &Path) -> FileState {
    let found = path.metadata().ok()?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&found);
    #[cfg(not(unix))]
    let inode = 0;
    Some((inode, found.len(), found.modified().ok()))
}

impl Writer {
    /// Starts a journal at `path`.
    ///
    /// A finished journal there is replaced, and so is one without records; `overwrite` replaces any file.
    ///
    /// # Errors
    /// [`JournalError::Unfinished`] or [`JournalError::NotAJournal`] rather than losing records; else I/O errors.
    pub fn create(
        file: impl Into<NamedFile>,
        header: &Header,
        overwrite: bool,
    ) -> Result<Self, JournalError> {
        let file = file.into();
        let initial = file_state(&file.local);
        if !overwrite {
            check_replaceable(&file)?;
        }
        let mut writer = Self::at(file, Target::Memory(Vec::new(), initial));
        writer.line(header)?;
        Ok(writer)
    }

    fn at(file: NamedFile, place: Target) -> Self {
        let recorded = HashSet::new();
        Self { file, place, recorded, unsynced: false, syncing: None, lock: None, notice: None }
    }

    /// Continues `journal` after its last complete line; a truncated last line is dropped.
    ///
    /// # Errors
    /// I/O errors.
    pub fn resume(journal: &Journal) -> Result<Self, JournalError> {
        let place = journal.place().clone();
        let open = || {
            let path = resolve(&place.local)?;
            let file = OpenOptions::new().read(true).append(true).open(&path)?;
            if journal.is_truncated() {
                file.set_len(journal.complete_length())?;
                file.sync_all()?;
            }
            let copy = copy_of(&file, &path, journal.complete_length())?;
            Ok(OpenJournal { file, path, length: journal.complete_length(), copy })
        };
        let open = open().map_err(|source| JournalError::Io { path: place.local.clone(), source })?;
        let mut writer = Self::at(place, Target::File(open));
        let tasks = 0..journal.header().list.tasks.len();
        writer.recorded = tasks.filter(|ordinal| journal.has_record(*ordinal)).collect();
        Ok(writer)
    }

    /// Extends `lock` to the files that replace the journal.
    #[must_use]
    pub fn with_lock(mut self, lock: &Arc<Lock>) -> Self {
        self.lock = Some(Arc::clone(lock));
        self
    }

    /// Records a finished task.
    ///
    /// # Errors
    /// I/O errors, as when the disk is full.
    pub fn append(&mut self, record: Record) -> Result<(), JournalError> {
        let (ordinal, answered) = (record.ordinal, matches!(record.outcome, Outcome::Answered(_)));
        self.line(&Line::from(record))?;
        self.recorded.insert(ordinal);
        if answered { self.publish() } else { Ok(()) }
    }

    /// Whether the journal is at its path, in place of an earlier one.
    pub fn is_published(&self) -> bool {
        matches!(self.place, Target::File(_))
    }

    /// The journal's path or URL, as the user gave it.
    pub fn path(&self) -> &Path {
        &self.file.name
    }

    /// How many tasks have a record.
    pub fn recorded(&self) -> usize {
        self.recorded.len()
    }

    /// What another program did to the journal since the last call, and where the records are now.
    pub fn take_notice(&mut self) -> Option<String> {
        self.notice.take()
    }

    /// Starts a sync unless one is running. Does not wait, so a slow disk delays no request.
    ///
    /// # Errors
    /// The error of the previous sync; its lines may not be on disk, even if a later sync succeeds.
    pub fn begin_sync(&mut self) -> Result<(), JournalError> {
        self.recover_if_changed()?;
        if self.syncing.as_ref().is_some_and(|syncing| !syncing.is_finished()) {
            return Ok(());
        }
        self.end_sync()?;
        if let Target::File(OpenJournal { file, .. }) = &self.place
            && self.unsynced
        {
            let on_thread = file.try_clone().map_err(|source| self.io(source))?;
            match spawn(move || on_thread.sync_data()) {
                Ok(syncing) => self.syncing = Some(syncing),
                // Without a thread, sync here.
                Err(_) => file.sync_data().map_err(|source| self.io(source))?,
            }
            self.unsynced = false;
        }
        Ok(())
    }

    /// Syncs what was appended.
    ///
    /// # Errors
    /// As [`begin_sync`](Self::begin_sync).
    pub fn sync(&mut self) -> Result<(), JournalError> {
        self.end_sync()?;
        self.begin_sync()?;
        self.end_sync()
    }

    fn end_sync(&mut self) -> Result<(), JournalError> {
        match self.syncing.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(synced)) => synced.map_err(|source| self.io(source)),
            Some(Err(panic)) => resume_unwind(panic),
        }
    }

    fn io(&self, source: io::Error) -> JournalError {
        JournalError::Io { path: self.file.local.clone(), source }
    }

    /// Ends the journal of a complete run. After this, only [`take_notice`](Self::take_notice) and
    /// [`path`](Self::path) may be called.
    ///
    /// # Errors
    /// I/O errors.
    pub fn finish(&mut self) -> Result<(), JournalError> {
        let finished_at = now();
        self.line(&Footer { finished_at, recorded: self.recorded.len() })?;
        self.publish()?;
        self.sync()
    }

    fn line(&mut self, value: &impl Serialize) -> Result<(), JournalError> {
        let mut line = serde_json::to_vec(value).map_err(|error| self.io(error.into()))?;
        line.push(b'\n');
        self.recover_if_changed()?;
        match &mut self.place {
            Target::Memory(lines, _) => lines.extend(line),
            Target::File(open) => {
                open.append(&line)
                    .map_err(|source| JournalError::Io { path: self.file.local.clone(), source })?;
                self.unsynced = true;
            }
        }
        Ok(())
    }

    /// Moves the journal to its path, if it is not there yet. A file that another program put there is not replaced.
    fn publish(&mut self) -> Result<(), JournalError> {
        let Target::Memory(lines, initial) = &self.place else { return Ok(()) };
        if file_state(&self.file.local) != *initial {
            return self.recover("was changed by another program before the first answer came");
        }
        let open = OpenJournal::create(&self.file.local, &mut lines.as_slice(), self.lock.as_deref());
        self.place = Target::File(open.map_err(|source| self.io(source))?);
        Ok(())
    }

    /// Writes all records to a new file if the journal is not what this run wrote.
    fn recover_if_changed(&mut self) -> Result<(), JournalError> {
        let Target::File(open) = &self.place else { return Ok(()) };
        match open.external_change() {
            None => Ok(()),
            Some(what) => self.recover(what),
        }
    }

    /// Writes all records to a new file, which is the journal from now on.
    fn recover(&mut self, what: &str) -> Result<(), JournalError> {
        // A failed sync of the lost file does not concern the new one.
        let _ = self.end_sync();
        let beside = recovered_path(&self.file.local);
        let in_temp = std::env::temp_dir().join(beside.file_name().unwrap_or_default());
        let mut failure = None;
        for path in [beside, in_temp] {
            let placed = match &mut self.place {
                Target::Memory(lines, _) => {
                    OpenJournal::create(&path, &mut lines.as_slice(), self.lock.as_deref())
                }
                Target::File(open) => open
                    .content()
                    .and_then(|mut content| OpenJournal::create(&path, &mut content, self.lock.as_deref())),
            };
            match placed {
                Ok(open) => {
                    self.place = Target::File(open);
                    let lost = self.file.name.display();
                    self.notice = Some(format!(
                        "journal {lost} {what}; all records of this run are in {} now, and the run goes on there",
                        path.display()
                    ));
                    self.file = path.into();
                    return Ok(());
                }
                Err(error) => failure = Some(error),
            }
        }
        let why = failure.map_or_else(String::new, |error| io_reason(&error));
        Err(self
            .io(io::Error::other(format!("{what}, and its records could not be written elsewhere: {why}"))))
    }
}

impl OpenJournal {
    /// Creates the file at `path` with this content, and extends `lock` to it.
    fn create(path: &Path, content: &mut impl Read, lock: Option<&Lock>) -> io::Result<Self> {
        let mut new = AtomicFile::create(path)?;
        io::copy(content, &mut new)?;
        let length = new.size();
        let (file, path) = new.commit_open(|file| {
            if let (Some(lock), Ok(file)) = (lock, file.try_clone()) {
                lock.cover(file);
            }
        })?;
        let copy = copy_of(&file, &path, length)?;
        Ok(Self { file, path, length, copy })
    }

    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(line) {
            // A part of the line may have been written.
            self.length = self.file.metadata().map_or(self.length, |found| found.len());
            return Err(error);
        }
        self.length += u64::try_from(line.len()).unwrap_or(u64::MAX);
        // If the disk is full, drop the copy first.
        if self.copy.as_mut().is_some_and(|copy| copy.write_all(line).is_err()) {
            self.copy = None;
        }
        Ok(())
    }

    /// What another program did to the file; none if it is unchanged.
    fn external_change(&self) -> Option<&'static str> {
        if !is_at(&self.file, &self.path) {
            return Some(if self.path.symlink_metadata().is_ok() {
                "was replaced by another program"
            } else {
                "was removed or renamed by another program"
            });
        }
        let length = self.file.metadata().map_or(self.length, |found| found.len());
        match length.cmp(&self.length) {
            Ordering::Less => Some("was truncated by another program"),
            Ordering::Greater => Some("was written to by another program"),
            Ordering::Equal => None,
        }
    }

    /// All that this run wrote.
    fn content(&mut self) -> io::Result<impl Read> {
        let source = self.copy.as_mut().unwrap_or(&mut self.file);
        source.seek(SeekFrom::Start(0))?;
        Ok(source.take(self.length))
    }
}

/// An unnamed copy of the first `length` bytes of a journal, which appends go to as well; none if there is no room.
fn copy_of(mut file: &File, path: &Path, length: u64) -> io::Result<Option<File>> {
    let copied = tempfile::tempfile_in(directory_of(path)).and_then(|mut copy| {
        file.seek(SeekFrom::Start(0))?;
        io::copy(&mut file.take(length), &mut copy)?;
        Ok(copy)
    });
    // Appends continue at the end, also without a copy.
    file.seek(SeekFrom::Start(length))?;
    Ok(copied.ok())
}

/// A path beside the journal where no file is, as in `report.journal.recovered-20261121T080000Z.jsonl`.
fn recovered_path(journal: &Path) -> PathBuf {
    let stem = journal.file_stem().unwrap_or_default().to_string_lossy();
    let stem = format!("{stem}.recovered-{}", jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ"));
    let names = (1_u32..).map(|number| match number {
        1 => format!("{stem}.jsonl"),
        number => format!("{stem}-{number}.jsonl"),
    });
    let mut paths = names.map(|name| journal.with_file_name(name));
    paths.find(|path| path.symlink_metadata().is_err()).unwrap_or_else(|| journal.with_extension("recovered"))
}

/// The time in milliseconds, the unit of the API.
fn now() -> jiff::Timestamp {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

fn check_replaceable(file: &NamedFile) -> Result<(), JournalError> {
    match std::fs::metadata(&file.local) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Ok(metadata) if metadata.len() == 0 => return Ok(()),
        _ => {}
    }
    match Journal::open(file) {
        Err(JournalError::MissingHeader(path)) => Err(JournalError::NotAJournal(path)),
        Err(other) => Err(other),
        Ok(journal) if journal.is_finished() || journal.recorded() == 0 => Ok(()),
        Ok(journal) => Err(JournalError::Unfinished {
            path: file.name.clone(),
            recorded: journal.recorded(),
            total: journal.header().list.tasks.len(),
        }),
    }
}

#[cfg(test)]
mod tests;
