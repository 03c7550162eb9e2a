//! What each task's details show, as the data blocks `#details` and `#names` that the page's script reads.
//!
//! `#details` has a line of JSON per task, of which the script parses only those that somebody opens. `#names` is a list
//! of the directories' names, to which the lines refer: most directories have the same name on many servers.

use std::collections::HashMap;
use std::io::Write;

use serde::{Serialize, Serializer};

use super::data::column;
use super::escape;
use crate::model::{DirectoryCheck, Verification};
use crate::output::error::Cause;
use crate::report::{Report, SummaryRow};

/// The directory rows of a report above which only those with differences are in the page.
const MAX_DIRECTORIES: u64 = 400_000;
/// The most names in the list, which is in memory; further names are in the lines.
const MAX_NAMES: usize = 10_000;
/// The most earlier verifications that a task's details name.
const MAX_EARLIER: usize = 20;

/// Which directories the details name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Directories {
    All,
    /// Those with differences.
    Differing,
}

impl Directories {
    /// All if there are not too many of them.
    pub(super) fn of(report: &Report<'_>) -> Self {
        let totals = report.rows().iter().filter_map(|row| row.totals);
        if totals.map(|totals| totals.directories).sum::<u64>() > MAX_DIRECTORIES {
            Self::Differing
        } else {
            Self::All
        }
    }
}

/// What a task's details show. What is empty is left out.
#[derive(Serialize)]
struct Details<'a> {
    directories: Vec<Directory<'a>>,
    /// Directories without differences that are not in the page.
    #[serde(skip_serializing_if = "is_zero")]
    left_out: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    earlier: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    check_result: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shape: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<String>,
    attempts: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// A directory: name, total, and, unless all are zero, different, missing and redundant.
struct Directory<'a> {
    name: Name<'a>,
    check: &'a DirectoryCheck,
}

impl Serialize for Directory<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { name, check } = self;
        if check.is_consistent() {
            (name, check.total).serialize(serializer)
        } else {
            (name, check.total, check.different, check.missing, check.redundant).serialize(serializer)
        }
    }
}

/// A name itself, or its index in the list of names.
#[derive(Serialize)]
#[serde(untagged)]
enum Name<'a> {
    Itself(&'a str),
    Index(usize),
}

/// The names that lines refer to, and the index of each.
#[derive(Default)]
struct Names(HashMap<String, usize>);

impl Names {
    fn of<'a>(&mut self, name: &'a str) -> Name<'a> {
        match self.0.get(name) {
            Some(index) => Name::Index(*index),
            None if self.0.len() < MAX_NAMES => {
                let index = self.0.len();
                self.0.insert(name.to_owned(), index);
                Name::Index(index)
            }
            None => Name::Itself(name),
        }
    }

    fn list(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.0.iter().collect();
        names.sort_unstable_by_key(|(_, index)| **index);
        names.into_iter().map(|(name, _)| name.as_str()).collect()
    }
}

/// Writes both blocks.
pub(super) fn write(report: &Report<'_>, directories: Directories, to: &mut dyn Write) -> Result<(), Cause> {
    let mut names = Names::default();
    writeln!(to, "<script type=\"text/plain\" id=\"details\">")?;
    for (index, row) in report.rows().iter().enumerate() {
        let verifications = report.verifications(index)?;
        let details = details(report, row, &verifications, directories, &mut names);
        writeln!(to, "{}", escape::json(&serde_json::to_string(&details)?))?;
    }
    write!(to, "</script>\n<script type=\"application/json\" id=\"names\">{{")?;
    column(to, "names", names.list().into_iter())?;
    Ok(writeln!(to, "}}</script>")?)
}

fn details<'a>(
    report: &Report<'_>,
    row: &'a SummaryRow<'_>,
    verifications: &'a [Verification],
    directories: Directories,
    names: &mut Names,
) -> Details<'a> {
    let decisive = row.decisive.and_then(|index| verifications.get(index));
    let checks: &[DirectoryCheck] = decisive.map_or(&[], |verification| &verification.directories);
    let shown = checks.iter().filter(|check| directories == Directories::All || !check.is_consistent());
    let directories: Vec<_> =
        shown.map(|check| Directory { name: names.of(&check.directory), check }).collect();
    let earlier = verifications.iter().enumerate().filter(|(index, _)| Some(*index) != row.decisive);
    Details {
        left_out: checks.len() - directories.len(),
        directories,
        earlier: earlier
            .take(MAX_EARLIER)
            .map(|(_, verification)| earlier_text(report, verification))
            .collect(),
        check_result: row.check_result.as_deref(),
        error_code: row.error_code.as_deref(),
        error_message: row.error_message.as_deref(),
        request_id: row.request_id.as_deref(),
        shape: row.shape.map(|shape| shape.key()),
        context: row
            .context
            .as_ref()
            .and_then(|context| context.line(report.options().language, &report.options().timezone)),
        attempts: row.attempts,
    }
}

/// As in `2026-11-26 14:47:37, success: 3 different, 18 missing, 4 redundant`.
fn earlier_text(report: &Report<'_>, verification: &Verification) -> String {
    let language = report.options().language;
    let time = verification.finished.map(|time| report.options().timezone.plain(time));
    let time = time.unwrap_or_else(|| language.text("no finished time").to_owned());
    let result = verification.check_result.clone().unwrap_or_default();
    let totals = verification.totals();
    let counts = language.fill(
        "{0} different, {1} missing, {2} redundant",
        &[&totals.different, &totals.missing, &totals.redundant],
    );
    let start: Vec<String> = [time, result].into_iter().filter(|text| !text.is_empty()).collect();
    language.fill("{0}: {1}", &[&start.join(language.comma()), &counts])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_list_are_written_in_the_lines() {
        let mut names = Names::default();
        for n in 0..MAX_NAMES {
            assert!(matches!(names.of(&format!("/{n}")), Name::Index(index) if index == n));
        }
        assert!(matches!(names.of("/7"), Name::Index(7)));
        assert!(matches!(names.of("/more"), Name::Itself("/more")));
        assert_eq!((names.list().len(), names.list().last()), (MAX_NAMES, Some(&"/9999")));
    }
}
