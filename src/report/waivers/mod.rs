//! Waivers: differences that somebody has accepted, and why.

mod read;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use globset::GlobMatcher;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::{DetailRow, Zone};
use crate::model::{DirectoryCheck, Language, Place, Task, Verification};

pub use read::WaiversError;

/// The waivers of a file, in its order.
#[derive(Debug, Clone)]
pub struct Waivers {
    file: String,
    waivers: Vec<Arc<Waiver>>,
}

impl Waivers {
    /// Reads `text`, the content of the TOML file `path`. Dates and times without a zone are in `zone`.
    ///
    /// # Errors
    /// [`WaiversError`] with everything that is wrong.
    pub fn parse(path: &Path, text: &str, zone: &Zone) -> Result<Self, WaiversError> {
        let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let waivers = read::read(path, text, zone)?.into_iter().map(Arc::new).collect();
        Ok(Self { file, waivers })
    }

    /// The file's name, without folders.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// What the user should know although it is no fault: waivers that can cover nothing.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        let idle = self.waivers.iter().filter(|waiver| waiver.allows_nothing());
        idle.map(|waiver| {
            format!(
                "{}: this waiver covers nothing: none of max_different, max_missing and max_redundant is above 0",
                waiver.place
            )
        })
    }

    /// The waivers for `task`, those expired at `as_of` apart.
    pub(super) fn of_task(&self, task: &Task, as_of: Timestamp) -> TaskWaivers<'_> {
        let waivers = self.waivers.iter().filter(|waiver| waiver.is_for(task));
        let (expired, in_force) = waivers.partition(|waiver| waiver.is_expired(as_of));
        TaskWaivers { in_force, expired }
    }

    /// All of them, with no row covered yet.
    pub(super) fn uses(&self, as_of: Timestamp) -> Vec<WaiverUse> {
        let unused = |waiver: &Arc<Waiver>| WaiverUse {
            waiver: Arc::clone(waiver),
            expired: waiver.is_expired(as_of),
            rows: 0,
        };
        self.waivers.iter().map(unused).collect()
    }
}

/// Differences that are accepted: at most so many files, where the globs match. Unit: files.
#[derive(Debug, Serialize)]
pub struct Waiver {
    #[serde(skip)]
    place: Place,
    task: Option<Pattern>,
    directory: Option<Pattern>,
    max_different: u64,
    max_missing: u64,
    max_redundant: u64,
    /// Why the differences are accepted; never blank.
    pub reason: String,
    /// Who accepted them.
    pub owner: Option<String>,
    /// Where that is written down.
    pub ticket: Option<String>,
    /// Until when; none for good.
    pub expires: Option<Expiry>,
}

impl Waiver {
    /// Where it stands in its file.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The reason, and who accepted it where and until when, as in
    /// `cache files (J. Doe, CHG-17, until 2026-12-01)`.
    pub fn text(&self, language: Language) -> String {
        let until = self.expires.as_ref().map(|expires| language.fill("until {0}", &[expires]));
        let details: Vec<String> =
            [self.owner.clone(), self.ticket.clone(), until].into_iter().flatten().collect();
        if details.is_empty() {
            return self.reason.clone();
        }
        language.fill("{0} ({1})", &[&self.reason, &details.join(language.comma())])
    }

    fn allows_nothing(&self) -> bool {
        self.max_different == 0 && self.max_missing == 0 && self.max_redundant == 0
    }

    fn is_expired(&self, as_of: Timestamp) -> bool {
        self.expires.as_ref().is_some_and(|expires| as_of >= expires.end)
    }

    fn is_for(&self, task: &Task) -> bool {
        self.task.as_ref().is_none_or(|pattern| {
            pattern.matches(task.task_id.as_str())
                || task.source_name.as_deref().is_some_and(|name| pattern.matches(name))
        })
    }

    /// Whether each of the directory's counts is within its bound, and known to be all there is.
    fn covers(&self, check: &DirectoryCheck) -> bool {
        let within = |count: u64, max: u64| count <= max && !DirectoryCheck::SATURATED.contains(&count);
        self.directory.as_ref().is_none_or(|pattern| pattern.matches(&check.directory))
            && within(check.different, self.max_different)
            && within(check.missing, self.max_missing)
            && within(check.redundant, self.max_redundant)
    }
}

/// A glob in which `*` stands for anything, slashes included, and a backslash for itself.
#[derive(Debug)]
struct Pattern {
    text: String,
    matcher: GlobMatcher,
}

impl Pattern {
    fn new(text: &str) -> Result<Self, globset::Error> {
        let glob =
            globset::GlobBuilder::new(text).literal_separator(false).backslash_escape(false).build()?;
        Ok(Self { text: text.to_owned(), matcher: glob.compile_matcher() })
    }

    fn matches(&self, text: &str) -> bool {
        self.matcher.is_match(text)
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// The end of a waiver, shown as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    text: String,
    /// The first moment at which the waiver no longer counts.
    end: Timestamp,
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Expiry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// The waivers for one task; by default none.
#[derive(Debug, Default)]
pub(super) struct TaskWaivers<'w> {
    in_force: Vec<&'w Arc<Waiver>>,
    expired: Vec<&'w Arc<Waiver>>,
}

impl<'w> TaskWaivers<'w> {
    /// The first waiver that covers all differences of the directory. A verification that did not
    /// succeed is never waived.
    pub(super) fn covering(
        &self,
        verification: &Verification,
        check: &DirectoryCheck,
    ) -> Option<&'w Arc<Waiver>> {
        first(&self.in_force, verification, check)
    }

    /// The first waiver that would cover them, had it not expired; none if another covers them.
    pub(super) fn expired(
        &self,
        verification: &Verification,
        check: &DirectoryCheck,
    ) -> Option<&'w Arc<Waiver>> {
        let covered = self.covering(verification, check).is_some();
        first(&self.expired, verification, check).filter(|_| !covered)
    }

    /// Counts the row for the waiver that covers it, or would.
    pub(super) fn count(&self, row: &DetailRow<'_>, uses: &mut [WaiverUse]) {
        let Some(check) = row.check else { return };
        let covering = self.covering(row.verification, check);
        let waiver = covering.or_else(|| self.expired(row.verification, check));
        let its_use = waiver.and_then(|waiver| uses.iter_mut().find(|u| Arc::ptr_eq(&u.waiver, waiver)));
        its_use.into_iter().for_each(|its_use| its_use.rows += 1);
    }
}

fn first<'w>(
    waivers: &[&'w Arc<Waiver>],
    verification: &Verification,
    check: &DirectoryCheck,
) -> Option<&'w Arc<Waiver>> {
    if verification.check_failed() || check.is_consistent() {
        return None;
    }
    waivers.iter().copied().find(|waiver| waiver.covers(check))
}

/// A directory whose differences are waived.
#[derive(Debug, Clone)]
pub struct Waived {
    /// The directory and its counts.
    pub check: DirectoryCheck,
    /// The waiver that covers them.
    pub waiver: Arc<Waiver>,
}

/// A waiver, and what came of it in a report.
#[derive(Debug, Clone)]
pub struct WaiverUse {
    /// The waiver.
    pub waiver: Arc<Waiver>,
    /// Whether it expired before the run's end, and does not count.
    pub expired: bool,
    /// The rows that it covers, those of older verifications too; of an expired one those that it
    /// would cover.
    pub rows: u64,
}

impl WaiverUse {
    /// The waiver with its bounds and what came of it, in one line.
    pub fn text(&self, language: Language) -> String {
        let waiver = &self.waiver;
        let glob = |pattern: &Option<Pattern>| {
            pattern.as_ref().map_or_else(|| "*".to_owned(), |pattern| pattern.text.clone())
        };
        let place =
            language.fill("task {0}, directory {1}", &[&glob(&waiver.task), &glob(&waiver.directory)]);
        let bounds = language.fill(
            "at most {0} different, {1} missing, {2} redundant",
            &[&waiver.max_different, &waiver.max_missing, &waiver.max_redundant],
        );
        let outcome = match (self.expired, self.rows) {
            (true, rows) => language.fill("EXPIRED, does not count; rows that it would cover: {0}", &[&rows]),
            (false, 0) => language.text("UNUSED: covers no row").to_owned(),
            (false, rows) => language.fill("rows covered: {0}", &[&rows]),
        };
        [waiver.text(language), place, bounds, outcome].join(language.semicolon())
    }
}
