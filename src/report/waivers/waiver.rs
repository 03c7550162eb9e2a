//! A waiver: what it accepts, why and until when.

use std::fmt;
use std::sync::Arc;

use globset::GlobMatcher;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::model::{DirectoryCheck, Language, Place, Task};

/// Differences that are accepted where the globs match, up to a number of files, inconclusive evidence, and a later
/// synchronisation.
#[derive(Debug, Serialize)]
pub struct Waiver {
    #[serde(skip)]
    pub(super) place: Place,
    pub(super) task: Option<Pattern>,
    pub(super) directory: Option<Pattern>,
    pub(super) max_different: u64,
    pub(super) max_missing: u64,
    pub(super) max_redundant: u64,
    /// Whether inconclusive evidence is accepted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) inconclusive: bool,
    /// Whether a synchronisation after the verification is accepted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) synchronised: bool,
    /// Why the differences are accepted; never blank.
    pub reason: String,
    /// Who accepted them.
    pub owner: Option<String>,
    /// Where that is recorded.
    pub ticket: Option<String>,
    /// Until when; none without an end.
    pub expires: Option<Expiry>,
}

impl Waiver {
    /// Its position in its file.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The globs of the tasks and of the directories that it is for.
    pub fn globs(&self) -> [&str; 2] {
        [&self.task, &self.directory].map(|pattern| pattern.as_ref().map_or("*", Pattern::text))
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

    pub(super) fn allows_nothing(&self) -> bool {
        let is_zero = self.max_different == 0 && self.max_missing == 0 && self.max_redundant == 0;
        is_zero && !self.inconclusive && !self.synchronised
    }

    pub(super) fn is_expired(&self, as_of: Timestamp) -> bool {
        self.expires.as_ref().is_some_and(|expires| as_of >= expires.end)
    }

    pub(super) fn is_for(&self, task: &Task) -> bool {
        self.task.as_ref().is_none_or(|pattern| {
            task.task_id.as_ref().is_some_and(|id| pattern.matches(id.as_str()))
                || task.source_name.as_deref().is_some_and(|name| pattern.matches(name))
        })
    }

    pub(super) fn is_for_directory(&self, check: &DirectoryCheck) -> bool {
        self.directory.as_ref().is_none_or(|pattern| pattern.matches(&check.directory))
    }

    /// Whether each count is within its limit, and not one at which the service stops counting.
    pub(super) fn covers(&self, check: &DirectoryCheck) -> bool {
        let within = |count: u64, max: u64| count <= max && !DirectoryCheck::SATURATED.contains(&count);
        self.is_for_directory(check)
            && within(check.different, self.max_different)
            && within(check.missing, self.max_missing)
            && within(check.redundant, self.max_redundant)
    }
}

/// A glob in which `*` matches anything, slashes included, and a backslash matches itself.
#[derive(Debug, Clone)]
pub(in crate::report) struct Pattern {
    pub(super) text: String,
    matcher: GlobMatcher,
}

impl Pattern {
    pub(in crate::report) fn new(text: &str) -> Result<Self, globset::Error> {
        let glob =
            globset::GlobBuilder::new(text).literal_separator(false).backslash_escape(false).build()?;
        Ok(Self { text: text.to_owned(), matcher: glob.compile_matcher() })
    }

    /// As it was written.
    pub(in crate::report) fn text(&self) -> &str {
        &self.text
    }

    pub(in crate::report) fn matches(&self, text: &str) -> bool {
        self.matcher.is_match(text)
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// The end of a waiver, displayed as in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    pub(super) text: String,
    /// The first moment at which the waiver has expired.
    pub(super) end: Timestamp,
}

impl Expiry {
    /// The date, without a time.
    pub fn date(&self) -> &str {
        self.text.get(.."2026-12-01".len()).unwrap_or(&self.text)
    }
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

/// A directory whose differences or inconclusive evidence are waived.
#[derive(Debug, Clone)]
pub struct Waived {
    /// The directory and its counts.
    pub check: DirectoryCheck,
    /// The waiver that covers them.
    pub waiver: Arc<Waiver>,
    /// Whether it is inconclusive evidence that is waived, not differences.
    pub inconclusive: bool,
    /// Whether it is a synchronisation after the verification that is waived.
    pub synchronised: bool,
}
