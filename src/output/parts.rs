//! Outputs in several files, because one would hold too much: `X.part-001.xlsx` and so on.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crate::fs::Written;
use crate::fs::directory_of;
use crate::output::error::{Cause, OutputError};

/// How much one file may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The task sheets of a workbook.
    pub max_sheets: NonZeroUsize,
    /// The bytes of a workbook, an archive or a CSV file; none for any number.
    pub max_bytes: Option<u64>,
}

impl Limits {
    /// Whether a file may have this many bytes.
    pub fn allow(&self, size: u64) -> bool {
        self.max_bytes.is_none_or(|limit| size <= limit)
    }

    /// The error for something that cannot be divided further, if it is larger than a file may be.
    pub(super) fn check(
        &self,
        size: u64,
        what: impl FnOnce() -> String,
        advice: &'static str,
    ) -> Result<(), Cause> {
        match self.max_bytes {
            Some(limit) if size > limit => Err(Cause::TooLarge { what: what(), size, limit, advice }),
            _ => Ok(()),
        }
    }
}

/// Any number of sheets and bytes.
impl Default for Limits {
    fn default() -> Self {
        Self { max_sheets: NonZeroUsize::MAX, max_bytes: None }
    }
}

/// Where a part of the output at `whole` stands; `number` counts from 1.
pub(super) fn part_path(whole: &Path, number: usize) -> PathBuf {
    let mut name = whole.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".part-{number:03}"));
    if let Some(suffix) = whole.extension() {
        name.push(".");
        name.push(suffix);
    }
    whole.with_file_name(name)
}

/// Whether `path` is where a part of the output at `whole` would stand.
pub fn is_part_of(path: &Path, whole: &Path) -> bool {
    let name = |path: &Path| path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    let number = name(path).and_then(|name| {
        let (_, after) = name.rsplit_once(".part-")?;
        let digits = after.split_once('.').map_or(after, |(digits, _)| digits);
        digits.parse().ok()
    });
    // `+7` and `0007` are numbers too, but not as they are written here.
    number.is_some_and(|number| number > 0 && path == part_path(whole, number))
}

/// Removes the parts of `whole` that an earlier run wrote and this one did not, so that they do not pass for its
/// results; only files for which `is_ours` is true.
pub(super) fn remove_others(
    whole: &Path,
    written: &[Written],
    is_ours: impl Fn(&Path) -> bool,
) -> Result<(), OutputError> {
    for path in existing_parts(whole)? {
        let is_current = || written.iter().any(|file| file.path == path);
        if !is_current() && is_ours(&path) {
            std::fs::remove_file(&path).map_err(OutputError::at(&path))?;
        }
    }
    Ok(())
}

/// The files that may be parts of `whole`, by their names.
fn existing_parts(whole: &Path) -> Result<Vec<PathBuf>, OutputError> {
    let directory = directory_of(whole);
    let entries = match std::fs::read_dir(directory) {
        // A folder that may be written and not listed: parts are numbered without gaps.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let paths = (1..).map(|number| part_path(whole, number));
            return Ok(paths.take_while(|path| path.symlink_metadata().is_ok()).collect());
        }
        entries => entries.map_err(OutputError::at(directory))?,
    };
    let mut parts = Vec::new();
    for entry in entries {
        let path = whole.with_file_name(entry.map_err(OutputError::at(directory))?.file_name());
        if is_part_of(&path, whole) {
            parts.push(path);
        }
    }
    Ok(parts)
}

/// Takes the size of what is written to it.
#[derive(Debug, Default)]
pub(super) struct Size(pub(super) u64);

impl Write for Size {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_known_by_their_names() {
        let whole = Path::new("out/wave.3.xlsx");
        assert_eq!(part_path(whole, 1), Path::new("out/wave.3.part-001.xlsx"));
        assert_eq!(part_path(whole, 1234), Path::new("out/wave.3.part-1234.xlsx"));
        for (path, expected) in [
            ("out/wave.3.part-001.xlsx", true),
            ("out/wave.3.part-1234.xlsx", true),
            ("out/wave.3.part-000.xlsx", false),
            ("out/wave.3.part-0001.xlsx", false),
            ("out/wave.3.part-01.xlsx", false),
            ("out/wave.3.part-+01.xlsx", false),
            ("out/wave.3.part-001.csv", false),
            ("out/wave.part-001.xlsx", false),
            ("wave.3.part-001.xlsx", false),
            ("out/wave.3.xlsx", false),
        ] {
            assert_eq!(is_part_of(Path::new(path), whole), expected, "{path}");
        }
    }
}
