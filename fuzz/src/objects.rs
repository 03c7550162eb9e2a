//! Answers of S3 to a request for a listing, over a socket. The first byte chooses the status: `4` for 404, `3` for
//! 403, `r` for 200 each time, anything else for 200 and then an empty page.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{LazyLock, Mutex};

use cutover_report::storage::Storage;

const PREFIX: &str = "s3://bucket/runs/";
const LAST_PAGE: &[u8] = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";

#[derive(Clone)]
struct Answer {
    status: &'static str,
    body: Vec<u8>,
    is_repeated: bool,
}

/// The next answer, if it is not an empty page.
static NEXT: Mutex<Option<Answer>> = Mutex::new(None);
static STORAGE: LazyLock<Storage> = LazyLock::new(|| {
    let keys = |name: &str| name.contains("_ACCESS_KEY").then(|| "fuzz".to_owned());
    Storage::with_variables(&format!("http://{}", serve()), keys)
});

pub fn run(data: &[u8]) {
    let Some((kind, body)) = data.split_first() else { return };
    let status = match kind {
        b'4' => "404 Not Found",
        b'3' => "403 Forbidden",
        _ => "200 OK",
    };
    *NEXT.lock().expect("the next answer") =
        Some(Answer { status, body: body.to_vec(), is_repeated: *kind == b'r' });
    match STORAGE.list(Path::new(PREFIX)) {
        Err(error) => assert!(error.to_string().contains(PREFIX), "{error}"),
        Ok(found) => {
            assert!(status.starts_with("200"));
            for object in found {
                assert!(object.location.to_string_lossy().starts_with(PREFIX), "{object:?}");
            }
        }
    }
}

fn serve() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(&stream));
        }
    });
    address
}

/// Answers the requests of a connection, which have no bodies.
fn answer(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut request = BufReader::new(stream);
    let mut line = String::new();
    while request.read_line(&mut line)? > 0 {
        if line == "\r\n" {
            let mut next = NEXT.lock().expect("the next answer");
            let sent = next.take_if(|next| !next.is_repeated).or_else(|| next.clone());
            drop(next);
            let (status, body) = sent.map_or(("200 OK", LAST_PAGE.to_vec()), |sent| (sent.status, sent.body));
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len());
            { stream }.write_all(&[head.as_bytes(), &body].concat())?;
        }
        line.clear();
    }
    Ok(())
}
