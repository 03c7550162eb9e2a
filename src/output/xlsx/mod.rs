//! Reports as workbooks: Summary, a sheet per task, About.

mod about;
mod reconciliation;
mod style;
mod summary;
mod task_sheet;

use std::io::Write;

use jiff::Timestamp;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Url, Workbook, Worksheet, XlsxError};

use super::{AtomicFile, Cause};
use crate::model::Language;
use crate::report::{Cell, Kind, Report, Zone, notes_text};
use style::Styles;

pub use task_sheet::ROWS_PER_SHEET;

/// The most links that Excel takes in one sheet; further cells stay plain.
const MAX_LINKS: usize = 65_530;
/// The most UTF-16 units that Excel takes in one cell.
const MAX_CELL_UNITS: usize = 32_767;

/// Writes the workbook.
pub(super) fn write(report: &Report<'_>, to: &mut AtomicFile) -> Result<(), Cause> {
    let mut workbook = Workbook::new();
    workbook.set_properties(&properties(report)?);
    // What Excel itself uses; higher levels cost a third more time for little.
    workbook.set_zip_compression_level(3);
    let styles = Styles::new();
    summary::add(&mut workbook, report, &styles)?;
    for (ordinal, row) in report.rows().iter().enumerate() {
        task_sheet::add(&mut workbook, report, ordinal, row, &styles)?;
    }
    reconciliation::add(&mut workbook, report, &styles)?;
    about::add(&mut workbook, report, &styles)?;
    workbook.save_to_writer(&mut *to)?;
    Ok(to.flush()?)
}

/// The workbook's own dates come from the journal: equal reports are equal files.
fn properties(report: &Report<'_>) -> Result<DocProperties, XlsxError> {
    let made = ExcelDateTime::from_timestamp(report.journal().ended_at().as_second())?;
    Ok(DocProperties::new()
        .set_title("Consistency verification results")
        .set_author(concat!("cutover-report ", env!("CARGO_PKG_VERSION")))
        .set_creation_datetime(&made))
}

/// A worksheet and what its cells need to know.
struct Sheet<'a> {
    worksheet: &'a mut Worksheet,
    zone: &'a Zone,
    language: Language,
    styles: &'a Styles,
}

impl<'a> Sheet<'a> {
    fn new(worksheet: &'a mut Worksheet, report: &'a Report<'_>, styles: &'a Styles) -> Self {
        let options = report.options();
        worksheet.set_screen_gridlines(false);
        Self { worksheet, zone: &options.timezone, language: options.language, styles }
    }

    /// Writes a text of our own, in the reader's language.
    fn label(
        &mut self,
        row: u32,
        column: u16,
        english: &'static str,
        format: &Format,
    ) -> Result<(), XlsxError> {
        self.text(row, column, self.language.text(english), format)
    }

    fn text(&mut self, row: u32, column: u16, text: &str, format: &Format) -> Result<(), XlsxError> {
        self.worksheet.write_string_with_format(row, column, cell_text(text), format)?;
        Ok(())
    }

    fn cell(&mut self, row: u32, column: u16, cell: &Cell<'_>) -> Result<(), XlsxError> {
        let styles = self.styles;
        match cell {
            Cell::Empty => {
                self.worksheet.write_blank(row, column, &styles.text)?;
            }
            Cell::Text(text) => self.text(row, column, text, &styles.text)?,
            #[expect(clippy::cast_precision_loss, reason = "a worksheet knows no other numbers")]
            Cell::Count(count) => {
                self.worksheet.write_number_with_format(row, column, *count as f64, &styles.count)?;
            }
            Cell::Share(share) => {
                self.worksheet.write_number_with_format(row, column, *share, &styles.share)?;
            }
            Cell::Time(time) => {
                let serial = serial_number(*time, self.zone);
                self.worksheet.write_number_with_format(row, column, serial, &styles.time)?;
            }
            Cell::Verdict(verdict) => self.label(row, column, verdict.label(), styles.verdict(*verdict))?,
            Cell::Label(text) => self.label(row, column, text, &styles.text)?,
            Cell::Notes(notes) => self.text(row, column, &notes_text(notes, self.language), &styles.text)?,
        }
        Ok(())
    }

    fn link(&mut self, row: u32, column: u16, sheet: &str, text: &str, tip: &str) -> Result<(), XlsxError> {
        let target = Url::new(format!("internal:'{}'!A1", sheet.replace('\'', "''")));
        let format = Some(&self.styles.link);
        self.worksheet.write_url_with_options(row, column, target, cell_text(text), tip, format)?;
        Ok(())
    }

    fn link_back(&mut self) -> Result<(), XlsxError> {
        let text = format!("← {}", self.language.text("Summary"));
        self.link(1, 0, summary::NAME, &text, self.language.text("Back to the Summary"))
    }

    /// Writes the headings of a table and sets the widths of its columns.
    fn headings<'h>(
        &mut self,
        row: u32,
        headings: impl Iterator<Item = (String, u16, Kind)> + 'h,
    ) -> Result<(), XlsxError> {
        self.worksheet.set_row_height(row, 32)?;
        let styles = self.styles;
        for (column, (heading, width, kind)) in (0..).zip(headings) {
            self.worksheet.set_column_width(column, width)?;
            let format = if kind == Kind::Number { &styles.number_heading } else { &styles.heading };
            self.text(row, column, &heading, format)?;
        }
        Ok(())
    }

    /// The page set-up that all sheets share.
    fn page(&mut self, heading_row: u32) -> Result<(), XlsxError> {
        self.worksheet
            .set_landscape()
            .set_paper_size(9)
            .set_margins(0.4, 0.4, 0.5, 0.6, 0.3, 0.3)
            .set_footer("&L&A&RPage &P of &N");
        self.worksheet.set_repeat_rows(heading_row, heading_row)?;
        Ok(())
    }
}

/// Days since the end of 1899 on the clock of `zone`, as worksheets count time.
fn serial_number(time: Timestamp, zone: &Zone) -> f64 {
    const UNIX_EPOCH_DAY: f64 = 25_569.0;
    let local = zone.local(time);
    let milliseconds = time.as_millisecond() + i64::from(local.offset().seconds()) * 1000;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds to the year 9999 fit")]
    let days = milliseconds as f64 / 86_400_000.0;
    UNIX_EPOCH_DAY + days
}

/// What a cell can hold of a text: Excel's limit, and no character that XML forbids.
fn cell_text(text: &str) -> String {
    const CUT: &str = " … [cut]";
    let text = text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
    if text.len() <= MAX_CELL_UNITS || text.encode_utf16().count() <= MAX_CELL_UNITS {
        return text;
    }
    let mut units = CUT.len();
    let kept = text.chars().take_while(|c| {
        units += c.len_utf16();
        units <= MAX_CELL_UNITS
    });
    kept.chain(CUT.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_serial_numbers_on_the_zones_clock() {
        let time: Timestamp = "2026-11-21T01:30:00Z".parse().unwrap();
        let serial = |zone| serial_number(time, &Zone::named(zone).unwrap());
        assert!((serial("UTC") - 46347.0625).abs() < 1e-9);
        assert!((serial("Asia/Shanghai") - 46347.0625 - 8.0 / 24.0).abs() < 1e-9);
    }

    #[test]
    fn a_text_beyond_the_limit_is_cut_and_says_so() {
        let long = cell_text(&"😀".repeat(20_000));
        assert!(long.encode_utf16().count() <= MAX_CELL_UNITS && long.ends_with("[cut]"));
        assert_eq!(cell_text("a\u{ffff}"), "a\u{fffd}");
    }
}
