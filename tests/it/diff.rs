//! `diff` of two journals, with the real program.

use std::path::Path;

use crate::support::{Workbook, csv, files, run};
use calamine::Data;
use cutover_report::journal::{Answered, Failed, Footer, Header, Outcome, Record, Writer};
use cutover_report::model::{Task, TaskId, TaskList};
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

/// A directory and its total, different, missing and redundant files.
type Counts<'a> = (&'a str, [u64; 4]);

/// An answer with one verification, some seconds before `ended`.
fn answer(ended: &str, age: i64, directories: &[Counts<'_>]) -> Outcome {
    let check = |(directory, [total, different, missing, redundant]): &Counts<'_>| {
        json!({"dir_check": directory, "num_total_files": total, "num_different_files": different,
               "num_target_miss_files": missing, "num_target_more_files": redundant})
    };
    let checks: Vec<_> = directories.iter().map(check).collect();
    let finished = (ended.parse::<Timestamp>().unwrap().as_second() - age) * 1000;
    let body = json!({"result_list": [
        {"consistency_result": checks, "finished_time": finished, "check_result": "success"}
    ]});
    Outcome::Answered(Answered {
        status: 200,
        sample_data: false,
        content_range: None,
        body: body.to_string().into_bytes(),
    })
}

fn failed() -> Outcome {
    Outcome::Failed(Failed { status: Some(500), code: None, kind: None, message: "down".to_owned() })
}

/// Writes the journal of a run that ended at `ended`.
fn journal(path: &Path, endpoint: &str, ended: &str, tasks: &[(&str, Outcome)]) {
    let task = |(name, _): &(&str, Outcome)| Task {
        source_name: Some((*name).to_owned()),
        ..Task::new(TaskId::new(&format!("id-{name}")).unwrap())
    };
    let list = TaskList { labels: Vec::new(), tasks: tasks.iter().map(task).collect() };
    let header = Header::new(ended.parse().unwrap(), endpoint.to_owned(), list);
    let mut writer = Writer::create(path, &header, true).unwrap();
    for (ordinal, (_, outcome)) in tasks.iter().enumerate() {
        let task_id = header.list.tasks[ordinal].task_id.clone();
        let (fetched_at, outcome) = (header.started_at, outcome.clone());
        writer
            .append(Record {
                ordinal,
                task_id,
                fetched_at,
                clock_offset: None,
                attempts: 1,
                request_id: None,
                context: None,
                outcome,
            })
            .unwrap();
    }
    drop(writer);
    // A real run would end now.
    let footer = Footer { finished_at: header.started_at, recorded: tasks.len() };
    let mut text = std::fs::read_to_string(path).unwrap();
    text += &(serde_json::to_string(&footer).unwrap() + "\n");
    std::fs::write(path, text).unwrap();
}

const OLD: &str = "2026-11-20T02:00:00Z";
const NEW: &str = "2026-11-21T02:00:00Z";
const ENDPOINT: &str = "https://sms.example";

/// Two runs with every kind of change.
fn nights() -> TempDir {
    let folder = tempdir().unwrap();
    let clean: &[Counts<'_>] = &[("/a", [9, 0, 0, 0]), ("/b", [9, 0, 0, 0])];
    let differs: &[Counts<'_>] = &[("/a", [9, 0, 0, 0]), ("/b", [9, 4, 2, 0])];
    let less: &[Counts<'_>] = &[("/a", [9, 0, 0, 0]), ("/b", [9, 1, 2, 0])];
    let old = |directories| answer(OLD, 3600, directories);
    let new = |directories| answer(NEW, 3600, directories);
    journal(
        &folder.path().join("old.jsonl"),
        ENDPOINT,
        OLD,
        &[
            ("same", old(clean)),
            ("fixed", old(differs)),
            ("better", old(differs)),
            ("broke", old(clean)),
            ("lost", failed()),
            ("narrowed", old(differs)),
            ("left", old(clean)),
            ("aged", old(clean)),
        ],
    );
    journal(
        &folder.path().join("new.jsonl"),
        ENDPOINT,
        NEW,
        &[
            ("same", new(clean)),
            ("fixed", new(clean)),
            ("better", new(less)),
            ("broke", new(differs)),
            ("lost", failed()),
            ("narrowed", new(&clean[..1])),
            ("aged", answer(OLD, 3600, clean)),
            ("came", new(clean)),
            ("=came+bad", new(differs)),
        ],
    );
    folder
}

const ALL_OUTPUTS: [&str; 9] = ["new.jsonl", "-o", "d.xlsx", "-o", "d.csv", "-o", "d.json", "-o", "d.md"];

/// By source server: the change.
const EXPECTED: [(&str, &str); 10] = [
    ("broke", "worse"),
    ("narrowed", "worse"),
    ("aged", "worse"),
    ("=came+bad", "new"),
    ("left", "gone"),
    ("better", "better"),
    ("fixed", "fixed"),
    ("came", "new"),
    ("same", "same"),
    ("lost", "same"),
];

#[test]
fn every_diff_output_has_the_same_changes_worst_first() {
    let folder = nights();
    let run = run(folder.path(), &[&["diff", "old.jsonl"], &ALL_OUTPUTS[..]].concat());
    assert_eq!((run.code, run.stdout.as_str()), (0, "d.xlsx\nd.csv\nd.json\nd.md\n"), "{}", run.stderr);
    assert_eq!(
        run.stderr,
        "warning: the task lists differ: 1 only before, 2 only now\n\
         3 worse, 1 gone, 2 new, 1 better, 1 fixed, 2 same; 4 of 9 tasks pass, 4 of 8 before\n"
    );
    let expected = EXPECTED.map(|(name, change)| (name.to_owned(), change.to_owned()));

    let json: Value = serde_json::from_slice(&std::fs::read(folder.path().join("d.json")).unwrap()).unwrap();
    assert_eq!((&json["format"], &json["sample_data"]), (&json!(1), &json!(false)));
    let counts = json!({"worse": 3, "gone": 1, "new": 2, "better": 1, "fixed": 1, "same": 2});
    assert_eq!(json["counts"], counts);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let tasks = json["tasks"].as_array().unwrap();
    let reported: Vec<_> =
        tasks.iter().map(|task| (text(&task["source_server"]), text(&task["change"]))).collect();
    assert_eq!(reported, expected);
    assert_eq!(tasks[0]["different_delta"], 4);
    assert_eq!(tasks[1]["verdict_now"], "consistent", "it passes and is worse all the same");
    assert_eq!(
        tasks[1]["directories"],
        json!([{"directory": "/b", "change": "gone", "total_files_before": 9, "total_files_now": null,
                "different_before": 4, "different_now": null, "missing_before": 2, "missing_now": null,
                "redundant_before": 0, "redundant_now": null}])
    );

    let rows = csv(&folder.path().join("d.csv"));
    let reported: Vec<_> = rows[1..].iter().map(|row| (row[1].clone(), row[2].clone())).collect();
    assert_eq!(reported[3].0, "'=came+bad", "a text, not a formula");
    let reported =
        reported.iter().map(|(name, change)| (name.trim_start_matches('\'').to_owned(), change.clone()));
    assert_eq!(reported.collect::<Vec<_>>(), expected);
    insta::assert_snapshot!("csv", rows.iter().map(|row| row.join(" | ")).collect::<Vec<_>>().join("\n"));

    let workbook = Workbook::open(&folder.path().join("d.xlsx"));
    assert_eq!(workbook.names, ["Changes", "Directories", "About"]);
    let table = workbook.table("Changes", "Source server");
    let reported: Vec<_> = table[1..].iter().map(|row| (row[0].clone(), row[1].to_lowercase())).collect();
    assert_eq!(reported, expected);
    let counted = &workbook.sheets["Changes"][6..8];
    assert_eq!(counted[0][0], Data::String("Worse".to_owned()));
    assert_eq!(
        counted[1][..6].iter().map(Data::to_string).collect::<Vec<_>>(),
        ["3", "1", "2", "1", "1", "2"]
    );
    let directories: Vec<_> = workbook.table("Directories", "Source server")[1..]
        .iter()
        .map(|row| [&row[0], &row[1], &row[2], &row[5], &row[6]].map(String::as_str).join(" "))
        .collect();
    assert_eq!(
        directories,
        ["broke /b Worse 0 4", "narrowed /b Gone 4 ", "better /b Better 4 1", "fixed /b Fixed 4 0"]
    );

    let text = std::fs::read_to_string(folder.path().join("d.md")).unwrap();
    insta::assert_snapshot!("markdown", text);
}

#[test]
fn diff_without_outputs_prints_a_table() {
    let folder = nights();
    let diff = |more: &[&str]| run(folder.path(), &[&["diff", "old.jsonl", "new.jsonl"], more].concat());
    let reported = diff(&[]);
    assert_eq!(reported.code, 0, "{}", reported.stderr);
    insta::assert_snapshot!("table", reported.stdout);
    let document = diff(&["--json"]);
    assert_eq!(serde_json::from_str::<Value>(&document.stdout).unwrap()["counts"]["worse"], 3);
    let quiet = diff(&["-q"]);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.lines().count()), ("", 0), "{}", quiet.stderr);
    assert!(!diff(&["-q", "--fail-on", "worse"]).stdout.is_empty(), "there is something to read");
    let itself =
        run(folder.path(), &["diff", "new.jsonl", "new.jsonl", "--fail-on", "worse,gone,new,better"]);
    assert_eq!((itself.code, itself.stdout.as_str()), (0, ""), "{}", itself.stderr);
    assert_eq!(itself.stderr, "9 same; 4 of 9 tasks pass, 4 of 9 before\n");
}

#[test]
fn directories_of_another_task_are_not_reported_missing() {
    let folder = tempdir().unwrap();
    let Outcome::Answered(mut answered) = answer(OLD, 60, &[("/elsewhere", [9, 0, 0, 0])]) else { panic!() };
    let mut body: Value = serde_json::from_slice(&answered.body).unwrap();
    body["task_id"] = "another".into();
    answered.body = body.to_string().into_bytes();
    journal(&folder.path().join("old.jsonl"), ENDPOINT, OLD, &[("web", Outcome::Answered(answered))]);
    let now = answer(NEW, 60, &[("/a", [9, 0, 0, 0])]);
    journal(&folder.path().join("new.jsonl"), ENDPOINT, NEW, &[("web", now)]);
    let run = run(folder.path(), &["diff", "old.jsonl", "new.jsonl", "--fail-on", "worse"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("fixed   Unreadable → Consistent"), "{}", run.stdout);
}

#[test]
fn diff_fail_on_decides_the_exit_code() {
    let folder = nights();
    let code = |old: &str, new: &str, gate: &str| {
        run(folder.path(), &["diff", old, new, "-o", "d.csv", "--fail-on", gate]).code
    };
    for change in ["worse", "gone", "new", "better", "fixed", "same", "worse,gone"] {
        assert_eq!(code("old.jsonl", "new.jsonl", change), 4, "{change}");
    }
    assert_eq!(code("old.jsonl", "old.jsonl", "worse,gone,new,better,fixed"), 0);
    assert_eq!(code("old.jsonl", "new.jsonl", "inconsistent"), 2);
    std::fs::write(folder.path().join("list"), "a file").unwrap();
    let blocked = run(folder.path(), &["diff", "old.jsonl", "new.jsonl", "-o", "list/d.csv"]);
    assert_eq!((blocked.code, blocked.stdout.as_str()), (1, ""), "{}", blocked.stderr);
    std::fs::write(folder.path().join("c.toml"), "[profile.default]\nfail-on = [\"inconsistent\"]\n")
        .unwrap();
    let shared = run(folder.path(), &["diff", "old.jsonl", "new.jsonl", "--config", "c.toml", "-o", "d.csv"]);
    assert_eq!(shared.code, 0, "the verdicts of a profile are no changes: {}", shared.stderr);
}

#[test]
fn invalid_diff_arguments_are_reported_and_write_nothing() {
    let folder = nights();
    std::fs::write(folder.path().join("list.csv"), "task_id\na\n").unwrap();
    let before = files(folder.path());
    for (arguments, code, words) in [
        (&["old.jsonl", "new.jsonl", "-o", "d.zip"][..], 2, ".xlsx, .csv, .json or .md"),
        (&["old.jsonl", "new.jsonl", "-o", "d/"], 2, ".xlsx, .csv, .json or .md"),
        (&["old.jsonl", "new.jsonl", "-o", "d.csv", "-o", "./d.csv"], 2, "another path"),
        (&["old.jsonl"], 2, "<NEW>"),
        (&["old.jsonl", "new.jsonl", "--fail-on", "broken"], 2, "worse, gone, new, better, fixed, same"),
        (&["old.jsonl", "new.jsonl", "--not-before", "soon"], 2, "--not-before soon"),
        (&["none.jsonl", "new.jsonl"], 1, "none.jsonl"),
        (&["old.jsonl", "list.csv"], 1, "list.csv is not a journal"),
    ] {
        let run = run(folder.path(), &[&["diff"], arguments].concat());
        assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(words), "{arguments:?}: {}", run.stderr);
    }
    assert!(files(folder.path()) == before);
    std::fs::rename(folder.path().join("old.jsonl"), folder.path().join("old.json")).unwrap();
    let over = run(folder.path(), &["diff", "old.json", "new.jsonl", "-o", "old.json"]);
    assert_eq!(over.code, 2, "{}", over.stderr);
    assert_eq!(std::fs::read(folder.path().join("old.json")).unwrap(), before[Path::new("old.jsonl")]);
}

#[test]
fn diff_of_unrelated_journals_warns() {
    let folder = nights();
    let clean: &[Counts<'_>] = &[("/a", [9, 0, 0, 0])];
    journal(
        &folder.path().join("far.jsonl"),
        "https://far.example",
        OLD,
        &[("same", answer(OLD, 60, clean))],
    );
    let text = std::fs::read_to_string(folder.path().join("new.jsonl")).unwrap();
    let torn: String = text.split_inclusive('\n').take(3).collect::<String>() + "{\"ordinal\":4,";
    std::fs::write(folder.path().join("torn.jsonl"), torn).unwrap();
    let run = run(folder.path(), &["diff", "torn.jsonl", "far.jsonl", "-o", "d.xlsx", "-o", "d.md"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let words = [
        "torn.jsonl: its last line is truncated",
        "the endpoints differ: https://sms.example before, https://far.example now",
        "the task lists differ: 8 only before, 0 only now",
        "check the order of the journals",
        "the run before is incomplete: 2 of 9 tasks",
    ];
    for word in words {
        assert!(run.stderr.contains(word), "{word}: {}", run.stderr);
    }
    let workbook = Workbook::open(&folder.path().join("d.xlsx"));
    let text = std::fs::read_to_string(folder.path().join("d.md")).unwrap();
    for word in &words[2..] {
        for sheet in ["Changes", "About"] {
            assert!(format!("{:?}", workbook.sheets[sheet]).contains(word), "{sheet}: {word}");
        }
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn diff_of_same_journals_gives_same_bytes_and_marks_sample_data() {
    let folder = tempdir().unwrap();
    let tasks = crate::support::sample_tasks();
    let export = ["export", &tasks, "--endpoint", "embedded", "--rate", "1000/s", "-o", "s.csv"];
    assert_eq!(run(folder.path(), &export).code, 0);
    let outputs = |arguments: &[&str]| {
        let diff = ["diff", "s.journal.jsonl", "s.journal.jsonl"];
        let outputs = ["-o", "d.xlsx", "-o", "d.csv", "-o", "d.json", "-o", "d.md"];
        let run = run(folder.path(), &[&diff[..], &outputs, arguments].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(run.stderr.contains("SAMPLE DATA"));
        ["d.xlsx", "d.csv", "d.json", "d.md"].map(|name| std::fs::read(folder.path().join(name)).unwrap())
    };
    let chinese = ["--language", "zh", "--timezone", "Asia/Shanghai"];
    assert!(outputs(&chinese) == outputs(&chinese));
    let [_, table, document, text] = outputs(&chinese);
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("SAMPLE DATA") && text.contains("12个无变化"), "{text}");
    assert!(String::from_utf8(table).unwrap().contains("Verdict before"), "for machines too");
    assert_eq!(serde_json::from_slice::<Value>(&document).unwrap()["sample_data"], true);
    let workbook = Workbook::open(&folder.path().join("d.xlsx"));
    for sheet in ["变化", "有变化的目录", "说明"] {
        assert!(workbook.says(sheet, "SAMPLE DATA"), "{sheet}");
    }
    assert_eq!(workbook.table("变化", "源端服务器").len(), 13);
}
