//! A task list as a workbook of one sheet.

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format};

use super::cell_text::MAX_CELL_UNITS;
use super::workbook::{empty, save};
use crate::fs::AtomicFile;
use crate::model::TOOL;
use crate::output::error::Cause;

/// In characters.
const WIDTHS: std::ops::RangeInclusive<usize> = 8..=40;

/// Writes the headings and the rows, every cell as text.
pub(in crate::output) fn write(
    columns: &[String],
    rows: &[Vec<String>],
    to: &mut AtomicFile,
) -> Result<(), Cause> {
    // The list says when it was made nowhere, so that equal lists are equal files.
    let properties =
        DocProperties::new().set_author(TOOL).set_creation_datetime(&ExcelDateTime::from_timestamp(0)?);
    let mut workbook = empty(&properties);
    let sheet = workbook.add_worksheet();
    let bold = Format::new().set_bold();
    for (column, heading) in (0_u16..).zip(columns) {
        check(0, heading)?;
        sheet.write_string_with_format(0, column, heading, &bold)?;
        let place = usize::from(column);
        let texts = rows.iter().filter_map(|row| row.get(place)).chain([heading]);
        let width = texts.map(|text| text.chars().count()).max().unwrap_or(0);
        let width = u16::try_from(width.clamp(*WIDTHS.start(), *WIDTHS.end())).unwrap_or(u16::MAX);
        sheet.set_column_width(column, width)?;
    }
    for (number, row) in (1_u32..).zip(rows) {
        for (column, text) in (0_u16..).zip(row).filter(|(_, text)| !text.is_empty()) {
            check(number, text)?;
            sheet.write_string(number, column, text)?;
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    save(&mut workbook, to)
}

/// Checks that Excel takes a text in a cell of this row, from 0.
fn check(row: u32, text: &str) -> Result<(), Cause> {
    if text.encode_utf16().count() <= MAX_CELL_UNITS {
        return Ok(());
    }
    let row = row + 1;
    Err(Cause::Name(format!("a cell in row {row} is longer than {MAX_CELL_UNITS} characters; write CSV")))
}
