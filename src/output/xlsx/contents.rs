//! The first sheet of a part: what it is a part of, and which sheets it has.

use rust_xlsxwriter::{Workbook, XlsxError};

use super::parts::Part;
use super::style::Styles;
use super::{Heading, MAX_LINKS, Sheet};
use crate::model::SAMPLE;
use crate::report::{Kind, Report};

const NAME: &str = "Contents";
const HEADING_ROW: u32 = 5;
/// Sheet, task, verdict; in characters.
const COLUMNS: [(&str, u16); 3] = [("Sheet", 36), ("Task ID", 39), ("Verdict", 16)];

pub(super) fn add(
    workbook: &mut Workbook,
    report: &Report<'_>,
    part: &Part<'_>,
    styles: &Styles,
) -> Result<(), XlsxError> {
    let worksheet = workbook.add_worksheet();
    worksheet.set_name(NAME)?;
    let mut sheet = Sheet::new(worksheet, report, styles);
    sheet.main = Some(part.main);
    let language = sheet.language;
    sheet.worksheet.set_row_height(0, 24)?;
    sheet.text(0, 0, sheet.template.title.text(language), &styles.title)?;
    sheet.link_back()?;
    if report.is_sample() {
        sheet.label(1, 1, SAMPLE, &styles.banner)?;
    }
    let which = language.fill("Part {0} of {1} of {2}", &[&part.number, &part.of, &part.main]);
    sheet.text(2, 0, &which, &styles.label)?;
    let why = "The Summary of all tasks stands there; here are sheets of single tasks.";
    sheet.label(3, 0, why, &styles.quiet)?;
    let headings = COLUMNS.map(|(text, width)| Heading {
        text: language.text(text).to_owned(),
        width,
        kind: Kind::Text,
    });
    sheet.headings(HEADING_ROW, &headings)?;
    let mut row = HEADING_ROW;
    for task_sheet in part.sheets {
        let Some(task) = report.rows().get(task_sheet.ordinal) else { continue };
        let Some(name) = task.sheets.get(task_sheet.index) else { continue };
        row += 1;
        if usize::try_from(row).is_ok_and(|row| row < MAX_LINKS) {
            let tip = language.text("Go to the task's sheet");
            sheet.link((row, 0), None, name, (name, tip), &styles.link)?;
        } else {
            sheet.text(row, 0, name, &styles.text)?;
        }
        sheet.text(row, 1, task.task.task_id.as_str(), &styles.text)?;
        sheet.label(row, 2, task.verdict.label(), styles.verdict(task.verdict))?;
    }
    sheet.worksheet.autofilter(HEADING_ROW, 0, row, 2)?;
    sheet.worksheet.set_freeze_panes(HEADING_ROW + 1, 0)?;
    sheet.page(Some(HEADING_ROW))
}
