//! The Summary: who passes and who does not, then a row per task.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use rust_xlsxwriter::utility::column_number_to_name;
use rust_xlsxwriter::{
    ConditionalFormatFormula, Format, IgnoreError, Table, TableColumn, TableStyle, Workbook, XlsxError,
};

use super::style::Styles;
use super::{Heading, MAX_LINKS, Sheet, cell_text, charts, lines_of};
use crate::model::{SAMPLE, Verdict};
use crate::report::{Cell, Column, Kind, Look, Report, Rule, SummaryCell, Template, fold_case};

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
    // What is below the title block although the table ends before.
    for column in u16::try_from(headings.len()).unwrap_or(CHARTS)..CHARTS {
        sheet.worksheet.set_column_width(column, LEAST_WIDTH)?;
    }
    let width = words_width(&headings, template);
    title_block(&mut sheet, report, width)?;
    if template.charts {
        charts::add(&mut sheet, report)?;
    }

    let first = HEADING_ROW + 1;
    // A table has at least one row.
    let last = HEADING_ROW + u32::try_from(report.rows().len()).unwrap_or(0).max(1);
    let last_column = u16::try_from(headings.len()).unwrap_or(1) - 1;
    let table_columns = headings.iter().map(|heading| TableColumn::new().set_header(escaped(&heading.text)));
    let table = Table::new()
        .set_name("Tasks")
        .set_style(TableStyle::None)
        .set_columns(&table_columns.collect::<Vec<_>>());
    sheet.worksheet.add_table(HEADING_ROW, 0, last, last_column, &table)?;
    // Written last: the table puts its columns' names there, and these are escaped.
    sheet.headings(HEADING_ROW, &headings)?;
    let place_of = |key: &&str| template.summary.iter().position(|column| column.key == *key);
    let linked = ["task_id", "source_server", "verdict"].iter().find_map(place_of);
    for (index, (row, entry)) in (first..).zip(report.rows()).enumerate() {
        for (place, (column, definition)) in (0..).zip(&template.summary).enumerate() {
            let cell = (definition.cell)(entry);
            sheet.cell(row, column, &cell)?;
            if Some(place) == linked && template.task_sheets && index < MAX_LINKS {
                let text = match &cell {
                    Cell::Text(text) => text,
                    Cell::Verdict(verdict) => sheet.language.text(verdict.label()),
                    _ => continue,
                };
                let home = homes.and_then(|homes| homes.get(index)).map(String::as_str);
                let tip = match home {
                    None => sheet.language.text("Go to the task's sheet").to_owned(),
                    Some(home) => sheet.language.fill("Go to the task's sheet in {0}", &[&home]),
                };
                sheet.link((row, column), home, entry.sheet(), (text, &tip), &styles.link)?;
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
    if report.waivers().is_some() {
        set_accepted_apart(&mut sheet, first..=last)?;
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
        let mut units = 0;
        let fits = |c: &char| {
            units += c.len_utf16();
            units <= 240
        };
        let base: String = text.chars().take_while(fits).collect();
        // Every column of a table has a name.
        let base = if base.is_empty() { "Column".to_owned() } else { base };
        let numbered = (2..).map(|number| format!("{base} ({number})"));
        let mut names = std::iter::once(base.clone()).chain(numbered);
        heading.text = names.find(|name| taken.insert(fold_case(name))).unwrap_or(base);
    }
}

/// The name of a table's column as its XML has it. There `_x0041_` stands for a character, so that a
/// heading which looks like that would not be the name any more.
fn escaped(heading: &str) -> String {
    let is_escape = |text: &str| {
        let mut digits = text.bytes().skip(2);
        digits.by_ref().take(4).filter(u8::is_ascii_hexdigit).count() == 4 && digits.next() == Some(b'_')
    };
    let mut escaped = String::with_capacity(heading.len());
    for (place, c) in heading.char_indices() {
        let rest = heading.get(place..).unwrap_or_default();
        if rest.starts_with("_x") && is_escape(rest) {
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
    let headline = report.headline(language);
    // Its letters are wider than those that widths count.
    let lead = if lines_of(&headline, width * 11 / 13) > 2 { 3 } else { 2 };
    // The words end where the counts do; what the headline and the banner leave is for the criteria.
    let end = if report.is_sample() { lead + 4 } else { LAST_COUNT };
    let mut words = |rows: (u32, u32), text: &str, format: &Format| -> Result<(), XlsxError> {
        let text = cell_text(text);
        sheet.worksheet.merge_range(rows.0, WORDS.0, rows.1, WORDS.1, &text, format).map(drop)
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

/// Shows the counts of a task whose differences are all waived in another way than those that stand
/// against one.
fn set_accepted_apart(sheet: &mut Sheet<'_>, rows: RangeInclusive<u32>) -> Result<(), XlsxError> {
    let template = sheet.template;
    let verdict = template.summary.iter().position(|column| column.key == "verdict");
    let Some(verdict) = verdict.and_then(|column| u16::try_from(column).ok()) else { return Ok(()) };
    let (first, last) = (*rows.start(), *rows.end());
    let cell = |column| format!("${}{}", column_number_to_name(column), first + 1);
    let accepted = sheet.language.text(Verdict::Accepted.label());
    for (column, definition) in (0..).zip(&template.summary) {
        for highlight in template.highlights.iter().filter(|highlight| highlight.column == definition.key) {
            let Rule::Above(count) = highlight.rule else { continue };
            let rule = format!("=AND({}=\"{accepted}\",{}>{count})", cell(verdict), cell(column));
            let format = ConditionalFormatFormula::new().set_rule(rule.as_str());
            let format = format.set_format(sheet.styles.look(Look::Unsure)).set_stop_if_true(true);
            sheet.worksheet.add_conditional_format(first, column, last, column, &format)?;
        }
    }
    Ok(())
}
