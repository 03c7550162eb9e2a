//! Selects a task's record from several journals.

use jiff::Timestamp;

use crate::answer::read_answer;
use crate::journal::record::{Answered, Outcome, Record};
use crate::model::{Answer, TaskId, Verification};

/// The rank of a record among those of its task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    evidence: Evidence,
    /// When it was fetched, on the service's clock.
    received_at: Timestamp,
    /// The worst finding of the verifications that may be the newest.
    finding: Finding,
    /// Start of the hash of the record, to order records that are equal in all else.
    digest: Digest,
}

/// The first half of a SHA-256.
pub(super) type Digest = [u8; 16];

/// How much a record says about the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Evidence {
    /// No answer.
    Failed,
    /// An answer that cannot be parsed.
    Unreadable,
    /// An answer without a usable time: 404, a server without a task, a task without a verification, or no way to
    /// know which verification is the newest.
    Undated,
    /// The time of its newest verification.
    Dated(Timestamp),
}

/// The result of verifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Finding {
    Nothing,
    Agreement,
    /// Differences, or a check that failed.
    Fault,
}

impl Candidate {
    /// Ranks a record that was received at `received_at` on the service's clock.
    pub(super) fn of(record: &Record, received_at: Timestamp, digest: Digest) -> Self {
        let (evidence, finding) = match &record.outcome {
            Outcome::NoTask => (Evidence::Undated, Finding::Nothing),
            Outcome::Failed(failed) if failed.status == Some(404) => (Evidence::Undated, Finding::Nothing),
            Outcome::Failed(_) => (Evidence::Failed, Finding::Nothing),
            Outcome::Answered(Answered { status, content_range, body, .. }) => {
                match read_answer(*status, content_range.as_deref(), body) {
                    Ok(answer) => read(&answer, record.task_id.as_ref(), received_at),
                    Err(_) => (Evidence::Unreadable, Finding::Nothing),
                }
            }
        };
        Self { evidence, finding, received_at, digest }
    }
}

/// Evidence and finding of an answer that was received at `received_at`.
fn read(answer: &Answer, task_id: Option<&TaskId>, received_at: Timestamp) -> (Evidence, Finding) {
    let named = answer.task_id.as_deref().map(str::trim).filter(|named| !named.is_empty());
    if named.is_some_and(|named| task_id.is_none_or(|id| named != id.as_str())) {
        return (Evidence::Unreadable, Finding::Nothing);
    }
    let has_fault = |verification: &Verification| {
        verification.check_failed() || verification.directories.iter().any(|check| !check.is_consistent())
    };
    let finding = answer
        .may_be_newest(received_at)
        .map(|(_, one)| if has_fault(one) { Finding::Fault } else { Finding::Agreement });
    let is_dated = answer.verifications.iter().all(|one| one.known_time(received_at).is_some());
    let evidence =
        answer.newest_time(received_at).filter(|_| is_dated).map_or(Evidence::Undated, Evidence::Dated);
    (evidence, finding.max().unwrap_or(Finding::Nothing))
}

/// Selects one of a task's records, independent of their order; each comes with its source.
///
/// An undated record makes the records before it obsolete. Of the remaining answers, the one with the newest
/// verification is selected, and of several the one received last. Failures and unreadable answers are selected only
/// if there is nothing else. A verification of unknown time does not hide a fault of an earlier one.
pub(super) fn choose<T: Copy>(candidates: &[(Candidate, T)]) -> Option<T> {
    let of = |wanted: fn(&Candidate) -> bool| candidates.iter().filter(move |(one, _)| wanted(one));
    let newest_since = |since: Option<&(Candidate, T)>| {
        let since = since.map(|(one, _)| one.received_at);
        let dated = of(|one| matches!(one.evidence, Evidence::Dated(_)));
        last(dated.filter(move |(one, _)| since.is_none_or(|since| one.received_at > since)))
    };
    let undated = last(of(|one| one.evidence == Evidence::Undated));
    let hidden = undated.filter(|(one, _)| one.finding == Finding::Agreement).and_then(|_| {
        let gone = last(of(|one| one.evidence == Evidence::Undated && one.finding != Finding::Agreement));
        newest_since(gone).filter(|(one, _)| one.finding == Finding::Fault)
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
