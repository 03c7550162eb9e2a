//! A report as one page for a browser: `X.html`.
//!
//! Status, counts, groups and the tasks that do not pass are plain HTML that reads without script. The script adds the
//! table of all tasks from its data, the [rows](data) and their [details](details). The page loads nothing.

mod data;
mod details;
mod environment;
mod escape;
mod history;
mod page;
mod script;
mod words;

use std::io::Write;
use std::path::Path;

use crate::fs::Written;
use crate::output::error::{self, Cause, OutputError};
use crate::output::parts::{Limits, Size};
use crate::report::Report;
use details::Directories;
use script::SCRIPT;

pub(super) use history::write as write_history;

/// Writes the page of `report` to the file at `path`. A page cannot be split: one that is larger than `limits` allow
/// leaves out the directories without differences.
///
/// # Errors
/// The file cannot be written, the journal cannot be read, or the page is still too large.
pub(super) fn write(report: &Report<'_>, path: &Path, limits: &Limits) -> Result<Written, OutputError> {
    error::write_file(path, |file| {
        let mut directories = Directories::of(report);
        if limits.max_bytes.is_some() {
            if !limits.allow(size(report, directories)?) {
                directories = Directories::Differing;
            }
            let advice = ", or select tasks with --only not-passing or --where";
            limits.check(size(report, directories)?, || "the page".to_owned(), advice)?;
        }
        write_to(report, directories, file)
    })
}

fn size(report: &Report<'_>, directories: Directories) -> Result<u64, Cause> {
    let mut size = Size::default();
    write_to(report, directories, &mut size)?;
    Ok(size.0)
}

fn write_to(report: &Report<'_>, directories: Directories, to: &mut dyn Write) -> Result<(), Cause> {
    to.write_all(page::render(report)?.as_bytes())?;
    data::write_rows(report, to)?;
    details::write(report, directories, to)?;
    Ok(write!(to, "<script>{SCRIPT}</script>\n</body>\n</html>\n")?)
}
