//! One task of a report.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;

use super::context::row_context::RowContext;
use super::moments::Moments;
use super::waivers::waiver::Waived;
use crate::model::{Note, Shape, Task, Totals, Verdict};

/// One task of a report.
#[derive(Debug, Clone)]
pub struct SummaryRow<'a> {
    /// The task as it was declared.
    pub task: &'a Task,
    /// Its place in the list, from 0.
    pub ordinal: usize,
    /// What its evidence amounts to.
    pub verdict: Verdict,
    /// The place, among the task's verifications, of the one that the verdict rests on.
    pub decisive: Option<usize>,
    /// The time of the verification that the verdict rests on: the newest.
    pub last_verified: Option<Timestamp>,
    /// Its check result.
    pub check_result: Option<Cow<'static, str>>,
    /// Its sums.
    pub totals: Option<Totals>,
    /// How many verifications the answer holds; none without an answer that can be read.
    pub verifications: Option<u64>,
    /// The form of the answer.
    pub shape: Option<Shape>,
    /// Requests made.
    pub attempts: u32,
    /// The error code of the service or the gateway.
    pub error_code: Option<Box<str>>,
    /// What went wrong, for people.
    pub error_message: Option<Box<str>>,
    /// The id under which the service knows the request.
    pub request_id: Option<Box<str>>,
    /// Warnings.
    pub notes: Vec<Note>,
    /// The directories of that verification whose differences are waived.
    pub waived: Vec<Waived>,
    /// The task's context; none if it is not known. Rows with the same context share it, for the memory of long lists.
    pub context: Option<Arc<RowContext>>,
    /// When the last request for it ended, on the clock of the machine that fetched.
    pub fetched_at: Option<Timestamp>,
    /// What its times are compared with.
    pub(super) moments: Moments,
}

impl SummaryRow<'_> {
    /// The differing, missing and redundant files of the verification that the verdict rests on.
    pub fn differences(&self) -> u64 {
        self.totals.map_or(0, |totals| totals.differences())
    }

    /// The same for people: none where 0 would look like a result, because the check failed or its counts prove nothing.
    pub fn known_differences(&self) -> Option<u64> {
        let count = self.totals?.differences();
        let is_known = count > 0 || !matches!(self.verdict, Verdict::CheckFailed | Verdict::Inconclusive);
        is_known.then_some(count)
    }
}
