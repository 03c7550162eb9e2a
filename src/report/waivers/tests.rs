use std::path::Path;

use jiff::Timestamp;
use proptest::prelude::*;

use super::Waivers;
use super::waiver::Pattern;
use crate::model::{Answer, DirectoryCheck, Language, Note, Shape, Task, TaskId, Verdict, Verification};
use crate::report::judge::{Judgement, Policy, judge};
use crate::report::moments::Moments;
use crate::report::{WaiverUse, Zone};

fn parse(text: &str) -> Waivers {
    let path = Path::new("plans/waivers.toml");
    Waivers::parse(path, text, &Zone::named("Asia/Shanghai").unwrap())
        .unwrap_or_else(|error| panic!("{error}"))
}

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-11-21T12:00:00Z")
}

fn moments() -> Moments {
    Moments { answered: now(), as_of: now() }
}

fn task() -> Task {
    Task { source_name: Some("db-01".to_owned()), ..Task::new(TaskId::new("0f8b").unwrap()) }
}

fn check(directory: &str, [different, missing, redundant]: [u64; 3]) -> DirectoryCheck {
    DirectoryCheck { directory: directory.to_owned(), total: 3_000_000, different, missing, redundant }
}

fn judged(waivers: &Waivers, result: &str, checks: Vec<DirectoryCheck>, age_in_hours: i64) -> Judgement {
    let finished = Some(now() - jiff::SignedDuration::from_hours(age_in_hours));
    let newest = Verification { finished, check_result: Some(result.to_owned()), directories: checks };
    let answer = Answer::new(Shape::ResultList, None, vec![newest]);
    let policy = Policy { max_age: Some(Policy::DEFAULT_MAX_AGE), not_before: None };
    judge(&task(), &answer, &policy, &waivers.of_task(&task(), now()), moments())
}

fn verdict(waivers: &Waivers, checks: &[DirectoryCheck]) -> Verdict {
    judged(waivers, "success", checks.to_vec(), 1).verdict
}

#[test]
fn invalid_file_reports_every_error_with_its_place() {
    let zone = Zone::named("UTC").unwrap();
    let reported = |text: &str| Waivers::parse(Path::new("w.toml"), text, &zone).unwrap_err().to_string();
    let reported = [
        reported(
            "max_missing = 1\n[[waiver]]\ntask = '[a'\nmax_diferent = 1\n\n[[waiver]]\nreason = '  '\n  max_missing = -1\n\
             max_different = 1.5\nmax_redundant = 99999999999999999999\nexpires = 12:00:00\n[[waiver]]\nowner = 5\n\
             expires = 'soon'\n[[waiver]]\nreason = ['x']\ndirectory = ''\nticket = ''\nexpires = '2026-02-30'\n",
        ),
        reported("[waiver]\nreason = 'x'\n"),
        reported("waiver = ['x', {reason = 'x', ticket = 7}]\n"),
        reported("[[waivers]]\nreason = 'x'\n"),
        reported(
            "[[waiver]]\nreason = 'x\n财 = 1\n[[waiver]]\nreason = 'x'\nreason = 'y'\nexpires = 2026-13-01\n",
        ),
        reported("[[waiver]]\nreason = 'x'\nexpires = '2026-12-01T10:00[Asia/Shanghai]'\n"),
    ];
    insta::assert_snapshot!(reported.join("\n\n"));
}

#[test]
fn directory_is_waived_only_if_one_waiver_covers_all_counts() {
    let waivers = parse(
        "[[waiver]]\nreason = 'a'\nmax_different = 5\n[[waiver]]\nreason = 'b'\nmax_missing = 5\nmax_redundant = 2\n",
    );
    for (counts, expected) in [
        (&[[5, 0, 0]][..], Verdict::Accepted),
        (&[[6, 0, 0]], Verdict::Inconsistent),
        (&[[0, 5, 2]], Verdict::Accepted),
        (&[[0, 5, 3]], Verdict::Inconsistent),
        (&[[1, 1, 0]], Verdict::Inconsistent),
        (&[[5, 0, 0], [0, 5, 0]], Verdict::Accepted),
        (&[[5, 0, 0], [1, 5, 0]], Verdict::Inconsistent),
        (&[[0, 0, 0]], Verdict::Consistent),
    ] {
        let checks: Vec<_> = counts.iter().map(|counts| check("/d", *counts)).collect();
        assert_eq!(verdict(&waivers, &checks), expected, "{counts:?}");
    }
    let old = judged(&waivers, "success", vec![check("/d", [5, 0, 0])], 25);
    assert_eq!(old.verdict, Verdict::Stale, "a waiver makes nothing younger");
    assert_eq!(judged(&waivers, "success", Vec::new(), 1).verdict, Verdict::NotVerified);
}

#[test]
fn worst_of_newest_decides_and_answer_of_another_task_never_passes() {
    let waivers = parse("[[waiver]]\nreason = 'x'\nmax_missing = 1\n");
    let judged = |named: Option<&str>, counts: &[[u64; 3]]| {
        let of = |counts: &[u64; 3]| Verification {
            finished: Some(now()),
            check_result: None,
            directories: vec![check("/d", *counts)],
        };
        let verifications = counts.iter().map(of).collect();
        let answer = Answer::new(Shape::ResultList, named.map(str::to_owned), verifications);
        let policy = Policy { max_age: None, not_before: None };
        judge(&task(), &answer, &policy, &waivers.of_task(&task(), now()), moments()).verdict
    };
    assert_eq!(judged(None, &[[0, 0, 0], [0, 1, 0]]), Verdict::Accepted);
    assert_eq!(judged(None, &[[0, 1, 0], [0, 2, 0]]), Verdict::Inconsistent);
    assert_eq!(judged(Some("another"), &[[0, 1, 0]]), Verdict::Unreadable);
}

#[test]
fn waived_differences_and_expired_waivers_are_noted() {
    let waivers = parse(
        "[[waiver]]\ndirectory = '/a*'\nreason = 'caches'\nmax_different = 5\n\
         [[waiver]]\ndirectory = '/b'\nreason = 'caches'\nmax_missing = 5\n\
         [[waiver]]\ndirectory = '/c'\nreason = 'logs'\nmax_missing = 5\n\
         [[waiver]]\nreason = 'old'\nmax_missing = 9\nexpires = 2026-11-20\n",
    );
    let checks = ["/a", "/b", "/c", "/d"]
        .map(|directory| check(directory, if directory == "/a" { [1, 0, 0] } else { [0, 1, 0] }));
    let Judgement { verdict, notes, waived, .. } = judged(&waivers, "success", checks.to_vec(), 1);
    assert_eq!(verdict, Verdict::Inconsistent);
    let reasons = vec!["caches".to_owned(), "logs".to_owned()];
    assert_eq!(
        notes,
        [Note::Waived { directories: 3, reasons }, Note::WaiverExpired("2026-11-20".to_owned())]
    );
    let of: Vec<_> =
        waived.iter().map(|waived| (waived.check.directory.as_str(), &*waived.waiver.reason)).collect();
    assert_eq!(of, [("/a", "caches"), ("/b", "caches"), ("/c", "logs")]);
    let texts: Vec<String> = notes.iter().map(|note| note.text(Language::English)).collect();
    assert_eq!(texts, ["3 directories waived: caches, logs", "a waiver expired on 2026-11-20"]);
    let failed = judged(&waivers, "failed", checks[..1].to_vec(), 1);
    assert_eq!((failed.verdict, failed.waived.len(), failed.notes), (Verdict::CheckFailed, 0, Vec::new()));
}

#[test]
fn waiver_applies_through_its_last_day_in_the_time_zone() {
    for (expires, last, first_after) in [
        ("2026-12-01", "2026-12-01T15:59:59.999Z", "2026-12-01T16:00:00Z"),
        ("'2026-12-01'", "2026-12-01T15:59:59.999Z", "2026-12-01T16:00:00Z"),
        ("2026-12-01T18:00:00", "2026-12-01T09:59:59.999Z", "2026-12-01T10:00:00Z"),
        ("2026-12-01 18:00:00", "2026-12-01T09:59:59.999Z", "2026-12-01T10:00:00Z"),
        ("'2026-12-01T18:00'", "2026-12-01T09:59:59.999Z", "2026-12-01T10:00:00Z"),
        ("2026-12-01T18:00:00Z", "2026-12-01T17:59:59.999Z", "2026-12-01T18:00:00Z"),
        ("'2026-12-01T18:00+01:00'", "2026-12-01T16:59:59.999Z", "2026-12-01T17:00:00Z"),
    ] {
        let waivers = parse(&format!("[[waiver]]\nreason = 'x'\nmax_missing = 1\nexpires = {expires}\n"));
        let expired = |time| waivers.uses(at(time))[0].expired;
        assert_eq!((expired(last), expired(first_after)), (false, true), "{expires}");
    }
    for never in ["9999-12-31", "9999-12-31T23:59:59"] {
        let waivers = parse(&format!("[[waiver]]\nreason = 'x'\nexpires = {never}\n"));
        assert!(!waivers.uses(at("9000-01-01T00:00:00Z"))[0].expired, "{never}");
    }
}

#[test]
fn glob_matches_across_slashes_and_literal_backslashes() {
    let matches = |glob: &str, text: &str| Pattern::new(glob).unwrap().matches(text);
    for (glob, text) in [
        ("/var/*/data", "/var/lib/pgsql/15/data"),
        ("*", "/"),
        ("*cache*", "/srv/cache/x"),
        (r"C:\data", r"C:\data"),
        (r"C:\data\*", r"C:\data\deep\er"),
        (r"C:\*", r"C:\"),
        ("/data/财*", "/data/财务/2025年报表"),
        ("/data/[ab]?", "/data/b1"),
        ("/data/{in,out}", "/data/out"),
        ("/a[[]1]", "/a[1]"),
    ] {
        assert!(matches(glob, text), "{glob} on {text}");
    }
    for (glob, text) in [
        ("/var", "/var/lib"),
        ("/VAR", "/var"),
        ("/data/?务", "/data/财务"),
        (r"C:\data", r"C:data"),
        ("/a[1]", "/a[1]"),
    ] {
        assert!(!matches(glob, text), "{glob} on {text}");
    }
}

#[test]
fn task_glob_matches_id_or_name() {
    for (task, expected) in
        [("0f*", Verdict::Accepted), ("db-*", Verdict::Accepted), ("web-*", Verdict::Inconsistent)]
    {
        let waivers = parse(&format!("[[waiver]]\ntask = '{task}'\nreason = 'x'\nmax_missing = 0x10\n"));
        assert_eq!(verdict(&waivers, &[check("/d", [0, 16, 0])]), expected, "{task}");
    }
}

#[test]
fn waiver_that_covers_nothing_gives_a_warning() {
    let waivers = parse("[[waiver]]\nreason = 'x'\n\n[[waiver]]\nreason = 'y'\nmax_missing = 1\n");
    let reported: Vec<String> = waivers.warnings().collect();
    assert_eq!(reported.len(), 1);
    assert!(reported[0].starts_with("plans/waivers.toml:1:1: this waiver covers nothing"), "{reported:?}");
    assert_eq!(verdict(&waivers, &[check("/d", [0, 0, 1])]), Verdict::Inconsistent);
}

#[test]
fn waiver_text_is_one_line() {
    let waivers = parse(
        "[[waiver]]\nreason = '''\ncache\n  files\n'''\nowner = 'J. Doe'\nticket = 'CHG-17'\nexpires = 2026-12-01\nmax_missing = 1\n\
         [[waiver]]\nreason = 'x'\n",
    );
    let [first, second] = &waivers.uses(now())[..] else { panic!("two") };
    assert_eq!(first.waiver.text(Language::English), "cache files (J. Doe, CHG-17, until 2026-12-01)");
    assert_eq!(first.waiver.text(Language::Chinese), "cache files（J. Doe、CHG-17、有效期至2026-12-01）");
    assert_eq!(second.waiver.text(Language::English), "x");
    let line = |expired, rows| WaiverUse { expired, rows, ..first.clone() }.text(Language::English);
    assert!(line(false, 2).ends_with("; at most 0 different, 1 missing, 0 redundant; rows covered: 2"));
    assert!(line(false, 0).contains("UNUSED") && line(true, 0).contains("EXPIRED"));
}

#[test]
fn saturated_difference_is_never_covered() {
    let most = u64::MAX / 2;
    let waivers = parse(&format!(
        "[[waiver]]\nreason = 'x'\nmax_different = {most}\nmax_missing = {most}\nmax_redundant = {most}\n"
    ));
    for (count, expected) in [
        (99_999, Verdict::Accepted),
        (100_000, Verdict::Inconsistent),
        (100_001, Verdict::Accepted),
        (1_000_000, Verdict::Inconsistent),
    ] {
        for counts in [[count, 1, 1], [1, count, 1], [1, 1, count]] {
            assert_eq!(verdict(&waivers, &[check("/d", counts)]), expected, "{counts:?}");
        }
    }
}

fn judge_with(waivers: &Waivers, finished: Option<Timestamp>, checks: &[(&str, [u64; 4])]) -> Judgement {
    let check = |&(directory, [total, different, missing, redundant]): &(&str, [u64; 4])| DirectoryCheck {
        directory: directory.to_owned(),
        total,
        different,
        missing,
        redundant,
    };
    let directories = checks.iter().map(check).collect();
    let newest = Verification { finished, check_result: Some("success".to_owned()), directories };
    let answer = Answer::new(Shape::ResultList, None, vec![newest]);
    let policy = Policy { max_age: Some(Policy::DEFAULT_MAX_AGE), not_before: None };
    judge(&task(), &answer, &policy, &waivers.of_task(&task(), now()), moments())
}

#[test]
fn inconclusive_evidence_is_accepted_only_by_a_waiver_that_says_so() {
    let all = parse("[[waiver]]\nreason = 'empty'\ninconclusive = true\n");
    let one = parse("[[waiver]]\nreason = 'empty'\ndirectory = '/a'\ninconclusive = true\n");
    let none = parse("[[waiver]]\nreason = 'empty'\ninconclusive = false\nmax_missing = 9\n");
    let fresh = Some(now());
    let future = Some(at("9999-12-30T00:00:00Z"));
    let (empty, full) = ([0, 0, 0, 0], [1_000_000, 0, 0, 0]);
    for (finished, checks, with_all, with_one) in [
        (fresh, &[("/a", empty)][..], Verdict::Accepted, Verdict::Accepted),
        (fresh, &[("/a", empty), ("/b", empty)], Verdict::Accepted, Verdict::Inconclusive),
        (fresh, &[("/a", full), ("/b", [9, 0, 0, 0])], Verdict::Accepted, Verdict::Accepted),
        (fresh, &[("/a", [9, 0, 0, 0]), ("/b", full)], Verdict::Accepted, Verdict::Inconclusive),
        (None, &[("/a", [9, 0, 0, 0])], Verdict::Accepted, Verdict::Accepted),
        (None, &[("/a", [9, 0, 0, 0]), ("/b", [9, 0, 0, 0])], Verdict::Accepted, Verdict::Inconclusive),
        (future, &[("/a", [9, 0, 0, 0])], Verdict::Accepted, Verdict::Accepted),
        (fresh, &[("/a", [9, 1, 0, 0])], Verdict::Inconsistent, Verdict::Inconsistent),
        (fresh, &[("/a", [9, 0, 0, 0])], Verdict::Consistent, Verdict::Consistent),
        (Some(at("2026-11-19T12:00:00Z")), &[("/a", full)], Verdict::Stale, Verdict::Stale),
        (fresh, &[], Verdict::NotVerified, Verdict::NotVerified),
    ] {
        assert_eq!(judge_with(&all, finished, checks).verdict, with_all, "{finished:?} {checks:?}");
        assert_eq!(judge_with(&one, finished, checks).verdict, with_one, "{finished:?} {checks:?}");
        let without = judge_with(&none, finished, checks);
        assert_ne!(without.verdict, Verdict::Accepted, "{finished:?} {checks:?}");
    }
    let accepted = judge_with(&all, fresh, &[("/a", empty)]);
    assert_eq!(accepted.notes, [Note::NoFiles, Note::InconclusiveAccepted(vec!["empty".to_owned()])]);
    assert_eq!(accepted.notes[1].text(Language::English), "inconclusive evidence accepted: empty");
    assert!(accepted.waived[0].inconclusive && accepted.waived[0].check.directory == "/a");
    assert!(all.warnings().next().is_none());
}

#[test]
fn waived_differences_in_doubtful_evidence_need_an_inconclusive_waiver_too() {
    let differences = "[[waiver]]\nreason = 'd'\nmax_different = 5\n";
    let doubts = "[[waiver]]\nreason = 'i'\ninconclusive = true\n";
    let expired = "[[waiver]]\nreason = 'x'\ninconclusive = true\nexpires = 2026-11-20\n";
    let judged = |text: &str| judge_with(&parse(text), Some(now()), &[("/a", [1_000_000, 3, 0, 0])]);
    assert_eq!(judged(differences).verdict, Verdict::Inconclusive);
    assert_eq!(judged(doubts).verdict, Verdict::Inconsistent);
    let both = judged(&format!("{differences}{doubts}"));
    assert_eq!((both.verdict, both.waived.len()), (Verdict::Accepted, 2));
    let late = judged(&format!("{differences}{expired}"));
    assert_eq!(late.verdict, Verdict::Inconclusive);
    assert!(late.notes.contains(&Note::WaiverExpired("2026-11-20".to_owned())));
}

/// Counts small enough to be waived, and those at which the service stops counting, or beyond.
fn count() -> impl Strategy<Value = u64> {
    prop_oneof![2 => 0_u64..4, 1 => prop::sample::select(vec![99_999, 100_000, 100_001, 1_000_000])]
}

fn maximum() -> impl Strategy<Value = u64> {
    prop_oneof![count(), Just(2_000_000)]
}

proptest! {
    #[test]
    fn only_what_one_valid_waiver_covers_passes(
        checks in prop::collection::vec((0_u8..2, prop::array::uniform3(count())), 1..4),
        waivers in prop::collection::vec(
            (prop::option::of(0_u8..2), prop::array::uniform3(maximum()), prop::option::of(prop::bool::ANY)), 0..4),
        succeeded in prop::bool::weighted(0.9),
        age in prop::sample::select(vec![1_i64, 25]),
    ) {
        let mut text = String::new();
        for (directory, [different, missing, redundant], expired) in &waivers {
            text += &format!(
                "[[waiver]]\nreason = 'x'\nmax_different = {different}\nmax_missing = {missing}\nmax_redundant = {redundant}\n"
            );
            text += &directory.map(|number| format!("directory = '/{number}'\n")).unwrap_or_default();
            text += match expired {
                Some(true) => "expires = 2026-11-20\n",
                Some(false) => "expires = 2026-11-21\n",
                None => "",
            };
        }
        let is_waived = |directory: u8, counts: [u64; 3]| waivers.iter().any(|(of, maxima, expired)| {
            *expired != Some(true)
                && of.is_none_or(|of| of == directory)
                && counts.iter().zip(maxima).all(|(count, max)| count <= max)
                && counts.iter().all(|count| *count != 100_000 && *count != 1_000_000)
        });
        let differs = |counts: [u64; 3]| counts != [0; 3];
        let covered = checks.iter().all(|(directory, counts)| !differs(*counts) || is_waived(*directory, *counts));
        let differing = checks.iter().filter(|(_, counts)| differs(*counts)).count();
        let expected = match (succeeded, covered, age, differing) {
            (false, ..) => Verdict::CheckFailed,
            (_, false, ..) => Verdict::Inconsistent,
            (.., 25, _) => Verdict::Stale,
            (.., 0) => Verdict::Consistent,
            _ => Verdict::Accepted,
        };
        let directories = checks.iter().map(|(number, counts)| check(&format!("/{number}"), *counts)).collect();
        let judgement = judged(&parse(&text), if succeeded { "success" } else { "failed" }, directories, age);
        prop_assert_eq!(judgement.verdict, expected);
        if judgement.verdict.passes() {
            prop_assert_eq!(judgement.waived.len(), differing);
        }
        if !succeeded {
            prop_assert!(judgement.waived.is_empty());
        }
    }
}
