use super::*;
use crate::model::{Task, TaskId, TaskList};

fn header(tasks: usize) -> Header {
    let tasks = (0..tasks).map(|number| Task::new(TaskId::new(&format!("t{number}")).unwrap()));
    let list = TaskList { labels: Vec::new(), tasks: tasks.collect() };
    Header::new(now(), "https://sms.example".to_owned(), list)
}

fn record(ordinal: usize) -> Record {
    let answered = crate::journal::record::Answered {
        status: 200,
        sample_data: false,
        content_range: None,
        body: b"{}".to_vec(),
    };
    Record {
        ordinal,
        task_id: TaskId::new(&format!("t{ordinal}")).ok(),
        fetched_at: now(),
        attempts: 1,
        request_id: None,
        context: None,
        clock_offset: None,
        outcome: Outcome::Answered(answered),
    }
}

#[cfg(unix)]
#[test]
fn failed_sync_is_reported_by_the_next_sync() {
    let writer = || {
        // Accepts every write, but cannot be synced.
        let path = PathBuf::from("/dev/null");
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        let open = OpenJournal { file, path: path.clone(), length: 0, copy: None };
        let mut writer = Writer::at(path.into(), Target::File(open));
        writer.unsynced = true;
        writer
    };
    let mut ticking = writer();
    ticking.begin_sync().expect("begin_sync does not wait");
    while ticking.begin_sync().is_ok() {}
    assert!(matches!(writer().sync(), Err(JournalError::Io { .. })));
}

/// Appends two records, lets `harm` change the journal, appends a third; returns the notice and the number of
/// records.
#[cfg(unix)]
fn after(harm: impl FnOnce(&Path)) -> (Option<String>, usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j.jsonl");
    let mut writer = Writer::create(path.clone(), &header(3), false).unwrap();
    writer.append(record(0)).unwrap();
    writer.append(record(1)).unwrap();
    harm(&path);
    writer.append(record(2)).unwrap();
    let notice = writer.take_notice();
    writer.finish().unwrap();
    let journal = Journal::open(writer.path().to_owned()).unwrap();
    assert!(journal.is_finished() && journal.faults().is_empty());
    (notice.map(|notice| notice.replace(&folder.path().display().to_string(), "")), journal.recorded())
}

#[cfg(unix)]
#[test]
fn journal_changed_during_a_run_loses_no_record() {
    let truncate = |length: u64| {
        move |path: &Path| OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap()
    };
    let replace = |path: &Path| {
        std::fs::write(path.with_extension("new"), "other").unwrap();
        std::fs::rename(path.with_extension("new"), path).unwrap();
    };
    for (what, (notice, recorded)) in [
        ("removed or renamed", after(|path| std::fs::remove_file(path).unwrap())),
        ("removed or renamed", after(|path| std::fs::rename(path, path.with_extension("old")).unwrap())),
        ("removed or renamed", after(|path| std::fs::remove_dir_all(path.parent().unwrap()).unwrap())),
        ("replaced", after(replace)),
        ("truncated", after(truncate(0))),
        ("truncated", after(truncate(300))),
    ] {
        let notice = notice.unwrap();
        assert!(notice.contains(what) && notice.contains("/j.recovered-"), "{notice}");
        assert_eq!(recorded, 3, "{what}");
    }
    assert_eq!(after(|_| {}), (None, 3));
}

#[cfg(unix)]
#[test]
fn file_that_appears_before_the_first_answer_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j.jsonl");
    let mut writer = Writer::create(path.clone(), &header(1), true).unwrap();
    std::fs::write(&path, "of another program").unwrap();
    writer.append(record(0)).unwrap();
    assert!(writer.take_notice().unwrap().contains("before the first answer"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "of another program");
    assert_eq!(Journal::open(writer.path().to_owned()).unwrap().recorded(), 1);
}

#[test]
fn copy_that_fails_leaves_the_journal_at_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j.jsonl");
    std::fs::write(&path, "first\n").unwrap();
    // Cannot be read, so not be copied.
    let mut file = OpenOptions::new().write(true).open(&path).unwrap();
    assert!(copy_of(&file, &path, 6).unwrap().is_none());
    file.write_all(b"second\n").unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "first\nsecond\n");
}
