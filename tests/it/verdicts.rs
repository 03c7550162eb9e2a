//! Verdicts on all kinds of answers, in the reports of the real program.

use std::path::Path;

use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::support::server::{Server, json as respond};
use crate::support::{Run, Workbook, csv, run};

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

fn directories(counts: &[[u64; 4]]) -> Value {
    let check = |(number, [total, different, missing, redundant]): (usize, &[u64; 4])| {
        json!({"dir_check": format!("/data/{number}"), "num_total_files": total, "num_different_files": different,
               "num_target_miss_files": missing, "num_target_more_files": redundant})
    };
    counts.iter().enumerate().map(check).collect()
}

fn item(finished: impl Into<Value>, counts: &[[u64; 4]]) -> Value {
    json!({"finished_time": finished.into(), "check_result": "success", "consistency_result": directories(counts)})
}

fn list(items: &[Value]) -> Value {
    json!({ "result_list": items })
}

fn good() -> Value {
    list(&[item(now(), &[[10, 0, 0, 0]])])
}

/// A good answer with another field beside the results.
fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut body = good();
    body[name] = value.into();
    body
}

/// Runs the program on tasks `t0`, `t1` and so on; the server answers each with the response of its number.
fn export(
    folder: &Path,
    respond: impl Fn(usize) -> Response<Body> + Send + Sync + 'static,
    tasks: usize,
    more: &[&str],
) -> Run {
    let server = Server::start(move |seen, _| {
        let number = seen.path.split('/').find_map(|part| part.strip_prefix('t')?.parse().ok());
        respond(number.unwrap())
    });
    let ids: Vec<String> =
        (0..tasks).flat_map(|number| ["--task".to_owned(), format!("t{number}")]).collect();
    let url = server.url();
    let mut arguments =
        vec!["export", "--endpoint", &url, "--auth", "none", "--rate", "1000/s", "-o", "r.json"];
    arguments.extend(ids.iter().map(String::as_str));
    arguments.extend(more);
    run(folder, &arguments)
}

fn tasks(folder: &Path) -> Vec<Value> {
    let summary: Value = serde_json::from_slice(&std::fs::read(folder.join("r.json")).unwrap()).unwrap();
    summary["tasks"].as_array().unwrap().clone()
}

fn check(cases: Vec<(&str, Response<Body>, &str)>, more: &[&str]) {
    let folder = tempdir().unwrap();
    let expected: Vec<(String, String)> =
        cases.iter().map(|(name, _, verdict)| ((*name).to_owned(), (*verdict).to_owned())).collect();
    let count = cases.len();
    let responses: Vec<std::sync::Mutex<Option<Response<Body>>>> =
        cases.into_iter().map(|(_, response, _)| std::sync::Mutex::new(Some(response))).collect();
    let ran =
        export(folder.path(), move |number| responses[number].lock().unwrap().take().unwrap(), count, more);
    let tasks = tasks(folder.path());
    let found: Vec<(String, String)> = expected
        .iter()
        .zip(&tasks)
        .map(|((name, _), task)| (name.clone(), task["verdict"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(found, expected, "{}", ran.stderr);
}

#[test]
fn empty_evidence_is_inconclusive() {
    let hour = 3_600_000;
    let ok = |body: Value| respond(200, body.to_string());
    let of = |finished: Value| ok(list(&[item(finished, &[[10, 0, 0, 0]])]));
    let year = now() + 365 * 24 * hour;
    let cases = || {
        vec![
            ("good", ok(good()), "consistent"),
            ("no files", ok(list(&[item(now(), &[[0, 0, 0, 0], [0, 0, 0, 0]])])), "inconclusive"),
            ("one with files", ok(list(&[item(now(), &[[0, 0, 0, 0], [1, 0, 0, 0]])])), "consistent"),
            ("1000000", ok(list(&[item(now(), &[[1_000_000, 0, 0, 0]])])), "inconclusive"),
            ("100000", ok(list(&[item(now(), &[[100_000, 0, 0, 0]])])), "inconclusive"),
            ("one saturated", ok(list(&[item(now(), &[[9, 0, 0, 0], [100_000, 0, 0, 0]])])), "inconclusive"),
            ("99999", ok(list(&[item(now(), &[[99_999, 0, 0, 0]])])), "consistent"),
            (
                "future hides a failure",
                ok(list(&[item(year, &[[412, 0, 0, 0]]), item(now() - hour, &[[412, 412, 0, 0]])])),
                "inconsistent",
            ),
            (
                "future beside good",
                ok(list(&[item(year, &[[9, 0, 0, 0]]), item(now(), &[[9, 0, 0, 0]])])),
                "inconclusive",
            ),
            ("year 9999", of(json!(253_370_764_800_000_i64)), "inconclusive"),
            ("last of 9999", of(json!(253_402_300_799_999_i64)), "inconclusive"),
            ("ten minutes ahead", of(json!(now() + 600_000)), "inconclusive"),
            ("time 0", of(json!(0)), "inconclusive"),
            ("time \"0\"", of(json!("0")), "inconclusive"),
            ("time null", of(json!(null)), "inconclusive"),
            ("time empty", of(json!("")), "inconclusive"),
            (
                "legacy without time",
                ok(json!({"consistency_result": directories(&[[9, 0, 0, 0]])})),
                "inconclusive",
            ),
            ("no time, differs", ok(list(&[item(json!(null), &[[9, 1, 0, 0]])])), "inconsistent"),
            (
                "same millisecond",
                ok({
                    let time = now();
                    list(&[
                        item(time, &[[9, 0, 0, 0]]),
                        item(time, &[[0, 0, 0, 0]]),
                        item(time, &[[9, 0, 0, 0]]),
                    ])
                }),
                "inconclusive",
            ),
            (
                "newer than no files",
                ok(list(&[item(now() - 1, &[[0, 0, 0, 0]]), item(now(), &[[9, 0, 0, 0]])])),
                "consistent",
            ),
        ]
    };
    check(cases(), &["--max-age", "off"]);
    check(cases(), &[]);
}

#[test]
fn future_verification_after_not_before_is_inconclusive() {
    let month = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * 30)).to_string();
    let far = list(&[item(253_370_764_800_000_i64, &[[10, 0, 0, 0]])]);
    check(
        vec![
            ("year 9999", respond(200, far.to_string()), "inconclusive"),
            ("good", respond(200, good().to_string()), "stale"),
        ],
        &["--not-before", &month, "--fail-on", "stale"],
    );
}

#[test]
fn only_a_200_without_error_signs_is_an_answer() {
    let ok = |body: Value| respond(200, body.to_string());
    let ranged = |status: u16, range: &str| {
        let mut response = respond(status, good().to_string());
        response.headers_mut().insert("content-range", range.parse().unwrap());
        response
    };
    let nested = {
        let mut bad = item(now(), &[[10, 0, 0, 0]]);
        bad["error"] = json!({"code": "SMS.1", "message": "x"});
        ok(list(&[item(now(), &[[10, 0, 0, 0]]), bad]))
    };
    let mut legacy = json!({"consistency_result": directories(&[[9, 0, 0, 0]]), "finished_time": now()});
    legacy["errorMsg"] = json!("no");
    check(
        vec![
            ("200", ok(good()), "consistent"),
            ("201", respond(201, good().to_string()), "unreadable"),
            ("202", respond(202, good().to_string()), "unreadable"),
            ("203", respond(203, good().to_string()), "unreadable"),
            ("206", ranged(206, "bytes 0-239/99999"), "unreadable"),
            ("206 without range", respond(206, good().to_string()), "unreadable"),
            ("200 with a part", ranged(200, "bytes 0-239/99999"), "unreadable"),
            ("200 with all", ranged(200, "bytes 0-99/100"), "consistent"),
            ("error_code", ok(with("error_code", "SMS.9004")), "unreadable"),
            ("errorCode", ok(with("errorCode", "SMS.9004")), "unreadable"),
            ("error object", ok(with("error", json!({"code": "APIG.0308"}))), "unreadable"),
            ("error text", ok(with("error", "denied")), "unreadable"),
            ("errors", ok(with("errors", json!([{"message": "denied"}]))), "unreadable"),
            ("lone error_msg", ok(with("error_msg", "denied")), "unreadable"),
            ("status", ok(with("status", "failed")), "unreadable"),
            ("openstack", ok(with("forbidden", json!({"code": 403, "message": "denied"}))), "unreadable"),
            ("nested in an item", nested, "unreadable"),
            ("legacy", ok(legacy), "unreadable"),
            ("code without error", ok(with("code", 200)), "consistent"),
            ("empty errors", ok(with("errors", json!([]))), "consistent"),
            ("null error", ok(with("error", json!(null))), "consistent"),
            ("request id", ok(with("request_id", "r-1")), "consistent"),
        ],
        &[],
    );
}

#[test]
fn unreadable_answer_is_in_the_journal_and_has_same_verdict_offline() {
    let folder = tempdir().unwrap();
    let body = with("error_code", "SMS.9004").to_string();
    let kept = body.clone();
    let ran = export(
        folder.path(),
        move |number| match number {
            0 => respond(200, body.clone()),
            1 => respond(206, good().to_string()),
            _ => {
                let mut part = respond(200, good().to_string());
                part.headers_mut().insert("content-range", "bytes 0-9/100".parse().unwrap());
                part
            }
        },
        3,
        &[],
    );
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let journal = std::fs::read_to_string(folder.path().join("r.journal.jsonl")).unwrap();
    let lines: Vec<Value> = journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let record = lines.iter().find(|line| line["task_id"] == "t0").unwrap();
    assert_eq!(record["body"], kept);
    let fetched = tasks(folder.path());
    assert_eq!(fetched[0]["error_code"], "SMS.9004");
    let messages: Vec<&str> = fetched.iter().map(|task| task["error_message"].as_str().unwrap()).collect();
    assert_eq!(messages[0], "the body reports an error although the HTTP status is a success: SMS.9004");
    assert_eq!(messages[1], "HTTP 206 is not a complete answer: only HTTP 200 is");
    assert_eq!(messages[2], "the response is partial: content-range bytes 0-9/100");
    let rendered = run(folder.path(), &["render", "r.journal.jsonl", "-o", "r.json"]);
    assert_eq!((rendered.code, tasks(folder.path())), (3, fetched));
}

#[test]
fn inconclusive_task_is_in_every_output_and_can_be_waived() {
    let folder = tempdir().unwrap();
    let empty = list(&[item(now(), &[[0, 0, 0, 0]])]).to_string();
    let outputs =
        ["-o", "r.xlsx", "-o", "c/", "-o", "r.md", "-o", "r.prom", "-o", "zh.md", "--fail-on", "not-passing"];
    let ran = export(folder.path(), move |_| respond(200, empty.clone()), 1, &outputs);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stderr.contains("Inconclusive  t0: total is 0: no file was checked"), "{}", ran.stderr);
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("r.md").contains("| Inconclusive | 1 |"), "{}", read("r.md"));
    assert!(read("r.prom").contains("cutover_report_tasks{report=\"r\",verdict=\"inconclusive\"} 1\n"));
    let summary = csv(&folder.path().join("c/summary.csv"));
    let column = summary[0].iter().position(|heading| heading == "Verdict").unwrap();
    assert_eq!(summary[1][column], "inconclusive");
    let shown = |name: &str| {
        let workbook = Workbook::open(&folder.path().join(name));
        workbook.sheets[&workbook.names[1]].iter().flatten().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert!(shown("r.xlsx").iter().any(|cell| cell == "Inconclusive"));
    let chinese = run(
        folder.path(),
        &["render", "r.journal.jsonl", "-o", "zh.xlsx", "-o", "zh.md", "--language", "zh"],
    );
    assert_eq!(chinese.code, 0, "{}", chinese.stderr);
    assert!(shown("zh.xlsx").iter().any(|cell| cell == "无法判定"));
    assert!(read("zh.md").contains("无法判定"));
    let waivers = "[[waiver]]\nreason = 'an empty share'\nowner = 'J. Doe'\ninconclusive = true\n";
    std::fs::write(folder.path().join("w.toml"), waivers).unwrap();
    let waived = [
        "render",
        "r.journal.jsonl",
        "-o",
        "r.json",
        "-o",
        "r.csv",
        "--waivers",
        "w.toml",
        "--fail-on",
        "not-passing",
    ];
    let waived = run(folder.path(), &waived);
    assert_eq!(waived.code, 0, "{}", waived.stderr);
    let task = &tasks(folder.path())[0];
    assert_eq!(task["verdict"], "accepted");
    assert_eq!(task["waived"][0]["reason"], "an empty share");
    assert_eq!(task["waived"][0]["inconclusive"], true);
    let notes = task["notes"].as_array().unwrap();
    assert!(notes.contains(&json!("inconclusive evidence accepted: an empty share")), "{notes:?}");
    let rows = csv(&folder.path().join("r.csv"));
    assert_eq!(rows[1].last().unwrap(), "an empty share (J. Doe)");
    std::fs::write(folder.path().join("w.toml"), "[[waiver]]\ninconclusive = 'yes'\n").unwrap();
    let refused = run(folder.path(), &["render", "r.journal.jsonl", "-o", "r.json", "--waivers", "w.toml"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("`inconclusive` must be true or false"), "{}", refused.stderr);
    assert!(refused.stderr.contains("`reason` is missing"), "{}", refused.stderr);
}

#[test]
fn fail_on_takes_verdicts_not_passing_or_none() {
    let folder = tempdir().unwrap();
    let empty = list(&[item(now(), &[[0, 0, 0, 0]])]).to_string();
    export(folder.path(), move |_| respond(200, empty.clone()), 1, &[]);
    let code = |fail_on: &[&str]| {
        let ran = run(folder.path(), &[&["render", "r.journal.jsonl", "-o", "x.csv"], fail_on].concat());
        (ran.code, ran.stderr)
    };
    assert_eq!(code(&[]).0, 0);
    assert_eq!(code(&["--fail-on", "none"]).0, 0);
    assert_eq!(code(&["--fail-on", "not-passing"]).0, 4);
    assert_eq!(code(&["--fail-on", "stale,inconclusive"]).0, 4);
    assert_eq!(code(&["--fail-on", "stale", "--fail-on", "inconclusive"]).0, 4);
    assert_eq!(code(&["--fail-on", "stale,accepted"]).0, 0);
    for (arguments, expected) in [
        (&["--fail-on", "stale", "inconclusive"][..], "--fail-on stale,inconclusive"),
        (&["--fail-on", "stale,", "inconclusive"], "--fail-on stale,inconclusive"),
        (&["--fail-on", "stael"], "stale, inconclusive, accepted, consistent, not-passing, none"),
        (&["--fail-on", "stale inconclusive"], "possible values"),
        (&["--fail-on", ""], "possible values"),
    ] {
        let (code, stderr) = code(arguments);
        assert_eq!(code, 2, "{arguments:?}: {stderr}");
        assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
    }
    let script = run(folder.path(), &["completions", "bash"]).stdout;
    assert!(script.contains("fetch_failed unreadable not_verified") && script.contains("not-passing none"));
    std::fs::write(folder.path().join("c.toml"), "[profile.default]\nfail-on = [\"not-passing\"]\n").unwrap();
    assert_eq!(code(&["--config", "c.toml"]).0, 4);
    assert_eq!(code(&["--config", "c.toml", "--fail-on", "none"]).0, 0, "the command line wins");
}

#[test]
fn not_before_uses_its_zone() {
    let folder = tempdir().unwrap();
    // 2026-11-20T13:30:00Z, which is 21:30 in Shanghai.
    let body = list(&[item(1_795_181_400_000_i64, &[[10, 0, 0, 0]])]).to_string();
    export(folder.path(), move |_| respond(200, body.clone()), 1, &[]);
    let render = |not_before: &str| {
        let arguments = [
            "render",
            "r.journal.jsonl",
            "-o",
            "r.json",
            "--max-age",
            "off",
            "--timezone",
            "Pacific/Kiritimati",
            "--not-before",
            not_before,
        ];
        let ran = run(folder.path(), &arguments);
        let verdict = tasks(folder.path())[0]["verdict"].as_str().unwrap().to_owned();
        (ran.code, if ran.code == 2 { ran.stderr } else { verdict })
    };
    assert_eq!(render("2026-11-20T21:00[Asia/Shanghai]"), (0, "consistent".to_owned()));
    assert_eq!(render("2026-11-20T22:00[Asia/Shanghai]"), (0, "stale".to_owned()));
    assert_eq!(render("2026-11-20T21:00+08:00[Asia/Shanghai]"), (0, "consistent".to_owned()));
    assert_eq!(render("2026-11-21T03:00"), (0, "consistent".to_owned()), "14 hours ahead of UTC");
    for (text, expected) in [
        ("2026-11-20T21:00[Asia/Shangai]", "no such time zone"),
        ("2026-11-20T21:00+09:00[Asia/Shanghai]", "does not have the offset"),
        ("2026-03-29T02:30[Europe/Berlin]", "local time does not exist in Europe/Berlin"),
        ("tomorrow", "write a time"),
    ] {
        let (code, error) = render(text);
        assert!(code == 2 && error.contains(expected) && error.contains("--not-before"), "{text}: {error}");
    }
}

#[test]
fn label_named_like_a_column_has_another_heading_in_every_output() {
    let folder = tempdir().unwrap();
    let list =
        "task_id,Verdict,notes,Reason,Total  Files,wave,Last verified (UTC)\nt0,my verdict,n,r,f,3,l\n";
    std::fs::write(folder.path().join("list.csv"), list).unwrap();
    let body = good().to_string();
    let outputs = ["list.csv", "-o", "r.xlsx", "-o", "c/"];
    let ran = export(folder.path(), move |_| respond(200, body.clone()), 0, &outputs);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let labels =
        ["Verdict (2)", "notes (2)", "Reason (2)", "Total  Files (2)", "wave", "Last verified (UTC) (2)"];
    let summary = csv(&folder.path().join("c/summary.csv"));
    // The columns of the context follow.
    let last = summary[0].len() - 4;
    assert_eq!(summary[0][last - labels.len()..last], labels);
    let value = |heading: &str| {
        let found: Vec<_> = summary[0].iter().zip(&summary[1]).filter(|(name, _)| *name == heading).collect();
        assert_eq!(found.len(), 1, "{heading}");
        found[0].1.clone()
    };
    assert_eq!((value("Verdict"), value("Verdict (2)")), ("consistent".to_owned(), "my verdict".to_owned()));
    let task = &tasks(folder.path())[0];
    assert_eq!(
        (&task["labels"]["Verdict (2)"], &task["labels"]["wave"]),
        (&json!("my verdict"), &json!("3"))
    );
    assert_eq!(task["labels"].get("Verdict"), None);
    let workbook = Workbook::open(&folder.path().join("r.xlsx"));
    let cells: Vec<String> = workbook.sheets["Summary"].iter().flatten().map(ToString::to_string).collect();
    for heading in ["Verdict", "Verdict (2)", "notes (2)", "Reason", "Reason (2)"] {
        assert_eq!(cells.iter().filter(|cell| *cell == heading).count(), 1, "{heading}");
    }
    // An earlier summary is also a valid task list.
    let again = ["export", "c/summary.csv", "--endpoint", "embedded", "-o", "again/"];
    let again_run = run(folder.path(), &again);
    assert!(folder.path().join("again/summary.csv").exists(), "{}", again_run.stderr);
    let headings = &csv(&folder.path().join("again/summary.csv"))[0];
    let unique: std::collections::HashSet<&String> = headings.iter().collect();
    assert_eq!(unique.len(), headings.len(), "{headings:?}");
}

#[test]
fn upload_and_server_export_detect_errors_in_a_200() {
    let folder = tempdir().unwrap();
    std::fs::write(
        folder.path().join("u.json"),
        r#"[{"task_id":"137224b7-8d7c-4919-b33e-ed159778d7a1","consistency_result":[]}]"#,
    )
    .unwrap();
    let csv = "task_id,directory,total_files,different,missing_at_target,redundant_at_target\n\
               137224b7-8d7c-4919-b33e-ed159778d7a1,/data,1,0,0,0\n";
    std::fs::write(folder.path().join("u.csv"), csv).unwrap();
    for (body, expected) in [
        ("{}", 0),
        ("", 0),
        (r#"{"error_code":"0","error_msg":"success"}"#, 0),
        (r#"{"error_code":"SMS.9004","error_msg":"denied"}"#, 3),
        (r#"{"error":{"message":"denied"}}"#, 3),
        ("<html><title>Log in: denied</title></html>", 3),
    ] {
        let server = Server::start(move |_, _| respond(200, body));
        let url = server.url();
        let connection = ["--endpoint", url.as_str(), "--auth", "none", "--rate", "1000/s"];
        let ran = run(folder.path(), &[&["upload", "u.csv"], &connection[..]].concat());
        assert_eq!(ran.code, expected, "{body}: {}", ran.stderr);
        assert_eq!(ran.stderr.contains("denied"), expected == 3, "{body}: {}", ran.stderr);
    }
    for (status, body) in [(200, r#"{"error":{"code":"SMS.1","message":"denied"}}"#), (206, "a,b\n1,2\n")] {
        let server = Server::start(move |_, _| respond(status, body));
        let url = server.url();
        let arguments = [
            "server-export",
            "--task",
            "t0",
            "-o",
            "x",
            "--endpoint",
            &url,
            "--auth",
            "none",
            "--rate",
            "1000/s",
        ];
        let ran = run(folder.path(), &arguments);
        assert_eq!(ran.code, 1, "{body}: {}", ran.stderr);
        assert!(ran.stderr.contains("denied") || ran.stderr.contains("HTTP 206"), "{}", ran.stderr);
    }
}

#[test]
fn listing_with_an_error_is_not_empty() {
    for (status, body) in [
        (200, r#"{"count":0,"tasks":[],"source_servers":[],"error_code":"SMS.9004","error_msg":"denied"}"#),
        (206, r#"{"count":0,"tasks":[],"source_servers":[]}"#),
    ] {
        let folder = tempdir().unwrap();
        let server = Server::start(move |_, _| respond(status, body));
        let url = server.url();
        let arguments =
            ["tasks", "--endpoint", &url, "--auth", "none", "--rate", "1000/s", "--max-attempts", "1"];
        let ran = run(folder.path(), &arguments);
        assert_ne!(ran.code, 0, "{body}");
        assert!(ran.stderr.contains("denied") || ran.stderr.contains("HTTP 206"), "{}", ran.stderr);
    }
}
