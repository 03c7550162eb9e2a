//! Names and first lines of journal files.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Whether a path has the suffix of journals, `.jsonl`.
pub(super) fn has_journal_suffix(path: &Path) -> bool {
    path.extension().is_some_and(|suffix| suffix == "jsonl")
}

/// The first line of a file; none if it cannot be read.
pub(super) fn first_line(path: &Path) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    BufReader::new(File::open(path).ok()?).read_until(b'\n', &mut line).ok()?;
    Some(line)
}
