//! Verdicts and the warnings that go with them.

use serde::Serialize;

use super::Language;

/// What a task's evidence amounts to. Only the last two stand for a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The results could not be had.
    FetchFailed,
    /// The answer is in no known shape.
    Unreadable,
    /// The service has no results.
    NotVerified,
    /// The check itself did not succeed.
    CheckFailed,
    /// Files are different, missing or redundant.
    Inconsistent,
    /// Nothing differs that is not waived, but the verification is too old, or its age is not known.
    Stale,
    /// Every difference is covered by a waiver.
    Accepted,
    /// Nothing differs.
    Consistent,
}

impl Verdict {
    /// All verdicts, in the order in which they are decided and reported.
    pub const ALL: [Self; 8] = [
        Self::FetchFailed,
        Self::Unreadable,
        Self::NotVerified,
        Self::CheckFailed,
        Self::Inconsistent,
        Self::Stale,
        Self::Accepted,
        Self::Consistent,
    ];

    /// The key in JSON, CSV and options.
    pub const fn key(self) -> &'static str {
        match self {
            Self::FetchFailed => "fetch_failed",
            Self::Unreadable => "unreadable",
            Self::NotVerified => "not_verified",
            Self::CheckFailed => "check_failed",
            Self::Inconsistent => "inconsistent",
            Self::Stale => "stale",
            Self::Accepted => "accepted",
            Self::Consistent => "consistent",
        }
    }

    /// The label that people read, in English; [`Language::text`] has it in others.
    pub const fn label(self) -> &'static str {
        match self {
            Self::FetchFailed => "Fetch failed",
            Self::Unreadable => "Unreadable",
            Self::NotVerified => "Not verified",
            Self::CheckFailed => "Check failed",
            Self::Inconsistent => "Inconsistent",
            Self::Stale => "Stale",
            Self::Accepted => "Accepted",
            Self::Consistent => "Consistent",
        }
    }

    /// What the verdict says, in one English sentence for a reader who sees it for the first time.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::FetchFailed => "the results could not be fetched",
            Self::Unreadable => {
                "the service answered in no known form, or for another task; its answer is in the journal"
            }
            Self::NotVerified => "the service has no verification results",
            Self::CheckFailed => "the verification itself did not succeed",
            Self::Inconsistent => "files differ, are missing at the target or are redundant there",
            Self::Stale => {
                "nothing differs that is not waived, but the verification is older than allowed or has no time"
            }
            Self::Accepted => "every difference is covered by a waiver",
            Self::Consistent => "source and target hold the same files",
        }
    }

    /// Whether a cutover may rest on it.
    pub const fn passes(self) -> bool {
        matches!(self, Self::Accepted | Self::Consistent)
    }

    /// Whether there is a verification that it rests on.
    pub const fn has_evidence(self) -> bool {
        !matches!(self, Self::FetchFailed | Self::Unreadable | Self::NotVerified)
    }

    /// The verdict with this key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.key() == key)
    }
}

/// A warning beside a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A count is where the service stops counting, in so many directories.
    Saturated(u64),
    /// More files are different or missing than there are, in so many directories.
    Impossible(u64),
    /// No file was looked at.
    NoFiles,
    /// The verification ended after the report was made.
    Future,
    /// The verification has no time.
    NoTime,
    /// The verdict rests on a verification without a time, though others have one.
    MaybeNewest,
    /// The answer names another task.
    OtherTask(String),
    /// The account does not list the task.
    NotFound,
    /// Since another report: so many directories that were checked then are not any more.
    NoLongerChecked(u64),
    /// Since another report: so many directories with more differences of some kind.
    MoreDifferences(u64),
    /// Since another report: so many directories with fewer differences.
    FewerDifferences(u64),
    /// Since another report: so many directories that were not checked then.
    NewlyChecked(u64),
    /// The verification is the one that another report rests on.
    NotVerifiedAgain,
    /// The verification is from before the one that another report rests on.
    OlderThanBefore,
    /// The differences of so many directories are waived, for these reasons.
    Waived {
        /// How many directories.
        directories: usize,
        /// The reasons, each once.
        reasons: Vec<String>,
    },
    /// Differences would be waived, had the waiver not expired then.
    WaiverExpired(String),
}

impl Note {
    /// The warning, for people.
    pub fn text(&self, language: Language) -> String {
        let text = match self {
            Self::Saturated(1) => "count saturated in 1 directory: the real number may be higher",
            Self::Saturated(n) => {
                let many = "count saturated in {0} directories: the real number may be higher";
                return language.fill(many, &[n]);
            }
            Self::Impossible(1) => "different + missing exceed the total in 1 directory",
            Self::Impossible(n) => {
                return language.fill("different + missing exceed the total in {0} directories", &[n]);
            }
            Self::NoFiles => "total is 0: no file was checked",
            Self::Future => "finished time is in the future: check the clocks",
            Self::NoTime => "no finished time: age unknown",
            Self::MaybeNewest => "judged by a verification without a time, which may be the newest",
            Self::NotFound => "not among the tasks that the account lists",
            Self::Waived { directories: 1, reasons } => {
                return language.fill("1 directory waived: {0}", &[&reasons.join(language.comma())]);
            }
            Self::Waived { directories, reasons } => {
                let reasons = reasons.join(language.comma());
                return language.fill("{0} directories waived: {1}", &[directories, &reasons]);
            }
            Self::WaiverExpired(when) => return language.fill("a waiver expired on {0}", &[when]),
            Self::OtherTask(id) => return language.fill("the answer names another task: {0}", &[id]),
            Self::NoLongerChecked(n) => return language.fill("directories no longer checked: {0}", &[n]),
            Self::MoreDifferences(n) => {
                return language.fill("directories with more differences: {0}", &[n]);
            }
            Self::FewerDifferences(n) => {
                return language.fill("directories with fewer differences: {0}", &[n]);
            }
            Self::NewlyChecked(n) => return language.fill("directories newly checked: {0}", &[n]),
            Self::NotVerifiedAgain => "not verified again since",
            Self::OlderThanBefore => "the newest verification is older than the one before",
        };
        language.text(text).to_owned()
    }
}
