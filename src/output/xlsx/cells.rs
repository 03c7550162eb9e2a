//! What cells are written into: a worksheet, or rows that go straight to the file.

use rust_xlsxwriter::{Worksheet, XlsxError};

use super::style::Style;

/// Something that takes cells. Rows and columns count from 0; rows that go straight to the file must be
/// written from the top, and the cells of a row from the left, each once.
pub(super) trait Cells {
    /// Writes a text, of at most 32,767 UTF-16 units; an empty one leaves its look alone.
    fn string(&mut self, row: u32, column: u16, text: &str, style: &Style) -> Result<(), XlsxError>;

    /// Writes a number.
    fn number(&mut self, row: u32, column: u16, number: f64, style: &Style) -> Result<(), XlsxError>;

    /// Sets the height of a row, before its cells, among them or after, in points.
    fn height(&mut self, row: u32, points: u32) -> Result<(), XlsxError>;
}

impl Cells for Worksheet {
    fn string(&mut self, row: u32, column: u16, text: &str, style: &Style) -> Result<(), XlsxError> {
        self.write_string_with_format(row, column, text, style).map(drop)
    }

    fn number(&mut self, row: u32, column: u16, number: f64, style: &Style) -> Result<(), XlsxError> {
        self.write_number_with_format(row, column, number, style).map(drop)
    }

    fn height(&mut self, row: u32, points: u32) -> Result<(), XlsxError> {
        self.set_row_height(row, points).map(drop)
    }
}
