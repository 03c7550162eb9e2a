//! The Summary: who passes and who does not, then a row per task.

use std::collections::HashSet;

use rust_xlsxwriter::{Format, IgnoreError, Table, TableColumn, TableStyle, Workbook, XlsxError};

use super::style::Styles;
use super::{Heading, MAX_LINKS, Sheet, cell_text, charts};
use crate::report::{Column, Kind, Report, SummaryCell};

pub(super) const NAME: &str = "Summary";
/// Few rows stand above the table, for they stay in view with its headings: the counts beside the words.
pub(super) const FIRST_COUNT: u32 = 1;
pub(super) const LAST_COUNT: u32 = 8;
const HEADING_ROW: u32 = 10;
/// The columns that hold the words, and the first one behind them.
const WORDS: (u16, u16) = (3, 7);
pub(super) const CHARTS: u16 = 8;
/// The least width of the columns below the title block, in characters.
const LEAST_WIDTH: u16 = 13;
const LABEL_WIDTH: u16 = 14;

/// Adds the sheet; `homes` are the files of the tasks' sheets, by task, if those are others.
pub(super) fn add(
    workbook: &mut Workbook,
    report: &Report<'_>,
    homes: Option<&[String]>,
    styles: &Styles,
) -> Result<(), XlsxError> {
    let worksheet = workbook.add_worksheet();
    worksheet.set_name(NAME)?;
    let mut sheet = Sheet::new(worksheet, report, styles);
    let template = sheet.template;
    let labels = if template.labels { report.labels() } else { &[] };
    let label = |label: &String| Heading { text: label.clone(), width: LABEL_WIDTH, kind: Kind::Text };
    let columns = template.summary.iter().map(|column| sheet.heading(column));
    let mut headings: Vec<Heading> = columns.chain(labels.iter().map(label)).collect();
    for heading in headings.iter_mut().take(usize::from(CHARTS)) {
        heading.width = heading.width.max(LEAST_WIDTH);
    }
    make_unique(&mut headings);
    title_block(&mut sheet, report)?;
    if template.charts {
        charts::add(&mut sheet, report)?;
    }

    let first = HEADING_ROW + 1;
    // A table has at least one row.
    let last = HEADING_ROW + u32::try_from(report.rows().len()).unwrap_or(0).max(1);
    let last_column = u16::try_from(headings.len()).unwrap_or(1) - 1;
    sheet.headings(HEADING_ROW, &headings)?;
    let table_columns = headings.iter().map(|heading| {
        TableColumn::new().set_header(&heading.text).set_header_format(styles.heading(heading.kind).clone())
    });
    let table = Table::new()
        .set_name("Tasks")
        .set_style(TableStyle::None)
        .set_columns(&table_columns.collect::<Vec<_>>());
    sheet.worksheet.add_table(HEADING_ROW, 0, last, last_column, &table)?;
    let linked = template.summary.iter().position(|column| column.key == "task_id").unwrap_or(0);
    for (index, (row, entry)) in (first..).zip(report.rows()).enumerate() {
        for (place, (column, definition)) in (0..).zip(&template.summary).enumerate() {
            sheet.cell(row, column, &(definition.cell)(entry))?;
            if place == linked && template.task_sheets && index < MAX_LINKS {
                let home = homes.and_then(|homes| homes.get(index)).map(String::as_str);
                let tip = match home {
                    None => sheet.language.text("Go to the task's sheet").to_owned(),
                    Some(home) => sheet.language.fill("Go to the task's sheet in {0}", &[&home]),
                };
                let text = (entry.task.task_id.as_str(), tip.as_str());
                sheet.link((row, column), home, entry.sheet(), text, &styles.link)?;
            }
        }
        for (column, label) in (columns_of(report)..).zip(labels) {
            match entry.task.labels.get(label) {
                Some(value) => sheet.prose(row, column, value)?,
                None => sheet.text(row, column, "", &styles.text)?,
            }
        }
        sheet.fit_height(row)?;
    }
    for (column, definition) in (0..).zip(&template.summary) {
        sheet.highlight(definition.key, column, first..=last)?;
    }
    fold(&mut sheet)?;
    // Ids, names and labels of digits are meant as texts.
    sheet.worksheet.ignore_error_range(first, 0, last, last_column, IgnoreError::NumberStoredAsText)?;
    sheet.worksheet.set_freeze_panes(first, 1)?;
    sheet.page(Some(HEADING_ROW))
}

fn columns_of(report: &Report<'_>) -> u16 {
    u16::try_from(report.options().template.summary.len()).unwrap_or(u16::MAX)
}

/// Puts the columns that are for looking things up behind a fold.
fn fold(sheet: &mut Sheet<'_>) -> Result<(), XlsxError> {
    let template = sheet.template;
    let is_folded = |column: &&Column<SummaryCell>| template.folded.contains(&column.key);
    let mut column = 0;
    for run in template.summary.chunk_by(|one, next| is_folded(one) == is_folded(next)) {
        let next = column + u16::try_from(run.len()).unwrap_or(u16::MAX);
        if run.first().is_some_and(is_folded) {
            sheet.worksheet.group_columns_collapsed(column, next - 1)?;
        }
        column = next;
    }
    Ok(())
}

/// A table's headings are distinct, whatever their case, have no line breaks, and at most 255 characters.
fn make_unique(headings: &mut [Heading]) {
    let mut taken = HashSet::new();
    for heading in headings {
        let base: String = heading.text.replace(|c: char| c.is_control(), " ").chars().take(240).collect();
        let numbered = (2..).map(|number| format!("{base} ({number})"));
        let mut names = std::iter::once(base.clone()).chain(numbered);
        heading.text = names.find(|name| taken.insert(name.to_lowercase())).unwrap_or(base);
    }
}

fn title_block(sheet: &mut Sheet<'_>, report: &Report<'_>) -> Result<(), XlsxError> {
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
    let mut words = |rows: (u32, u32), text: &str, format: &Format| -> Result<(), XlsxError> {
        let text = cell_text(text);
        sheet.worksheet.merge_range(rows.0, WORDS.0, rows.1, WORDS.1, &text, format).map(drop)
    };
    words((1, 2), &report.headline(language), &styles.lead_prose)?;
    words((3, 3), &run, &styles.quiet)?;
    words((4, 4), &endpoint, &styles.quiet)?;
    words((5, 6), &report.criteria(language), &styles.quiet_prose)?;
    if report.is_sample() {
        words((7, 8), language.text(super::about::SAMPLE), &styles.banner)?;
    }
    Ok(())
}
