//! Listing the account's tasks, server-export, and doctor.

use crate::support::server::{Server, json};
use crate::support::{Run, files, run, run_with};
use axum::body::Body;
use axum::http::Response;

const TOKEN: (&str, &str) = ("SMS_AUTH_TOKEN", "t");

fn call(server: &Server, command: &str, more: &[&str]) -> (Run, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let url = server.url();
    let arguments = [&[command, "--endpoint", &url, "--rate", "1000/s"], more].concat();
    (run_with(folder.path(), &[TOKEN], &arguments), folder)
}

#[test]
fn tasks_command_prints_a_valid_task_list() {
    let folder = tempfile::tempdir().unwrap();
    for (format, file) in [("csv", "tasks.csv"), ("json", "tasks.json")] {
        let found = run(folder.path(), &["tasks", "--endpoint", "embedded", "--format", format]);
        assert_eq!(found.code, 0, "{}", found.stderr);
        std::fs::write(folder.path().join(file), found.stdout).unwrap();
        let exported =
            run(folder.path(), &["export", file, "--endpoint", "embedded", "-o", "r.json", "--json"]);
        assert_eq!(exported.code, 0, "{}", exported.stderr);
        let report: serde_json::Value = serde_json::from_str(&exported.stdout).unwrap();
        assert_eq!(report["tasks"].as_array().unwrap().len(), 12);
        assert_eq!(report["tasks"][0]["labels"]["task_state"], "MIGRATE_SUCCESS");
    }
}

/// A service with `count` tasks, in pages as the API gives them, by state if asked.
fn account(count: usize) -> Server {
    Server::start(move |seen, _| {
        let get = |name: &str| {
            let mut pairs = seen.query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
        };
        let number = |name: &str| get(name).unwrap().parse::<usize>().unwrap();
        let (limit, offset) = (number("limit"), number("offset"));
        if offset > 65_535 {
            return json(400, r#"{"error_code":"SMS.9001","error_msg":"offset"}"#);
        }
        let states = ["MIGRATE_SUCCESS", "RUNNING"];
        let wanted = get("state");
        let of_state = |n: &usize| wanted.is_none() || wanted.as_deref() == Some(states[n % 2]);
        let all: Vec<usize> = (0..count).filter(of_state).collect();
        let tasks: Vec<String> = all
            .iter()
            .skip(offset)
            .take(limit)
            .map(|n| {
                format!(
                    r#"{{"id":"t{n}","state":"{}","source_server":{{"id":"s{n}","name":"web {n}"}}}}"#,
                    states[n % 2]
                )
            })
            .collect();
        json(200, format!(r#"{{"count":{},"tasks":[{}]}}"#, all.len(), tasks.join(",")))
    })
}

#[test]
fn tasks_beyond_the_maximum_offset_are_found_by_state() {
    let server = account(66_000);
    let (found, _) = call(&server, "tasks", &["--rate", "100000/s"]);
    assert_eq!(found.code, 0, "{}", found.stderr);
    assert_eq!(found.stdout.lines().count(), 66_001);
    assert_eq!(found.stderr, "");
}

#[test]
fn filters_are_sent_to_the_service() {
    let server = account(6);
    let (found, _) = call(&server, "tasks", &["--state", "RUNNING", "--name", "web ü"]);
    assert_eq!(found.stdout.lines().count(), 4, "{}", found.stderr);
    assert_eq!(server.seen()[0].query, "limit=200&name=web%20%C3%BC&offset=0&state=RUNNING");
}

#[test]
fn failed_listing_is_not_an_empty_list() {
    for (status, body, code) in [(200, "{}", 1), (200, "<html>", 1), (403, "{}", 1), (401, "{}", 5)] {
        let server = Server::start(move |_, _| json(status, body));
        let (found, _) = call(&server, "tasks", &[]);
        assert_eq!((found.code, found.stdout.as_str()), (code, ""), "{status} {body}: {}", found.stderr);
    }
}

/// A list of `count` tasks, as arguments.
fn ids(count: usize) -> Vec<String> {
    (0..count).flat_map(|n| ["--task".to_owned(), format!("t{n}")]).collect()
}

fn server_export(server: &Server, tasks: usize) -> (Run, tempfile::TempDir) {
    let ids = ids(tasks);
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    call(server, "server-export", &[&ids[..], &["-o", "out/", "--language", "zh"]].concat())
}

#[test]
fn server_export_saves_batches_under_own_names() {
    let server = Server::start(|_, before| {
        let name = r#"attachment; filename="../../etc/evil.xlsx""#;
        let (kind, body) = match before {
            0 => ("application/json", "{\"a\":1}"),
            1 => ("text/csv", "Task ID\n"),
            _ => ("application/octet-stream", "PK\x03\x04 xl/workbook.xml"),
        };
        let response = Response::builder().header("content-type", kind).header("content-disposition", name);
        response.body(Body::from(body)).unwrap()
    });
    let (saved, folder) = server_export(&server, 401);
    assert_eq!(saved.code, 0, "{}", saved.stderr);
    assert_eq!(
        saved.stdout,
        "out/server-export-001.json\nout/server-export-002.csv\nout/server-export-003.xlsx\n"
    );
    let names: Vec<String> = files(folder.path()).keys().map(|path| path.display().to_string()).collect();
    assert_eq!(names.join("\n") + "\n", saved.stdout);
    let sizes: Vec<usize> = server
        .seen()
        .iter()
        .map(|seen| {
            assert_eq!(
                (seen.path.as_str(), seen.header("x-language")),
                ("/v3/tasks/consistency-results/export", Some("zh-cn"))
            );
            let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
            body["task_info"].as_array().unwrap().len()
        })
        .collect();
    assert_eq!(sizes, [200, 200, 1]);
}

#[test]
fn server_export_without_a_file_fails() {
    let nothing = Server::start(|_, _| json(200, "{}"));
    let (saved, folder) = server_export(&nothing, 2);
    assert_eq!(saved.code, 1);
    assert!(saved.stderr.contains("已接受，未返回文件"), "{}", saved.stderr);
    assert!(files(folder.path()).is_empty());
    let (nowhere, _) = call(&nothing, "server-export", &["--task", "t", "-o", ""]);
    assert_eq!(nowhere.code, 2, "an empty name is not the root folder: {}", nowhere.stderr);

    let some = Server::start(|_, before| match before {
        0 => json(200, r#"{"a":1}"#),
        _ => Response::builder().header("content-type", "text/html").body(Body::from("<html>")).unwrap(),
    });
    let (saved, folder) = server_export(&some, 201);
    assert_eq!((saved.code, saved.stdout.as_str()), (3, "out/server-export-001.json\n"));
    assert!(saved.stderr.contains("text/html") && saved.stderr.contains("out/server-export-002.bin"));
    assert_eq!(files(folder.path()).len(), 2, "what came is kept");
    assert!(!saved.stderr.contains("来自更早的导出"), "{}", saved.stderr);

    let error = Server::start(|_, _| json(200, r#"{"error_code":"SMS.9004","error_msg":"no"}"#));
    let (saved, folder) = server_export(&error, 2);
    assert_eq!((saved.code, saved.stdout.as_str()), (1, ""));
    assert!(saved.stderr.contains("错误：SMS.9004: no"), "{}", saved.stderr);
    assert_eq!(files(folder.path()).len(), 1, "what came is kept");
}

#[test]
fn doctor_with_working_setup_reports_ok() {
    let folder = tempfile::tempdir().unwrap();
    let checked = run(folder.path(), &["doctor", "--endpoint", "embedded"]);
    assert_eq!(checked.code, 0, "{}", checked.stdout);
    let checks: Vec<&str> =
        checked.stdout.lines().map(|line| line.split_whitespace().nth(1).unwrap()).collect();
    assert_eq!(checks, ["endpoint", "network", "clock", "list", "read", "output"]);
    assert!(checked.stdout.lines().all(|line| line.starts_with("ok ")), "{}", checked.stdout);
    assert!(files(folder.path()).is_empty());
}

#[test]
fn doctor_reports_every_problem() {
    let answer = |status: u16, date: Option<&'static str>| {
        Server::start(move |_, _| {
            let mut response = json(status, r#"{"error_code":"X.1","error_msg":"no"}"#);
            if let Some(date) = date {
                response.headers_mut().insert("date", date.parse().unwrap());
            }
            response
        })
    };
    let cases = [
        (answer(401, None), 5, "FAIL  credentials  HTTP 401 Unauthorized: X.1: no"),
        (answer(403, None), 1, "needs sms:server:queryServer"),
        (answer(403, Some("Sun, 06 Nov 1994 08:49:37 GMT")), 1, "warn  clock"),
        (answer(200, None), 1, "HTTP 200, but the response is an error: X.1: no"),
    ];
    for (server, code, reported) in cases {
        let (checked, _) = call(&server, "doctor", &[]);
        assert_eq!(checked.code, code, "{}", checked.stdout);
        assert!(checked.stdout.contains(reported), "{}", checked.stdout);
        assert_eq!(server.seen().len(), 1, "no refused request is made again");
        assert!(server.seen().iter().all(|seen| seen.method == "GET"));
    }
    let server = answer(200, Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    let url = server.url();
    let keys = [("HUAWEICLOUD_SDK_AK", "a"), ("HUAWEICLOUD_SDK_SK", "s")];
    let folder = tempfile::tempdir().unwrap();
    let checked = run_with(folder.path(), &keys, &["doctor", "--endpoint", &url]);
    assert_eq!(checked.code, 5, "{}", checked.stdout);
    assert!(checked.stdout.contains("FAIL  clock"), "{}", checked.stdout);
    let checked = run_with(folder.path(), &[TOKEN], &["doctor", "--endpoint", "http://127.0.0.1:9"]);
    assert_eq!(checked.code, 1, "{}", checked.stdout);
    assert!(checked.stdout.contains("FAIL  network"), "{}", checked.stdout);
    for (iam, code) in [("http://127.0.0.1:9", 1), ("http://iam.example", 2)] {
        let login = [("SMS_IAM_USER", "u"), ("SMS_IAM_PASSWORD", "p"), ("SMS_IAM_DOMAIN", "d")];
        let login = [&login[..], &[("HUAWEICLOUD_SDK_IAM_ENDPOINT", iam)]].concat();
        let checked = run_with(folder.path(), &login, &["doctor", "--endpoint", &url]);
        assert_eq!(checked.code, code, "{}", checked.stdout);
        assert!(checked.stdout.contains("IAM"), "{}", checked.stdout);
    }
}

/// A listing of one task, and `body` as its results.
fn one_task(body: &'static str) -> Server {
    Server::start(move |seen, _| match seen.path.as_str() {
        "/v3/sources" => json(200, r#"{"count":1,"source_servers":[{"id":"s","current_task":{"id":"t"}}]}"#),
        _ => json(200, body),
    })
}

#[test]
fn doctor_with_unusable_results_reports_them() {
    for (body, code) in [(r#"{"result_list":[]}"#, 0), ("<title>Log in</title>", 1), ("{}", 1)] {
        let (checked, _) = call(&one_task(body), "doctor", &[]);
        assert_eq!(checked.code, code, "{body}: {}", checked.stdout);
    }
}

#[test]
fn doctor_names_a_permission_only_if_it_is_missing() {
    let server = Server::start(|_, _| json(500, "{}"));
    let (checked, _) = call(&server, "doctor", &[]);
    assert_eq!(checked.code, 1, "{}", checked.stdout);
    assert!(!checked.stdout.contains("sms:server"), "{}", checked.stdout);
}

#[test]
fn doctor_with_output_below_a_file_fails() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("r.xlsx"), "").unwrap();
    for (place, code) in [("r.xlsx", 0), ("new/reports/", 0), ("r.xlsx/reports/", 1)] {
        let checked = run(folder.path(), &["doctor", "--endpoint", "embedded", "-o", place]);
        assert_eq!(checked.code, code, "{place}: {}", checked.stdout);
    }
}

#[test]
fn missing_permission_is_named() {
    let server = Server::start(|_, _| json(403, r#"{"error_code":"SMS.9004","error_msg":"no"}"#));
    for (command, more, permission) in [
        ("tasks", &[][..], "sms:server:queryServer"),
        ("export", &["--discover", "-o", "r.csv"], "sms:server:queryServer"),
        ("server-export", &["--task", "t", "-o", "out"], "sms:server:getBatchConsistencyResults"),
    ] {
        let (reported, _) = call(&server, command, more);
        assert_eq!(reported.code, 1, "{}", reported.stderr);
        assert!(reported.stderr.contains(permission), "{}", reported.stderr);
    }
}

#[test]
fn deadline_applies_to_the_search() {
    let server = Server::start(|_, _| json(503, "{}"));
    let arguments = ["--discover", "-o", "r.csv", "--deadline", "300ms", "--max-attempts", "100"];
    let (reported, _) = call(&server, "export", &arguments);
    assert_eq!(reported.code, 1, "{}", reported.stderr);
    assert!(reported.stderr.contains("--deadline"), "{}", reported.stderr);
}

#[test]
fn export_with_discover_finds_its_tasks() {
    let folder = tempfile::tempdir().unwrap();
    let export = |more: &[&str]| {
        let arguments = [&["export", "--endpoint", "embedded", "--json", "--no-journal"], more].concat();
        let exported = run(folder.path(), &arguments);
        let report: serde_json::Value = serde_json::from_str(&exported.stdout).unwrap_or_default();
        (exported.code, report["tasks"].as_array().map_or(0, Vec::len), exported.stderr)
    };
    assert_eq!(export(&["--discover"]).1, 12, "those without results too");
    assert_eq!(export(&["--discover", "--with-results"]).1, 11);
    assert_eq!(export(&["--discover", "--with-results", "--name", "web"]).0, 2);
    assert_eq!(export(&["--task", "a", "--with-results"]).0, 2);
    assert_eq!(export(&["--discover", "--state", "MIGRATE_SUCCESS"]).1, 12, "all in this state");
    assert_eq!(export(&["--discover", "--name", "web"]).1, 2);
    let (code, tasks, reported) = export(&["--discover", "--state", "RUNNING"]);
    assert_eq!((code, tasks), (1, 0), "{reported}");
    assert!(reported.contains("no matching task"), "{reported}");
    assert_eq!(export(&["--task", "a", "--name", "web"]).0, 2);
}

/// A page of tasks, with the service's total count.
fn tasks(count: usize, tasks: &[&str]) -> String {
    let task =
        |id: &&str| format!(r#"{{"id":"{id}","name":"{id}","source_server":{{"id":"s","name":"web"}}}}"#);
    let tasks: Vec<String> = tasks.iter().map(task).collect();
    format!(r#"{{"count":{count},"tasks":[{}]}}"#, tasks.join(","))
}

#[test]
fn discovered_task_without_results_is_reported_not_verified() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/v3/tasks" => json(200, tasks(2, &["t1", "t2"])),
        path if path.contains("t2") => json(200, r#"{"result_list":[],"task_id":"t2"}"#),
        _ => crate::support::server::consistent(),
    });
    let (exported, folder) =
        call(&server, "export", &["--discover", "-o", "r.json", "--fail-on", "not_verified"]);
    assert_eq!(exported.code, 4, "{}", exported.stderr);
    let report = std::fs::read(folder.path().join("r.json")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["tasks"][1]["verdict"], "not_verified");
    assert!(server.seen().iter().all(|seen| seen.path != "/v3/sources"));
}

#[test]
fn listing_with_wrong_count_exits_3_and_names_the_gap() {
    for (first, next, why) in [
        (tasks(3, &["t1", "t2"]), tasks(2, &["t2"]), "counts 3 tasks but lists 2"),
        (tasks(1, &["t1", "t2"]), tasks(1, &["t2"]), "was inconsistent"),
        (tasks(3, &["t1", "t1"]), tasks(3, &[]), "counts 3 tasks but lists 1"),
        (tasks(2, &["t1"]).replace("\"count\":2,", ""), String::new(), "does not say how many tasks"),
    ] {
        let server = Server::start(move |seen, _| match seen.path.as_str() {
            "/v3/tasks" if seen.query.contains("offset=0") => json(200, first.clone()),
            "/v3/tasks" => json(200, next.clone()),
            _ => crate::support::server::consistent(),
        });
        let (exported, _) = call(&server, "export", &["--discover", "-o", "r.json"]);
        assert_eq!(exported.code, 3, "{}", exported.stderr);
        assert!(exported.stderr.contains(why), "{why}: {}", exported.stderr);
        let (listed, _) = call(&server, "tasks", &[]);
        assert_eq!(listed.code, 3, "{}", listed.stderr);
        assert!(listed.stdout.contains("t1") && listed.stderr.contains(why), "{}", listed.stderr);
    }
}

/// A page of source servers, with the service's total count.
fn sources(count: usize, servers: &str) -> String {
    format!(r#"{{"count":{count},"source_servers":[{servers}]}}"#)
}

const WEB: &str =
    r#"{"id":"s1","name":"web","is_consistency_result_exist":true,"current_task":{"id":"t1","name":"t1"}}"#;

#[test]
fn incomplete_listing_is_in_every_report() {
    let idle = r#"{"id":"s2","name":"idle","is_consistency_result_exist":true,"current_task":null}"#;
    for (page, why) in [
        (sources(3, WEB), "the service counts 3"),
        (sources(2, &format!("{WEB},{idle}")), "source server idle has no current task"),
    ] {
        let server = Server::start(move |seen, _| match seen.path.as_str() {
            "/v3/sources" => json(200, page.clone()),
            _ => crate::support::server::consistent(),
        });
        let outputs =
            ["--discover", "--with-results", "-o", "r.xlsx", "-o", "r.json", "-o", "r.md", "-o", "r.prom"];
        let (exported, folder) = call(&server, "export", &outputs);
        assert_eq!(exported.code, 3, "{}", exported.stderr);
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let report: serde_json::Value = serde_json::from_str(&read("r.json")).unwrap();
        assert_eq!(report["tasks"][0]["verdict"], "consistent");
        assert!(report["run"]["unlisted"][0].as_str().unwrap().contains(why), "{}", report["run"]);
        let reported = "1 of 1 task passes; the account may have tasks that are not listed";
        assert!(read("r.md").contains(reported), "{}", read("r.md"));
        assert!(read("r.prom").contains("last_run_success{report=\"r\"} 0"), "{}", read("r.prom"));
        let workbook = crate::support::Workbook::open(&folder.path().join("r.xlsx"));
        let headline = "the account may have tasks that are not listed; the task passes";
        assert!(workbook.says("Overview", headline) && workbook.says("About", why));
    }
}

#[test]
fn html_page_of_a_proxy_is_retried() {
    let server = Server::start(|seen, before| match (seen.path.as_str(), before) {
        ("/v3/tasks", 0..3) => json(200, "<html><title>Sign in</title></html>"),
        ("/v3/tasks", _) => json(200, tasks(1, &["t1"])),
        _ => crate::support::server::consistent(),
    });
    let (exported, _) = call(&server, "export", &["--discover", "-o", "r.json"]);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
}

#[test]
fn reconcile_compares_the_list_with_the_account() {
    let folder = tempfile::tempdir().unwrap();
    let sample = std::fs::read_to_string(crate::support::sample_tasks()).unwrap();
    let mut lines: Vec<&str> = sample.lines().collect();
    let forgotten = lines.remove(2).split(',').next().unwrap();
    lines.push("not-there,s1,ghost-01");
    std::fs::write(folder.path().join("plan.csv"), lines.join("\n")).unwrap();
    let arguments = [
        "export",
        "plan.csv",
        "--endpoint",
        "embedded",
        "--reconcile",
        "-o",
        "r.xlsx",
        "-o",
        "r/",
        "-o",
        "r.json",
    ];
    let exported = run(folder.path(), &arguments);
    assert_eq!(exported.code, 3, "{}", exported.stderr);
    assert!(exported.stderr.contains("1 declared but not found, 1 found but not declared"));
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("r.json")).unwrap()).unwrap();
    assert_eq!(report["reconciliation"]["declared_not_found"], serde_json::json!(["not-there"]));
    assert_eq!(report["reconciliation"]["found_not_declared"][0]["task_id"], forgotten);
    let ghost = report["tasks"].as_array().unwrap().last().unwrap();
    assert_eq!(ghost["notes"][0], "not among the tasks that the account lists");
    let expected = [["not-there", "ghost-01", "s1", "declared, not found"].map(str::to_owned).to_vec()];
    let workbook = crate::support::Workbook::open(&folder.path().join("r.xlsx"));
    let sheet = workbook.table("Reconciliation", "Task ID");
    assert_eq!(sheet[1..2], expected);
    assert_eq!(
        (sheet.len(), sheet[2][0].as_str(), sheet[2][3].as_str()),
        (3, forgotten, "found, not declared")
    );
    let file = folder.path().join("r/reconciliation.csv");
    assert_eq!(crate::support::csv(&file), sheet);
    run(folder.path(), &["export", "plan.csv", "--endpoint", "embedded", "-o", "r/"]);
    assert!(!file.exists(), "it would pass for a result of the newer run");
}
