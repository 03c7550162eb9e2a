//! What the service says of a task.

use jiff::Timestamp;
use serde::Serialize;

/// The counts of one directory on source and target. Unit: files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DirectoryCheck {
    /// The directory, as the Agent names it.
    pub directory: String,
    /// Files looked at.
    pub total: u64,
    /// Files that are on both sides and differ.
    pub different: u64,
    /// Files that the target lacks.
    pub missing: u64,
    /// Files that only the target has.
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
    /// Files of either side count, so it is 1 only when nothing differs. It is cut to four decimals,
    /// never rounded up: one different file in a million must not read as 100 %.
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

/// The sums over the directories of one verification. Unit: files, but for `directories`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Directories checked.
    pub directories: u64,
    /// Files looked at.
    pub total: u64,
    /// Files that differ.
    pub different: u64,
    /// Files missing at the target.
    pub missing: u64,
    /// Files that only the target has.
    pub redundant: u64,
    /// Directories with a count at which the service stops counting.
    pub saturated: u64,
    /// Directories in which more files are different or missing than there are files.
    pub impossible: u64,
}

impl Totals {
    /// The files that are not the same on both sides.
    pub fn differences(&self) -> u64 {
        self.different.saturating_add(self.missing).saturating_add(self.redundant)
    }
}

/// One verification: a point in time, and a check per directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// When it ended; none if the answer does not say.
    pub finished: Option<Timestamp>,
    /// What the service says of it: `success` is the only documented value. None in the legacy
    /// shape, which has no such field; empty when a `result_list` item leaves it out.
    pub check_result: Option<String>,
    /// The directories, in the order of the answer.
    pub directories: Vec<DirectoryCheck>,
}

impl Verification {
    /// Whether the service reports that the check itself did not succeed.
    pub fn check_failed(&self) -> bool {
        self.check_result.as_deref().is_some_and(|result| result != "success")
    }

    /// The sums over all directories; a sum too large for 64 bits stays at the largest number.
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

/// The form in which an answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// One verification at the top of the document, as documented in 2024.
    Legacy,
    /// A list of verification objects.
    ResultList,
    /// A list of texts, each the JSON of a verification.
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

/// An answer in the one form that the rest of the program knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The form it came in.
    pub shape: Shape,
    /// The task that the answer names, if it names one.
    pub task_id: Option<String>,
    /// The verifications, newest first; one without a time comes last.
    pub verifications: Vec<Verification>,
}

impl Answer {
    /// Puts the newest verification first; those of one time keep the answer's order.
    pub fn new(shape: Shape, task_id: Option<String>, mut verifications: Vec<Verification>) -> Self {
        verifications.sort_by_key(|verification| std::cmp::Reverse(verification.finished));
        Self { shape, task_id, verifications }
    }
}
