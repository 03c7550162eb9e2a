//! Plans that name servers and no task ids, resolved against the account's tasks.

use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};

use crate::support::server::{Seen, Server, consistent, json as answer};
use crate::support::{Run, Workbook, run, run_with};

const TOKEN: (&str, &str) = ("SMS_AUTH_TOKEN", "t");

/// A task of a source server, as the listing has it.
pub(crate) fn task(id: &str, (source_id, name, ip): (&str, &str, &str), created: i64, state: &str) -> Value {
    json!({
        "id": id, "name": format!("migrate {name}"), "state": state, "create_date": created,
        "source_server": { "id": source_id, "name": name, "ip": ip },
    })
}

/// A source server with the task that has results, if one has.
fn source((id, name, ip): (&str, &str, &str), with_results: Option<&str>) -> Value {
    json!({
        "id": id, "name": name, "ip": ip, "is_consistency_result_exist": with_results.is_some(),
        "current_task": with_results.map(|task| json!({ "id": task })),
    })
}

fn parameter(seen: &Seen, name: &str) -> usize {
    let mut pairs = seen.query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(known, _)| *known == name).unwrap().1.parse().unwrap()
}

/// A page of `all`, and how many there are.
pub(crate) fn page(seen: &Seen, key: &str, all: &[Value]) -> Response<Body> {
    let (limit, offset) = (parameter(seen, "limit"), parameter(seen, "offset"));
    let entries: Vec<&Value> = all.iter().skip(offset).take(limit).collect();
    answer(200, json!({ "count": all.len(), key: entries }).to_string())
}

/// A service with these tasks and source servers, on which every task is consistent.
pub(crate) fn account(tasks: Vec<Value>, sources: Vec<Value>) -> Server {
    Server::start(move |seen, _| match seen.path.as_str() {
        "/v3/tasks" => page(seen, "tasks", &tasks),
        "/v3/sources" => page(seen, "source_servers", &sources),
        _ => consistent(),
    })
}

pub(crate) const WEB: (&str, &str, &str) = ("s1", "web-01", "10.0.0.1");
pub(crate) const DB_A: (&str, &str, &str) = ("s2", "db-01.a.example", "10.0.0.2");
const DB_B: (&str, &str, &str) = ("s3", "db-01.b.example", "10.0.0.3");

pub(crate) fn small() -> Server {
    let tasks = vec![
        task("t1", WEB, 1, "MIGRATE_SUCCESS"),
        task("t2", DB_A, 2, "MIGRATE_SUCCESS"),
        task("t3", DB_B, 3, "MIGRATE_SUCCESS"),
    ];
    account(tasks, vec![source(WEB, Some("t1")), source(DB_A, Some("t2")), source(DB_B, Some("t3"))])
}

fn command(server: &Server, folder: &Path, command: &str, more: &[&str]) -> Run {
    let url = server.url();
    let arguments = [&[command, "--endpoint", &url, "--rate", "10000/s"], more].concat();
    run_with(folder, &[TOKEN], &arguments)
}

pub(crate) fn export(server: &Server, folder: &Path, more: &[&str]) -> Run {
    command(server, folder, "export", &[more, &["-o", "r.json", "--json"]].concat())
}

/// A folder with a file.
pub(crate) fn with(name: &str, content: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), content).unwrap();
    folder
}

pub(crate) fn report(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{} {}", run.code, run.stderr))
}

/// Per row: the source server, the task id, the verdict.
pub(crate) fn rows(report: &Value) -> Vec<String> {
    let text = |task: &Value, key: &str| task[key].as_str().unwrap_or("-").to_owned();
    let tasks = report["tasks"].as_array().unwrap().iter();
    tasks.map(|task| ["source_server", "task_id", "verdict"].map(|key| text(task, key)).join(" ")).collect()
}

/// How many requests asked for this path.
fn requests(server: &Server, path: &str) -> usize {
    server.seen().iter().filter(|seen| seen.path == path).count()
}

fn results(server: &Server) -> usize {
    server.seen().iter().filter(|seen| seen.path.ends_with("/consistency-result")).count()
}

fn sample(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name).display().to_string()
}

#[test]
fn sample_plans_are_reported_row_by_row_with_the_server_that_has_no_task() {
    for name in ["plan.csv", "plan.xlsx"] {
        let folder = tempfile::tempdir().unwrap();
        let arguments =
            ["export", &sample(name), "--endpoint", "embedded", "-o", "r.json", "-o", "r.xlsx", "--json"];
        let run = run(folder.path(), &arguments);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let report = report(&run);
        assert_eq!(report["status"], "not_ready");
        let rows = rows(&report);
        assert_eq!(rows.len(), 9, "{rows:?}");
        assert_eq!(rows[0], "web-prod-01 6e1c7a52-93f4-4a0b-8d27-51b0c9e4f301 consistent");
        let retired = &report["tasks"][8];
        assert_eq!(
            (&retired["source_server"], &retired["task_id"], &retired["verdict"], &retired["reason"]),
            (
                &json!("log-archive-02"),
                &Value::Null,
                &json!("not_verified"),
                &json!("no migration task of this server was found")
            )
        );
        assert_eq!(retired["notes"], json!(["similar names in the account: log-archive-01"]));
        let waves: Vec<&str> = report["tasks"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|task| task["labels"]["Wave"].as_str())
            .collect();
        assert_eq!(waves, ["1", "1", "1", "2", "2", "2", "3", "3", "3"], "{name}");
        let summary = &Workbook::open(&folder.path().join("r.xlsx")).sheets["Summary"];
        let is_row = |row: &Vec<calamine::Data>| {
            ["log-archive-02", "Not verified"].iter().all(|text| row.iter().any(|cell| *cell == **text))
        };
        assert!(summary.iter().any(is_row), "{summary:?}");
    }
}

#[test]
fn plan_is_read_under_the_headings_and_layouts_that_people_use() {
    for plan in [
        "Server,Wave\nWEB-01,1\n",
        "source server;wave\nweb-01.corp.example;1\n",
        "Server_FQDN\tWave\nweb-01.corp.example\t1\n",
        "\u{feff}主机名,批次\nweb-01,1\n",
        "IP Address,Wave\n10.0.0.1/24,1\n",
        "Migration plan,,\n,,\nWave,Host Name,IP\n1,web-01,10.0.0.1:22\n",
        "Wave,Source server,,Schedule,\n,Name,IP address,Start,End\n1,web-01,10.0.0.1,a,b\n",
        "source_id,wave\ns1,1\n",
        "task_id,hostname\n,web-01\n",
        "wave_name,app_name,server_name,server_fqdn\n1,shop,web-01,web-01.corp.example\n",
        "Server name (FQDN) *;Private IP;Wave\r\nweb-01.corp.example;;1\r\n",
    ] {
        let server = small();
        let folder = with("plan.csv", plan);
        let run = export(&server, folder.path(), &["plan.csv"]);
        assert_eq!(run.code, 0, "{plan}: {}", run.stderr);
        assert_eq!(report(&run)["tasks"][0]["task_id"], "t1", "{plan}");
        assert_eq!((requests(&server, "/v3/tasks"), requests(&server, "/v3/sources")), (1, 1));
    }
}

#[test]
fn column_option_names_what_a_plan_calls_otherwise() {
    let server = small();
    let folder = with("plan.csv", "Asset,Address,Hostname\nweb-01,x,db-01.a\n");
    let run = export(&server, folder.path(), &["plan.csv", "--column", "source_name=asset"]);
    assert_eq!(rows(&report(&run)), ["web-01 t1 consistent"]);
    assert!(
        run.stderr.contains("plan.csv:1: `Asset` is source_name; other columns are labels"),
        "{}",
        run.stderr
    );
    let config = "[profile.default]\ncolumn = [\"source_name=Asset\", \"ip=Address\"]\n";
    std::fs::write(folder.path().join("c.toml"), config).unwrap();
    let run = export(&server, folder.path(), &["plan.csv", "--config", "c.toml"]);
    assert_eq!(rows(&report(&run)), ["web-01 t1 consistent"], "{}", run.stderr);
    let run = export(&server, folder.path(), &["plan.csv", "--column", "source_name=Computer"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("has no column `task_id`, and none that names a server"), "{}", run.stderr);
    assert!(run.stderr.contains("its columns are: Asset, Address, Hostname"), "{}", run.stderr);
    let run =
        export(&server, folder.path(), &["plan.csv", "--column", "host=Hostname", "--column", "ip=Nowhere"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("no list has a column `Nowhere`"), "{}", run.stderr);
}

#[test]
fn verbose_output_names_every_column() {
    let server = small();
    let folder = with("plan.csv", "Hostname,IP,Wave\nweb-01,10.0.0.1,1\n");
    let run = export(&server, folder.path(), &["plan.csv", "-v"]);
    for (heading, field) in [("Hostname", "source_name"), ("IP", "ip"), ("Wave", "label")] {
        let is_it = |line: &str| line.contains("column") && line.contains(heading) && line.contains(field);
        assert!(run.stderr.lines().any(is_it), "{heading}: {}", run.stderr);
    }
}

#[test]
fn ambiguous_names_are_faults_with_candidates_and_fetch_nothing() {
    let server = small();
    let folder = with("plan.csv", "server,ip\nweb-01,\nDB-01,\nDB-01,10.0.0.3\n");
    let run = export(&server, folder.path(), &["plan.csv"]);
    assert_eq!((run.code, run.stdout.as_str(), results(&server)), (2, "", 0), "{}", run.stderr);
    let fault = "plan.csv:3: `DB-01` matches 2 source servers: db-01.a.example (10.0.0.2, source id s2); \
                 db-01.b.example (10.0.0.3, source id s3)";
    assert!(run.stderr.contains(fault), "{}", run.stderr);
    assert!(!run.stderr.contains("plan.csv:4"), "{}", run.stderr);
    assert!(!folder.path().join("r.journal.jsonl").exists());
}

#[test]
fn of_several_tasks_the_last_one_with_results_is_reported_and_their_number_noted() {
    let tasks = vec![
        task("t-old", WEB, 1, "MIGRATE_SUCCESS"),
        task("t-results", WEB, 2, "MIGRATE_SUCCESS"),
        task("t-new", WEB, 3, "MIGRATE_SUCCESS"),
        task("d-old", DB_A, 1, "MIGRATE_FAIL"),
        task("d-new", DB_A, 2, "ABORT"),
    ];
    let server = account(tasks, vec![source(WEB, Some("t-results")), source(DB_A, None)]);
    let folder = with("plan.csv", "server\nweb-01\ndb-01\n");
    let report = report(&export(&server, folder.path(), &["plan.csv"]));
    assert_eq!(rows(&report), ["web-01 t-results consistent", "db-01 d-old consistent"]);
    assert_eq!(report["tasks"][0]["notes"], json!(["the server has 3 migration tasks; this one counts"]));
    assert_eq!(report["tasks"][0]["source_id"], "s1");
}

#[test]
fn the_same_server_twice_is_fetched_once_with_a_warning() {
    let server = small();
    let plan = "server,wave\nweb-01,1\nWEB-01.corp,2\nold-01,1\nold-01,2\n";
    let folder = with("plan.csv", plan);
    let run = export(&server, folder.path(), &["plan.csv"]);
    assert_eq!(rows(&report(&run)), ["web-01 t1 consistent", "old-01 - not_verified"]);
    assert_eq!(results(&server), 1);
    for warning in [
        "plan.csv:3: `WEB-01.corp` is the same server as `web-01` at plan.csv:2; it is fetched once; it has `2` in \
         `wave` instead of `1`",
        "plan.csv:5: server old-01 is listed already at plan.csv:4; it is fetched once",
    ] {
        assert!(run.stderr.contains(warning), "{}", run.stderr);
    }
    assert_eq!(report(&run)["tasks"][0]["notes"], json!(["the plan also lists it as WEB-01.corp"]));
}

#[test]
fn listing_with_gaps_makes_the_report_incomplete() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/v3/tasks" => answer(200, json!({ "count": 2, "tasks": [task("t1", WEB, 1, "")] }).to_string()),
        "/v3/sources" => page(seen, "source_servers", &[]),
        _ => consistent(),
    });
    let folder = with("plan.csv", "server\nweb-01\ndb-01\n");
    let run = export(&server, folder.path(), &["plan.csv"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert_eq!(report(&run)["status"], "incomplete");
    assert!(run.stderr.contains("the service counts 2 tasks but lists 1"), "{}", run.stderr);
    let matched = command(&server, folder.path(), "tasks", &["--match", "plan.csv"]);
    assert_eq!((matched.code, matched.stdout.as_str()), (3, "task_id,server\nt1,web-01\n,db-01\n"));
}

#[test]
fn missing_permission_is_named() {
    for (path, permission, other) in [
        ("/v3/tasks", "sms:server:listTask", "queryServer"),
        ("/v3/sources", "sms:server:queryServer", "listTask"),
    ] {
        let server = Server::start(move |seen, _| match seen.path.as_str() {
            denied if denied == path => answer(403, r#"{"error_code":"SMS.9004","error_msg":"denied"}"#),
            "/v3/tasks" => page(seen, "tasks", &[]),
            _ => page(seen, "source_servers", &[]),
        });
        let folder = with("plan.csv", "server\nweb-01\n");
        let run = export(&server, folder.path(), &["plan.csv"]);
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert!(run.stderr.contains(permission) && !run.stderr.contains(other), "{}", run.stderr);
    }
}

#[test]
fn a_thousand_servers_are_resolved_with_one_listing_of_ten_thousand_tasks() {
    let names: Vec<String> = (0..1000).map(|number| format!("host-{number:04}.corp.example")).collect();
    let tasks = (0..10_000).map(|number| {
        let server = (&*format!("s{}", number % 1000), names[number % 1000].as_str(), "");
        task(&format!("t{number:05}"), server, number as i64, "MIGRATE_SUCCESS")
    });
    let sources =
        names.iter().enumerate().map(|(number, name)| source((&format!("s{number}"), name, ""), None));
    let server = account(tasks.collect(), sources.collect());
    let plan: String = (0..1000).map(|number| format!("HOST-{number:04},{}\n", number / 100)).collect();
    let folder = with("plan.csv", &format!("Server name,Wave\n{plan}"));
    let run = export(&server, folder.path(), &["plan.csv", "-q"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let rows = rows(&report(&run));
    let expected: Vec<String> =
        (0..1000).map(|number| format!("HOST-{number:04} t{:05} consistent", 9000 + number)).collect();
    assert_eq!(rows, expected);
    assert_eq!((requests(&server, "/v3/tasks"), requests(&server, "/v3/sources")), (51, 6));
    assert_eq!(results(&server), 1000);
}

#[test]
fn match_prints_the_plan_with_task_ids_and_every_other_column() {
    let server = small();
    let plan = "Plan 7,,,\nWave,Hostname,Cutover,Note\n1,WEB-01,2026-11-21 22:00,\"a, \"\"b\"\"\"\n2,old-01,,gone\n1,WEB-01,,again\n";
    let folder = with("plan.csv", plan);
    let matched = command(&server, folder.path(), "tasks", &["--match", "plan.csv"]);
    assert_eq!(matched.code, 0, "{}", matched.stderr);
    assert_eq!(
        matched.stdout,
        "task_id,Wave,Hostname,Cutover,Note\nt1,1,WEB-01,2026-11-21 22:00,\"a, \"\"b\"\"\"\n,2,old-01,,gone\n\
         t1,1,WEB-01,,again\n"
    );
    assert!(matched.stderr.contains("1 of 2 servers have no migration task: old-01"), "{}", matched.stderr);
    assert_eq!(results(&server), 0);
    let written = command(&server, folder.path(), "tasks", &["--match", "plan.csv", "-o", "m.xlsx"]);
    assert_eq!((written.code, written.stdout.as_str()), (0, "m.xlsx\n"), "{}", written.stderr);
    let sheet = Workbook::open(&folder.path().join("m.xlsx"));
    assert_eq!(sheet.table(&sheet.names[0].clone(), "task_id")[1][..3], ["t1", "1", "WEB-01"]);
    let again = command(&server, folder.path(), "tasks", &["--match", "m.xlsx"]);
    assert_eq!(again.stdout, matched.stdout, "{}", again.stderr);
    let exported = export(&server, folder.path(), &["m.xlsx"]);
    assert_eq!(
        rows(&report(&exported)),
        ["WEB-01 t1 consistent", "old-01 - not_verified"],
        "{}",
        exported.stderr
    );
    std::fs::write(folder.path().join("ids.csv"), "Host,task_id,x\nweb-01,,1\ndb-01.a,t7,2\n").unwrap();
    let filled = command(&server, folder.path(), "tasks", &["--match", "ids.csv"]);
    assert_eq!(filled.stdout, "Host,task_id,x\nweb-01,t1,1\ndb-01.a,t7,2\n", "{}", filled.stderr);
    let wrong = command(&server, folder.path(), "tasks", &["--match", "plan.csv", "-o", "m.json"]);
    assert_eq!(wrong.code, 2, "{}", wrong.stderr);
}

#[test]
fn lists_with_task_ids_keep_their_labels_and_need_no_listing() {
    let server = small();
    let list = "task_id,hostname,ip,server,source_name\nt1,a,10.9.9.9,b,web-01\nt2,,,,\n";
    let folder = with("list.csv", list);
    let run = export(&server, folder.path(), &["list.csv", "--context", "off"]);
    let report = report(&run);
    assert_eq!(rows(&report), ["web-01 t1 consistent", "- t2 consistent"]);
    assert_eq!(report["tasks"][0]["labels"], json!({ "hostname": "a", "ip": "10.9.9.9", "server": "b" }));
    assert_eq!(requests(&server, "/v3/tasks"), 0);
    assert!(!run.stderr.contains("is source_name"), "{}", run.stderr);
}

#[test]
fn rows_with_and_without_task_ids_make_one_list() {
    let server = small();
    let folder = with("list.csv", "task_id,Server,wave\nt3,,1\n,web-01,2\n,nowhere,3\n");
    let run = export(&server, folder.path(), &["list.csv"]);
    assert_eq!(rows(&report(&run)), ["- t3 consistent", "web-01 t1 consistent", "nowhere - not_verified"]);
    std::fs::write(folder.path().join("bad.csv"), "task_id,Server,IP\n,,\nt1,,\n,,TBD\n,,10.0.0.1\n")
        .unwrap();
    let bad = export(&server, folder.path(), &["bad.csv"]);
    assert_eq!(bad.code, 2);
    assert!(bad.stderr.contains("bad.csv:4: names no server: `TBD` is not an IP address"), "{}", bad.stderr);
    for (command_name, more) in
        [("server-export", vec!["list.csv", "-o", "x/"]), ("serve", vec!["--tasks", "list.csv"])]
    {
        let refused = if command_name == "serve" {
            run_with(folder.path(), &[], &[&[command_name], &more[..]].concat())
        } else {
            command(&server, folder.path(), command_name, &more)
        };
        assert_eq!(refused.code, 2, "{}", refused.stderr);
        assert!(refused.stderr.contains("list.csv:3: has no task id"), "{}", refused.stderr);
    }
}

#[test]
fn reconcile_of_a_plan_counts_all_tasks_of_its_servers_as_declared() {
    let tasks = vec![
        task("t0", WEB, 0, "ABORT"),
        task("t1", WEB, 1, "MIGRATE_SUCCESS"),
        task("t2", DB_A, 2, "MIGRATE_SUCCESS"),
    ];
    let server = account(tasks, Vec::new());
    let folder = with("plan.csv", "server\nweb-01\nold-01\n");
    let run = export(&server, folder.path(), &["plan.csv", "--reconcile"]);
    let report = report(&run);
    assert_eq!(requests(&server, "/v3/tasks"), 1);
    let text = report.to_string();
    assert!(text.contains("db-01.a.example") && !text.contains("\"t0\""), "{text}");
}

#[test]
fn workbook_plan_with_titles_merged_cells_and_two_heading_lines_is_read() {
    use rust_xlsxwriter::{Format, Workbook as Book};
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("plan.xlsx");
    let (mut book, plain) = (Book::new(), Format::new());
    let sheet = book.add_worksheet();
    sheet.merge_range(0, 0, 0, 4, "Data centre move", &plain).unwrap();
    sheet.merge_range(2, 0, 3, 0, "Wave", &plain).unwrap();
    sheet.merge_range(2, 1, 2, 2, "Source server", &plain).unwrap();
    sheet.merge_range(2, 3, 2, 4, "Target", &plain).unwrap();
    for (column, heading) in (1..).zip(["Name", "IP", "Name", "IP"]) {
        sheet.write_string(3, column, heading).unwrap();
    }
    sheet.merge_range(4, 0, 5, 0, "1", &plain).unwrap();
    for (row, cells) in
        (4..).zip([["web-01", "10.0.0.1", "ecs-1", "10.8.0.1"], ["old-01", "", "ecs-2", "10.8.0.2"]])
    {
        for (column, text) in (1..).zip(cells) {
            sheet.write_string(row, column, text).unwrap();
        }
    }
    book.save(&path).unwrap();
    let server = small();
    let run = export(&server, folder.path(), &["plan.xlsx"]);
    let report = report(&run);
    assert_eq!(rows(&report), ["web-01 t1 consistent", "old-01 - not_verified"], "{}", run.stderr);
    let labels = json!({ "Wave": "1", "Source server IP": "10.0.0.1", "Target Name": "ecs-1", "Target IP": "10.8.0.1" });
    assert_eq!(report["tasks"][0]["labels"], labels);
    assert_eq!(report["tasks"][1]["labels"]["Wave"], "1");
}
