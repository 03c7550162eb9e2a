//! The location of a run's journal, during and after the run.

use std::path::PathBuf;

use crate::cli::Typed;
use crate::fs::Scratch;
use crate::journal::JournalError;
use crate::model::NamedFile;
use crate::storage::{Storage, is_remote};

use super::console;
use super::exit::{Exit, Failure};
use super::remote_journal::RemoteJournal;

/// The location of the journal.
pub(crate) enum JournalLocation {
    /// At its final path.
    Local(NamedFile),
    /// In a temporary folder, which is kept only if the reports cannot be written.
    Temporary(NamedFile, Scratch),
    /// In a temporary folder, from where it is uploaded to object storage.
    Remote(RemoteJournal),
}

impl JournalLocation {
    pub(crate) fn new(kept: Option<PathBuf>, storage: &Storage) -> Result<Self, Failure> {
        Ok(match kept {
            Some(place) if is_remote(&place) => Self::Remote(RemoteJournal::open(place, storage)?),
            Some(path) => Self::Local(path.into()),
            None => {
                let folder = Scratch::durable().map_err(Failure::stopped)?;
                Self::Temporary(folder.path().join("journal.jsonl").into(), folder)
            }
        })
    }

    /// The journal file, and its name in messages.
    pub(crate) fn file(&self) -> &NamedFile {
        match self {
            Self::Local(file) | Self::Temporary(file, _) => file,
            Self::Remote(remote) => remote.file(),
        }
    }

    /// Uploads a remote journal when it is time to; called often during a run.
    ///
    /// # Errors
    /// When another run has written the journal.
    pub(crate) fn tick(&self) -> Result<(), JournalError> {
        if let Self::Remote(remote) = self { remote.tick() } else { Ok(()) }
    }

    /// Uploads a remote journal, for a run that fetches nothing more.
    ///
    /// # Errors
    /// When it cannot be uploaded; then the copy on this machine is kept.
    pub(crate) fn put(&self) -> Result<(), Failure> {
        if let Self::Remote(remote) = self { remote.put() } else { Ok(()) }
    }

    /// Reports the journal's path at the end of a run, or removes it, and returns the result of the run. With
    /// `recovered`, the records are in that file, and folders for temporary files are kept.
    pub(crate) fn finalize(
        self,
        ended: Result<Exit, Failure>,
        recovered: Option<&NamedFile>,
        typed: &Typed,
    ) -> Result<Exit, Failure> {
        if let Some(file) = recovered {
            match self {
                Self::Local(_) => {}
                Self::Temporary(_, folder) => drop(folder.keep()),
                Self::Remote(remote) => remote.keep(),
            }
            console::error(&format!(
                "the journal was lost during the run; all records are in {}; to write reports from it: `{}`",
                file.name.display(),
                typed.render(&file.name)
            ));
            return ended.map(|_| Exit::Stopped);
        }
        let written = matches!(ended, Ok(exit) if exit != Exit::Stopped);
        match self {
            Self::Local(file) => note_path(&file, &ended),
            // Keep the records if a report could not be written.
            Self::Temporary(file, folder) if file.local.exists() && !written => {
                folder.keep();
                console::note(&format!(
                    "the journal is kept: {}; to write reports from it: `{}`",
                    file.local.display(),
                    typed.render(&file.local)
                ));
            }
            Self::Temporary(..) => {}
            Self::Remote(remote) if remote.is_uploaded() => note_path(remote.file(), &ended),
            Self::Remote(remote) => {
                remote.keep();
                return ended.map(|_| Exit::Stopped);
            }
        }
        ended
    }
}

fn note_path(file: &NamedFile, ended: &Result<Exit, Failure>) {
    if ended.is_ok() && !console::is_quiet() {
        console::note(&format!("journal: {}", file.name.display()));
    }
}
