//! Shared by the targets: files, reports from journals, and journals from any bytes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use cutover_report::journal::{Header, Journal};
use cutover_report::model::{Language, Task, TaskId, TaskList};
use cutover_report::report::{Options, Policy, Report, Template, View, Waivers, Zone};
use serde_json::{Value, json};

/// A path for a file that every input replaces. Set `TMPDIR` to a file system in memory.
pub fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("cutover-report-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for scratch files");
    folder.join(name)
}

/// A header with tasks of these ids.
pub fn header(ids: &[&str]) -> Header {
    let task = |id: &&str| Task::new(TaskId::new(id).expect("an id"));
    let list = TaskList { labels: Vec::new(), tasks: ids.iter().map(task).collect() };
    let started = "2026-11-21T00:00:00Z".parse().expect("a time");
    Header::new(started, "https://sms.example".to_owned(), list)
}

/// Opens a journal with these bytes, which may be invalid.
pub fn journal(path: &Path, bytes: &[u8]) -> Option<Journal> {
    fs::write(path, bytes).expect("the scratch file can be written");
    Journal::open(path).ok()
}

static OPTIONS: LazyLock<Options> = LazyLock::new(|| Options {
    timezone: Zone::named("Asia/Shanghai").expect("a zone"),
    language: Language::English,
    template: Template::built_in(Template::STANDARD).expect("a template"),
    policy: Policy { max_age: None, not_before: None },
    waivers: None,
    rows_per_sheet: 1000,
    view: View::default(),
    needs_context: false,
});

/// The report of a journal, with verifications of any age.
pub fn report(journal: &Journal, waivers: Option<Waivers>) -> Option<Report<'_>> {
    Report::new(journal, Options { waivers, ..OPTIONS.clone() }).ok()
}

/// The bytes of an input, one by one; zeros after its end.
pub struct Bytes<'a>(pub &'a [u8]);

impl Bytes<'_> {
    /// The next byte, reduced to a number below `end`.
    pub fn below(&mut self, end: u8) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        first % end
    }

    /// A text of a few characters that formats have to escape.
    pub fn text(&mut self) -> String {
        const CHARS: [char; 16] =
            ['a', 'Z', '0', ' ', ',', ';', '"', '\'', '<', '&', '=', '-', '/', '\\', '\u{4e2d}', '\u{1f600}'];
        (0..self.below(8)).filter_map(|_| CHARS.get(usize::from(self.below(16))).copied()).collect()
    }

    /// Up to 99 bytes as text.
    pub fn any_text(&mut self) -> String {
        let length = usize::from(self.below(100)).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8_lossy(text).into_owned()
    }
}

/// The ids that described journals list.
pub const IDS: [&str; 4] = ["a", "b", "c", "d"];

/// The text of a journal that an input describes: some of [`IDS`], and an answer, a failure or nothing of each.
pub fn described(bytes: &mut Bytes<'_>) -> String {
    let mask = bytes.below(15) + 1;
    let ids = IDS.iter().enumerate().filter(|(place, _)| mask >> place & 1 == 1).map(|(_, id)| *id);
    let mut header = header(&ids.collect::<Vec<_>>());
    header.started_at += jiff::SignedDuration::from_hours(bytes.below(96).into());
    if bytes.below(4) == 1 {
        header.endpoint = "https://other.example".to_owned();
    }
    let mut lines = vec![json!(header)];
    let mut end = header.started_at;
    for (ordinal, task) in header.list.tasks.iter_mut().enumerate() {
        task.source_name = Some(bytes.text()).filter(|name| !name.is_empty());
        end += jiff::SignedDuration::from_mins(bytes.below(3).into());
        let mut line = json!({"ordinal": ordinal, "task_id": task.task_id, "fetched_at": end, "attempts": 1});
        match bytes.below(8) {
            0 => continue,
            1 => line["failed"] = json!({"message": bytes.text()}),
            2 => line["failed"] = json!({"status": 404, "message": "gone"}),
            kind => {
                line["status"] = json!(200);
                line["body"] = if kind == 3 { json!(bytes.text()) } else { json!(answer(bytes).to_string()) };
            }
        }
        lines.push(line);
    }
    lines[0] = json!(header);
    if bytes.below(2) == 0 {
        lines.push(json!({"finished_at": end, "recorded": lines.len() - 1}));
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// An answer with a few verifications.
fn answer(bytes: &mut Bytes<'_>) -> Value {
    let verifications = (0..=bytes.below(2)).map(|_| {
        let finished = 1_795_000_000 + i64::from(bytes.below(96)) * 3600;
        let result = if bytes.below(8) == 1 { "failed" } else { "success" };
        let checks = (0..bytes.below(4)).map(|_| {
            json!({"dir_check": format!("/{}", bytes.text()), "num_total_files": bytes.below(200),
                   "num_different_files": bytes.below(3), "num_target_miss_files": bytes.below(3),
                   "num_target_more_files": bytes.below(3)})
        });
        let checks: Vec<Value> = checks.collect();
        json!({"finished_time": finished, "check_result": result, "consistency_result": checks})
    });
    json!({"result_list": verifications.collect::<Vec<_>>()})
}
