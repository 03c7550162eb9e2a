//! The waivers of a file, those that apply to a task, and how they are used.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::read::{WaiversError, read};
use super::waiver::{Pattern, Waiver};
use crate::model::{DirectoryCheck, Language, Task, Verification};
use crate::report::zone::Zone;

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
        let waivers = read(path, text, zone)?.into_iter().map(Arc::new).collect();
        Ok(Self { file, waivers })
    }

    /// The file's name, without folders.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Warnings about waivers that cover nothing.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        let idle = self.waivers.iter().filter(|waiver| waiver.allows_nothing());
        idle.map(|waiver| {
            format!(
                "{}: this waiver covers nothing: set max_different, max_missing or max_redundant above 0, or inconclusive or synchronised",
                waiver.place
            )
        })
    }

    /// The waivers for `task`, with those expired at `as_of` separate.
    pub(in crate::report) fn of_task(&self, task: &Task, as_of: Timestamp) -> TaskWaivers<'_> {
        let waivers = self.waivers.iter().filter(|waiver| waiver.is_for(task));
        let (expired, in_force) = waivers.partition(|waiver| waiver.is_expired(as_of));
        TaskWaivers { in_force, expired }
    }

    /// All waivers, with no row covered yet.
    pub(in crate::report) fn uses(&self, as_of: Timestamp) -> Vec<WaiverUse> {
        let unused = |waiver: &Arc<Waiver>| WaiverUse {
            waiver: Arc::clone(waiver),
            expired: waiver.is_expired(as_of),
            rows: 0,
        };
        self.waivers.iter().map(unused).collect()
    }
}

/// The waivers for one task; by default none.
#[derive(Debug, Default)]
pub(in crate::report) struct TaskWaivers<'w> {
    in_force: Vec<&'w Arc<Waiver>>,
    expired: Vec<&'w Arc<Waiver>>,
}

impl<'w> TaskWaivers<'w> {
    /// The first waiver that covers all differences of the directory. A verification that did not
    /// succeed is never waived.
    pub(in crate::report) fn covering(
        &self,
        verification: &Verification,
        check: &DirectoryCheck,
    ) -> Option<&'w Arc<Waiver>> {
        first(&self.in_force, verification, check)
    }

    /// The first expired waiver that would cover them; none if another covers them.
    pub(in crate::report) fn expired(
        &self,
        verification: &Verification,
        check: &DirectoryCheck,
    ) -> Option<&'w Arc<Waiver>> {
        let covered = self.covering(verification, check).is_some();
        first(&self.expired, verification, check).filter(|_| !covered)
    }

    /// The first waiver that accepts the directory's inconclusive evidence: a count at which the service stops
    /// counting, or a verification that is in doubt as a whole (`all_in_doubt`). A verification that did not succeed is never
    /// waived.
    pub(in crate::report) fn accepting(
        &self,
        verification: &Verification,
        check: &DirectoryCheck,
        all_in_doubt: bool,
    ) -> Option<&'w Arc<Waiver>> {
        first_accepting(&self.in_force, verification, check, all_in_doubt)
    }

    /// The first expired waiver that would accept it; none if another accepts it.
    pub(in crate::report) fn expired_accepting(
        &self,
        verification: &Verification,
        check: &DirectoryCheck,
        all_in_doubt: bool,
    ) -> Option<&'w Arc<Waiver>> {
        let is_accepted = self.accepting(verification, check, all_in_doubt).is_some();
        first_accepting(&self.expired, verification, check, all_in_doubt).filter(|_| !is_accepted)
    }

    /// The first waiver that accepts a doubt that the task's context casts on a directory.
    pub(in crate::report) fn accepting_doubt(
        &self,
        doubt: Doubt,
        check: &DirectoryCheck,
    ) -> Option<&'w Arc<Waiver>> {
        first_accepting_doubt(&self.in_force, doubt, check)
    }

    /// The first expired waiver that would accept it; none if another accepts it.
    pub(in crate::report) fn expired_doubt(
        &self,
        doubt: Doubt,
        check: &DirectoryCheck,
    ) -> Option<&'w Arc<Waiver>> {
        let is_accepted = self.accepting_doubt(doubt, check).is_some();
        first_accepting_doubt(&self.expired, doubt, check).filter(|_| !is_accepted)
    }
}

/// A doubt that a task's context casts on its verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Doubt {
    /// The server was synchronised after it.
    Synchronised,
    /// A configured directory is not in it, or illegal.
    Inconclusive,
}

fn first_accepting_doubt<'w>(
    waivers: &[&'w Arc<Waiver>],
    doubt: Doubt,
    check: &DirectoryCheck,
) -> Option<&'w Arc<Waiver>> {
    let accepts = |waiver: &Arc<Waiver>| match doubt {
        Doubt::Synchronised => waiver.synchronised,
        Doubt::Inconclusive => waiver.inconclusive,
    };
    waivers.iter().copied().find(|waiver| accepts(waiver) && waiver.is_for_directory(check))
}

fn first_accepting<'w>(
    waivers: &[&'w Arc<Waiver>],
    verification: &Verification,
    check: &DirectoryCheck,
    whole: bool,
) -> Option<&'w Arc<Waiver>> {
    if verification.check_failed() || !(whole || check.is_saturated()) {
        return None;
    }
    waivers.iter().copied().find(|waiver| waiver.inconclusive && waiver.is_for_directory(check))
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

/// A waiver and its use in a report.
#[derive(Debug, Clone)]
pub struct WaiverUse {
    /// The waiver.
    pub waiver: Arc<Waiver>,
    /// Whether it expired before the run's end, and so does not apply.
    pub expired: bool,
    /// The number of rows that it covers, of older verifications too; of an expired one those that it
    /// would cover.
    pub rows: u64,
}

impl WaiverUse {
    /// The waiver with its limits and its use, in one line.
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
        let inconclusive =
            waiver.inconclusive.then(|| language.text("inconclusive evidence is accepted").to_owned());
        let synchronised =
            waiver.synchronised.then(|| language.text("a later synchronisation is accepted").to_owned());
        let text = Some(waiver.text(language));
        let parts = [text, Some(place), Some(bounds), inconclusive, synchronised, Some(outcome)];
        parts.into_iter().flatten().collect::<Vec<_>>().join(language.semicolon())
    }
}
