//! `serve` with task lists, with slow clients, and on public addresses.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use crate::support::api::{Api, path};
use crate::support::serving::Serving;
use crate::support::{Workbook, csv, run};
use cutover_report::model::{Task, TaskId, TaskList};
use cutover_report::service::Settings;
use serde_json::{Value, json};
use tempfile::tempdir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ONE: &str = "11111111-aaaa-4000-8000-000000000001";
const TWO: &str = "11111111-aaaa-4000-8000-000000000002";

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

#[test]
fn tasks_of_a_list_are_uploaded_to_and_exported() {
    let folder = tempdir().unwrap();
    let at = folder.path();
    write(at, "wave.csv", &format!("task_id,source_id,source_name,owner\n{ONE},src-1,crm-01,web\n"));
    write(at, "more.yaml", &format!("- task_id: {TWO}\n"));
    write(
        at,
        "results.csv",
        &format!(
            "task_id,directory,total_files,different,missing at target,redundant at target\n\
             {ONE},/srv/crm,10,0,0,0\n{TWO},/srv/erp,20,3,2,1\n"
        ),
    );
    let serving = Serving::start(at, &["--tasks", "wave.csv", "--tasks", "more.yaml"]);
    let reach = ["--endpoint", &serving.url, "--auth", "none"];
    let uploaded = run(at, &[&["upload", "results.csv"], &reach[..]].concat());
    assert_eq!(uploaded.code, 0, "{}", uploaded.stderr);
    let exported = run(at, &[&["export", "--discover", "-o", "r.xlsx", "-o", "r.csv"], &reach[..]].concat());
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    let names = Workbook::open(&at.join("r.xlsx")).names;
    assert!(
        names.contains(&"crm-01".to_owned()) && names.iter().any(|name| TWO.starts_with(name)),
        "{names:?}"
    );
    let rows = csv(&at.join("r.csv"));
    let directories: Vec<&str> = rows.iter().skip(1).map(|row| row[7].as_str()).collect();
    assert_eq!(directories, ["/srv/crm", "/srv/erp"]);
}

#[test]
fn task_list_with_an_error_is_refused_before_listening() {
    let folder = tempdir().unwrap();
    write(folder.path(), "bad.csv", "name\nweb-01\n");
    for (list, message) in [("bad.csv", "bad.csv"), ("nosuch.csv", "nosuch.csv")] {
        let refused = run(folder.path(), &["serve", "--tasks", list]);
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{}", refused.stderr);
        assert!(refused.stderr.contains(message), "{}", refused.stderr);
    }
}

fn registered(tasks: &[(&str, Option<&str>, Option<&str>)]) -> TaskList {
    let task = |(id, source_id, source_name): &(&str, Option<&str>, Option<&str>)| Task {
        source_id: source_id.map(str::to_owned),
        source_name: source_name.map(str::to_owned),
        ..Task::new(TaskId::new(id).unwrap())
    };
    TaskList { labels: Vec::new(), tasks: tasks.iter().map(task).collect() }
}

#[tokio::test]
async fn tasks_of_a_list_are_listed_and_keep_their_results_in_a_data_file() {
    let folder = tempdir().unwrap();
    let settings = |tasks: &[_]| Settings {
        data: Some(folder.path().join("sms.db")),
        tasks: registered(tasks),
        ..Settings::default()
    };
    let listed = async |api: &Api, list: &str| -> Vec<Value> {
        api.get(&format!("/v3/{list}")).await.json()[list.replace("sources", "source_servers")]
            .as_array()
            .unwrap()
            .clone()
    };
    let api = Api::start(settings(&[(ONE, Some("src-1"), Some("crm-01")), (TWO, None, None)])).await;
    let tasks = listed(&api, "tasks").await;
    assert_eq!(tasks.len(), 2, "and no sample data");
    assert_eq!((&tasks[0]["id"], &tasks[0]["source_server"]["id"]), (&json!(ONE), &json!("src-1")));
    assert_eq!(tasks[0]["source_server"]["name"], "crm-01");
    let sources = listed(&api, "sources").await;
    assert_eq!((&sources[0]["id"], &sources[1]["current_task"]["id"]), (&json!("src-1"), &json!(TWO)));
    let check = json!({"dir_check": "/srv", "num_total_files": 1, "num_different_files": 0,
                       "num_target_miss_files": 0, "num_target_more_files": 0});
    let uploaded = api.post(&path(ONE), json!({ "consistency_result": [check] })).await;
    assert_eq!(uploaded.status, 200);
    api.service.stop().await;

    // The list has changed: a new name, and a removed one.
    let third = "11111111-aaaa-4000-8000-000000000003";
    let api = Api::start(settings(&[(ONE, None, Some("crm-02")), (third, None, None)])).await;
    let tasks = listed(&api, "tasks").await;
    assert_eq!(tasks.iter().map(|task| task["id"].as_str().unwrap()).collect::<Vec<_>>(), [ONE, TWO, third]);
    assert_eq!(
        (&tasks[0]["source_server"]["id"], &tasks[0]["source_server"]["name"]),
        (&json!("src-1"), &json!("crm-02"))
    );
    assert_eq!(api.results(ONE).await["result_list"][0]["consistency_result"][0]["dir_check"], "/srv");
    api.service.stop().await;
}

#[tokio::test]
async fn listings_have_the_fields_of_the_sdk_models() {
    let api = Api::start(Settings::default()).await;
    let page = api.get("/v3/tasks?limit=2").await.json();
    let (task, other) = (&page["tasks"][0], &page["tasks"][1]);
    for (field, is_right) in [
        ("create_date", task["create_date"].is_i64()),
        ("os_type", task["os_type"] == "LINUX"),
        ("syncing", task["syncing"] == false),
        ("special_config", task["special_config"].is_array()),
        ("sub_tasks", task["sub_tasks"].as_array().is_some_and(|subtasks| !subtasks.is_empty())),
        ("target_server", task["target_server"]["ip"].is_string()),
        ("source_server", task["source_server"]["os_version"].is_string()),
    ] {
        assert!(is_right, "{field}: {task}");
    }
    for subtask in task["sub_tasks"].as_array().unwrap() {
        assert_eq!(subtask["progress"], 100);
        assert!(subtask["start_date"].as_i64() < subtask["end_date"].as_i64(), "{subtask}");
    }
    let ip = task["source_server"]["ip"].as_str().unwrap();
    assert_ne!(ip, other["source_server"]["ip"]);
    let found = api.get(&format!("/v3/sources?ip={ip}")).await.json();
    assert_eq!(
        (&found["count"], &found["source_servers"][0]["id"]),
        (&json!(1), &task["source_server"]["id"])
    );
    assert_eq!(found["source_servers"][0]["ip"], ip);
    assert_eq!(api.get("/v3/sources?ip=192.0.2.1").await.json()["count"], 0);
    let alone = api.get(&format!("/v3/tasks/{}", task["id"].as_str().unwrap())).await.json();
    assert_eq!(alone["create_date"], task["create_date"]);
    assert!(alone["start_date"].as_i64() < alone["finish_date"].as_i64(), "{alone}");
    assert_eq!(alone["sub_tasks"][0]["user_op"], "");
}

/// The response to these bytes, until the service closes the connection.
async fn until_closed(address: std::net::SocketAddr, sent: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(sent).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn client_that_never_finishes_its_request_is_disconnected() {
    let settings = Settings { read_timeout: Duration::from_millis(50), ..Settings::default() };
    let api = Api::start(settings).await;
    let address = api.service.address();
    for header in ["", "GET /v3/tasks HTT", "GET /v3/tasks HTTP/1.1\r\nHost: sms\r\nX-Slow: "] {
        assert_eq!(until_closed(address, header.as_bytes()).await, "", "{header:?}");
    }
    let request = format!("POST {} HTTP/1.1\r\nHost: sms\r\nContent-Length: 100\r\n\r\n{{\"cons", path(ONE));
    let answer = until_closed(address, request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("within 0.05 seconds"), "{answer}");
    assert_eq!(api.get("/v3/tasks").await.status, 200, "others are served");
}

#[test]
fn reachable_address_without_authentication_is_refused() {
    let folder = tempdir().unwrap();
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:192.0.2.1]:0"] {
        let refused = run(folder.path(), &["serve", "--listen", listen]);
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{listen}: {}", refused.stderr);
        for part in ["--auth token", "--auth aksk", "--allow-anonymous"] {
            assert!(refused.stderr.contains(part), "{}", refused.stderr);
        }
    }
    for arguments in [
        &["--listen", "0.0.0.0:0", "--allow-anonymous"][..],
        &["--listen", "0.0.0.0:0", "--auth", "aksk"],
        &["--listen", "127.0.0.2:0"],
        &["--listen", "localhost:0"],
    ] {
        assert!(Serving::start(folder.path(), arguments).url.starts_with("http://"));
    }
}

#[test]
fn tokens_for_anyone_on_a_reachable_address_are_warned_about() {
    let folder = tempdir().unwrap();
    let mut serving = Serving::start(folder.path(), &["--listen", "0.0.0.0:0", "--auth", "token"]);
    serving.child.kill().unwrap();
    let mut stderr = String::new();
    serving.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert!(stderr.contains("SMS_IAM_USER"), "{stderr}");
}

#[test]
fn listen_without_host_or_port_is_refused_with_an_example() {
    let folder = tempdir().unwrap();
    for (listen, write) in [("80", "127.0.0.1:80"), ("10.0.0.7", "10.0.0.7:8080")] {
        let refused = run(folder.path(), &["serve", "--listen", listen]);
        assert_eq!(refused.code, 2);
        assert!(refused.stderr.contains("HOST:PORT") && refused.stderr.contains(write), "{}", refused.stderr);
    }
}
