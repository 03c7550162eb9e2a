//! The program against a service with faults and rate limits, and uploads.

use std::path::Path;

use crate::support::{Run, run, run_with};
use cutover_report::service::{Service, Settings, generated_tasks};
use serde_json::Value;
use tempfile::tempdir;

/// A service with these settings, as long as the runtime lives.
pub(crate) fn serve(settings: Settings) -> (tokio::runtime::Runtime, String) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let service = runtime.block_on(Service::start("127.0.0.1:0".parse().unwrap(), settings)).unwrap();
    let endpoint = format!("http://{}", service.address());
    // Dropped with the runtime.
    std::mem::forget(service);
    (runtime, endpoint)
}

fn list(folder: &Path, count: usize) {
    let ids = generated_tasks(count).tasks.into_iter().map(|task| format!("{}\n", task.id_text()));
    std::fs::write(folder.join("tasks.csv"), "task_id\n".to_owned() + &ids.collect::<String>()).unwrap();
}

fn export(folder: &Path, endpoint: &str, more: &[&str]) -> Run {
    let fixed = ["export", "tasks.csv", "--endpoint", endpoint, "-o", "summary.json", "--rate", "5000/s"];
    run_with(folder, &[("SMS_AUTH_TOKEN", "hush-hush")], &[&fixed[..], more].concat())
}

fn summary(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("summary.json")).unwrap()).unwrap()
}

fn attempts(summary: &Value) -> u64 {
    summary["tasks"].as_array().unwrap().iter().map(|task| task["attempts"].as_u64().unwrap()).sum()
}

#[test]
fn transient_faults_lose_no_task() {
    let folder = tempdir().unwrap();
    let settings =
        |faults: &str| Settings { generate: 400, faults: faults.parse().unwrap(), ..Settings::default() };
    list(folder.path(), 400);
    let (healthy, endpoint) = serve(settings(""));
    assert_eq!(export(folder.path(), &endpoint, &[]).code, 0);
    let expected = summary(folder.path());
    drop(healthy);

    let (_faulty, endpoint) = serve(settings("500=5%,503=5%,reset=5%,truncate=5%,seed=7"));
    let run = export(folder.path(), &endpoint, &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let seen = summary(folder.path());
    assert_eq!(seen["counts"], expected["counts"]);
    let verdicts = |summary: &Value| -> Vec<(Value, Value)> {
        let tasks = summary["tasks"].as_array().unwrap();
        tasks.iter().map(|task| (task["task_id"].clone(), task["verdict"].clone())).collect()
    };
    assert_eq!(verdicts(&seen), verdicts(&expected));
    let requests = attempts(&seen);
    assert!((440..=560).contains(&requests), "{requests} requests for 400 tasks");
}

#[test]
fn permanent_faults_are_fetch_failed_or_unreadable_with_reason() {
    let folder = tempdir().unwrap();
    list(folder.path(), 5);
    for (faults, verdict, attempts) in [
        ("503=100%", "fetch_failed", 3),
        ("reset=100%", "fetch_failed", 3),
        ("garbage=100%", "unreadable", 3),
        ("html=100%", "unreadable", 3),
    ] {
        let settings = Settings { generate: 5, faults: faults.parse().unwrap(), ..Settings::default() };
        let (_service, endpoint) = serve(settings);
        let run = export(folder.path(), &endpoint, &["--max-attempts", "3", "--overwrite"]);
        assert_eq!(run.code, 3, "{}", run.stderr);
        for task in summary(folder.path())["tasks"].as_array().unwrap() {
            assert_eq!((&task["verdict"], &task["attempts"]), (&verdict.into(), &attempts.into()), "{task}");
            assert!(!task["error_message"].as_str().unwrap().is_empty());
        }
    }
}

#[test]
fn deadline_stops_the_run_and_every_task_is_reported() {
    let folder = tempdir().unwrap();
    list(folder.path(), 30);
    let settings = Settings { generate: 30, faults: "slow=100%:30s".parse().unwrap(), ..Settings::default() };
    let (_service, endpoint) = serve(settings);
    let run = export(folder.path(), &endpoint, &["--deadline", "500ms", "--concurrency", "4"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    let summary = summary(folder.path());
    assert_eq!(summary["counts"]["fetch_failed"], 30);
    assert!(summary["tasks"][29]["error_message"].as_str().unwrap().contains("deadline"));
}

#[test]
fn throttled_run_completes() {
    let folder = tempdir().unwrap();
    list(folder.path(), 60);
    let settings = Settings { generate: 60, limit: Some("25/s".parse().unwrap()), ..Settings::default() };
    let (_service, endpoint) = serve(settings);
    let run = export(folder.path(), &endpoint, &["--rate", "25/s"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(summary(folder.path())["counts"]["fetch_failed"], 0);
}

#[test]
fn no_output_of_a_run_contains_the_token() {
    let folder = tempdir().unwrap();
    list(folder.path(), 2);
    let (_service, endpoint) = serve(Settings { generate: 2, ..Settings::default() });
    let run = export(folder.path(), &endpoint, &["-o", "r.xlsx", "-o", "r/", "-o", "r.jsonl"]);
    assert_eq!(run.code, 0);
    assert!(!(run.stdout + &run.stderr).contains("hush"));
    for (path, content) in crate::support::files(folder.path()) {
        assert!(!content.windows(4).any(|window| window == b"hush"), "{}", path.display());
    }
}

#[test]
fn uploaded_results_are_reported() {
    let folder = tempdir().unwrap();
    list(folder.path(), 2);
    let (_service, endpoint) = serve(Settings { generate: 2, ..Settings::default() });
    let ids: Vec<String> = generated_tasks(2).tasks.iter().map(|task| task.id_text().to_owned()).collect();
    let csv = format!(
        "task_id,directory,total_files,different,missing at target,redundant at target\n{0},/a,10,0,0,0\n{0},=b,20,3,2,1\n",
        ids[0]
    );
    std::fs::write(folder.path().join("a.csv"), csv).unwrap();
    let check = r#"{"dir_check":"/c","num_total_files":7,"num_different_files":0,"num_target_miss_files":0,"num_target_more_files":0}"#;
    let json = format!(r#"[{{"task_id":"{}","consistency_result":[{check}]}}]"#, ids[1]);
    std::fs::write(folder.path().join("b.json"), json).unwrap();
    let upload = |files: &[&str]| {
        run(folder.path(), &[&["upload", "--endpoint", &endpoint, "--auth", "none"], files].concat())
    };
    let sent = upload(&["a.csv", "b.json"]);
    assert_eq!(sent.code, 0, "{}", sent.stderr);
    assert_eq!(export(folder.path(), &endpoint, &[]).code, 0);
    let tasks = &summary(folder.path())["tasks"];
    assert_eq!(
        (&tasks[0]["verdict"], &tasks[0]["total_files"], &tasks[0]["redundant_at_target"]),
        (&"inconsistent".into(), &30.into(), &1.into())
    );
    assert_eq!((&tasks[1]["verdict"], &tasks[1]["directories"]), (&"consistent".into(), &1.into()));

    assert_eq!(export(folder.path(), &endpoint, &["-o", "r/"]).code, 0);
    let again = upload(&["r/results.csv"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(again.stderr.starts_with("warning: r/results.csv: rows of older verifications are left out: "));
    assert_eq!(export(folder.path(), &endpoint, &["-o", "s/"]).code, 0);
    let newest = |report: &str| -> Vec<Vec<String>> {
        let rows = crate::support::csv(&folder.path().join(report).join("results.csv"));
        rows.into_iter().filter(|row| row[4] == "1").map(|row| row[7..].to_vec()).collect()
    };
    assert_eq!(newest("r"), newest("s"));
    assert_eq!(newest("r").len(), 3);

    let row = "a,/x,1000001,0,0,0\n,/x,1,0,0,0\na,/x,1,0,0\na,/x,-1,0,0,0\n";
    let header =
        "task_id,dir_check,num_total_files,num_different_files,num_target_miss_files,num_target_more_files\n";
    std::fs::write(folder.path().join("bad.csv"), header.to_owned() + row).unwrap();
    let many: String = (0..31).map(|n| format!("m,/{n},1,0,0,0\n")).collect();
    std::fs::write(folder.path().join("many.csv"), header.to_owned() + &many).unwrap();
    std::fs::write(folder.path().join("unknown.csv"), header.to_owned() + "nobody,/x,1,0,0,0\n").unwrap();
    let refused = upload(&["bad.csv", "many.csv", "none.json"]);
    let unknown = upload(&["unknown.csv"]);
    insta::assert_snapshot!(format!(
        "{}\n{}\n{}\n{}",
        refused.code, refused.stderr, unknown.code, unknown.stderr
    ));
}

#[test]
fn serve_prints_its_address_and_stops_on_signal() {
    use std::io::{BufRead, BufReader};
    let program = assert_cmd::cargo::cargo_bin("cutover-report");
    let mut child = std::process::Command::new(program)
        .arg("serve")
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let endpoint = line.trim().strip_prefix("listening on ").unwrap();
    let folder = tempdir().unwrap();
    let tasks = crate::support::sample_tasks();
    let arguments =
        ["export", &tasks, "--endpoint", endpoint, "--auth", "none", "--rate", "1000/s", "-o", "r.json"];
    assert_eq!(run(folder.path(), &arguments).code, 0);
    std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(child.wait().unwrap().success());
}
