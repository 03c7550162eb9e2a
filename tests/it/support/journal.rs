//! Journals written by tests.

use std::path::Path;

use cutover_report::journal::{Answered, Header, Journal, Outcome, Record, Writer};
use cutover_report::model::{Task, TaskId, TaskList};
use serde_json::json;

/// Consistent results of these directories.
pub fn answer(directories: &[&str]) -> Outcome {
    let check = |directory: &&str| {
        json!({"dir_check": directory, "num_total_files": 5, "num_different_files": 0,
               "num_target_miss_files": 0, "num_target_more_files": 0})
    };
    let checks: Vec<_> = directories.iter().map(check).collect();
    let body = json!({"consistency_result": checks, "finished_time": 1_700_000_000}).to_string();
    Outcome::Answered(Answered {
        status: 200,
        sample_data: false,
        content_range: None,
        body: body.into_bytes(),
    })
}

/// Tasks with the names and outcomes given, as a finished journal, `j.jsonl`.
pub fn journal(folder: &Path, tasks: &[(&str, Outcome)]) -> Journal {
    let path = folder.join("j.jsonl");
    let task = |(n, (name, _)): (usize, &(&str, Outcome))| Task {
        source_name: Some((*name).to_owned()),
        labels: [("owner", *name)].into_iter().collect(),
        ..Task::new(TaskId::new(&format!("task-{n}")).unwrap())
    };
    let list =
        TaskList { labels: vec!["owner".to_owned()], tasks: tasks.iter().enumerate().map(task).collect() };
    let header = Header::new("2026-11-21T00:00:00Z".parse().unwrap(), "https://sms.example".to_owned(), list);
    let mut writer = Writer::create(&path, &header, true).unwrap();
    for (ordinal, (_, outcome)) in tasks.iter().enumerate() {
        let task_id = header.list.tasks[ordinal].task_id.clone();
        let fetched_at = header.started_at;
        let outcome = outcome.clone();
        writer
            .append(Record {
                ordinal,
                task_id,
                fetched_at,
                clock_offset: None,
                attempts: 1,
                request_id: None,
                context: None,
                outcome,
            })
            .unwrap();
    }
    writer.finish().unwrap();
    Journal::open(&path).unwrap()
}
