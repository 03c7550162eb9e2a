//! The folder as an archive, or as several if one would be too large.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

use zip::ZipArchive;

use super::cut::{copy, cut};
use super::file_names::{claim, remove};
use super::subject::Subject;
use crate::fs::{AtomicFile, Written};
use crate::fs::{Sealed, directory_of, place_all};
use crate::output::error::{Cause, OutputError};
use crate::output::options::FileOptions;
use crate::output::parts::{Limits, Size, part_path, remove_others};
use crate::output::zip_writer::ZipWriter;
use crate::report::Report;

/// The level of the compression.
const COMPRESSION: u32 = 6;

/// A file of an archive, and the ranges of the spool that make it up, in order.
struct Entry {
    name: String,
    stretches: [Range<u64>; 2],
}

/// Writes the archive, in parts if need be, and gives its files.
pub(in crate::output) fn write(
    report: &Report<'_>,
    path: &Path,
    options: &FileOptions,
) -> Result<Vec<Written>, OutputError> {
    let written = place_all(make(report, path, options).map_err(OutputError::at(path))?)?;
    if written.iter().all(|file| file.path != path) && is_ours(path) {
        remove(path)?;
    }
    remove_others(path, &written, is_ours)?;
    Ok(written)
}

/// The archives, complete but not yet renamed to their paths.
fn make(report: &Report<'_>, path: &Path, options: &FileOptions) -> Result<Vec<Sealed>, Cause> {
    let mut file = AtomicFile::create(path)?;
    let folder = directory_of(path);
    let mut archive = ZipWriter::new(&mut file, COMPRESSION, folder);
    for subject in Subject::all(report) {
        archive.start_file(subject.file(report))?;
        subject.fill(report, &mut archive, options)?;
    }
    archive.finish()?;
    if options.limits.allow(file.size()) {
        return Ok(vec![file.seal()?]);
    }
    drop(file);
    // --max-bytes applies to the unpacked files as well, so an archive in parts holds tables in parts.
    let mut spool = tempfile::tempfile_in(folder)?;
    let entries = spool_entries(report, &mut spool, options)?;
    let parts = divide(&spool, &entries, &options.limits, folder)?;
    let mut files = Vec::new();
    for (number, entries) in (1..).zip(parts) {
        let mut file = AtomicFile::create(&part_path(path, number))?;
        pack(&spool, entries, &mut file, folder)?;
        options.limits.check(file.size(), || format!("part {number}"), "")?;
        files.push(file.seal()?);
    }
    Ok(files)
}

/// Writes all tables to the spool, one after the other, and returns the files to make of them.
fn spool_entries(report: &Report<'_>, spool: &mut File, options: &FileOptions) -> Result<Vec<Entry>, Cause> {
    let mut names = HashSet::new();
    let mut entries = Vec::new();
    for subject in Subject::all(report) {
        let name = subject.file(report);
        let start = spool.stream_position()?;
        let mut writer = io::BufWriter::with_capacity(1 << 16, &mut *spool);
        subject.fill(report, &mut writer, options)?;
        writer.flush()?;
        drop(writer);
        let end = spool.stream_position()?;
        if options.limits.allow(end - start) {
            claim(&mut names, &name)?;
            entries.push(Entry { name, stretches: [start..end, end..end] });
            continue;
        }
        spool.seek(SeekFrom::Start(start))?;
        let cut = cut(&mut *spool, &options.limits)?;
        spool.seek(SeekFrom::Start(end))?;
        for (number, rows) in (1..).zip(cut.parts) {
            let name = part_path(Path::new(&name), number).to_string_lossy().into_owned();
            claim(&mut names, &name)?;
            let from_start = |range: &Range<u64>| start + range.start..start + range.end;
            entries.push(Entry { name, stretches: [from_start(&cut.headings), from_start(&rows)] });
        }
    }
    Ok(entries)
}

/// The entries of each archive: as many, in their order, as the limits allow.
fn divide<'e>(
    spool: &File,
    entries: &'e [Entry],
    limits: &Limits,
    folder: &Path,
) -> Result<Vec<&'e [Entry]>, Cause> {
    let size_of = |entries: &[Entry]| -> Result<u64, Cause> {
        let mut size = Size::default();
        pack(spool, entries, &mut size, folder)?;
        Ok(size.0)
    };
    // What an archive takes beside its entries; each entry takes the same whatever the others are.
    let empty = size_of(&[])?;
    let mut parts = Vec::new();
    let (mut first, mut size) = (0, empty);
    for (place, entry) in entries.iter().enumerate() {
        let alone = size_of(std::slice::from_ref(entry))?;
        limits.check(alone, || entry.name.clone(), "")?;
        if !limits.allow(size + alone - empty) {
            parts.extend(entries.get(first..place));
            (first, size) = (place, empty);
        }
        size += alone - empty;
    }
    parts.extend(entries.get(first..));
    Ok(parts)
}

fn pack(spool: &File, entries: &[Entry], to: &mut dyn Write, folder: &Path) -> Result<(), Cause> {
    let mut archive = ZipWriter::new(to, COMPRESSION, folder);
    for Entry { name, stretches } in entries {
        archive.start_file(name.as_str())?;
        for stretch in stretches {
            copy(spool, stretch, &mut archive)?;
        }
    }
    Ok(archive.finish()?)
}

/// Whether a file is an archive of a report, and may be removed.
fn is_ours(path: &Path) -> bool {
    let Some(archive) = File::open(path).ok().and_then(|file| ZipArchive::new(file).ok()) else {
        return false;
    };
    let is_ours = |name: &str| {
        let starts = ["summary.", "results.", "reconciliation.", "tasks/"];
        name.ends_with(".csv") && starts.iter().any(|start| name.starts_with(start))
    };
    !archive.is_empty() && archive.file_names().all(|name| name.is_ok_and(|name| is_ours(&name)))
}
