//! From an answer to a verdict.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::waivers::{TaskWaivers, Waived};
use crate::model::{Answer, Note, Task, TaskId, Verdict, Verification};

/// What makes a verification too old to rest a cutover on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The greatest age at the end of the run; none allows any.
    pub max_age: Option<Duration>,
    /// The earliest time of finishing, as when the last change was made; none allows any.
    pub not_before: Option<Timestamp>,
}

impl Policy {
    /// The age that a verification may have when the user says nothing: 24 hours.
    pub const DEFAULT_MAX_AGE: Duration = Duration::from_secs(24 * 3600);

    fn is_stale(&self, finished: Option<Timestamp>, as_of: Timestamp) -> bool {
        match finished {
            // An age that is not known cannot be shown to be within the bounds.
            None => self.max_age.is_some() || self.not_before.is_some(),
            Some(finished) => {
                let age = Duration::try_from(as_of.duration_since(finished)).unwrap_or_default();
                self.max_age.is_some_and(|max_age| age > max_age)
                    || self.not_before.is_some_and(|not_before| finished < not_before)
            }
        }
    }
}

/// What a task's evidence amounts to.
#[derive(Debug)]
pub(super) struct Judgement {
    pub(super) verdict: Verdict,
    /// The place of the verification that it rests on.
    pub(super) decisive: Option<usize>,
    pub(super) notes: Vec<Note>,
    /// Its directories whose differences are waived.
    pub(super) waived: Vec<Waived>,
}

/// The verdict on the newest verification, the first that applies, and the warnings beside it.
///
/// Of several that may be the newest, because they have the same time or none, the worst decides. An
/// answer that names another task is no evidence for this one: it never passes.
pub(super) fn judge(
    task: &Task,
    answer: &Answer,
    policy: &Policy,
    waivers: &TaskWaivers<'_>,
    as_of: Timestamp,
) -> Judgement {
    let mut notes = Vec::new();
    let named = answer.task_id.as_deref().map(str::trim).filter(|named| !named.is_empty());
    let other = named.filter(|named| *named != task.task_id.as_str());
    // An answer may name anything, at any length.
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    let shown = |named: &str| named.chars().map(shown).take(TaskId::MAX_CHARS).collect::<String>();
    notes.extend(other.map(|named| Note::OtherTask(shown(named))));
    let newest = answer.verifications.first().and_then(|newest| newest.finished);
    let may_be_newest = answer
        .verifications
        .iter()
        .enumerate()
        .filter(|(_, verification)| verification.finished == newest || verification.finished.is_none());
    let judged =
        may_be_newest.map(|(place, verification)| (verdict(verification, policy, waivers, as_of), place));
    let Some((verdict, place)) = judged.min() else {
        return Judgement { verdict: Verdict::NotVerified, decisive: None, notes, waived: Vec::new() };
    };
    let mut waived = Vec::new();
    if let Some(decisive) = answer.verifications.get(place) {
        warn(decisive, as_of, &mut notes);
        if decisive.finished.is_none() && newest.is_some() {
            notes.push(Note::MaybeNewest);
        }
        waived = waived_directories(decisive, waivers);
        note_waivers(decisive, waivers, &waived, &mut notes);
    }
    let verdict = if other.is_some() && verdict.passes() { Verdict::Unreadable } else { verdict };
    Judgement { verdict, decisive: Some(place), notes, waived }
}

fn verdict(
    verification: &Verification,
    policy: &Policy,
    waivers: &TaskWaivers<'_>,
    as_of: Timestamp,
) -> Verdict {
    let mut differing = verification.directories.iter().filter(|check| !check.is_consistent()).peekable();
    let differs = differing.peek().is_some();
    if verification.check_failed() {
        Verdict::CheckFailed
    } else if verification.directories.is_empty() {
        Verdict::NotVerified
    } else if differing.any(|check| waivers.covering(verification, check).is_none()) {
        Verdict::Inconsistent
    } else if policy.is_stale(verification.finished, as_of) {
        Verdict::Stale
    } else if differs {
        Verdict::Accepted
    } else {
        Verdict::Consistent
    }
}

fn waived_directories(verification: &Verification, waivers: &TaskWaivers<'_>) -> Vec<Waived> {
    let waived = |check| {
        let waiver = Arc::clone(waivers.covering(verification, check)?);
        Some(Waived { check: check.clone(), waiver })
    };
    verification.directories.iter().filter_map(waived).collect()
}

/// Notes what is waived, and what no longer is.
fn note_waivers(
    verification: &Verification,
    waivers: &TaskWaivers<'_>,
    waived: &[Waived],
    notes: &mut Vec<Note>,
) {
    if !waived.is_empty() {
        let mut reasons: Vec<String> = Vec::new();
        for Waived { waiver, .. } in waived {
            if !reasons.contains(&waiver.reason) {
                reasons.push(waiver.reason.clone());
            }
        }
        notes.push(Note::Waived { directories: waived.len(), reasons });
    }
    let expired = verification.directories.iter().filter_map(|check| waivers.expired(verification, check));
    for expires in expired.filter_map(|waiver| waiver.expires.as_ref()) {
        let note = Note::WaiverExpired(expires.to_string());
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
}

fn warn(verification: &Verification, as_of: Timestamp, notes: &mut Vec<Note>) {
    let totals = verification.totals();
    match verification.finished {
        None => notes.push(Note::NoTime),
        Some(finished) if finished > as_of => notes.push(Note::Future),
        Some(_) => {}
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
mod tests {
    use super::*;
    use crate::model::{DirectoryCheck, Shape};
    use proptest::prelude::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + hours * 3600).unwrap()
    }

    fn verification(finished: Option<Timestamp>, result: Option<&str>, counts: &[[u64; 4]]) -> Verification {
        let check = |[total, different, missing, redundant]: [u64; 4]| DirectoryCheck {
            directory: "/data".to_owned(),
            total,
            different,
            missing,
            redundant,
        };
        Verification {
            finished,
            check_result: result.map(str::to_owned),
            directories: counts.iter().copied().map(check).collect(),
        }
    }

    fn verdict(verifications: Vec<Verification>) -> (Verdict, Vec<Note>) {
        let policy = Policy { max_age: Some(Policy::DEFAULT_MAX_AGE), not_before: None };
        let task = Task::new(TaskId::new("t").unwrap());
        let answer = Answer::new(Shape::ResultList, Some("t".to_owned()), verifications);
        let Judgement { verdict, notes, .. } = judge(&task, &answer, &policy, &TaskWaivers::default(), at(0));
        (verdict, notes)
    }

    #[test]
    fn the_first_verdict_that_applies_wins() {
        let good = [[9, 0, 0, 0]];
        let bad = [[9, 0, 0, 0], [9, 0, 0, 1]];
        let ok = Some("success");
        for (case, expected) in [
            (vec![], Verdict::NotVerified),
            (vec![verification(Some(at(0)), ok, &[])], Verdict::NotVerified),
            (vec![verification(Some(at(0)), Some("failed"), &bad)], Verdict::CheckFailed),
            (vec![verification(Some(at(0)), Some("failed"), &[])], Verdict::CheckFailed),
            (vec![verification(Some(at(0)), Some(""), &good)], Verdict::CheckFailed),
            (vec![verification(Some(at(-30)), ok, &bad)], Verdict::Inconsistent),
            (vec![verification(Some(at(-25)), ok, &good)], Verdict::Stale),
            (vec![verification(None, ok, &good)], Verdict::Stale),
            (vec![verification(Some(at(-24)), ok, &good)], Verdict::Consistent),
            (vec![verification(Some(at(0)), None, &good)], Verdict::Consistent),
            (
                vec![verification(Some(at(-2)), ok, &good), verification(Some(at(-1)), ok, &bad)],
                Verdict::Inconsistent,
            ),
            (
                vec![verification(Some(at(-2)), ok, &bad), verification(Some(at(-1)), ok, &good)],
                Verdict::Consistent,
            ),
        ] {
            assert_eq!(verdict(case.clone()).0, expected, "{case:?}");
        }
    }

    #[test]
    fn not_before_makes_an_earlier_verification_stale() {
        let policy = Policy { max_age: None, not_before: Some(at(0)) };
        assert!(policy.is_stale(Some(at(-1)), at(5)));
        assert!(policy.is_stale(None, at(5)));
        assert!(!policy.is_stale(Some(at(0)), at(5)));
        assert!(!Policy { max_age: None, not_before: None }.is_stale(None, at(5)));
    }

    #[test]
    fn warnings_are_noted() {
        let noted =
            |finished, counts: &[[u64; 4]]| verdict(vec![verification(Some(finished), None, counts)]).1;
        assert_eq!(noted(at(0), &[[1_000_000, 0, 0, 0], [100_000, 0, 0, 0]]), [Note::Saturated(2)]);
        assert_eq!(noted(at(0), &[[3, 2, 2, 0]]), [Note::Impossible(1)]);
        assert_eq!(noted(at(0), &[[0, 0, 0, 0]]), [Note::NoFiles]);
        assert_eq!(noted(at(0), &[]), []);
        assert_eq!(noted(at(1), &[[1, 0, 0, 0]]), [Note::Future]);
        let answer = Answer::new(Shape::ResultList, Some("u".to_owned()), Vec::new());
        let task = Task::new(TaskId::new("t").unwrap());
        let policy = Policy { max_age: None, not_before: None };
        assert_eq!(
            judge(&task, &answer, &policy, &TaskWaivers::default(), at(0)).notes,
            [Note::OtherTask("u".to_owned())]
        );
    }

    #[test]
    fn an_answer_of_another_task_never_passes() {
        let task = Task::new(TaskId::new("t").unwrap());
        let policy = Policy { max_age: None, not_before: None };
        for (counts, expected) in [([1, 0, 0, 0], Verdict::Unreadable), ([1, 1, 0, 0], Verdict::Inconsistent)]
        {
            let of = |id: &str| {
                let verifications = vec![verification(Some(at(0)), None, &[counts])];
                let answer = Answer::new(Shape::ResultList, Some(id.to_owned()), verifications);
                judge(&task, &answer, &policy, &TaskWaivers::default(), at(0)).verdict
            };
            assert_eq!(of("u"), expected);
            assert_eq!(of(" t "), of("t"));
            assert_eq!(of("").passes(), of("t").passes());
        }
    }

    #[test]
    fn of_those_that_may_be_the_newest_the_worst_decides() {
        let (good, bad) = ([[9, 0, 0, 0]], [[9, 1, 0, 0]]);
        let timed = |hours, counts: &[[u64; 4]]| verification(Some(at(hours)), None, counts);
        assert_eq!(verdict(vec![timed(-1, &good), timed(-1, &bad)]).0, Verdict::Inconsistent);
        let (timeless, notes) = verdict(vec![timed(-1, &good), verification(None, None, &bad)]);
        assert_eq!(timeless, Verdict::Inconsistent);
        assert_eq!(notes, [Note::NoTime, Note::MaybeNewest]);
        assert_eq!(verdict(vec![timed(-1, &good), verification(None, None, &good)]).0, Verdict::Stale);
        assert_eq!(verdict(vec![timed(-1, &bad), verification(None, None, &good)]).0, Verdict::Inconsistent);
    }

    proptest! {
        #[test]
        fn only_fresh_faultless_evidence_passes(
            counts in prop::collection::vec(prop::array::uniform4(0_u64..3), 0..4),
            result in prop::option::of(prop::sample::select(vec!["success", "failed", ""])),
            finished in prop::option::of(-60_i64..2),
        ) {
            let case = verification(finished.map(at), result, &counts);
            let faultless = !counts.is_empty()
                && counts.iter().all(|[_, different, missing, redundant]| different + missing + redundant == 0)
                && result.is_none_or(|result| result == "success")
                && finished.is_some_and(|hours| hours >= -24);
            prop_assert_eq!(verdict(vec![case]).0.passes(), faultless);
        }
    }
}
