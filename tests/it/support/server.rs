//! A server that records requests and answers as a test defines.

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Response};

/// A received request.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    /// The path as it was sent, percent-encoded.
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

pub struct Server {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    _runtime: tokio::runtime::Runtime,
}

impl Server {
    /// Starts a server; `answer` gets each request and the number of requests before it.
    pub fn start(answer: impl Fn(&Seen, usize) -> Response<Body> + Send + Sync + 'static) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer) = (Arc::clone(&seen), Arc::new(answer));
        let router = Router::new().fallback(move |request: Request| {
            let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
            async move {
                let (parts, body) = request.into_parts();
                let seen = Seen {
                    method: parts.method.to_string(),
                    path: parts.uri.path().to_owned(),
                    query: parts.uri.query().unwrap_or_default().to_owned(),
                    headers: parts.headers,
                    body: axum::body::to_bytes(body, usize::MAX).await.unwrap(),
                };
                let before = {
                    let mut kept = kept.lock().unwrap();
                    kept.push(seen.clone());
                    kept.len() - 1
                };
                answer(&seen, before)
            }
        });
        runtime.spawn(async { axum::serve(listener, router).await.unwrap() });
        Self { address, seen, _runtime: runtime }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All requests so far, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// A server that answers the first `healthy` requests, and then holds each until it is released.
pub struct Stalling {
    pub server: Server,
    stalled: Receiver<()>,
    held: Arc<Mutex<Option<usize>>>,
}

impl Stalling {
    pub fn after(healthy: usize) -> Self {
        Self::answering(healthy, consistent)
    }

    pub fn answering(healthy: usize, answer: impl Fn() -> Response<Body> + Send + Sync + 'static) -> Self {
        let (tell, stalled) = channel();
        let held = Arc::new(Mutex::new(Some(healthy)));
        let gate = Arc::clone(&held);
        let server = Server::start(move |_, before| {
            let holds = || gate.lock().unwrap().is_some_and(|healthy| before >= healthy);
            if holds() {
                let _ = tell.send(());
                while holds() {
                    std::thread::sleep(std::time::Duration::from_millis(2));
                }
            }
            answer()
        });
        Self { server, stalled, held }
    }

    /// Waits until a request is held.
    pub fn stalled(&self) {
        self.stalled.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
    }

    pub fn release(&self) {
        *self.held.lock().unwrap() = None;
    }
}

pub fn json(status: u16, body: impl Into<String>) -> Response<Body> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Body::from(body.into()))
        .unwrap()
}

/// Consistent results of one directory, finished just now.
pub fn consistent() -> Response<Body> {
    let now = jiff::Timestamp::now().as_millisecond();
    json(
        200,
        format!(
            r#"{{"result_list":[{{"finished_time":{now},"check_result":"success","consistency_result":[{{"dir_check":"/data","num_total_files":5,"num_different_files":0,"num_target_miss_files":0,"num_target_more_files":0}}]}}]}}"#
        ),
    )
}
