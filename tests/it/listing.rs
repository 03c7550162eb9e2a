//! The embedded service's listing calls.

use std::collections::BTreeSet;

use cutover_report::service::{Service, Settings, generated_tasks, sample_tasks};
use serde_json::Value;

struct Api(Service);

impl Api {
    async fn start(generate: usize) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let settings = Settings { generate, ..Settings::default() };
        Self(Service::start("127.0.0.1:0".parse().unwrap(), settings).await.unwrap())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let answer = reqwest::get(format!("http://{}{path}", self.0.address())).await.unwrap();
        (answer.status().as_u16(), serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
    }
}

fn ids(page: &Value, list: &str) -> Vec<String> {
    page[list].as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_hold_every_task_once() {
    let api = Api::start(450).await;
    let mut seen = Vec::new();
    for offset in [0, 200, 400, 600] {
        let (status, page) = api.get(&format!("/v3/tasks?limit=0&offset={offset}")).await;
        assert_eq!((status, &page["count"]), (200, &450.into()), "count ignores paging");
        seen.extend(ids(&page, "tasks"));
    }
    let expected: Vec<String> =
        generated_tasks(450).tasks.iter().map(|task| task.id_text().to_owned()).collect();
    assert_eq!(seen.iter().collect::<BTreeSet<_>>(), expected.iter().collect());
    assert_eq!(seen.len(), 450);
    assert_eq!(ids(&api.get("/v3/tasks?limit=3&offset=7").await.1, "tasks"), seen[7..10]);
}

#[tokio::test]
async fn sources_list_results_and_current_task() {
    let api = Api::start(0).await;
    let (_, with) = api.get("/v3/sources?is_consistency_result_exist=true").await;
    let (_, without) = api.get("/v3/sources?is_consistency_result_exist=false").await;
    assert_eq!((&with["count"], &without["count"]), (&11.into(), &1.into()));
    assert_eq!(without["source_servers"][0]["name"], "mail-relay-01");
    let expected = &sample_tasks().tasks[0];
    let first = &with["source_servers"][0];
    assert_eq!(first["current_task"]["id"], expected.id_text());
    assert_eq!(first["id"].as_str(), expected.source_id.as_deref());
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let api = Api::start(0).await;
    let all = sample_tasks().tasks;
    let one = &all[3];
    let count = async |query: &str| api.get(&format!("/v3/tasks?{query}")).await.1["count"].as_u64().unwrap();
    assert_eq!(count("").await, 12);
    assert_eq!(count("state=MIGRATE_SUCCESS").await, 12);
    assert_eq!(count("state=RUNNING").await, 0);
    assert_eq!(count("name=db-orders").await, 2);
    assert_eq!(count(&format!("id={}", one.id_text())).await, 1);
    assert_eq!(count(&format!("source_server_id={}", one.source_id.as_deref().unwrap())).await, 1);
    let (status, task) = api.get(&format!("/v3/tasks/{}", one.id_text())).await;
    assert_eq!((status, task["source_server"]["name"].as_str()), (200, one.source_name.as_deref()));
}

#[tokio::test]
async fn listing_parameters_out_of_range_are_refused() {
    let api = Api::start(0).await;
    for (path, expected) in [
        ("/v3/tasks?limit=201", 400),
        ("/v3/tasks?offset=65536", 400),
        ("/v3/sources?limit=-1", 400),
        ("/v3/sources?is_consistency_result_exist=perhaps", 400),
        ("/v3/tasks/nobody", 404),
    ] {
        let (status, body) = api.get(path).await;
        assert_eq!(status, expected, "{path}");
        assert!(body["error_code"].is_string() && body["error_msg"].is_string(), "{path}: {body}");
    }
}
