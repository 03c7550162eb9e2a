//! A task list as a workbook of one sheet.

use jiff::Timestamp;
use rust_xlsxwriter::Format;

use super::cell_text::MAX_CELL_UNITS;
use super::workbook::{dated, empty, save};
use crate::fs::AtomicFile;
use crate::output::error::Cause;

/// In characters.
const WIDTHS: std::ops::RangeInclusive<usize> = 8..=40;

/// Writes the headings and the rows, every cell as text.
pub(in crate::output) fn write(
    columns: &[String],
    rows: &[Vec<String>],
    to: &mut AtomicFile,
) -> Result<(), Cause> {
    // A list has no date.
    let mut workbook = empty(&dated(Timestamp::UNIX_EPOCH)?);
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
