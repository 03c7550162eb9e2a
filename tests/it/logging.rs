//! The log: its levels and fields, and that it contains no secret.

use std::path::Path;

use crate::support::server::{Seen, Server, consistent, json};
use crate::support::{Run, run, run_with};
use axum::body::Body;
use axum::http::Response;
use cutover_report::model::is_hidden;
use serde_json::Value;
use tempfile::tempdir;

const TOKEN: &str = "canary-token-5b1c7e";
const REQUEST_ID: &str = "req-0001";

/// Answers 503 and 429 to the first two requests, then results.
fn troubled(seen: &Seen, before: usize) -> Response<Body> {
    let mut response = match before {
        0 => json(503, format!("{{\"error_msg\":\"{}\"}}", seen.header("x-auth-token").unwrap_or("none"))),
        1 => json(429, "{}"),
        _ => consistent(),
    };
    let headers = response.headers_mut();
    headers.insert("x-request-id", REQUEST_ID.parse().unwrap());
    headers.insert("set-cookie", format!("session={TOKEN}").parse().unwrap());
    headers.insert("via", format!("proxy {TOKEN}").parse().unwrap());
    headers.insert("retry-after", "0".parse().unwrap());
    response
}

fn export(folder: &Path, server: &Server, more: &[&str]) -> Run {
    let url = server.url();
    let fixed = [
        "export",
        "--context",
        "off",
        "--task",
        "a",
        "--task",
        "b",
        "--task",
        "c",
        "--endpoint",
        &url,
        "--rate",
        "500/s",
    ];
    run_with(
        folder,
        &[("SMS_AUTH_TOKEN", TOKEN)],
        &[&fixed[..], &["-o", "r.json", "--no-journal", "--overwrite"], more].concat(),
    )
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}

fn events<'a>(lines: &'a [Value], event: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["event"] == event).collect()
}

#[test]
fn json_log_has_an_event_per_attempt_and_numbers_that_equal_the_report() {
    let folder = tempdir().unwrap();
    let server = Server::start(troubled);
    let exported = export(folder.path(), &server, &["-vv", "--log-format", "json"]);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    let log = lines(&exported.stderr);
    for line in &log {
        assert!(line["time"].as_str().unwrap().ends_with('Z'), "{line}");
        assert!(["debug", "info", "warn", "error"].contains(&line["level"].as_str().unwrap()), "{line}");
        assert!(line["event"].is_string(), "{line}");
    }
    let failed = events(&log, "attempt_failed");
    assert_eq!(failed.len(), 2, "{}", exported.stderr);
    let mut statuses: Vec<_> = failed.iter().map(|line| line["status"].as_u64().unwrap()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [429, 503]);
    for line in &failed {
        assert!(["a", "b", "c"].contains(&line["task_id"].as_str().unwrap()), "{line}");
        assert!(line["attempt"].as_u64().unwrap() >= 1, "{line}");
        assert!(line["elapsed_ms"].is_u64() && line["wait_ms"].is_u64(), "{line}");
        assert_eq!(line["request_id"], REQUEST_ID);
    }
    assert_eq!(events(&log, "attempt").len(), 3, "{}", exported.stderr);
    let [end] = events(&log, "run_finished")[..] else { panic!("one end: {}", exported.stderr) };
    assert_eq!(end["requests"].as_u64().unwrap(), server.seen().len() as u64);
    assert_eq!(end["retries"], serde_json::json!({ "429": 1, "503": 1 }));
    assert_eq!(end["tasks"], serde_json::json!({ "consistent": 3 }));
    assert_eq!(end["exit"], 0);
    assert!(end["fetch_seconds"].is_f64() && end["report_seconds"].is_f64(), "{end}");
    let report: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("r.json")).unwrap()).unwrap();
    assert_eq!(report["counts"]["consistent"], 3);
}

#[test]
fn each_verbosity_level_logs_its_events() {
    let folder = tempdir().unwrap();
    let shown = |more: &[&str]| {
        let server = Server::start(troubled);
        let exported = export(folder.path(), &server, more);
        assert_eq!(exported.code, 0, "{}", exported.stderr);
        let has = |text: &str| exported.stderr.contains(text);
        [has(" config "), has(" attempt_failed "), has(" attempt "), has(" request "), has(" response ")]
    };
    assert_eq!(shown(&[]), [false; 5]);
    assert_eq!(shown(&["-v"]), [true, true, false, false, false]);
    assert_eq!(shown(&["-vv"]), [true, true, true, false, false]);
    assert_eq!(shown(&["-vvv"]), [true; 5]);
    assert_eq!(shown(&["-q", "-vvv"]), [false; 5]);
}

#[test]
fn log_file_has_requests_at_any_verbosity() {
    let folder = tempdir().unwrap();
    let server = Server::start(troubled);
    let exported = export(folder.path(), &server, &["-q", "--log-file", "run.log", "--log-format", "json"]);
    assert_eq!((exported.code, exported.stderr.as_str()), (0, ""));
    let read = || std::fs::read_to_string(folder.path().join("run.log")).unwrap();
    let log = lines(&read());
    assert_eq!(events(&log, "attempt").len(), 3);
    assert_eq!(events(&log, "run_finished").len(), 1);
    assert!(events(&log, "request").is_empty());
    export(folder.path(), &server, &["-q", "--log-file", "run.log", "--log-format", "json"]);
    assert_eq!(events(&lines(&read()), "run_finished").len(), 2, "a log is appended to");

    std::fs::write(folder.path().join("list.csv"), "task_id\na\n").unwrap();
    for (file, code) in [("list.csv", 2), (".", 2), ("none/run.log", 2)] {
        let refused = export(folder.path(), &server, &["--log-file", file]);
        assert_eq!(refused.code, code, "{}", refused.stderr);
        assert!(refused.stderr.contains("--log-file"), "{}", refused.stderr);
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("list.csv")).unwrap(), "task_id\na\n");
}

#[test]
fn secrets_are_in_no_log_at_any_level() {
    let folder = tempdir().unwrap();
    let secrets = [
        ("SMS_AUTH_TOKEN", TOKEN),
        ("HUAWEICLOUD_SDK_AK", "canary-access-key-id"),
        ("HUAWEICLOUD_SDK_SK", "canary-secret-key-value"),
        ("HUAWEICLOUD_SDK_SECURITY_TOKEN", "canary-security-token"),
        ("SMS_IAM_USER", "operator"),
        ("SMS_IAM_PASSWORD", "canary-iam-password"),
        ("SMS_IAM_DOMAIN", "domain"),
        ("https_proxy", "http://proxy-user:canary-proxy-password@127.0.0.1:9"),
    ];
    for method in ["token", "aksk", "password"] {
        let calls = std::sync::atomic::AtomicUsize::new(0);
        let server = Server::start(move |seen, _| {
            if seen.path == "/v3/auth/tokens" {
                let mut issued = json(201, r#"{"token":{"expires_at":"2099-01-01T00:00:00.000000Z"}}"#);
                issued.headers_mut().insert("x-subject-token", "canary-issued-token".parse().unwrap());
                return issued;
            }
            match calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                0 => {
                    let shown = |name: &str| seen.header(name).unwrap_or_default().to_owned();
                    let echo = format!("{} {}", shown("x-auth-token"), shown("authorization"));
                    let body = serde_json::json!({ "error_msg": echo }).to_string();
                    let mut response = json(503, body);
                    response.headers_mut().insert("via", echo.trim().parse().unwrap());
                    response
                }
                1 => {
                    let mut response = json(302, "{}");
                    let target = "https://elsewhere.example/?token=canary-url-query";
                    response.headers_mut().insert("location", target.parse().unwrap());
                    response
                }
                _ => consistent(),
            }
        });
        let url = server.url();
        let secrets = [&secrets[..], &[("HUAWEICLOUD_SDK_IAM_ENDPOINT", url.as_str())]].concat();
        for format in ["text", "json"] {
            let arguments = ["export", "--task", "a", "--task", "b", "--endpoint", &url, "--auth", method];
            let more = ["--rate", "500/s", "-vvv", "--log-format", format, "--log-file"];
            let file = format!("{method}-{format}.log");
            let outputs = [file.as_str(), "-o", "r.json", "-o", "r.csv", "-o", "r.md", "--overwrite"];
            let ran = run_with(folder.path(), &secrets, &[&arguments[..], &more, &outputs].concat());
            assert!([0, 3].contains(&ran.code), "{method}: {} {}", ran.code, ran.stderr);
            assert!(ran.stderr.contains("response") && ran.stderr.contains("[redacted]"), "{}", ran.stderr);
            assert!(!ran.stderr.contains("canary"), "{method}: {}", ran.stderr);
            assert!(!ran.stdout.contains("canary"), "{method}: {}", ran.stdout);
        }
    }
    let files = crate::support::files(folder.path());
    assert!(files.len() >= 9, "{:?}", files.keys());
    for (path, content) in files {
        let text = String::from_utf8_lossy(&content);
        assert!(!text.contains("canary"), "{}: {text}", path.display());
    }
}

#[test]
fn hostile_text_of_a_server_is_escaped_in_the_log() {
    let folder = tempdir().unwrap();
    for format in ["text", "json"] {
        let server = Server::start(|_, _| {
            let hostile = "\u{1b}]0;owned\u{7}\u{202e}\nforged";
            json(404, serde_json::json!({ "error_msg": hostile }).to_string())
        });
        let url = server.url();
        let arguments = ["export", "--task", "a", "--endpoint", &url, "--auth", "none", "-o", "r.json"];
        let more = ["-vvv", "--overwrite", "--log-file", "l.log", "--log-format", format];
        let ran = run(folder.path(), &[&arguments[..], &more].concat());
        assert_eq!(ran.code, 3, "{}", ran.stderr);
        let log = std::fs::read_to_string(folder.path().join("l.log")).unwrap();
        for text in [&ran.stderr, &log] {
            assert!(text.contains("owned"), "{text}");
            assert!(!text.chars().any(|c| is_hidden(c) && c != '\n'), "{text:?}");
            assert!(!text.lines().any(|line| line.starts_with("forged")), "{text}");
        }
        std::fs::remove_file(folder.path().join("l.log")).unwrap();
    }
}
