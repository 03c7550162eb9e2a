//! A history on a terminal: the nights, and a strip of verdicts for each task that does not pass or is not stable.

use anstyle::{AnsiColor, Style};

use crate::model::{Language, SAMPLE, Verdict, clean};
use crate::output::{HistoryDocument, is_notable};
use crate::report::{Course, History, NightSummary};

use super::summary::{Cell, INDENT, Layout, lay_out, status_style, verdict_style};

/// The most nights in the list; the sparkline and the strips have more.
const LISTED_NIGHTS: usize = 14;
/// The most nights in a strip or sparkline where the width is unlimited, and the fewest anywhere.
const MAX_STRIP: usize = 90;
const MIN_STRIP: usize = 7;
/// The columns beside a strip that a task's line needs.
const BESIDE_STRIP: usize = 72;
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const GAP: char = '·';

/// The table. Texts from outside are cleaned.
pub(crate) fn text(document: &HistoryDocument<'_>, layout: &Layout) -> String {
    let HistoryDocument { history, options } = document;
    let (language, zone) = (layout.language, &options.timezone);
    let bold = Style::new().bold();
    let strip = layout.width.map_or(MAX_STRIP, |width| width.saturating_sub(BESIDE_STRIP).max(MIN_STRIP));
    let from = history.nights().len().saturating_sub(strip);
    let mut lines = vec![layout.paint(&clean(&history.headline(language)), bold)];
    if history.is_sample() {
        lines.push(layout.paint(language.text(SAMPLE), bold.fg_color(Some(AnsiColor::Yellow.into()))));
    }
    lines.push(history.judged(language).to_owned());
    lines.push(clean(&options.criteria(language)).into_owned());
    let nights = history.nights().get(from..).unwrap_or_default();
    lines.push(String::new());
    lines.push(format!(
        "{}  {}",
        layout.paint(language.text("Does not pass"), bold),
        sparkline(nights.iter().map(|night| night.is_whole().then(|| night.not_passing())))
    ));
    lines.push(String::new());
    let ended = language.fill("Run ended ({0})", &[&zone.name()]);
    let headings =
        [&ended, "Status", "Passing", "Does not pass", "No result"].map(|text| language.text(text));
    let mut table = vec![headings.map(|text| Cell::new(text, Style::new().underline())).into()];
    let earlier = history.nights().len().saturating_sub(LISTED_NIGHTS);
    for night in history.nights().get(earlier..).unwrap_or_default() {
        table.push(night_row(night, &zone.plain(night.ended_at), history.is_sample(), language));
    }
    lines.extend(table_lines(&table, layout));
    if earlier > 0 {
        lines.push(language.fill("… and {0} earlier nights", &[&earlier]));
    }
    let tasks: Vec<&Course> = history.tasks().iter().filter(|task| is_notable(task)).collect();
    if !tasks.is_empty() {
        let shown = tasks.len().min(layout.limit.unwrap_or(tasks.len()));
        lines.push(String::new());
        lines.push(layout.paint(
            language.text("Tasks that do not pass or changed side more than once, stuck longest first"),
            bold,
        ));
        let headings =
            ["Stuck", "Changed", "Verdict", "Course", "Source server"].map(|text| language.text(text));
        let mut table = vec![headings.map(|text| Cell::new(text, Style::new().underline())).into()];
        table.extend(tasks.iter().take(shown).map(|task| task_row(task, from, language, layout)));
        lines.extend(table_lines(&table, layout));
        if let more @ 1.. = tasks.len() - shown {
            lines.push(language.fill("… and {0} more", &[&more]));
        }
        lines.push(language.text("✓ passes  × differs or check failed  ▲ stale or inconclusive  ○ no evidence  · no result").to_owned());
    }
    lines.join("\n") + "\n"
}

/// The lines of a table of 5 columns, of which the last is cut to fit.
fn table_lines(table: &[Vec<Cell>], layout: &Layout) -> impl Iterator<Item = String> {
    let lines = lay_out(table, &[None, None, None, None, Some(1)], layout);
    lines.into_iter().map(|line| format!("{INDENT}{line}"))
}

/// A bar per value, the highest for the greatest; a dot for an unknown value.
fn sparkline(values: impl Iterator<Item = Option<usize>> + Clone) -> String {
    let most = values.clone().flatten().max().unwrap_or(0).max(1);
    let bar = |value: usize| LEVELS.get((value * (LEVELS.len() - 1)).div_ceil(most)).copied().unwrap_or(GAP);
    values.map(|value| value.map_or(GAP, bar)).collect()
}

fn night_row(night: &NightSummary, ended: &str, is_sample: bool, language: Language) -> Vec<Cell> {
    vec![
        Cell::plain(ended),
        Cell::new(language.text(night.status.label()), status_style(night.status, is_sample)).aligned_right(),
        Cell::number(night.passing()),
        Cell::number(night.not_passing()),
        Cell::number(night.absent()),
    ]
}

fn task_row(task: &Course, from: usize, language: Language, layout: &Layout) -> Vec<Cell> {
    let verdict = task.last().map(|finding| finding.verdict);
    let style = verdict.map_or_else(Style::new, verdict_style);
    let marks = task
        .verdicts()
        .skip(from)
        .map(|verdict| layout.paint(mark(verdict), verdict.map_or_else(Style::new, verdict_style)));
    let marks: String = marks.collect();
    let strip = Cell::painted(marks, task.findings.len().saturating_sub(from));
    let id = task.task_id().filter(|id| *id != task.display_name()).map(|id| format!(" ({id})"));
    vec![
        Cell::number(task.nights_without_progress()),
        Cell::number(task.changes()),
        Cell::new(History::verdict_label(verdict, language), style),
        strip,
        Cell::plain(&format!("{}{}", task.display_name(), id.unwrap_or_default())),
    ]
}

fn mark(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        None => "·",
        Some(Verdict::FetchFailed | Verdict::Unreadable | Verdict::NotVerified) => "○",
        Some(Verdict::CheckFailed | Verdict::Inconsistent) => "×",
        Some(Verdict::Stale | Verdict::Inconclusive) => "▲",
        Some(Verdict::Accepted | Verdict::Consistent) => "✓",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparkline_scales_to_the_greatest_and_shows_gaps() {
        let line = |values: &[Option<usize>]| sparkline(values.iter().copied());
        assert_eq!(line(&[Some(0), Some(1), None, Some(5), Some(10)]), "▁▂·▅█");
        assert_eq!(line(&[Some(0), None]), "▁·");
        assert_eq!(line(&[Some(1)]), "█");
        assert_eq!(line(&[Some(1000), Some(1)]), "█▂", "one is more than none");
    }
}
