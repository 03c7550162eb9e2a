//! Where the journal of a run is written, and where it stays.

use std::path::PathBuf;

use crate::journal::JournalError;
use crate::model::NamedFile;
use crate::storage::{Storage, is_remote};

use super::console;
use super::exit::{Exit, Failure};
use super::remote_journal::Mirror;

/// Where the journal stands.
pub(crate) enum JournalPlace {
    /// Where it stays.
    Kept(NamedFile),
    /// In a folder of its own, which goes when the reports are written, and stays when they are not.
    Scratch(NamedFile),
    /// In a folder of its own, from where it is put into object storage.
    Remote(Mirror),
}

impl JournalPlace {
    pub(crate) fn new(kept: Option<PathBuf>, storage: &Storage) -> Result<Self, Failure> {
        Ok(match kept {
            Some(place) if is_remote(&place) => Self::Remote(Mirror::of(place, storage)?),
            Some(path) => Self::Kept(path.into()),
            None => {
                let folder = tempfile::Builder::new().prefix("cutover-report-").tempdir();
                let folder = folder.map_err(Failure::stopped)?.keep();
                Self::Scratch(folder.join("journal.jsonl").into())
            }
        })
    }

    /// The file that it is written to, and what messages call it.
    pub(crate) fn file(&self) -> &NamedFile {
        match self {
            Self::Kept(file) | Self::Scratch(file) => file,
            Self::Remote(mirror) => mirror.file(),
        }
    }

    /// Does now and then what keeps it safe while the run goes.
    ///
    /// # Errors
    /// That another run is at work on it.
    pub(crate) fn tick(&self) -> Result<(), JournalError> {
        if let Self::Remote(mirror) = self { mirror.tick() } else { Ok(()) }
    }

    /// Brings it to where it stays, for a run that fetches nothing more.
    ///
    /// # Errors
    /// That it could not be brought there; then it is kept on this machine.
    pub(crate) fn put(&self) -> Result<(), Failure> {
        if let Self::Remote(mirror) = self { mirror.put() } else { Ok(()) }
    }

    /// Says where the journal is at the end of a run, or takes it away; and how the run ended, all told.
    pub(crate) fn leave(&self, ended: Result<Exit, Failure>, quiet: bool) -> Result<Exit, Failure> {
        let written = matches!(ended, Ok(exit) if exit != Exit::Stopped);
        let NamedFile { name, local } = self.file();
        let stays = match self {
            Self::Kept(_) => true,
            // What was fetched must not go the way of a report that could not be written.
            Self::Scratch(_) if local.exists() && !written => {
                console::note(&format!("the journal is kept after all: {}", local.display()));
                false
            }
            Self::Scratch(_) => {
                let _ = local.parent().map(std::fs::remove_dir_all);
                false
            }
            Self::Remote(mirror) if mirror.clear() => true,
            Self::Remote(_) => return ended.map(|_| Exit::Stopped),
        };
        if stays && ended.is_ok() && !quiet {
            console::note(&format!("journal: {}", name.display()));
        }
        ended
    }
}
