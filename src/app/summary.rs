//! The summary of a report on a terminal: for `show`, and at the end of commands that write reports.

use std::collections::HashMap;
use std::io::{self, IsTerminal};

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::model::{Language, SAMPLE, Verdict, clean};
use crate::report::{Report, Status, SummaryRow, pick_worst};

use super::terminal_language;

/// Maximum number of groups listed.
const MAX_GROUPS: usize = 20;
/// Names are truncated to this fraction of the terminal's width, but not below [`MIN_NAME`] columns.
const NAME_SHARE: usize = 3;
/// In columns.
const MIN_NAME: usize = 16;
/// Minimum width of reasons, in columns.
const MIN_REASON: usize = 16;
pub(super) const INDENT: &str = "  ";

/// How a summary is shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layout {
    /// The width of the terminal in columns; none for unlimited lines.
    pub(crate) width: Option<usize>,
    /// Whether verdicts and the status are coloured.
    pub(crate) colour: bool,
    /// Maximum number of tasks listed; none for all.
    pub(crate) limit: Option<usize>,
    /// How to list the other tasks.
    pub(crate) see: String,
    /// The language of the terminal.
    pub(crate) language: Language,
    /// Whether tasks that could not be fetched for the same reason, such as an unknown host, are one line.
    pub(crate) merge_failures: bool,
}

impl Layout {
    /// For stdout.
    pub(crate) fn stdout(limit: Option<usize>) -> Self {
        let stdout = io::stdout();
        let width = stdout.is_terminal().then(|| terminal_size::terminal_size_of(&stdout)).flatten();
        Self::new(width, anstream::AutoStream::choice(&stdout), limit)
    }

    /// For stderr.
    pub(crate) fn stderr(limit: Option<usize>) -> Self {
        let stderr = io::stderr();
        let width = stderr.is_terminal().then(|| terminal_size::terminal_size_of(&stderr)).flatten();
        Self::new(width, anstream::AutoStream::choice(&stderr), limit)
    }

    fn new(
        size: Option<(terminal_size::Width, terminal_size::Height)>,
        colour: anstream::ColorChoice,
        limit: Option<usize>,
    ) -> Self {
        // A terminal of unknown size reports 0.
        let width = size.map(|(width, _)| usize::from(width.0)).filter(|width| *width > 0);
        Self {
            width,
            colour: colour != anstream::ColorChoice::Never,
            limit,
            language: terminal_language::get(),
            ..Self::default()
        }
    }

    pub(crate) fn paint(&self, text: &str, style: Style) -> String {
        if self.colour && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// The summary: status, counts, groups, and the tasks that do not pass, worst first. Texts from outside are cleaned.
pub(crate) fn text(report: &Report<'_>, layout: &Layout) -> String {
    let language = layout.language;
    let zone = &report.options().timezone;
    let journal = report.journal();
    let bold = Style::new().bold();
    let status = status_style(report.status(), report.is_sample());
    let mut lines = vec![layout.paint(&clean(&report.headline(language)), status)];
    if report.is_sample() {
        lines.push(layout.paint(language.text(SAMPLE), bold.fg_color(Some(AnsiColor::Yellow.into()))));
    }
    lines.push(clean(&report.outcome(language)).into_owned());
    lines.extend(report.since_text(language));
    let times = [journal.header().started_at, journal.ended_at()].map(|time| zone.plain(time));
    let [began, ended] = &times;
    let run = "Run {0} to {1} ({2}), endpoint {3}";
    let line = language.fill(run, &[began, ended, &zone.name(), &journal.header().endpoint]);
    lines.push(clean(&line).into_owned());
    if let Some(groups) = report.groups().filter(|groups| !groups.rows.is_empty()) {
        let shown = groups.most_failing(MAX_GROUPS);
        let heading =
            [groups.by.as_str(), "Tasks", "Passing", "Does not pass"].map(|text| language.text(text));
        let mut table = vec![heading.map(|text| Cell::new(text, bold)).into()];
        table.extend(shown.iter().map(|group| {
            vec![
                Cell::plain(group.label(language)),
                Cell::number(group.tasks),
                Cell::number(group.passing),
                Cell::plain(&group.failing_text(language)),
            ]
        }));
        lines.push(String::new());
        lines.extend(lay_out(&table, &[Some(0), None, None, Some(1)], layout));
        lines.extend(more(groups.rows.len() - shown.len(), "", language));
    }
    let entries = entries(report, layout);
    if !entries.is_empty() {
        let verdicts: Vec<Verdict> = entries.iter().map(|entry| entry.verdict).collect();
        let places = pick_worst(&verdicts, layout.limit.unwrap_or(entries.len()));
        let shown: Vec<&Entry<'_>> = places.into_iter().filter_map(|place| entries.get(place)).collect();
        let all: usize = entries.iter().map(|entry| entry.tasks).sum();
        let named: usize = shown.iter().map(|entry| entry.tasks).sum();
        lines.push(String::new());
        lines.push(layout.paint(language.text("Tasks that do not pass, worst first"), bold));
        lines.extend(match layout.width {
            Some(_) => table(&shown, language, layout),
            None => list(&shown, language, layout),
        });
        lines.extend(more(all - named, &layout.see, language));
    }
    lines.join("\n") + "\n"
}

/// A line of the list: a task that does not pass, or several.
struct Entry<'a> {
    verdict: Verdict,
    reason: String,
    /// The first task.
    row: &'a SummaryRow<'a>,
    tasks: usize,
}

/// The tasks that do not pass, worst first.
fn entries<'a>(report: &'a Report<'a>, layout: &Layout) -> Vec<Entry<'a>> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut by_reason: HashMap<String, usize> = HashMap::new();
    for row in report.worst_first() {
        let reason = row.reason(layout.language, &report.options().timezone);
        // Recorded in English, unlike the reasons of other verdicts.
        let is_recorded = matches!(row.verdict, Verdict::FetchFailed | Verdict::Unreadable);
        let reason = if is_recorded { layout.language.message(&reason).into_owned() } else { reason };
        if layout.merge_failures && row.verdict == Verdict::FetchFailed {
            let place = *by_reason.entry(reason.clone()).or_insert(entries.len());
            if let Some(entry) = entries.get_mut(place) {
                entry.tasks += 1;
                continue;
            }
        }
        entries.push(Entry { verdict: row.verdict, reason, row, tasks: 1 });
    }
    entries
}

/// One line per task, for logs and mail.
fn list(entries: &[&Entry<'_>], language: Language, layout: &Layout) -> Vec<String> {
    let width = Verdict::ALL.map(|verdict| language.text(verdict.label()).width()).into_iter().max();
    let line = |entry: &&Entry<'_>| {
        let verdict = language.text(entry.verdict.label());
        let blank = " ".repeat(width.unwrap_or(0).saturating_sub(verdict.width()));
        let name = match entry.tasks {
            1 => entry.row.task.name_and_id(),
            tasks => language.fill("{0} tasks", &[&tasks]),
        };
        let text = clean(&language.fill("{0}: {1}", &[&name, &entry.reason])).into_owned();
        format!("{INDENT}{}{blank}{INDENT}{text}", layout.paint(verdict, verdict_style(entry.verdict)))
    };
    entries.iter().map(line).collect()
}

/// The tasks as a table that fits the terminal, with ids if there is room.
fn table(entries: &[&Entry<'_>], language: Language, layout: &Layout) -> Vec<String> {
    let heading = ["Verdict", "Source server", "Differences", "Reason", "Task ID"];
    let heading = heading.map(|text| Cell::new(language.text(text), Style::new().underline()));
    let line = |entry: &&Entry<'_>| {
        let verdict = Cell::new(language.text(entry.verdict.label()), verdict_style(entry.verdict));
        let row = entry.row;
        let (name, id) = match entry.tasks {
            1 => (row.task.display_name().to_owned(), row.task.id_text()),
            tasks => (language.fill("{0} tasks", &[&tasks]), ""),
        };
        let differences = row.known_differences().map_or_else(|| "-".to_owned(), |count| count.to_string());
        vec![
            verdict,
            Cell::plain(&name),
            Cell::plain(&differences).aligned_right(),
            Cell::plain(&entry.reason),
            Cell::plain(id),
        ]
    };
    if entries.is_empty() {
        return Vec::new();
    }
    let mut table: Vec<Vec<Cell>> = vec![heading.into()];
    table.extend(entries.iter().map(line));
    let wanted: usize = widths(&table).iter().map(|width| width + INDENT.len()).sum();
    if layout.width.is_some_and(|width| wanted > width) {
        table.iter_mut().for_each(|row| row.truncate(4));
    }
    let lines = lay_out(&table, &[None, Some(0), None, Some(1), None], layout);
    lines.into_iter().map(|line| format!("{INDENT}{line}")).collect()
}

/// The number of tasks that are not listed, and how to list them.
fn more(count: usize, see: &str, language: Language) -> Option<String> {
    let text = language.fill("… and {0} more", &[&count]);
    let text = if see.is_empty() { text } else { language.fill("{0}: {1}", &[&text, &see]) };
    (count > 0).then(|| format!("{INDENT}{text}"))
}

/// A cell of a table.
pub(super) struct Cell {
    text: String,
    /// In columns.
    width: usize,
    style: Style,
    right: bool,
}

impl Cell {
    pub(super) fn new(text: &str, style: Style) -> Self {
        let text = clean(text).into_owned();
        Self { width: text.width(), text, style, right: false }
    }

    /// A text with colours in it, of this width in columns. It must not be in a flexible column.
    pub(super) fn painted(text: String, width: usize) -> Self {
        Self { text, width, style: Style::new(), right: false }
    }

    /// The cell, aligned to the right with all cells of its column.
    pub(super) fn aligned_right(self) -> Self {
        Self { right: true, ..self }
    }

    pub(super) fn plain(text: &str) -> Self {
        Self::new(text, Style::new())
    }

    pub(super) fn number(number: usize) -> Self {
        Self::plain(&number.to_string()).aligned_right()
    }
}

fn widths(table: &[Vec<Cell>]) -> Vec<usize> {
    let columns = table.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = table.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.width).max().unwrap_or(0)
    };
    (0..columns).map(width).collect()
}

/// The lines of a table, without the indent. Columns with `flexible` 0 are truncated to a fraction of the terminal, those with 1 get the
/// remaining width, others keep their width.
pub(super) fn lay_out(table: &[Vec<Cell>], flexible: &[Option<u8>], layout: &Layout) -> Vec<String> {
    let mut widths = widths(table);
    if let Some(terminal) = layout.width {
        let kind = |column: usize| flexible.get(column).copied().flatten();
        for (column, width) in widths.iter_mut().enumerate() {
            if kind(column) == Some(0) {
                *width = (*width).min((terminal / NAME_SHARE).max(MIN_NAME));
            }
        }
        let gaps = INDENT.len() * widths.len();
        let others = widths.iter().enumerate().filter(|(column, _)| kind(*column) != Some(1));
        let others: usize = others.map(|(_, width)| width).sum();
        let left = terminal.saturating_sub(others + gaps).max(MIN_REASON);
        for (column, width) in widths.iter_mut().enumerate() {
            if kind(column) == Some(1) {
                *width = (*width).min(left);
            }
        }
    }
    let right: Vec<bool> = (0..widths.len())
        .map(|column| table.iter().any(|row| row.get(column).is_some_and(|c| c.right)))
        .collect();
    let line = |row: &Vec<Cell>| {
        let mut line = String::new();
        let mut room = 0;
        for ((cell, width), right) in row.iter().zip(&widths).zip(&right) {
            let (text, taken) = if cell.width <= *width {
                (cell.text.clone(), cell.width)
            } else {
                let text = cut(&cell.text, *width);
                let taken = text.width();
                (text, taken)
            };
            let blank = width.saturating_sub(taken);
            let (before, after) = if *right { (blank, 0) } else { (0, blank) };
            if !text.is_empty() {
                line += &" ".repeat(room + before);
                line += &layout.paint(&text, cell.style);
                room = after + INDENT.len();
            } else {
                room += width + INDENT.len();
            }
        }
        line
    };
    table.iter().map(line).collect()
}

/// The text, truncated with `…` to at most `width` columns.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut taken = 1;
    for c in text.chars() {
        taken += c.width().unwrap_or(0);
        if taken > width {
            break;
        }
        kept.push(c);
    }
    kept + "…"
}

/// Sample data is never shown in green.
pub(crate) fn status_style(status: Status, is_sample: bool) -> Style {
    let colour = match status {
        Status::Incomplete => AnsiColor::Magenta,
        Status::NotReady => AnsiColor::Red,
        Status::Ready if !is_sample => AnsiColor::Green,
        Status::ReadyWithWaivers | Status::Ready => AnsiColor::Yellow,
    };
    Style::new().bold().fg_color(Some(colour.into()))
}

pub(crate) fn verdict_style(verdict: Verdict) -> Style {
    let colour = match verdict {
        Verdict::FetchFailed | Verdict::Unreadable | Verdict::NotVerified => AnsiColor::Magenta,
        Verdict::CheckFailed | Verdict::Inconsistent => AnsiColor::Red,
        Verdict::Accepted | Verdict::Consistent => AnsiColor::Green,
        Verdict::Stale | Verdict::Inconclusive => AnsiColor::Yellow,
    };
    Style::new().fg_color(Some(colour.into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_truncated_by_columns() {
        assert_eq!((cut("web-01", 6).as_str(), cut("web-prod-01", 6).as_str()), ("web-01", "web-p…"));
        assert_eq!((cut("财务报表", 8).as_str(), cut("财务报表", 6).as_str()), ("财务报表", "财务…"));
        assert_eq!(cut("web", 0), "…");
    }

    #[test]
    fn sample_data_is_never_green() {
        let green = AnsiColor::Green.into();
        for status in Status::ALL {
            assert_ne!(status_style(status, true).get_fg_color(), Some(green));
        }
        assert_eq!(status_style(Status::Ready, false).get_fg_color(), Some(green));
    }

    proptest! {
        #[test]
        fn table_fits_the_terminal(
            names in prop::collection::vec("[a-z财]{0,60}", 1..5),
            reason in "[a-z 务]{0,120}",
            width in 60_usize..200,
        ) {
            let row = |name: &String| {
                vec![Cell::plain("Inconsistent"), Cell::plain(name), Cell::number(412), Cell::plain(&reason)]
            };
            let table: Vec<_> = names.iter().map(row).collect();
            let layout = Layout { width: Some(width), ..Layout::default() };
            for line in lay_out(&table, &[None, Some(0), None, Some(1)], &layout) {
                prop_assert!(line.width() + INDENT.len() <= width, "{}", line);
            }
        }
    }
}
