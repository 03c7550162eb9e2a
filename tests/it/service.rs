//! The embedded service over real connections.
// The helpers are outside test functions, where clippy.toml does not allow these.

use std::collections::HashSet;
use std::io::Cursor;
use std::path::Path;
use std::time::Duration;

use crate::support::api::{Api, path};
use calamine::{Data, Reader, Xlsx};
use cutover_report::model::Shape;
use cutover_report::service::{
    ExportBody, Service, ServiceError, Settings, StoreError, generated_tasks, sample_tasks,
};
use reqwest::Method;
use reqwest::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const EXPORT: &str = "/v3/tasks/consistency-results/export";

fn id(name: &str) -> String {
    let tasks = sample_tasks().tasks;
    tasks.iter().find(|task| task.display_name() == name).unwrap().id_text().to_owned()
}

fn directory(name: &str, total: u64) -> Value {
    json!({
        "dir_check": name, "num_total_files": total, "num_different_files": 12,
        "num_target_miss_files": 3, "num_target_more_files": 0,
    })
}

#[tokio::test]
async fn new_upload_is_listed_before_earlier_ones() {
    let api = Api::start(Settings::default()).await;
    let task = id("web-prod-01");
    let before = api.results(&task).await;
    let earlier = before["result_list"].as_array().unwrap().len();
    for total in [1, 2] {
        let body = json!({ "consistency_result": [directory("/root/数据 \"x\"", total), directory("", 0)] });
        let answer = api.post(&path(&task), body).await;
        assert_eq!((answer.status, answer.json()), (200, json!({})));
    }
    let after = api.results(&task).await;
    let list = after["result_list"].as_array().unwrap();
    assert_eq!(list.len(), earlier + 2);
    assert_eq!(list[0]["check_result"], "success");
    assert_eq!(
        list[0]["consistency_result"],
        json!([directory("/root/数据 \"x\"", 2), directory("", 0)]),
        "newest first"
    );
    assert_eq!(list[1]["consistency_result"][0]["num_total_files"], 1);
    assert_eq!(list[2..], before["result_list"].as_array().unwrap()[..]);
    assert_eq!(after["task_id"], task.as_str());
}

#[tokio::test]
async fn upload_without_results_stores_nothing() {
    let api = Api::start(Settings::default()).await;
    let task = path(&id("mail-relay-01"));
    assert_eq!(api.post(&task, "{}").await.status, 200);
    assert_eq!(api.get(&task).await.json()["result_list"], json!([]));
    assert_eq!(api.post(&task, json!({ "consistency_result": [] })).await.status, 200);
    assert_eq!(api.get(&task).await.json()["result_list"][0]["consistency_result"], json!([]));
    assert_eq!(api.post(&path("no-such-task"), "{}").await.status, 404);
}

#[tokio::test]
async fn uploads_are_validated() {
    let api = Api::start(Settings::default()).await;
    let known = path(&id("web-prod-01"));
    let before = api.get(&known).await.body;
    let refused = async |body: Value, message: &str| {
        api.post(&known, body).await.refused(400, "SMS.9001", message);
    };
    refused(json!([1]), "the body must be a JSON object").await;
    refused(json!({ "consistency_result": {} }), "consistency_result must be an array of 0 to 30").await;
    refused(json!({ "consistency_result": vec![directory("/a", 1); 31] }), "not one of 31 items").await;
    let mut items = vec![directory("/a", 1); 4];
    items[3]["num_total_files"] = json!(1_000_001);
    refused(json!({ "consistency_result": items }), "consistency_result[3].num_total_files must be").await;
    items[3].as_object_mut().unwrap().remove("num_total_files");
    refused(json!({ "consistency_result": items }), "consistency_result[3].num_total_files is missing").await;
    refused(json!({ "consistency_result": [directory(&"x".repeat(1025), 1)] }), "[0].dir_check must be")
        .await;
    api.post(&known, "{\"consistency_result\": [").await.refused(400, "SMS.9001", "not JSON at byte");
    api.post(&known, "").await.refused(400, "SMS.9001", "not JSON at byte 0");
    api.post(&known, "x".repeat(3 << 20)).await.refused(400, "SMS.9001", "longer than 1048576 bytes");
    api.post(&path(&"x".repeat(37)), "{}").await.refused(400, "SMS.9001", "task_id must be 1 to 36");
    api.post("/v3/tasks//consistency-result", "{}").await.refused(400, "SMS.9001", "task_id must be");
    api.post(&path("%ff"), "{}").await.refused(400, "SMS.9001", "task_id must be percent-encoded");
    let body = json!({ "consistency_result": [directory("/a", 1)] });
    api.post(&path(&"x".repeat(36)), body).await.refused(404, "SMS.9002", "not found");
    assert_eq!(api.get(&known).await.body, before, "nothing that was refused is stored");
}

#[tokio::test]
async fn requested_task_id_is_validated() {
    let api = Api::start(Settings::default()).await;
    api.get(&path(&"x".repeat(255))).await.refused(404, "SMS.9002", "not found");
    api.get(&path(&"x".repeat(256))).await.refused(400, "SMS.9001", "task_id must be 1 to 255");
    api.get(&path("a%2Fb%20%E8%B4%A2")).await.refused(404, "SMS.9002", "not found");
    api.get("/v3/tasks//consistency-result").await.refused(400, "SMS.9001", "task_id must be");
}

#[tokio::test]
async fn unknown_routes_and_methods_are_refused() {
    let api = Api::start(Settings::default()).await;
    api.get("/v3/nothing").await.refused(404, "APIG.0101", "does not exist");
    api.post("/", "some body").await.refused(404, "APIG.0101", "does not exist");
    api.get(EXPORT).await.refused(405, "SMS.9005", "method");
    let put = api.try_send(Method::PUT, &path("x"), "{}".to_owned()).await.unwrap();
    put.refused(405, "SMS.9005", "method");
    let ids: HashSet<_> =
        [api.get("/").await, api.get("/").await].map(|a| a.headers["x-request-id"].clone()).into();
    assert_eq!(ids.len(), 2, "every answer has an id of its own");
}

#[tokio::test]
async fn every_shape_has_the_same_results() {
    let task = id("app-orders-01");
    let answer =
        async |shape| Api::start(Settings { shape, ..Settings::default() }).await.results(&task).await;
    let directories = |value: &Value| value["consistency_result"].clone();
    let objects = answer(Some(Shape::ResultList)).await;
    let list = objects["result_list"].as_array().unwrap();
    assert_eq!(list.len(), 3);
    let times: Vec<i64> = list.iter().map(|item| item["finished_time"].as_i64().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a > b));
    let legacy = answer(Some(Shape::Legacy)).await;
    assert_eq!(directories(&legacy), directories(&list[0]), "the newest alone");
    assert!(legacy["finished_time"].is_i64());
    assert_eq!(legacy.as_object().unwrap().len(), 2);
    let strings = answer(Some(Shape::ResultListStrings)).await;
    assert_eq!(strings["task_id"], task.as_str());
    for (text, object) in strings["result_list"].as_array().unwrap().iter().zip(list) {
        let item: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
        assert_eq!(directories(&item), directories(object));
        assert_eq!(item["check_result"], "success");
    }
    let legacy = Api::start(Settings { shape: Some(Shape::Legacy), ..Settings::default() }).await;
    assert_eq!(legacy.results(&id("mail-relay-01")).await, json!({ "consistency_result": [] }));
}

#[tokio::test]
async fn sample_data_has_every_verdict() {
    let api = Api::start(Settings::default()).await;
    let list = sample_tasks();
    assert_eq!(list.tasks.len(), 12);
    assert_eq!(list.labels, ["wave", "owner"]);
    assert!(list.tasks.iter().all(|task| task.labels.iter().count() == 2 && task.source_id.is_some()));
    for task in &list.tasks {
        api.results(task.id_text()).await;
    }
    let now = jiff::Timestamp::now().as_millisecond();
    assert!(api.results(&id("web-prod-02")).await["finished_time"].as_i64().unwrap() < now);
    assert!(api.results(&id("db-orders-02")).await["result_list"][0].is_string());
    assert_eq!(api.results(&id("mail-relay-01")).await["result_list"], json!([]));
    assert_eq!(api.results(&id("ci-runner-01")).await["result_list"][0]["check_result"], "failed");
    let stale = api.results(&id("erp-legacy-01")).await;
    assert!(now - stale["result_list"][0]["finished_time"].as_i64().unwrap() > 2 * 24 * 3_600_000);
    let saturated = api.results(&id("file-share-01")).await;
    assert_eq!(saturated["result_list"][0]["consistency_result"][1]["num_total_files"], 1_000_000);
    assert_eq!(api.results(&id("财务报表-01")).await["result_list"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn batch_is_exported_as_a_workbook() {
    let api = Api::start(Settings::default()).await;
    let orders = sample_tasks().tasks[2].clone();
    let body = json!({ "task_info": [
        { "task_id": orders.task_id, "source_name": "ignored" },
        { "source_id": sample_tasks().tasks[3].source_id },
        { "source_id": "", "source_name": "mail-relay-01" },
    ] });
    let answer = api.post(EXPORT, body).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.headers[CONTENT_TYPE],
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    );
    assert!(answer.headers[CONTENT_DISPOSITION].to_str().unwrap().starts_with("attachment"));
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(answer.body)).unwrap();
    let sheet = workbook.worksheet_range_at(0).unwrap().unwrap();
    assert_eq!(sheet.height(), 1 + 2 + 3 + 1, "the newest verification's directories, or one row");
    assert_eq!(sheet[(1, 0)], Data::String(orders.id_text().to_owned()));
    assert_eq!(sheet[(1, 4)], Data::String("/opt/orders/releases".to_owned()));
    assert_eq!(sheet[(1, 5)], Data::Float(9120.0));
    assert_eq!(sheet[(3, 6)], Data::Float(412.0));
    assert_eq!(sheet[(6, 1)], Data::String("mail-relay-01".to_owned()));
    assert_eq!(sheet[(6, 4)], Data::Empty);

    let empty = Api::start(Settings { export_body: ExportBody::Empty, ..Settings::default() }).await;
    let answer = empty.post(EXPORT, json!({ "task_info": [{ "task_id": orders.task_id }] })).await;
    assert_eq!((answer.status, answer.json()), (200, json!({})));
}

#[tokio::test]
async fn batches_are_validated() {
    let api = Api::start(Settings::default()).await;
    let known = json!({ "task_id": id("web-prod-01") });
    let cases = [
        (json!({}), 400, "task_info is missing"),
        (json!({ "task_info": [] }), 400, "task_info must be an array of 1 to 200"),
        (json!({ "task_info": vec![known.clone(); 201] }), 400, "not one of 201 items"),
        (json!({ "task_info": [known, 7] }), 400, "task_info[1] must be an object"),
        (json!({ "task_info": [{ "task_id": "x".repeat(37) }] }), 400, "task_info[0].task_id"),
        (json!({ "task_info": [{ "source_id": "x".repeat(256) }] }), 400, "task_info[0].source_id"),
        (json!({ "task_info": [{ "source_name": 1 }] }), 400, "task_info[0].source_name"),
        (json!({ "task_info": [known, { "source_name": "nobody" }] }), 404, "task_info[1] names no"),
        (json!({ "task_info": [{}] }), 404, "task_info[0] names no"),
    ];
    for (body, status, message) in cases {
        let code = if status == 400 { "SMS.9001" } else { "SMS.9002" };
        api.post(EXPORT, body).await.refused(status, code, message);
    }
    assert_eq!(api.post(EXPORT, json!({ "task_info": vec![known; 200] })).await.status, 200);
}

#[tokio::test]
async fn rate_limit_responds_like_the_gateway() {
    for (limit, time) in [("2/m", "limit:2,time:1 minute"), ("2/h", "limit:2,time:1 hour")] {
        let settings = Settings { limit: Some(limit.parse().unwrap()), ..Settings::default() };
        let api = Api::start(settings).await;
        let task = path(&id("web-prod-01"));
        assert_eq!(api.get(&task).await.status, 200);
        assert_eq!(api.get(&task).await.status, 200);
        let third = api.post(&task, "{}").await;
        third.refused(429, "APIG.0308", &format!("policy user over ratelimit,{time}"));
        assert_eq!(third.json()["request_id"], third.headers["x-request-id"].to_str().unwrap());
    }
}

#[tokio::test]
async fn every_fault_occurs_and_changes_no_data() {
    let task = path(&id("web-prod-01"));
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("sms.db");
    let start = async |faults: &str| {
        let (data, faults) = (Some(file.clone()), faults.parse().unwrap());
        Api::start(Settings { data, faults, ..Settings::default() }).await
    };
    let right = start("").await.get(&task).await.body;
    let upload = json!({ "consistency_result": [directory("/a", 1)] });

    let api = start("429=100%").await;
    api.post(&task, &upload).await.refused(
        429,
        "APIG.0308",
        "policy user over ratelimit,limit:1000,time:1 second",
    );
    for (status, code) in [
        (500, "SMS.9003"),
        (502, "SMS.9006"),
        (401, "APIG.0301"),
        (403, "SMS.9004"),
        (404, "SMS.9002"),
        (408, "SMS.9001"),
    ] {
        let api = start(&format!("{status}=100%")).await;
        api.post(&task, &upload).await.refused(status, code, "");
    }
    let forbidden = start("403=100%").await.get(&task).await.json();
    for (field, is_there) in [
        ("encoded_authorization_message", forbidden["encoded_authorization_message"].is_string()),
        ("error_param", forbidden["error_param"][0].is_string()),
        ("details", forbidden["details"][0]["error_code"] == "SMS.9004"),
    ] {
        assert!(is_there, "{field}: {forbidden}");
    }
    let api = start("reset=100%").await;
    let error = api.try_send(Method::POST, &task, upload.to_string()).await.err().unwrap();
    assert!(error.is_request(), "there is no answer: {error:?}");
    let api = start("truncate=100%").await;
    let error = api.try_send(Method::GET, &task, String::new()).await.err().unwrap();
    assert!(error.is_body() || error.is_decode(), "the answer begins and ends early: {error:?}");
    let api = start("garbage=100%").await;
    let answer = api.post(&task, &upload).await;
    assert_eq!(answer.headers[CONTENT_TYPE], "application/json");
    assert!(answer.status == 200 && serde_json::from_slice::<Value>(&answer.body).is_err());
    let api = start("html=100%").await;
    let answer = api.post(&task, &upload).await;
    assert_eq!(answer.headers[CONTENT_TYPE], "text/html; charset=utf-8");
    assert!(answer.status == 200 && answer.body.starts_with(b"<!DOCTYPE html>"));
    let api = start("type=100%").await;
    let answer = api.get(&task).await;
    assert_eq!((answer.headers[CONTENT_TYPE].to_str().unwrap(), &answer.body), ("text/plain", &right));
    for late in ["slow=100%:1ms", "drip=100%:20ms"] {
        assert_eq!(start(late).await.get(&task).await.body, right, "{late}");
    }
    let huge = start("huge=100%:3MiB").await.get(&task).await.body;
    assert_eq!((huge.len(), huge.trim_ascii_start()), ((3 << 20) + right.len(), right.trim_ascii_start()));
}

#[tokio::test]
async fn faults_apply_to_every_operation_except_iam() {
    let api = Api::with_faults("503=100%").await;
    let task = id("web-prod-01");
    for asked in [path(&task), "/v3/tasks".to_owned(), format!("/v3/tasks/{task}"), "/v3/sources".to_owned()]
    {
        api.get(&asked).await.refused(503, "SMS.9006", "");
    }
    api.post(&path(&task), "{}").await.refused(503, "SMS.9006", "");
    api.post("/v3/tasks/consistency-results/export", "{}").await.refused(503, "SMS.9006", "");
    assert_eq!(api.post("/v3/auth/tokens", "{}").await.status, 400, "IAM says what is wrong");
}

#[tokio::test]
async fn truncated_response_is_half_of_its_content_length() {
    let api = Api::with_faults("truncate=100%").await;
    let mut stream = TcpStream::connect(api.service.address()).await.unwrap();
    let head = format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", path(&id("web-prod-01")));
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let promised = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert_eq!(promised.parse::<usize>().unwrap() / 2, body.len());
    assert!(body.starts_with("{\"result_list\":["));
}

#[tokio::test]
async fn most_requests_succeed_with_latency_and_faults() {
    let settings = Settings {
        latency: Duration::from_millis(1),
        faults: "500=30%,seed=7".parse().unwrap(),
        ..Settings::default()
    };
    let run = async |settings: Settings| {
        let api = Api::start(settings).await;
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(api.get(&path(&id("web-prod-01"))).await.status);
        }
        statuses
    };
    let first = run(settings.clone()).await;
    assert!(first.contains(&200) && first.contains(&500));
    assert_eq!(first, run(settings).await, "the seed decides");
}

fn copy_as_after_a_crash(from: &Path, to: &Path) {
    for suffix in ["", "-wal"] {
        let name = |path: &Path| format!("{}{suffix}", path.display());
        std::fs::copy(name(from), name(to)).unwrap();
    }
}

#[tokio::test]
async fn acknowledged_uploads_survive() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sms.db");
    let open =
        async |file: &Path| Api::start(Settings { data: Some(file.to_owned()), ..Settings::default() }).await;
    let task = id("web-prod-01");
    let api = open(&file).await;
    let known = path(&task);
    let uploads =
        (1..=20).map(|total| api.post(&known, json!({ "consistency_result": [directory("/a", total)] })));
    let statuses: Vec<_> = futures::future::join_all(uploads.collect::<Vec<_>>()).await;
    assert!(statuses.iter().all(|answer| answer.status == 200));
    let acknowledged = api.results(&task).await;
    assert_eq!(acknowledged["result_list"].as_array().unwrap().len(), 21);

    let copy = folder.path().join("crashed.db");
    copy_as_after_a_crash(&file, &copy);
    assert_eq!(open(&copy).await.results(&task).await, acknowledged);

    api.service.stop().await;
    assert!(!folder.path().join("sms.db-wal").exists(), "a stopped service leaves one file");
    assert_eq!(open(&file).await.results(&task).await, acknowledged);
}

#[tokio::test]
async fn foreign_data_file_is_refused_and_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let refused = async |name: &str| {
        let data = Some(folder.path().join(name));
        let started =
            Service::start("127.0.0.1:0".parse().unwrap(), Settings { data, ..Settings::default() }).await;
        match started.err().unwrap() {
            ServiceError::Store(error) => {
                assert!(error.to_string().contains(name), "{error}");
                error
            }
            other => panic!("{other}"),
        }
    };
    let text = "task_id,source_name\n".repeat(200);
    std::fs::write(folder.path().join("tasks.csv"), &text).unwrap();
    assert!(matches!(refused("tasks.csv").await, StoreError::NotADatabase { .. }));
    assert_eq!(std::fs::read_to_string(folder.path().join("tasks.csv")).unwrap(), text);

    let other = rusqlite::Connection::open(folder.path().join("other.db")).unwrap();
    other.execute_batch("CREATE TABLE theirs (id)").unwrap();
    assert!(matches!(refused("other.db").await, StoreError::Foreign { .. }));

    let data = Some(folder.path().join("newer.db"));
    Api::start(Settings { data, ..Settings::default() }).await.service.stop().await;
    let newer = rusqlite::Connection::open(folder.path().join("newer.db")).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(refused("newer.db").await, StoreError::OtherVersion { found: 99, .. }));
    assert!(matches!(refused("no/such/folder.db").await, StoreError::Open { .. }));
}

#[tokio::test]
async fn address_in_use_is_reported() {
    let api = Api::start(Settings::default()).await;
    let address = api.service.address();
    let error = Service::start(address, Settings::default()).await.err().unwrap();
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[tokio::test]
async fn generated_tasks_are_deterministic() {
    let api = Api::start(Settings { generate: 300, ..Settings::default() }).await;
    let tasks = generated_tasks(300).tasks;
    assert_eq!(tasks, generated_tasks(301).tasks[..300]);
    assert_eq!(tasks[0].display_name(), "web-0001");
    assert_eq!(tasks.iter().map(|task| &task.task_id).collect::<HashSet<_>>().len(), 300);
    let (mut twice, mut inconsistent) = (0, 0);
    for task in &tasks {
        assert_eq!(task.id_text().len(), 36);
        let results = api.results(task.id_text()).await;
        let list = results["result_list"].as_array().unwrap();
        twice += usize::from(list.len() == 2);
        let directories = list[0]["consistency_result"].as_array().unwrap();
        assert_eq!(directories.len(), 30);
        inconsistent += usize::from(directories.iter().any(|item| item["num_different_files"] != 0));
    }
    assert!((1..100).contains(&twice) && (1..100).contains(&inconsistent), "{twice} {inconsistent}");
    assert_eq!(api.get(&path(&id("web-prod-01"))).await.status, 404, "no sample data beside them");
}

#[tokio::test]
async fn stop_waits_for_running_requests() {
    let api = Api::start(Settings::default()).await;
    let mut stream = TcpStream::connect(api.service.address()).await.unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n",
        path(&id("web-prod-01"))
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut begun = [0; 25];
    stream.read_exact(&mut begun).await.unwrap();
    assert_eq!(&begun, b"HTTP/1.1 100 Continue\r\n\r\n");
    let end = async {
        stream.write_all(b"{}").await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    };
    let ((), text) = tokio::join!(api.service.stop(), end);
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("\r\n\r\n{}"), "{text}");
}
