//! The page of a history. It is complete without script; the script only sorts the table.

use std::io::Write;

use minijinja::value::Value;
use serde::Serialize;

use super::environment::{environment, lang, policy};
use super::words::{VerdictWords, fill, tone, verdict_words};
use crate::model::{Language, TOOL, Verdict};
use crate::output::error::Cause;
use crate::output::history_document::HistoryDocument;
use crate::report::{Course, History, NightSummary, Zone};

const PAGE: &str = include_str!("../../../templates/html/history.html.j2");
const SCRIPT: &str = include_str!("../../../templates/html/history.js");
const STYLE: &str = concat!(
    include_str!("../../../templates/html/report.css"),
    include_str!("../../../templates/html/history.css")
);
/// The width and height of a chart, in its own units.
const CHART: (usize, usize) = (1000, 200);
/// The space above and below the line of a chart.
const MARGIN: usize = 4;
/// The length of a line that has a single point.
const DOT: usize = 4;
/// The width of a night in a strip, the maximum width of a strip, and its height, in pixels.
const NIGHT_WIDTH: usize = 8;
const MAX_STRIP: usize = 360;
const STRIP_HEIGHT: usize = 16;
/// The height of the mark of a synchronisation, and its colour.
const MARK_HEIGHT: usize = 3;
const SYNCHRONISED: &str = "#2563b8";

#[derive(Serialize)]
struct Page<'a> {
    lang: &'static str,
    policy: String,
    sample_data: bool,
    run: String,
    headline: String,
    warnings: Vec<String>,
    chart: Chart,
    legend: Vec<VerdictWords>,
    burn_down: BurnDown,
    headings: Vec<Heading>,
    strip_width: usize,
    tasks: Vec<Task<'a>>,
    ended_heading: String,
    nights: Vec<Night<'a>>,
    judged: &'static str,
    criteria: String,
    definitions: Vec<(&'static str, &'static str)>,
    tool: &'static str,
}

#[derive(Serialize)]
struct Chart {
    width: usize,
    height: usize,
    columns: Vec<Part>,
    most: usize,
    first: String,
    last: String,
}

#[derive(Serialize)]
struct BurnDown {
    lines: Vec<String>,
    most: usize,
    label: String,
}

/// A rectangle of a chart or strip.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct Part {
    tone: &'static str,
    fill: &'static str,
    x: usize,
    y: usize,
    width: usize,
    height: usize,
    title: String,
}

#[derive(Serialize)]
struct Heading {
    text: String,
    class: &'static str,
    /// How the script compares its cells; empty if it does not sort by them.
    sort: &'static str,
    order: &'static str,
}

#[derive(Serialize)]
struct Task<'a> {
    name: &'a str,
    id: Option<&'a str>,
    listed: bool,
    verdict: Option<VerdictWords>,
    /// Greater for a worse verdict.
    rank: usize,
    stuck: usize,
    changes: usize,
    without_evidence: usize,
    first_passed: String,
    last_got_worse: String,
    strip: Vec<Part>,
    words: String,
}

#[derive(Serialize)]
struct Night<'a> {
    ended: String,
    status: &'static str,
    passing: usize,
    not_passing: usize,
    absent: usize,
    journals: &'a [String],
}

/// Writes the page of a history.
pub(in crate::output) fn write(document: &HistoryDocument<'_>, to: &mut dyn Write) -> Result<(), Cause> {
    let language = document.options.language;
    let mut environment = environment(language, STYLE.to_owned());
    environment.add_function("script", || Value::from_safe_string(SCRIPT.to_owned()));
    let template = environment.template_from_named_str("history.html", PAGE)?;
    Ok(to.write_all(template.render(page(document))?.as_bytes())?)
}

fn page<'a>(document: &HistoryDocument<'a>) -> Page<'a> {
    let HistoryDocument { history, options } = *document;
    let (language, zone) = (options.language, &options.timezone);
    let nights = history.nights();
    let ends = [nights.first(), nights.last()]
        .map(|night| night.map_or_else(String::new, |night| zone.plain(night.ended_at)));
    let [first, last] = &ends;
    let width = (nights.len() * NIGHT_WIDTH).min(MAX_STRIP);
    Page {
        lang: lang(language),
        policy: policy(&[STYLE], SCRIPT),
        sample_data: history.is_sample(),
        run: language.fill("Runs that ended {0} to {1} ({2})", &[first, last, &zone.name()]),
        headline: history.headline(language),
        warnings: history.warnings(zone, language),
        chart: chart(history, zone, language),
        legend: legend(history, language),
        burn_down: burn_down(history, language),
        headings: headings(zone, language),
        strip_width: width,
        tasks: history.tasks().iter().map(|task| row(task, document, width)).collect(),
        ended_heading: format!("{} ({})", language.text("Run ended"), zone.name()),
        nights: nights
            .iter()
            .map(|night| Night {
                ended: zone.plain(night.ended_at),
                status: language.text(night.status.label()),
                passing: night.passing(),
                not_passing: night.not_passing(),
                absent: night.absent(),
                journals: &night.journals,
            })
            .collect(),
        judged: history.judged(language),
        criteria: options.criteria(language),
        definitions: history.definitions(language),
        tool: TOOL,
    }
}

fn headings(zone: &Zone, language: Language) -> Vec<Heading> {
    let heading = |text: &'static str, class, sort| Heading {
        text: language.text(text).to_owned(),
        class,
        sort,
        order: "",
    };
    let time = |text: &'static str| {
        let text = format!("{} ({})", language.text(text), zone.name());
        Heading { text, ..heading("", "from-900", "text") }
    };
    vec![
        heading("Source server", "", "text"),
        heading("Verdict", "", "number"),
        Heading { order: "descending", ..heading("Nights without progress", "number-cell", "number") },
        heading("Course", "", ""),
        heading("Changed side", "number-cell", "number"),
        time("First passed"),
        time("Last got worse"),
        heading("Nights without evidence", "number-cell from-620", "number"),
    ]
}

/// The chart with a column for each night: tasks that pass are at the bottom.
fn chart(history: &History, zone: &Zone, language: Language) -> Chart {
    let nights = history.nights();
    let (width, height) = CHART;
    let most = nights.iter().map(|night| night.tasks() + night.absent()).max().unwrap_or(0).max(1);
    let mut columns = Vec::new();
    for (index, night) in nights.iter().enumerate() {
        let (x, next) = (index * width / nights.len(), (index + 1) * width / nights.len());
        let mut below = 0;
        let of_verdicts = night.counts.iter().rev().map(|(verdict, count)| (Some(*verdict), *count));
        for (verdict, count) in of_verdicts.chain([(None, night.absent())]).filter(|(_, count)| *count > 0) {
            let (from, to) = (below * height / most, (below + count) * height / most);
            let (tone, fill) = tone_and_fill(verdict);
            columns.push(Part {
                tone,
                fill,
                x,
                y: height - to,
                width: next.saturating_sub(x).saturating_sub(1).max(1),
                height: to - from,
                title: format!(
                    "{}: {} {count}",
                    zone.plain(night.ended_at),
                    History::verdict_label(verdict, language)
                ),
            });
            below += count;
        }
    }
    let date = |night: Option<&NightSummary>| {
        night.map_or_else(String::new, |night| zone.local(night.ended_at).strftime("%Y-%m-%d").to_string())
    };
    Chart { width, height, columns, most, first: date(nights.first()), last: date(nights.last()) }
}

/// The verdicts that occur, and a gap if there is one.
fn legend(history: &History, language: Language) -> Vec<VerdictWords> {
    let nights = history.nights();
    let occurs = |wanted: &Verdict| {
        nights.iter().flat_map(|night| &night.counts).any(|(verdict, count)| verdict == wanted && *count > 0)
    };
    let verdicts =
        Verdict::ALL.into_iter().rev().filter(occurs).map(|verdict| verdict_words(verdict, language));
    let gap = VerdictWords {
        label: language.text("No result").to_owned(),
        meaning: String::new(),
        tone: "gap",
        fill: tone_and_fill(None).1,
        shape: "circle",
    };
    let synchronised = VerdictWords {
        label: language.text("Synchronised").to_owned(),
        meaning: String::new(),
        tone: "synchronised",
        fill: SYNCHRONISED,
        shape: "line",
    };
    let is_marked = history.tasks().iter().any(|task| task.synchronised().contains(&true));
    let gap = nights.iter().any(|night| night.absent() > 0).then_some(gap);
    verdicts.chain(gap).chain(is_marked.then_some(synchronised)).collect()
}

/// Points as SVG writes them.
fn points(line: &[(usize, usize)]) -> String {
    line.iter().map(|(x, y)| format!("{x},{y}")).collect::<Vec<_>>().join(" ")
}

/// How many tasks do not pass, by night. A night with missing results interrupts the line.
fn burn_down(history: &History, language: Language) -> BurnDown {
    let nights = history.nights();
    let values: Vec<Option<usize>> =
        nights.iter().map(|night| night.is_whole().then(|| night.not_passing())).collect();
    let most = values.iter().flatten().copied().max().unwrap_or(0).max(1);
    let (width, height) = CHART;
    let middle = |index: usize| (2 * index + 1) * width / (2 * nights.len().max(1));
    let y = |value: usize| height - MARGIN - value * (height - 2 * MARGIN) / most;
    let mut lines: Vec<Vec<(usize, usize)>> = vec![Vec::new()];
    for (index, value) in values.iter().enumerate() {
        match (value, lines.last_mut()) {
            (Some(value), Some(line)) => line.push((middle(index), y(*value))),
            _ => lines.push(Vec::new()),
        }
    }
    lines.retain(|line| !line.is_empty());
    for line in &mut lines {
        // A single point is drawn as a short line.
        if let [(x, y)] = *line.as_slice() {
            line.push((x + DOT, y));
        }
    }
    let known: Vec<String> =
        values.iter().map(|value| value.map_or_else(|| "–".to_owned(), |value| value.to_string())).collect();
    let title = language.text("Tasks that do not pass, by night");
    BurnDown {
        lines: lines.iter().map(|line| points(line)).collect(),
        most,
        label: format!("{title}: {}", known.join(language.comma())),
    }
}

fn row<'a>(task: &'a Course, document: &HistoryDocument<'a>, width: usize) -> Task<'a> {
    let HistoryDocument { history, options } = *document;
    let (language, zone) = (options.language, &options.timezone);
    let verdict = task.last().map(|finding| finding.verdict);
    let time = |night| history.ended_at(night).map_or_else(String::new, |time| zone.plain(time));
    let index = verdict.and_then(|verdict| Verdict::ALL.iter().position(|other| *other == verdict));
    let (strip, words) = strip(task, document, width);
    Task {
        name: task.display_name(),
        id: task.task_id().filter(|id| *id != task.display_name()),
        listed: task.is_listed,
        verdict: verdict.map(|verdict| verdict_words(verdict, language)),
        rank: Verdict::ALL.len() - index.unwrap_or(0),
        stuck: task.nights_without_progress(),
        changes: task.changes(),
        without_evidence: task.nights_without_evidence(),
        first_passed: time(task.first_passed()),
        last_got_worse: time(task.last_got_worse()),
        strip,
        words,
    }
}

/// The strip of a task, and its text for screen readers. Nights in a row with the same verdict are one part; a worse
/// verdict is higher.
fn strip(task: &Course, document: &HistoryDocument<'_>, width: usize) -> (Vec<Part>, String) {
    let HistoryDocument { history, options } = *document;
    let (language, zone) = (options.language, &options.timezone);
    let verdicts: Vec<Option<Verdict>> = task.verdicts().collect();
    let nights = verdicts.len().max(1);
    let date = |night| history.ended_at(Some(night)).map_or_else(String::new, |time| zone.plain(time));
    let (mut parts, mut words, mut from) = (Vec::new(), Vec::new(), 0);
    for series in verdicts.chunk_by(|one, other| one == other) {
        let to = from + series.len();
        let verdict = series.first().copied().flatten();
        let label = History::verdict_label(verdict, language);
        words.push(format!("{label} {}", series.len()));
        if verdict.is_some() {
            let (tone, fill) = tone_and_fill(verdict);
            let height = match tone {
                "passes" => STRIP_HEIGHT / 4,
                "accepted" => STRIP_HEIGHT * 3 / 8,
                "unsure" => STRIP_HEIGHT * 5 / 8,
                _ => STRIP_HEIGHT,
            };
            let (x, end) = (from * width / nights, to * width / nights);
            let (first, last) = (date(from), date(to - 1));
            let dates = if series.len() == 1 { first } else { format!("{first} – {last}") };
            parts.push(Part {
                tone,
                fill,
                x,
                y: STRIP_HEIGHT - height,
                width: end.saturating_sub(x).max(1),
                height,
                title: format!("{dates}: {label}"),
            });
        }
        from = to;
    }
    for (night, _) in task.synchronised().iter().enumerate().filter(|(_, is_marked)| **is_marked) {
        let (x, end) = (night * width / nights, (night + 1) * width / nights);
        parts.push(Part {
            tone: "synchronised",
            fill: SYNCHRONISED,
            x,
            y: 0,
            width: end.saturating_sub(x).saturating_sub(1).max(1),
            height: MARK_HEIGHT,
            title: format!("{}: {}", date(night), language.text("Synchronised")),
        });
    }
    let marked = task.synchronised().iter().filter(|is_marked| **is_marked).count();
    if marked > 0 {
        words.push(format!("{} {marked}", language.text("Synchronised")));
    }
    (parts, words.join(language.comma()))
}

/// The class and the colour of a verdict, or of a gap.
fn tone_and_fill(verdict: Option<Verdict>) -> (&'static str, &'static str) {
    match verdict {
        Some(verdict) => (tone(verdict), fill(tone(verdict))),
        None => ("gap", "#dde2e8"),
    }
}
