//! A history as the text of a ticket comment.

use crate::model::{Markup, SAMPLE};
use crate::output::history_document::{HistoryDocument, notable};
use crate::output::ticket;
use crate::report::{Course, History};

/// The most nights and tasks that the text names: a comment is for a glance, the workbook has all.
const NAMED_NIGHTS: usize = 14;
const NAMED_TASKS: usize = 50;

/// The text: the outcome, the nights, and the tasks that do not pass or are not stable.
pub(super) fn text(document: &HistoryDocument<'_>) -> String {
    let HistoryDocument { history, options } = document;
    let (language, zone) = (options.language, &options.timezone);
    let say = |text: &'static str| escape(language.text(text));
    let headings = |texts: &[&'static str]| {
        let texts: Vec<String> = texts.iter().map(|text| say(text)).collect();
        format!("| {} |", texts.join(" | "))
    };
    let mut lines = vec![format!("**{}**", escape(&history.headline(language))), String::new()];
    if history.is_sample() {
        lines.push(format!("- **{}**", say(SAMPLE)));
    }
    lines.push(format!("- {}", escape(history.judged(language))));
    lines.push(format!("- {}", escape(&options.criteria(language))));
    for warning in history.warnings(zone, language) {
        lines.push(format!("- {}: {}", say("Warning"), escape(&warning)));
    }
    let nights = history.nights();
    let from = nights.len().saturating_sub(NAMED_NIGHTS);
    lines.push(String::new());
    lines.push(headings(&["Run ended", "Status", "Passing", "Does not pass", "No result"]));
    lines.push("|---|---|--:|--:|--:|".to_owned());
    for night in nights.get(from..).unwrap_or_default() {
        lines.push(format!(
            "| {} | {} | {} | {} | {} |",
            escape(&zone.plain(night.ended_at)),
            say(night.status.label()),
            night.passing(),
            night.not_passing(),
            night.absent()
        ));
    }
    if from > 0 {
        lines.push(String::new());
        lines.push(escape(&language.fill("… and {0} earlier nights", &[&from])));
    }
    let tasks: Vec<&Course> = notable(history).collect();
    if !tasks.is_empty() {
        lines.push(String::new());
        lines.push(headings(&[
            "Source server",
            "Task ID",
            "Verdict",
            "Nights without progress",
            "Changed side",
            "First passed",
            "Last got worse",
            "Nights without evidence",
        ]));
        lines.push("|---|---|---|--:|--:|---|---|--:|".to_owned());
    }
    for task in tasks.iter().take(NAMED_TASKS) {
        let time = |night| history.ended_at(night).map_or_else(String::new, |time| zone.plain(time));
        lines.push(format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            escape(task.source_name().unwrap_or_default()),
            escape(task.task_id().unwrap_or_default()),
            escape(History::verdict_label(task.last().map(|finding| finding.verdict), language)),
            task.nights_without_progress(),
            task.changes(),
            escape(&time(task.first_passed())),
            escape(&time(task.last_got_worse())),
            task.nights_without_evidence()
        ));
    }
    if let more @ 1.. = tasks.len().saturating_sub(NAMED_TASKS) {
        lines.push(String::new());
        lines.push(escape(&language.fill("… and {0} more", &[&more])));
    }
    lines.join("\n") + "\n"
}

fn escape(text: &str) -> String {
    ticket::escape(Markup::Markdown, text)
}
