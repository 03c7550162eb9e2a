//! Writing a journal.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

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
        let mut writer = Self { file, place, recorded: HashSet::new(), unsynced: false };
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
        Ok(Self { file: place, place: Place::File(file), recorded, unsynced: false })
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

    /// Puts on the disk what was appended since the last sync.
    ///
    /// # Errors
    /// What the file system says; then the disk may not have it, whatever a later sync says.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        if let Place::File(file) = &self.place
            && self.unsynced
        {
            file.sync_data().map_err(|source| JournalError::Io { path: self.file.local.clone(), source })?;
            self.unsynced = false;
        }
        Ok(())
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
        let io = |source| JournalError::Io { path: self.file.local.clone(), source };
        let mut line = serde_json::to_vec(value).map_err(|error| io(error.into()))?;
        line.push(b'\n');
        match &mut self.place {
            Place::Memory(lines) => lines.extend(line),
            Place::File(file) => {
                file.write_all(&line).map_err(io)?;
                self.unsynced = true;
            }
        }
        Ok(())
    }

    /// Puts the journal at its path, if it is not there yet.
    fn settle(&mut self) -> Result<(), JournalError> {
        if let Place::Memory(lines) = &self.place {
            let io = |source| JournalError::Io { path: self.file.local.clone(), source };
            self.place = Place::File(replace(&self.file.local, lines).map_err(io)?);
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
