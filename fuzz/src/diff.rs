//! Comparison of two described journals: every task of both is counted once, and nothing differs from itself.

use std::path::PathBuf;
use std::sync::LazyLock;

use super::shared::{Bytes, described, journal, report, scratch};
use cutover_report::model::Language;
use cutover_report::report::{Change, Diff};

static PATHS: LazyLock<[PathBuf; 2]> = LazyLock::new(|| ["old", "new"].map(scratch));

pub fn run(data: &[u8]) {
    let mut bytes = Bytes(data);
    let journals =
        PATHS.each_ref().map(|path| journal(path, described(&mut bytes).as_bytes()).expect("a journal"));
    let [old, new] = journals.each_ref().map(|journal| report(journal, None).expect("a report"));
    let diff = Diff::new(&old, &new).expect("journals that can be read");
    let tasks = diff.tasks();
    let count = |wanted| {
        diff.counts().into_iter().filter(|(change, _)| *change == wanted).map(|(_, count)| count).sum()
    };
    let total: usize = diff.counts().into_iter().map(|(_, count)| count).sum();
    assert_eq!(total, tasks.len());
    assert_eq!(tasks.iter().filter(|task| task.old.is_some()).count(), old.rows().len());
    assert_eq!(tasks.iter().filter(|task| task.new.is_some()).count(), new.rows().len());
    for language in [Language::English, Language::Chinese] {
        assert!(!diff.headline(language).is_empty());
    }
    diff.directories().for_each(drop);
    let back = Diff::new(&new, &old).expect("journals that can be read");
    let gone: usize = count(Change::Gone);
    assert_eq!(gone, back.tasks().iter().filter(|task| task.change == Change::New).count());
    let itself = Diff::new(&new, &new).expect("a journal that can be read");
    assert!(itself.tasks().iter().all(|task| task.change == Change::Same));
}
