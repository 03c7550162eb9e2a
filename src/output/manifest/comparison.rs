//! The manifest of a comparison, so that its files can be delivered.

use std::io;
use std::path::Path;

use serde::Serialize;

use super::check::Manifest;
use super::entry::{Entry, FORMAT, Role, text_of};
use super::names::name_from;
use super::signature;
use crate::fs::Written;
use crate::journal::Journal;
use crate::model::{Markup, TOOL};
use crate::output::error::{Cause, OutputError};
use crate::report::Diff;
use crate::storage::Storage;

/// Checks that a comparison may write its manifest to `path`: no manifest of a run is there, which is evidence.
///
/// # Errors
/// [`OutputError`] when there is one, or when that cannot be known.
pub fn check_comparison_manifest(path: &Path, storage: &Storage) -> Result<(), OutputError> {
    let what = match Manifest::read(path, storage) {
        Ok(manifest) if manifest.run().is_none() => return Ok(()),
        Err(error) if error.is_missing() => return Ok(()),
        Ok(_) => "it is the manifest of a run".to_owned(),
        Err(error) => format!("it may be the manifest of a run: {error}"),
    };
    let what = format!("{what}; choose another name for the first output of the comparison");
    Err(OutputError::at(path)(io::Error::new(io::ErrorKind::AlreadyExists, what)))
}

/// Writes the manifest of a comparison of `journals`, the older one first, to `path`, as
/// [`check_comparison_manifest`] allows. `files` are all its outputs. A manifest with the same content stays as it is.
///
/// # Errors
/// [`OutputError`].
pub fn write_comparison_manifest(
    diff: &Diff<'_>,
    journals: [&Journal; 2],
    files: &[Written],
    path: &Path,
    storage: &Storage,
) -> Result<(), OutputError> {
    check_comparison_manifest(path, storage)?;
    let text = text(diff, journals, files, path).map_err(OutputError::at(path))?;
    // Its signature stays too.
    if Manifest::read(path, storage).is_ok_and(|manifest| manifest.text() == text) {
        return Ok(());
    }
    signature::write_signed(path, &text, None, storage)
}

fn text(
    diff: &Diff<'_>,
    [old, new]: [&Journal; 2],
    files: &[Written],
    path: &Path,
) -> Result<Vec<u8>, Cause> {
    let options = diff.now().options();
    let compared = |journal: &Journal| -> io::Result<ComparedJournal> {
        let (sha256, _) = journal.digest()?;
        Ok(ComparedJournal { name: name_from(path, journal.path())?, sha256: hex::encode(sha256) })
    };
    let entry = |file: &Written| -> io::Result<Entry> {
        Ok(Entry::new(name_from(path, &file.path)?, file.size, &file.sha256, Role::Output))
    };
    Ok(text_of(&Document {
        format: FORMAT,
        tool: TOOL,
        complete: true,
        sample_data: diff.is_sample(),
        headline: diff.headline(options.language),
        compared: Compared { old: compared(old)?, new: compared(new)? },
        settings: Settings {
            timezone: options.timezone.name(),
            language: options.language.key(),
            ticket_format: Markup::Markdown.key(),
        },
        files: files.iter().map(entry).collect::<io::Result<_>>()?,
    })?)
}

#[derive(Serialize)]
struct Document<'a> {
    format: u64,
    tool: &'static str,
    complete: bool,
    sample_data: bool,
    headline: String,
    compared: Compared,
    settings: Settings<'a>,
    files: Vec<Entry>,
}

#[derive(Serialize)]
struct Compared {
    old: ComparedJournal,
    new: ComparedJournal,
}

#[derive(Serialize)]
struct ComparedJournal {
    /// Its path from the manifest's folder.
    name: String,
    sha256: String,
}

#[derive(Serialize)]
struct Settings<'a> {
    timezone: &'a str,
    language: &'static str,
    ticket_format: &'static str,
}
