//! An S3 server with signatures, conditions, paged listings, and faults on demand.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use assert_cmd::cargo::cargo_bin;
use axum::body::Body;
use axum::http::Response;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::server::{Seen, Server};
use super::{Run, files, run_with, sample_tasks};

pub const KEY: &str = "AKIDOFTHETEST";
pub const SECRET: &str = "the-secret-of-the-test/+=";
/// Small, so that a short listing has pages.
const PAGE: usize = 3;

type Fault = Box<dyn Fn(&Seen) -> Option<u16> + Send>;

pub struct S3 {
    server: Server,
    state: Arc<Mutex<State>>,
}

struct State {
    /// By bucket and key.
    objects: BTreeMap<String, Vec<u8>>,
    /// Multipart uploads by number, with their object.
    uploads: BTreeMap<u32, (String, BTreeMap<u32, Vec<u8>>)>,
    begun: u32,
    /// The error status of a request.
    fault: Fault,
    /// Whether `If-Match` and `If-None-Match` are honoured; else they are ignored.
    conditional: bool,
    /// Changes the ETags of uploads and downloads; none for no header.
    tag_with: fn(String) -> Option<String>,
}

impl S3 {
    /// A server with the empty bucket `b`.
    pub fn start() -> Self {
        let state = State {
            objects: BTreeMap::new(),
            uploads: BTreeMap::new(),
            begun: 0,
            fault: Box::new(|_| None),
            conditional: true,
            tag_with: Some,
        };
        let state = Arc::new(Mutex::new(state));
        let kept = Arc::clone(&state);
        Self { server: Server::start(move |seen, _| kept.lock().unwrap().answer(seen)), state }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    /// All requests so far, as in `PUT b/key?query`.
    pub fn requests(&self) -> Vec<String> {
        let reported = |seen: &Seen| {
            let query = if seen.query.is_empty() { String::new() } else { format!("?{}", seen.query) };
            format!("{} {}{query}", seen.method, path_of(seen))
        };
        self.server.seen().iter().map(reported).collect()
    }

    /// The variables with valid credentials.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let fixed = [("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", SECRET), ("AWS_REGION", "xx-1")];
        let fixed = fixed.map(|(name, value)| (name, value.to_owned()));
        [&fixed[..], &[("AWS_ENDPOINT_URL", self.url())]].concat()
    }

    /// Runs the program with these variables, and its temporary files in `tmp`.
    pub fn run(&self, folder: &Path, arguments: &[&str]) -> Run {
        self.run_with(folder, &[], arguments)
    }

    pub fn run_with(&self, folder: &Path, more: &[(&str, &str)], arguments: &[&str]) -> Run {
        let scratch = folder.join("tmp");
        std::fs::create_dir_all(&scratch).unwrap();
        let own = self.variables();
        let own = own.iter().map(|(name, value)| (*name, value.as_str()));
        let scratch = ("TMPDIR", scratch.to_str().unwrap());
        let variables: Vec<_> = own.chain([scratch]).chain(more.iter().copied()).collect();
        run_with(folder, &variables, arguments)
    }

    /// Exports the sample tasks from the embedded service.
    pub fn export(&self, folder: &Path, more: &[&str]) -> Run {
        let tasks = sample_tasks();
        let fixed = ["export", &tasks, "--endpoint", "embedded", "--rate", "1000/s"];
        self.run(folder, &[&fixed[..], more].concat())
    }

    /// Starts the program as [`run_with`](Self::run_with) does.
    pub fn start_run(&self, folder: &Path, more: &[(&str, &str)], arguments: &[&str]) -> Child {
        let scratch = folder.join("tmp");
        std::fs::create_dir_all(&scratch).unwrap();
        let mut command = Command::new(cargo_bin("cutover-report"));
        command.current_dir(folder).env_clear().envs(self.variables()).env("TMPDIR", scratch);
        command.envs(more.iter().copied()).args(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Checks that a run left no temporary files.
    pub fn assert_clean(folder: &Path) {
        let left = files(&folder.join("tmp"));
        assert_eq!(std::fs::read_dir(folder.join("tmp")).unwrap().count(), 0, "{:?}", left.keys());
    }

    /// A fault for uploads of an object, for [`refuse`](Self::refuse).
    pub fn puts_of(key: &'static str) -> impl Fn(&Seen) -> Option<u16> {
        move |seen| (seen.method == "PUT" && path_of(seen) == format!("b/{key}")).then_some(503)
    }

    /// The keys of the bucket.
    pub fn keys(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.objects.keys().map(|path| path.strip_prefix("b/").unwrap().to_owned()).collect()
    }

    pub fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.state.lock().unwrap().objects.get(&format!("b/{key}")).cloned()
    }

    pub fn text(&self, key: &str) -> String {
        String::from_utf8(self.get(key).unwrap_or_else(|| panic!("no {key} in {:?}", self.keys()))).unwrap()
    }

    pub fn put(&self, key: &str, content: impl Into<Vec<u8>>) {
        self.state.lock().unwrap().objects.insert(format!("b/{key}"), content.into());
    }

    /// Refuses requests with the status from `fault`.
    pub fn refuse(&self, fault: impl Fn(&Seen) -> Option<u16> + Send + 'static) {
        self.state.lock().unwrap().fault = Box::new(fault);
    }

    /// Ignores conditions from now on.
    pub fn pass_over_conditions(&self) {
        self.state.lock().unwrap().conditional = false;
    }

    /// Changes the ETags from now on.
    pub fn tag_with(&self, change: fn(String) -> Option<String>) {
        self.state.lock().unwrap().tag_with = change;
    }

    /// The number of multipart uploads that are neither complete nor aborted.
    pub fn unfinished(&self) -> usize {
        self.state.lock().unwrap().uploads.len()
    }
}

/// `bucket/key`.
pub fn path_of(seen: &Seen) -> String {
    decoded(seen.path.trim_start_matches('/'), false)
}

impl State {
    fn answer(&mut self, seen: &Seen) -> Response<Body> {
        if let Some(status) = (self.fault)(seen) {
            return error(status, "Fault", "As the test says");
        }
        if let Err((code, what)) = check_signature(seen) {
            return error(403, code, &what);
        }
        let path = path_of(seen);
        let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
        if bucket != "b" {
            return error(404, "NoSuchBucket", "The specified bucket does not exist");
        }
        let query: BTreeMap<String, String> = query_of(seen).into_iter().collect();
        let number = |name: &str| query.get(name).and_then(|text| text.parse::<u32>().ok());
        match (seen.method.as_str(), number("uploadId")) {
            ("GET", None) if key.is_empty() => self.list(&query),
            ("GET" | "HEAD", None) => self.read(seen, &path),
            ("DELETE", None) => {
                self.objects.remove(&path);
                empty(204)
            }
            ("PUT", None) => self.write(seen, path),
            ("POST", None) if query.contains_key("uploads") => {
                self.begun += 1;
                let begun = self.begun;
                self.uploads.insert(begun, (path, BTreeMap::new()));
                xml("InitiateMultipartUploadResult", &format!("<UploadId>{begun}</UploadId>"))
            }
            (method, Some(upload)) => {
                let part = number("partNumber");
                let Some((_, parts)) = self.uploads.get_mut(&upload) else {
                    return error(404, "NoSuchUpload", "The specified upload does not exist");
                };
                match (method, part) {
                    ("PUT", Some(part)) => {
                        parts.insert(part, seen.body.to_vec());
                        tagged(200, &seen.body).body(Body::empty()).unwrap()
                    }
                    ("POST", None) => {
                        let (path, parts) = self.uploads.remove(&upload).unwrap();
                        let sizes: Vec<usize> = parts.values().map(Vec::len).collect();
                        assert!(sizes[..sizes.len() - 1].iter().all(|size| *size >= 5 << 20), "{sizes:?}");
                        let content = parts.into_values().flatten().collect::<Vec<u8>>();
                        let tag = tag_of(&content).replace('"', "&quot;");
                        self.objects.insert(path, content);
                        xml("CompleteMultipartUploadResult", &format!("<ETag>{tag}</ETag>"))
                    }
                    ("DELETE", None) => {
                        self.uploads.remove(&upload);
                        empty(204)
                    }
                    _ => error(405, "MethodNotAllowed", "Not allowed"),
                }
            }
            _ => error(405, "MethodNotAllowed", "Not allowed"),
        }
    }

    fn read(&self, seen: &Seen, path: &str) -> Response<Body> {
        let Some(content) = self.objects.get(path) else {
            return error(404, "NoSuchKey", "The specified key does not exist.");
        };
        let range = seen.header("range").and_then(|range| {
            let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
            Some((first.parse::<usize>().ok()?, last.parse::<usize>().ok()?))
        });
        let answer = self.tagged(if range.is_some() { 206 } else { 200 }, content);
        let answer = answer.header("last-modified", "Sat, 21 Nov 2026 09:00:00 GMT");
        match range {
            None => answer.body(Body::from(content.clone())).unwrap(),
            Some((first, last)) => {
                let last = last.min(content.len() - 1);
                answer
                    .header("content-range", format!("bytes {first}-{last}/{}", content.len()))
                    .body(Body::from(content[first..=last].to_vec()))
                    .unwrap()
            }
        }
    }

    fn write(&mut self, seen: &Seen, path: String) -> Response<Body> {
        let there = self.objects.get(&path).map(|content| tag_of(content));
        let refused = match (seen.header("if-match"), seen.header("if-none-match")) {
            // A weak one matches none.
            (Some(tag), _) => {
                there.as_deref() != Some(tag) || (self.tag_with)(tag.to_owned()).as_deref() != Some(tag)
            }
            (None, Some("*")) => there.is_some(),
            _ => false,
        };
        if refused && self.conditional {
            return error(412, "PreconditionFailed", "At least one of the pre-conditions did not hold");
        }
        self.objects.insert(path, seen.body.to_vec());
        self.tagged(200, &seen.body).body(Body::empty()).unwrap()
    }

    fn tagged(&self, status: u16, content: &[u8]) -> axum::http::response::Builder {
        let answer = Response::builder().status(status);
        match (self.tag_with)(tag_of(content)) {
            Some(tag) => answer.header("etag", tag),
            None => answer,
        }
    }

    fn list(&self, query: &BTreeMap<String, String>) -> Response<Body> {
        let prefix = format!("b/{}", query.get("prefix").map_or("", String::as_str));
        let after = query.get("continuation-token").cloned().unwrap_or_default();
        let found = self.objects.iter().filter(|(path, _)| path.starts_with(&prefix) && **path > after);
        let found: Vec<_> = found.collect();
        let mut body = String::new();
        for (path, content) in found.iter().take(PAGE) {
            let key = path.strip_prefix("b/").unwrap().replace('&', "&amp;").replace('<', "&lt;");
            let (size, tag) = (content.len(), tag_of(content).replace('"', "&quot;"));
            write!(
                body,
                "<Contents><Key>{key}</Key><LastModified>2026-11-21T09:00:00.000Z</LastModified>\
                 <ETag>{tag}</ETag><Size>{size}</Size></Contents>"
            )
            .unwrap();
        }
        if found.len() > PAGE {
            let token = found[PAGE - 1].0;
            write!(body, "<NextContinuationToken>{token}</NextContinuationToken>").unwrap();
        }
        write!(body, "<IsTruncated>{}</IsTruncated>", found.len() > PAGE).unwrap();
        xml("ListBucketResult", &body)
    }
}

fn tag_of(content: &[u8]) -> String {
    format!("\"{}\"", &hex::encode(Sha256::digest(content))[..32])
}

fn tagged(status: u16, content: &[u8]) -> axum::http::response::Builder {
    Response::builder().status(status).header("etag", tag_of(content))
}

fn empty(status: u16) -> Response<Body> {
    Response::builder().status(status).body(Body::empty()).unwrap()
}

fn xml(name: &str, body: &str) -> Response<Body> {
    let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><{name}>{body}</{name}>");
    Response::builder().header("content-type", "application/xml").body(Body::from(text)).unwrap()
}

/// As of AWS: with values that must not be shown.
fn error(status: u16, code: &str, message: &str) -> Response<Body> {
    let body = format!(
        "<Error><Code>{code}</Code><Message>{message}</Message><AWSAccessKeyId>{KEY}</AWSAccessKeyId></Error>"
    );
    Response::builder().status(status).body(Body::from(body)).unwrap()
}

/// AWS signature version 4, with the test's key.
fn check_signature(seen: &Seen) -> Result<(), (&'static str, String)> {
    let differs = |what: &str| ("SignatureDoesNotMatch", format!("The request signature differs: {what}"));
    let authorization = seen.header("authorization").ok_or(("AccessDenied", "Access Denied".to_owned()))?;
    let fields = authorization.strip_prefix("AWS4-HMAC-SHA256 ").ok_or_else(|| differs("the algorithm"))?;
    let field = |name: &str| {
        let mut fields = fields.split(',').map(str::trim);
        fields.find_map(|field| field.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
    };
    let (key, scope) = field("Credential").split_once('/').unwrap_or_default();
    if key != KEY {
        return Err(("InvalidAccessKeyId", format!("The key {key} you provided does not exist.")));
    }
    let scope_parts: Vec<&str> = scope.split('/').collect();
    let [date, "xx-1", "s3", "aws4_request"] = scope_parts[..] else { return Err(differs(scope)) };
    let hashed = seen.header("x-amz-content-sha256").unwrap_or_default();
    if hashed != hex::encode(Sha256::digest(&seen.body)) {
        return Err(differs("the body's hash"));
    }
    let signed = field("SignedHeaders");
    let headers =
        signed.split(';').map(|name| format!("{name}:{}\n", seen.header(name).unwrap_or_default().trim()));
    let mut query: Vec<String> =
        query_of(seen).iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    query.sort();
    let request = format!(
        "{}\n{}\n{}\n{}\n{signed}\n{hashed}",
        seen.method,
        seen.path,
        query.join("&"),
        headers.collect::<String>()
    );
    let time = seen.header("x-amz-date").unwrap_or_default();
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex::encode(Sha256::digest(request)));
    let parts = [date, "xx-1", "s3", "aws4_request"];
    let key = parts.iter().fold(format!("AWS4{SECRET}").into_bytes(), |key, part| mac(&key, part));
    if hex::encode(mac(&key, &to_sign)) == field("Signature") {
        Ok(())
    } else {
        Err(differs("the signature"))
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn query_of(seen: &Seen) -> Vec<(String, String)> {
    let pairs = seen.query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(n, v)| (decoded(n, true), decoded(v, true)))
        .collect()
}

/// In a query a space may be a plus.
fn decoded(text: &str, is_query: bool) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| char::from(byte.unwrap()).to_digit(16).unwrap();
        bytes.push(match byte {
            b'+' if is_query => b' ',
            b'%' => u8::try_from(digit(rest.next()) * 16 + digit(rest.next())).unwrap(),
            byte => byte,
        });
    }
    String::from_utf8(bytes).unwrap()
}

fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
