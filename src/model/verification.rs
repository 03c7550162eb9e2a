//! The service's results for a task.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// The counts of one directory on source and target. Unit: files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DirectoryCheck {
    /// The directory's path.
    pub directory: String,
    /// Files checked.
    pub total: u64,
    /// Files that exist on both sides and differ.
    pub different: u64,
    /// Files that exist only on the source.
    pub missing: u64,
    /// Files that exist only on the target.
    pub redundant: u64,
}

impl DirectoryCheck {
    /// The counts at which the service stops counting: the real number may be higher.
    pub const SATURATED: [u64; 2] = [100_000, 1_000_000];

    /// Whether nothing differs, is missing or is redundant.
    pub fn is_consistent(&self) -> bool {
        self.different == 0 && self.missing == 0 && self.redundant == 0
    }

    /// The share of files that are the same on both sides, 0 to 1; none when there are no files.
    ///
    /// Counts the files of both sides, so it is 1 only when nothing differs. It is truncated to four decimals, not
    /// rounded: one different file in a million must not give 100 %.
    pub fn consistent_share(&self) -> Option<f64> {
        let files = u128::from(self.total) + u128::from(self.redundant);
        if files == 0 {
            return None;
        }
        let wrong = u128::from(self.different) + u128::from(self.missing);
        let same = u128::from(self.total).saturating_sub(wrong);
        let ten_thousandths = u32::try_from(same * 10_000 / files).unwrap_or(10_000);
        Some(f64::from(ten_thousandths) / 10_000.0)
    }

    /// Whether a count is one at which the service stops counting.
    pub fn is_saturated(&self) -> bool {
        [self.total, self.different, self.missing, self.redundant]
            .iter()
            .any(|count| Self::SATURATED.contains(count))
    }
}

/// The sums over the directories of one verification. Unit: files, except `directories`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Directories checked.
    pub directories: u64,
    /// Files checked.
    pub total: u64,
    /// Files that differ.
    pub different: u64,
    /// Files missing at the target.
    pub missing: u64,
    /// Files that exist only on the target.
    pub redundant: u64,
    /// Directories with a count at which the service stops counting.
    pub saturated: u64,
    /// Directories in which more files are different or missing than there are files.
    pub impossible: u64,
}

impl Totals {
    /// The number of files that differ, or exist only on one side.
    pub fn differences(&self) -> u64 {
        self.different.saturating_add(self.missing).saturating_add(self.redundant)
    }
}

/// A verification: its time, and a check per directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// When it ended; none if unknown.
    pub finished: Option<Timestamp>,
    /// The result of the check: `success` is the only documented value. None in the legacy shape, which has no such
    /// field; empty if a `result_list` item has none.
    pub check_result: Option<String>,
    /// The directories, in the order of the response.
    pub directories: Vec<DirectoryCheck>,
}

impl Verification {
    /// A finished time later than this after the answer cannot be right. Clocks of servers differ by less.
    const FUTURE_TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

    /// Whether it finished in the future of an answer received at `answered`.
    pub fn is_future(&self, answered: Timestamp) -> bool {
        self.finished.is_some_and(|finished| finished.duration_since(answered) > Self::FUTURE_TOLERANCE)
    }

    /// The finished time, if there is one that is not in the future.
    pub fn known_time(&self, answered: Timestamp) -> Option<Timestamp> {
        self.finished.filter(|_| !self.is_future(answered))
    }

    /// Whether the service reports that the check itself did not succeed.
    pub fn check_failed(&self) -> bool {
        self.check_result.as_deref().is_some_and(|result| result != "success")
    }

    /// The sums over all directories; saturate at 64 bits.
    pub fn totals(&self) -> Totals {
        self.directories.iter().fold(Totals::default(), |sum, check| Totals {
            directories: sum.directories + 1,
            total: sum.total.saturating_add(check.total),
            different: sum.different.saturating_add(check.different),
            missing: sum.missing.saturating_add(check.missing),
            redundant: sum.redundant.saturating_add(check.redundant),
            saturated: sum.saturated + u64::from(check.is_saturated()),
            impossible: sum.impossible
                + u64::from(check.different.saturating_add(check.missing) > check.total),
        })
    }
}

/// The format of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// One verification at the top of the document, as documented in 2024.
    Legacy,
    /// A list of verification objects.
    ResultList,
    /// A list of strings, each the JSON of a verification.
    ResultListStrings,
}

impl Shape {
    /// The key used in reports and options.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::ResultList => "result-list",
            Self::ResultListStrings => "result-list-strings",
        }
    }
}

/// A parsed response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The format of the response.
    pub shape: Shape,
    /// The task id in the response, if any.
    pub task_id: Option<String>,
    /// The verifications, newest first; one without a time comes last.
    pub verifications: Vec<Verification>,
}

impl Answer {
    /// Sorts the verifications, newest first; those with the same time keep their order.
    pub fn new(shape: Shape, task_id: Option<String>, mut verifications: Vec<Verification>) -> Self {
        verifications.sort_by_key(|verification| std::cmp::Reverse(verification.finished));
        Self { shape, task_id, verifications }
    }

    /// The newest time of a verification, of an answer received at `answered`; none if no time is known.
    pub fn newest_time(&self, answered: Timestamp) -> Option<Timestamp> {
        self.verifications.iter().filter_map(|verification| verification.known_time(answered)).max()
    }

    /// The verifications that may be the newest, with their positions: those with the newest known time, and those
    /// whose time is missing or in the future.
    pub fn may_be_newest(&self, answered: Timestamp) -> impl Iterator<Item = (usize, &Verification)> {
        let newest = self.newest_time(answered);
        self.verifications.iter().enumerate().filter(move |(_, verification)| {
            let time = verification.known_time(answered);
            time.is_none() || time == newest
        })
    }
}
