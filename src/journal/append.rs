//! Writing a journal.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::record::Line;
use super::{Footer, Header, Journal, JournalError, Outcome, Record};

/// Appends to the journal of a run under way.
///
/// What stood at the path stands there until the run has an answer of its own or comes to its end: a
/// night in which nothing is answered does not cost the evidence of the night before. From then on each
/// line goes to the operating system in one write call, so that a killed run loses no finished task;
/// the beginning and the end are also synced to the disk.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    place: Place,
    recorded: usize,
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
    pub fn create(path: &Path, header: &Header, overwrite: bool) -> Result<Self, JournalError> {
        if !overwrite {
            refuse_to_drop(path)?;
        }
        let mut writer = Self { path: path.to_owned(), place: Place::Memory(Vec::new()), recorded: 0 };
        writer.line(header)?;
        Ok(writer)
    }

    /// Records a finished task.
    ///
    /// # Errors
    /// What the file system says, as when the disk is full.
    pub fn append(&mut self, record: Record) -> Result<(), JournalError> {
        let answered = matches!(record.outcome, Outcome::Answered(_));
        self.line(&Line::from(record))?;
        self.recorded += 1;
        if answered { self.settle() } else { Ok(()) }
    }

    /// Whether the journal stands at its path, in place of an earlier one.
    pub fn stands(&self) -> bool {
        matches!(self.place, Place::File(_))
    }

    /// Ends the journal of a run that came to its end.
    ///
    /// # Errors
    /// What the file system says.
    pub fn finish(mut self) -> Result<(), JournalError> {
        let finished_at = now();
        self.line(&Footer { finished_at, recorded: self.recorded })?;
        self.settle()?;
        match self.place {
            Place::File(file) => {
                file.sync_all().map_err(|source| JournalError::Io { path: self.path, source })
            }
            Place::Memory(_) => Ok(()),
        }
    }

    fn line(&mut self, value: &impl Serialize) -> Result<(), JournalError> {
        let io = |source| JournalError::Io { path: self.path.clone(), source };
        let mut line = serde_json::to_vec(value).map_err(|error| io(error.into()))?;
        line.push(b'\n');
        match &mut self.place {
            Place::Memory(lines) => lines.extend(line),
            Place::File(file) => file.write_all(&line).map_err(io)?,
        }
        Ok(())
    }

    /// Puts the journal at its path, if it is not there yet.
    fn settle(&mut self) -> Result<(), JournalError> {
        if let Place::Memory(lines) = &self.place {
            let io = |source| JournalError::Io { path: self.path.clone(), source };
            self.place = Place::File(replace(&self.path, lines).map_err(io)?);
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
    Ok(file.persist(path)?)
}

/// The time in milliseconds, the unit of the API.
fn now() -> jiff::Timestamp {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

fn refuse_to_drop(path: &Path) -> Result<(), JournalError> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Ok(metadata) if metadata.len() == 0 => return Ok(()),
        _ => {}
    }
    match Journal::open(path) {
        Err(JournalError::NoJournal(path)) => Err(JournalError::NotOurs(path)),
        Err(other) => Err(other),
        Ok(journal) if journal.is_finished() || journal.recorded() == 0 => Ok(()),
        Ok(journal) => Err(JournalError::Unfinished {
            path: path.to_owned(),
            held: journal.recorded(),
            total: journal.header().list.tasks.len(),
        }),
    }
}
