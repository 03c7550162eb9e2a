//! The main job as a user runs it: the real program against the embedded service.

use std::path::Path;

use crate::support::{Run, Workbook, csv, files, run, run_with, sample_tasks};
use serde_json::Value;
use tempfile::tempdir;

const OUTPUTS: [&str; 12] = [
    "-o",
    "report.xlsx",
    "-o",
    "csv/",
    "-o",
    "report.zip",
    "-o",
    "results.csv",
    "-o",
    "summary.json",
    "-o",
    "journal.jsonl",
];

fn export(folder: &Path, more: &[&str]) -> Run {
    let tasks = sample_tasks();
    let fixed =
        ["export", &tasks, "--endpoint", "embedded", "--rate", "1000/s", "--timezone", "Asia/Shanghai"];
    run(folder, &[&fixed[..], more].concat())
}

fn summary(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("summary.json")).unwrap()).unwrap()
}

#[test]
fn first_command_writes_every_report() {
    let folder = tempdir().unwrap();
    let run = export(folder.path(), &OUTPUTS);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.stdout, "report.xlsx\ncsv/\nreport.zip\nresults.csv\nsummary.json\njournal.jsonl\n");
    assert!(
        run.stderr.contains("SAMPLE DATA") && run.stderr.contains("6 of 12 tasks pass"),
        "{}",
        run.stderr
    );

    let workbook = Workbook::open(&folder.path().join("report.xlsx"));
    let summary_rows = workbook.summary();
    let names: Vec<&str> = summary_rows.iter().map(|row| row["Source server"].as_str()).collect();
    let sheets: Vec<&str> = workbook.names.iter().map(String::as_str).collect();
    assert_eq!(sheets, [&["Overview", "Summary"][..], &names, &["About"]].concat());
    insta::assert_snapshot!(workbook.table("Summary", "Source server")[0].join(" | "));
    for sheet in ["Overview", "About", "web-prod-01"] {
        assert!(workbook.says(sheet, "SAMPLE DATA"), "{sheet}");
    }

    let mut verdicts: Vec<&str> = summary_rows.iter().map(|row| row["Verdict"].as_str()).collect();
    verdicts.sort_unstable();
    verdicts.dedup();
    assert_eq!(
        verdicts,
        ["Check failed", "Consistent", "Inconclusive", "Inconsistent", "Not verified", "Stale"]
    );
    let json = summary(folder.path());
    assert_eq!((&json["format"], &json["sample_data"]), (&Value::from(1), &Value::from(true)));
    assert_eq!(json["counts"]["consistent"], 6);
    let shapes: std::collections::BTreeSet<&str> = json["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["response_shape"].as_str().unwrap())
        .collect();
    assert_eq!(shapes.len(), 3, "{shapes:?}");
}

#[test]
fn csv_and_workbook_have_the_same_rows() {
    let folder = tempdir().unwrap();
    assert_eq!(export(folder.path(), &OUTPUTS).code, 0);
    let workbook = Workbook::open(&folder.path().join("report.xlsx"));
    // CSV names the offset of the zone, which a date cell cannot.
    let plain = |rows: Vec<Vec<String>>| -> Vec<Vec<String>> {
        let cell = |cell: &String| cell.strip_suffix("+08:00").unwrap_or(cell).to_owned();
        rows.iter().map(|row| row.iter().map(cell).collect()).collect()
    };
    let mut by_task = Vec::new();
    for row in &csv(&folder.path().join("csv/summary.csv"))[1..] {
        let name = &row[1];
        let rows = plain(csv(&folder.path().join(format!("csv/tasks/{name}.csv"))));
        assert_eq!(rows, workbook.table(name, "Verification"), "{name}");
        by_task.extend(rows[1..].iter().map(|detail| [&row[..4], detail].concat()));
    }
    let results = plain(csv(&folder.path().join("csv/results.csv")));
    assert_eq!(results[1..], by_task);
    let rows = plain(csv(&folder.path().join("csv/summary.csv")));
    for (row, shown) in rows[1..].iter().zip(&workbook.summary()) {
        for (heading, value) in rows[0].iter().zip(row) {
            match heading.as_str() {
                "Verdict" => {
                    assert_eq!(*value, shown["Verdict"].to_lowercase().replace(' ', "_"), "keys in CSV")
                }
                heading => assert_eq!(*value, shown[heading], "{heading}"),
            }
        }
    }
    assert_eq!(
        std::fs::read(folder.path().join("csv/results.csv")).unwrap(),
        std::fs::read(folder.path().join("results.csv")).unwrap()
    );
    let archive = std::fs::File::open(folder.path().join("report.zip")).unwrap();
    let mut archive = zip::ZipArchive::new(archive).unwrap();
    let unpacked = tempdir().unwrap();
    archive.extract(unpacked.path()).unwrap();
    assert_eq!(files(unpacked.path()), files(&folder.path().join("csv")));
}

#[test]
fn same_journal_gives_same_bytes() {
    let folder = tempdir().unwrap();
    assert_eq!(export(folder.path(), &OUTPUTS).code, 0);
    let mut first = files(folder.path());
    let journal = first.remove(Path::new("report.journal.jsonl")).unwrap();
    for variables in
        [[("TZ", "America/New_York"), ("LC_ALL", "de_DE.UTF-8")], [("TZ", "Asia/Tokyo"), ("LANG", "C")]]
    {
        let again = tempdir().unwrap();
        std::fs::write(again.path().join("report.journal.jsonl"), &journal).unwrap();
        let rendered = ["render", "report.journal.jsonl", "--timezone", "Asia/Shanghai"];
        let run = run_with(again.path(), &variables, &[&rendered[..], &OUTPUTS].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        std::fs::remove_file(again.path().join("report.journal.jsonl")).unwrap();
        let second = files(again.path());
        for (path, content) in &first {
            assert!(second.get(path) == Some(content), "{} differs", path.display());
        }
        assert_eq!(first.len(), second.len());
    }
}

#[test]
fn unfinished_journal_is_kept_and_rendered_as_incomplete() {
    let folder = tempdir().unwrap();
    assert_eq!(export(folder.path(), &OUTPUTS).code, 0);
    let path = folder.path().join("report.journal.jsonl");
    let whole = std::fs::read_to_string(&path).unwrap();
    let torn: String = whole.split_inclusive('\n').take(4).collect::<String>() + "{\"ordinal\":9,\"ta";
    std::fs::write(&path, &torn).unwrap();

    let refused = export(folder.path(), &OUTPUTS);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("3 of 12 tasks") && refused.stderr.contains("--overwrite"),
        "{}",
        refused.stderr
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), torn);

    let rendered = run(folder.path(), &["render", "report.journal.jsonl", "-o", "summary.json"]);
    assert_eq!(rendered.code, 3, "{}", rendered.stderr);
    assert!(rendered.stderr.contains("truncated"), "{}", rendered.stderr);
    assert_eq!(summary(folder.path())["counts"]["fetch_failed"], 9);

    assert_eq!(export(folder.path(), &["-o", "report.xlsx", "--overwrite"]).code, 0);
    assert_eq!(export(folder.path(), &["-o", "report.xlsx"]).code, 0, "a finished journal is replaced");
}

#[test]
fn refused_token_keeps_the_earlier_journal() {
    let folder = tempdir().unwrap();
    let tasks = sample_tasks();
    let arguments = ["export", &tasks, "--rate", "1000/s", "-o", "report.json", "--endpoint"];
    assert_eq!(run(folder.path(), &[&arguments[..], &["embedded"]].concat()).code, 0);
    let before = files(folder.path());
    let endpoint = refusing(0);
    let refused = run_with(
        folder.path(),
        &[("SMS_AUTH_TOKEN", "hush-hush")],
        &[&arguments[..], &[endpoint.as_str()]].concat(),
    );
    assert_eq!(refused.code, 5, "{}", refused.stderr);
    assert!(refused.stderr.contains("report.journal.jsonl is unchanged"), "{}", refused.stderr);
    assert!(files(folder.path()) == before);
}

#[test]
fn stopped_run_with_no_journal_keeps_its_answers() {
    let folder = tempdir().unwrap();
    let stopped = |answers| {
        let (tasks, endpoint) = (sample_tasks(), refusing(answers));
        let arguments = [
            "export",
            &tasks,
            "--context",
            "off",
            "--endpoint",
            &endpoint,
            "--concurrency",
            "1",
            "--rate",
            "1000/s",
        ];
        let more = ["--no-journal", "-o", "a.csv"];
        let temporary = folder.path().display().to_string();
        let variables = [("SMS_AUTH_TOKEN", "hush-hush"), ("TMPDIR", temporary.as_str())];
        let run = run_with(folder.path(), &variables, &[&arguments[..], &more].concat());
        assert_eq!(run.code, 5, "{}", run.stderr);
        run
    };
    let nothing = stopped(0);
    assert!(!nothing.stderr.contains("kept"), "{}", nothing.stderr);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left of nothing");
    let stopped = stopped(2);
    let render = ["render", kept_after_all(&stopped), "-o", "summary.json"];
    assert_eq!(run(folder.path(), &render).code, 3);
    assert_eq!(summary(folder.path())["counts"]["not_verified"], 2);
}

/// Where a run with `--no-journal` reports that it kept the journal.
fn kept_after_all(run: &Run) -> &str {
    let kept = run.stderr.lines().find_map(|line| line.strip_prefix("the journal is kept: "));
    kept.and_then(|rest| rest.split(';').next()).unwrap()
}

/// A server that answers some requests, and then returns 401.
fn refusing(answers: usize) -> String {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let (status, body) = if number < answers {
                ("200 OK", r#"{"result_list":[]}"#)
            } else {
                ("401 Unauthorized", "{}")
            };
            let head =
                format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
            let _ = stream.write_all(format!("{head}\r\n{body}").as_bytes());
        }
    });
    endpoint
}

#[test]
fn journal_in_use_exits_6() {
    let folder = tempdir().unwrap();
    let file = std::fs::File::create(folder.path().join("report.journal.jsonl.lock")).unwrap();
    std::fs::write(folder.path().join("report.journal.jsonl.lock"), "process 7, since noon").unwrap();
    file.lock().unwrap();
    let refused = export(folder.path(), &["-o", "report.xlsx"]);
    assert_eq!(refused.code, 6, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("report.journal.jsonl") && refused.stderr.contains("process 7, since noon")
    );
    assert_eq!(files(folder.path()).len(), 1, "nothing but the lock");
    drop(file);
    assert_eq!(export(folder.path(), &["-o", "report.xlsx"]).code, 0, "a lock left behind holds nobody up");
    assert_eq!(files(folder.path()).len(), 3, "report, journal and manifest");
}

#[test]
fn render_over_its_journal_is_refused() {
    let folder = tempdir().unwrap();
    assert_eq!(export(folder.path(), &["-o", "a.csv", "--journal", "j.json"]).code, 0);
    let before = files(folder.path());
    let refused = run(folder.path(), &["render", "j.json", "-o", "./j.json"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{}", refused.stderr);
    assert!(files(folder.path()) == before);
    std::fs::rename(folder.path().join("j.json"), folder.path().join("j.jsonl")).unwrap();
    assert_eq!(run(folder.path(), &["render", "j.jsonl", "-o", "j.jsonl"]).code, 0);
    assert!(files(folder.path())[Path::new("j.jsonl")] == before[Path::new("j.json")], "a copy is the same");
}

#[test]
fn policy_decides_the_verdict_and_fail_on_the_exit_code() {
    let folder = tempdir().unwrap();
    let stale = |more: &[&str]| {
        export(folder.path(), &[&["-o", "summary.json"], more].concat());
        summary(folder.path())["counts"]["stale"].as_u64().unwrap()
    };
    assert_eq!(stale(&["--max-age", "off"]), 0);
    assert_eq!(stale(&["--max-age", "1s"]), 8);
    assert_eq!(stale(&["--max-age", "off", "--not-before", "2999-01-01T00:00"]), 8);
    let gated = export(folder.path(), &["-o", "summary.json", "--fail-on", "unreadable,inconsistent"]);
    assert_eq!(gated.code, 4);
    assert_eq!(export(folder.path(), &["-o", "summary.json", "--fail-on", "unreadable"]).code, 0);
}

#[test]
fn quiet_prints_nothing_and_json_prints_the_summary() {
    let folder = tempdir().unwrap();
    let quiet = export(folder.path(), &["-o", "a.csv", "-q"]);
    assert_eq!((quiet.code, quiet.stdout.as_str(), quiet.stderr.as_str()), (0, "", ""));
    let json = export(folder.path(), &["--json", "--no-journal"]);
    assert_eq!(serde_json::from_str::<Value>(&json.stdout).unwrap()["format"], 1);
    assert_eq!(files(folder.path()).len(), 3, "the second run left nothing");
}

#[test]
fn failed_output_keeps_other_outputs_and_the_journal() {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "old").unwrap();
    let run = export(folder.path(), &["--no-journal", "-o", "file/x.csv", "-o", "good.csv"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, "good.csv\n"), "{}", run.stderr);
    assert!(run.stderr.contains("file/x.csv"), "{}", run.stderr);
    let journal = kept_after_all(&run);
    let render = ["render", journal, "-o", "x.csv", "--timezone", "Asia/Shanghai"];
    assert_eq!(crate::support::run(folder.path(), &render).code, 0);
    let rows = |name: &str| csv(&folder.path().join(name));
    assert!(rows("x.csv") == rows("good.csv"), "the journal gives the same report");
    std::fs::remove_dir_all(Path::new(journal).parent().unwrap()).unwrap();
}

#[test]
fn failed_file_of_a_csv_folder_is_named() {
    let folder = tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("csv/results.csv")).unwrap();
    let run = export(folder.path(), &["-o", "csv/", "-o", "good.json"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, "good.json\n"), "{}", run.stderr);
    assert!(run.stderr.contains("csv/results.csv: "), "{}", run.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn full_stdout_keeps_the_outputs() {
    let folder = tempdir().unwrap();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let tasks = sample_tasks();
    let arguments =
        ["export", &tasks, "--endpoint", "embedded", "--rate", "1000/s", "-o", "a.csv", "-o", "b.csv"];
    let ended = std::process::Command::new(assert_cmd::cargo::cargo_bin("cutover-report"))
        .current_dir(folder.path())
        .args(arguments)
        .stdout(full)
        .output()
        .unwrap();
    let reported = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{reported}");
    assert!(reported.contains("stdout: No space left"), "{reported}");
    assert_eq!(csv(&folder.path().join("a.csv")), csv(&folder.path().join("b.csv")));
}

#[test]
fn sample_data_is_marked_even_without_an_answer() {
    let folder = tempdir().unwrap();
    let run =
        run(folder.path(), &["export", "--endpoint", "embedded", "--task", "none", "-o", "summary.json"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert_eq!(summary(folder.path())["sample_data"], true);
}

#[test]
fn invalid_arguments_are_reported_before_fetching() {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("bad.csv"), "task_id\n\u{7f}x\na b\n").unwrap();
    std::fs::write(folder.path().join("bad.json"), "[{}]").unwrap();
    std::fs::write(folder.path().join("token"), "hush-hush").unwrap();
    let open_to_all = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(folder.path().join("token"), open_to_all).unwrap();
    let https = "https://127.0.0.1:1";
    let reported: Vec<String> = [
        &["export", "bad.csv", "bad.json", "none.csv", "x.txt", "--endpoint", "embedded", "-o", "r.xlsx"][..],
        &["export", "--endpoint", "embedded", "-o", "r.xlsx"],
        &["export", "bad.csv", "--endpoint", "embedded", "-o", "./bad.csv"],
        &["export", "--task", "a", "-o", "r.xlsx"],
        &["export", "--task", "a", "--endpoint", https, "-o", "r.xlsx"],
        &[
            "export",
            "--task",
            "a",
            "--endpoint",
            "http://sms.example",
            "--token-file",
            "token",
            "-o",
            "r.xlsx",
        ],
        &["export", "--task", "a", "--endpoint", "nowhere", "--auth", "none", "-o", "r.xlsx"],
        &["export", "--task", "a", "--endpoint", "embedded", "-o", "r.docx"],
        &["export", "--task", "a", "--endpoint", "embedded", "-o", "r.csv", "-o", "r.csv"],
        &["export", "--task", "a", "--endpoint", "embedded", "-o", "r.json", "--journal", "r.json"],
        &[
            "export",
            "bad.csv",
            "--endpoint",
            "embedded",
            "-o",
            "r.csv",
            "--journal",
            "bad.csv",
            "--overwrite",
        ],
        &["export", "--task", "a", "--endpoint", "embedded", "-o", "r.csv", "--not-before", "soon"],
        &["render", "token", "-o", "r.csv"],
        &["render", "none.jsonl", "-o", "r.csv"],
    ]
    .iter()
    .map(|arguments| {
        let run = run(folder.path(), arguments);
        assert_eq!(run.stdout, "", "{arguments:?}");
        assert!(!run.stderr.contains("hush"), "{arguments:?}");
        format!("{} -> {}\n{}", arguments.join(" "), run.code, run.stderr)
    })
    .collect();
    insta::assert_snapshot!(reported.join("\n"));
    assert_eq!(files(folder.path()).len(), 3, "nothing was written");
}
