//! The user's files for reports. The first byte chooses: a `t`emplate, `w`aivers, or the text of a ticket in
//! `m`arkdown, `j`ira or plain.

use std::path::Path;
use std::sync::LazyLock;

use super::shared::{header, journal, report, scratch};
use cutover_report::journal::Journal;
use cutover_report::model::{Language, Markup, Verdict};
use cutover_report::output::Ticket;
use cutover_report::report::{Template, Waivers, Zone};
use serde_json::json;

/// The tasks of a report, with the best verdict that each may have with any waivers.
const TASKS: [(&str, Verdict); 4] = [
    ("differs", Verdict::Accepted),
    ("saturated", Verdict::Inconsistent),
    ("failed", Verdict::CheckFailed),
    ("same", Verdict::Consistent),
];

static ZONE: LazyLock<Zone> = LazyLock::new(|| Zone::named("Asia/Shanghai").expect("a zone"));
static JOURNAL: LazyLock<Journal> = LazyLock::new(|| {
    let directory = |different: u64| {
        json!({"dir_check": "/data", "num_total_files": 200_000, "num_different_files": different,
               "num_target_miss_files": 2 * different, "num_target_more_files": 0})
    };
    let verification = |result: &str, different: u64| {
        json!({"result_list": [{"finished_time": 1_795_000_000, "check_result": result,
                                "consistency_result": [directory(different)]}]})
    };
    let answers = [
        verification("success", 3),
        verification("success", 100_000),
        verification("failed", 3),
        verification("success", 0),
    ];
    let mut lines = vec![json!(header(&TASKS.map(|(id, _)| id)))];
    for (ordinal, ((task_id, _), answer)) in TASKS.iter().zip(answers).enumerate() {
        lines.push(json!({"ordinal": ordinal, "task_id": task_id, "fetched_at": "2026-11-21T00:00:01Z",
                          "attempts": 1, "status": 200, "body": answer.to_string()}));
    }
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    journal(&scratch("templates.jsonl"), text.as_bytes()).expect("a journal")
});

pub fn run(data: &[u8]) {
    let Some((kind, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    match kind {
        b't' => template(text),
        b'w' => waivers(text),
        b'm' => ticket(text, Markup::Markdown),
        b'j' => ticket(text, Markup::Jira),
        _ => ticket(text, Markup::Plain),
    }
}

fn template(text: &str) {
    match Template::parse("own.toml", text) {
        Err(error) => assert!(error.line <= text.matches('\n').count() + 1, "{error}"),
        Ok(template) => {
            assert!(!template.summary.is_empty() && !template.tasks.is_empty());
            for column in &template.summary {
                assert!((1..=255).contains(&template.width(column)));
                template.heading(column, &ZONE, Language::Chinese);
            }
        }
    }
}

fn waivers(text: &str) {
    let Ok(waivers) = Waivers::parse(Path::new("waivers.toml"), text, &ZONE) else { return };
    waivers.warnings().for_each(drop);
    let report = report(&JOURNAL, Some(waivers)).expect("a report");
    for (row, (_, best)) in report.rows().iter().zip(TASKS) {
        assert!(row.verdict <= best, "{row:?}");
        assert_eq!(row.verdict == Verdict::Accepted, !row.waived.is_empty());
        assert!(row.waived.iter().all(|waived| !waived.waiver.reason.trim().is_empty()));
    }
    for one in report.waivers().expect("waivers were given") {
        one.text(Language::Chinese);
    }
}

fn ticket(source: &str, markup: Markup) {
    if let Err(error) = Ticket::new("own.j2", source, markup) {
        error.to_string();
    }
}
