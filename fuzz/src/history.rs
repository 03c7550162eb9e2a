//! The course over four described nights: every order gives the same, and the numbers agree with each other.

use std::path::PathBuf;
use std::sync::LazyLock;

use super::shared::{Bytes, described, journal, report, scratch};
use cutover_report::report::{History, Names, Night, RunKey, group_into_nights};

static PATHS: LazyLock<[PathBuf; 4]> =
    LazyLock::new(|| ["night-0", "night-1", "night-2", "night-3"].map(scratch));

pub fn run(data: &[u8]) {
    let mut bytes = Bytes(data);
    let journals =
        PATHS.each_ref().map(|path| journal(path, described(&mut bytes).as_bytes()).expect("a journal"));
    let reports = journals.each_ref().map(|journal| report(journal, None).expect("a report"));
    let mut names = Names::default();
    let mut nights = Vec::new();
    for (number, report) in reports.iter().enumerate() {
        nights.push(Night::of(report, vec![format!("{number}.jsonl")], &mut names));
    }
    let history = History::new(nights.clone());
    for night in history.nights() {
        assert_eq!(night.tasks(), night.passing() + night.not_passing());
        assert!(night.gaps <= history.tasks().len());
    }
    for (number, night) in history.nights().iter().enumerate() {
        let without = history.tasks().iter().filter(|task| task.findings[number].is_none()).count();
        assert_eq!(night.gaps, without);
        assert_eq!(night.tasks() + night.absent(), history.tasks().len());
    }
    for task in history.tasks() {
        assert_eq!(task.findings.len(), history.nights().len());
        assert!(task.nights_without_evidence() >= task.findings.iter().filter(|one| one.is_none()).count());
        assert!(task.nights_without_progress() == 0 || !task.passes());
        assert!(!task.passes() || task.first_passed().is_some());
    }
    nights.reverse();
    assert_eq!(format!("{:?}", History::new(nights)), format!("{history:?}"));
    let keys: Vec<RunKey> = journals.iter().map(RunKey::of).collect();
    let zone = &reports[0].options().timezone;
    let mut places: Vec<usize> = group_into_nights(&keys, zone).into_iter().flatten().flatten().collect();
    places.sort_unstable();
    assert_eq!(places, [0, 1, 2, 3]);
}
