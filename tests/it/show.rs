//! Status, groups, filters, `show` and `-o -`, from the real program.

use std::path::Path;

use cutover_report::journal::{Answered, Failed, Header, Outcome, Record, Writer};
use cutover_report::model::{Reconciliation, Task, TaskId, TaskList};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::support::{Run, run, run_with};

const STARTED: &str = "2026-11-21T01:42:00Z";

fn answered(results: &Value) -> Outcome {
    let body = json!({"result_list": results}).to_string().into_bytes();
    Outcome::Answered(Answered { status: 200, sample_data: false, content_range: None, body })
}

/// An answer of an hour before the run, with some different files.
fn different(files: u64) -> Outcome {
    let finished = STARTED.parse::<jiff::Timestamp>().unwrap().as_second() - 3600;
    answered(&json!([{"finished_time": finished, "check_result": "success", "consistency_result": [{
        "dir_check": "/data", "num_total_files": 1000, "num_different_files": files,
        "num_target_miss_files": 0, "num_target_more_files": 0,
    }]}]))
}

fn not_verified() -> Outcome {
    answered(&json!([]))
}

fn failed() -> Outcome {
    let message = "no permission".to_owned();
    Outcome::Failed(Failed { status: Some(403), code: Some("SMS.9004".to_owned()), kind: None, message })
}

/// Writes `j.jsonl` with these tasks, each by name, wave and outcome; `change` changes its header, and `end` is
/// whether the run ended.
fn journal(folder: &Path, tasks: &[(&str, &str, Outcome)], change: impl FnOnce(&mut Header), end: bool) {
    let task = |(n, (name, wave, _)): (usize, &(&str, &str, Outcome))| {
        let mut task = Task::new(TaskId::new(&format!("task-{n}")).unwrap());
        task.source_name = Some((*name).to_owned());
        if !wave.is_empty() {
            task.labels.insert("Wave", wave);
        }
        task
    };
    let labels = vec!["owner".to_owned(), "Wave".to_owned()];
    let list = TaskList { labels, tasks: tasks.iter().enumerate().map(task).collect() };
    let mut header = Header::new(STARTED.parse().unwrap(), "https://sms.example".to_owned(), list);
    change(&mut header);
    let mut writer = Writer::create(folder.join("j.jsonl"), &header, true).unwrap();
    for (ordinal, (_, _, outcome)) in tasks.iter().enumerate() {
        let task_id = header.list.tasks[ordinal].task_id.clone();
        let (fetched_at, outcome) = (header.started_at, outcome.clone());
        writer
            .append(Record {
                ordinal,
                task_id,
                fetched_at,
                attempts: 1,
                request_id: None,
                context: None,
                clock_offset: None,
                outcome,
            })
            .unwrap();
    }
    if end {
        writer.finish().unwrap();
    }
}

/// A folder with the journal of a finished run.
fn finished(tasks: &[(&str, &str, Outcome)]) -> TempDir {
    let folder = tempdir().unwrap();
    journal(folder.path(), tasks, |_| {}, true);
    folder
}

/// Six tasks in three waves, and one without a wave.
fn waves() -> TempDir {
    finished(&[
        ("web", "10", different(0)),
        ("db-1", "2", different(7)),
        ("db-2", "2", different(412)),
        ("mail", "1", not_verified()),
        ("cache", "1", different(0)),
        ("vpn", "", different(3)),
    ])
}

/// Fixed times, so verdicts do not depend on when the test runs.
fn on(folder: &TempDir, arguments: &[&str]) -> Run {
    run(folder.path(), &[arguments, &["--max-age", "off"]].concat())
}

fn json_of(folder: &TempDir, more: &[&str]) -> Value {
    let shown = on(folder, &[&["show", "j.jsonl", "--json"], more].concat());
    serde_json::from_str(&shown.stdout).unwrap_or_else(|error| panic!("{error}: {}", shown.stderr))
}

#[test]
fn status_is_the_first_that_applies() {
    let waivers = "[[waiver]]\nreason = \"logs\"\nmax_different = 10\n";
    for (tasks, status, headline, code) in [
        (
            vec![("a", "1", failed()), ("b", "1", different(99)), ("c", "1", different(0))],
            "incomplete",
            "INCOMPLETE: 1 of 3 tasks has no answer; 1 more does not pass",
            3,
        ),
        (
            vec![("a", "1", not_verified()), ("b", "1", different(99)), ("c", "1", different(0))],
            "not_ready",
            "NOT READY: 2 of 3 tasks do not pass",
            0,
        ),
        (
            vec![("a", "1", different(2)), ("b", "1", different(0))],
            "ready_with_waivers",
            "READY WITH WAIVERS: all 2 tasks pass, 1 of them by a waiver",
            0,
        ),
        (vec![("a", "1", different(0)), ("b", "1", different(0))], "ready", "READY: all 2 tasks pass", 0),
        (vec![], "incomplete", "INCOMPLETE: no task is listed", 0),
    ] {
        let folder = finished(&tasks);
        std::fs::write(folder.path().join("w.toml"), waivers).unwrap();
        let options = ["--waivers", "w.toml"];
        let document = json_of(&folder, &options);
        assert_eq!((&document["status"], &document["headline"]), (&json!(status), &json!(headline)));
        let render = ["render", "j.jsonl", "-o", "t.md", "-o", "m.prom", "-o", "r.csv"];
        let rendered = on(&folder, &[&render[..], &options].concat());
        assert_eq!(rendered.code, code, "{}", rendered.stderr);
        assert_eq!(rendered.stderr.lines().next(), Some(headline));
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("t.md").lines().next(), Some(format!("**{headline}**").as_str()));
        let ready = u8::from(status.starts_with("ready"));
        assert!(
            read("m.prom").contains(&format!("cutover_report_ready{{report=\"m\"}} {ready}\n")),
            "{status}"
        );
        let manifest: Value = serde_json::from_str(&read("t.manifest.json")).unwrap();
        assert_eq!(manifest["status"], status);
        let shown = on(&folder, &[&["show", "j.jsonl"], &options[..]].concat());
        assert_eq!((shown.code, shown.stdout.lines().next()), (code, Some(headline)));
        assert!(!shown.stdout.contains('\u{1b}'), "no colour without a terminal");
    }
}

#[test]
fn status_with_missing_evidence_is_incomplete() {
    let passing = || [("a", "1", different(0)), ("b", "1", different(0))];
    let headline = |change: &dyn Fn(&mut Header), end: bool| {
        let folder = tempdir().unwrap();
        journal(folder.path(), &passing(), change, end);
        let document = json_of(&folder, &[]);
        assert_eq!(document["status"], "incomplete");
        document["headline"].as_str().unwrap().to_owned()
    };
    assert_eq!(headline(&|_| {}, false), "INCOMPLETE: the run is unfinished; 2 of 2 tasks pass");
    let unlisted = |header: &mut Header| header.unlisted = vec!["a server has no task".to_owned()];
    assert_eq!(
        headline(&unlisted, true),
        "INCOMPLETE: the account may have tasks that are not listed; 2 of 2 tasks pass"
    );
    let undeclared = |header: &mut Header| {
        let undeclared = vec![Task::new(TaskId::new("other").unwrap())];
        header.reconciliation = Some(Reconciliation { not_found: Vec::new(), undeclared });
    };
    assert_eq!(
        headline(&undeclared, true),
        "INCOMPLETE: 1 task of the account is not in the list; 2 of 2 tasks pass"
    );
}

#[test]
fn shard_alone_is_incomplete() {
    let folder = tempdir().unwrap();
    let tasks = crate::support::sample_tasks();
    let export = ["export", &tasks, "--shard", "1/2", "--endpoint", "embedded", "--rate", "1000/s"];
    assert_eq!(run(folder.path(), &[&export[..], &["-o", "s.json"]].concat()).code, 0);
    let shown = run(folder.path(), &["show", "s.journal.jsonl"]);
    assert!(shown.stdout.starts_with("INCOMPLETE: shard 1/2 alone, with "), "{}", shown.stdout);
}

#[test]
fn sample_data_is_named_beside_the_status_and_is_never_ready() {
    let folder = tempdir().unwrap();
    let export = ["export", "--endpoint", "embedded", "--rate", "1000/s", "-o", "r.prom"];
    let task = ["--task", "6e1c7a52-93f4-4a0b-8d27-51b0c9e4f301"];
    let exported = run(folder.path(), &[&export[..], &task].concat());
    let lines: Vec<&str> = exported.stderr.lines().collect();
    assert!(lines.contains(&"READY: the task passes"), "{}", exported.stderr);
    assert!(lines.contains(&"SAMPLE DATA from the embedded service: not evidence"), "{}", exported.stderr);
    let metrics = std::fs::read_to_string(folder.path().join("r.prom")).unwrap();
    assert!(metrics.contains("cutover_report_ready{report=\"r\"} 0\n"), "{metrics}");
    let colour = run_with(folder.path(), &[("CLICOLOR_FORCE", "1")], &["show", "r.journal.jsonl"]);
    assert!(colour.stdout.starts_with("\u{1b}[1m\u{1b}[33mREADY"), "{:?}", colour.stdout);
    assert!(!colour.stdout.contains("\u{1b}[32m"), "{:?}", colour.stdout);
    let plain = run_with(folder.path(), &[("NO_COLOR", "1")], &["show", "r.journal.jsonl"]);
    assert!(!plain.stdout.contains('\u{1b}'));
}

#[test]
fn groups_are_in_natural_order_with_counts() {
    let folder = waves();
    let groups = &json_of(&folder, &[])["groups"];
    assert_eq!(groups["by"], "Wave", "the default, in any case");
    let rows: Vec<(Value, u64, u64)> = groups["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["name"].clone(), row["tasks"].as_u64().unwrap(), row["passing"].as_u64().unwrap()))
        .collect();
    let expected = [(json!("1"), 2, 1), (json!("2"), 2, 0), (json!("10"), 1, 1), (Value::Null, 1, 0)];
    assert_eq!(rows, expected);
    assert_eq!(groups["rows"][1]["counts"]["inconsistent"], 2);
    assert_eq!(groups["rows"][1]["counts"]["stale"], 0);
    assert_eq!(json_of(&folder, &["--group-by", "OWNER"])["groups"]["rows"][0]["tasks"], 6);
    let text = on(&folder, &["show", "j.jsonl"]).stdout;
    let table = || text.lines().skip_while(|line| !line.starts_with("Wave"));
    let line = |name: &str| table().position(|line| line.starts_with(name)).unwrap();
    assert!(line("1 ") < line("2 ") && line("2 ") < line("10 ") && line("10 ") < line("(none) "), "{text}");
    assert!(text.contains("2 inconsistent\n"), "{text}");
}

#[test]
fn unknown_label_is_usage_error_before_anything_is_fetched() {
    let folder = waves();
    for arguments in [
        &["show", "j.jsonl", "--group-by", "team"][..],
        &["render", "j.jsonl", "-o", "x.json", "--group-by", "team"],
        &["render", "j.jsonl", "-o", "x.json", "--where", "team=a"],
        &["show", "j.jsonl", "--where", "team=a"],
        &["merge", "j.jsonl", "-o", "x.json", "--group-by", "team"],
    ] {
        let refused = on(&folder, arguments);
        assert_eq!(refused.code, 2, "{arguments:?}");
        assert!(refused.stderr.contains("team: the task list has no such label; it has owner, Wave"));
    }
    std::fs::write(folder.path().join("list.csv"), "task_id,wave\na,1\n").unwrap();
    let export =
        ["export", "list.csv", "-o", "x.json", "--endpoint", "http://127.0.0.1:9", "--group-by", "x"];
    let refused = on(&folder, &export);
    assert_eq!((refused.code, refused.stderr.contains("it has wave")), (2, true), "{}", refused.stderr);
    for filter in [["--where", "wave"], ["--where", "=1"], ["--where", "wave=["], ["--only", "passing"]] {
        assert_eq!(on(&folder, &["show", "j.jsonl", filter[0], filter[1]]).code, 2, "{filter:?}");
    }
    assert!(!folder.path().join("x.json").exists());
}

#[test]
fn filtered_report_says_so_and_is_never_ready() {
    let folder = waves();
    let passing = json_of(&folder, &["--only", "consistent"]);
    assert_eq!((&passing["status"], &passing["counts"]["consistent"]), (&json!("incomplete"), &json!(2)));
    assert_eq!(passing["headline"], "INCOMPLETE: filtered: 2 of 6 tasks; 2 of 2 tasks pass");
    let filtered = json!({"tasks": 2, "of": 6, "only": ["consistent"], "where": []});
    assert_eq!((&passing["filtered"], passing["tasks"].as_array().unwrap().len()), (&filtered, 2));

    let outputs = ["-o", "r.xlsx", "-o", "t.md", "-o", "csv/", "-o", "m.prom", "-o", "r.csv"];
    let filter = ["--only", "not-passing", "--where", "wave=1*", "--where", "WAVE=2"];
    let rendered = on(&folder, &[&["render", "j.jsonl"], &outputs[..], &filter].concat());
    assert_eq!(rendered.code, 0, "{}", rendered.stderr);
    let line = "filtered: 3 of 6 tasks";
    assert!(rendered.stderr.starts_with(&format!("INCOMPLETE: {line}; 3 of 3 tasks do not pass\n")));
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("t.md").contains(line));
    assert!(read("m.prom").contains("cutover_report_filtered{report=\"m\"} 1\n"));
    assert!(read("m.prom").contains("cutover_report_last_run_success{report=\"m\"} 0\n"));
    let workbook = crate::support::Workbook::open(&folder.path().join("r.xlsx"));
    assert!(workbook.says("Overview", line));
    assert!(workbook.says("Overview", "2 of the 3 tasks shown have verification results"));
    assert!(!workbook.says("Overview", "tasks pass (0.0 %)"), "of a part, the share says nothing");
    let names: Vec<_> = crate::support::files(&folder.path().join("csv/tasks")).into_keys().collect();
    assert_eq!(names, ["db-1.csv", "db-2.csv", "mail.csv"].map(std::path::PathBuf::from));
    let directories: Vec<_> = crate::support::csv(&folder.path().join("csv/tasks/db-2.csv"))
        .into_iter()
        .map(|row| row[5].clone())
        .collect();
    assert_eq!(directories, ["Different", "412"], "a row's evidence is its own task's");
    let by_name: Vec<_> =
        read("r.csv").lines().skip(1).map(|line| line.split(',').nth(1).unwrap().to_owned()).collect();
    assert_eq!(by_name, ["db-1", "db-2"]);
    assert_eq!(on(&folder, &["show", "j.jsonl", "--where", "wave=nine"]).code, 0);
    let gate = ["show", "j.jsonl", "--where", "wave=10", "--fail-on", "inconsistent"];
    assert_eq!(on(&folder, &gate).code, 0, "exit codes are of the tasks that are shown");
    assert_eq!(on(&folder, &["show", "j.jsonl", "--where", "wave=2", "--fail-on", "inconsistent"]).code, 4);
}

/// The names of the tasks that a summary lists.
fn listed(text: &str) -> Vec<String> {
    let list = text.lines().skip_while(|line| !line.contains("worst first")).skip(1);
    let tasks = list.take_while(|line| line.starts_with("  ") && !line.contains('…'));
    let name = |line: &str| line.rsplit_once(" (").unwrap().0.rsplit_once("  ").unwrap().1.to_owned();
    tasks.map(name).collect()
}

#[test]
fn tasks_that_do_not_pass_are_listed_worst_first() {
    let folder = waves();
    let shown = on(&folder, &["show", "j.jsonl"]);
    assert_eq!(listed(&shown.stdout), ["mail", "db-2", "db-1", "vpn"], "{}", shown.stdout);
    assert!(shown.stdout.contains("412 different, 0 missing, 0 redundant"), "{}", shown.stdout);
    let limited = on(&folder, &["show", "j.jsonl", "--limit", "2"]).stdout;
    assert_eq!(listed(&limited), ["mail", "db-2"], "{limited}");
    assert!(limited.contains("… and 2 more"), "{limited}");
    let rendered = on(&folder, &["render", "j.jsonl", "-o", "r.csv"]);
    let summary: Vec<&str> = rendered.stderr.lines().take(shown.stdout.lines().count()).collect();
    assert_eq!(
        summary,
        shown.stdout.lines().collect::<Vec<_>>(),
        "export, render and show end with the same words"
    );
}

#[test]
fn quiet_with_findings_names_status_tasks_and_report() {
    let tasks: Vec<(String, Outcome)> =
        (0..30).map(|n| (format!("web-{n}"), if n == 29 { failed() } else { different(n + 1) })).collect();
    let tasks: Vec<_> = tasks.iter().map(|(name, outcome)| (name.as_str(), "1", outcome.clone())).collect();
    let folder = finished(&tasks);
    let quiet = on(&folder, &["-q", "render", "j.jsonl", "-o", "out/r.csv", "--fail-on", "inconsistent"]);
    assert_eq!((quiet.code, quiet.stdout.as_str()), (4, ""), "{}", quiet.stderr);
    assert!(quiet.stderr.starts_with("INCOMPLETE: 1 of 30 tasks has no answer; 29 more do not pass\n"));
    let names = listed(&quiet.stderr);
    assert_eq!(
        (names.len(), names[0].as_str(), names[1].as_str()),
        (20, "web-29", "web-28"),
        "{}",
        quiet.stderr
    );
    for line in ["  … and 10 more: `cutover-report show j.jsonl` lists all", "report: out/r.csv"] {
        assert!(quiet.stderr.lines().any(|shown| shown == line), "{line}: {}", quiet.stderr);
    }
    let silent = on(&folder, &["-q", "render", "j.jsonl", "-o", "out/r.csv", "--only", "x"]);
    assert_eq!(silent.code, 2);
}

#[test]
fn dash_writes_one_output_to_stdout() {
    let folder = waves();
    let files = on(&folder, &["render", "j.jsonl", "-o", "r.json", "-o", "r.csv", "-o", "r.md"]);
    assert_eq!(files.code, 0, "{}", files.stderr);
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let before = crate::support::files(folder.path());
    for (format, name) in [("json", "r.json"), ("csv", "r.csv")] {
        let shown = on(&folder, &["render", "j.jsonl", "-o", "-", "--format", format]);
        assert_eq!((shown.code, shown.stdout), (0, read(name)), "{format}");
    }
    let ticket = on(&folder, &["render", "j.jsonl", "-o", "-", "--format", "md"]).stdout;
    assert!(ticket.starts_with("**NOT READY: 4 of 6 tasks do not pass**"), "{ticket}");
    assert!(before == crate::support::files(folder.path()), "stdout leaves no file");
    let both = on(&folder, &["render", "j.jsonl", "-o", "-", "-o", "x.csv", "--format", "md"]).stdout;
    assert!(both.contains("| x.csv | "), "the ticket names the file: {both}");

    let merged = on(&folder, &["merge", "j.jsonl", "-o", "-", "--format", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&merged.stdout).unwrap()["status"], "not_ready");
    for (format, begins) in [("json", "{\n"), ("csv", "Task ID,"), ("md", "**")] {
        let compared = on(&folder, &["diff", "j.jsonl", "j.jsonl", "-o", "-", "--format", format]);
        assert!(compared.code == 0 && compared.stdout.starts_with(begins), "{format}: {}", compared.stderr);
    }
    let tasks = crate::support::sample_tasks();
    let export =
        ["export", &tasks, "--endpoint", "embedded", "--rate", "1000/s", "-o", "-", "--format", "csv"];
    let exported = on(&folder, &export);
    assert!(exported.code == 0 && exported.stdout.starts_with("Task ID,"), "{}", exported.stderr);
    assert!(!folder.path().join("-").exists());
}

#[test]
fn dash_requires_format() {
    let folder = waves();
    for (arguments, words) in [
        (&["-o", "-"][..], "-o - needs --format json, csv or md"),
        (&["-o", "r.csv", "--format", "md"], "--format applies to stdout"),
        (&["-o", "-", "-o", "-", "--format", "md"], "given twice"),
        (&["-o", "-", "--format", "md", "--json"], "both write to stdout"),
    ] {
        for command in [&["render", "j.jsonl"][..], &["diff", "j.jsonl", "j.jsonl"], &["merge", "j.jsonl"]] {
            let refused = on(&folder, &[command, arguments].concat());
            assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{arguments:?}");
            assert!(refused.stderr.contains(words), "{}", refused.stderr);
        }
    }
}

#[test]
fn show_escapes_names_and_speaks_chinese() {
    let folder = finished(&[("\u{1b}[31mred\u{202e}", "1\u{1b}]0;x\u{7}", different(1))]);
    let shown = on(&folder, &["show", "j.jsonl"]).stdout;
    assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{shown:?}");
    assert!(shown.contains(r"\u{1b}[31mred\u{202e}"), "{shown}");
    let chinese = on(&folder, &["show", "j.jsonl", "--language", "zh"]).stdout;
    assert!(chinese.starts_with("不具备割接条件：该任务未通过\n"), "{chinese}");
    assert!(chinese.contains("未通过的任务（最严重的在前）"), "{chinese}");
}

#[test]
fn ticket_says_what_a_verification_checks() {
    let folder = waves();
    for (format, language, words) in [
        (
            "markdown",
            "en",
            "By default, SMS compares the size and modification time of files, not their content",
        ),
        ("jira", "en", "Not checked: more than 1,000,000 files in a directory"),
        ("plain", "zh", "默认只比对文件大小和修改时间，不比对内容"),
    ] {
        let options = ["-o", "-", "--format", "md", "--ticket-format", format, "--language", language];
        let text = on(&folder, &[&["render", "j.jsonl"], &options[..]].concat()).stdout;
        assert!(text.contains(words), "{format}: {text}");
        assert!(!text.contains("Not verified**") && text.contains("Wave"), "{format}: {text}");
    }
}
