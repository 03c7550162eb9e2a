//! The charts of the Summary. Their figures stand in cells that no sorting or filtering moves.

use rust_xlsxwriter::{
    Chart, ChartDataLabel, ChartFont, ChartFormat, ChartRange, ChartSolidFill, ChartType, Color, XlsxError,
};

use super::{Sheet, about};
use crate::report::Report;

/// In pixels.
const VERDICTS_WIDTH: u32 = 430;
const DIFFERENCES_WIDTH: u32 = 440;
/// That of the title block, in pixels.
const HEIGHT: u32 = 200;
const GAP: u32 = 12;

/// Where the figures of a chart stand: what they are of in the first column, and they in the second.
pub(super) struct Figures {
    pub(super) sheet: &'static str,
    /// The first and the last row, from 0.
    pub(super) rows: (u32, u32),
}

/// Puts the charts behind the title block and its counts, from `column` on: tasks by verdict, and the
/// tasks with the most differences where there are any and About has their figures.
pub(super) fn add(
    sheet: &mut Sheet<'_>,
    report: &Report<'_>,
    column: u16,
    verdicts: &Figures,
) -> Result<(), XlsxError> {
    let language = sheet.language;
    let mut verdicts = chart(ChartType::Column, language.text("Tasks by verdict"), 0x47_55_69, verdicts);
    verdicts.set_width(VERDICTS_WIDTH);
    sheet.worksheet.insert_chart_with_offset(0, column, &verdicts, GAP, 3)?;

    if let Some(rows) = about::most_differences_rows(report) {
        let figures = Figures { sheet: about::NAME, rows };
        let title = language.text("Tasks with the most differences");
        let mut differences = chart(ChartType::Bar, title, 0xB9_1C_1C, &figures);
        differences.set_width(DIFFERENCES_WIDTH);
        // The most stand at the top.
        differences.y_axis().set_reverse();
        sheet.worksheet.insert_chart_with_offset(0, column, &differences, VERDICTS_WIDTH + 2 * GAP, 3)?;
    }
    Ok(())
}

/// A chart of one series; what it shows is told by its title and by the figure at each bar.
fn chart(kind: ChartType, title: &str, color: u32, figures: &Figures) -> Chart {
    let Figures { sheet, rows: (first, last) } = *figures;
    let [categories, values] =
        [0, 1].map(|column| ChartRange::new_from_range(sheet, first, column, last, column));
    let mut font = ChartFont::new();
    font.set_size(8);
    let mut title_font = ChartFont::new();
    title_font.set_size(10).set_bold();
    let mut chart = Chart::new(kind);
    chart
        .add_series()
        .set_categories(&categories)
        .set_values(&values)
        .set_name(title)
        .set_gap(40)
        .set_format(ChartFormat::new().set_solid_fill(ChartSolidFill::new().set_color(Color::RGB(color))))
        .set_data_label(ChartDataLabel::new().show_value().set_font(&font));
    chart.title().set_name(title).set_font(&title_font);
    chart.legend().set_hidden();
    // In a bar chart the axes change places.
    let names = if kind == ChartType::Bar { chart.y_axis() } else { chart.x_axis() };
    names.set_font(&font);
    let figures = if kind == ChartType::Bar { chart.x_axis() } else { chart.y_axis() };
    figures.set_hidden(true).set_major_gridlines(false).set_min(0);
    chart.set_height(HEIGHT).set_alt_text(title);
    chart
}
