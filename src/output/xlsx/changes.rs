//! The workbook of what changed between two journals: Changes, Directories, About.

use std::io::Write;

use rust_xlsxwriter::{Workbook, XlsxError};

use super::about;
use super::sheet::Sheet;
use super::style::Styles;
use super::workbook::{empty, properties, save};
use crate::model::{Language, SAMPLE, TOOL, Verdict};
use crate::output::error::Cause;
use crate::report::{CHANGES, Change, Column, DIRECTORIES, Diff, DirectoryRow};

const TITLE: &str = "What changed between two runs";
const CHANGES_SHEET: &str = "Changes";
const DIRECTORIES_SHEET: &str = "Directories";
const DIRECTORIES_TITLE: &str = "Directories that changed";
/// The columns that decide, which come first; ids come last.
const CHANGES_ORDER: &[&str] = &[
    "source_server",
    "change",
    "verdict_before",
    "verdict_now",
    "different_delta",
    "missing_delta",
    "redundant_delta",
];
const DIRECTORIES_ORDER: &[&str] = &["source_server", "directory", "change"];
const LABEL_ROW: u32 = 6;
const COUNT_ROW: u32 = 7;
/// Few rows stand above the table, for they stay in view with its headings.
const HEADING_ROW: u32 = 9;
const DIRECTORIES_HEADING_ROW: u32 = 4;
/// The rows of data that fit below the headings of one Directories sheet.
const DIRECTORIES_PER_SHEET: usize = 1_048_576 - DIRECTORIES_HEADING_ROW as usize - 1;

/// Writes the workbook.
pub(in crate::output) fn write(diff: &Diff<'_>, to: &mut dyn Write) -> Result<(), Cause> {
    let language = diff.now().options().language;
    let mut workbook = empty(&properties(diff.now())?.set_title(language.text(TITLE)));
    // Sample data in either run is never green.
    let styles = Styles::new(language, diff.is_sample());
    changes(&mut workbook, diff, &styles)?;
    let rows: Vec<DirectoryRow<'_>> = diff.directories().collect();
    // A sheet without rows says that there are none.
    let sheets = rows.len().div_ceil(DIRECTORIES_PER_SHEET).max(1);
    let mut chunks = rows.chunks(DIRECTORIES_PER_SHEET);
    for number in 1..=sheets {
        directories(&mut workbook, diff, &styles, number, chunks.next().unwrap_or_default())?;
    }
    about::page(&mut workbook, diff.now(), &styles, facts(diff).into_iter())?;
    save(&mut workbook, to)
}

fn changes(workbook: &mut Workbook, diff: &Diff<'_>, styles: &Styles) -> Result<(), XlsxError> {
    let worksheet = workbook.add_worksheet();
    worksheet.set_name(diff.now().options().language.text(CHANGES_SHEET))?;
    let mut sheet = Sheet::new(worksheet, diff.now(), styles);
    sheet.title = sheet.language.text(TITLE);
    title_block(&mut sheet, diff)?;
    let columns = in_order(CHANGES, CHANGES_ORDER, diff);
    let headings: Vec<_> = columns.iter().map(|column| sheet.heading(column)).collect();
    sheet.set_widths(&headings)?;
    sheet.headings(HEADING_ROW, &headings)?;
    let mut last_row = HEADING_ROW;
    for task in diff.tasks() {
        last_row += 1;
        for (column, definition) in (0..).zip(&columns) {
            sheet.cell(last_row, column, &(definition.cell)(task))?;
        }
        sheet.fit_height(last_row)?;
    }
    for (column, definition) in (0..).zip(&columns) {
        if definition.key.starts_with("verdict_") {
            sheet.highlight("verdict", column, HEADING_ROW + 1..=last_row.max(HEADING_ROW + 1))?;
        }
    }
    table(&mut sheet, HEADING_ROW, last_row, columns.len())
}

/// The columns as people read them. Without any name of a server the ids come first.
fn in_order<F>(columns: &'static [Column<F>], order: &[&str], diff: &Diff<'_>) -> Vec<&'static Column<F>> {
    let mut columns: Vec<_> = columns.iter().collect();
    let has_names = diff.tasks().iter().any(|task| task.task.source_name.is_some());
    columns.sort_by_key(|column| match order.iter().position(|key| *key == column.key) {
        Some(place) => place + 1,
        None if column.key != "task_id" => order.len() + 1,
        None if has_names => order.len() + 2,
        None => 0,
    });
    columns
}

fn title_block(sheet: &mut Sheet<'_>, diff: &Diff<'_>) -> Result<(), XlsxError> {
    let (styles, language) = (sheet.styles, sheet.language);
    sheet.worksheet.set_row_height(0, 28)?;
    for row in 1..LABEL_ROW {
        sheet.worksheet.set_row_height(row, 20)?;
    }
    sheet.label(0, 0, TITLE, &styles.title)?;
    sheet.text(1, 0, &diff.headline(language), &styles.lead)?;
    for (row, label, report) in [(2, "Before", diff.before()), (3, "Now", diff.now())] {
        let text = format!("{}: {}", language.text(label), diff.run(report, language));
        sheet.text(row, 0, &text, &styles.quiet)?;
    }
    sheet.text(4, 0, &diff.now().criteria(language), &styles.quiet)?;
    let sample = diff.is_sample().then(|| language.text(SAMPLE).to_owned());
    let cautions: Vec<String> = sample.into_iter().chain(diff.warnings(language)).collect();
    if !cautions.is_empty() {
        sheet.text(5, 0, &cautions.join(language.semicolon()), &styles.banner)?;
        sheet.blanks(5, 1..=9, &styles.banner)?;
    }
    for (column, (change, count)) in (0..).zip(diff.counts()) {
        let format = if count == 0 { &styles.none } else { styles.change(change) };
        sheet.label(LABEL_ROW, column, change.label(), format)?;
        sheet.count(COUNT_ROW, column, u64::try_from(count).unwrap_or(u64::MAX), &styles.tally)?;
    }
    sheet.worksheet.set_row_height(COUNT_ROW, 22)?;
    Ok(())
}

fn directories(
    workbook: &mut Workbook,
    diff: &Diff<'_>,
    styles: &Styles,
    number: usize,
    rows: &[DirectoryRow<'_>],
) -> Result<(), XlsxError> {
    let worksheet = workbook.add_worksheet();
    // The same word heads a column of counts.
    let name = match diff.now().options().language {
        Language::English => DIRECTORIES_SHEET.to_owned(),
        language => language.text(DIRECTORIES_TITLE).to_owned(),
    };
    worksheet.set_name(if number == 1 { name } else { format!("{name} ({number})") })?;
    let mut sheet = Sheet::new(worksheet, diff.now(), styles);
    sheet.title = sheet.language.text(TITLE);
    sheet.worksheet.set_row_height(0, 26)?;
    sheet.label(0, 0, DIRECTORIES_TITLE, &styles.title)?;
    let what = "of tasks in both journals, from the verification that the verdict rests on";
    sheet.label(1, 0, what, &styles.quiet)?;
    if diff.is_sample() {
        sheet.label(2, 0, SAMPLE, &styles.banner)?;
    }
    let columns = in_order(DIRECTORIES, DIRECTORIES_ORDER, diff);
    let headings: Vec<_> = columns.iter().map(|column| sheet.heading(column)).collect();
    sheet.set_widths(&headings)?;
    sheet.headings(DIRECTORIES_HEADING_ROW, &headings)?;
    let mut last_row = DIRECTORIES_HEADING_ROW;
    for row in rows {
        last_row += 1;
        for (column, definition) in (0..).zip(&columns) {
            sheet.cell(last_row, column, &(definition.cell)(row))?;
        }
        sheet.fit_height(last_row)?;
    }
    table(&mut sheet, DIRECTORIES_HEADING_ROW, last_row, columns.len())
}

/// What a table needs beside its cells: a filter, headings that stay in view, and the page.
fn table(sheet: &mut Sheet<'_>, heading_row: u32, last_row: u32, columns: usize) -> Result<(), XlsxError> {
    let last_column = last_column(columns);
    sheet.worksheet.autofilter(heading_row, 0, last_row.max(heading_row + 1), last_column)?;
    // Ids and names of digits are meant as texts.
    sheet.worksheet.ignore_error_range(
        heading_row + 1,
        0,
        last_row.max(heading_row + 1),
        last_column,
        rust_xlsxwriter::IgnoreError::NumberStoredAsText,
    )?;
    sheet.worksheet.set_freeze_panes(heading_row + 1, 1)?;
    sheet.page(Some(heading_row))
}

fn last_column(columns: usize) -> u16 {
    u16::try_from(columns).unwrap_or(u16::MAX).saturating_sub(1)
}

fn facts(diff: &Diff<'_>) -> Vec<(&'static str, String)> {
    let language = diff.now().options().language;
    let mut facts = Vec::new();
    if diff.is_sample() {
        facts.push(("Data", language.text(SAMPLE).to_owned()));
    }
    for (label, report) in [("Before", diff.before()), ("Now", diff.now())] {
        facts.push((label, diff.run(report, language)));
        facts.push(("Tasks listed", report.rows().len().to_string()));
        facts.push(("Tasks in the journal", report.journal().recorded().to_string()));
        facts.extend(report.journal().faults().into_iter().map(|fault| ("Journal", fault)));
        facts.push(("Journal written by", report.journal().header().tool.clone()));
    }
    facts.extend(diff.warnings(language).into_iter().map(|warning| ("Warning", warning)));
    facts.push(("Criteria", diff.now().criteria(language)));
    facts.push(("Report written by", TOOL.to_owned()));
    let rule = "what became of a task since the run before; whatever got worse outweighs what got better:";
    facts.push(("Change", language.text(rule).to_owned()));
    facts.extend(Change::ALL.map(|change| (change.label(), language.text(change.meaning()).to_owned())));
    let rule = "taken from a task's newest verification; the first of these that applies:";
    facts.push(("Verdict", language.text(rule).to_owned()));
    facts.extend(Verdict::ALL.map(|verdict| (verdict.label(), language.text(verdict.meaning()).to_owned())));
    facts
}
