//! Verdicts and notes.

use serde::Serialize;

use super::language::Language;
use super::task::PlanDoubt;

/// The verdict on a task's evidence, declared and ordered worst first. Only the last two pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The results could not be fetched.
    FetchFailed,
    /// The response is invalid: unknown format, other status, or an error.
    Unreadable,
    /// The service has no results.
    NotVerified,
    /// The check itself did not succeed.
    CheckFailed,
    /// Files are different, missing or redundant.
    Inconsistent,
    /// Nothing differs that is not waived, but the verification is too old.
    Stale,
    /// Nothing differs that is not waived, but the evidence is not sufficient.
    Inconclusive,
    /// All differences and doubts are covered by waivers.
    Accepted,
    /// Nothing differs.
    Consistent,
}

impl Verdict {
    /// All verdicts, in the order in which they are decided and reported.
    pub const ALL: [Self; 9] = [
        Self::FetchFailed,
        Self::Unreadable,
        Self::NotVerified,
        Self::CheckFailed,
        Self::Inconsistent,
        Self::Stale,
        Self::Inconclusive,
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
            Self::Inconclusive => "inconclusive",
            Self::Accepted => "accepted",
            Self::Consistent => "consistent",
        }
    }

    /// The label in English; [`Language::text`] translates it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::FetchFailed => "Fetch failed",
            Self::Unreadable => "Unreadable",
            Self::NotVerified => "Not verified",
            Self::CheckFailed => "Check failed",
            Self::Inconsistent => "Inconsistent",
            Self::Stale => "Stale",
            Self::Inconclusive => "Inconclusive",
            Self::Accepted => "Accepted",
            Self::Consistent => "Consistent",
        }
    }

    /// What the verdict means, in one English sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::FetchFailed => "the results could not be fetched",
            Self::Unreadable => {
                "the response has an unknown form, reports an error, is incomplete or is for another task; it is in the journal"
            }
            Self::NotVerified => "the service has no verification results",
            Self::CheckFailed => "the verification itself did not succeed",
            Self::Inconsistent => "files differ, are missing at the target or are redundant there",
            Self::Stale => {
                "no unwaived difference, but the verification is older than allowed, or than a synchronisation"
            }
            Self::Inconclusive => {
                "no unwaived difference, but the evidence is not enough: no file checked, a configured directory not checked, a count at its limit, or a finished time missing or in the future"
            }
            Self::Accepted => "a waiver covers every difference, or the inconclusive evidence",
            Self::Consistent => "the service found no difference",
        }
    }

    /// What the verdict means, for places with little room.
    pub const fn brief_meaning(self) -> &'static str {
        match self {
            Self::Unreadable => "the response is not a valid answer",
            Self::Stale => "no unwaived difference, but the verification is too old",
            Self::Inconclusive => "no unwaived difference, but the evidence is not sufficient",
            _ => self.meaning(),
        }
    }

    /// Whether the task passes.
    pub const fn passes(self) -> bool {
        matches!(self, Self::Accepted | Self::Consistent)
    }

    /// Whether the verdict is based on a verification.
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
    /// Number of directories with a count at which the service stops counting.
    Saturated(u64),
    /// Number of directories with more different and missing files than files.
    Impossible(u64),
    /// No file was checked.
    NoFiles,
    /// The finished time is in the future.
    Future,
    /// Another verification has a finished time in the future.
    OtherInFuture,
    /// The verification has no time.
    NoTime,
    /// The verdict is based on a verification without a time, though others have one.
    MaybeNewest,
    /// The response is for another task.
    OtherTask(String),
    /// The account does not list the task.
    NotFound,
    /// Number of migration tasks that the server has, of which one is reported.
    SeveralTasks(usize),
    /// Names of servers that are like the name of one without a task.
    NearNames(Vec<String>),
    /// Other rows of the plan that are this server.
    AlsoListedAs(Vec<String>),
    /// A contradiction between plan and account.
    PlanDoubt(PlanDoubt),
    /// Number of directories that are no longer checked, compared with another report.
    NoLongerChecked(u64),
    /// Number of directories with more differences of some kind than in another report.
    MoreDifferences(u64),
    /// Number of directories with fewer differences than in another report.
    FewerDifferences(u64),
    /// Number of directories that are checked now, and were not in another report.
    NewlyChecked(u64),
    /// The verification is the same as in another report.
    NotVerifiedAgain,
    /// The verification is older than in another report.
    OlderThanBefore,
    /// Another report has this other task of the same server.
    TaskBefore(String),
    /// Differences are waived.
    Waived {
        /// Number of directories with waived differences.
        directories: usize,
        /// The reasons, each once.
        reasons: Vec<String>,
    },
    /// Inconclusive evidence is accepted, for these reasons, each once.
    InconclusiveAccepted(Vec<String>),
    /// A waiver that would apply expired at this time.
    WaiverExpired(String),
    /// The server was synchronised after the verification.
    SynchronisedSince,
    /// The server is being synchronised.
    Synchronising,
    /// A later synchronisation is accepted, for these reasons, each once.
    SynchronisationAccepted(Vec<String>),
    /// Configured directories are not in the verification.
    NotInVerification {
        /// Number of configured directories.
        of: usize,
        /// Those that are not in it.
        directories: Vec<String>,
    },
    /// Configured directories that a verification found illegal.
    IllegalDirectories(Vec<String>),
    /// The configured mode of verification.
    Mode(String),
    /// Directories that are excluded.
    Excluded {
        /// From what, in English, with `{0}` for the directories.
        what: &'static str,
        /// The directories.
        directories: Vec<String>,
    },
    /// The task's state does not go with a cutover.
    TaskState {
        /// What it means, in English, with `{0}` for the state.
        what: &'static str,
        /// The state.
        state: String,
    },
    /// A field of the context that cannot be parsed.
    UnreadableSetting {
        /// Its name.
        name: String,
        /// Its value as it came.
        value: String,
    },
}

/// The most directories that a note names.
const MAX_NAMED: usize = 20;

/// The names of directories, as many as a note has room for.
fn named(directories: &[String], language: Language) -> String {
    let more = directories.len().saturating_sub(MAX_NAMED);
    let more = (more > 0).then(|| language.fill("… and {0} more", &[&more]));
    let named = directories.iter().take(MAX_NAMED).cloned().chain(more);
    named.collect::<Vec<_>>().join(language.comma())
}

impl Note {
    /// The warning without names, as a reason.
    pub fn brief(&self, language: Language) -> String {
        match self {
            Self::NotInVerification { of, directories } => {
                let text = "{0} of {1} configured directories are not in the verification";
                language.fill(text, &[&directories.len(), of])
            }
            Self::IllegalDirectories(directories) => {
                language.fill("configured directories found illegal: {0}", &[&directories.len()])
            }
            _ => self.text(language),
        }
    }

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
            Self::OtherInFuture => "another verification has a finished time in the future: check the clocks",
            Self::NoTime => "no finished time: age unknown",
            Self::MaybeNewest => "judged by a verification without a time, which may be the newest",
            Self::SeveralTasks(n) => {
                return language.fill("the server has {0} migration tasks; this one counts", &[n]);
            }
            Self::NearNames(names) => {
                return language.fill("similar names in the account: {0}", &[&names.join(language.comma())]);
            }
            Self::AlsoListedAs(names) => {
                return language.fill("the plan also lists it as {0}", &[&names.join(language.comma())]);
            }
            Self::PlanDoubt(PlanDoubt::UnknownSourceId(id)) => {
                return language.fill("the account has no source server with the planned id {0}", &[id]);
            }
            Self::PlanDoubt(PlanDoubt::AddressOfAnother(name)) => {
                return language.fill("the planned address is that of another server: {0}", &[name]);
            }
            Self::PlanDoubt(PlanDoubt::FoundByAddress(name)) => {
                return language.fill("found by its address; its name in the account is {0}", &[name]);
            }
            Self::PlanDoubt(PlanDoubt::OtherAddress(known)) => {
                return language.fill("the account has another address than planned: {0}", &[known]);
            }
            Self::NotFound => "not among the tasks that the account lists",
            Self::Waived { directories: 1, reasons } => {
                return language.fill("1 directory waived: {0}", &[&reasons.join(language.comma())]);
            }
            Self::Waived { directories, reasons } => {
                let reasons = reasons.join(language.comma());
                return language.fill("{0} directories waived: {1}", &[directories, &reasons]);
            }
            Self::InconclusiveAccepted(reasons) => {
                let reasons = reasons.join(language.comma());
                return language.fill("inconclusive evidence accepted: {0}", &[&reasons]);
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
            Self::TaskBefore(id) => return language.fill("another migration task than before: {0}", &[id]),
            Self::SynchronisedSince => "synchronised after the verification",
            Self::Synchronising => "is being synchronised",
            Self::SynchronisationAccepted(reasons) => {
                let reasons = reasons.join(language.comma());
                return language.fill("later synchronisation accepted: {0}", &[&reasons]);
            }
            Self::NotInVerification { directories, .. } => {
                return language.fill("{0}: {1}", &[&self.brief(language), &named(directories, language)]);
            }
            Self::IllegalDirectories(directories) => {
                return language.fill("{0}: {1}", &[&self.brief(language), &named(directories, language)]);
            }
            Self::Mode(mode) => return language.fill("mode of verification: {0}", &[mode]),
            Self::Excluded { what, directories } => {
                return language.fill(what, &[&named(directories, language)]);
            }
            Self::TaskState { what, state } => return language.fill(what, &[state]),
            Self::UnreadableSetting { name, value } => {
                return language.fill("{0} cannot be parsed: {1}", &[name, value]);
            }
            Self::OlderThanBefore => "the newest verification is older than the one before",
        };
        language.text(text).to_owned()
    }
}
