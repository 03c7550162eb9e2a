//! The part of the page that reads without script, from its template.

use std::fmt::Display;

use minijinja::value::Value;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::environment::{environment, lang, policy};
use super::escape;
use super::script::SCRIPT;
use super::words::{self, TONES, VerdictWords, tone, verdict_words};
use crate::model::{Language, TOOL, Task, Verdict};
use crate::output::error::Cause;
use crate::report::{Facts, Group, Label, Report, SummaryRow};

const PAGE: &str = include_str!("../../../templates/html/report.html.j2");
const STYLE: &str = include_str!("../../../templates/html/report.css");
/// The characters that the script's `encodeURIComponent` leaves as they are.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');
/// The tasks that do not pass that the page names without script.
const MAX_FAILING: usize = 500;
/// The rows of both tables that fit on the first printed page, the fewest tasks of them.
const PRINTED_ROWS: usize = 19;
const MIN_PRINTED: usize = 5;
/// The most groups above the tasks that do not pass; of more, those with the most of them.
const MAX_GROUPS: usize = 10;
/// The most labels beside a task that does not pass.
const LABELS: usize = 3;
/// The length of a group's bar, and the shortest part of it that can be seen.
const BAR: usize = 1000;
const MIN_PART: usize = 8;
/// The longest name that is not broken into lines, in characters.
const MAX_SHORT: usize = 20;
/// The longest title in a printed footer, in characters.
const FOOTER_TITLE: usize = 60;

#[derive(Serialize)]
struct Page<'a> {
    lang: &'static str,
    policy: String,
    title: &'a str,
    run: String,
    sample_data: bool,
    status: StatusWords,
    remarks: Vec<String>,
    counts: Vec<Count>,
    groups: Option<GroupTable>,
    failing: Failing<'a>,
    waivers: Vec<WaiverRow>,
    checks: String,
    criteria: String,
    journal: JournalFile,
    all_heading: String,
    tool: &'static str,
}

#[derive(Serialize)]
struct StatusWords {
    word: String,
    sentence: String,
    share: String,
    /// The class of the banner.
    look: &'static str,
    /// The colour of the status where the style is forbidden.
    fill: &'static str,
}

#[derive(Serialize)]
struct Count {
    key: &'static str,
    tasks: usize,
    meaning: &'static str,
    verdict: VerdictWords,
}

#[derive(Serialize)]
struct GroupTable {
    heading: String,
    by: String,
    all: GroupRow,
    /// The groups that are shown and printed, and the others.
    rows: Vec<GroupRow>,
    folded: Vec<GroupRow>,
    /// How many are folded.
    more: usize,
}

#[derive(Serialize)]
struct GroupRow {
    name: String,
    /// Its index in the table's data; 0 for all tasks.
    index: usize,
    is_short: bool,
    passing: usize,
    tasks: usize,
    percent: String,
    parts: Vec<Part>,
    words: String,
}

/// A part of a bar, in thousandths of its length.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct Part {
    tone: &'static str,
    fill: &'static str,
    x: usize,
    width: usize,
}

#[derive(Serialize)]
struct Failing<'a> {
    note: String,
    labels: Vec<&'a str>,
    rows: Vec<FailingRow<'a>>,
    more: usize,
    /// How many rows are printed, and how many tasks are not.
    printed: usize,
    not_printed: usize,
}

#[derive(Serialize)]
struct FailingRow<'a> {
    name: &'a str,
    is_short: bool,
    link: String,
    verdict: VerdictWords,
    reason: String,
    differences: String,
    labels: Vec<&'a str>,
}

#[derive(Serialize)]
struct WaiverRow {
    /// The globs of its tasks and directories.
    globs: [String; 2],
    reason: String,
    owner: String,
    ticket: String,
    expires: String,
}

#[derive(Serialize)]
struct JournalFile {
    name: String,
    sha256: String,
}

/// The page up to the data of its table.
pub(super) fn render(report: &Report<'_>) -> Result<String, Cause> {
    let language = report.options().language;
    let mut environment = environment(language, STYLE.to_owned());
    environment.add_function("plain", |text: &str| Value::from_safe_string(escape::plain(text)));
    let sha256 = journal_sha256(report)?;
    let footer = footer(report, &sha256);
    let page = page(report, sha256, &footer);
    environment.add_function("footer", move || Value::from_safe_string(footer.clone()));
    Ok(environment.template_from_named_str("report.html", PAGE).and_then(|template| template.render(page))?)
}

fn page<'a>(report: &'a Report<'_>, journal_sha256: String, footer: &str) -> Page<'a> {
    let options = report.options();
    let (language, zone) = (options.language, &options.timezone);
    let header = report.journal().header();
    let facts = report.facts();
    let t = |text: &'static str| language.text(text).to_owned();
    let groups = groups(report);
    let printed = PRINTED_ROWS.saturating_sub(groups.as_ref().map_or(0, |groups| groups.rows.len()));
    let ended = zone.plain(report.journal().ended_at());
    let run: [&dyn Display; 4] = [&zone.plain(header.started_at), &ended, &zone.name(), &header.endpoint];
    let oldest = report.oldest_verification(language);
    let oldest = oldest.map(|oldest| language.fill("{0}: {1}", &[&t("Oldest verification"), &oldest]));
    let remarks = [report.since_text(language), report.reconciled(language), report.clock(language), oldest];
    let in_force =
        report.waivers().unwrap_or_default().iter().filter(|waiver| !waiver.expired && waiver.rows > 0);
    Page {
        lang: lang(language),
        policy: policy(&[STYLE, footer], SCRIPT),
        title: options.template.title.text(language),
        run: language.fill("Run {0} to {1} ({2}), endpoint {3}", &run),
        sample_data: report.is_sample(),
        status: status_words(report, &facts),
        remarks: remarks.into_iter().flatten().collect(),
        counts: report
            .counts()
            .into_iter()
            .filter(|(_, tasks)| *tasks > 0)
            .map(|(verdict, tasks)| Count {
                key: verdict.key(),
                tasks,
                meaning: language.text(verdict.brief_meaning()),
                verdict: verdict_words(verdict, language),
            })
            .collect(),
        groups,
        failing: failing(report, &facts, printed.max(MIN_PRINTED)),
        waivers: in_force
            .map(|used| WaiverRow {
                globs: used.waiver.globs().map(str::to_owned),
                reason: used.waiver.reason.clone(),
                owner: used.waiver.owner.clone().unwrap_or_default(),
                ticket: used.waiver.ticket.clone().unwrap_or_default(),
                expires: used.waiver.expires.as_ref().map_or_else(|| t("no expiry"), ToString::to_string),
            })
            .collect(),
        checks: report.what_is_checked(language),
        criteria: report.criteria(language),
        journal: JournalFile {
            name: report.journal().path().file_name().unwrap_or_default().to_string_lossy().into_owned(),
            sha256: journal_sha256,
        },
        all_heading: if facts.filtered.is_some() { t("Filtered tasks") } else { t("All tasks") },
        tool: TOOL,
    }
}

/// The style of the printed pages' footers: title, run end, journal digest and page number.
fn footer(report: &Report<'_>, sha256: &str) -> String {
    let options = report.options();
    let (language, zone) = (options.language, &options.timezone);
    let title: String = options.template.title.text(language).chars().take(FOOTER_TITLE).collect();
    let ended = format!("{} {}", zone.plain(report.journal().ended_at()), zone.name());
    let digest = format!("SHA-256 {}", sha256.get(..12).unwrap_or_default());
    let sample = report.is_sample().then(|| language.text("SAMPLE DATA").to_owned());
    let texts: Vec<String> = [title, ended, digest].into_iter().chain(sample).collect();
    let number = language.text("page {0} of {1}");
    let (before, rest) = number.split_once("{0}").unwrap_or((number, ""));
    let (between, after) = rest.split_once("{1}").unwrap_or((rest, ""));
    format!(
        "@page {{ @bottom-left {{ content: {}; font-size: 8pt; width: 80%; text-align: left; }} \
         @bottom-right {{ content: {} counter(page) {} counter(pages) {}; font-size: 8pt; }} }}",
        escape::css(&texts.join(" · ")),
        escape::css(before),
        escape::css(between),
        escape::css(after)
    )
}

fn journal_sha256(report: &Report<'_>) -> Result<String, Cause> {
    Ok(hex::encode(report.journal().digest()?.0))
}

fn status_words(report: &Report<'_>, facts: &Facts) -> StatusWords {
    let (status, language) = (facts.status(), report.options().language);
    let is_sample = report.is_sample();
    // Tasks of missing shards are not known to pass.
    let outside = if facts.filtered.is_some() { 0 } else { facts.missing_tasks };
    let (passing, tasks) = (report.passing(), report.rows().len() + outside);
    StatusWords {
        word: language.text(status.label()).to_owned(),
        sentence: sentence(facts, language),
        share: match tasks {
            0 => String::new(),
            // The rate of a part says nothing about the whole.
            _ if facts.filtered.is_some() => language.fill("{0} of {1} shown pass", &[&passing, &tasks]),
            _ => language
                .fill("{0} of {1} pass · {2}", &[&passing, &tasks, &percent(passing, tasks, language)]),
        },
        // Sample data never looks ready.
        look: if is_sample && status.is_ready() { "sample" } else { status.key() },
        fill: words::status_fill(status, is_sample),
    }
}

/// The headline without the status before it.
fn sentence(facts: &Facts, language: Language) -> String {
    let headline = facts.headline(language);
    let rest = headline.strip_prefix(language.text(facts.status().label())).unwrap_or(&headline);
    rest.trim_start_matches([':', '：', ' ']).to_owned()
}

/// Rounded down, so that 100 % means all.
fn percent(passing: usize, tasks: usize, language: Language) -> String {
    let percent = (passing * 100).checked_div(tasks).unwrap_or(0);
    language.fill("{0} %", &[&percent])
}

fn groups(report: &Report<'_>) -> Option<GroupTable> {
    let language = report.options().language;
    let groups = report.groups()?;
    let all = Group {
        name: Some(language.text("All tasks").to_owned()),
        tasks: report.rows().len(),
        passing: report.passing(),
        counts: report.counts(),
    };
    let shown = groups.most_failing(MAX_GROUPS);
    let (rows, folded) = (0..)
        .zip(&groups.rows)
        .partition::<Vec<_>, _>(|(_, group)| shown.iter().any(|other| std::ptr::eq(*other, *group)));
    let table = |rows: Vec<(usize, &Group)>| {
        rows.into_iter().map(|(index, group)| group_row(index, group, language)).collect()
    };
    Some(GroupTable {
        heading: language.fill("By {0}", &[&groups.by]),
        all: group_row(0, &all, language),
        rows: table(rows),
        more: folded.len(),
        folded: table(folded),
        by: groups.by.clone(),
    })
}

fn group_row(index: usize, group: &Group, language: Language) -> GroupRow {
    let words = group.failing_text(language);
    GroupRow {
        name: group.label(language).to_owned(),
        index,
        is_short: is_short(group.label(language)),
        passing: group.passing,
        tasks: group.tasks,
        percent: percent(group.passing, group.tasks, language),
        parts: parts(&group.counts),
        words: if words.is_empty() { "–".to_owned() } else { words },
    }
}

/// The parts of a bar, passing tasks first; a part that would be too small to see takes from the others.
fn parts(counts: &[(Verdict, usize)]) -> Vec<Part> {
    let total: usize = counts.iter().map(|(_, tasks)| tasks).sum();
    let mut tones: Vec<(&'static str, usize)> = Vec::new();
    for wanted in TONES {
        let of_tone = counts.iter().filter(|(verdict, _)| tone(*verdict) == wanted);
        tones.push((wanted, of_tone.map(|(_, tasks)| tasks).sum()));
    }
    tones.retain(|(_, tasks)| *tasks > 0);
    let widths: Vec<usize> =
        tones.iter().map(|(_, tasks)| (tasks * BAR / total.max(1)).max(MIN_PART)).collect();
    let sum: usize = widths.iter().sum();
    let mut x = 0;
    let mut parts = Vec::new();
    for (index, ((tone, _), width)) in tones.iter().zip(&widths).enumerate() {
        let is_last = index + 1 == tones.len();
        let width = if is_last { BAR.saturating_sub(x) } else { width * BAR / sum.max(1) };
        parts.push(Part { tone, fill: words::fill(tone), x, width });
        x += width;
    }
    parts
}

fn failing<'a>(report: &'a Report<'_>, facts: &Facts, printed: usize) -> Failing<'a> {
    let language = report.options().language;
    let total = report.worst_first().len();
    let labels: Vec<_> = report.labels().iter().filter(|label| !label.is_listed).take(LABELS).collect();
    let row = |row: &'a SummaryRow<'_>| FailingRow {
        name: row.task.display_name(),
        is_short: is_short(row.task.display_name()),
        link: link(row.task),
        verdict: verdict_words(row.verdict, language),
        reason: row.reason(language, &report.options().timezone),
        differences: row.known_differences().map_or_else(|| "–".to_owned(), |count| count.to_string()),
        labels: labels.iter().map(|label| value(row, label)).collect(),
    };
    Failing {
        note: match (total, facts.status().is_ready()) {
            (0, true) => language.text("none: every task passes").to_owned(),
            (0, false) => language.text("none among these tasks").to_owned(),
            _ => language.fill("{0}, worst first", &[&total]),
        },
        labels: labels.iter().map(|label| label.heading.as_str()).collect(),
        rows: report.worst(MAX_FAILING).into_iter().map(row).collect(),
        more: total.saturating_sub(MAX_FAILING),
        not_printed: total.saturating_sub(printed),
        printed,
    }
}

/// The address of a task in the page: by its id, or of a server without a task by its name in the plan.
fn link(task: &Task) -> String {
    match &task.task_id {
        Some(id) => format!("#task-{}", utf8_percent_encode(id.as_str(), COMPONENT)),
        None => format!("#server-{}", utf8_percent_encode(task.key(), COMPONENT)),
    }
}

/// Whether a name fits in one line of its column on paper.
fn is_short(name: &str) -> bool {
    name.chars().count() <= MAX_SHORT
}

fn value<'a>(row: &'a SummaryRow<'_>, label: &Label) -> &'a str {
    row.task.labels.get(&label.name).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bar_is_filled_and_shows_every_tone(counts in prop::collection::vec(0_usize..5000, Verdict::ALL.len())) {
            let counts: Vec<_> = Verdict::ALL.into_iter().zip(counts).collect();
            let parts = parts(&counts);
            let tasks: usize = counts.iter().map(|(_, tasks)| tasks).sum();
            prop_assert_eq!(parts.iter().map(|part| part.width).sum::<usize>(), if tasks > 0 { BAR } else { 0 });
            prop_assert!(parts.iter().all(|part| part.width >= MIN_PART / 2));
            for (verdict, tasks) in counts {
                prop_assert!(tasks == 0 || parts.iter().any(|part| part.tone == tone(verdict)));
            }
        }
    }

    #[test]
    fn percent_is_rounded_down() {
        assert_eq!(
            [(999, 1000), (1, 1), (0, 0)].map(|(passing, tasks)| percent(passing, tasks, Language::English)),
            ["99 %", "100 %", "0 %"]
        );
    }
}
