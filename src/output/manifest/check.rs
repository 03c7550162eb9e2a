//! Reading a manifest, and comparing the files that it names with what it says of them.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::entry::{Entry, FORMAT, Role};
use super::names::folder_of;
use crate::fs::Fingerprint;
use crate::model::{io_advice, io_reason};
use crate::storage::{Fault, Storage, StorageError, is_remote};

/// The largest manifest that is read, in bytes: some hundred thousand files.
const MAX_SIZE: u64 = 64 << 20;

/// A manifest that was read.
#[derive(Debug)]
pub struct Manifest {
    storage: Storage,
    folder: PathBuf,
    files: Vec<Entry>,
    complete: bool,
    failed: Vec<String>,
    text: Vec<u8>,
    headline: Option<String>,
    ticket_format: Option<String>,
    run: Option<ManifestRun>,
}

/// A file that a manifest names.
#[derive(Debug)]
pub struct ManifestFile<'a> {
    /// Its name in the manifest.
    pub name: &'a str,
    /// Its path from here.
    pub path: PathBuf,
    /// Its SHA-256 in hexadecimal digits.
    pub sha256: &'a str,
    /// Whether it is the journal.
    pub is_journal: bool,
    /// Whether it is one of the files of a CSV folder.
    pub in_folder: bool,
    entry: &'a Entry,
    manifest: &'a Manifest,
}

impl ManifestFile<'_> {
    /// Reads the file, and compares it with what the manifest says.
    pub fn finding(&self) -> Finding {
        self.manifest.check(&self.path, self.entry)
    }
}

/// The run of a manifest.
#[derive(Debug, Clone, Deserialize)]
pub struct ManifestRun {
    /// The endpoint.
    pub endpoint: String,
    /// When the run started, on the clock of the machine that fetched.
    pub started_at: Timestamp,
    /// When the run ended, on the clock of the machine that fetched.
    pub ended_at: Timestamp,
    /// Whether the run ended.
    pub finished: bool,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it is")]
pub enum ManifestError {
    #[error("{path}: {reason}", path = .path.display(), reason = io_advice(.source))]
    Io { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("{path} is not an evidence manifest: {what}; a manifest is named X.manifest.json", path = .path.display())]
    NoManifest { path: PathBuf, what: String },
    #[error(
        "{path} is a manifest of format {format}; this version reads format {FORMAT}, so use the one that wrote it",
        path = .path.display()
    )]
    Format { path: PathBuf, format: u64 },
}

impl ManifestError {
    /// Whether there is no file at its path.
    pub(super) fn is_missing(&self) -> bool {
        match self {
            Self::Io { source, .. } => source.kind() == ErrorKind::NotFound,
            Self::Storage(error) => error.fault == Fault::Missing,
            Self::NoManifest { .. } | Self::Format { .. } => false,
        }
    }
}

/// What became of a file since its manifest was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It is what it was.
    Same,
    /// It is not there.
    Missing,
    /// It is another; how, for people.
    Changed(String),
    /// It cannot be read; why, for people.
    Unreadable(String),
}

/// As much as tells a manifest from other documents, whatever its format.
#[derive(Deserialize)]
struct Glance {
    format: u64,
    #[serde(rename = "files")]
    _files: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct Document {
    complete: bool,
    files: Vec<Entry>,
    #[serde(default)]
    failed: Vec<String>,
    headline: Option<String>,
    settings: Option<SettingsPart>,
    run: Option<ManifestRun>,
}

/// The settings that matter to a reader.
#[derive(Deserialize)]
struct SettingsPart {
    ticket_format: Option<String>,
}

/// What a file is instead, if it is one of the outputs or the journal that a manifest names.
fn other_kind(path: &Path, content: &[u8]) -> Option<String> {
    let kind = if content.starts_with(b"PK\x03\x04") {
        "it is a workbook or an archive"
    } else if path.extension().is_some_and(|suffix| suffix == "jsonl") {
        "it is a journal"
    } else {
        return None;
    };
    let name = path.file_name()?.to_str()?;
    let stem = name.strip_suffix(".journal.jsonl").or_else(|| Some(name.rsplit_once('.')?.0))?;
    let manifest = path.with_file_name(format!("{stem}.manifest.json"));
    let named = if manifest.is_file() { format!("; verify {}", manifest.display()) } else { String::new() };
    Some(format!("{kind}{named}"))
}

impl Manifest {
    /// Reads the manifest at `path`. What it names in object storage is asked of `storage`.
    ///
    /// # Errors
    /// [`ManifestError`]; also for a manifest that names no file, or names one in a way in which none
    /// is ever written.
    pub fn read(path: &Path, storage: &Storage) -> Result<Self, ManifestError> {
        let no_manifest = |what: String| ManifestError::NoManifest { path: path.to_owned(), what };
        let mut text = Vec::new();
        File::open(storage.fetch(path)?.local)
            .and_then(|file| file.take(MAX_SIZE + 1).read_to_end(&mut text))
            .map_err(|source| ManifestError::Io { path: path.to_owned(), source })?;
        if text.len() > usize::try_from(MAX_SIZE).unwrap_or(usize::MAX) {
            return Err(no_manifest("it is too large for a manifest".to_owned()));
        }
        if let Some(what) = other_kind(path, &text) {
            return Err(no_manifest(what));
        }
        let Glance { format, .. } =
            serde_json::from_slice(&text).map_err(|error| no_manifest(error.to_string()))?;
        if format != FORMAT {
            return Err(ManifestError::Format { path: path.to_owned(), format });
        }
        let Document { complete, files, failed, headline, settings, run } =
            serde_json::from_slice(&text).map_err(|error| no_manifest(error.to_string()))?;
        if files.is_empty() && failed.is_empty() {
            return Err(no_manifest("it names no file".to_owned()));
        }
        let mut names = HashSet::new();
        for Entry { path: name, sha256, .. } in &files {
            if !is_sound(name) {
                return Err(no_manifest(format!("it lists an invalid path {name:?}")));
            }
            if !names.insert(name) {
                return Err(no_manifest(format!("it lists {name:?} twice")));
            }
            if !is_sha256(sha256) {
                return Err(no_manifest(format!("the sha256 of {name:?} is not 64 lower-case digits")));
            }
        }
        let (storage, folder) = (storage.clone(), folder_of(path).to_owned());
        let ticket_format = settings.and_then(|settings| settings.ticket_format);
        Ok(Self { storage, folder, files, complete, failed, text, headline, ticket_format, run })
    }

    /// The document as it was read, byte for byte.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The SHA-256 of the document.
    pub fn sha256(&self) -> [u8; 32] {
        use std::io::Write as _;
        let mut fingerprint = Fingerprint::default();
        // Writing to a digest cannot fail.
        let _ = fingerprint.write_all(&self.text);
        fingerprint.finish().0
    }

    /// The status and its numbers, in words.
    pub fn headline(&self) -> Option<&str> {
        self.headline.as_deref()
    }

    /// The markup of the texts for tickets, by its key.
    pub fn ticket_format(&self) -> Option<&str> {
        self.ticket_format.as_deref()
    }

    /// The run; none if the manifest does not say.
    pub fn run(&self) -> Option<&ManifestRun> {
        self.run.as_ref()
    }

    /// The files, unchecked.
    pub fn files(&self) -> impl Iterator<Item = ManifestFile<'_>> {
        self.files.iter().map(|entry| ManifestFile {
            name: &entry.path,
            path: self.at(&entry.path),
            sha256: &entry.sha256,
            is_journal: entry.role == Role::Journal,
            in_folder: entry.in_folder,
            entry,
            manifest: self,
        })
    }

    /// The files, each with its path from here and what became of it. Each is read when its turn comes.
    pub fn findings(&self) -> impl Iterator<Item = (PathBuf, Finding)> {
        self.files().map(|file| {
            let finding = file.finding();
            (file.path, finding)
        })
    }

    /// The outputs that the run could not write, by their paths from here.
    pub fn failed(&self) -> impl Iterator<Item = PathBuf> {
        self.failed.iter().map(|name| self.at(name))
    }

    /// Whether the run could write all its outputs.
    pub fn is_complete(&self) -> bool {
        self.complete && self.failed.is_empty()
    }

    fn check(&self, path: &Path, entry: &Entry) -> Finding {
        match self.storage.fetch(path) {
            Ok(file) => {
                let finding = check(&file.local, entry);
                if is_remote(path) {
                    // One copy at a time; what cannot be removed now goes with the program's end.
                    let _ = std::fs::remove_file(&file.local);
                }
                finding
            }
            Err(error) if error.fault == Fault::Missing => Finding::Missing,
            Err(error) => Finding::Unreadable(error.what),
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        let name = Path::new(name);
        if is_remote(name) || self.folder == Path::new(".") {
            return name.to_owned();
        }
        if !is_remote(&self.folder) || name.is_absolute() {
            return self.folder.join(name);
        }
        // A key has no steps back.
        name.components().fold(self.folder.clone(), |place, step| match step {
            Component::ParentDir => place.parent().unwrap_or(&place).to_owned(),
            step => place.join(step),
        })
    }
}

/// Whether a manifest could name a file so: up first, then down, or from the root, or as an object.
fn is_sound(name: &str) -> bool {
    if let Some(object) = name.strip_prefix("s3://") {
        return object.contains('/') && object.split('/').all(|step| !matches!(step, "" | "." | ".."));
    }
    let steps = name.strip_prefix('/').unwrap_or(name).split('/');
    let down: Vec<&str> = steps.skip_while(|step| !name.starts_with('/') && *step == "..").collect();
    !down.is_empty() && down.iter().all(|step| !matches!(*step, "" | "." | ".."))
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn check(path: &Path, entry: &Entry) -> Finding {
    let look = || -> io::Result<Finding> {
        // A pipe would be waited for, and a device has no end.
        let metadata = std::fs::metadata(path)?;
        if !metadata.is_file() {
            return Ok(Finding::Changed("it is not a regular file any more".to_owned()));
        }
        if metadata.len() != entry.size {
            return Ok(Finding::Changed(format!("{} bytes instead of {}", metadata.len(), entry.size)));
        }
        let mut fingerprint = Fingerprint::default();
        io::copy(&mut File::open(path)?.take(entry.size.saturating_add(1)), &mut fingerprint)?;
        let (sha256, size) = fingerprint.finish();
        let sha256 = hex::encode(sha256);
        Ok(if size == entry.size && sha256 == entry.sha256 {
            Finding::Same
        } else {
            Finding::Changed(format!("SHA-256 {sha256} instead of {}", entry.sha256))
        })
    };
    look().unwrap_or_else(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Finding::Missing,
        _ => Finding::Unreadable(io_reason(&error)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_goes_up_first_and_then_down() {
        for name in ["a", "a/b.csv", "../a", "../../a/b", "/srv/a.csv", "ä b/…", "...", "s3://b/a/c.csv"] {
            assert!(is_sound(name), "{name}");
        }
        let odd = [
            "",
            ".",
            "..",
            "/",
            "s3://",
            "s3://b",
            "s3://b/../a",
            "../..",
            "a/../b",
            "../a/../b",
            "/a/../b",
            "a//b",
            "//host/a",
            "a/",
            "./a",
        ];
        for name in odd {
            assert!(!is_sound(name), "{name}");
        }
    }
}
