//! Small ticket systems that keep what they get, held to the documentation of the real ones, with faults on demand.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::server::{Seen, Server, json as answer};

pub const SECRET: &str = "canary-secret-0123456789";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    Redmine,
    Jira,
    JiraDc,
    Rt,
    Gitlab,
    ServiceNow,
}

impl System {
    pub const ALL: [Self; 6] =
        [Self::Redmine, Self::Jira, Self::JiraDc, Self::Rt, Self::Gitlab, Self::ServiceNow];

    /// The variables that hold the secret.
    pub fn variables(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Redmine => vec![("REDMINE_API_KEY", SECRET)],
            Self::Jira => vec![("JIRA_USER", "me@x.org"), ("JIRA_API_TOKEN", SECRET)],
            Self::JiraDc => vec![("JIRA_PAT", SECRET)],
            Self::Rt => vec![("RT_TOKEN", SECRET)],
            Self::Gitlab => vec![("GITLAB_TOKEN", SECRET)],
            Self::ServiceNow => vec![("SERVICENOW_TOKEN", SECRET)],
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Redmine => "/issues/17",
            Self::Jira | Self::JiraDc => "/browse/OPS-17",
            Self::Rt => "/Ticket/Display.html?id=17",
            Self::Gitlab => "/group/project/-/issues/17",
            Self::ServiceNow => "/change_request.do?sys_id=00aa11bb",
        }
    }

    fn is_authorized(self, seen: &Seen) -> bool {
        let (name, value) = match self {
            Self::Redmine => ("x-redmine-api-key", SECRET.to_owned()),
            Self::Jira => {
                ("authorization", format!("Basic {}", BASE64_STANDARD.encode(format!("me@x.org:{SECRET}"))))
            }
            Self::JiraDc | Self::ServiceNow => ("authorization", format!("Bearer {SECRET}")),
            Self::Rt => ("authorization", format!("token {SECRET}")),
            Self::Gitlab => ("private-token", SECRET.to_owned()),
        };
        seen.header(name) == Some(value.as_str())
    }
}

/// What the system does with requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Answers the first requests that change something with this status, and does nothing.
    Refuse { status: u16, times: usize },
    /// Does what the first request that changes something asks, and answers 503.
    DoneBut503,
    /// Changes a byte of each file.
    Alter,
    /// Accepts files, and drops those above this size; RT keeps a note instead.
    Drop(usize),
    /// Answers everything with a login page and 200.
    Login,
    /// Answers everything with a redirect to another host.
    Redirect,
}

#[derive(Debug, Default)]
pub struct State {
    pub files: Vec<(u64, String, Vec<u8>)>,
    pub comments: Vec<(u64, String)>,
    tokens: HashMap<String, (String, Vec<u8>)>,
    /// The size of each file as it was sent.
    sent: HashMap<u64, usize>,
    /// Name, size and limit of files that were dropped.
    dropped: Vec<(String, usize, usize)>,
    next: u64,
    changes: usize,
    faults: Vec<Fault>,
    /// The request that changes something to stop at, and whether it is carried out first.
    stop_at: Option<(usize, bool)>,
}

impl State {
    fn id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn attach(&mut self, name: &str, content: &[u8]) -> u64 {
        let sent = content.len();
        let mut content = content.to_vec();
        let mut name = name.to_owned();
        for fault in self.faults.clone() {
            match fault {
                Fault::Alter => {
                    if let Some(byte) = content.first_mut() {
                        *byte ^= 1;
                    }
                }
                Fault::Drop(most) if content.len() > most => {
                    self.dropped.push((name.clone(), sent, most));
                    content = b"Large attachment dropped".to_vec();
                    name += ".txt";
                }
                _ => {}
            }
        }
        let id = self.id();
        self.sent.insert(id, sent);
        self.files.push((id, name, content));
        id
    }

    fn comment(&mut self, text: &str) -> u64 {
        let id = self.id();
        self.comments.push((id, text.to_owned()));
        id
    }
}

pub struct Tickets {
    pub server: Server,
    pub system: System,
    state: Arc<Mutex<State>>,
    stopped: Receiver<()>,
    go_on: Sender<()>,
}

impl Tickets {
    pub fn start(system: System) -> Self {
        let state = Arc::new(Mutex::new(State { next: 100, ..State::default() }));
        let shared = Arc::clone(&state);
        let (tell, stopped) = channel();
        let (go_on, wait) = channel::<()>();
        let wait = Mutex::new(wait);
        let server = Server::start(move |seen, _| {
            let is_change = seen.method != "GET";
            let mut state = shared.lock().unwrap();
            if !system.is_authorized(seen) {
                return answer(401, r#"{"error":"unauthorized"}"#);
            }
            if let Some(response) = fault(&mut state, is_change) {
                return response;
            }
            let number = state.changes;
            state.changes += usize::from(is_change);
            let stop = state.stop_at.filter(|(at, _)| is_change && *at == number);
            if let Some((_, false)) = stop {
                drop(state);
                tell.send(()).unwrap();
                let _ = wait.lock().unwrap().recv_timeout(Duration::from_secs(60));
                return answer(500, "{}");
            }
            let response = handle(system, &mut state, seen);
            let is_done_but = state.faults.iter().position(|fault| *fault == Fault::DoneBut503);
            if let Some(index) = is_done_but.filter(|_| is_change) {
                state.faults.remove(index);
                return answer(503, "{}");
            }
            if stop.is_some() {
                drop(state);
                tell.send(()).unwrap();
                let _ = wait.lock().unwrap().recv_timeout(Duration::from_secs(60));
            }
            response
        });
        Self { server, system, state, stopped, go_on }
    }

    pub fn url(&self) -> String {
        format!("{}{}", self.server.url(), self.system.path())
    }

    pub fn fault(&self, fault: Fault) {
        self.state.lock().unwrap().faults.push(fault);
    }

    pub fn clear(&self) {
        let mut state = self.state.lock().unwrap();
        *state = State { next: state.next, ..State::default() };
    }

    pub fn heal(&self) {
        let mut state = self.state.lock().unwrap();
        state.faults.clear();
        state.stop_at = None;
    }

    /// Stops at a request that changes something, by its number; `done` is whether it is carried out first.
    pub fn stop_at(&self, number: usize, done: bool) {
        let mut state = self.state.lock().unwrap();
        state.changes = 0;
        state.stop_at = Some((number, done));
    }

    /// Waits for that request; false if the program ends before.
    pub fn is_stopped(&self) -> bool {
        self.stopped.recv_timeout(Duration::from_millis(50)).is_ok()
    }

    pub fn go_on(&self) {
        self.go_on.send(()).unwrap();
    }

    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let state = self.state.lock().unwrap();
        let files = state.files.iter();
        // GitLab's uploads belong to the project; the ticket has those that a note links to.
        let is_linked = |name: &str, id: u64| {
            self.system != System::Gitlab
                || state.comments.iter().any(|(_, text)| text.contains(&format!("/uploads/{id}/{name}")))
        };
        let mut files: Vec<_> = files
            .filter(|(id, name, _)| is_linked(name, *id))
            .map(|(_, name, content)| (name.clone(), content.clone()))
            .collect();
        files.sort();
        files
    }

    pub fn comments(&self) -> Vec<String> {
        self.state.lock().unwrap().comments.iter().map(|(_, text)| text.clone()).collect()
    }

    pub fn changes(&self) -> usize {
        self.state.lock().unwrap().changes
    }
}

fn fault(state: &mut State, is_change: bool) -> Option<Response<Body>> {
    for fault in &mut state.faults {
        match fault {
            Fault::Refuse { status, times } if is_change && *times > 0 => {
                *times -= 1;
                let mut response = answer(*status, r#"{"errorMessages":["refused by the test"]}"#);
                response.headers_mut().insert("retry-after", "0".parse().unwrap());
                return Some(response);
            }
            Fault::Login => {
                return Some(
                    Response::builder().body(Body::from("<!DOCTYPE html><html>Login</html>")).unwrap(),
                );
            }
            Fault::Redirect => {
                let response =
                    Response::builder().status(302).header("location", "https://elsewhere.example/x");
                return Some(response.body(Body::empty()).unwrap());
            }
            _ => {}
        }
    }
    None
}

fn query(seen: &Seen, name: &str) -> String {
    let url = reqwest::Url::parse(&format!("http://x/?{}", seen.query)).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// The parts of a form: the head of each, and its content.
fn parts(seen: &Seen) -> Vec<(String, Vec<u8>)> {
    let kind = seen.header("content-type").unwrap();
    let boundary = kind.split_once("boundary=").unwrap().1;
    let delimiter = format!("\r\n--{boundary}");
    let find = |text: &[u8], needle: &[u8]| text.windows(needle.len()).position(|window| window == needle);
    let mut rest = [b"\r\n", &seen.body[..]].concat();
    let mut parts = Vec::new();
    while let Some(start) = find(&rest, format!("{delimiter}\r\n").as_bytes()) {
        rest.drain(..start + delimiter.len() + 2);
        let end = find(&rest, delimiter.as_bytes()).unwrap();
        let head = find(&rest, b"\r\n\r\n").unwrap();
        let content = rest[head + 4..end].to_vec();
        parts.push((String::from_utf8(rest[..head].to_vec()).unwrap(), content));
        rest.drain(..end);
    }
    parts
}

fn file_name(head: &str) -> String {
    head.split_once("filename=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
}

/// The file of a form with one file.
fn form(seen: &Seen) -> (String, Vec<u8>) {
    let [(head, content)] = parts(seen).try_into().unwrap();
    assert!(head.contains("name=\"file\""), "{head}");
    (file_name(&head), content)
}

/// A page of a collection of RT, which does not tell an ordinary account how many there are.
fn rt_page(seen: &Seen, items: Vec<Value>) -> Response<Body> {
    let page: usize = query(seen, "page").parse().unwrap();
    let items: Vec<Value> = items.into_iter().skip((page - 1) * 3).take(3).collect();
    answer(200, json!({ "items": items, "pages": null }).to_string())
}

fn handle(system: System, state: &mut State, seen: &Seen) -> Response<Body> {
    let body = || serde_json::from_slice::<Value>(&seen.body).unwrap();
    let bytes = |state: &State, id: &str| match state.files.iter().find(|file| file.0.to_string() == id) {
        Some(file) => Response::builder().body(Body::from(file.2.clone())).unwrap(),
        None => answer(404, "{}"),
    };
    let path: Vec<&str> = seen.path.trim_start_matches('/').split('/').collect();
    match (system, seen.method.as_str(), path.as_slice()) {
        (System::Redmine, "GET", ["issues", "17.json"]) => {
            let files = state
                .files
                .iter()
                .map(|(id, name, content)| json!({ "id": id, "filename": name, "filesize": content.len() }));
            let journals = state.comments.iter().map(|(id, text)| json!({ "id": id, "notes": text }));
            let issue = json!({
                "attachments": files.collect::<Vec<_>>(), "journals": journals.collect::<Vec<_>>()
            });
            answer(200, json!({ "issue": issue }).to_string())
        }
        (System::Redmine, "POST", ["uploads.json"]) => {
            assert_eq!(seen.header("content-type"), Some("application/octet-stream"));
            let token = state.id().to_string();
            state.tokens.insert(token.clone(), (query(seen, "filename"), seen.body.to_vec()));
            answer(201, json!({ "upload": { "token": token } }).to_string())
        }
        (System::Redmine, "PUT", ["issues", "17.json"]) => {
            let issue = body()["issue"].clone();
            for upload in issue["uploads"].as_array().into_iter().flatten() {
                let Some((name, content)) = state.tokens.remove(upload["token"].as_str().unwrap()) else {
                    return answer(422, r#"{"errors":["token is invalid"]}"#);
                };
                state.attach(&name, &content);
            }
            if let Some(notes) = issue["notes"].as_str() {
                state.comment(notes);
            }
            Response::builder().status(204).body(Body::empty()).unwrap()
        }
        (System::Redmine, "GET", ["attachments", "download", id, _]) => bytes(state, id),

        (System::Jira | System::JiraDc, "GET", ["rest", "api", _, "issue", "OPS-17"]) => {
            let files = state.files.iter().map(|(id, name, content)| {
                json!({ "id": id.to_string(), "filename": name, "size": content.len() })
            });
            answer(200, json!({ "fields": { "attachment": files.collect::<Vec<_>>() } }).to_string())
        }
        (System::Jira | System::JiraDc, "GET", ["rest", "api", _, "attachment", "meta"]) => {
            answer(200, r#"{"enabled":true,"uploadLimit":1000000}"#)
        }
        (System::Jira | System::JiraDc, "POST", ["rest", "api", _, "issue", "OPS-17", "attachments"]) => {
            assert_eq!(seen.header("x-atlassian-token"), Some("no-check"));
            let (name, content) = form(seen);
            let id = state.attach(&name, &content);
            answer(200, json!([{ "id": id.to_string(), "filename": name }]).to_string())
        }
        (System::Jira, "GET", ["rest", "api", "3", "attachment", "content", id]) => {
            assert_eq!(query(seen, "redirect"), "false");
            bytes(state, id)
        }
        (System::JiraDc, "GET", ["secure", "attachment", id, _]) => bytes(state, id),
        (System::Jira | System::JiraDc, "GET", ["rest", "api", _, "issue", "OPS-17", "comment"]) => {
            let start: usize = query(seen, "startAt").parse().unwrap();
            let comments =
                state.comments.iter().map(|(id, text)| json!({ "id": id.to_string(), "body": text }));
            let page: Vec<Value> = comments.skip(start).take(2).collect();
            answer(200, json!({ "comments": page, "total": state.comments.len() }).to_string())
        }
        (System::Jira | System::JiraDc, "POST", ["rest", "api", version, "issue", "OPS-17", "comment"]) => {
            let text = body()["body"].clone();
            assert_eq!(text.is_object(), *version == "3", "{text}");
            let id = state.comment(&text.as_str().map_or_else(|| text.to_string(), str::to_owned));
            answer(201, json!({ "id": id.to_string() }).to_string())
        }

        (System::Rt, "GET", ["REST", "2.0", "ticket", "17"]) => {
            answer(200, r#"{"id":17,"_hyperlinks":[{"ref":"self"},{"ref":"comment"}]}"#)
        }
        (System::Rt, "GET", ["REST", "2.0", "ticket", "17", "history"]) => {
            let comments = state.comments.iter().map(
                |(id, text)| json!({ "id": id.to_string(), "Type": "Comment", "Data": text.lines().next() }),
            );
            let dropped = state.dropped.iter().map(|(name, size, limit)| {
                json!({
                    "id": "1", "Type": "AttachmentDrop", "Data": name,
                    "OldValue": size.to_string(), "NewValue": limit.to_string(),
                })
            });
            rt_page(seen, comments.chain(dropped).collect())
        }
        (System::Rt, "GET", ["REST", "2.0", "ticket", "17", "attachments"]) => {
            let items = state.files.iter().map(|(id, name, _)| {
                let length = state.sent.get(id).map(usize::to_string);
                json!({ "id": id.to_string(), "Filename": name, "ContentLength": length })
            });
            rt_page(seen, items.chain([json!({ "id": "1", "Filename": "" })]).collect())
        }
        (System::Rt, "GET", ["REST", "2.0", "attachment", id]) => {
            let file = state.files.iter().find(|file| file.0.to_string() == *id).unwrap();
            answer(200, json!({ "Content": BASE64_STANDARD.encode(&file.2) + "\n" }).to_string())
        }
        (System::Rt, "POST", ["REST", "2.0", "ticket", "17", "comment"]) => {
            let is_form = seen.header("content-type").unwrap().starts_with("multipart/form-data");
            let parts = if is_form { parts(seen) } else { Vec::new() };
            let document = parts.first().map_or_else(body, |(_, json)| serde_json::from_slice(json).unwrap());
            assert_eq!(document["ContentType"], "text/plain");
            for (head, content) in parts.iter().skip(1) {
                assert!(head.contains("name=\"Attachments\""), "{head}");
                state.attach(&file_name(head), content);
            }
            // Files need a comment of their own.
            if !is_form {
                let text = [&document["Subject"], &document["Content"]].map(|text| text.as_str().unwrap());
                state.comment(&text.join("\n"));
            }
            answer(201, r#"["Comments added"]"#)
        }

        (System::Gitlab, "GET", ["api", "v4", "projects", "group%2Fproject", "issues", "17", "notes"]) => {
            let notes: Vec<Value> =
                state.comments.iter().map(|(id, text)| json!({ "id": id, "body": text })).collect();
            answer(200, Value::from(notes).to_string())
        }
        (System::Gitlab, "POST", ["api", "v4", "projects", "group%2Fproject", "issues", "17", "notes"]) => {
            let id = state.comment(body()["body"].as_str().unwrap());
            answer(201, json!({ "id": id }).to_string())
        }
        (System::Gitlab, "POST", ["api", "v4", "projects", "group%2Fproject", "uploads"]) => {
            let (name, content) = form(seen);
            let id = state.attach(&name, &content);
            answer(201, json!({ "url": format!("/uploads/{id}/{name}"), "markdown": "" }).to_string())
        }
        (System::Gitlab, "GET", ["api", "v4", "projects", "group%2Fproject", "uploads", id, _]) => {
            bytes(state, id)
        }

        (System::ServiceNow, "GET", ["api", "now", "table", "change_request", "00aa11bb"]) => {
            let notes: Vec<&str> = state.comments.iter().map(|(_, text)| text.as_str()).collect();
            answer(
                200,
                json!({ "result": { "sys_id": "00aa11bb", "work_notes": notes.join("\n\n") } }).to_string(),
            )
        }
        (System::ServiceNow, "GET", ["api", "now", "attachment"]) => {
            assert_eq!(query(seen, "sysparm_query"), "table_name=change_request^table_sys_id=00aa11bb");
            let files = state.files.iter().map(|(id, name, content)| {
                json!({ "sys_id": id.to_string(), "file_name": name, "size_bytes": content.len().to_string() })
            });
            answer(200, json!({ "result": files.collect::<Vec<_>>() }).to_string())
        }
        (System::ServiceNow, "POST", ["api", "now", "attachment", "file"]) => {
            assert_eq!(query(seen, "table_sys_id"), "00aa11bb");
            let id = state.attach(&query(seen, "file_name"), &seen.body);
            answer(201, json!({ "result": { "sys_id": id.to_string() } }).to_string())
        }
        (System::ServiceNow, "GET", ["api", "now", "attachment", id, "file"]) => bytes(state, id),
        (System::ServiceNow, "PATCH", ["api", "now", "table", "change_request", "00aa11bb"]) => {
            state.comment(body()["work_notes"].as_str().unwrap());
            answer(200, r#"{"result":{}}"#)
        }
        _ => answer(404, json!({ "message": format!("no {} {}", seen.method, seen.path) }).to_string()),
    }
}
