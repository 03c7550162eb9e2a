//! A task's sheet: what it is, what came of it, and a row per directory.

use rust_xlsxwriter::utility::column_number_to_name;
use rust_xlsxwriter::{Color, ConditionalFormatFormula, Sparkline, SparklineType, Workbook, XlsxError};

use super::parts::TaskSheet;
use super::style::Styles;
use super::{Cause, Sheet, cell_text, lines_of};
use crate::model::Verification;
use crate::report::{Column, DetailCell, DetailRow, Highlight, Look, Report, Rule, SummaryRow, WAIVER};

const HEADING_ROW: u32 = 6;
/// The verifications whose course is shown at most, and where the newest of them stands.
const COURSE: usize = 5;
const COURSE_ROW: u32 = 5;
const COURSE_COLUMN: u16 = 8;

/// The most rows of a task whose sheets are made in memory. Those of others are made row by row in
/// temporary files, so rows must be written in their order.
const ROWS_IN_MEMORY: usize = 1000;

/// The rows of data that fit below the headings of one sheet.
pub const ROWS_PER_SHEET: u64 = 1_048_576 - (HEADING_ROW as u64) - 1;

/// Adds sheets of one task; `main` is the name of the file with the Summary, where that is another one.
pub(super) fn add(
    workbook: &mut Workbook,
    report: &Report<'_>,
    sheets: &[TaskSheet],
    main: Option<&str>,
    styles: &Styles,
) -> Result<(), Cause> {
    let Some(ordinal) = sheets.first().map(|sheet| sheet.ordinal) else { return Ok(()) };
    let Some(row) = report.rows().get(ordinal) else { return Ok(()) };
    let verifications = report.verifications(ordinal)?;
    let waiver = report.waivers().map(|_| WAIVER);
    let columns: Vec<_> = report.options().template.tasks.iter().copied().chain(waiver).collect();
    let all_rows = report.detail_rows(ordinal, &verifications).count();
    let per_sheet = usize::try_from(report.options().rows_per_sheet.max(1)).unwrap_or(usize::MAX);
    for &TaskSheet { index, .. } in sheets {
        let Some(name) = row.sheets.get(index) else { continue };
        let rows = index.saturating_mul(per_sheet)..(index + 1).saturating_mul(per_sheet);
        // On disk one descriptor each; in memory a row takes more than a kilobyte.
        let worksheet = if all_rows > ROWS_IN_MEMORY {
            workbook.add_worksheet_with_constant_memory()?
        } else {
            workbook.add_worksheet()
        };
        worksheet.set_name(name)?;
        let mut sheet = Sheet::new(worksheet, report, styles);
        sheet.main = main;
        title_block(&mut sheet, report, row, &columns)?;
        let details = report.detail_rows(ordinal, &verifications).skip(rows.start).take(rows.len());
        if index == 0 && verifications.len() > 1 {
            course(&mut sheet, &verifications)?;
        }
        table(&mut sheet, &columns, details)?;
    }
    Ok(())
}

fn title_block(
    sheet: &mut Sheet<'_>,
    report: &Report<'_>,
    row: &SummaryRow<'_>,
    columns: &[&Column<DetailCell>],
) -> Result<(), XlsxError> {
    let styles = sheet.styles;
    sheet.worksheet.set_row_height(0, 24)?;
    sheet.text(0, 0, row.task.display_name(), &styles.title)?;
    sheet.link_back()?;
    if report.is_sample() {
        sheet.sample_banner(3)?;
    }
    sheet.label(2, 0, "Task ID", &styles.label)?;
    sheet.text(2, 1, row.task.task_id.as_str(), &styles.plain)?;
    sheet.label(3, 0, "Verdict", &styles.label)?;
    sheet.label(3, 1, row.verdict.label(), styles.verdict(row.verdict))?;
    sheet.label(3, 2, row.verdict.meaning(), &styles.quiet)?;
    let what = [row.error_code.as_deref(), row.error_message.as_deref()];
    let what = what.into_iter().flatten().map(str::to_owned);
    let happened: Vec<String> = what.chain(row.notes.iter().map(|note| note.text(sheet.language))).collect();
    if !happened.is_empty() {
        sheet.label(4, 0, "Notes", &styles.label)?;
        let text = cell_text(&happened.join(sheet.language.semicolon()));
        let last_column = u16::try_from(columns.len()).unwrap_or(1) - 1;
        if last_column > 1 {
            // Merged cells do not grow with their text.
            let width = columns.iter().skip(1).map(|column| sheet.template.width(column)).sum();
            sheet.worksheet.merge_range(4, 1, 4, last_column, &text, &styles.prose)?;
            sheet.lines = lines_of(&text, width);
            sheet.fit_height(4)?;
        } else {
            sheet.text(4, 1, &text, &styles.plain)?;
        }
    }
    Ok(())
}

fn table<'r>(
    sheet: &mut Sheet<'_>,
    columns: &[&Column<DetailCell>],
    rows: impl Iterator<Item = DetailRow<'r>>,
) -> Result<(), XlsxError> {
    let headings: Vec<_> = columns.iter().map(|column| sheet.heading(column)).collect();
    sheet.headings(HEADING_ROW, &headings)?;
    let mut last_row = HEADING_ROW;
    for detail in rows {
        last_row += 1;
        for (column, definition) in (0..).zip(columns) {
            sheet.cell(last_row, column, &(definition.cell)(&detail))?;
        }
        sheet.fit_height(last_row)?;
    }
    let last_column = u16::try_from(columns.len()).unwrap_or(1) - 1;
    set_verifications_apart(sheet, last_row, last_column)?;
    for (column, definition) in (0..).zip(columns) {
        if columns.last().is_some_and(|last| last.key == WAIVER.key) {
            set_waived_apart(sheet, definition.key, column, (last_row, last_column))?;
        }
        sheet.highlight(definition.key, column, HEADING_ROW + 1..=last_row.max(HEADING_ROW + 1))?;
    }
    sheet.worksheet.autofilter(HEADING_ROW, 0, last_row, last_column)?;
    sheet.worksheet.set_freeze_panes(HEADING_ROW + 1, 0)?;
    sheet.page(Some(HEADING_ROW))
}

/// Shows the newest verification in full ink and the earlier ones paler, each below a line.
fn set_verifications_apart(sheet: &mut Sheet<'_>, last_row: u32, last_column: u16) -> Result<(), XlsxError> {
    let number = sheet.template.tasks.iter().position(|column| column.key == "verification");
    let Some(number) = number.and_then(|column| u16::try_from(column).ok()) else { return Ok(()) };
    let first = HEADING_ROW + 1;
    let cell = |row| format!("${}{}", column_number_to_name(number), row + 1);
    let looks = [
        (format!("=AND({0}<>{1},{0}>1)", cell(first), cell(first - 1)), &sheet.styles.earlier_begins),
        (format!("={}>1", cell(first)), &sheet.styles.earlier),
    ];
    for (rule, look) in looks {
        // What speaks against an earlier verification does not stand out any more.
        let format =
            ConditionalFormatFormula::new().set_rule(rule.as_str()).set_format(look).set_stop_if_true(true);
        sheet.worksheet.add_conditional_format(first, 0, last_row.max(first), last_column, &format)?;
    }
    Ok(())
}

/// Shows differences that a waiver covers in another way than those that stand against the task.
fn set_waived_apart(
    sheet: &mut Sheet<'_>,
    key: &str,
    column: u16,
    (last_row, waiver): (u32, u16),
) -> Result<(), XlsxError> {
    let first = HEADING_ROW + 1;
    let cell = |column| format!("${}{}", column_number_to_name(column), first + 1);
    let is_key = |highlight: &&Highlight| highlight.column == key;
    for highlight in sheet.template.highlights.iter().filter(is_key) {
        let Rule::Above(count) = highlight.rule else { continue };
        let rule = format!("=AND({}<>\"\",{}>{count})", cell(waiver), cell(column));
        let look = sheet.styles.look(Look::Unsure);
        let format =
            ConditionalFormatFormula::new().set_rule(rule.as_str()).set_format(look).set_stop_if_true(true);
        sheet.worksheet.add_conditional_format(first, column, last_row.max(first), column, &format)?;
    }
    Ok(())
}

/// Shows how the differences went from verification to verification: as bars, and their figures beside.
fn course(sheet: &mut Sheet<'_>, verifications: &[Verification]) -> Result<(), XlsxError> {
    let styles = sheet.styles;
    sheet.worksheet.set_row_height(COURSE_ROW, 24)?;
    sheet.label(COURSE_ROW, 0, "Course", &styles.label)?;
    sheet.label(COURSE_ROW, 2, "differences, newest to the right", &styles.quiet)?;
    let mut first = COURSE_COLUMN;
    for (column, verification) in (0..=COURSE_COLUMN).rev().zip(verifications.iter().take(COURSE)) {
        sheet.count(COURSE_ROW, column, verification.totals().differences(), &styles.count)?;
        first = column;
    }
    let name = sheet.worksheet.name();
    let bars = Sparkline::new()
        .set_range((name.as_str(), COURSE_ROW, first, COURSE_ROW, COURSE_COLUMN))
        .set_type(SparklineType::Column)
        .set_sparkline_color(Color::RGB(0xB9_1C_1C))
        .set_custom_min(0);
    sheet.worksheet.add_sparkline(COURSE_ROW, 1, &bars)?;
    Ok(())
}
