//! Tests of what is read, checked and copied.

use std::path::{Path, PathBuf};

use crate::journal::line::Line;
use crate::journal::{
    Answered, Failed, Footer, Header, Journal, JournalError, Merge, MergeError, Outcome, Record, WriteError,
};
use crate::model::{Task, TaskId, TaskList};

fn record(ordinal: usize, mark: &str) -> String {
    let body = format!("{{\"result_list\":[],\"mark\":\"{mark}\"}}").into_bytes();
    let answered = Answered { status: 200, sample_data: false, content_range: None, body };
    line(ordinal, Outcome::Answered(answered))
}

fn line(ordinal: usize, outcome: Outcome) -> String {
    let record = Record {
        ordinal,
        task_id: TaskId::new(&format!("task-{ordinal}")).ok(),
        fetched_at: "2026-11-21T00:00:01.5Z".parse().unwrap(),
        clock_offset: Some(crate::model::ClockOffset::from_secs(-7)),
        attempts: 1,
        request_id: None,
        context: None,
        outcome,
    };
    serde_json::to_string(&Line::from(record)).unwrap()
}

/// The lines of a journal of three tasks from `endpoint`.
fn lines(endpoint: &str) -> Vec<String> {
    let tasks = (0..3).map(|number| Task::new(TaskId::new(&format!("task-{number}")).unwrap())).collect();
    let list = TaskList { labels: Vec::new(), tasks };
    let started_at = "2026-11-21T00:00:00Z".parse().unwrap();
    let header = Header::new(started_at, endpoint.to_owned(), list);
    let failed = Failed { status: Some(500), code: None, kind: None, message: "no".to_owned() };
    let footer = Footer { finished_at: "2026-11-21T00:00:02Z".parse().unwrap(), recorded: 3 };
    vec![
        serde_json::to_string(&header).unwrap(),
        record(2, "two"),
        line(0, Outcome::Failed(failed)),
        record(1, "one"),
        serde_json::to_string(&footer).unwrap(),
    ]
}

/// Two journals, the second with this content.
fn inputs(content: &str) -> (tempfile::TempDir, [PathBuf; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["a", "b"].map(|name| folder.path().join(name));
    std::fs::write(&paths[0], text(&lines("https://a"))).unwrap();
    std::fs::write(&paths[1], content).unwrap();
    (folder, paths)
}

fn text(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn merged(content: &str) -> Result<String, MergeError> {
    let (_folder, paths) = inputs(content);
    let mut bytes = Vec::new();
    Merge::of(&paths)?.write_to(&mut bytes).unwrap();
    Ok(String::from_utf8(bytes).unwrap())
}

#[test]
fn torn_last_line_is_dropped_as_if_it_were_not_there() {
    let lines = lines("https://b");
    let whole = text(&lines[..3]);
    for cut in 1..lines[3].len() {
        assert_eq!(merged(&format!("{whole}{}", &lines[3][..cut])).unwrap(), merged(&whole).unwrap());
    }
    assert_eq!(merged(&format!("{whole}{}", lines[3])).unwrap(), merged(&whole).unwrap(), "no line break");
}

#[test]
fn invalid_middle_line_is_an_error_unless_a_later_record_replaces_it() {
    let good = lines("https://b");
    let body = r#""body":""#;
    for (bad, replaceable) in [
        (good[3][..good[3].len() - 1].to_owned(), false),
        ("noise".to_owned(), false),
        (good[3].replace("\"attempts\":1", "\"attempts\":-1"), true),
        (good[3].replace("\"attempts\":1,", ""), true),
        (good[3].replace("\"status\":200,", ""), true),
        (good[3].replace(body, r#""body":"\ud800"#), true),
        (good[3].replace("\"body\"", "\"body_base64\""), true),
    ] {
        let mut lines = good.clone();
        lines[3] = bad.clone();
        match merged(&text(&lines)) {
            Err(MergeError::Journal(JournalError::InvalidLine { line: 4, .. })) => {}
            other => panic!("{bad}: {other:?}"),
        }
        lines.insert(4, good[3].clone());
        match merged(&text(&lines)) {
            Ok(bytes) if replaceable => assert_eq!(bytes, merged(&text(&good)).unwrap()),
            Err(_) if !replaceable => {}
            other => panic!("{bad}: {other:?}"),
        }
    }
}

#[test]
fn line_breaks_of_windows_do_not_change_the_result() {
    let content = text(&lines("https://b"));
    assert_eq!(merged(&content.replace('\n', "\r\n")).unwrap(), merged(&content).unwrap());
}

#[test]
fn unknown_fields_of_a_record_are_copied() {
    let content = text(&lines("https://b")).replacen(
        "\"attempts\":1,",
        "\"attempts\":1,\"context\":7,\"later\":[1e999],",
        1,
    );
    assert!(merged(&content).unwrap().contains("\"attempts\":1,\"context\":7,\"later\":[1e999],\"status\""));
}

#[test]
fn input_that_changes_during_the_merge_is_an_error_or_has_no_effect() {
    let before = lines("https://b");
    let write = |changed: &dyn Fn(&Path)| {
        let (_folder, paths) = inputs(&text(&before));
        let merge = Merge::of(&paths).unwrap();
        changed(&paths[1]);
        let mut bytes = Vec::new();
        merge.write_to(&mut bytes).map(|_| String::from_utf8(bytes).unwrap())
    };
    let replaced = |content: String| write(&|path| std::fs::write(path, &content).unwrap());
    let whole = text(&before);
    let swapped = [0, 2, 1, 3, 4].map(|place: usize| before[place].clone());
    for content in [
        whole.replace("\\\"one\\\"", "\\\"two\\\""),
        whole.replace("\"attempts\":1", "\"attempts\":2"),
        whole[..whole.len() / 2].to_owned(),
        String::new(),
        text(&swapped),
        text(&before[..1]) + "noise\n" + &text(&before[1..]),
    ] {
        assert_ne!(content, whole);
        let error = replaced(content.clone()).unwrap_err();
        assert!(matches!(error, WriteError::Merge(MergeError::Changed(_))), "{content}: {error}");
        assert!(error.to_string().ends_with("b was changed during the merge; run the merge again"));
    }
    let removed = write(&|path| std::fs::remove_file(path).unwrap()).unwrap_err();
    assert!(matches!(removed, WriteError::Merge(MergeError::Journal(JournalError::Io { .. }))), "{removed}");
    let later = replaced(format!("{whole}{}\n", record(1, "later"))).unwrap();
    assert_eq!(later, merged(&whole).unwrap(), "a record that was appended later is not merged");
}

#[test]
fn merged_journal_has_the_same_index_as_when_it_is_read() {
    for finished in [true, false] {
        let all = lines("https://b");
        let (folder, paths) = inputs(&text(&all[..if finished { 5 } else { 3 }]));
        let path = folder.path().join("merged");
        let merge = Merge::of(&paths).unwrap();
        let index = merge.write_to(&mut std::fs::File::create(&path).unwrap()).unwrap();
        let written = merge.into_journal(path.clone().into(), std::fs::File::open(&path).unwrap(), index);
        let read = Journal::open(&path).unwrap();
        assert_eq!(written.header(), read.header());
        assert_eq!((written.recorded(), written.is_finished()), (if finished { 6 } else { 5 }, finished));
        assert_eq!((read.recorded(), read.is_finished()), (written.recorded(), finished));
        assert_eq!((written.ended_at(), written.as_of()), (read.ended_at(), read.as_of()));
        assert_eq!((written.unanswered(), written.faults()), (read.unanswered(), read.faults()));
        assert_eq!(written.digest().unwrap(), read.digest().unwrap());
        for ordinal in 0..6 {
            assert_eq!(written.record(ordinal).unwrap(), read.record(ordinal).unwrap());
        }
    }
}
