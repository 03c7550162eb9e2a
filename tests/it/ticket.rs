//! The text of a ticket comment, from journals with fixed times.

use std::path::Path;

use crate::support::{files, run};
use cutover_report::journal::{Answered, Failed, Header, Journal, Outcome, Record, Writer};
use cutover_report::model::{Language, Markup, Task, TaskId, TaskList};
use cutover_report::output::{self, FileOptions, Output, Target, Ticket, Written};
use cutover_report::report::{Options, Policy, Report, Template, View, Zone};
use serde_json::json;
use sha2::{Digest, Sha256};
use tempfile::tempdir;

const STARTED: &str = "2026-11-21T01:42:00Z";

/// An answer with one directory, verified some hours before the run.
fn verified(hours: i64, check_result: &str, [different, missing, redundant]: [u64; 3]) -> Outcome {
    let finished = STARTED.parse::<jiff::Timestamp>().unwrap().as_second() - hours * 3600;
    answered(&json!([{"finished_time": finished, "check_result": check_result, "consistency_result": [{
        "dir_check": "/data", "num_total_files": 1000, "num_different_files": different,
        "num_target_miss_files": missing, "num_target_more_files": redundant,
    }]}]))
}

fn answered(results: &serde_json::Value) -> Outcome {
    let body = json!({"result_list": results});
    Outcome::Answered(Answered {
        status: 200,
        sample_data: true,
        content_range: None,
        body: body.to_string().into_bytes(),
    })
}

fn refused(message: &str) -> Outcome {
    Outcome::Failed(Failed {
        status: Some(403),
        code: Some("SMS.9004".to_owned()),
        kind: None,
        message: message.to_owned(),
    })
}

/// Tasks with the ids, names and outcomes given, as a finished journal of the embedded service; `waves` is whether
/// each is in a wave of its own.
fn journal(path: &Path, tasks: Vec<(String, String, Outcome)>, waves: bool) {
    let task = |(id, name, _): &(String, String, Outcome)| Task {
        source_name: Some(name.clone()),
        labels: waves.then(|| ("wave".to_owned(), name.clone())).into_iter().collect(),
        ..Task::new(TaskId::new(id).unwrap())
    };
    let labels = waves.then(|| "wave".to_owned()).into_iter().collect();
    let list = TaskList { labels, tasks: tasks.iter().map(task).collect() };
    let header = Header::new(STARTED.parse().unwrap(), "embedded".to_owned(), list);
    let mut writer = Writer::create(path, &header, true).unwrap();
    for (ordinal, (id, _, outcome)) in tasks.into_iter().enumerate() {
        let task_id = TaskId::new(&id).ok();
        let fetched_at = header.started_at;
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
    writer.finish().unwrap();
    // A fixed end, since a real run ends now.
    let text = std::fs::read_to_string(path).unwrap();
    let (records, end) = text.trim_end().rsplit_once('\n').unwrap();
    let mut end: serde_json::Value = serde_json::from_str(end).unwrap();
    end["finished_at"] = "2026-11-21T01:43:00Z".into();
    std::fs::write(path, format!("{records}\n{end}\n")).unwrap();
}

/// A task of every verdict that does not pass, and names with markup characters.
fn wave(path: &Path) {
    let outcomes = [
        ("web-01", verified(1, "success", [0, 0, 0])),
        ("db-01", verified(2, "success", [412, 6, 0])),
        ("@team [x](https://x.example)|#1", verified(2, "success", [0, 0, 999])),
        ("ci_runner_*01*", verified(1, "failed", [0, 0, 0])),
        ("财务报表-01", verified(72, "success", [0, 0, 0])),
        ("cache-01", answered(&json!("soon"))),
        ("mail-01", answered(&json!([]))),
        ("!vpn.png! {color:red}", refused("no permission, see https://iam.example/policies/of/this/account")),
        ("web-02", verified(1, "success", [0, 0, 0])),
    ];
    let id = |n: usize| format!("6e1c7a52-93f4-4a0b-8d27-51b0c9e4f3{n:02}");
    journal(
        path,
        outcomes
            .into_iter()
            .enumerate()
            .map(|(n, (name, outcome))| (id(n), name.to_owned(), outcome))
            .collect(),
        false,
    );
}

/// The output of `render` for the wave with the options `more`, with hashes and sizes replaced by file names.
fn rendered(more: &[&str]) -> String {
    let folder = tempdir().unwrap();
    wave(&folder.path().join("wave.jsonl"));
    let fixed = ["render", "wave.jsonl", "-o", "t.md", "-o", "report.xlsx", "-o", "csv/", "-o", "o.json"];
    let run = run(folder.path(), &[&fixed, more].concat());
    assert_eq!(run.code, 3, "{}", run.stderr);
    let mut text = std::fs::read_to_string(folder.path().join("t.md")).unwrap().replace('\u{200b}', "·");
    let (outputs, csv) = (files(folder.path()), files(&folder.path().join("csv")));
    for (name, bytes) in outputs.iter().chain(&csv) {
        let name = name.display();
        text = text
            .replace(&hex::encode(Sha256::digest(bytes)), &format!("<hash of {name}>"))
            .replace(&format!(" {} bytes", bytes.len()), " <size> bytes")
            .replace(&format!("，{}字节", bytes.len()), "，<size>字节")
            .replace(&format!(" {}字节", bytes.len()), " <size>字节");
    }
    text
}

#[test]
fn ticket_in_markdown() {
    insta::assert_snapshot!(rendered(&[]));
}

#[test]
fn ticket_in_markdown_and_chinese() {
    insta::assert_snapshot!(rendered(&["--language", "zh", "--timezone", "Asia/Shanghai"]));
}

#[test]
fn ticket_in_jira_markup() {
    insta::assert_snapshot!(rendered(&["--ticket-format", "jira"]));
}

#[test]
fn ticket_in_plain_text() {
    insta::assert_snapshot!(rendered(&["--ticket-format", "plain"]));
}

#[test]
fn ticket_is_written_last_and_deterministic() {
    let folder = tempdir().unwrap();
    wave(&folder.path().join("wave.jsonl"));
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let arguments = ["-o", "a.md", "-o", "r.csv", "-o", "b.md", "-o", "s.json"];
    let mut texts = Vec::new();
    for _ in 0..2 {
        let run = run(folder.path(), &[&["render", "wave.jsonl"], &arguments[..]].concat());
        assert_eq!(run.stdout, "r.csv\ns.json\na.md\nb.md\n");
        texts.extend([read("a.md"), read("b.md")]);
    }
    assert!(texts.iter().all(|text| *text == texts[0]));
    assert!(["| r.csv |", "| s.json |"].iter().all(|file| texts[0].contains(file)), "{}", texts[0]);
    assert!(!texts[0].contains(".md"), "{}", texts[0]);
}

#[test]
fn ticket_names_files_that_could_not_be_written() {
    let folder = tempdir().unwrap();
    wave(&folder.path().join("wave.jsonl"));
    std::fs::write(folder.path().join("file"), "").unwrap();
    let run = run(folder.path(), &["render", "wave.jsonl", "-o", "s.json", "-o", "t.md", "-o", "file/r.csv"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, "s.json\nt.md\n"), "{}", run.stderr);
    let text = std::fs::read_to_string(folder.path().join("t.md")).unwrap();
    let table = text.split_once("SHA-256").unwrap().1;
    assert!(table.contains("| r.csv | could not be written | |\n| s.json | "), "{table}");
}

#[test]
fn ticket_is_short_for_any_run() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("j.jsonl");
    let of = |outcome: fn(usize) -> Outcome, name: &str| -> Vec<(String, String, Outcome)> {
        let id = |n: usize| format!("6e1c7a52-93f4-4a0b-8d27-51b0c9e4{n:04}");
        (0..1000).map(|n| (id(n), format!("{name}{n}"), outcome(n))).collect()
    };
    let hostile = "|*_[@team](https://x.example)".repeat(20);
    let mixed = |n: usize| match n % 5 {
        0 => refused(&"{panel}|@all ".repeat(20)),
        1 => answered(&json!([])),
        2 => verified(1, "failed", [0, 0, 0]),
        3 => verified(1, "success", [100_000, 100_000, 100_000]),
        _ => verified(9999, "success", [0, 0, 0]),
    };
    let zone = Zone::named("America/Argentina/ComodRivadavia").unwrap();
    let not_before = Some(STARTED.parse().unwrap());
    for tasks in [
        of(|_| verified(1, "success", [100_000, 20_000, 3000]), "web-prod-"),
        of(|_| refused(&"no permission to read the results of this task. ".repeat(9)), "web-prod-"),
        of(mixed, &hostile),
    ] {
        journal(&path, tasks, true);
        let journal = Journal::open(&path).unwrap();
        for language in [Language::English, Language::Chinese] {
            let policy = Policy { max_age: Policy::DEFAULT_MAX_AGE.into(), not_before };
            let options = Options {
                timezone: zone.clone(),
                language,
                template: Template::built_in("standard").unwrap(),
                policy,
                rows_per_sheet: 100,
                waivers: None,
                view: View::default(),
                needs_context: false,
            };
            let report = Report::new(&journal, options).unwrap();
            for markup in Markup::ALL {
                let text = text(&report, markup, folder.path());
                let length = text.chars().count();
                assert!((1500..4000).contains(&length), "{length} characters:\n{text}");
                for more in [990, 12].map(|more| language.fill("… and {0} more", &[&more])) {
                    assert!(text.contains(&more), "{more}:\n{text}");
                }
            }
        }
    }
}

/// The text with many files with long names.
fn text(report: &Report<'_>, markup: Markup, folder: &Path) -> String {
    let target = |name: &str| {
        let path = folder.join(name).display().to_string();
        Target::parse(&path, report.journal().header().started_at, &report.options().timezone).unwrap()
    };
    let output = |n: usize| {
        let target = target(&format!("[evidence]|of_all_that_was_verified-{n}.csv"));
        let file = Written { path: target.path().to_owned(), sha256: [171; 32], size: 10_000_000_000 };
        Output { target, written: Ok(vec![file]) }
    };
    let earlier: Vec<Output> = (0..20).map(output).collect();
    let options = FileOptions { ticket: Ticket::built_in(markup), ..FileOptions::default() };
    output::write(report, &target("t.md"), &options, &earlier).unwrap();
    std::fs::read_to_string(folder.join("t.md")).unwrap()
}
