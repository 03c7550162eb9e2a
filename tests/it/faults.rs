//! With faults between program and service no task is lost and none passes without evidence.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::time::Duration;

use crate::support::{Run, run};
use cutover_report::fetch::{Event, Limits, fetch_all};
use cutover_report::journal::{Outcome, Record};
use cutover_report::service::{Service, Settings, generated_tasks};
use cutover_report::sms::auth::Credentials;
use cutover_report::sms::throttle::Gate;
use cutover_report::sms::{Client, Connection, HttpSettings, Scope};
use serde_json::Value;
use tempfile::tempdir;

/// Faults for a fifth of all requests, of every kind that a retry fixes.
const MIXED: &str = "429=3%,500=3%,502=1%,503=1%,504=1%,408=1%,reset=2%,truncate=2%,garbage=1%,html=1%,\
                     slow=1%:20ms,drip=1%:20ms,type=1%,huge=1%:1MiB,seed=7";

/// Exports generated tasks from a service with these faults.
fn export(folder: &Path, count: usize, faults: &str, more: &[&str]) -> Run {
    let ids = generated_tasks(count).tasks.into_iter().map(|task| format!("{}\n", task.id_text()));
    std::fs::write(folder.join("tasks.csv"), "task_id\n".to_owned() + &ids.collect::<String>()).unwrap();
    let data = Some(folder.join("sms.db"));
    let settings = Settings { generate: count, data, faults: faults.parse().unwrap(), ..Settings::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let service = runtime.block_on(Service::start("127.0.0.1:0".parse().unwrap(), settings)).unwrap();
    let endpoint = format!("http://{}", service.address());
    let fixed = ["export", "tasks.csv", "--endpoint", &endpoint, "--auth", "none", "--rate", "5000/s"];
    let ended = run(folder, &[&fixed[..], more].concat());
    runtime.block_on(service.stop());
    ended
}

fn tasks(report: &Path) -> Vec<Value> {
    let summary: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    summary["tasks"].as_array().unwrap().clone()
}

/// The lines of a journal with a task's answer.
fn records(journal: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(journal).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["task_id"].is_string()).collect()
}

#[test]
fn mixed_faults_in_a_fifth_of_requests_lose_no_task() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let healthy = export(folder.path(), 2000, "", &["-o", "healthy.json", "-o", "healthy.csv"]);
    assert_eq!(healthy.code, 0, "{}", healthy.stderr);
    let faulty =
        export(folder.path(), 2000, MIXED, &["--concurrency", "64", "-o", "faulty.json", "-o", "faulty.csv"]);
    assert_eq!(faulty.code, 0, "{}", faulty.stderr);

    assert_eq!(std::fs::read(at("faulty.csv")).unwrap(), std::fs::read(at("healthy.csv")).unwrap());
    let (healthy, faulty) = (tasks(&at("healthy.json")), tasks(&at("faulty.json")));
    for (healthy, faulty) in healthy.iter().zip(&faulty) {
        for field in ["task_id", "verdict", "last_verified", "different", "verifications", "notes"] {
            assert_eq!(faulty[field], healthy[field], "{field} of {faulty}");
        }
    }
    assert_eq!((healthy.len(), faulty.len()), (2000, 2000));
    let requests: u64 = faulty.iter().map(|task| task["attempts"].as_u64().unwrap()).sum();
    assert!((2200..=2600).contains(&requests), "{requests} requests for 2000 tasks");
    let records = records(&at("faulty.journal.jsonl"));
    let different: BTreeSet<&str> =
        records.iter().map(|record| record["task_id"].as_str().unwrap()).collect();
    assert_eq!((records.len(), different.len()), (2000, 2000), "none twice");
}

#[test]
fn unreadable_answer_is_recorded_unchanged_and_never_passes() {
    let folder = tempdir().unwrap();
    for (faults, kept) in [("garbage=100%", "body_base64"), ("html=100%", "body")] {
        let ended = export(folder.path(), 5, faults, &["-o", "r.json", "--overwrite"]);
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        for task in tasks(&folder.path().join("r.json")) {
            assert_eq!((&task["verdict"], &task["attempts"]), (&"unreadable".into(), &5.into()));
        }
        let records = records(&folder.path().join("r.journal.jsonl"));
        assert_eq!(records.len(), 5);
        for record in records {
            assert!(record[kept].as_str().unwrap().len() > 20, "{record}");
        }
    }
}

#[test]
fn body_that_ends_early_or_is_reset_is_reported_as_that() {
    let folder = tempdir().unwrap();
    for (faults, why) in [
        ("truncate=100%", "the connection ended before the response was complete"),
        ("reset=100%", "the connection was reset"),
    ] {
        let ended = export(folder.path(), 2, faults, &["-o", "r.json", "--overwrite", "--max-attempts", "1"]);
        assert_eq!(ended.code, 3, "{faults}: {}", ended.stderr);
        for task in tasks(&folder.path().join("r.json")) {
            assert_eq!(task["verdict"], "fetch_failed");
            assert!(task["error_message"].as_str().unwrap().ends_with(why), "{task}");
        }
    }
}

#[test]
fn too_large_answer_fails_and_other_content_type_is_read() {
    let folder = tempdir().unwrap();
    let huge = export(folder.path(), 3, "huge=100%:1GiB", &["-o", "r.json", "--max-response", "2MiB"]);
    assert_eq!(huge.code, 3, "{}", huge.stderr);
    for task in tasks(&folder.path().join("r.json")) {
        assert_eq!((&task["verdict"], &task["attempts"]), (&"fetch_failed".into(), &1.into()));
        assert!(task["error_message"].as_str().unwrap().contains("--max-response"), "{task}");
    }
    let hints: Vec<_> = huge.stderr.lines().filter(|line| line.starts_with("hint: ")).collect();
    assert_eq!(
        hints,
        ["hint: 3 responses were larger than --max-response: if they are from the service itself, raise it"]
    );
    let typed = export(folder.path(), 3, "type=100%", &["-o", "r.json"]);
    assert_eq!(typed.code, 0, "{}", typed.stderr);
}

#[test]
fn unreachable_service_fails_every_task_quickly() {
    let folder = tempdir().unwrap();
    // Bound and not listening: connections are refused.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ids: String = (0..500).map(|n| format!("task-{n}\n")).collect();
    std::fs::write(folder.path().join("tasks.csv"), "task_id\n".to_owned() + &ids).unwrap();
    let endpoint = format!("http://{closed}");
    let arguments = [
        "export",
        "tasks.csv",
        "--context",
        "off",
        "--endpoint",
        &endpoint,
        "--auth",
        "none",
        "--max-attempts",
        "3",
    ];
    let ended = run(folder.path(), &[&arguments[..], &["-o", "r.json"]].concat());
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let tasks = tasks(&folder.path().join("r.json"));
    assert_eq!(tasks.len(), 500);
    for task in &tasks {
        assert_eq!(task["verdict"], "fetch_failed");
        assert!(task["error_message"].as_str().unwrap().contains("connection refused"), "{task}");
    }
    let requests: u64 = tasks.iter().map(|task| task["attempts"].as_u64().unwrap()).sum();
    assert_eq!(requests, 3, "three tries show it for all");
}

/// A client, and limits with which every failure that counts ends a task.
fn client(address: SocketAddr) -> (Client, Limits) {
    let http = HttpSettings {
        timeout: Duration::from_secs(30),
        connect_timeout: Duration::from_secs(10),
        max_response: 1 << 20,
        ca_cert: None,
        allow_http: false,
    };
    let endpoint = format!("http://{address}");
    let scope = Scope::default();
    let client = Client::new(Connection { endpoint, credentials: Credentials::None, scope, http }).unwrap();
    let limits = Limits {
        concurrency: NonZeroUsize::MIN,
        max_attempts: NonZeroU32::MIN,
        deadline: Duration::from_secs(1800),
    };
    (client, limits)
}

#[tokio::test]
async fn outage_uses_no_attempts() {
    let settings = || Settings { generate: 30, ..Settings::default() };
    let service = Service::start("127.0.0.1:0".parse().unwrap(), settings()).await.unwrap();
    let address = service.address();
    let (client, limits) = client(address);
    let gate = Gate::new("1000/s".parse().unwrap());
    let list = generated_tasks(30).tasks;
    let (end, mut asked_to_end) = tokio::sync::mpsc::unbounded_channel();
    let (begin, mut asked_to_begin) = tokio::sync::mpsc::unbounded_channel();
    let mut records: Vec<Record> = Vec::new();
    let mut missed = 0;
    let wanted = (0..list.len()).collect();
    let fetched = fetch_all(&client, &gate, &list, wanted, limits, std::future::pending(), |event| {
        match event {
            Event::Finished(record) => {
                records.push(record);
                // The service stops during the run …
                let _ = end.send(records.len());
            }
            Event::Retrying { what, .. } => {
                missed += u32::from(what.contains("connection refused"));
                // … and restarts once the outage is detected.
                let _ = begin.send(missed);
            }
            Event::Slowed(_) | Event::Tick => {}
        }
        Ok::<_, Infallible>(())
    });
    let outage = async {
        while asked_to_end.recv().await.is_some_and(|finished| finished < 10) {}
        service.stop().await;
        while asked_to_begin.recv().await.is_some_and(|missed| missed < 5) {}
        Service::start(address, settings()).await.unwrap()
    };
    let (fetched, service) = futures::join!(fetched, outage);
    fetched.unwrap();
    service.stop().await;
    records.sort_by_key(|record| record.ordinal);
    assert!(records.iter().map(|record| record.ordinal).eq(0..30), "nothing lost, nothing twice");
    let failed = records.iter().filter(|record| !matches!(record.outcome, Outcome::Answered(_))).count();
    // The request that was running when the service stopped may have been interrupted.
    assert!(failed <= 1 && missed >= 5, "{failed} failed; {missed} found no service");
}
