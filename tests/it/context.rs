//! The context of tasks: what the account's listing says changes verdicts, notes and columns.

use std::collections::BTreeMap;
use std::fs::{read_to_string, write};
use std::path::Path;

use axum::body::Body;
use axum::http::Response;
use cutover_report::journal::Journal;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::server::{Seen, Server, json as answer};
use crate::support::{Run, Workbook, csv, run, run_with};

const TOKEN: (&str, &str) = ("SMS_AUTH_TOKEN", "hush-hush-token");
const MINUTE: i64 = 60_000;

/// Milliseconds since 1970, this many minutes ago.
fn ago(minutes: i64) -> i64 {
    Timestamp::now().as_millisecond() - minutes * MINUTE
}

/// A verification of these directories that ended an hour ago.
fn verified(directories: &[&str]) -> Response<Body> {
    let check = |directory: &&str| {
        json!({"dir_check": directory, "num_total_files": 5, "num_different_files": 0,
               "num_target_miss_files": 0, "num_target_more_files": 0})
    };
    let checks: Vec<Value> = directories.iter().map(check).collect();
    let result = json!({"finished_time": ago(60), "check_result": "success", "consistency_result": checks});
    answer(200, json!({ "result_list": [result] }).to_string())
}

fn setting(key: &str, value: &Value) -> Value {
    json!({"config_key": key, "config_value": value, "config_status": ""})
}

/// A listed task; `fields` replace those that make it unremarkable.
fn task(id: &str, fields: Value) -> Value {
    let mut task = json!({
        "id": id, "name": format!("migrate {id}"), "type": "MIGRATE_FILE", "os_type": "LINUX",
        "state": "MIGRATE_SUCCESS", "create_date": 1, "syncing": false, "sub_tasks": [], "special_config": [],
        "source_server": {"id": format!("s-{id}"), "name": format!("srv-{id}"), "ip": "10.0.0.1", "os_type": "LINUX"},
    });
    task.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    task
}

fn parameter(seen: &Seen, name: &str) -> usize {
    let mut pairs = seen.query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(known, _)| *known == name).unwrap().1.parse().unwrap()
}

fn page(seen: &Seen, all: &[Value]) -> Response<Body> {
    let (limit, offset) = (parameter(seen, "limit"), parameter(seen, "offset"));
    let entries: Vec<&Value> = all.iter().skip(offset).take(limit).collect();
    answer(200, json!({ "count": all.len(), "tasks": entries }).to_string())
}

/// A service with these tasks, each verified in `/data` and `/etc`.
fn account(tasks: Vec<Value>) -> Server {
    Server::start(move |seen, _| match seen.path.strip_prefix("/v3/tasks") {
        Some("") => page(seen, &tasks),
        Some(path) if path.ends_with("/consistency-result") => verified(&["/data", "/etc"]),
        Some(path) => match tasks.iter().find(|task| task["id"] == path[1..]) {
            Some(task) => answer(200, task.to_string()),
            None => answer(404, json!({"error_code": "SMS.1", "error_msg": "no such task"}).to_string()),
        },
        None => answer(200, json!({"count": 0, "source_servers": []}).to_string()),
    })
}

fn list(folder: &Path, ids: &[&str]) {
    write(folder.join("tasks.txt"), ids.join("\n")).unwrap();
}

fn export(server: &Server, folder: &Path, more: &[&str]) -> Run {
    let url = server.url();
    let arguments = ["export", "tasks.txt", "--endpoint", &url, "--rate", "10000/s"];
    run_with(folder, &[TOKEN], &[&arguments, more].concat())
}

/// The tasks of `r.json`, by id.
fn tasks_of(folder: &Path) -> BTreeMap<String, Value> {
    let document: Value = serde_json::from_str(&read_to_string(folder.join("r.json")).unwrap()).unwrap();
    let tasks = document["tasks"].as_array().unwrap().iter();
    tasks.map(|task| (task["task_id"].as_str().unwrap().to_owned(), task.clone())).collect()
}

fn listings(server: &Server) -> usize {
    server.seen().iter().filter(|seen| seen.path == "/v3/tasks").count()
}

fn sync(started: i64, ended: Option<i64>) -> Value {
    json!([{"id": 1, "name": "SYNC_LINUX_FILE", "progress": 50, "start_date": started, "end_date": ended}])
}

/// The tasks of an account with every rule, and what is expected of them.
fn every_rule() -> Vec<(&'static str, Value, &'static str, &'static str, &'static str)> {
    let dirs = |value: Value| json!({"special_config": [setting("CONSISTENCY_DIR", &value)]});
    vec![
        ("plain", json!({}), "consistent", "", ""),
        ("before", json!({"sub_tasks": sync(ago(90), Some(ago(61)))}), "consistent", "", ""),
        (
            "after",
            json!({"sub_tasks": sync(ago(50), Some(ago(40)))}),
            "stale",
            "verified before the synchronisation that ended ",
            "",
        ),
        ("under-way", json!({"sub_tasks": sync(ago(5), None)}), "stale", "is being synchronised", ""),
        ("syncing", json!({"syncing": true}), "stale", "is being synchronised", ""),
        ("state", json!({"state": "SYNCING"}), "stale", "is being synchronised", ""),
        ("covered", dirs(json!(r#"["/data/x/","/etc"]"#)), "consistent", "", ""),
        (
            "missing",
            dirs(json!("/data;/srv;/opt")),
            "inconclusive",
            "2 of 3 configured directories are not in the verification",
            "2 of 3 configured directories are not in the verification: /srv, /opt",
        ),
        (
            "illegal",
            json!({"special_config": [setting("CONSISTENCY_DIR_ILLEGAL", &json!("/proc"))]}),
            "inconclusive",
            "configured directories found illegal: 1",
            "configured directories found illegal: 1: /proc",
        ),
        (
            "windows",
            json!({"os_type": "WINDOWS", "special_config": [setting("CONSISTENCY_DIR", &json!(r"\DATA\x|\Etc\"))]}),
            "consistent",
            "",
            "",
        ),
        (
            "noted",
            json!({"state": "MIGRATE_FAIL", "special_config": [
                setting("CONSISTENCY_MODE", &json!("quick")), setting("SYNC_EXCLUDE_DIR", &json!("/tmp,/var/tmp"))]}),
            "consistent",
            "",
            "mode of verification: quick; excluded from synchronisations: /tmp, /var/tmp; the migration task failed \
             (MIGRATE_FAIL)",
        ),
        ("odd", dirs(json!({"a": 1})), "consistent", "", r#"CONSISTENCY_DIR cannot be parsed: {"a":1}"#),
        (
            "odd-list",
            json!({"special_config": 7, "sub_tasks": "x"}),
            "consistent",
            "",
            "special_config cannot be parsed: 7",
        ),
    ]
}

#[test]
fn every_rule_gives_its_verdict_reason_and_note_in_every_output() {
    let rules = every_rule();
    let server = account(rules.iter().map(|(id, fields, ..)| task(id, fields.clone())).collect());
    let folder = tempfile::tempdir().unwrap();
    list(folder.path(), &rules.iter().map(|(id, ..)| *id).collect::<Vec<_>>());
    let outputs = ["-o", "r.json", "-o", "r.xlsx", "-o", "r/", "-o", "r.html", "-o", "r.md"];
    let exported = export(&server, folder.path(), &outputs);
    assert_eq!((exported.code, listings(&server)), (0, 1), "{}", exported.stderr);
    assert!(!exported.stderr.contains("context"), "{}", exported.stderr);
    let found = tasks_of(folder.path());
    for (id, _, verdict, reason, note) in &rules {
        let task = &found[*id];
        let notes: Vec<&str> =
            task["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap()).collect();
        assert_eq!(task["verdict"], *verdict, "{id}: {task}");
        assert!(task["reason"].as_str().unwrap_or_default().starts_with(reason), "{id}: {task}");
        assert_eq!(task["reason"].is_null(), reason.is_empty(), "{id}");
        assert!(notes.join("; ").contains(note), "{id}: {notes:?}");
        assert_eq!(notes.is_empty(), note.is_empty(), "{id}: {notes:?}");
        assert!(task["context_read_at"].is_string());
    }
    assert_eq!(found["missing"]["not_verified_directories"], json!(["/srv", "/opt"]));
    assert_eq!(found["noted"]["task_state"], "MIGRATE_FAIL");
    let workbook = Workbook::open(&folder.path().join("r.xlsx"));
    let summary = workbook.summary();
    let row = |id: &str| summary.iter().find(|row| row["Task ID"] == id).unwrap();
    assert!(row("after")["Last synchronised (UTC)"].starts_with("20"), "{:?}", row("after"));
    assert_eq!(row("noted")["Mode"], "quick");
    assert_eq!(row("missing")["Not verified directories"], "/srv, /opt");
    assert_eq!(row("state")["Task state"], "SYNCING");
    assert!(
        workbook.says("Overview", "Configured modes of verification, by tasks: quick (1), not known (12).")
    );
    assert!(workbook.says("About", "known for 13 of 13 tasks"));
    assert!(workbook.says("missing", "directories configured: 3"));
    let headings = &csv(&folder.path().join("r/summary.csv"))[0];
    assert_eq!(
        headings[17..22],
        ["Notes", "Last synchronised (UTC)", "Mode", "Not verified directories", "Task state"]
    );
    for name in ["r.html", "r.md"] {
        let text = read_to_string(folder.path().join(name)).unwrap();
        assert!(text.contains("Configured modes of verification"), "{name}");
    }
    let chinese = run(
        folder.path(),
        &["render", "r.journal.jsonl", "--language", "zh", "-o", "zh.html", "-o", "zh.xlsx"],
    );
    assert_eq!(chinese.code, 0, "{}", chinese.stderr);
    let page = read_to_string(folder.path().join("zh.html")).unwrap();
    for text in
        ["正在同步", "配置的3个校验目录中有2个未校验", "校验模式：quick", "迁移任务失败（MIGRATE_FAIL）"]
    {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn context_off_reads_nothing_and_says_that_it_is_unknown() {
    let server = account(vec![task("a", json!({"syncing": true})), task("b", json!({}))]);
    let folder = tempfile::tempdir().unwrap();
    list(folder.path(), &["a", "b"]);
    let exported = export(&server, folder.path(), &["--context", "off", "-o", "r.json", "-o", "r.xlsx"]);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    assert_eq!(server.seen().len(), 2);
    assert_eq!(tasks_of(folder.path())["a"]["verdict"], "consistent");
    assert_eq!(tasks_of(folder.path())["a"]["not_verified_directories"], Value::Null);
    assert!(Workbook::open(&folder.path().join("r.xlsx")).says("About", "not known: later synchronisations"));
    assert!(!read_to_string(folder.path().join("r.journal.jsonl")).unwrap().contains("context"));
}

/// A service whose listing answers in this way.
fn with_listing(listing: impl Fn() -> Response<Body> + Send + Sync + 'static) -> Server {
    Server::start(move |seen, _| match seen.path.as_str() {
        "/v3/sources" => answer(200, json!({"count": 0, "source_servers": []}).to_string()),
        path if path.ends_with("/consistency-result") => verified(&["/data"]),
        _ => listing(),
    })
}

#[test]
fn context_that_cannot_be_read_warns_once_and_changes_nothing() {
    let forbidden = || answer(403, json!({"error_code": "SMS.9004", "error_msg": "denied"}).to_string());
    let fieldless = || {
        let task = |id| json!({"id": id, "state": "SYNCING"});
        answer(200, json!({"count": 2, "tasks": [task("a"), task("b")]}).to_string())
    };
    let servers: [(&str, Server, &str, i32); 5] = [
        ("forbidden", with_listing(forbidden), "sms:server:listTask", 5),
        ("absent", with_listing(|| answer(404, "{}")), "HTTP 404", 3),
        ("broken", with_listing(|| answer(200, "[]")), "not a page of tasks", 3),
        ("failing", with_listing(|| answer(500, "{}")), "HTTP 500", 3),
        ("without fields", with_listing(fieldless), "was not found for 2 of 2 tasks", 3),
    ];
    for (name, server, what, required) in servers {
        let folder = tempfile::tempdir().unwrap();
        list(folder.path(), &["a", "b"]);
        let exported = export(&server, folder.path(), &["-o", "r.json"]);
        assert_eq!(exported.code, 0, "{name}: {}", exported.stderr);
        assert_eq!(exported.stderr.matches("context not known").count(), 1, "{name}: {}", exported.stderr);
        assert!(exported.stderr.contains(what), "{name}: {}", exported.stderr);
        assert_eq!(tasks_of(folder.path())["a"]["verdict"], "consistent", "{name}");
        let quiet = export(&server, folder.path(), &["-q", "-o", "q.json"]);
        assert_eq!((quiet.code, quiet.stderr.as_str()), (0, ""), "{name}");
        let more = ["--context", "required", "--max-attempts", "2", "-o", "n.json"];
        let needed = export(&server, folder.path(), &more);
        assert_eq!(needed.code, required, "{name}: {}", needed.stderr);
        assert_eq!(folder.path().join("n.json").exists(), required == 3, "{name}");
        let doctor = run_with(folder.path(), &[TOKEN], &["doctor", "--endpoint", &server.url()]);
        assert!(doctor.stdout.contains("warn  context"), "{name}: {}", doctor.stdout);
    }
}

#[test]
fn doctor_says_that_the_listing_has_the_context() {
    let server = account(vec![task("a", json!({}))]);
    let folder = tempfile::tempdir().unwrap();
    let doctor = run_with(folder.path(), &[TOKEN], &["doctor", "--endpoint", &server.url()]);
    assert!(doctor.stdout.contains("the task listing has the context of tasks"), "{}", doctor.stdout);
}

#[test]
fn listings_that_a_run_needs_anyway_are_read_once() {
    let tasks: Vec<Value> = (0..3).map(|n| task(&format!("t{n}"), json!({"syncing": true}))).collect();
    let server = account(tasks);
    let folder = tempfile::tempdir().unwrap();
    list(folder.path(), &["t0", "t1"]);
    write(folder.path().join("plan.csv"), "server\nsrv-t0\nsrv-t1\n").unwrap();
    let url = server.url();
    for tasks in [&["--discover"][..], &["tasks.txt", "--reconcile"], &["plan.csv"]] {
        let before = listings(&server);
        let more = ["--endpoint", &url, "--rate", "10000/s", "--json", "-o", "r.json", "--overwrite"];
        let exported = run_with(folder.path(), &[TOKEN], &[&["export"], tasks, &more].concat());
        assert!(exported.code < 4, "{}", exported.stderr);
        assert_eq!(listings(&server) - before, 1, "{tasks:?}");
        assert!(tasks_of(folder.path()).values().all(|task| task["verdict"] == "stale"), "{tasks:?}");
    }
}

#[test]
fn requests_are_few_for_a_thousand_tasks_and_for_few_tasks_of_a_large_account() {
    let ids: Vec<String> = (0..1000).map(|n| format!("task-{n}")).collect();
    let server = account(ids.iter().map(|id| task(id, json!({}))).collect());
    let folder = tempfile::tempdir().unwrap();
    let outputs = ["--context", "required", "-o", "r.json", "--overwrite"];
    list(folder.path(), &ids.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(export(&server, folder.path(), &outputs).code, 0);
    assert!(server.seen().len() <= 1010, "{}", server.seen().len());
    for (few, most) in [(&["task-999"][..], 2), (&["task-0", "task-999"], 4), (&["task-998", "task-999"], 5)]
    {
        let before = server.seen().len();
        list(folder.path(), few);
        assert_eq!(export(&server, folder.path(), &outputs).code, 0, "{few:?}");
        assert!(server.seen().len() - before <= most, "{few:?}: {}", server.seen().len() - before);
    }
    let before = server.seen().len();
    list(folder.path(), &["task-5", "gone", "task-7"]);
    assert_eq!(export(&server, folder.path(), &["-o", "r.json", "--overwrite"]).code, 0);
    assert!(server.seen().len() - before <= 7);
    assert!(tasks_of(folder.path())["gone"]["context_read_at"].is_null());
    assert!(tasks_of(folder.path())["task-7"]["context_read_at"].is_string());
}

#[test]
fn tasks_beyond_the_largest_offset_have_their_context() {
    const LISTED: usize = 66_200;
    let in_state = |from: usize, count: usize| -> Vec<Value> {
        let numbers = from..from + count;
        numbers.map(|n| json!({"id": format!("task-{n}"), "syncing": true})).collect()
    };
    let (first, last, all) = (in_state(0, 60_000), in_state(60_000, 6200), in_state(0, LISTED));
    let server = Server::start(move |seen, _| match seen.path.as_str() {
        "/v3/tasks" if seen.query.contains("state=RUNNING") => page(seen, &first),
        "/v3/tasks" if seen.query.contains("state=SYNCING") => page(seen, &last),
        "/v3/tasks" if seen.query.contains("state=") => page(seen, &[]),
        "/v3/tasks" => page(seen, &all),
        path if path.ends_with("/consistency-result") => verified(&["/data"]),
        _ => answer(404, "{}"),
    });
    let folder = tempfile::tempdir().unwrap();
    let ids: Vec<String> = (LISTED - 600..LISTED).map(|n| format!("task-{n}")).collect();
    list(folder.path(), &ids.iter().map(String::as_str).collect::<Vec<_>>());
    let exported = export(&server, folder.path(), &["--context", "required", "-o", "r.json"]);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    assert!(tasks_of(folder.path()).values().all(|task| task["verdict"] == "stale"));
}

#[test]
fn pages_that_change_lose_no_context() {
    let ids: Vec<String> = (0..450).map(|n| format!("task-{n}")).collect();
    let all: Vec<Value> = ids.iter().map(|id| task(id, json!({"syncing": true}))).collect();
    let server = Server::start(move |seen, before| match seen.path.as_str() {
        // The account loses its first tasks while it is listed, so others move to pages that were read.
        "/v3/tasks" => page(seen, all.get(before * 3..).unwrap_or_default()),
        path if path.ends_with("/consistency-result") => verified(&["/data"]),
        path => {
            let id = path.trim_start_matches("/v3/tasks/");
            answer(200, task(id, json!({"syncing": true})).to_string())
        }
    });
    let folder = tempfile::tempdir().unwrap();
    list(folder.path(), &ids.iter().map(String::as_str).collect::<Vec<_>>());
    let exported = export(&server, folder.path(), &["-o", "r.json"]);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    let stale = tasks_of(folder.path()).values().filter(|task| task["verdict"] == "stale").count();
    assert!(stale >= 440, "{stale}");
}

#[test]
fn resumed_run_takes_the_later_context_and_merge_the_newer_one() {
    let state = std::sync::Arc::new(std::sync::Mutex::new((false, true)));
    let now = std::sync::Arc::clone(&state);
    let server = Server::start(move |seen, _| {
        let (syncing, failing) = *now.lock().unwrap();
        match seen.path.as_str() {
            "/v3/tasks" => page(seen, &["a", "b"].map(|id| task(id, json!({ "syncing": syncing })))),
            "/v3/tasks/b/consistency-result" if failing => answer(404, "{}"),
            _ => verified(&["/data"]),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    list(folder.path(), &["a", "b"]);
    let first = export(&server, folder.path(), &["-o", "r.json"]);
    assert_eq!(first.code, 3, "{}", first.stderr);
    std::fs::copy(folder.path().join("r.journal.jsonl"), folder.path().join("old.jsonl")).unwrap();
    assert_eq!(tasks_of(folder.path())["a"]["verdict"], "consistent");
    *state.lock().unwrap() = (true, false);
    std::thread::sleep(std::time::Duration::from_millis(5));
    let resumed = export(&server, folder.path(), &["-o", "r.json", "--resume"]);
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
    for id in ["a", "b"] {
        assert_eq!(tasks_of(folder.path())[id]["verdict"], "stale", "{id}");
    }
    assert_eq!(server.seen().iter().filter(|seen| seen.path.contains("/a/")).count(), 1);
    let journal = Journal::open(folder.path().join("r.journal.jsonl")).unwrap();
    assert_eq!((journal.recorded(), journal.faults()), (2, Vec::<String>::new()));
    for inputs in [["old.jsonl", "r.journal.jsonl"], ["r.journal.jsonl", "old.jsonl"]] {
        let merged =
            run(folder.path(), &[&["merge"], &inputs[..], &["-o", "r.json", "--overwrite"]].concat());
        let merged = if merged.code == 2 {
            run(folder.path(), &[&["merge"], &inputs[..], &["-o", "r.json"]].concat())
        } else {
            merged
        };
        assert_eq!(merged.code, 0, "{}", merged.stderr);
        assert!(tasks_of(folder.path()).values().all(|task| task["verdict"] == "stale"));
    }
}

#[test]
fn waivers_accept_a_later_synchronisation_and_directories_that_are_not_verified() {
    let server = account(vec![
        task("sync", json!({"syncing": true})),
        task("dirs", json!({"special_config": [setting("CONSISTENCY_DIR", &json!("/srv,/opt"))]})),
        task("half", json!({"special_config": [setting("CONSISTENCY_DIR", &json!("/srv,/home"))]})),
    ]);
    let folder = tempfile::tempdir().unwrap();
    list(folder.path(), &["sync", "dirs", "half"]);
    let waivers = "[[waiver]]\ntask = \"sync\"\nsynchronised = true\nreason = \"static data\"\n
        [[waiver]]\ndirectory = \"/[so]*\"\ninconclusive = true\nreason = \"rebuilt\"\n";
    write(folder.path().join("w.toml"), waivers).unwrap();
    let exported = export(&server, folder.path(), &["--waivers", "w.toml", "-o", "r.json", "-o", "r.xlsx"]);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    let found = tasks_of(folder.path());
    let verdicts = ["sync", "dirs", "half"].map(|id| found[id]["verdict"].as_str().unwrap().to_owned());
    assert_eq!(verdicts, ["accepted", "accepted", "inconclusive"]);
    assert!(found["sync"]["notes"].to_string().contains("later synchronisation accepted: static data"));
    assert_eq!(found["sync"]["waived"][0]["synchronised"], true);
    assert_eq!(found["dirs"]["waived"].as_array().unwrap().len(), 2);
    let document: Value =
        serde_json::from_str(&read_to_string(folder.path().join("r.json")).unwrap()).unwrap();
    let rows: Vec<u64> = document["waivers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|waiver| waiver["covered_rows"].as_u64().unwrap())
        .collect();
    assert_eq!(rows, [2, 3]);
}

#[test]
fn secrets_that_the_listing_echoes_are_not_kept() {
    let echoed = json!({"special_config": [setting("CONSISTENCY_MODE", &json!("hush-hush-token"))]});
    let server = account(vec![task("a", echoed.clone()), task("b", echoed)]);
    let folder = tempfile::tempdir().unwrap();
    list(folder.path(), &["a", "b"]);
    assert_eq!(export(&server, folder.path(), &["-o", "r.json"]).code, 0);
    for name in ["r.json", "r.journal.jsonl"] {
        assert!(!read_to_string(folder.path().join(name)).unwrap().contains("hush"), "{name}");
    }
}

#[test]
fn embedded_service_lists_the_context_of_its_own_tasks() {
    let folder = tempfile::tempdir().unwrap();
    let own = "task_id,source_name,os_type,task_state,CONSISTENCY_DIR\n\
               00000000-0000-4000-8000-000000000001,srv-01,WINDOWS,SYNC_SUCCESS,C:\\data;D:\\logs\n";
    write(folder.path().join("own.csv"), own).unwrap();
    let mut service = std::process::Command::new(assert_cmd::cargo::cargo_bin("cutover-report"))
        .current_dir(folder.path())
        .args(["serve", "--tasks", "own.csv", "--listen", "127.0.0.1:0"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = std::io::BufReader::new(service.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut output, &mut line).unwrap();
    let url = line.trim().trim_start_matches("listening on ").to_owned();
    let results = r#"[{"task_id":"00000000-0000-4000-8000-000000000001","consistency_result":[{"dir_check":"c:/data","num_total_files":3,"num_different_files":0,"num_target_miss_files":0,"num_target_more_files":0}]}]"#;
    write(folder.path().join("up.json"), results).unwrap();
    let uploaded = run(folder.path(), &["upload", "up.json", "--endpoint", &url, "--auth", "none"]);
    let exported =
        run(folder.path(), &["export", "own.csv", "--endpoint", &url, "--auth", "none", "-o", "r.json"]);
    service.kill().unwrap();
    service.wait().unwrap();
    assert_eq!((uploaded.code, exported.code), (0, 0), "{}{}", uploaded.stderr, exported.stderr);
    let found = &tasks_of(folder.path())["00000000-0000-4000-8000-000000000001"];
    assert_eq!(found["verdict"], "inconclusive", "{found}");
    assert_eq!(found["not_verified_directories"], json!([r"D:\logs"]));
    assert_eq!(found["task_state"], "SYNC_SUCCESS");
}
