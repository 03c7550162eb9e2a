//! Requests to the embedded service, over a socket. The first byte chooses: the body of an `u`pload, of a `c`onfiguration,
//! of a batch `e`xport or of a `l`ogin, the `q`uery of a listing; anything else is the whole request.

use std::sync::LazyLock;

use cutover_report::service::{Service, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

static SERVICE: LazyLock<(Runtime, Service)> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let start = Service::start(([127, 0, 0, 1], 0).into(), Settings::default());
    let service = runtime.block_on(start).expect("a free port");
    (runtime, service)
});

pub fn run(data: &[u8]) {
    let Some((kind, content)) = data.split_first() else { return };
    let post = |path: &str| {
        let length = content.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
        );
        [head.as_bytes(), content].concat()
    };
    // No such task: a body that is valid is answered with 404, and nothing is stored.
    let (request, is_whole) = match kind {
        b'u' => (post("/v3/tasks/none/consistency-result"), true),
        b'c' => (post("/v3/tasks/none/configuration-setting"), true),
        b'e' => (post("/v3/tasks/consistency-results/export"), true),
        b'l' => (post("/v3/auth/tokens"), true),
        b'q' => (
            [b"GET /v3/tasks?", content, b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"].concat(),
            false,
        ),
        _ => (data.to_vec(), false),
    };
    let (runtime, service) = &*SERVICE;
    let answer = runtime.block_on(async {
        let mut stream = TcpStream::connect(service.address()).await.expect("the service listens");
        // It may close the connection before it has read an invalid request.
        let _ = stream.write_all(&request).await;
        if !is_whole {
            // The end of a request without an end. The service answers no client that is gone.
            let _ = stream.shutdown().await;
        }
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer
    });
    let text = String::from_utf8_lossy(&answer);
    assert!(!is_whole || text.starts_with("HTTP/1.1 "), "no answer: {text}");
    assert!(!text.starts_with("HTTP/1.1 5"), "{text}");
}
