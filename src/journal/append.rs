//! Writing a journal.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::panic::resume_unwind;
use std::path::Path;
use std::thread::{self, JoinHandle};

use serde::Serialize;

use super::line::Line;
use super::{Footer, Header, Journal, JournalError, Outcome, Record};
use crate::model::NamedFile;

/// Appends to the journal of a run under way.
///
/// What stood at the path stands there until the run has an answer of its own or comes to its end: a
/// night in which nothing is answered does not cost the evidence of the night before. From then on each
/// line goes to the operating system in one write call, so that a killed run loses no finished task.
/// A power cut costs what was appended since the last [`sync`](Self::sync).
#[derive(Debug)]
pub struct Writer {
    file: NamedFile,
    place: Place,
    /// The tasks that have a record, by ordinal.
    recorded: HashSet<usize>,
    /// Whether lines wait for a sync.
    unsynced: bool,
    /// The sync that was begun last, until somebody asks what came of it.
    syncing: Option<JoinHandle<io::Result<()>>>,
}

#[derive(Debug)]
enum Place {
    /// Lines that wait for the first answer.
    Memory(Vec<u8>),
    /// The journal at its path.
    File(File),
}

impl Writer {
    /// Begins a journal that will stand at `path`.
    ///
    /// A finished journal there is replaced, and so is one that holds no task; `overwrite` replaces
    /// whatever is there.
    ///
    /// # Errors
    /// [`JournalError::Unfinished`] or [`JournalError::NotOurs`] rather than dropping what was
    /// fetched; else what the file system says.
    pub fn create(
        file: impl Into<NamedFile>,
        header: &Header,
        overwrite: bool,
    ) -> Result<Self, JournalError> {
        let file = file.into();
        if !overwrite {
            refuse_to_drop(&file)?;
        }
        let place = Place::Memory(Vec::new());
        let mut writer = Self { file, place, recorded: HashSet::new(), unsynced: false, syncing: None };
        writer.line(header)?;
        Ok(writer)
    }

    /// Goes on with `journal` behind its last whole line; what stands of a line that was cut off is taken away.
    ///
    /// # Errors
    /// What the file system says.
    pub fn resume(journal: &Journal) -> Result<Self, JournalError> {
        let place = journal.place().clone();
        let open = || {
            let file = OpenOptions::new().append(true).open(&place.local)?;
            if journal.is_torn() {
                file.set_len(journal.whole())?;
                file.sync_all()?;
            }
            Ok(file)
        };
        let file = open().map_err(|source| JournalError::Io { path: place.local.clone(), source })?;
        let tasks = 0..journal.header().list.tasks.len();
        let recorded = tasks.filter(|ordinal| journal.holds(*ordinal)).collect();
        Ok(Self { file: place, place: Place::File(file), recorded, unsynced: false, syncing: None })
    }

    /// Records a finished task.
    ///
    /// # Errors
    /// What the file system says, as when the disk is full.
    pub fn append(&mut self, record: Record) -> Result<(), JournalError> {
        let (ordinal, answered) = (record.ordinal, matches!(record.outcome, Outcome::Answered(_)));
        self.line(&Line::from(record))?;
        self.recorded.insert(ordinal);
        if answered { self.settle() } else { Ok(()) }
    }

    /// Whether the journal stands at its path, in place of an earlier one.
    pub fn stands(&self) -> bool {
        matches!(self.place, Place::File(_))
    }

    /// What its user calls the journal.
    pub fn path(&self) -> &Path {
        &self.file.name
    }

    /// How many tasks have a record.
    pub fn recorded(&self) -> usize {
        self.recorded.len()
    }

    /// Begins to put on the disk what was appended since the last sync, if none is under way, and waits for
    /// nothing: a slow disk holds up no request.
    ///
    /// # Errors
    /// What came of the sync before; then the disk may not have it, whatever a later sync says.
    pub fn begin_sync(&mut self) -> Result<(), JournalError> {
        if self.syncing.as_ref().is_some_and(|syncing| !syncing.is_finished()) {
            return Ok(());
        }
        self.end_sync()?;
        if let Place::File(file) = &self.place
            && self.unsynced
        {
            let file = file.try_clone().map_err(|source| self.io(source))?;
            let syncing = thread::Builder::new().spawn(move || file.sync_data());
            self.syncing = Some(syncing.map_err(|source| self.io(source))?);
            self.unsynced = false;
        }
        Ok(())
    }

    /// Puts on the disk what was appended.
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

    /// Ends the journal of a run that came to its end.
    ///
    /// # Errors
    /// What the file system says.
    pub fn finish(mut self) -> Result<(), JournalError> {
        let finished_at = now();
        self.line(&Footer { finished_at, recorded: self.recorded.len() })?;
        self.settle()?;
        self.sync()
    }

    fn line(&mut self, value: &impl Serialize) -> Result<(), JournalError> {
        let mut line = serde_json::to_vec(value).map_err(|error| self.io(error.into()))?;
        line.push(b'\n');
        match &mut self.place {
            Place::Memory(lines) => lines.extend(line),
            Place::File(file) => {
                file.write_all(&line).map_err(|source| self.io(source))?;
                self.unsynced = true;
            }
        }
        Ok(())
    }

    /// Puts the journal at its path, if it is not there yet.
    fn settle(&mut self) -> Result<(), JournalError> {
        if let Place::Memory(lines) = &self.place {
            let file = replace(&self.file.local, lines).map_err(|source| self.io(source))?;
            self.place = Place::File(file);
        }
        Ok(())
    }
}

/// Puts a file with these lines at `path` in one step.
fn replace(path: &Path, lines: &[u8]) -> std::io::Result<File> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".cutover-report-");
    // A journal is for others to read, as far as the user's mask lets them.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(lines)?;
    file.as_file().sync_all()?;
    let file = file.persist(path)?;
    // Makes the name last as well, where folders can be synced.
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(file)
}

/// The time in milliseconds, the unit of the API.
fn now() -> jiff::Timestamp {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

fn refuse_to_drop(file: &NamedFile) -> Result<(), JournalError> {
    match std::fs::metadata(&file.local) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Ok(metadata) if metadata.len() == 0 => return Ok(()),
        _ => {}
    }
    match Journal::open(file) {
        Err(JournalError::NoJournal(path)) => Err(JournalError::NotOurs(path)),
        Err(other) => Err(other),
        Ok(journal) if journal.is_finished() || journal.recorded() == 0 => Ok(()),
        Ok(journal) => Err(JournalError::Unfinished {
            path: file.name.clone(),
            held: journal.recorded(),
            total: journal.header().list.tasks.len(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TaskList;

    #[cfg(unix)]
    #[test]
    fn a_sync_that_failed_is_told_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let list = TaskList { labels: Vec::new(), tasks: Vec::new() };
        let header = Header::new(now(), "https://sms.example".to_owned(), list);
        let writer = || {
            let mut writer = Writer::create(folder.path().join("j.jsonl"), &header, false).unwrap();
            // Takes all that is written, and cannot be synced.
            writer.place = Place::File(OpenOptions::new().write(true).open("/dev/null").unwrap());
            writer.line(&header).unwrap();
            writer
        };
        let mut ticking = writer();
        ticking.begin_sync().expect("nothing is waited for");
        while ticking.begin_sync().is_ok() {}
        assert!(matches!(writer().sync(), Err(JournalError::Io { .. })));
        assert!(matches!(writer().finish(), Err(JournalError::Io { .. })));
    }
}
