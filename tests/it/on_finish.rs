//! `--on-finish`: a command at every end of a run.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::server::{Server, Stalling, json};
use crate::support::{Run, end, run, sample_tasks, signal};
use assert_cmd::cargo::cargo_bin;
use tempfile::tempdir;

const HOOK: &str = "printf '%s\\n' \"$CUTOVER_REPORT_EXIT\" \"$CUTOVER_REPORT_STATUS\" \"$CUTOVER_REPORT_HEADLINE\" \
                    \"$CUTOVER_REPORT_MANIFEST\" \"$CUTOVER_REPORT_JOURNAL\" \"$CUTOVER_REPORT_OUTPUTS\" >reported";

fn with_path(folder: &Path, arguments: &[&str]) -> Run {
    let path = std::env::var("PATH").unwrap();
    crate::support::run_with(folder, &[("PATH", &path)], arguments)
}

fn reported(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("reported")).unwrap();
    fs::remove_file(folder.join("reported")).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn command_gets_status_and_paths_in_the_environment() {
    let folder = tempdir().unwrap();
    let tasks = sample_tasks();
    let first = ["export", &tasks, "--endpoint", "embedded", "--rate", "1000/s", "--on-finish", HOOK];
    let run = with_path(folder.path(), &[&first[..], &["-o", "r.csv", "-o", "r.json"]].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    let lines = reported(folder.path());
    assert_eq!(lines[..2], ["0", "not_ready"]);
    assert_eq!(lines[2], "NOT READY: 6 of 12 tasks do not pass");
    assert_eq!(lines[3..], ["r.manifest.json", "r.journal.jsonl", "r.csv", "r.json"]);
    let render =
        ["render", "r.journal.jsonl", "-o", "x.csv", "--fail-on", "not-passing", "--on-finish", HOOK];
    assert_eq!(with_path(folder.path(), &render).code, 4);
    assert_eq!(reported(folder.path())[0], "4");
    let merge = ["merge", "r.journal.jsonl", "-o", "m.csv", "--on-finish", HOOK];
    assert_eq!(with_path(folder.path(), &merge).code, 0);
    assert_eq!(reported(folder.path())[3], "m.manifest.json");
}

#[test]
fn command_runs_when_there_is_no_report() {
    let folder = tempdir().unwrap();
    let refused = Server::start(|_, _| json(401, r#"{"error_code":"APIG.0301","error_msg":"no"}"#));
    let url = refused.url();
    let path = std::env::var("PATH").unwrap();
    let variables = [("PATH", path.as_str()), ("SMS_AUTH_TOKEN", "t")];
    let export = ["export", "--task", "a", "--endpoint", &url, "-o", "r.csv", "--on-finish", HOOK];
    assert_eq!(crate::support::run_with(folder.path(), &variables, &export).code, 5);
    let lines = reported(folder.path());
    assert_eq!(lines[..2], ["5", "incomplete"]);
    assert!(lines[2].contains("refused"), "{lines:?}");
    let usage = ["export", "nosuch.csv", "--endpoint", "embedded", "-o", "r.csv", "--on-finish", HOOK];
    assert_eq!(with_path(folder.path(), &usage).code, 2);
    assert_eq!(reported(folder.path())[..2], ["2", "incomplete"]);
    let unknown = ["export", "a.csv", "--nosuch", "-o", "r.csv", "--on-finish", HOOK];
    assert_eq!(with_path(folder.path(), &unknown).code, 2);
    let lines = reported(folder.path());
    assert_eq!(lines[..2], ["2", "incomplete"]);
    assert!(lines[2].starts_with("unexpected argument '--nosuch'"), "{lines:?}");
    let config = ["--config", "c.toml", "export", "a.csv", "-o", "r.csv"];
    let given = format!("--on-finish={HOOK}");
    fs::write(folder.path().join("c.toml"), "[profile.default]\nratee = 3\n").unwrap();
    assert_eq!(with_path(folder.path(), &[&config[..], &[&given]].concat()).code, 2);
    assert!(reported(folder.path())[2].starts_with("c.toml:2"));
    let settings = format!("[profile.default]\non-finish = '''{HOOK}'''\n");
    fs::write(folder.path().join("c.toml"), settings).unwrap();
    assert_eq!(with_path(folder.path(), &[&config[..], &["--nosuch"]].concat()).code, 2);
    assert_eq!(reported(folder.path())[..2], ["2", "incomplete"], "the command of the file");
    assert_eq!(with_path(folder.path(), &["export", "--on-finish", HOOK, "--help"]).code, 0);
    assert!(!folder.path().join("reported").exists());
}

#[test]
fn signal_ends_a_run_whose_command_does_not_end() {
    let folder = tempdir().unwrap();
    let child = Command::new(cargo_bin("cutover-report"))
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap())
        .args(["render", "nosuch.jsonl", "-o", "r.csv", "--on-finish", "touch running; exec sleep 60"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !folder.path().join("running").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    signal(&child, "-TERM");
    assert_eq!(end(child).code, 143);
}

#[test]
fn command_runs_after_a_signal() {
    let folder = tempdir().unwrap();
    let server = Stalling::after(0);
    let url = server.server.url();
    let child = Command::new(cargo_bin("cutover-report"))
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap())
        .env("SMS_AUTH_TOKEN", "t")
        .args(["export", "--task", "a", "--endpoint", &url, "-o", "r.csv", "--on-finish", HOOK])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    server.stalled();
    signal(&child, "-TERM");
    // The second ends the run at once.
    signal(&child, "-TERM");
    server.release();
    assert_eq!(end(child).code, 143);
    assert_eq!(reported(folder.path())[..2], ["143", "incomplete"]);
}

#[test]
fn failing_command_exits_7_unless_the_run_failed() {
    let folder = tempdir().unwrap();
    let tasks = sample_tasks();
    let first = ["export", &tasks, "--endpoint", "embedded", "--rate", "1000/s", "-o", "r.csv"];
    let failing = with_path(folder.path(), &[&first[..], &["--on-finish", "echo noise; exit 3"]].concat());
    assert_eq!((failing.code, failing.stdout.as_str()), (7, "r.csv\n"), "{}", failing.stderr);
    assert!(
        failing.stderr.contains("noise\n") && failing.stderr.contains("--on-finish command failed"),
        "{}",
        failing.stderr
    );
    let gate = ["--fail-on", "not-passing", "--on-finish", "exit 3"];
    assert_eq!(with_path(folder.path(), &[&first[..], &gate].concat()).code, 4);
    let verify = run(folder.path(), &["verify", "r.manifest.json"]);
    assert_eq!(verify.code, 0);
}
