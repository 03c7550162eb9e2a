//! The service's clock, and the account in the journal.

use std::path::Path;
use std::time::SystemTime;

use axum::body::Body;
use axum::http::Response;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tempfile::tempdir;

use crate::support::server::{Server, json};
use crate::support::{Run, Workbook, run, run_with};

/// A verification that finished this long ago on this machine's clock, from a service whose clock is `ahead`.
fn verified(age: SignedDuration, different: u32, ahead: SignedDuration) -> Response<Body> {
    verified_at(Timestamp::now() - age, different, ahead)
}

fn verified_at(finished: Timestamp, different: u32, ahead: SignedDuration) -> Response<Body> {
    let finished = finished.as_millisecond();
    let body = format!(
        r#"{{"result_list":[{{"finished_time":{finished},"check_result":"success","consistency_result":[{{"dir_check":"/data","num_total_files":5,"num_different_files":{different},"num_target_miss_files":0,"num_target_more_files":0}}]}}]}}"#
    );
    dated(json(200, body), ahead)
}

fn dated(mut response: Response<Body>, ahead: SignedDuration) -> Response<Body> {
    let date = httpdate::fmt_http_date(SystemTime::from(Timestamp::now() + ahead));
    response.headers_mut().insert("date", date.parse().unwrap());
    response
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn export(folder: &Path, server: &Server, more: &[&str]) -> Run {
    let url = server.url();
    let fixed = ["export", "--context", "off", "--endpoint", &url, "--auth", "none", "--rate", "1000/s"];
    run(folder, &[&fixed[..], more].concat())
}

fn document(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn verdict_on_wrong_machine_clock_is_that_of_the_service_clock() {
    let minutes = SignedDuration::from_mins;
    for (ahead, age, verdict, side) in [
        (hours(36), minutes(30), "stale", "36 h behind"),
        (hours(-36), hours(37), "consistent", "36 h ahead of"),
    ] {
        let folder = tempdir().unwrap();
        let server = Server::start(move |_, _| verified(age, 0, ahead));
        let outputs = ["--task", "t1", "--task", "t2", "-o", "r.json", "-o", "r.xlsx", "-o", "r.prom"];
        let exported = export(folder.path(), &server, &outputs);
        assert_eq!(exported.code, 0, "{}", exported.stderr);
        assert_eq!(exported.stderr.matches(side).count(), 1, "reported once: {}", exported.stderr);
        let report = document(&folder.path().join("r.json"));
        assert_eq!(report["tasks"][0]["verdict"], verdict);
        let seconds = (age + ahead).as_secs();
        let is_near = |value: &Value| (value.as_i64().unwrap() - seconds).abs() < 300;
        assert!(is_near(&report["tasks"][0]["age_seconds"]), "{report}");
        let offset = report["run"]["clock_offset_seconds"].as_i64().unwrap();
        assert!((offset - ahead.as_secs()).abs() < 300, "{report}");
        let about = format!("{:?}", Workbook::open(&folder.path().join("r.xlsx")).sheets["About"]);
        assert!(about.contains(side), "{about}");
        let metrics = std::fs::read_to_string(folder.path().join("r.prom")).unwrap();
        let age = metrics.lines().find(|line| line.contains("oldest_verification_age_seconds{")).unwrap();
        let age: f64 = age.rsplit(' ').next().unwrap().parse().unwrap();
        assert!((age - seconds as f64).abs() < 300.0, "{metrics}");
        let rendered = run(folder.path(), &["render", "r.journal.jsonl", "-o", "again.json"]);
        assert!(rendered.stderr.contains(side), "{}", rendered.stderr);
        let shown = run(folder.path(), &["show", "r.journal.jsonl"]);
        assert!(shown.stderr.contains(side), "{}", shown.stderr);
        assert_eq!(document(&folder.path().join("again.json")), report);
    }
}

#[test]
fn correct_clock_is_not_mentioned() {
    let folder = tempdir().unwrap();
    let server = Server::start(|_, _| verified(hours(1), 0, hours(0)));
    let exported = export(folder.path(), &server, &["--task", "t", "-o", "r.json"]);
    assert!(!exported.stderr.contains("clock"), "{}", exported.stderr);
    assert_eq!(document(&folder.path().join("r.json"))["run"]["clock_offset_seconds"], 0);
}

#[test]
fn date_of_a_cached_response_is_ignored() {
    let cached = |age: SignedDuration| {
        let mut response = verified(age, 0, hours(-36));
        response.headers_mut().insert("age", "129600".parse().unwrap());
        response
    };
    let folder = tempdir().unwrap();
    let server = Server::start(move |_, _| cached(hours(1)));
    let exported = export(folder.path(), &server, &["--task", "t", "-o", "r.json"]);
    assert!(!exported.stderr.contains("clock"), "{}", exported.stderr);
    let report = document(&folder.path().join("r.json"));
    assert_eq!(report["tasks"][0]["verdict"], "consistent");
    assert_eq!(report["run"]["clock_offset_seconds"], Value::Null, "it is not known");

    // With other answers, their clock offset is used.
    let server = Server::start(move |seen, _| match seen.path.contains("cached") {
        true => cached(SignedDuration::from_mins(30)),
        false => verified(SignedDuration::from_mins(30), 0, hours(36)),
    });
    let tasks = ["--task", "cached", "--task", "t", "-o", "s.json"];
    assert_eq!(export(folder.path(), &server, &tasks).code, 0);
    let report = document(&folder.path().join("s.json"));
    assert_eq!(
        (&report["tasks"][0]["verdict"], &report["tasks"][1]["verdict"]),
        (&"stale".into(), &"stale".into())
    );
}

type Answer = Box<dyn Fn() -> Response<Body> + Send + Sync>;

#[test]
fn merge_takes_the_newer_verification_and_then_the_later_answer_on_the_service_clock() {
    let (behind, right) = (hours(-2), hours(0));
    let not_found = || json(404, r#"{"error_code":"SMS.1","error_msg":"no such task"}"#);
    let now = Timestamp::now();
    let pass = |age, ahead| -> Answer { Box::new(move || verified_at(now - age, 0, ahead)) };
    let fail = |age, ahead| -> Answer { Box::new(move || verified_at(now - age, 9, ahead)) };
    // The second answer is later on the machine's clock, but earlier on the service's.
    for (first, second, verdict) in [
        (fail(hours(1), right), pass(hours(3), behind), "inconsistent"),
        (fail(hours(3), right), pass(hours(3), behind), "inconsistent"),
        (pass(hours(1), right), fail(hours(3), right), "consistent"),
        (pass(hours(3), right), fail(hours(3), right), "inconsistent"),
        (pass(hours(-24), right), fail(hours(1), right), "inconsistent"),
        (fail(hours(1), right), pass(hours(-24), right), "inconsistent"),
        (pass(hours(1), right), pass(hours(-24), right), "inconclusive"),
        (pass(hours(1), right), fail(hours(-24), right), "inconsistent"),
        (Box::new(move || dated(not_found(), right)), pass(hours(3), behind), "fetch_failed"),
        (Box::new(not_found), pass(hours(3), right), "consistent"),
        (pass(hours(1), right), Box::new(not_found), "fetch_failed"),
        (pass(hours(1), right), Box::new(|| json(403, "{}")), "consistent"),
        (pass(hours(1), right), Box::new(|| json(200, "{}")), "consistent"),
        (pass(hours(1), right), Box::new(|| json(200, r#"{"result_list":[]}"#)), "not_verified"),
    ] {
        let folder = tempdir().unwrap();
        let answers = [first, second];
        let server = Server::start(move |_, before| answers[before.min(1)]());
        for journal in ["1.jsonl", "2.jsonl"] {
            export(folder.path(), &server, &["--task", "t", "-o", "r.csv", "--journal", journal]);
        }
        for order in [["1.jsonl", "2.jsonl"], ["2.jsonl", "1.jsonl"]] {
            let merged = run(folder.path(), &[&["merge"], &order[..], &["-o", "m.json"]].concat());
            let report = document(&folder.path().join("m.json"));
            assert_eq!(report["tasks"][0]["verdict"], verdict, "{}", merged.stderr);
        }
    }
}

#[test]
fn resume_with_another_project_or_account_is_refused() {
    let folder = tempdir().unwrap();
    let server = Server::start(|seen, _| match seen.path.contains("gone") {
        true => json(404, "{}"),
        false => verified(hours(1), 0, hours(0)),
    });
    let tasks = ["--task", "t", "--task", "gone", "-o", "r.json"];
    let keys = [("HUAWEICLOUD_SDK_AK", "AKOFTHETEST"), ("HUAWEICLOUD_SDK_SK", "SKOFTHETEST")];
    let url = server.url();
    let export = |variables: &[(&str, &str)], more: &[&str]| {
        let fixed = ["export", "--endpoint", &url, "--rate", "1000/s"];
        run_with(folder.path(), &[&keys[..], variables].concat(), &[&fixed[..], &tasks, more].concat())
    };
    assert_eq!(export(&[], &["--project-id", "A", "--domain-id", "D"]).code, 3);
    let journal = folder.path().join("r.journal.jsonl");
    let text = std::fs::read_to_string(&journal).unwrap();
    assert!(!text.contains("OFTHETEST") && text.contains(r#""account":{"project_id":"A","domain_id":"D"}"#));
    for (more, difference) in [
        (&["--project-id", "B", "--domain-id", "D"][..], "its project id is `A`, but `B` in this run"),
        (&["--project-id", "A", "--domain-id", "E"], "its domain id is `D`, but `E` in this run"),
        (&["--domain-id", "D"], "its project id is `A`, but none in this run"),
    ] {
        let refused = export(&[], &[more, &["--resume"]].concat());
        assert_eq!(refused.code, 1, "{}", refused.stderr);
        assert!(refused.stderr.contains(difference), "{}", refused.stderr);
    }
    assert_eq!(std::fs::read_to_string(&journal).unwrap(), text);
    // The environment and a profile file set the project too.
    let environment = [("HUAWEICLOUD_SDK_PROJECT_ID", "A"), ("HUAWEICLOUD_SDK_DOMAIN_ID", "D")];
    let resumed = export(&environment, &["--resume"]);
    assert_eq!(resumed.code, 3, "{}", resumed.stderr);
    assert_eq!(export(&[environment[1], ("HUAWEICLOUD_SDK_PROJECT_ID", "B")], &["--resume"]).code, 1);
    // A journal of an older version does not have the account.
    let older = text.replace(r#""account":{"project_id":"A","domain_id":"D"},"#, "");
    assert_ne!(older, text);
    std::fs::write(&journal, older).unwrap();
    let resumed = export(&[], &["--project-id", "B", "--resume"]);
    assert_eq!(resumed.code, 3, "{}", resumed.stderr);
}

#[test]
fn journal_of_an_older_version_is_read_as_before() {
    let folder = tempdir().unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/journal-0.1.jsonl");
    let fixture = fixture.to_str().unwrap();
    let rendered = run(folder.path(), &["render", fixture, "-o", "r.json"]);
    assert_eq!(rendered.code, 3, "{}", rendered.stderr);
    assert!(!rendered.stderr.contains("clock"), "{}", rendered.stderr);
    let report = document(&folder.path().join("r.json"));
    let tasks = report["tasks"].as_array().unwrap().iter();
    let tasks: Vec<_> =
        tasks.map(|task| (task["verdict"].as_str().unwrap(), task["age_seconds"].as_i64())).collect();
    assert_eq!(tasks, [("consistent", Some(3602)), ("stale", Some(86402)), ("fetch_failed", None)]);
    let run_of = &report["run"];
    assert_eq!(run_of["ended_at"], "2026-11-21T08:00:02.1+00:00");
    assert_eq!(run_of["clock_offset_seconds"], Value::Null);
    // A merge of only this journal has the same records, byte for byte.
    assert_eq!(run(folder.path(), &["merge", fixture, "-o", "m.jsonl"]).code, 3);
    let lines = |text: String| {
        let mut lines: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let merged = std::fs::read_to_string(folder.path().join("m.jsonl")).unwrap();
    assert_eq!(lines(merged), lines(std::fs::read_to_string(fixture).unwrap()));
}

#[test]
fn list_too_long_for_the_deadline_is_reported_and_names_the_deadline() {
    let folder = tempdir().unwrap();
    let server = Server::start(|_, _| verified(hours(1), 0, hours(0)));
    let bounds =
        ["--rate", "1/h", "--deadline", "300ms", "--task", "a", "--task", "b", "--task", "c", "--task", "d"];
    let exported = export(folder.path(), &server, &[&bounds[..], &["-o", "r.json"]].concat());
    assert_eq!(exported.code, 3, "{}", exported.stderr);
    let warning = "4 tasks at 1/h (--rate) take at least 10800 s, but the deadline (--deadline) is 0.3 s";
    assert!(exported.stderr.contains(warning), "{}", exported.stderr);
    assert!(
        exported.stderr.contains("hint: 3 tasks were not fetched before the deadline"),
        "{}",
        exported.stderr
    );
    assert!(!exported.stderr.contains("doctor"), "{}", exported.stderr);
    let report = document(&folder.path().join("r.json"));
    let message = report["tasks"][2]["error_message"].as_str().unwrap();
    assert!(message.contains("deadline (--deadline) passed before this task was requested"), "{message}");
    let enough = export(folder.path(), &server, &["--deadline", "5s", "--task", "a", "-o", "s.json"]);
    assert!(!enough.stderr.contains("deadline"), "{}", enough.stderr);
}
