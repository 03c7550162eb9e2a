//! The Summary: who passes and who does not, then a row per task.

use std::collections::HashSet;

use rust_xlsxwriter::utility::column_number_to_name;
use rust_xlsxwriter::{IgnoreError, Table, TableColumn, TableStyle, Workbook, XlsxError};

use super::cells::Cells;
use super::splice::{Extent, Link, is_escape};
use super::style::{Style, Styles};
use super::{Heading, MAX_LINKS, Sheet, cell_text, charts, first_units, lines_of};
use crate::model::{Language, SAMPLE, Verdict};
use crate::report::{Cell, Column, Kind, Label, Options, Report, SummaryCell, Template, fold_case};

pub(super) const NAME: &str = "Summary";
/// Few rows stand above the table, for they stay in view with its headings: the counts beside the words.
const FIRST_COUNT: u32 = 1;
const LAST_COUNT: u32 = 9;
const HEADING_ROW: u32 = 11;
/// The columns that hold the words, and the first one behind them.
const WORDS: (u16, u16) = (3, 7);
const CHARTS: u16 = 8;
/// The least width of the columns below the title block, in characters.
const LEAST_WIDTH: u16 = 13;
const LABEL_WIDTH: u16 = 14;

/// Adds the sheet without its rows.
pub(super) fn add(workbook: &mut Workbook, report: &Report<'_>, styles: &Styles) -> Result<(), XlsxError> {
    let worksheet = workbook.add_worksheet();
    worksheet.set_name(NAME)?;
    let mut sheet = Sheet::new(worksheet, report, styles);
    let template = sheet.template;
    let headings = headings(report);
    // What is below the title block although the table ends before.
    for column in u16::try_from(headings.len()).unwrap_or(CHARTS)..CHARTS {
        sheet.worksheet.set_column_width(column, LEAST_WIDTH)?;
    }
    let width = words_width(&headings, template);
    title_block(&mut sheet, report, width)?;
    if template.charts {
        let figures = charts::Figures { sheet: NAME, rows: (FIRST_COUNT, LAST_COUNT) };
        charts::add(&mut sheet, report, CHARTS, &figures)?;
    }

    let first = HEADING_ROW + 1;
    // A table has at least one row.
    let last = last_row(report).max(first);
    let last_column = u16::try_from(headings.len()).unwrap_or(1) - 1;
    let table_columns = headings.iter().map(|heading| TableColumn::new().set_header(escaped(&heading.text)));
    let table = Table::new()
        .set_name("Tasks")
        .set_style(TableStyle::None)
        .set_columns(&table_columns.collect::<Vec<_>>());
    // As short as can be, for the library keeps a note of every cell in it; it grows with the rows.
    sheet.worksheet.add_table(HEADING_ROW, 0, first, last_column, &table)?;
    // Written last: the table puts its columns' names there, and these are escaped.
    sheet.set_widths(&headings)?;
    sheet.headings(HEADING_ROW, &headings)?;
    let accepted = report.waivers().and_then(|_| accepted(&sheet, first));
    for (column, definition) in (0..).zip(&template.summary) {
        if let Some(accepted) = &accepted {
            sheet.set_waived_apart(definition.key, column, first..=last, accepted)?;
        }
        sheet.highlight(definition.key, column, first..=last)?;
    }
    fold(&mut sheet)?;
    // Ids, names and labels of digits are meant as texts.
    sheet.worksheet.ignore_error_range(first, 0, last, last_column, IgnoreError::NumberStoredAsText)?;
    sheet.worksheet.set_freeze_panes(first, 1)?;
    sheet.page(Some(HEADING_ROW))
}

/// Writes a row per task.
pub(super) fn rows<W: Cells>(sheet: &mut Sheet<'_, W>, report: &Report<'_>) -> Result<(), XlsxError> {
    let (template, styles) = (sheet.template, sheet.styles);
    let linked = linked(template);
    sheet.widths = headings(report).iter().map(|heading| heading.width).collect();
    for (index, (row, entry)) in (HEADING_ROW + 1..).zip(report.rows()).enumerate() {
        for (place, (column, definition)) in (0..).zip(&template.summary).enumerate() {
            let cell = (definition.cell)(entry);
            match link_text(&cell, sheet.language).filter(|_| Some(place) == linked && index < MAX_LINKS) {
                Some(text) => {
                    sheet.fit(column, text);
                    sheet.text(row, column, text, &styles.link)?;
                }
                None => sheet.cell(row, column, &cell)?,
            }
        }
        for (column, label) in (columns_of(report)..).zip(labels(report)) {
            sheet.prose(row, column, entry.task.labels.get(&label.name).map_or("", String::as_str))?;
        }
        sheet.fit_height(row)?;
    }
    Ok(())
}

/// The links from the rows to the tasks' sheets; `homes` are the files of these, by task, if they stand in
/// others.
pub(super) fn links<'l>(
    report: &'l Report<'_>,
    homes: Option<&'l [String]>,
) -> impl Iterator<Item = Link<'l>> + Clone {
    let Options { language, template, .. } = report.options();
    let linked =
        linked(template).and_then(|place| Some((u16::try_from(place).ok()?, template.summary.get(place)?)));
    let rows = (HEADING_ROW + 1..).zip(report.rows()).enumerate().take(MAX_LINKS);
    rows.filter_map(move |(index, (row, entry))| {
        let (column, definition) = linked?;
        let text = link_text(&(definition.cell)(entry), *language)?.to_owned();
        let file = homes.and_then(|homes| homes.get(index)).cloned();
        let tip = match &file {
            None => language.text("Go to the task's sheet").to_owned(),
            Some(file) => language.fill("Go to the task's sheet in {0}", &[file]),
        };
        Some(Link { cell: (row, column), file, sheet: entry.sheet(), text, tip })
    })
}

/// The place of the column that leads to the tasks' sheets, if there are any.
fn linked(template: &Template) -> Option<usize> {
    let place_of = |key: &&str| template.summary.iter().position(|column| column.key == *key);
    ["task_id", "source_server", "verdict"].iter().find_map(place_of).filter(|_| template.task_sheets)
}

fn link_text<'c>(cell: &'c Cell<'_>, language: Language) -> Option<&'c str> {
    match cell {
        Cell::Text(text) => Some(text),
        Cell::Verdict(verdict) => Some(language.text(verdict.label())),
        _ => None,
    }
}

/// How far the sheet goes.
pub(super) fn extent(report: &Report<'_>) -> Extent {
    let columns = columns_of(report).saturating_add(u16::try_from(labels(report).len()).unwrap_or(u16::MAX));
    Extent { last_row: last_row(report), last_column: columns.saturating_sub(1).max(WORDS.1) }
}

fn last_row(report: &Report<'_>) -> u32 {
    HEADING_ROW + u32::try_from(report.rows().len()).unwrap_or(0)
}

fn headings(report: &Report<'_>) -> Vec<Heading> {
    let Options { template, timezone, language, .. } = report.options();
    let label = |label: &Label| Heading { text: label.heading.clone(), width: LABEL_WIDTH, kind: Kind::Text };
    let columns = template.summary.iter().map(|column| Heading::new(column, template, timezone, *language));
    let mut headings: Vec<Heading> = columns.chain(labels(report).iter().map(label)).collect();
    for heading in headings.iter_mut().take(usize::from(CHARTS)) {
        heading.width = heading.width.max(LEAST_WIDTH);
    }
    make_unique(&mut headings);
    headings
}

fn labels<'l>(report: &'l Report<'_>) -> &'l [Label] {
    if report.options().template.labels { report.labels() } else { &[] }
}

fn columns_of(report: &Report<'_>) -> u16 {
    u16::try_from(report.options().template.summary.len()).unwrap_or(u16::MAX)
}

/// Puts the columns that are for looking things up behind a fold.
fn fold(sheet: &mut Sheet<'_>) -> Result<(), XlsxError> {
    let template = sheet.template;
    // The first two columns hold the counts of the title block too.
    let is_folded =
        |(place, column): (usize, &&Column<SummaryCell>)| place > 1 && template.folded.contains(&column.key);
    let folded: Vec<bool> = template.summary.iter().enumerate().map(is_folded).collect();
    let mut column = 0;
    for run in folded.chunk_by(|one, next| one == next) {
        let next = column + u16::try_from(run.len()).unwrap_or(u16::MAX);
        if run.first() == Some(&true) {
            sheet.worksheet.group_columns_collapsed(column, next - 1)?;
        }
        column = next;
    }
    Ok(())
}

/// A table's headings are distinct, whatever their case, have no line breaks, no character that XML
/// forbids, and at most 255 UTF-16 units.
fn make_unique(headings: &mut [Heading]) {
    let mut taken = HashSet::new();
    for heading in headings {
        let text = cell_text(&heading.text).replace(|c: char| c.is_control(), " ");
        // The rest is for a number.
        let base = first_units(&text, 240);
        // Every column of a table has a name.
        let base = if base.is_empty() { "Column" } else { base }.to_owned();
        let numbered = (2..).map(|number| format!("{base} ({number})"));
        let mut names = std::iter::once(base.clone()).chain(numbered);
        heading.text = names.find(|name| taken.insert(fold_case(name))).unwrap_or(base);
    }
}

/// The name of a table's column as its XML has it. There `_x0041_` stands for a character, so that a
/// heading which looks like that would not be the name any more.
fn escaped(heading: &str) -> String {
    let mut escaped = String::with_capacity(heading.len());
    for (place, c) in heading.char_indices() {
        let rest = heading.get(place..).unwrap_or_default();
        if is_escape(rest) {
            escaped.push_str("_x005F");
        }
        escaped.push(c);
    }
    escaped
}

/// `width` is that of the words, in characters.
fn title_block(sheet: &mut Sheet<'_>, report: &Report<'_>, width: u16) -> Result<(), XlsxError> {
    let (language, styles, zone) = (sheet.language, sheet.styles, sheet.zone);
    sheet.worksheet.set_row_height(0, 28)?;
    for row in FIRST_COUNT..=LAST_COUNT {
        sheet.worksheet.set_row_height(row, 16)?;
    }
    sheet.worksheet.set_row_height(LAST_COUNT + 1, 6)?;
    sheet.text(0, 0, sheet.template.title.text(language), &styles.title)?;
    for (row, (verdict, count)) in (FIRST_COUNT..).zip(report.counts()) {
        let format = if count == 0 { &styles.none } else { styles.verdict(verdict) };
        sheet.label(row, 0, verdict.label(), format)?;
        sheet.count(row, 1, u64::try_from(count).unwrap_or(u64::MAX), &styles.tally)?;
    }
    let journal = report.journal();
    let (began, ended) = (zone.plain(journal.header().started_at), zone.plain(journal.ended_at()));
    let run = language.fill("Run {0} to {1} ({2})", &[&began, &ended, &zone.name()]);
    let endpoint = language.fill("Endpoint {0}", &[&journal.header().endpoint]);
    let headline = report.outcome(language);
    // Its letters are wider than those that widths count.
    let lead = if lines_of(&headline, width * 11 / 13) > 2 { 3 } else { 2 };
    // The words end where the counts do; what the headline and the banner leave is for the criteria.
    let end = if report.is_sample() { lead + 4 } else { LAST_COUNT };
    let mut words = |rows: (u32, u32), text: &str, style: &Style| -> Result<(), XlsxError> {
        let text = cell_text(text);
        sheet.worksheet.merge_range(rows.0, WORDS.0, rows.1, WORDS.1, &text, style).map(drop)
    };
    words((1, lead), &headline, &styles.lead_prose)?;
    words((lead + 1, lead + 1), &run, &styles.quiet_line)?;
    words((lead + 2, lead + 2), &endpoint, &styles.quiet_line)?;
    words((lead + 3, end), &report.criteria(language), &styles.quiet_prose)?;
    if report.is_sample() {
        words((end + 1, LAST_COUNT), language.text(SAMPLE), &styles.banner)?;
    }
    Ok(())
}

/// The width of the title block's words, in characters.
fn words_width(headings: &[Heading], template: &Template) -> u16 {
    let folded = |place: u16| {
        let column = template.summary.get(usize::from(place));
        column.is_some_and(|column| template.folded.contains(&column.key))
    };
    let width = |place: u16| headings.get(usize::from(place)).map_or(LEAST_WIDTH, |heading| heading.width);
    (WORDS.0..=WORDS.1).filter(|place| !folded(*place)).map(width).sum()
}

/// The condition that the task in this row is accepted; none if verdicts are not shown.
fn accepted(sheet: &Sheet<'_>, row: u32) -> Option<String> {
    let verdict = sheet.template.summary.iter().position(|column| column.key == "verdict")?;
    let verdict = column_number_to_name(u16::try_from(verdict).ok()?);
    Some(format!("${verdict}{}=\"{}\"", row + 1, sheet.language.text(Verdict::Accepted.label())))
}
