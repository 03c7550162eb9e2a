//! The workbook with the Summary.

use std::io::Write;
use std::path::Path;

use super::sheet::Sheet;
use super::splice::{Place, Skeleton};
use super::summary::Summary;
use super::workbook::{begin, properties};
use super::{about, overview, reconciliation, task_sheet};
use crate::output::error::Cause;
use crate::report::Report;

/// Writes the workbook. If `homes` has the name of a file for each task, the task sheets are in those files and not here.
/// Large parts are buffered in unnamed files in `folder`.
pub(super) fn write_workbook(
    report: &Report<'_>,
    homes: Option<&[String]>,
    to: &mut (dyn Write + Send),
    folder: &Path,
) -> Result<(), Cause> {
    let (mut workbook, styles) = begin(&properties(report)?, report);
    let template = &report.options().template;
    overview::add(&mut workbook, report, homes, &styles)?;
    let summary = Summary::new(report);
    summary.add(&mut workbook, &styles)?;
    let streamed = workbook.worksheets().len();
    reconciliation::add(&mut workbook, report, &styles)?;
    if template.about {
        about::add(&mut workbook, report, &styles)?;
    }
    let sheets = if homes.is_none() { task_sheet::sheets(report) } else { Vec::new() };
    let place = Place { streamed, before: streamed };
    let skeleton = Skeleton::new(workbook, place, &styles.of_cells, |workbook| match sheets.first() {
        Some(_) => task_sheet::models(workbook, report, None, &styles),
        None => Ok(()),
    })?;
    skeleton.write(to, folder, sheets.len(), |entries| {
        entries.streamed(summary.extent(), summary.links(homes), |rows| {
            summary.rows(&mut Sheet::of(rows, report, &styles))
        })?;
        task_sheet::write(entries, report, &sheets, &styles)
    })
}
