//! What changed, as the text of a ticket comment.

use crate::model::{Language, Markup, SAMPLE, Totals};
use crate::report::{Change, Diff, Report, TaskChange, notes_text};

use super::super::ticket;

/// The tasks that the text names at most: a comment is for a glance, the workbook has all.
const NAMED_TASKS: usize = 50;

/// The text: the outcome, the two runs, and the tasks that changed.
pub(super) fn text(diff: &Diff<'_>) -> String {
    let language = diff.now().options().language;
    let say = |text: &'static str| escape(language.text(text));
    let mut lines = vec![format!("**{}**", escape(&diff.headline(language))), String::new()];
    if diff.is_sample() {
        lines.push(format!("- **{}**", say(SAMPLE)));
    }
    lines.push(format!("- {}: {}", say("Before"), escape(&run(diff, diff.before()))));
    lines.push(format!("- {}: {}", say("Now"), escape(&run(diff, diff.now()))));
    lines.push(format!("- {}", escape(&diff.now().criteria(language))));
    for warning in diff.warnings(language) {
        lines.push(format!("- {}: {}", say("Warning"), escape(&warning)));
    }
    let changed: Vec<_> = diff.tasks().iter().filter(|task| task.change != Change::Same).collect();
    if !changed.is_empty() {
        let headings = [
            "Change",
            "Source server",
            "Task ID",
            "Verdict before",
            "Verdict now",
            "Different",
            "Missing at target",
            "Redundant at target",
            "Notes",
        ];
        lines.push(String::new());
        lines.push(format!("| {} |", headings.map(say).join(" | ")));
        lines.push("|---|---|---|---|---|--:|--:|--:|---|".to_owned());
        lines.extend(changed.iter().take(NAMED_TASKS).map(|task| row(task, language)));
    }
    if let more @ 1.. = changed.len().saturating_sub(NAMED_TASKS) {
        lines.push(String::new());
        lines.push(escape(&language.fill("… and {0} more that changed", &[&more])));
    }
    lines.join("\n") + "\n"
}

fn run(diff: &Diff<'_>, report: &Report<'_>) -> String {
    diff.run(report, report.options().language)
}

fn row(task: &TaskChange<'_>, language: Language) -> String {
    let verdict = |row: Option<&crate::report::SummaryRow<'_>>| {
        row.map_or_else(String::new, |row| escape(language.text(row.verdict.label())))
    };
    let count = |pick: fn(&Totals) -> u64| {
        let count =
            |row: Option<&crate::report::SummaryRow<'_>>| row.and_then(|row| row.totals.as_ref()).map(pick);
        match (count(task.old), count(task.new)) {
            (Some(old), Some(new)) if old == new => new.to_string(),
            (None, None) => String::new(),
            (old, new) => {
                let shown =
                    |count: Option<u64>| count.map_or_else(|| "?".to_owned(), |count| count.to_string());
                format!("{} → {}", shown(old), shown(new))
            }
        }
    };
    let cells = [
        escape(language.text(task.change.label())),
        escape(task.task.source_name.as_deref().unwrap_or_default()),
        escape(task.task.id_text()),
        verdict(task.old),
        verdict(task.new),
        count(|totals| totals.different),
        count(|totals| totals.missing),
        count(|totals| totals.redundant),
        escape(&notes_text(&task.notes, language)),
    ];
    format!("| {} |", cells.join(" | "))
}

fn escape(text: &str) -> String {
    ticket::escape(Markup::Markdown, text)
}
