//! What each task's details show, as the data block `#details` that the page's script reads.
//!
//! It has a line of JSON per task, of which the script parses only those that somebody opens.

use std::io::Write;

use serde::Serialize;

use super::escape;
use crate::model::{DirectoryCheck, Verification};
use crate::output::error::Cause;
use crate::report::{Report, SummaryRow};

/// The directory rows of a report above which only those with differences are in the page.
const MAX_DIRECTORIES: u64 = 400_000;
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

/// What a task's details show.
#[derive(Serialize)]
struct Details<'a> {
    /// Name, total, different, missing, redundant.
    directories: Vec<(&'a str, u64, u64, u64, u64)>,
    /// Directories without differences that are not in the page.
    left_out: usize,
    earlier: Vec<String>,
    facts: Vec<(&'a str, String)>,
}

/// Writes the block `#details`.
pub(super) fn write(report: &Report<'_>, directories: Directories, to: &mut dyn Write) -> Result<(), Cause> {
    writeln!(to, "<script type=\"text/plain\" id=\"details\">")?;
    for (place, row) in report.rows().iter().enumerate() {
        let verifications = report.verifications(place)?;
        let details = details(report, row, &verifications, directories);
        writeln!(to, "{}", escape::json(&serde_json::to_string(&details)?))?;
    }
    writeln!(to, "</script>")?;
    Ok(())
}

fn details<'a>(
    report: &Report<'_>,
    row: &'a SummaryRow<'_>,
    verifications: &'a [Verification],
    directories: Directories,
) -> Details<'a> {
    let language = report.options().language;
    let decisive = row.decisive.and_then(|place| verifications.get(place));
    let checks: &[DirectoryCheck] = decisive.map_or(&[], |verification| &verification.directories);
    let shown = checks.iter().filter(|check| directories == Directories::All || !check.is_consistent());
    let directories: Vec<_> = shown
        .map(|check| (check.directory.as_str(), check.total, check.different, check.missing, check.redundant))
        .collect();
    let earlier = verifications.iter().enumerate().filter(|(place, _)| Some(*place) != row.decisive);
    let facts = [
        ("Check result", row.check_result.clone()),
        ("Error code", row.error_code.clone()),
        ("Error message", row.error_message.clone()),
        ("Request ID", row.request_id.clone()),
        ("Response shape", row.shape.map(|shape| shape.key().to_owned())),
        ("Attempts", (row.attempts > 1).then(|| row.attempts.to_string())),
    ];
    Details {
        left_out: checks.len() - directories.len(),
        directories,
        earlier: earlier
            .take(MAX_EARLIER)
            .map(|(_, verification)| earlier_text(report, verification))
            .collect(),
        facts: facts
            .into_iter()
            .filter_map(|(name, value)| Some((language.text(name), value.filter(|value| !value.is_empty())?)))
            .collect(),
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
