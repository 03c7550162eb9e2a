//! Runs that are killed, stopped or out of disk, and runs that resume them.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::support::server::{Seen, Server, Stalling, consistent, json};
use crate::support::{Run, end, files, run, run_with, signal};
use assert_cmd::cargo::cargo_bin;
use cutover_report::service::generated_tasks;
use serde_json::Value;
use tempfile::tempdir;

const LATER: &str = "a-later-run";
const JOURNAL: &str = "summary.journal.jsonl";

fn ids(count: usize) -> Vec<String> {
    generated_tasks(count).tasks.into_iter().map(|task| task.id_text().to_owned()).collect()
}

fn list(folder: &Path, count: usize) {
    std::fs::write(folder.join("tasks.csv"), format!("task_id\n{}\n", ids(count).join("\n"))).unwrap();
}

fn arguments<'a>(endpoint: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = [
        "export",
        "tasks.csv",
        "--context",
        "off",
        "--endpoint",
        endpoint,
        "--auth",
        "none",
        "--rate",
        "5000/s",
    ];
    [&fixed[..], &["-o", "summary.json"], more].concat()
}

fn export(folder: &Path, endpoint: &str, more: &[&str]) -> Run {
    run(folder, &arguments(endpoint, more))
}

/// Exports with a token that distinguishes this run's requests from late ones of an earlier run.
fn export_later(folder: &Path, endpoint: &str, more: &[&str]) -> Run {
    let more = [&["--auth", "token"], more].concat();
    run_with(folder, &[("SMS_AUTH_TOKEN", LATER)], &arguments(endpoint, &more))
}

/// The tasks that [`export_later`] requested.
fn asked_later(server: &Server) -> Vec<String> {
    let seen = server.seen();
    seen.iter().filter(|seen| seen.header("x-auth-token") == Some(LATER)).map(task_of).collect()
}

fn start(folder: &Path, endpoint: &str, more: &[&str]) -> Child {
    let mut command = Command::new(cargo_bin("cutover-report"));
    command.current_dir(folder).env_clear().args(arguments(endpoint, more));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn summary(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("summary.json")).unwrap()).unwrap()
}

fn journal(folder: &Path) -> String {
    std::fs::read_to_string(folder.join(JOURNAL)).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    files(folder).into_keys().map(|path| path.display().to_string()).collect()
}

/// The ids of the tasks with answers in a journal.
fn answered(journal: &str) -> BTreeSet<String> {
    let whole = journal.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let lines = whole.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let answers = lines.filter(|line| line.get("body").is_some());
    answers.map(|line| line["task_id"].as_str().unwrap().to_owned()).collect()
}

fn task_of(seen: &Seen) -> String {
    seen.path.split('/').nth(3).unwrap().to_owned()
}

#[test]
fn killed_run_resumes_without_repeating_requests() {
    for healthy in [1, 7, 30, 59] {
        let folder = tempdir().unwrap();
        list(folder.path(), 60);
        let first = Stalling::after(healthy);
        let mut child = start(folder.path(), &first.server.url(), &["--concurrency", "4"]);
        first.stalled();
        child.kill().unwrap();
        child.wait().unwrap();
        first.release();
        let torn = "{\"ordinal\":9,\"task_id\":\"torn";
        let whole = journal(folder.path());
        std::fs::write(folder.path().join(JOURNAL), format!("{whole}{torn}")).unwrap();
        let held = answered(&whole);
        assert!(!held.is_empty() && held.len() <= healthy, "{healthy}");

        let refused = export_later(folder.path(), &first.server.url(), &[]);
        assert_eq!(refused.code, 1, "{}", refused.stderr);
        assert!(refused.stderr.contains("--resume") && refused.stderr.contains("--overwrite"));
        assert_eq!(journal(folder.path()), format!("{whole}{torn}"));
        assert!(asked_later(&first.server).is_empty(), "nothing is asked for in vain");

        let resumed = export_later(folder.path(), &first.server.url(), &["--resume"]);
        assert_eq!(resumed.code, 0, "{}", resumed.stderr);
        assert!(
            resumed.stderr.contains("its last line is truncated and will be dropped"),
            "{}",
            resumed.stderr
        );
        let asked = asked_later(&first.server);
        assert_eq!(asked.len(), 60 - held.len());
        assert!(asked.iter().all(|task| !held.contains(task)), "what is recorded is not fetched again");
        assert!(journal(folder.path()).starts_with(&whole), "what was there stays as it was");
        assert!(!journal(folder.path()).contains(torn));
        let summary = summary(folder.path());
        assert_eq!(summary["counts"]["consistent"], 60);
        let header: Value = serde_json::from_str(whole.lines().next().unwrap()).unwrap();
        let time = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        assert_eq!(time(&header["started_at"]), time(&summary["run"]["started_at"]));
        assert_eq!(names(folder.path()).len(), 4, "{:?}", names(folder.path()));
    }
}

#[test]
fn signal_waits_for_running_requests_and_run_can_resume() {
    for (name, code) in [("-TERM", 143), ("-INT", 130)] {
        let folder = tempdir().unwrap();
        list(folder.path(), 40);
        let stalling = Stalling::after(10);
        let url = stalling.server.url();
        let mut child = start(folder.path(), &url, &["--concurrency", "4"]);
        let mut reported = BufReader::new(child.stderr.take().unwrap());
        stalling.stalled();
        signal(&child, name);
        let mut line = String::new();
        reported.read_line(&mut line).unwrap();
        assert!(line.starts_with("stopping: "), "{line}");
        stalling.release();
        let mut rest = String::new();
        reported.read_to_string(&mut rest).unwrap();
        assert_eq!(end(child).code, code, "{rest}");
        let seen = stalling.server.seen().len();
        assert!((11..=14).contains(&seen), "{seen} requests: none after the signal");
        let held = journal(folder.path());
        assert_eq!(answered(&held).len(), seen, "each that was under way is kept");
        assert!(held.ends_with('\n') && !held.contains("finished_at\":\""), "whole, and no end");
        assert!(
            rest.contains(&format!(
                "{JOURNAL} has {seen} of 40 tasks; to fetch the rest: `cutover-report export"
            )),
            "{rest}"
        );
        assert_eq!(names(folder.path()), [JOURNAL, "tasks.csv"], "no report, no lock");

        let resumed = export(folder.path(), &url, &["--resume"]);
        assert_eq!(resumed.code, 0, "{}", resumed.stderr);
        assert_eq!(stalling.server.seen().len(), 40);
        assert_eq!(summary(folder.path())["counts"]["consistent"], 40);
    }
}

#[test]
fn second_signal_exits_at_once_with_the_first_code() {
    let folder = tempdir().unwrap();
    list(folder.path(), 40);
    let stalling = Stalling::after(10);
    let mut child = start(folder.path(), &stalling.server.url(), &["--concurrency", "4"]);
    let mut reported = BufReader::new(child.stderr.take().unwrap());
    stalling.stalled();
    signal(&child, "-TERM");
    reported.read_line(&mut String::new()).unwrap();
    signal(&child, "-INT");
    assert_eq!(end(child).code, 143);
    let held = answered(&journal(folder.path()));
    stalling.release();
    assert_eq!(export(folder.path(), &stalling.server.url(), &["--resume"]).code, 0);
    assert!(!held.is_empty() && held.len() <= 10, "{}", held.len());
    assert_eq!(summary(folder.path())["counts"]["consistent"], 40);
}

#[test]
fn signal_before_the_first_answer_leaves_no_files() {
    let folder = tempdir().unwrap();
    let stalling = Stalling::after(0);
    let mut command = Command::new(cargo_bin("cutover-report"));
    let url = stalling.server.url();
    let discover =
        ["export", "--discover", "--endpoint", &url, "--auth", "none", "-o", "r.json", "--no-journal"];
    command.env_clear().env("TMPDIR", folder.path()).current_dir(folder.path()).args(discover);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    stalling.stalled();
    signal(&child, "-INT");
    let ended = end(child);
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    assert!(ended.stderr.contains("stopped by SIGINT before anything was fetched"), "{}", ended.stderr);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    stalling.release();
}

#[test]
fn closed_stdout_pipe_does_not_stop_the_run() {
    let folder = tempdir().unwrap();
    list(folder.path(), 3);
    let server = Server::start(|_, _| consistent());
    let mut child = start(folder.path(), &server.url(), &[]);
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(summary(folder.path())["counts"]["consistent"], 3);
}

#[test]
fn second_run_on_a_journal_in_use_is_refused() {
    let folder = tempdir().unwrap();
    list(folder.path(), 4);
    let stalling = Stalling::after(2);
    let child = start(folder.path(), &stalling.server.url(), &["--concurrency", "1"]);
    stalling.stalled();
    for more in [&[][..], &["--resume"], &["--overwrite"]] {
        let refused = export(folder.path(), &stalling.server.url(), more);
        assert_eq!(refused.code, 6, "{}", refused.stderr);
        assert!(refused.stderr.contains(&format!("process {}, since ", child.id())), "{}", refused.stderr);
    }
    stalling.release();
    assert_eq!(end(child).code, 0);
    assert_eq!(stalling.server.seen().len(), 4);
}

#[test]
fn resume_retries_failed_tasks_and_finished_journal_sends_nothing() {
    let folder = tempdir().unwrap();
    list(folder.path(), 8);
    let well = Arc::new(Mutex::new(false));
    let is_well = Arc::clone(&well);
    let failing: Vec<String> = ids(8).into_iter().step_by(3).collect();
    let ill = failing.clone();
    let server = Server::start(move |seen, _| {
        let fails = ill.contains(&task_of(seen)) && !*is_well.lock().unwrap();
        if fails { json(404, r#"{"error_code":"SMS.1"}"#) } else { consistent() }
    });
    let url = server.url();
    assert_eq!(
        export(folder.path(), &url, &["--resume"]).code,
        3,
        "nothing to go on with is a run of its own"
    );
    assert_eq!(server.seen().len(), 8);
    *well.lock().unwrap() = true;
    let resumed = export(folder.path(), &url, &["--resume"]);
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
    let again: BTreeSet<String> = server.seen()[8..].iter().map(task_of).collect();
    assert_eq!((server.seen().len(), again), (8 + failing.len(), failing.into_iter().collect()));

    let (before, held) = (summary(folder.path()), journal(folder.path()));
    std::fs::remove_file(folder.path().join("summary.json")).unwrap();
    let requests = server.seen().len();
    let nothing = run_with(
        folder.path(),
        &[],
        &["export", "tasks.csv", "--resume", "-q", "--endpoint", &url, "-o", "summary.json"],
    );
    assert_eq!(nothing.code, 0, "needs no credentials: {}", nothing.stderr);
    assert!(nothing.stderr.starts_with("warning: ") && nothing.stderr.contains("nothing is fetched"));
    assert_eq!(server.seen().len(), requests);
    assert_eq!((summary(folder.path()), journal(folder.path())), (before, held.clone()));

    // All answers, but no footer: killed just before it.
    let end = held.trim_end().rfind('\n').unwrap();
    std::fs::write(folder.path().join(JOURNAL), &held[..=end]).unwrap();
    assert_eq!(export(folder.path(), &url, &["--resume"]).code, 0);
    assert_eq!(server.seen().len(), requests);
    assert_eq!(export(folder.path(), &url, &["--resume", "-q"]).stderr, nothing.stderr, "now it is finished");
}

#[test]
fn resume_with_journal_of_another_run_is_refused_and_keeps_it() {
    let folder = tempdir().unwrap();
    list(folder.path(), 3);
    let server = Server::start(|_, _| consistent());
    let url = server.url();
    assert_eq!(export(folder.path(), &url, &[]).code, 0);
    let held = journal(folder.path());
    let requests = server.seen().len();
    let reported = |more: &[&str], endpoint: &str| {
        let before = journal(folder.path());
        let run = export(folder.path(), endpoint, &[&["--resume"], more].concat());
        assert_eq!((journal(folder.path()), run.stdout.as_str()), (before, ""));
        format!("{} {}", run.code, run.stderr.replace(&url, "URL"))
    };
    let mut all = vec![reported(&[], "http://127.0.0.1:1"), reported(&["--reconcile"], &url)];
    all.push(reported(&["--overwrite"], &url));
    all.push(reported(&["--no-journal"], &url));
    all.push(reported(&["-o", "x.csv", "--task", "more"], &url));
    std::fs::write(folder.path().join(JOURNAL), held.replace("\"journal_format\":1", "\"journal_format\":9"))
        .unwrap();
    all.push(reported(&[], &url));
    std::fs::write(folder.path().join(JOURNAL), "a letter\n").unwrap();
    all.push(reported(&[], &url));
    let each = run(
        folder.path(),
        &["export", "tasks.csv", "--resume", "--endpoint", &url, "-o", "{date}/{time}.json"],
    );
    all.push(format!("{} {}", each.code, each.stderr));
    insta::assert_snapshot!(all.concat());
    assert_eq!(server.seen().len(), requests);
}

#[test]
fn resume_uses_the_tasks_found_first() {
    let folder = tempdir().unwrap();
    let discover = |more: &[&str]| {
        let fixed =
            ["export", "--discover", "--endpoint", "embedded", "--rate", "1000/s", "-o", "summary.json"];
        run(folder.path(), &[&fixed[..], more].concat())
    };
    assert_eq!(discover(&[]).code, 0);
    let whole = journal(folder.path());
    let cut: String = whole.split_inclusive('\n').take(3).collect();
    std::fs::write(folder.path().join(JOURNAL), &cut).unwrap();
    let other = discover(&["--resume", "--state", "MIGRATE_SUCCESS"]);
    assert_eq!(other.code, 1, "{}", other.stderr);
    let resumed = discover(&["--resume"]);
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
    assert!(resumed.stderr.contains("the account's tasks are not listed again"), "{}", resumed.stderr);
    assert_eq!(journal(folder.path()).lines().next(), whole.lines().next());
    assert_eq!(journal(folder.path()).lines().count(), whole.lines().count());
}

/// Runs the program with a limit on the size of the files that it writes, in blocks of 512 or 1024 bytes.
fn limited(folder: &Path, blocks: usize, arguments: &[&str]) -> Run {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -f {blocks}; exec \"$0\" \"$@\"")]).arg(cargo_bin("cutover-report"));
    command.current_dir(folder).env_clear().args(arguments);
    end(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

#[test]
fn full_disk_stops_the_run_and_keeps_the_records() {
    let folder = tempdir().unwrap();
    list(folder.path(), 200);
    let server = Server::start(|_, _| consistent());
    let url = server.url();
    let full = limited(folder.path(), 48, &arguments(&url, &[]));
    assert_eq!(full.code, 1, "{}", full.stderr);
    assert!(full.stderr.contains(&format!("{JOURNAL}: File too large")), "{}", full.stderr);
    assert_eq!(names(folder.path()), [JOURNAL, "tasks.csv"], "no report of what was not recorded");
    let held = answered(&journal(folder.path())).len();
    assert!(full.stderr.contains(&format!("{JOURNAL} has {held} of 200 tasks")), "{}", full.stderr);
    assert!(held > 10 && held < 200, "{held}");
    let resumed = export_later(folder.path(), &url, &["--resume"]);
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
    assert_eq!(asked_later(&server).len(), 200 - held);
    assert_eq!(summary(folder.path())["counts"]["consistent"], 200);
}

#[test]
fn output_on_full_disk_keeps_the_old_file_and_other_outputs() {
    let folder = tempdir().unwrap();
    list(folder.path(), 60);
    let server = Server::start(|_, _| consistent());
    assert_eq!(export(folder.path(), &server.url(), &[]).code, 0);
    std::fs::write(folder.path().join("big.xlsx"), "old").unwrap();
    let mut before = names(folder.path());
    let render = [
        "render",
        JOURNAL,
        "-o",
        "summary.json",
        "-o",
        "big.xlsx",
        "-o",
        "none/such.prom",
        "-o",
        "/proc/x.csv",
    ];
    let run = limited(folder.path(), 40, &render);
    assert_eq!((run.code, run.stdout.as_str()), (1, "none/such.prom\n"), "{}", run.stderr);
    for path in ["big.xlsx", "summary.json"] {
        let reported = format!("error: {path}: ");
        let line = run.stderr.lines().find(|line| line.starts_with(&reported)).unwrap_or(&run.stderr);
        assert!(
            line.ends_with(
                "File too large; check the limit on file sizes (ulimit -f); an existing file is unchanged"
            ),
            "{line}"
        );
    }
    assert!(run.stderr.contains("error: /proc/x.csv: "), "{}", run.stderr);
    assert_eq!(std::fs::read(folder.path().join("big.xlsx")).unwrap(), b"old");
    assert_eq!(summary(folder.path())["counts"]["consistent"], 60);
    before.insert(1, "none/such.prom".to_owned());
    assert_eq!(names(folder.path()), before, "nothing else is left");
}

/// A finished journal with many tasks, whose workbook takes a while.
fn great_journal(folder: &Path, endpoint: &str) {
    const TASKS: usize = 1500;
    list(folder, TASKS);
    let tasks: Vec<Value> = ids(TASKS).iter().map(|id| serde_json::json!({ "task_id": id })).collect();
    let header = serde_json::json!({ "journal_format": 1, "tool": "cutover-report 0", "started_at": "2026-11-21T08:00:00Z",
        "endpoint": endpoint, "list": { "tasks": tasks } });
    let mut text = format!("{header}\n");
    for (ordinal, id) in ids(TASKS).iter().enumerate() {
        let record = serde_json::json!({ "ordinal": ordinal, "task_id": id, "fetched_at": "2026-11-21T08:01:00Z",
            "attempts": 1, "status": 200, "body": "{\"result_list\":[]}" });
        text += &format!("{record}\n");
    }
    text += &format!("{{\"finished_at\":\"2026-11-21T08:01:00Z\",\"recorded\":{TASKS}}}\n");
    std::fs::write(folder.join(JOURNAL), text).unwrap();
}

#[test]
fn signal_during_reporting_leaves_only_complete_files() {
    let endpoint = "http://127.0.0.1:1";
    let journal = ["--journal", JOURNAL, "-o", "slow.xlsx", "-o", "never.csv"];
    let export = [&["export", "tasks.csv", "--resume", "--endpoint", endpoint], &journal[..]].concat();
    let render = ["render", JOURNAL, "-o", "slow.xlsx", "-o", "never.csv"];
    for (arguments, name, code) in [(&export[..], "-TERM", 143), (&render, "-INT", 130)] {
        let folder = tempdir().unwrap();
        great_journal(folder.path(), endpoint);
        std::fs::write(folder.path().join("slow.xlsx"), "old").unwrap();
        let before = files(folder.path());
        let mut command = Command::new(cargo_bin("cutover-report"));
        command.current_dir(folder.path()).env_clear().args(arguments);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        while !std::fs::read_dir(folder.path())
            .unwrap()
            .any(|entry| entry.unwrap().file_name().to_str().unwrap().starts_with(".cutover-report-"))
        {
            std::thread::yield_now();
        }
        signal(&child, name);
        let ended = end(child);
        assert_eq!((ended.code, ended.stdout.as_str()), (code, ""), "{}", ended.stderr);
        assert!(files(folder.path()) == before, "{:?}", names(folder.path()));
    }
}

#[test]
fn signal_during_upload_reports_the_state() {
    let folder = tempdir().unwrap();
    let rows: String = ids(3).iter().map(|id| format!("{id},/a,1,0,0,0\n")).collect();
    let header =
        "task_id,dir_check,num_total_files,num_different_files,num_target_miss_files,num_target_more_files\n";
    std::fs::write(folder.path().join("results.csv"), header.to_owned() + &rows).unwrap();
    let stalling = Stalling::after(1);
    let url = stalling.server.url();
    let mut command = Command::new(cargo_bin("cutover-report"));
    command.current_dir(folder.path()).env_clear().args([
        "upload",
        "results.csv",
        "--endpoint",
        &url,
        "--auth",
        "none",
    ]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    stalling.stalled();
    // If both were handled as one, the running upload would get its five seconds.
    signal(&child, "-TERM");
    signal(&child, "-TERM");
    assert_eq!(end(child).code, 143);
    assert_eq!(stalling.server.seen().len(), 2, "no further upload is begun");
    stalling.release();
}
