//! Histories of made-up nights.

use super::entry::{Entry, Finding, Names, Synchronisation, marks};
use super::{History, Night};
use crate::model::Verdict;
use crate::report::status::Facts;

/// The task id, the source id, the name, and the verdict with its differences; none was not fetched.
type Row<'a> = (&'a str, &'a str, &'a str, Option<(Verdict, u64)>);

fn night(ended: &str, rows: &[Row<'_>]) -> Night {
    let mut names = Names::default();
    let entries = rows.iter().map(|(task_id, source_id, name, finding)| {
        let mut get = |text: &str| (!text.is_empty()).then(|| names.get(text));
        Entry {
            plan: None,
            task_id: get(task_id),
            source_id: get(source_id),
            source_name: get(name),
            endpoint: names.get("e"),
            finding: finding.map(|(verdict, differences)| Finding {
                verdict,
                differences,
                synchronisation: None,
            }),
        }
    });
    let entries: Vec<Entry> = entries.collect();
    let ended_at = ended.parse().unwrap();
    Night {
        started_at: ended_at,
        ended_at,
        as_of: ended_at,
        journals: vec![ended.to_owned()],
        is_clock_wrong: false,
        facts: Facts { finished: true, ..Facts::default() },
        shard: None,
        is_sample: false,
        is_merged: false,
        superseded: Vec::new(),
        entries,
    }
}

const BAD: Option<(Verdict, u64)> = Some((Verdict::Inconsistent, 3));
const GOOD: Option<(Verdict, u64)> = Some((Verdict::Consistent, 0));

fn course(history: &History, name: &str) -> String {
    let task = history.tasks().iter().find(|task| task.display_name() == name).unwrap();
    let mark =
        |verdict: Option<Verdict>| verdict.map_or('.', |verdict| if verdict.passes() { 'C' } else { 'x' });
    task.verdicts().map(mark).collect()
}

#[test]
fn renamed_moved_and_recreated_servers_stay_one_task() {
    let history = History::new(vec![
        night(
            "2026-11-03T02:00:00Z",
            &[("t9", "s1", "web-new", GOOD), ("t2", "", "db", BAD), ("t3", "", "new", BAD)],
        ),
        night(
            "2026-11-01T02:00:00Z",
            &[("t1", "s1", "web", BAD), ("t2", "", "db-old", BAD), ("t4", "", "left", GOOD)],
        ),
        night("2026-11-02T02:00:00Z", &[("t1", "", "web", BAD), ("t2", "", "db", None)]),
    ]);
    assert_eq!(history.nights().len(), 3);
    assert_eq!(course(&history, "web-new"), "xxC");
    assert_eq!(course(&history, "db"), "x.x");
    assert_eq!(course(&history, "new"), "..x");
    assert_eq!(course(&history, "left"), "C..");
    let names: Vec<_> = history.tasks().iter().map(|task| (task.display_name(), task.is_listed)).collect();
    assert_eq!(
        names,
        [("db", true), ("new", true), ("web-new", true), ("left", false)],
        "stuck longest first"
    );
    let figures: Vec<_> =
        history.nights().iter().map(|night| (night.tasks(), night.gaps, night.not_fetched)).collect();
    assert_eq!(figures, [(3, 1, 0), (1, 3, 1), (3, 1, 0)]);
}

#[test]
fn reports_of_one_night_are_joined_and_the_later_result_counts() {
    let early = night("2026-11-01T01:00:00Z", &[("t1", "", "a", BAD), ("t2", "", "b", GOOD)]);
    let late =
        night("2026-11-01T02:00:00Z", &[("t1", "", "a", GOOD), ("t2", "", "b", None), ("t3", "", "c", BAD)]);
    for joined in [early.clone().join(late.clone()), late.join(early)] {
        let history = History::new(vec![joined]);
        let courses = ["a", "b", "c"].map(|name| course(&history, name));
        assert_eq!(courses, ["C", "C", "x"]);
        assert_eq!(history.nights()[0].ended_at.to_string(), "2026-11-01T02:00:00Z");
        assert_eq!(history.nights()[0].passing(), 2);
        assert_eq!(history.nights()[0].journals.len(), 2);
    }
}

#[test]
fn night_after_a_synchronisation_is_marked() {
    let of = |ended: Option<&str>, is_later| {
        let ended_at = ended.map(|ended| ended.parse().unwrap());
        let synchronisation = Some(Synchronisation { ended_at, is_later });
        Some(Finding { verdict: Verdict::Consistent, differences: 0, synchronisation })
    };
    let (first, second) = (Some("2026-11-01T00:00:00Z"), Some("2026-11-03T00:00:00Z"));
    let unknown = Some(Finding { verdict: Verdict::Consistent, differences: 0, synchronisation: None });
    assert_eq!(
        marks(&[of(first, false), of(first, false), unknown, None, of(second, false), of(second, false)]),
        [false, false, false, false, true, false]
    );
    assert_eq!(marks(&[of(None, false), of(first, false), of(first, true)]), [false, true, true]);
    assert_eq!(marks(&[unknown, of(second, false), of(None, false), of(second, false)]), [false; 4]);
}

#[test]
fn later_finished_run_of_the_same_tasks_supersedes() {
    let early = night("2026-11-01T01:00:00Z", &[("t1", "", "a", BAD), ("t2", "", "b", GOOD)]);
    let mut late =
        night("2026-11-01T02:00:00Z", &[("t2", "", "b", BAD), ("t1", "", "a", None), ("t3", "", "c", BAD)]);
    let part = night("2026-11-01T03:00:00Z", &[("t2", "", "b", BAD)]);
    assert!(late.supersedes(&early) && !early.supersedes(&late));
    assert!(!part.supersedes(&early), "other tasks of the earlier run would have no result");
    late.facts.finished = false;
    assert!(!late.supersedes(&early));
}

#[test]
fn history_without_nights_is_empty() {
    let history = History::new(Vec::new());
    assert!(history.nights().is_empty() && history.tasks().is_empty());
}
