//! Pages of listings. The first byte chooses: a page of `t`asks, of `s`ources, or `o`ne task; anything else is the
//! context of a task with a consistent answer.

use std::path::PathBuf;
use std::sync::LazyLock;

use super::shared::{header, journal, report, scratch};
use cutover_report::model::{TaskContext, Verdict};
use cutover_report::sms::pages;
use jiff::Timestamp;
use serde_json::json;

static PATH: LazyLock<PathBuf> = LazyLock::new(|| scratch("listings.jsonl"));

pub fn run(data: &[u8]) {
    let Some((kind, body)) = data.split_first() else { return };
    let entries = match kind {
        b't' => pages::tasks(body, Timestamp::UNIX_EPOCH).map(|page| page.entries),
        b's' => pages::sources(body).map(|page| page.entries),
        b'o' => pages::task(body, Timestamp::UNIX_EPOCH).map(|entry| vec![entry]),
        _ => {
            let Ok(listed) = String::from_utf8(body.to_vec()) else { return };
            return judged(TaskContext { read_at: "2026-11-21T00:00:00Z".parse().expect("a time"), listed });
        }
    };
    match entries {
        Err(error) => assert!(!error.is_empty() && error.chars().count() < 300),
        Ok(entries) => entries.into_iter().filter_map(|entry| entry.task?.context).for_each(judged),
    }
}

/// A context makes a task that passes stale or inconclusive, or leaves it.
fn judged(context: TaskContext) {
    let answer = json!({"result_list": [{"finished_time": 1_795_000_000, "check_result": "success",
        "consistency_result": [{"dir_check": "/data", "num_total_files": 7, "num_different_files": 0,
                                "num_target_miss_files": 0, "num_target_more_files": 0}]}]});
    let record = json!({"ordinal": 0, "task_id": "t", "fetched_at": "2026-11-21T00:00:01Z", "attempts": 1,
                        "status": 200, "body": answer.to_string(), "context": context});
    let text = format!("{}\n{record}\n", json!(header(&["t"])));
    let journal = journal(&PATH, text.as_bytes()).expect("a journal");
    let report = report(&journal, None).expect("a report");
    let row = report.rows().first().expect("a row");
    assert!(matches!(row.verdict, Verdict::Consistent | Verdict::Stale | Verdict::Inconclusive), "{row:?}");
}
