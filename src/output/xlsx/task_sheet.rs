//! A task's sheet: what it is, what came of it, and a row per directory.

use rust_xlsxwriter::{Workbook, XlsxError};

use super::style::Styles;
use super::{Cause, Sheet};
use crate::model::Verification;
use crate::report::{Cell, Column, DETAIL, DetailCell, Report, SummaryRow, detail_rows};

const HEADING_ROW: u32 = 6;

/// The rows of data that fit below the headings of one sheet.
pub const ROWS_PER_SHEET: u64 = 1_048_576 - (HEADING_ROW as u64) - 1;

pub(super) fn add(
    workbook: &mut Workbook,
    report: &Report<'_>,
    ordinal: usize,
    row: &SummaryRow,
    styles: &Styles,
) -> Result<(), Cause> {
    let verifications = report.verifications(ordinal)?;
    let per_sheet = usize::try_from(report.options().rows_per_sheet.max(1)).unwrap_or(usize::MAX);
    for (index, name) in row.sheets.iter().enumerate() {
        let rows = index.saturating_mul(per_sheet)..(index + 1).saturating_mul(per_sheet);
        let worksheet = workbook.add_worksheet();
        worksheet.set_name(name)?;
        let mut sheet = Sheet::new(worksheet, report, styles);
        title_block(&mut sheet, report, row)?;
        table(&mut sheet, &verifications, rows)?;
    }
    Ok(())
}

fn title_block(sheet: &mut Sheet<'_>, report: &Report<'_>, row: &SummaryRow) -> Result<(), XlsxError> {
    let styles = sheet.styles;
    sheet.worksheet.set_row_height(0, 24)?;
    sheet.text(0, 0, row.task.display_name(), &styles.title)?;
    sheet.link_back()?;
    if report.is_sample() {
        sheet.label(1, 1, super::about::SAMPLE, &styles.banner)?;
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
        sheet.text(4, 1, &happened.join(sheet.language.semicolon()), &styles.plain)?;
    }
    Ok(())
}

fn table(
    sheet: &mut Sheet<'_>,
    verifications: &[Verification],
    rows: std::ops::Range<usize>,
) -> Result<(), XlsxError> {
    let (zone, language) = (sheet.zone, sheet.language);
    let heading =
        |column: &Column<DetailCell>| (column.heading_in(zone, language), column.width, column.kind);
    sheet.headings(HEADING_ROW, DETAIL.iter().map(heading))?;
    let mut last_row = HEADING_ROW;
    for detail in detail_rows(verifications).skip(rows.start).take(rows.len()) {
        last_row += 1;
        for (column, definition) in (0..).zip(DETAIL) {
            sheet.cell(last_row, column, &(definition.cell)(&detail))?;
        }
        let differs = detail.check.is_some_and(|check| !check.is_consistent());
        if differs {
            mark_differences(sheet, last_row, &detail)?;
        }
    }
    let last_column = u16::try_from(DETAIL.len()).unwrap_or(1) - 1;
    sheet.worksheet.autofilter(HEADING_ROW, 0, last_row, last_column)?;
    sheet.worksheet.set_freeze_panes(HEADING_ROW + 1, 0)?;
    sheet.worksheet.set_print_fit_to_pages(1, 0);
    sheet.page(HEADING_ROW)
}

/// Makes the counts that speak against a directory stand out.
fn mark_differences(
    sheet: &mut Sheet<'_>,
    row: u32,
    detail: &crate::report::DetailRow<'_>,
) -> Result<(), XlsxError> {
    let format = &sheet.styles.wrong_count;
    for (column, definition) in (0..).zip(DETAIL) {
        let counts_against =
            matches!(definition.key, "different" | "missing_at_target" | "redundant_at_target");
        if let (true, Cell::Count(count @ 1..)) = (counts_against, (definition.cell)(detail)) {
            #[expect(clippy::cast_precision_loss, reason = "a worksheet knows no other numbers")]
            sheet.worksheet.write_number_with_format(row, column, count as f64, format)?;
        }
    }
    Ok(())
}
