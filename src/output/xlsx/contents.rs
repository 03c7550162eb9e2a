//! The first sheet of a part: what it is a part of, and which sheets it has.

use rust_xlsxwriter::{Workbook, XlsxError};

use super::cells::Cells;
use super::link::MAX_LINKS;
use super::sheet::{Heading, Sheet};
use super::splice::{Extent, Link};
use super::style::Styles;
use super::task_sheet::TaskSheet;
use crate::model::Language;
use crate::report::{Kind, Report, SummaryRow};

const NAME: &str = "Contents";
const HEADING_ROW: u32 = 5;
/// Sheet, task, verdict; in characters.
const COLUMNS: [(&str, f64); 3] = [("Sheet", 36.0), ("Task ID", 39.0), ("Verdict", 18.0)];

/// A part of a workbook.
pub(super) struct Part<'a> {
    /// Its place among the parts, from 1.
    pub(super) number: usize,
    /// How many parts there are.
    pub(super) of: usize,
    /// The name of the file that has the Summary.
    pub(super) main: &'a str,
    pub(super) sheets: &'a [TaskSheet],
}

/// Adds the sheet without its rows.
pub(super) fn add(
    workbook: &mut Workbook,
    report: &Report<'_>,
    part: &Part<'_>,
    styles: &Styles,
) -> Result<(), XlsxError> {
    let worksheet = workbook.add_worksheet();
    worksheet.set_name(report.options().language.text(NAME))?;
    let mut sheet = Sheet::new(worksheet, report, styles);
    sheet.main = Some(part.main);
    let language = sheet.language;
    sheet.worksheet.set_row_height(0, 24)?;
    sheet.text(0, 0, sheet.template.title.text(language), &styles.title)?;
    sheet.link_back()?;
    if report.is_sample() {
        sheet.sample_banner(2)?;
    }
    let which = language.fill("Part {0} of {1} of {2}", &[&part.number, &part.of, &part.main]);
    sheet.text(2, 0, &which, &styles.label)?;
    let why = "The Summary of all tasks is there; here are sheets of single tasks.";
    sheet.label(3, 0, why, &styles.quiet)?;
    let headings = headings(language);
    sheet.set_widths(&headings)?;
    sheet.headings(HEADING_ROW, &headings)?;
    sheet.worksheet.autofilter(HEADING_ROW, 0, extent(part).last_row, 2)?;
    sheet.worksheet.set_freeze_panes(HEADING_ROW + 1, 0)?;
    sheet.page(Some(HEADING_ROW))
}

/// Writes a row per sheet.
pub(super) fn rows<W: Cells>(
    sheet: &mut Sheet<'_, W>,
    report: &Report<'_>,
    part: &Part<'_>,
) -> Result<(), XlsxError> {
    let styles = sheet.styles;
    for (row, (name, task)) in (HEADING_ROW + 1..).zip(named(report, part)) {
        let is_linked = usize::try_from(row).is_ok_and(|row| row < MAX_LINKS);
        sheet.text(row, 0, name, if is_linked { &styles.link } else { &styles.text })?;
        sheet.text(row, 1, task.task.id_text(), &styles.text)?;
        sheet.label(row, 2, task.verdict.label(), styles.verdict(task.verdict))?;
    }
    Ok(())
}

/// The links from the rows to the sheets.
pub(super) fn links<'l>(
    report: &'l Report<'_>,
    part: &'l Part<'_>,
) -> impl Iterator<Item = Link<'l>> + Clone {
    let tip = report.options().language.text("Go to the task's sheet");
    let rows = (HEADING_ROW + 1..).zip(named(report, part));
    let rows = rows.take_while(|(row, _)| usize::try_from(*row).is_ok_and(|row| row < MAX_LINKS));
    rows.map(move |(row, (name, _))| Link {
        cell: (row, 0),
        file: None,
        sheet: name,
        text: name.to_owned(),
        tip: tip.to_owned(),
    })
}

/// How far the sheet goes.
pub(super) fn extent(part: &Part<'_>) -> Extent {
    Extent { last_row: HEADING_ROW + u32::try_from(part.sheets.len()).unwrap_or(0), last_column: 2 }
}

/// The sheets by their names, with the tasks that they are of.
fn named<'l>(
    report: &'l Report<'_>,
    part: &'l Part<'_>,
) -> impl Iterator<Item = (&'l str, &'l SummaryRow<'l>)> + Clone {
    part.sheets.iter().filter_map(|sheet| {
        let task = report.rows().get(sheet.ordinal)?;
        Some((report.sheets(task).get(sheet.index)?.as_str(), task))
    })
}

fn headings(language: Language) -> [Heading; 3] {
    COLUMNS.map(|(text, width)| Heading { text: language.text(text).to_owned(), width, kind: Kind::Text })
}
