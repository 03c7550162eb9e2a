//! Writing a journal.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::record::Line;
use super::{Footer, Header, Journal, JournalError, Record};

/// Appends to the journal of a run under way.
///
/// Each line goes to the operating system in one write call, so that a killed run loses no finished
/// task; header and footer are also synced to the disk.
#[derive(Debug)]
pub struct Writer {
    file: File,
    path: PathBuf,
    recorded: usize,
}

impl Writer {
    /// Begins a journal at `path`.
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
        let io = |source| JournalError::Io { path: path.to_owned(), source };
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(path).map_err(io)?;
        let mut writer = Self { file, path: path.to_owned(), recorded: 0 };
        writer.line(header)?;
        writer.sync()?;
        Ok(writer)
    }

    /// Records a finished task.
    ///
    /// # Errors
    /// What the file system says, as when the disk is full.
    pub fn append(&mut self, record: Record) -> Result<(), JournalError> {
        self.line(&Line::from(record))?;
        self.recorded += 1;
        Ok(())
    }

    /// Ends the journal of a run that came to its end.
    ///
    /// # Errors
    /// What the file system says.
    pub fn finish(mut self) -> Result<(), JournalError> {
        let finished_at = now();
        self.line(&Footer { finished_at, recorded: self.recorded })?;
        self.sync()
    }

    fn line(&mut self, value: &impl Serialize) -> Result<(), JournalError> {
        let io = |source| JournalError::Io { path: self.path.clone(), source };
        let mut line = serde_json::to_vec(value).map_err(|error| io(error.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(io)
    }

    fn sync(&self) -> Result<(), JournalError> {
        self.file.sync_all().map_err(|source| JournalError::Io { path: self.path.clone(), source })
    }
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
