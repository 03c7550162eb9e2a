use std::collections::BTreeMap;
use std::io::Write;

use super::line::Line;
use super::*;
use crate::model::{PlanDoubt, Planned, Task, TaskContext, TaskId, TaskList};
use proptest::prelude::*;

fn header(tasks: usize) -> Header {
    let tasks = (0..tasks).map(|n| Task::new(TaskId::new(&format!("task-{n}")).unwrap())).collect();
    let list = TaskList { labels: Vec::new(), tasks };
    Header::new("2026-11-21T00:00:00Z".parse().unwrap(), "https://sms.example".to_owned(), list)
}

fn record(ordinal: usize, outcome: Outcome) -> Record {
    Record {
        ordinal,
        task_id: TaskId::new(&format!("task-{ordinal}")).ok(),
        fetched_at: "2026-11-21T00:00:01.5Z".parse().unwrap(),
        clock_offset: Some(crate::model::ClockOffset::from_secs(-7)),
        attempts: 2,
        request_id: Some("r\n\"1\"".to_owned()),
        context: None,
        outcome,
    }
}

fn answered(body: &[u8]) -> Outcome {
    Outcome::Answered(Answered { status: 200, sample_data: false, content_range: None, body: body.to_vec() })
}

#[test]
fn records_written_are_read_back_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j.jsonl");
    let records = [
        record(2, answered("{\n \"ü\": \"\u{1f600}\"\r\n}".as_bytes())),
        record(0, answered(b"\xff\x00\xfe")),
        record(1, Outcome::Failed(Failed { status: None, code: None, kind: None, message: "no".to_owned() })),
    ];
    let mut writer = Writer::create(&path, &header(4), false).unwrap();
    for record in &records {
        writer.append(record.clone()).unwrap();
    }
    let unfinished = Journal::open(&path).unwrap();
    assert!(!unfinished.is_finished());
    assert_eq!(unfinished.ended_at(), records[0].fetched_at, "the time of its last record");
    writer.finish().unwrap();
    let journal = Journal::open(&path).unwrap();
    assert!(journal.is_finished() && journal.faults().is_empty());
    assert_eq!((journal.recorded(), journal.header()), (3, &header(4)));
    for expected in records {
        assert_eq!(journal.record(expected.ordinal).unwrap(), Some(expected));
    }
    assert_eq!(journal.record(3).unwrap(), None);
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 5, "header, three records, footer");
}

#[test]
fn create_over_unfinished_or_foreign_file_without_overwrite_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j.jsonl");
    let create = |overwrite| Writer::create(&path, &header(2), overwrite);
    let mut writer = create(false).unwrap();
    writer.append(record(0, answered(b"{}"))).unwrap();
    drop(writer);
    assert!(matches!(create(false), Err(JournalError::Unfinished { recorded: 1, total: 2, .. })));
    create(true).unwrap().finish().unwrap();
    create(false).expect("a finished journal is replaced").finish().unwrap();
    create(false).expect("and one without a record");
    std::fs::write(&path, "a letter\n").unwrap();
    assert!(matches!(create(false), Err(JournalError::NotAJournal(_))));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "a letter\n");
}

#[test]
fn new_run_keeps_old_journal_until_first_answer_or_finish() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j.jsonl");
    let failed =
        || Outcome::Failed(Failed { status: None, code: None, kind: None, message: "no".to_owned() });
    let mut first = Writer::create(&path, &header(2), false).unwrap();
    first.append(record(0, answered(b"{}"))).unwrap();
    first.finish().unwrap();
    let before = std::fs::read(&path).unwrap();

    let mut night = Writer::create(&path, &header(2), false).unwrap();
    night.append(record(0, failed())).unwrap();
    assert!(!night.is_published());
    drop(night);
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let mut next = Writer::create(&path, &header(2), false).unwrap();
    next.append(record(0, failed())).unwrap();
    next.append(record(1, answered(b"{}"))).unwrap();
    assert!(next.is_published());
    assert_eq!(Journal::open(&path).unwrap().recorded(), 2, "the earlier failure is recorded too");
    drop(next);
    assert!(matches!(Writer::create(&path, &header(2), false), Err(JournalError::Unfinished { .. })));

    let mut all_failed = Writer::create(&path, &header(1), true).unwrap();
    all_failed.append(record(0, failed())).unwrap();
    all_failed.finish().unwrap();
    let journal = Journal::open(&path).unwrap();
    assert!(journal.is_finished() && journal.record(0).unwrap().is_some());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn invalid_journal_is_refused_with_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j.jsonl");
    let header = serde_json::to_string(&header(1)).unwrap();
    let mut messages = Vec::new();
    for content in [
        "".to_owned(),
        "hello\n".to_owned(),
        header.replace("\"journal_format\":1", "\"journal_format\":9"),
        header.replace("\"list\"", "\"lost\""),
        format!("{header}\nnoise\n"),
        format!("{header}\n{{\"x\":1}}\n"),
        format!(
            "{header}\n{{\"ordinal\":1,\"task_id\":\"task-1\",\"fetched_at\":\"2026-11-21T00:00:00Z\"}}\n"
        ),
        format!(
            "{header}\n{{\"ordinal\":0,\"task_id\":\"other\",\"fetched_at\":\"2026-11-21T00:00:00Z\"}}\n"
        ),
    ] {
        std::fs::write(&path, content).unwrap();
        messages
            .push(Journal::open(&path).unwrap_err().to_string().replace(&path.display().to_string(), "J"));
    }
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn invalid_record_is_reported_with_line_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j.jsonl");
    let header = serde_json::to_string(&header(2)).unwrap();
    let line = r#"{"ordinal":1,"task_id":"task-1","fetched_at":"2026-11-21T00:00:00Z","attempts":1}"#;
    std::fs::write(&path, format!("{header}\n{line}\n")).unwrap();
    let error = Journal::open(&path).unwrap().record(1).unwrap_err();
    assert!(matches!(error, JournalError::InvalidLine { line: 2, .. }), "{error}");
}

#[test]
fn missing_lines_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j.jsonl");
    let mut writer = Writer::create(&path, &header(2), false).unwrap();
    for ordinal in 0..2 {
        writer.append(record(ordinal, answered(b"{}"))).unwrap();
    }
    writer.finish().unwrap();
    let whole = std::fs::read_to_string(&path).unwrap();
    let lacking: Vec<&str> =
        whole.split_inclusive('\n').filter(|line| !line.contains("\"ordinal\":1")).collect();
    std::fs::write(&path, lacking.concat()).unwrap();
    assert_eq!(
        Journal::open(&path).unwrap().faults(),
        ["its footer counts 2 tasks, but 1 are recorded: lines were removed or added"]
    );
}

#[test]
fn task_with_several_records_counts_once_with_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j.jsonl");
    let failed =
        || Outcome::Failed(Failed { status: None, code: None, kind: None, message: "no".to_owned() });
    let mut writer = Writer::create(&path, &header(3), false).unwrap();
    writer.append(record(0, failed())).unwrap();
    writer.append(record(1, answered(b"{}"))).unwrap();
    writer.finish().unwrap();
    let journal = Journal::open(&path).unwrap();
    assert_eq!(journal.unanswered(), [0, 2]);

    let mut writer = Writer::resume(&journal).unwrap();
    writer.append(record(0, answered(b"{}"))).unwrap();
    writer.sync().unwrap();
    assert_eq!(writer.recorded(), 2);
    let journal = Journal::open(&path).unwrap();
    assert!(!journal.is_finished(), "it continues");
    assert_eq!(journal.unanswered(), [2]);
    writer.append(record(2, failed())).unwrap();
    writer.finish().unwrap();
    let journal = Journal::open(&path).unwrap();
    assert!(journal.is_finished() && journal.faults().is_empty(), "{:?}", journal.faults());
    assert_eq!((journal.recorded(), journal.unanswered()), (3, vec![2]));
}

#[test]
fn open_journal_is_unaffected_by_later_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j.jsonl");
    let run = |body: &[u8]| {
        let mut writer = Writer::create(&path, &header(1), false).unwrap();
        writer.append(record(0, answered(body))).unwrap();
        writer.finish().unwrap();
    };
    run(b"the first");
    let (before, journal) = (std::fs::read(&path).unwrap(), Journal::open(&path).unwrap());
    run(b"the next");
    assert_eq!(journal.record(0).unwrap().unwrap().outcome, answered(b"the first"));
    let mut copy = Vec::new();
    journal.copy_to(&mut copy).unwrap();
    assert_eq!(copy, before);

    let journal = Journal::open(&path).unwrap();
    let before = std::fs::read(&path).unwrap();
    std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"more\n").unwrap();
    copy.clear();
    journal.copy_to(&mut copy).unwrap();
    assert_eq!(copy, before, "later appends are not copied");
}

/// A line after the header.
#[derive(Debug, Clone)]
enum Entry {
    Record(Record),
    /// The end of a run, which a later run may have resumed.
    End,
}

fn any_entry(tasks: usize) -> impl Strategy<Value = Entry> {
    let failed = |message| Outcome::Failed(Failed { status: Some(500), code: None, kind: None, message });
    let outcome = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..20).prop_map(|body| answered(&body)),
        2 => "[\\PC\n]{0,9}".prop_map(|body| answered(body.as_bytes())),
        1 => "\\PC{0,9}".prop_map(failed),
    ];
    prop_oneof![
        4 => (0..tasks, outcome).prop_map(|(ordinal, outcome)| Entry::Record(record(ordinal, outcome))),
        1 => Just(Entry::End),
    ]
}

/// The expected records by ordinal, and whether the run is complete.
fn replayed(entries: &[Entry]) -> (BTreeMap<usize, &Record>, bool) {
    let records = entries.iter().filter_map(|entry| match entry {
        Entry::Record(record) => Some((record.ordinal, record)),
        Entry::End => None,
    });
    (records.collect(), matches!(entries.last(), Some(Entry::End)))
}

fn text(header: &Header, entries: &[Entry]) -> String {
    let mut lines = vec![serde_json::to_string(header).unwrap()];
    for (before, entry) in entries.iter().enumerate() {
        lines.push(match entry {
            Entry::Record(record) => serde_json::to_string(&Line::from(record.clone())).unwrap(),
            Entry::End => {
                let recorded = replayed(&entries[..before]).0.len();
                serde_json::to_string(&Footer { finished_at: header.started_at, recorded }).unwrap()
            }
        });
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn truncated_journal_replays_its_complete_records(
        entries in prop::collection::vec(any_entry(3), 0..7),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.jsonl");
        let header = header(3);
        let whole = text(&header, &entries);
        std::fs::write(&path, &whole).unwrap();
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        for cut in (0..=whole.len()).rev() {
            file.set_len(cut as u64).unwrap();
            let prefix = &whole.as_bytes()[..cut];
            let lines = prefix.iter().filter(|byte| **byte == b'\n').count();
            let journal = match Journal::open(&path) {
                Ok(journal) => journal,
                Err(_) => {
                    prop_assert_eq!(lines, 0);
                    continue;
                }
            };
            let (held, finished) = replayed(&entries[..lines.saturating_sub(1)]);
            prop_assert_eq!(journal.recorded(), held.len());
            for ordinal in 0..3 {
                let record = journal.record(ordinal).unwrap();
                prop_assert_eq!(record.as_ref(), held.get(&ordinal).copied());
            }
            prop_assert_eq!(journal.is_finished(), finished);
            // A header without its line break may be complete.
            let truncated = lines > 0 && prefix.last() != Some(&b'\n');
            prop_assert_eq!(journal.faults().len(), usize::from(truncated), "{:?}", journal.faults());
        }
    }

    #[test]
    fn truncated_journal_can_be_resumed(
        entries in prop::collection::vec(any_entry(3), 0..7),
        cut in any::<prop::sample::Index>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.jsonl");
        let header = header(3);
        let whole = text(&header, &entries);
        let first = whole.find('\n').unwrap() + 1;
        let prefix = &whole.as_bytes()[..first + cut.index(whole.len() - first + 1)];
        std::fs::write(&path, prefix).unwrap();
        let lines = prefix.iter().filter(|byte| **byte == b'\n').count();
        let (held, _) = replayed(&entries[..lines - 1]);

        let journal = Journal::open(&path).unwrap();
        let missing = journal.unanswered();
        let is_answered = |ordinal: &usize| {
            held.get(ordinal).is_some_and(|record| matches!(record.outcome, Outcome::Answered(_)))
        };
        prop_assert_eq!(&missing, &(0..3).filter(|ordinal| !is_answered(ordinal)).collect::<Vec<_>>());
        let mut writer = Writer::resume(&journal).unwrap();
        for ordinal in &missing {
            writer.append(record(*ordinal, answered(b"later"))).unwrap();
        }
        writer.finish().unwrap();
        let journal = Journal::open(&path).unwrap();
        prop_assert!(journal.is_finished() && journal.faults().is_empty());
        prop_assert!(journal.unanswered().is_empty());
        for ordinal in 0..3 {
            let later = record(ordinal, answered(b"later"));
            let expected = if missing.contains(&ordinal) { &later } else { held[&ordinal] };
            let record = journal.record(ordinal).unwrap();
            prop_assert_eq!(record.as_ref(), Some(expected));
        }
    }
}

#[test]
fn server_without_task_is_recorded_and_not_unanswered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let planned = |name: &str| Planned {
        name: name.to_owned(),
        tasks: 0,
        near: vec!["web-02".to_owned()],
        also: Vec::new(),
        doubts: vec![PlanDoubt::UnknownSourceId("s-1".to_owned())],
    };
    let task = Task { planned: Some(Box::new(planned("web-01"))), ..Task::default() };
    let list = TaskList { labels: Vec::new(), tasks: vec![task] };
    let header = Header::new(jiff::Timestamp::UNIX_EPOCH, "https://sms.example".to_owned(), list);
    let mut writer = Writer::create(&path, &header, false).unwrap();
    let no_task = Record { task_id: None, attempts: 0, ..record(0, Outcome::NoTask) };
    writer.append(no_task.clone()).unwrap();
    writer.finish().unwrap();
    let journal = Journal::open(&path).unwrap();
    assert_eq!(journal.header(), &header);
    assert_eq!(journal.record(0).unwrap(), Some(no_task));
    assert_eq!(journal.unanswered(), Vec::<usize>::new());
}

#[test]
fn context_is_kept_as_it_came_and_an_unknown_form_is_no_context() {
    let listed = "{\"syncing\" : true,\n\"x\":1e999}".to_owned();
    let context = TaskContext { read_at: jiff::Timestamp::UNIX_EPOCH, listed };
    let with = Record { context: Some(context), ..record(0, Outcome::NoTask) };
    let line = serde_json::to_string(&Line::from(with.clone())).unwrap();
    assert!(!line.contains('\n'));
    assert_eq!(Record::read(line.into_bytes()), Ok(with.clone()));
    let line = serde_json::to_string(&Line::from(Record { context: None, ..with })).unwrap();
    for odd in ["7", "null", "{}", r#"{"read_at":"never","listed":{}}"#] {
        let line = line.replacen('{', &format!("{{\"context\":{odd},"), 1);
        assert_eq!(Record::read(line.into_bytes()).unwrap().context, None, "{odd}");
    }
}
