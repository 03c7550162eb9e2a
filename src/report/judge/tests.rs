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

fn moments() -> Moments {
    Moments { answered: at(0), as_of: at(0) }
}

fn verdict(verifications: Vec<Verification>) -> (Verdict, Vec<Note>) {
    let policy = Policy { max_age: Some(Policy::DEFAULT_MAX_AGE), not_before: None };
    let task = Task::new(TaskId::new("t").unwrap());
    let answer = Answer::new(Shape::ResultList, Some("t".to_owned()), verifications);
    let Judgement { verdict, notes, .. } = judge(&task, &answer, &policy, &TaskWaivers::default(), moments());
    (verdict, notes)
}

#[test]
fn newest_verification_gives_the_first_verdict_that_applies() {
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
        (vec![verification(None, ok, &good)], Verdict::Inconclusive),
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
fn verification_before_not_before_is_stale() {
    let policy = Policy { max_age: None, not_before: Some(at(0)) };
    assert!(policy.is_stale(Some(at(-1)), at(5)));
    assert!(!policy.is_stale(None, at(5)), "an unknown age is inconclusive");
    assert!(!policy.is_stale(Some(at(0)), at(5)));
    assert!(!Policy { max_age: None, not_before: None }.is_stale(None, at(5)));
}

#[test]
fn doubtful_evidence_is_noted() {
    let noted = |finished, counts: &[[u64; 4]]| verdict(vec![verification(Some(finished), None, counts)]).1;
    assert_eq!(noted(at(0), &[[1_000_000, 0, 0, 0], [100_000, 0, 0, 0]]), [Note::Saturated(2)]);
    assert_eq!(noted(at(0), &[[3, 2, 2, 0]]), [Note::Impossible(1)]);
    assert_eq!(noted(at(0), &[[0, 0, 0, 0]]), [Note::NoFiles]);
    assert_eq!(noted(at(0), &[]), []);
    assert_eq!(noted(at(1), &[[1, 0, 0, 0]]), [Note::Future]);
    let answer = Answer::new(Shape::ResultList, Some("u".to_owned()), Vec::new());
    let task = Task::new(TaskId::new("t").unwrap());
    let policy = Policy { max_age: None, not_before: None };
    assert_eq!(
        judge(&task, &answer, &policy, &TaskWaivers::default(), moments()).notes,
        [Note::OtherTask("u".to_owned())]
    );
}

#[test]
fn answer_of_another_task_never_passes() {
    let task = Task::new(TaskId::new("t").unwrap());
    let policy = Policy { max_age: None, not_before: None };
    for (counts, expected) in [([1, 0, 0, 0], Verdict::Unreadable), ([1, 1, 0, 0], Verdict::Inconsistent)] {
        let of = |id: &str| {
            let verifications = vec![verification(Some(at(0)), None, &[counts])];
            let answer = Answer::new(Shape::ResultList, Some(id.to_owned()), verifications);
            judge(&task, &answer, &policy, &TaskWaivers::default(), moments()).verdict
        };
        assert_eq!(of("u"), expected);
        assert_eq!(of(" t "), of("t"));
        assert_eq!(of("").passes(), of("t").passes());
    }
}

#[test]
fn worst_of_possibly_newest_verifications_decides() {
    let (good, bad) = ([[9, 0, 0, 0]], [[9, 1, 0, 0]]);
    let timed = |hours, counts: &[[u64; 4]]| verification(Some(at(hours)), None, counts);
    assert_eq!(verdict(vec![timed(-1, &good), timed(-1, &bad)]).0, Verdict::Inconsistent);
    let (timeless, notes) = verdict(vec![timed(-1, &good), verification(None, None, &bad)]);
    assert_eq!(timeless, Verdict::Inconsistent);
    assert_eq!(notes, [Note::NoTime, Note::MaybeNewest]);
    assert_eq!(verdict(vec![timed(-1, &good), verification(None, None, &good)]).0, Verdict::Inconclusive);
    assert_eq!(verdict(vec![timed(-1, &bad), verification(None, None, &good)]).0, Verdict::Inconsistent);
}

#[test]
fn evidence_that_shows_nothing_is_inconclusive_at_any_max_age() {
    let good = &[[9, 0, 0, 0]][..];
    let future = at(0) + jiff::SignedDuration::from_mins(5);
    let just_after = future + jiff::SignedDuration::from_millis(1);
    for (finished, counts, expected) in [
        (Some(at(0)), &[[0, 0, 0, 0]][..], Verdict::Inconclusive),
        (Some(at(0)), &[[0, 0, 0, 0], [0, 0, 0, 0]], Verdict::Inconclusive),
        (Some(at(0)), &[[0, 0, 0, 0], [1, 0, 0, 0]], Verdict::Consistent),
        (Some(at(0)), &[[100_000, 0, 0, 0]], Verdict::Inconclusive),
        (Some(at(0)), &[[1_000_000, 0, 0, 0]], Verdict::Inconclusive),
        (Some(at(0)), &[[9, 0, 0, 0], [1_000_000, 0, 0, 0]], Verdict::Inconclusive),
        (Some(at(0)), &[[99_999, 0, 0, 0], [100_001, 0, 0, 0], [999_999, 0, 0, 0]], Verdict::Consistent),
        (Some(at(0)), &[[600_000, 0, 0, 0], [400_000, 0, 0, 0]], Verdict::Consistent),
        (Some(at(0)), &[[1_000_000, 100_000, 0, 0]], Verdict::Inconsistent),
        (Some(at(0)), &[[0, 0, 0, 1]], Verdict::Inconsistent),
        (None, good, Verdict::Inconclusive),
        (None, &[[9, 1, 0, 0]], Verdict::Inconsistent),
        (None, &[], Verdict::NotVerified),
        (Some(future), good, Verdict::Consistent),
        (Some(just_after), good, Verdict::Inconclusive),
        (Some(at(24 * 365)), good, Verdict::Inconclusive),
        (Some(Timestamp::MAX), good, Verdict::Inconclusive),
        (Some(Timestamp::MAX), &[[9, 0, 1, 0]], Verdict::Inconsistent),
    ] {
        for max_age in [None, Some(Policy::DEFAULT_MAX_AGE)] {
            let policy = Policy { max_age, not_before: None };
            let task = Task::new(TaskId::new("t").unwrap());
            let verifications = vec![verification(finished, Some("success"), counts)];
            let answer = Answer::new(Shape::ResultList, None, verifications);
            let judged = judge(&task, &answer, &policy, &TaskWaivers::default(), moments());
            assert_eq!(judged.verdict, expected, "{finished:?} {counts:?} {max_age:?}");
        }
    }
    let old = |counts| verdict(vec![verification(Some(at(-25)), None, counts)]).0;
    assert_eq!((old(&[[0, 0, 0, 0]]), old(&[[100_000, 0, 0, 0]])), (Verdict::Stale, Verdict::Stale));
}

#[test]
fn future_verification_does_not_hide_the_newest_real_one() {
    let (good, bad) = ([[9, 0, 0, 0]], [[412, 412, 0, 0]]);
    let timed = |hours, counts: &[[u64; 4]]| verification(Some(at(hours)), Some("success"), counts);
    for (case, expected, decisive) in [
        (vec![timed(8760, &good), timed(-1, &bad)], Verdict::Inconsistent, Some(1)),
        (vec![timed(8760, &good), timed(-1, &good)], Verdict::Inconclusive, Some(0)),
        (vec![timed(8760, &bad), timed(-1, &good)], Verdict::Inconsistent, Some(0)),
        (vec![timed(8760, &bad), timed(-1, &bad)], Verdict::Inconsistent, Some(1)),
        (vec![timed(8760, &good), timed(-36, &good)], Verdict::Stale, Some(1)),
        (vec![timed(8760, &good), timed(-1, &good), timed(-2, &bad)], Verdict::Inconclusive, Some(0)),
        (vec![timed(8760, &good), timed(4380, &bad), timed(-1, &good)], Verdict::Inconsistent, Some(1)),
        (vec![timed(8760, &good), verification(None, None, &bad)], Verdict::Inconsistent, Some(1)),
    ] {
        let policy = Policy { max_age: Some(Policy::DEFAULT_MAX_AGE), not_before: None };
        let task = Task::new(TaskId::new("t").unwrap());
        let answer = Answer::new(Shape::ResultList, None, case.clone());
        let judged = judge(&task, &answer, &policy, &TaskWaivers::default(), moments());
        assert_eq!((judged.verdict, judged.decisive), (expected, decisive), "{case:?}");
    }
    let (_, notes) = verdict(vec![timed(8760, &good), timed(-1, &bad)]);
    assert_eq!(notes, [Note::OtherInFuture]);
}

#[test]
fn time_after_the_answer_is_in_the_future_though_the_run_ended_later() {
    let policy = Policy { max_age: None, not_before: None };
    let task = Task::new(TaskId::new("t").unwrap());
    let answer =
        Answer::new(Shape::ResultList, None, vec![verification(Some(at(12)), None, &[[9, 0, 0, 0]])]);
    let resumed = Moments { answered: at(0), as_of: at(24) };
    let judged = judge(&task, &answer, &policy, &TaskWaivers::default(), resumed);
    assert_eq!((judged.verdict, judged.notes), (Verdict::Inconclusive, vec![Note::Future]));
}

proptest! {
    #[test]
    fn only_fresh_conclusive_evidence_passes(
        counts in prop::collection::vec(prop::array::uniform4(0_u64..3), 0..4),
        result in prop::option::of(prop::sample::select(vec!["success", "failed", ""])),
        finished in prop::option::of(-60_i64..2),
    ) {
        let case = verification(finished.map(at), result, &counts);
        let faultless = !counts.is_empty()
            && counts.iter().all(|[_, different, missing, redundant]| different + missing + redundant == 0)
            && result.is_none_or(|result| result == "success")
            && counts.iter().any(|[total, ..]| *total > 0)
            && finished.is_some_and(|hours| (-24..=0).contains(&hours));
        prop_assert_eq!(verdict(vec![case]).0.passes(), faultless);
    }
}
