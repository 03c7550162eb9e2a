//! The bar of verdicts: how many of all tasks have each.

use rust_xlsxwriter::{
    Chart, ChartFormat, ChartLayout, ChartLine, ChartRange, ChartSolidFill, ChartType, Color, ObjectMovement,
    XlsxError,
};

use super::grid::{COLUMNS, LAST};
use crate::model::Verdict;
use crate::output::xlsx::palette;
use crate::output::xlsx::sheet::Sheet;

/// The height of its row, in points, and its own, in pixels.
pub(super) const HEIGHT: f64 = 22.0;
const PIXELS: u32 = 29;
/// The columns of its figures, which are hidden.
const FIGURES: u16 = LAST + 2;
/// The least part of the bar that a verdict gets, to be seen at all.
const LEAST: f64 = 0.012;

/// Puts the bar in a row, with a part for each verdict that a task has.
pub(super) fn add(
    sheet: &mut Sheet<'_>,
    name: &str,
    row: u32,
    counts: &[(Verdict, usize)],
) -> Result<(), XlsxError> {
    let is_sample = sheet.report.is_sample();
    #[expect(clippy::cast_precision_loss, reason = "a worksheet knows no other numbers")]
    let number = |count: usize| count as f64;
    let all = number(sheet.report.rows().len());
    let mut chart = Chart::new(ChartType::BarPercentStacked);
    for (column, (verdict, count)) in (FIGURES..).zip(counts) {
        sheet.worksheet.set_column_hidden(column)?;
        if *count == 0 {
            continue;
        }
        let figure = number(*count).max(LEAST * all);
        sheet.worksheet.write_number(row, column, figure)?;
        let label = sheet.language.text(verdict.label());
        let fill = Color::RGB(palette::verdict(*verdict, is_sample).fill);
        let mut border = ChartLine::new();
        border.set_color(Color::White).set_width(1);
        chart
            .add_series()
            .set_values(&ChartRange::new_from_range(name, row, column, row, column))
            .set_name(label)
            .set_gap(0)
            .set_overlap(100)
            .set_format(
                ChartFormat::new().set_solid_fill(ChartSolidFill::new().set_color(fill)).set_border(&border),
            );
    }
    chart.title().set_hidden();
    chart.legend().set_hidden();
    chart.x_axis().set_hidden(true).set_major_gridlines(false);
    chart.y_axis().set_hidden(true).set_major_gridlines(false);
    chart.plot_area().set_layout(&ChartLayout::new().set_offset(0.0, 0.0).set_dimensions(1.0, 1.0));
    chart.chart_area().set_format(ChartFormat::new().set_no_border().set_no_fill());
    let title = sheet.language.text("Tasks by verdict");
    chart.show_hidden_data().set_width(COLUMNS.iter().sum()).set_height(PIXELS).set_alt_text(title);
    chart.set_object_movement(ObjectMovement::DontMoveOrSizeWithCells);
    sheet.worksheet.insert_chart(row, 0, &chart).map(drop)
}
