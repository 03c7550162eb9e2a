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
/// Five minutes after the answer, in milliseconds since 1970: no verification has finished later.
const LATEST: i64 = 1_795_219_501_000;

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

/// Whether a valid answer for the task has no differences and no doubts.
fn is_evidence(answer: &Value) -> bool {
    let named = answer["task_id"].as_str().unwrap_or_default().trim();
    let verifications = match (&answer["result_list"], &answer["consistency_result"]) {
        (Value::Array(items), _) => items.iter().map(listed).collect(),
        (_, Value::Array(directories)) if !directories.is_empty() => vec![answer.clone()],
        _ => Vec::new(),
    };
    let is_legacy = !answer["result_list"].is_array();
    // One whose time is unknown may be the newest.
    let times: Option<Vec<i64>> = verifications.iter().map(milliseconds).collect();
    let Some(newest) = times.iter().flatten().max() else { return false };
    let mut decisive = verifications.iter().filter(|one| milliseconds(one).as_ref() == Some(newest));
    (named.is_empty() || named == TASK)
        && decisive.all(|one| {
            let result = &one["check_result"];
            (result == "success" || is_legacy && result.is_null()) && is_consistent(one)
        })
}

fn listed(item: &Value) -> Value {
    match item {
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        item => item.clone(),
    }
}

/// The time of a verification, if there is one that is not after the answer.
fn milliseconds(verification: &Value) -> Option<i64> {
    let time = match &verification["finished_time"] {
        Value::String(text) => text.trim().parse().ok()?,
        time => time.as_i64()?,
    };
    let time = if time < 100_000_000_000 { time.checked_mul(1000)? } else { time };
    (1..=LATEST).contains(&time).then_some(time)
}

fn is_consistent(verification: &Value) -> bool {
    let counts = ["num_different_files", "num_target_miss_files", "num_target_more_files"];
    let directories = verification["consistency_result"].as_array().map_or(&[][..], Vec::as_slice);
    let total = |check: &Value| check["num_total_files"].as_u64().unwrap_or_default();
    // The service counts no further.
    let is_saturated = |check: &Value| matches!(total(check), 100_000 | 1_000_000);
    directories.iter().any(|check| total(check) > 0)
        && directories
            .iter()
            .all(|check| counts.iter().all(|count| check[*count] == 0) && !is_saturated(check))
}
