//! Bodies of answers, in every shape, from bytes to a verdict.
//!
//! A second, simple reader decides which bodies are valid evidence. Only these may pass, and the result must not
//! depend on the JSON encoding.

use std::path::PathBuf;
use std::sync::LazyLock;

use super::shared::{header, journal, report, scratch};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use cutover_report::answer::normalise;
use cutover_report::model::Verdict;
use serde_json::{Value, json};

const TASK: &str = "t";

static PATH: LazyLock<PathBuf> = LazyLock::new(|| scratch("answers.jsonl"));
static HEADER: LazyLock<String> =
    LazyLock::new(|| serde_json::to_string(&header(&[TASK])).expect("a header can be written"));

pub fn run(body: &[u8]) {
    let read = normalise(body);
    let verdict = verdict(body);
    let value = serde_json::from_slice(body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body));
    match (read, value) {
        (Err(_), _) => assert_eq!(verdict, Verdict::Unreadable),
        // Invalid numbers and escapes in fields that are not read.
        (Ok(_), Err(_)) => {}
        (Ok(answer), Ok(value)) => {
            assert_eq!(verdict.passes(), is_evidence(&value), "{verdict:?} of {answer:?}");
            let again = normalise(value.to_string().as_bytes()).expect("the same JSON in another spelling");
            assert_eq!(again, answer);
        }
    }
}

/// The report's row for a task with this answer.
fn verdict(body: &[u8]) -> Verdict {
    let record = json!({
        "ordinal": 0, "task_id": TASK, "fetched_at": "2026-11-21T00:00:01Z", "attempts": 1, "status": 200,
        "body_base64": BASE64_STANDARD.encode(body),
    });
    let bytes = format!("{}\n{record}\n", *HEADER);
    let journal = journal(&PATH, bytes.as_bytes()).expect("a journal");
    report(&journal, None).expect("a report").rows().first().expect("a row").verdict
}

/// Whether a valid answer for the task has no differences.
fn is_evidence(answer: &Value) -> bool {
    let named = answer["task_id"].as_str().unwrap_or_default().trim();
    let verifications = match (&answer["result_list"], &answer["consistency_result"]) {
        (Value::Array(items), _) => items.iter().map(listed).collect(),
        (_, Value::Array(directories)) if !directories.is_empty() => vec![answer.clone()],
        _ => Vec::new(),
    };
    let newest = verifications.iter().filter_map(milliseconds).max();
    let mut decisive =
        verifications.iter().filter(|one| milliseconds(one).is_none_or(|time| Some(time) == newest));
    let legacy = !answer["result_list"].is_array();
    (named.is_empty() || named == TASK)
        && !verifications.is_empty()
        && decisive.all(|one| (legacy || one["check_result"] == "success") && is_consistent(one))
}

fn listed(item: &Value) -> Value {
    match item {
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        item => item.clone(),
    }
}

fn milliseconds(verification: &Value) -> Option<i64> {
    let time = match &verification["finished_time"] {
        Value::String(text) => text.trim().parse().ok()?,
        time => time.as_i64()?,
    };
    Some(if time < 100_000_000_000 { time * 1000 } else { time })
}

fn is_consistent(verification: &Value) -> bool {
    let counts = ["num_different_files", "num_target_miss_files", "num_target_more_files"];
    let directories = verification["consistency_result"].as_array();
    directories.is_some_and(|directories| {
        !directories.is_empty()
            && directories.iter().all(|check| counts.iter().all(|count| check[*count] == 0))
    })
}
