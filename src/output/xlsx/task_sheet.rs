//! A task's sheet: what it is, what came of it, and a row per directory.

use rust_xlsxwriter::utility::column_number_to_name;
use rust_xlsxwriter::{ConditionalFormatFormula, Workbook, XlsxError};

use super::cell_text::cell_text;
use super::cells::Cells;
use super::lines::lines_of;
use super::sheet::{Heading, Sheet};
use super::splice::{Entries, Extent};
use super::style::Styles;
use crate::model::{Verdict, Verification};
use crate::output::error::Cause;
use crate::report::{Column, DetailCell, Report, SummaryRow, WAIVER};

const NOTES_ROW: u32 = 4;
const EARLIER_ROW: u32 = 5;
const HEADING_ROW: u32 = 6;
/// The earlier verifications that are summed up at most.
const EARLIER: usize = 3;
/// The last columns of the banner, and of what a verdict means.
const BANNER_COLUMN: u16 = 3;
const MEANING_COLUMN: u16 = 2;

/// The rows of data that fit below the headings of one sheet.
pub const ROWS_PER_SHEET: u64 = 1_048_576 - (HEADING_ROW as u64) - 1;

/// A sheet of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TaskSheet {
    /// The task's place in the list, from 0.
    pub(super) ordinal: usize,
    /// The sheet's place among those of the task, from 0.
    pub(super) index: usize,
}

/// All task sheets, in the order of the list.
pub(super) fn sheets(report: &Report<'_>) -> Vec<TaskSheet> {
    if !report.options().template.task_sheets {
        return Vec::new();
    }
    let of_task =
        |(ordinal, sheets): (usize, usize)| (0..sheets).map(move |index| TaskSheet { ordinal, index });
    report.rows().iter().map(|row| report.sheets(row).len()).enumerate().flat_map(of_task).collect()
}

/// What sheets of tasks differ in beside the contents of their cells and the number of their rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    /// Whether there are notes.
    notes: bool,
    /// The colour of the tab.
    verdict: Verdict,
}

impl Form {
    /// All forms that the sheets of a report have, by the places of their models.
    fn all(report: &Report<'_>) -> impl Iterator<Item = Self> {
        let occurs = |verdict: &Verdict| report.rows().iter().any(|row| row.verdict == *verdict);
        Verdict::ALL
            .into_iter()
            .filter(occurs)
            .flat_map(|verdict| [false, true].map(|notes| Self { notes, verdict }))
    }
}

/// Adds a sheet of each form, up to the last row that there can be, without its cells; `main` is the name
/// of the file with the Summary, where that is another one.
pub(super) fn models(
    workbook: &mut Workbook,
    report: &Report<'_>,
    main: Option<&str>,
    styles: &Styles,
) -> Result<(), XlsxError> {
    let columns = columns(report);
    for (number, form) in (1..).zip(Form::all(report)) {
        let worksheet = workbook.add_worksheet();
        worksheet.set_name(format!("model {number}"))?;
        let mut sheet = Sheet::new(worksheet, report, styles);
        sheet.main = main;
        frame(&mut sheet, &columns, form, 1_048_575)?;
    }
    Ok(())
}

/// Writes sheets of tasks.
pub(super) fn write<'r>(
    entries: &mut Entries<'_, 'r>,
    report: &'r Report<'_>,
    sheets: &[TaskSheet],
    styles: &Styles,
) -> Result<(), Cause> {
    let columns = columns(report);
    let forms: Vec<Form> = Form::all(report).collect();
    for of_task in sheets.chunk_by(|one, next| one.ordinal == next.ordinal) {
        let Some(ordinal) = of_task.first().map(|sheet| sheet.ordinal) else { continue };
        let Some(row) = report.rows().get(ordinal) else { continue };
        let verifications = report.verifications(ordinal)?;
        for sheet in of_task {
            let Some(name) = report.sheets(row).get(sheet.index) else { continue };
            let page = Page::new(report, row, *sheet, &verifications, &columns);
            let model = forms.iter().position(|form| *form == page.form()).unwrap_or_default();
            entries
                .add(model, name, page.extent(), |rows| page.cells(&mut Sheet::of(rows, report, styles)))?;
        }
    }
    Ok(())
}

pub(super) fn columns(report: &Report<'_>) -> Vec<&'static Column<DetailCell>> {
    let waiver = report.waivers().map(|_| WAIVER);
    report.options().template.tasks.iter().copied().chain(waiver).collect()
}

/// What is on a sheet of a task.
pub(super) struct Page<'p> {
    report: &'p Report<'p>,
    row: &'p SummaryRow<'p>,
    sheet: TaskSheet,
    verifications: &'p [Verification],
    columns: &'p [&'static Column<DetailCell>],
    /// Among the task's rows, the first of this sheet, and how many it has.
    first: usize,
    count: usize,
}

impl<'p> Page<'p> {
    pub(super) fn new(
        report: &'p Report<'p>,
        row: &'p SummaryRow<'p>,
        sheet: TaskSheet,
        verifications: &'p [Verification],
        columns: &'p [&'static Column<DetailCell>],
    ) -> Self {
        let per_sheet = usize::try_from(report.options().rows_per_sheet.max(1)).unwrap_or(usize::MAX);
        let first = sheet.index.saturating_mul(per_sheet);
        let count = report.detail_rows(sheet.ordinal, verifications).skip(first).take(per_sheet).count();
        Self { report, row, sheet, verifications, columns, first, count }
    }

    pub(super) fn form(&self) -> Form {
        Form { notes: !self.notes().is_empty(), verdict: self.row.verdict }
    }

    pub(super) fn extent(&self) -> Extent {
        let banner = if self.report.is_sample() { BANNER_COLUMN } else { MEANING_COLUMN };
        let last_column = last_column(self.columns).max(banner);
        Extent { last_row: HEADING_ROW + u32::try_from(self.count).unwrap_or(u32::MAX), last_column }
    }

    /// What is to be said beside the verdict.
    fn notes(&self) -> String {
        let language = self.report.options().language;
        let what = [self.row.error_code.as_deref(), self.row.error_message.as_deref()];
        let what = what.into_iter().flatten().map(str::to_owned);
        let notes = what.chain(self.row.notes.iter().map(|note| note.text(language)));
        let context = self.row.context.as_ref();
        let context = context.and_then(|context| context.line(language, &self.report.options().timezone));
        let notes: Vec<String> = notes.chain(context).collect();
        notes.join(language.semicolon())
    }

    /// Writes all cells of the sheet.
    pub(super) fn cells<W: Cells>(&self, sheet: &mut Sheet<'_, W>) -> Result<(), XlsxError> {
        self.title_block(sheet)?;
        let headings: Vec<_> = self.columns.iter().map(|column| sheet.heading(column)).collect();
        sheet.headings(HEADING_ROW, &headings)?;
        let details = self.report.detail_rows(self.sheet.ordinal, self.verifications);
        for (row, detail) in (HEADING_ROW + 1..).zip(details.skip(self.first).take(self.count)) {
            for (column, definition) in (0..).zip(self.columns) {
                sheet.cell(row, column, &(definition.cell)(&detail))?;
            }
            sheet.fit_height(row)?;
        }
        Ok(())
    }

    fn title_block<W: Cells>(&self, sheet: &mut Sheet<'_, W>) -> Result<(), XlsxError> {
        let (row, styles) = (self.row, sheet.styles);
        sheet.worksheet.height(0, 26)?;
        sheet.text(0, 0, row.task.display_name(), &styles.title)?;
        sheet.text_back()?;
        if self.report.is_sample() {
            sheet.sample_banner(BANNER_COLUMN)?;
        }
        sheet.label(2, 0, "Task ID", &styles.label)?;
        sheet.text(2, 1, row.task.id_text(), &styles.plain)?;
        sheet.label(3, 0, "Verdict", &styles.label)?;
        sheet.label(3, 1, row.verdict.label(), styles.verdict(row.verdict))?;
        sheet.label(3, MEANING_COLUMN, row.verdict.meaning(), &styles.quiet)?;
        let notes = self.notes();
        if !notes.is_empty() {
            sheet.label(NOTES_ROW, 0, "Notes", &styles.label)?;
            let last = last_column(self.columns);
            if last > 1 {
                // Merged cells do not grow with their text.
                let widths =
                    self.columns.iter().skip(1).map(|column| f64::from(sheet.template.width(column)));
                let width = widths.sum();
                sheet.text(NOTES_ROW, 1, &notes, &styles.prose)?;
                sheet.blanks(NOTES_ROW, 2..=last, &styles.prose)?;
                sheet.lines = lines_of(&cell_text(&notes), width, sheet.language);
                sheet.fit_height(NOTES_ROW)?;
            } else {
                sheet.text(NOTES_ROW, 1, &notes, &styles.plain)?;
            }
        }
        self.earlier(sheet)
    }

    /// Sums up the earlier verifications: their differences, each with its time.
    fn earlier<W: Cells>(&self, sheet: &mut Sheet<'_, W>) -> Result<(), XlsxError> {
        let earlier = self.verifications.get(1..).unwrap_or_default();
        if self.sheet.index > 0 || earlier.is_empty() {
            return Ok(());
        }
        let (language, zone, styles) = (sheet.language, sheet.zone, sheet.styles);
        let each = earlier.iter().take(EARLIER).map(|verification| {
            let count = match verification.totals().differences() {
                1 => language.text("1 difference").to_owned(),
                count => language.fill("{0} differences", &[&count]),
            };
            let time = verification.finished.map(|time| zone.plain(time));
            let time = time.unwrap_or_else(|| language.text("time unknown").to_owned());
            language.fill("{0} on {1}", &[&count, &time])
        });
        let more = (earlier.len() > EARLIER).then(|| "…".to_owned());
        let each = each.chain(more).collect::<Vec<_>>().join(language.comma());
        let text = match earlier.len() {
            1 => language.fill("1 earlier verification: {0}", &[&each]),
            count => language.fill("{0} earlier verifications: {1}", &[&count, &each]),
        };
        sheet.label(EARLIER_ROW, 0, "Earlier", &styles.label)?;
        sheet.text(EARLIER_ROW, 1, &text, &styles.plain)
    }
}

fn last_column(columns: &[&Column<DetailCell>]) -> u16 {
    u16::try_from(columns.len()).unwrap_or(1).saturating_sub(1)
}

/// Makes a sheet of this form, but for its cells; its table ends in `last_row`.
pub(super) fn frame(
    sheet: &mut Sheet<'_>,
    columns: &[&Column<DetailCell>],
    form: Form,
    last_row: u32,
) -> Result<(), XlsxError> {
    let last_column = last_column(columns);
    sheet.link_back()?;
    if form.notes && last_column > 1 {
        sheet.worksheet.merge_range(NOTES_ROW, 1, NOTES_ROW, last_column, "", &sheet.styles.prose)?;
    }
    sheet.worksheet.set_tab_color(sheet.styles.tab(form.verdict));
    let headings: Vec<Heading> = columns.iter().map(|column| sheet.heading(column)).collect();
    sheet.set_widths(&headings)?;
    set_verifications_apart(sheet, last_row, last_column)?;
    for (column, definition) in (0..).zip(columns) {
        let (first, last) = (HEADING_ROW + 1, last_row.max(HEADING_ROW + 1));
        if columns.last().is_some_and(|last| last.key == WAIVER.key) {
            let waived = format!("${}{}<>\"\"", column_number_to_name(last_column), first + 1);
            sheet.set_waived_apart(definition.key, column, first..=last, &waived)?;
        }
        sheet.highlight(definition.key, column, first..=last)?;
    }
    sheet.worksheet.autofilter(HEADING_ROW, 0, last_row, last_column)?;
    sheet.worksheet.set_freeze_panes(HEADING_ROW + 1, 0)?;
    sheet.page(Some(HEADING_ROW))
}

/// Shows the newest verification in full ink and the earlier ones paler, each below a line.
fn set_verifications_apart(sheet: &mut Sheet<'_>, last_row: u32, last_column: u16) -> Result<(), XlsxError> {
    let number = sheet.template.tasks.iter().position(|column| column.key == "verification");
    let Some(number) = number.and_then(|column| u16::try_from(column).ok()) else { return Ok(()) };
    let first = HEADING_ROW + 1;
    let cell = |row| format!("${}{}", column_number_to_name(number), row + 1);
    let looks = [
        (format!("=AND({0}<>{1},{0}>1)", cell(first), cell(first - 1)), &sheet.styles.earlier_begins),
        (format!("={}>1", cell(first)), &sheet.styles.earlier),
    ];
    for (rule, look) in looks {
        // What speaks against an earlier verification does not stand out any more.
        let format =
            ConditionalFormatFormula::new().set_rule(rule.as_str()).set_format(look).set_stop_if_true(true);
        sheet.worksheet.add_conditional_format(first, 0, last_row.max(first), last_column, &format)?;
    }
    Ok(())
}
