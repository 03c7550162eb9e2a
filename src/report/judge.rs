//! From an answer to a verdict.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::moments::Moments;
use super::waivers::list::TaskWaivers;
use super::waivers::waiver::{Waived, Waiver};
use crate::model::{Answer, DirectoryCheck, Note, Task, TaskId, Verdict, Verification};

/// When a verification is too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The maximum age at the end of the run; none for no limit.
    pub max_age: Option<Duration>,
    /// The earliest finished time, as when the last change was made; none for no limit.
    pub not_before: Option<Timestamp>,
}

impl Policy {
    /// The default maximum age: 24 hours.
    pub const DEFAULT_MAX_AGE: Duration = Duration::from_secs(24 * 3600);

    /// An unknown time is not stale: it is inconclusive under every policy.
    fn is_stale(&self, finished: Option<Timestamp>, as_of: Timestamp) -> bool {
        finished.is_some_and(|finished| {
            let age = Duration::try_from(as_of.duration_since(finished)).unwrap_or_default();
            self.max_age.is_some_and(|max_age| age > max_age)
                || self.not_before.is_some_and(|not_before| finished < not_before)
        })
    }
}

/// The verdict on a task's evidence.
#[derive(Debug)]
pub(super) struct Judgement {
    pub(super) verdict: Verdict,
    /// The position of the verification that it is based on.
    pub(super) decisive: Option<usize>,
    pub(super) notes: Vec<Note>,
    /// The directories that waivers cover.
    pub(super) waived: Vec<Waived>,
}

/// Judges the newest verification: its verdict is the first of [`Verdict::ALL`] that applies.
///
/// A verification without a time, or with one in the future, may be the newest too, and several may have the same time:
/// the worst verdict counts. An answer that names another task is no evidence for this one, and never passes.
pub(super) fn judge(
    task: &Task,
    answer: &Answer,
    policy: &Policy,
    waivers: &TaskWaivers<'_>,
    moments: Moments,
) -> Judgement {
    let mut notes = Vec::new();
    let named = answer.task_id.as_deref().map(str::trim).filter(|named| !named.is_empty());
    let other = named.filter(|named| *named != task.id_text());
    // An answer may name anything, at any length.
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let shorten = |named: &str| named.chars().map(printable).take(TaskId::MAX_CHARS).collect::<String>();
    notes.extend(other.map(|named| Note::OtherTask(shorten(named))));
    // Verdicts are ordered worst first. Of equal ones, a verification with a known time counts.
    let judged = answer.may_be_newest(moments.answered).map(|(position, verification)| {
        let is_undated = verification.known_time(moments.answered).is_none();
        (verdict(verification, policy, waivers, moments), is_undated, position)
    });
    let Some((verdict, _, position)) = judged.min() else {
        return Judgement { verdict: Verdict::NotVerified, decisive: None, notes, waived: Vec::new() };
    };
    let mut waived = Vec::new();
    if let Some(decisive) = answer.verifications.get(position) {
        note_doubts(decisive, moments, &mut notes);
        if decisive.finished.is_none() && answer.newest_time(moments.answered).is_some() {
            notes.push(Note::MaybeNewest);
        }
        let any_future = answer.verifications.iter().any(|other| other.is_future(moments.answered));
        if any_future && !decisive.is_future(moments.answered) {
            notes.push(Note::OtherInFuture);
        }
        waived = waived_directories(decisive, waivers, moments);
        note_waivers(decisive, waivers, &waived, moments, &mut notes);
    }
    let verdict = if other.is_some() && verdict.passes() { Verdict::Unreadable } else { verdict };
    Judgement { verdict, decisive: Some(position), notes, waived }
}

fn verdict(
    verification: &Verification,
    policy: &Policy,
    waivers: &TaskWaivers<'_>,
    moments: Moments,
) -> Verdict {
    let checks = &verification.directories;
    if verification.check_failed() {
        return Verdict::CheckFailed;
    } else if checks.is_empty() {
        return Verdict::NotVerified;
    }
    let mut differing = checks.iter().filter(|check| !check.is_consistent()).peekable();
    let differs = differing.peek().is_some();
    if differing.any(|check| waivers.covering(verification, check).is_none()) {
        return Verdict::Inconsistent;
    } else if policy.is_stale(verification.finished, moments.as_of) {
        return Verdict::Stale;
    }
    let all_in_doubt = moments.is_in_doubt(verification);
    let mut doubtful = checks.iter().filter(|check| all_in_doubt || check.is_saturated()).peekable();
    let is_doubtful = doubtful.peek().is_some();
    if doubtful.any(|check| waivers.accepting(verification, check, all_in_doubt).is_none()) {
        Verdict::Inconclusive
    } else if differs || is_doubtful {
        Verdict::Accepted
    } else {
        Verdict::Consistent
    }
}

fn waived_directories(
    verification: &Verification,
    waivers: &TaskWaivers<'_>,
    moments: Moments,
) -> Vec<Waived> {
    let all_in_doubt = moments.is_in_doubt(verification);
    let waived = |check: &DirectoryCheck, waiver: &Arc<Waiver>, inconclusive| Waived {
        check: check.clone(),
        waiver: Arc::clone(waiver),
        inconclusive,
        synchronised: false,
    };
    let of_directory = |check| {
        let differences = waivers.covering(verification, check).map(|waiver| waived(check, waiver, false));
        let doubts =
            waivers.accepting(verification, check, all_in_doubt).map(|waiver| waived(check, waiver, true));
        differences.into_iter().chain(doubts)
    };
    verification.directories.iter().flat_map(of_directory).collect()
}

/// The reasons of waivers, each once.
fn reasons<'w>(waived: impl Iterator<Item = &'w Waived>) -> Vec<String> {
    let mut reasons: Vec<String> = Vec::new();
    for Waived { waiver, .. } in waived {
        if !reasons.contains(&waiver.reason) {
            reasons.push(waiver.reason.clone());
        }
    }
    reasons
}

/// Notes what is waived, and which waivers would apply but have expired.
fn note_waivers(
    verification: &Verification,
    waivers: &TaskWaivers<'_>,
    waived: &[Waived],
    moments: Moments,
    notes: &mut Vec<Note>,
) {
    let differences = || waived.iter().filter(|waived| !waived.inconclusive);
    if let directories @ 1.. = differences().count() {
        notes.push(Note::Waived { directories, reasons: reasons(differences()) });
    }
    let accepted = reasons(waived.iter().filter(|waived| waived.inconclusive));
    if !accepted.is_empty() {
        notes.push(Note::InconclusiveAccepted(accepted));
    }
    let all_in_doubt = moments.is_in_doubt(verification);
    let expired = verification.directories.iter().flat_map(|check| {
        let differences = waivers.expired(verification, check);
        differences.into_iter().chain(waivers.expired_accepting(verification, check, all_in_doubt))
    });
    for expires in expired.filter_map(|waiver| waiver.expires.as_ref()) {
        let note = Note::WaiverExpired(expires.to_string());
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
}

/// Notes what makes the evidence doubtful.
fn note_doubts(verification: &Verification, moments: Moments, notes: &mut Vec<Note>) {
    let totals = verification.totals();
    if verification.finished.is_none() {
        notes.push(Note::NoTime);
    } else if verification.is_future(moments.answered) {
        notes.push(Note::Future);
    }
    if totals.saturated > 0 {
        notes.push(Note::Saturated(totals.saturated));
    }
    if totals.impossible > 0 {
        notes.push(Note::Impossible(totals.impossible));
    }
    if totals.total == 0 && totals.directories > 0 {
        notes.push(Note::NoFiles);
    }
}

#[cfg(test)]
mod tests;
