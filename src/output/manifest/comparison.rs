//! The manifest of a comparison, so that its files can be delivered.

use std::io;
use std::path::Path;

use serde::Serialize;

use super::check::Manifest;
use super::entry::{Entry, FORMAT, Role};
use super::names::name_from;
use super::{signature, text_of};
use crate::fs::Written;
use crate::journal::Journal;
use crate::model::{Markup, TOOL};
use crate::output::error::{Cause, OutputError};
use crate::report::Diff;
use crate::storage::Storage;

/// Writes the manifest of a comparison of `journals`, the older one first, to `path`. `files` are all its outputs.
///
/// # Errors
/// [`OutputError`]; also when the file at `path` is the manifest of a run, which is evidence.
pub fn write_comparison_manifest(
    diff: &Diff<'_>,
    journals: [&Journal; 2],
    files: &[Written],
    path: &Path,
    storage: &Storage,
) -> Result<(), OutputError> {
    let is_of_run = Manifest::read(path, storage).is_ok_and(|manifest| manifest.run().is_some());
    if is_of_run {
        let what = "it is the manifest of a run; choose another name for the first output of the comparison";
        return Err(OutputError::at(path)(io::Error::new(io::ErrorKind::AlreadyExists, what)));
    }
    let text = text(diff, journals, files, path).map_err(OutputError::at(path))?;
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
