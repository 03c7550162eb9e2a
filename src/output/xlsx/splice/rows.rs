//! The rows of a sheet, as XML.

use std::fmt::Write as _;

use rust_xlsxwriter::XlsxError;
use rust_xlsxwriter::utility::column_number_to_name;

use super::super::cell_text::MAX_CELL_UNITS;
use super::super::cells::Cells;
use super::super::style::Style;
use super::escape;
use super::mismatch::template_mismatch;
use super::pipe::Pipe;

const MAX_ROWS: u32 = 1_048_576;
const MAX_COLUMNS: u16 = 16_384;
/// Larger whole numbers are not exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The rows of a sheet, written one after the other.
pub(in crate::output::xlsx) struct Rows<'p> {
    pipe: &'p mut Pipe,
    styles: &'p [String],
    /// The current row, from 0, as XML counts it, and its height.
    row: Option<u32>,
    number: String,
    height: Option<u32>,
    /// Its cells.
    cells: String,
    /// The first column that may be written next.
    column: u16,
    /// By column.
    letters: Vec<String>,
}

impl<'p> Rows<'p> {
    pub(super) fn new(pipe: &'p mut Pipe, styles: &'p [String]) -> Self {
        let letters = (0..64).map(column_number_to_name).collect();
        Self {
            pipe,
            styles,
            row: None,
            number: String::new(),
            height: None,
            cells: String::new(),
            column: 0,
            letters,
        }
    }

    /// Ends the last row.
    pub(super) fn finish(mut self) -> Result<(), XlsxError> {
        self.end_row()
    }

    fn end_row(&mut self) -> Result<(), XlsxError> {
        if self.row.is_none() {
            return Ok(());
        }
        let out = &mut self.pipe.text;
        out.push_str("<row r=\"");
        out.push_str(&self.number);
        if let Some(points) = self.height.take() {
            // Heights are whole pixels, of which four are three points.
            let pixels = (points * 4 + 1) / 3;
            let _ = write!(out, "\" ht=\"{}\" customHeight=\"1", f64::from(pixels) * 0.75);
        }
        out.push_str("\">");
        out.push_str(&self.cells);
        out.push_str("</row>");
        self.cells.clear();
        self.pipe.pass_on()
    }

    fn go_to(&mut self, row: u32) -> Result<(), XlsxError> {
        if self.row == Some(row) {
            return Ok(());
        }
        if row >= MAX_ROWS {
            return Err(XlsxError::RowColumnLimitError);
        }
        if self.row.is_some_and(|current| row < current) {
            return Err(template_mismatch("a row comes after a later one"));
        }
        self.end_row()?;
        self.row = Some(row);
        self.column = 0;
        self.number.clear();
        let _ = write!(self.number, "{}", row + 1);
        Ok(())
    }

    /// Writes the start of a cell, up to its style.
    fn begin(&mut self, row: u32, column: u16, style: &Style) -> Result<(), XlsxError> {
        self.go_to(row)?;
        if column >= MAX_COLUMNS {
            return Err(XlsxError::RowColumnLimitError);
        }
        if column < self.column {
            return Err(template_mismatch("a cell comes after one to its right"));
        }
        self.column = column + 1;
        let style = self.styles.get(style.place).ok_or_else(|| template_mismatch("it lacks a style"))?;
        self.cells.push_str("<c r=\"");
        match self.letters.get(usize::from(column)) {
            Some(letters) => self.cells.push_str(letters),
            None => self.cells.push_str(&column_number_to_name(column)),
        }
        for text in [&self.number, "\" s=\"", style, "\""] {
            self.cells.push_str(text);
        }
        Ok(())
    }
}

impl Cells for Rows<'_> {
    fn string(&mut self, row: u32, column: u16, text: &str, style: &Style) -> Result<(), XlsxError> {
        self.begin(row, column, style)?;
        if text.is_empty() {
            self.cells.push_str("/>");
            return Ok(());
        }
        if text.len() > MAX_CELL_UNITS && text.encode_utf16().count() > MAX_CELL_UNITS {
            return Err(XlsxError::MaxStringLengthExceeded);
        }
        let space = ['\t', '\n', ' '];
        let keeps_space = text.starts_with(space) || text.ends_with(space);
        self.cells.push_str(" t=\"inlineStr\"><is><t");
        self.cells.push_str(if keeps_space { " xml:space=\"preserve\">" } else { ">" });
        escape::content(&mut self.cells, text);
        self.cells.push_str("</t></is></c>");
        Ok(())
    }

    fn number(&mut self, row: u32, column: u16, number: f64, style: &Style) -> Result<(), XlsxError> {
        if !number.is_finite() {
            // A worksheet knows no such numbers.
            return self.string(row, column, &number.to_string(), style);
        }
        self.begin(row, column, style)?;
        self.cells.push_str("><v>");
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and fits")]
        let _ = if number.abs() < EXACT && number.fract() == 0.0 {
            write!(self.cells, "{}", number as i64)
        } else {
            write!(self.cells, "{number}")
        };
        self.cells.push_str("</v></c>");
        Ok(())
    }

    fn height(&mut self, row: u32, points: u32) -> Result<(), XlsxError> {
        self.go_to(row)?;
        self.height = Some(points);
        Ok(())
    }
}
