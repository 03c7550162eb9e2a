//! The page as its rows are written, from the top.

use rust_xlsxwriter::{Format, XlsxError};

use super::grid::{LAST, lines_height, room};
use super::looks::Looks;
use crate::model::Language;
use crate::output::xlsx::cell_text::cell_text;
use crate::output::xlsx::sheet::Sheet;
use crate::output::xlsx::style::FONT_SIZE;
use crate::output::xlsx::text_size::Font;
use crate::report::Report;

/// The sheet, the next row to write, and the height of those that are written, in points.
pub(super) struct Page<'a> {
    pub(super) sheet: Sheet<'a>,
    pub(super) looks: Looks,
    pub(super) row: u32,
    pub(super) used: f64,
}

impl<'a> Page<'a> {
    /// Begins a row of this height and returns its number.
    pub(super) fn row(&mut self, height: f64) -> Result<u32, XlsxError> {
        let row = self.row;
        self.sheet.worksheet.set_row_height(row, height)?;
        self.row += 1;
        self.used += height;
        Ok(row)
    }

    pub(super) fn gap(&mut self, height: f64) -> Result<(), XlsxError> {
        self.row(height).map(drop)
    }

    /// Writes a text into merged cells.
    pub(super) fn text(
        &mut self,
        row: u32,
        columns: (u16, u16),
        text: &str,
        format: &Format,
    ) -> Result<(), XlsxError> {
        let (first, last) = columns;
        self.sheet.worksheet.merge_range(row, first, row, last, &cell_text(text), format).map(drop)
    }

    /// Writes a number into merged cells.
    pub(super) fn number(
        &mut self,
        row: u32,
        columns: (u16, u16),
        number: f64,
        format: &Format,
    ) -> Result<(), XlsxError> {
        self.text(row, columns, "", format)?;
        self.sheet.worksheet.write_number_with_format(row, columns.0, number, format).map(drop)
    }

    #[expect(clippy::cast_precision_loss, reason = "a worksheet knows no other numbers")]
    pub(super) fn count(
        &mut self,
        row: u32,
        columns: (u16, u16),
        count: usize,
        format: &Format,
    ) -> Result<(), XlsxError> {
        self.number(row, columns, count as f64, format)
    }

    pub(super) fn label(
        &mut self,
        row: u32,
        columns: (u16, u16),
        english: &'static str,
        format: &Format,
    ) -> Result<(), XlsxError> {
        self.text(row, columns, self.language().text(english), format)
    }

    pub(super) fn language(&self) -> Language {
        self.sheet.language
    }

    pub(super) fn report(&self) -> &'a Report<'a> {
        self.sheet.report
    }

    /// Writes a paragraph across the page, of as many lines as it needs.
    pub(super) fn paragraph(&mut self, text: &str, format: &Format) -> Result<(), XlsxError> {
        let height = self.prose_height(text);
        let row = self.row(height)?;
        self.text(row, (0, LAST), text, format)
    }

    pub(super) fn prose_height(&self, text: &str) -> f64 {
        lines_height(Font::plain(FONT_SIZE).of(self.language()).lines(text, room((0, LAST))), self.language())
    }
}
