//! Which of a task's records counts.

use jiff::{SignedDuration, Timestamp};

use super::super::{Answered, Outcome, Record};
use crate::answer::read_answer;
use crate::model::{Answer, TaskId};

/// A verification dated further ahead of its answer is in the future: clocks that are right differ by less.
const FUTURE: SignedDuration = SignedDuration::from_mins(5);

/// What a record is worth beside others of its task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    evidence: Evidence,
    /// When it was fetched, on the service's clock.
    came: Timestamp,
    /// Of its content, so that records which are equal in all else have an order.
    sha256: [u8; 32],
}

/// What a record says of the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Evidence {
    /// Nothing: no answer.
    Failed,
    /// Nothing that can be read.
    Unreadable,
    /// How the task is now, without a time of its own: the service does not know the task (404), it has no
    /// verification, or it is not known which verification is the newest.
    Undated,
    /// The time of its newest verification.
    Dated(Timestamp),
}

impl Candidate {
    /// What `record` is worth; it was made at `came` on the service's clock. Its hash is still to be set.
    pub(super) fn of(record: &Record, came: Timestamp) -> Self {
        let evidence = match &record.outcome {
            Outcome::Failed(failed) if failed.status == Some(404) => Evidence::Undated,
            Outcome::Failed(_) => Evidence::Failed,
            Outcome::Answered(Answered { status, content_range, body, .. }) => {
                match read_answer(*status, content_range.as_deref(), body) {
                    Ok(answer) => Evidence::of(&answer, &record.task_id, came),
                    Err(_) => Evidence::Unreadable,
                }
            }
        };
        Self { evidence, came, sha256: [0; 32] }
    }

    pub(super) fn with_sha256(self, sha256: [u8; 32]) -> Self {
        Self { sha256, ..self }
    }
}

impl Evidence {
    fn of(answer: &Answer, task_id: &TaskId, came: Timestamp) -> Self {
        let named = answer.task_id.as_deref().map(str::trim).filter(|named| !named.is_empty());
        if named.is_some_and(|named| named != task_id.as_str()) {
            return Self::Unreadable;
        }
        let is_past = |finished: Timestamp| finished.duration_since(came) <= FUTURE;
        let times = answer
            .verifications
            .iter()
            .map(|verification| verification.finished.filter(|time| is_past(*time)));
        let times: Option<Vec<Timestamp>> = times.collect();
        times.and_then(|times| times.into_iter().max()).map_or(Self::Undated, Self::Dated)
    }
}

/// The record that counts, of all that there are of a task, whatever their order; each with where it is found.
///
/// A record that has no time of its own makes those before it obsolete. Of the answers that are left, the one
/// with the newest verification counts, and of several the one that came last. What is no evidence counts only
/// if there is nothing else.
pub(super) fn choose<T: Copy>(candidates: &[(Candidate, T)]) -> Option<T> {
    let of = |wanted: fn(&Candidate) -> bool| candidates.iter().filter(move |(one, _)| wanted(one));
    let undated = last(of(|one| one.evidence == Evidence::Undated));
    let since = undated.map(|(one, _)| one.came);
    let dated = of(|one| matches!(one.evidence, Evidence::Dated(_)));
    last(dated.filter(|(one, _)| since.is_none_or(|since| one.came > since)))
        .or(undated)
        .or_else(|| last(of(|one| one.evidence < Evidence::Undated)))
        .map(|(_, place)| *place)
}

/// The greatest; of several that are equal the first.
fn last<'a, T>(candidates: impl Iterator<Item = &'a (Candidate, T)>) -> Option<&'a (Candidate, T)> {
    candidates.reduce(|best, next| if next.0 > best.0 { next } else { best })
}
