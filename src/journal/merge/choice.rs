//! Which of a task's records counts.

use jiff::{SignedDuration, Timestamp};

use crate::answer::read_answer;
use crate::journal::record::{Answered, Outcome, Record};
use crate::model::{Answer, TaskId, Verification};

/// A verification dated further ahead of its answer is in the future: clocks that are right differ by less.
const FUTURE: SignedDuration = SignedDuration::from_mins(5);

/// What a record is worth beside others of its task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    evidence: Evidence,
    /// When it was fetched, on the service's clock.
    came: Timestamp,
    /// What its newest verification shows, or any that may be the newest.
    shown: Shown,
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
    /// How the task is now, without a time of its own: the service does not know the task (404), the server has
    /// no task, the task has no verification, or it is not known which verification is the newest.
    Undated,
    /// The time of its newest verification.
    Dated(Timestamp),
}

/// What verifications show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shown {
    Nothing,
    Agreement,
    /// Differences, or a check that failed.
    Fault,
}

impl Candidate {
    /// What `record` is worth; it was made at `came` on the service's clock. Its hash is still to be set.
    pub(super) fn of(record: &Record, came: Timestamp) -> Self {
        let (evidence, shown) = match &record.outcome {
            Outcome::NoTask => (Evidence::Undated, Shown::Nothing),
            Outcome::Failed(failed) if failed.status == Some(404) => (Evidence::Undated, Shown::Nothing),
            Outcome::Failed(_) => (Evidence::Failed, Shown::Nothing),
            Outcome::Answered(Answered { status, content_range, body, .. }) => {
                match read_answer(*status, content_range.as_deref(), body) {
                    Ok(answer) => read(&answer, record.task_id.as_ref(), came),
                    Err(_) => (Evidence::Unreadable, Shown::Nothing),
                }
            }
        };
        Self { evidence, shown, came, sha256: [0; 32] }
    }

    pub(super) fn with_sha256(self, sha256: [u8; 32]) -> Self {
        Self { sha256, ..self }
    }
}

/// What an answer of a task that came at this time says, and what it shows.
fn read(answer: &Answer, task_id: Option<&TaskId>, came: Timestamp) -> (Evidence, Shown) {
    let named = answer.task_id.as_deref().map(str::trim).filter(|named| !named.is_empty());
    if named.is_some_and(|named| task_id.is_none_or(|id| named != id.as_str())) {
        return (Evidence::Unreadable, Shown::Nothing);
    }
    let time = |verification: &Verification| {
        verification.finished.filter(|finished| finished.duration_since(came) <= FUTURE)
    };
    let newest = answer.verifications.iter().filter_map(time).max();
    let may_be_newest =
        || answer.verifications.iter().filter(|one| time(one).is_none() || time(one) == newest);
    let has_fault = |verification: &Verification| {
        verification.check_failed() || verification.directories.iter().any(|check| !check.is_consistent())
    };
    let shown = may_be_newest().map(|one| if has_fault(one) { Shown::Fault } else { Shown::Agreement });
    let is_dated = answer.verifications.iter().all(|one| time(one).is_some());
    let evidence = newest.filter(|_| is_dated).map_or(Evidence::Undated, Evidence::Dated);
    (evidence, shown.max().unwrap_or(Shown::Nothing))
}

/// The record that counts, of all that there are of a task, whatever their order; each with where it is found.
///
/// A record that has no time of its own makes those before it obsolete. Of the answers that are left, the one
/// with the newest verification counts, and of several the one that came last. What is no evidence counts only
/// if there is nothing else. A verification whose time is not known hides no fault that one before it shows.
pub(super) fn choose<T: Copy>(candidates: &[(Candidate, T)]) -> Option<T> {
    let of = |wanted: fn(&Candidate) -> bool| candidates.iter().filter(move |(one, _)| wanted(one));
    let newest_since = |since: Option<&(Candidate, T)>| {
        let since = since.map(|(one, _)| one.came);
        let dated = of(|one| matches!(one.evidence, Evidence::Dated(_)));
        last(dated.filter(move |(one, _)| since.is_none_or(|since| one.came > since)))
    };
    let undated = last(of(|one| one.evidence == Evidence::Undated));
    let hidden = undated.filter(|(one, _)| one.shown == Shown::Agreement).and_then(|_| {
        let gone = last(of(|one| one.evidence == Evidence::Undated && one.shown != Shown::Agreement));
        newest_since(gone).filter(|(one, _)| one.shown == Shown::Fault)
    });
    newest_since(undated)
        .or(hidden)
        .or(undated)
        .or_else(|| last(of(|one| one.evidence < Evidence::Undated)))
        .map(|(_, place)| *place)
}

/// The greatest; of several that are equal the first.
fn last<'a, T>(candidates: impl Iterator<Item = &'a (Candidate, T)>) -> Option<&'a (Candidate, T)> {
    candidates.reduce(|best, next| if next.0 > best.0 { next } else { best })
}
