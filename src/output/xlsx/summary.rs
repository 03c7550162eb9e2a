//! The Summary: who passes and who does not, then a row per task.

use rust_xlsxwriter::{Chart, ChartFont, ChartType, Color, Workbook, XlsxError};

use super::style::Styles;
use super::{MAX_LINKS, Sheet};
use crate::model::Verdict;
use crate::report::{Kind, Report, SUMMARY};

pub(super) const NAME: &str = "Summary";
const LABEL_ROW: u32 = 5;
const COUNT_ROW: u32 = 6;
/// Few rows stand above the table, for they stay in view with its headings.
const HEADING_ROW: u32 = 8;
const LABEL_WIDTH: u16 = 18;
const CHART_COLUMN: u16 = 5;
/// The first column of the second printed page: errors, notes and labels.
const SECOND_PAGE: u32 = 11;
/// The size at which each half fits an A4 page, in percent.
const PRINT_SCALE: u16 = 51;

pub(super) fn add(workbook: &mut Workbook, report: &Report<'_>, styles: &Styles) -> Result<(), XlsxError> {
    let worksheet = workbook.add_worksheet();
    worksheet.set_name(NAME)?;
    let mut sheet = Sheet::new(worksheet, report, styles);
    let (zone, language) = (sheet.zone, sheet.language);
    title_block(&mut sheet, report)?;
    let headings = SUMMARY
        .iter()
        .map(|column| (column.heading_in(zone, language), column.width, column.kind))
        .chain(report.labels().iter().map(|label| (label.clone(), LABEL_WIDTH, Kind::Text)));
    sheet.headings(HEADING_ROW, headings)?;
    let first = HEADING_ROW + 1;
    for (index, (row, entry)) in (first..).zip(report.rows()).enumerate() {
        for (column, definition) in (0..).zip(SUMMARY) {
            sheet.cell(row, column, &(definition.cell)(entry))?;
        }
        if index < MAX_LINKS {
            sheet.link(
                row,
                0,
                entry.sheet(),
                entry.task.task_id.as_str(),
                language.text("Go to the task's sheet"),
            )?;
        }
        for (column, label) in (columns()..).zip(report.labels()) {
            if let Some(value) = entry.task.labels.get(label) {
                sheet.text(row, column, value, &styles.text)?;
            }
        }
    }
    let last_row = HEADING_ROW + u32::try_from(report.rows().len()).unwrap_or(0).max(1);
    let last_column = columns() + u16::try_from(report.labels().len()).unwrap_or(0) - 1;
    sheet.worksheet.autofilter(HEADING_ROW, 0, last_row, last_column)?;
    // Ids, names and labels of digits are meant as texts.
    sheet.worksheet.ignore_error_range(
        first,
        0,
        last_row,
        last_column,
        rust_xlsxwriter::IgnoreError::NumberStoredAsText,
    )?;
    sheet.worksheet.set_freeze_panes(first, 1)?;
    sheet.worksheet.set_print_scale(PRINT_SCALE).set_vertical_page_breaks(&[SECOND_PAGE])?;
    sheet.worksheet.set_repeat_columns(0, 0)?;
    sheet.page(HEADING_ROW)
}

fn columns() -> u16 {
    u16::try_from(SUMMARY.len()).unwrap_or(u16::MAX)
}

fn title_block(sheet: &mut Sheet<'_>, report: &Report<'_>) -> Result<(), XlsxError> {
    let styles = sheet.styles;
    let journal = report.journal();
    sheet.worksheet.set_row_height(0, 28)?;
    for row in 1..LABEL_ROW {
        sheet.worksheet.set_row_height(row, 20)?;
    }
    sheet.label(0, 0, "Consistency verification results", &styles.title)?;
    sheet.text(1, 0, &report.headline(sheet.language), &styles.lead)?;
    let (began, ended) = (journal.header().started_at, journal.ended_at());
    let run = sheet.language.fill(
        "Run {0} to {1} ({2}), endpoint {3}",
        &[&sheet.zone.plain(began), &sheet.zone.plain(ended), &sheet.zone.name(), &journal.header().endpoint],
    );
    sheet.text(2, 0, &run, &styles.quiet)?;
    sheet.text(3, 0, &report.criteria(sheet.language), &styles.quiet)?;
    if report.is_sample() {
        for column in 0..4 {
            sheet.text(4, column, "", &styles.banner)?;
        }
        sheet.label(4, 0, super::about::SAMPLE, &styles.banner)?;
    }
    for (column, (verdict, count)) in (0..).zip(report.counts()) {
        let format = if count == 0 { &styles.none } else { styles.verdict(verdict) };
        sheet.label(LABEL_ROW, column, verdict.label(), format)?;
        #[expect(clippy::cast_precision_loss, reason = "a worksheet knows no other numbers")]
        sheet.worksheet.write_number_with_format(COUNT_ROW, column, count as f64, &styles.tally)?;
    }
    sheet.worksheet.set_row_height(COUNT_ROW, 22)?;
    chart(sheet)
}

/// The verdict counts as a chart beside them.
fn chart(sheet: &mut Sheet<'_>) -> Result<(), XlsxError> {
    let last = u16::try_from(Verdict::ALL.len() - 1).unwrap_or(0);
    let mut font = ChartFont::new();
    font.set_size(8);
    let mut chart = Chart::new(ChartType::Column);
    chart
        .add_series()
        .set_categories((NAME, LABEL_ROW, 0, LABEL_ROW, last))
        .set_values((NAME, COUNT_ROW, 0, COUNT_ROW, last))
        .set_name(sheet.language.text("Tasks"))
        .set_gap(40)
        .set_format(
            rust_xlsxwriter::ChartFormat::new()
                .set_solid_fill(rust_xlsxwriter::ChartSolidFill::new().set_color(Color::RGB(0x47_55_69))),
        )
        .set_data_label(rust_xlsxwriter::ChartDataLabel::new().show_value().set_font(&font));
    chart.legend().set_hidden();
    chart.title().set_hidden();
    chart.x_axis().set_font(&font);
    chart.y_axis().set_hidden(true).set_major_gridlines(false);
    chart.set_width(520).set_height(138).set_alt_text(sheet.language.text("Tasks by verdict"));
    sheet.worksheet.insert_chart_with_offset(0, CHART_COLUMN, &chart, 12, 3)?;
    Ok(())
}
