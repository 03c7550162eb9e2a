//! A client of the embedded service that checks every response.

use cutover_report::service::{SAMPLE_HEADER, Service, Settings};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Method};
use serde_json::Value;

pub struct Api {
    pub service: Service,
    client: Client,
}

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        assert_eq!(self.headers[CONTENT_TYPE], "application/json");
        serde_json::from_slice(&self.body).unwrap()
    }

    #[track_caller]
    pub fn refused(&self, status: u16, code: &str, message: &str) {
        let body = self.json();
        assert_eq!(self.status, status, "{body}");
        assert_eq!(body["error_code"], code);
        let text = body["error_msg"].as_str().unwrap();
        assert!(text.contains(message), "{text}");
    }
}

impl Api {
    pub async fn start(settings: Settings) -> Self {
        // Fails only when another test has installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let service = Service::start("127.0.0.1:0".parse().unwrap(), settings).await.unwrap();
        Self { service, client: Client::builder().no_proxy().build().unwrap() }
    }

    pub async fn with_faults(faults: &str) -> Self {
        Self::start(Settings { faults: faults.parse().unwrap(), ..Settings::default() }).await
    }

    pub async fn try_send(&self, method: Method, path: &str, body: String) -> reqwest::Result<Answer> {
        let url = format!("http://{}{path}", self.service.address());
        let response =
            self.client.request(method, url).header("x-language", "en-us").body(body).send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        assert_eq!(headers[SAMPLE_HEADER], "true");
        assert_eq!(headers["x-request-id"].len(), 32);
        Ok(Answer { status, headers, body: response.bytes().await?.to_vec() })
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.try_send(Method::GET, path, String::new()).await.unwrap()
    }

    pub async fn post(&self, path: &str, body: impl ToString) -> Answer {
        self.try_send(Method::POST, path, body.to_string()).await.unwrap()
    }

    pub async fn results(&self, task_id: &str) -> Value {
        let answer = self.get(&path(task_id)).await;
        assert_eq!(answer.status, 200);
        answer.json()
    }
}

pub fn path(task_id: &str) -> String {
    format!("/v3/tasks/{task_id}/consistency-result")
}
