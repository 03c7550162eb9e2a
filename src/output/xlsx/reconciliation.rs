//! The Reconciliation sheet: tasks that the list and the account do not both have.

use rust_xlsxwriter::{Workbook, XlsxError};

use super::sheet::Sheet;
use super::style::Styles;
use crate::report::{RECONCILIATION, Report};

const HEADING_ROW: u32 = 4;

/// Adds the sheet, if the list was compared with the account.
pub(super) fn add(workbook: &mut Workbook, report: &Report<'_>, styles: &Styles) -> Result<(), XlsxError> {
    let language = report.options().language;
    let (Some(rows), Some(outcome)) = (report.reconciliation(), report.reconciled(language)) else {
        return Ok(());
    };
    let worksheet = workbook.add_worksheet();
    worksheet.set_name(language.text("Reconciliation"))?;
    let mut sheet = Sheet::new(worksheet, report, styles);
    sheet.worksheet.set_row_height(0, 24)?;
    sheet.label(0, 0, "Task list and account", &styles.title)?;
    sheet.link_back()?;
    if report.is_sample() {
        sheet.sample_banner(3)?;
    }
    sheet.text(2, 0, &outcome, &styles.plain)?;
    let headings: Vec<_> = RECONCILIATION.iter().map(|column| sheet.heading(column)).collect();
    sheet.set_widths(&headings)?;
    sheet.headings(HEADING_ROW, &headings)?;
    let mut last_row = HEADING_ROW;
    for row in &rows {
        last_row += 1;
        for (column, definition) in (0..).zip(RECONCILIATION) {
            sheet.cell(last_row, column, &(definition.cell)(row))?;
        }
        sheet.fit_height(last_row)?;
    }
    let last_column = u16::try_from(RECONCILIATION.len()).unwrap_or(1) - 1;
    sheet.worksheet.autofilter(HEADING_ROW, 0, last_row, last_column)?;
    sheet.worksheet.set_freeze_panes(HEADING_ROW + 1, 0)?;
    sheet.page(Some(HEADING_ROW))
}
