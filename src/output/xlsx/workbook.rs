//! Creates workbooks, sets their properties, and saves them.

use std::io::Write;

use jiff::Timestamp;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, XlsxError};

use super::style::Styles;
use crate::model::TOOL;
use crate::output::error::Cause;
use crate::output::zip_writer;
use crate::report::Report;
use crate::threads::fenced;

/// The level that Excel itself uses; higher ones cost a third more time for little.
pub(super) const COMPRESSION: u8 = 3;

pub(super) fn empty(properties: &DocProperties) -> Workbook {
    let mut workbook = Workbook::new();
    workbook.set_properties(properties);
    workbook.set_zip_compression_level(COMPRESSION);
    workbook
}

pub(super) fn begin(properties: &DocProperties, report: &Report<'_>) -> (Workbook, Styles) {
    (empty(properties), Styles::new(report.options().language, report.is_sample()))
}

pub(super) fn save(workbook: &mut Workbook, to: impl Write) -> Result<(), Cause> {
    // The library starts threads, and writes data descriptors, which some streaming readers reject.
    zip_writer::rewrite(fenced(|| workbook.save_to_buffer())??, to)
}

/// The author, and the date of the data instead of the current date, so that equal data makes equal files.
pub(super) fn dated(made: Timestamp) -> Result<DocProperties, XlsxError> {
    let made = ExcelDateTime::from_timestamp(made.as_second())?;
    Ok(DocProperties::new().set_author(TOOL).set_creation_datetime(&made))
}

/// The properties of a report's workbook, dated by the end of its run.
pub(super) fn properties(report: &Report<'_>) -> Result<DocProperties, XlsxError> {
    let title = report.options().template.title.text(report.options().language);
    Ok(dated(report.journal().ended_at())?.set_title(title))
}
