//! Shared by the targets: files, and reports from journals.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use cutover_report::journal::{Header, Journal};
use cutover_report::model::{Language, Task, TaskId, TaskList};
use cutover_report::report::{Options, Policy, Report, Template, View, Waivers, Zone};

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
