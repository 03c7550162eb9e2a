//! The About sheet: where the figures come from and how they are to be read.

use rust_xlsxwriter::{Workbook, XlsxError};

use super::lines::lines_of;
use super::sheet::Sheet;
use super::style::Styles;
use crate::journal::Run;
use crate::model::{Language, SAMPLE, TOOL, Verdict};
use crate::report::Report;

pub(super) const NAME: &str = "About";
const FIRST_ROW: u32 = 2;
/// The runs of a merged journal that are listed at most; JSON has all.
const RUNS: usize = 100;

/// The width of the text column, in characters.
const WIDTH: f64 = 110.0;

pub(super) fn add(workbook: &mut Workbook, report: &Report<'_>, styles: &Styles) -> Result<(), XlsxError> {
    let language = report.options().language;
    page(workbook, report, styles, facts(report, language).into_iter()).map(drop)
}

/// Adds a page of facts, a line each: what it is, and what there is to say.
pub(super) fn page<'a>(
    workbook: &'a mut Workbook,
    report: &'a Report<'_>,
    styles: &'a Styles,
    facts: impl Iterator<Item = (&'static str, String)>,
) -> Result<Sheet<'a>, XlsxError> {
    let worksheet = workbook.add_worksheet();
    worksheet.set_name(report.options().language.text(NAME))?;
    worksheet.set_column_width(0, 26)?.set_column_width(1, WIDTH)?;
    let mut sheet = Sheet::new(worksheet, report, styles);
    sheet.label(0, 0, "About this report", &styles.title)?;
    for (row, (label, text)) in (FIRST_ROW..).zip(facts) {
        sheet.label(row, 0, label, &styles.label)?;
        sheet.text(row, 1, &text, &styles.prose)?;
        sheet.lines = lines_of(&text, WIDTH, sheet.language);
        sheet.fit_height(row)?;
    }
    sheet.page(None)?;
    Ok(sheet)
}

fn facts(report: &Report<'_>, language: Language) -> Vec<(&'static str, String)> {
    let journal = report.journal();
    let header = journal.header();
    let zone = &report.options().timezone;
    let time = |time| format!("{} ({})", zone.plain(time), zone.name());
    let mut facts = Vec::new();
    if report.is_sample() {
        facts.push(("Data", language.text(SAMPLE).to_owned()));
    }
    facts.push(("Endpoint", header.endpoint.clone()));
    facts.push(("Run began", time(header.started_at)));
    facts.push(("Run ended", time(journal.ended_at())));
    facts.extend(report.clock(language).map(|text| ("Clock", text)));
    facts.extend(report.part(language).map(|text| ("Part", text)));
    facts.extend(merged_from(report, language).into_iter().map(|text| ("Merged from", text)));
    facts.push(("Tasks listed", header.list.tasks.len().to_string()));
    facts.extend(report.unlisted().iter().map(|why| ("Not listed", why.clone())));
    facts.push(("Context", report.context(language)));
    facts.push(("Tasks in the journal", journal.recorded().to_string()));
    if !journal.is_finished() {
        let text = "the run did not finish; tasks that it did not reach count as Fetch failed";
        facts.push(("Unfinished", language.text(text).to_owned()));
    }
    facts.extend(journal.faults().into_iter().map(|fault| ("Journal", fault)));
    facts.extend(report.reconciled(language).map(|text| ("Reconciliation", text)));
    facts.push(("Criteria", report.criteria(language)));
    facts.push(("Evidence", report.evidence(language)));
    facts.extend(report.oldest_verification(language).map(|text| ("Oldest verification", text)));
    let waivers = report.waivers().unwrap_or_default();
    facts.extend(waivers.iter().map(|waiver| ("Waiver", waiver.text(language))));
    facts.push(("Journal written by", header.tool.clone()));
    facts.push(("Report written by", TOOL.to_owned()));
    let rule = "taken from a task's newest verification; the first of these that applies:";
    facts.push(("Verdict", language.text(rule).to_owned()));
    facts.extend(Verdict::ALL.map(|verdict| (verdict.label(), language.text(verdict.meaning()).to_owned())));
    facts.extend(EXPLAINED.iter().map(|(label, text)| (*label, language.text(text).to_owned())));
    facts
}

/// The runs of a merged journal, a line each; none of a single run's.
fn merged_from(report: &Report<'_>, language: Language) -> Vec<String> {
    let zone = &report.options().timezone;
    let line = |endpoint: &str, run: &Run| {
        let times = language.fill("{0} to {1}", &[&zone.plain(run.started_at), &zone.plain(run.ended_at)]);
        let shard = run.shard.map(|shard| language.fill("shard {0}", &[&shard]));
        let unfinished = (!run.finished).then(|| language.text("unfinished").to_owned());
        let parts = [Some(endpoint.to_owned()), shard, Some(times), unfinished];
        parts.into_iter().flatten().collect::<Vec<_>>().join(language.comma())
    };
    let origins = &report.journal().header().merged_from;
    let runs = origins.iter().flat_map(|origin| origin.runs.iter().map(|run| (&origin.endpoint, run)));
    let more = runs.clone().count().saturating_sub(RUNS);
    let more = (more > 0).then(|| language.fill("… and {0} more runs", &[&more]));
    runs.take(RUNS).map(|(endpoint, run)| line(endpoint, run)).chain(more).collect()
}

/// What the columns of the task sheets mean.
const EXPLAINED: &[(&str, &str)] = &[
    ("Verification", "the number of a verification: 1 is the newest"),
    (
        "Different",
        "files that are on both sides and differ; the default check compares size and time of change",
    ),
    ("Missing at target", "files that the target lacks"),
    ("Redundant at target", "files that only the target has"),
    (
        "Consistent (column)",
        "the share of files that are the same on both sides, of all that either side has; cut, never rounded up, \
         so 100 % means that nothing differs",
    ),
];
