//! The workbook of a history: Course, Tasks, About.

use std::io::Write;

use jiff::Timestamp;
use rust_xlsxwriter::{
    Chart, ChartEmptyCells, ChartFormat, ChartLegendPosition, ChartLine, ChartMarker, ChartMarkerType,
    ChartRange, ChartSolidFill, ChartType, Color, Format, FormatAlign, FormatBorder, Workbook, Worksheet,
    XlsxError,
};

use super::cell_text::{cell_text, first_units};
use super::cells::Cells;
use super::lines::{height_of, lines_of};
use super::palette;
use super::serial_number::serial_number;
use super::sheet::MAX_FOOTER_TITLE;
use super::style::{Styles, font, paint};
use super::workbook::{dated, empty, save};
use crate::model::{Language, SAMPLE, TOOL, Verdict};
use crate::output::error::Cause;
use crate::output::history_document::HistoryDocument;
use crate::report::{Course, History, Kind, NightSummary, Options};

const TITLE: &str = "Course over many nights";
const COURSE: &str = "Course";
const TASKS: &str = "Tasks";
const ABOUT: &str = "About";
/// The first row of the charts, and the row below them with the headings of the nights.
const CHARTS_ROW: u32 = 6;
const NIGHTS_ROW: u32 = 25;
/// Hidden columns that the charts read: the label of a night, and how many tasks do not pass if no result is missing.
const LABELS: u16 = 17;
const BURN_DOWN: u16 = LABELS + 1;
/// Columns of the nights: tasks without a result, the first of the 9 verdicts, and the journals.
const ABSENT: u16 = 4;
const VERDICTS: u16 = 5;
const JOURNALS: u16 = VERDICTS + 9;
/// The most nights in the strips: Excel opens sheets with more columns slowly.
const MAX_NIGHTS: usize = 400;
/// The nights that are not collapsed.
const OPEN_NIGHTS: usize = 30;
const FIGURES: [(&str, f64); 7] = [
    ("Source server", 24.0),
    ("Verdict", 16.0),
    ("Nights without progress", 12.0),
    ("Changed side", 10.0),
    ("First passed", 16.5),
    ("Last got worse", 16.5),
    ("Nights without evidence", 12.0),
];
/// The colour of the mark of a synchronisation.
const SYNCHRONISED: u32 = 0x0025_63B8;
/// The first column of the strips, after the figures.
const STRIP: u16 = 7;
/// The colour of tasks without a result in the chart.
const GAP_FILL: u32 = 0xE5_E7_EB;

/// Writes the workbook.
pub(in crate::output) fn write(document: &HistoryDocument<'_>, to: &mut dyn Write) -> Result<(), Cause> {
    let HistoryDocument { history, options } = *document;
    let language = options.language;
    let last = history.nights().last().map_or(Timestamp::UNIX_EPOCH, |night| night.ended_at);
    let mut workbook = empty(&dated(last)?.set_title(language.text(TITLE)));
    let styles = Styles::new(language, history.is_sample());
    let page = Page { history, options, language, styles: &styles };
    page.course(workbook.add_worksheet())?;
    page.tasks(workbook.add_worksheet())?;
    page.about(&mut workbook)?;
    save(&mut workbook, to)
}

struct Page<'a> {
    history: &'a History,
    options: &'a Options,
    language: Language,
    styles: &'a Styles,
}

impl Page<'_> {
    fn course(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        let (language, styles) = (self.language, self.styles);
        let zone = &self.options.timezone;
        self.set_up(sheet, COURSE, Some(NIGHTS_ROW))?;
        self.head(sheet)?;
        let ended = format!("{} ({})", language.text("Run ended"), zone.name());
        let fixed = [ended.as_str(), "Status", "Passing", "Does not pass", "No result"];
        let verdicts = Verdict::ALL.map(Verdict::label);
        sheet.height(NIGHTS_ROW, 32)?;
        for (column, text) in (0..).zip(fixed.into_iter().chain(verdicts)) {
            let kind = if column < 2 { Kind::Text } else { Kind::Number };
            sheet.string(NIGHTS_ROW, column, language.text(text), styles.heading(kind))?;
            sheet.set_column_width(column, if column < 2 { 20 } else { 11 })?;
        }
        sheet.string(NIGHTS_ROW, JOURNALS, language.text("Journal"), styles.heading(Kind::Text))?;
        sheet.set_column_width(JOURNALS, 44)?;
        for (row, night) in (NIGHTS_ROW + 1..).zip(self.history.nights()) {
            sheet.number(row, 0, serial_number(night.ended_at, zone), &styles.minute)?;
            let look = palette::status(night.status, self.history.is_sample());
            let shown = paint(font(language).set_bold(), look);
            sheet.write_string_with_format(row, 1, language.text(night.status.label()), &shown)?;
            let figures = [night.passing(), night.not_passing(), night.absent()];
            let counts = night.counts.iter().map(|(_, count)| *count);
            for (column, count) in (2..).zip(figures.into_iter().chain(counts)) {
                self.count(sheet, row, column, count)?;
            }
            sheet.string(row, JOURNALS, &cell_text(&night.journals.join(", ")), &styles.text)?;
            sheet.write_string(row, LABELS, self.night_label(night))?;
            if night.is_whole() {
                sheet.write_number(row, BURN_DOWN, number(night.not_passing()))?;
            }
        }
        for (column, _) in (VERDICTS..).zip(Verdict::ALL).filter(|(_, verdict)| !self.occurs(*verdict)) {
            sheet.set_column_hidden(column)?;
        }
        sheet.set_column_hidden(LABELS)?.set_column_hidden(BURN_DOWN)?;
        sheet.insert_chart(CHARTS_ROW, 0, &self.verdict_chart())?;
        sheet.insert_chart(CHARTS_ROW, 6, &self.burn_down_chart())?;
        Ok(())
    }

    fn night_label(&self, night: &NightSummary) -> String {
        self.options.timezone.local(night.ended_at).strftime("%m-%d").to_string()
    }

    fn head(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        let (language, styles) = (self.language, self.styles);
        let zone = &self.options.timezone;
        sheet.height(0, 28)?;
        sheet.string(0, 0, language.text(TITLE), &styles.title)?;
        sheet.string(1, 0, &cell_text(&self.history.headline(language)), &styles.lead)?;
        sheet.string(2, 0, self.history.judged(language), &styles.quiet)?;
        sheet.string(3, 0, &cell_text(&self.options.criteria(language)), &styles.quiet)?;
        let sample = self.history.is_sample().then(|| language.text(SAMPLE).to_owned());
        let cautions = sample.into_iter().chain(self.history.warnings(zone, language));
        let cautions = cautions.collect::<Vec<_>>().join(language.semicolon());
        if !cautions.is_empty() {
            sheet.string(4, 0, &cell_text(&cautions), &styles.banner)?;
            for column in 1..JOURNALS {
                sheet.string(4, column, "", &styles.banner)?;
            }
        }
        Ok(())
    }

    fn range(&self, column: u16) -> ChartRange {
        let nights = u32::try_from(self.history.nights().len()).unwrap_or(1).max(1);
        ChartRange::new_from_range(
            self.language.text(COURSE),
            NIGHTS_ROW + 1,
            column,
            NIGHTS_ROW + nights,
            column,
        )
    }

    /// Tasks by verdict per night, those that pass at the bottom.
    fn verdict_chart(&self) -> Chart {
        let language = self.language;
        let mut chart = Chart::new(ChartType::ColumnStacked);
        let mut add = |column: u16, name: &str, fill: u32| {
            chart
                .add_series()
                .set_categories(&self.range(LABELS))
                .set_values(&self.range(column))
                .set_name(name)
                .set_gap(30)
                .set_overlap(100)
                .set_format(
                    ChartFormat::new().set_solid_fill(ChartSolidFill::new().set_color(Color::RGB(fill))),
                );
        };
        for (column, verdict) in (VERDICTS..).zip(Verdict::ALL).collect::<Vec<_>>().into_iter().rev() {
            if self.occurs(verdict) {
                let fill = palette::verdict(verdict, self.history.is_sample()).fill;
                add(column, language.text(verdict.label()), fill);
            }
        }
        if self.history.nights().iter().any(|night| night.absent() > 0) {
            add(ABSENT, language.text("No result"), GAP_FILL);
        }
        self.finish(chart, "Tasks by verdict and night", 520)
    }

    fn burn_down_chart(&self) -> Chart {
        let mut chart = Chart::new(ChartType::Line);
        let mut line = ChartLine::new();
        line.set_color(Color::RGB(palette::WRONG)).set_width(2.25);
        let fill = ChartSolidFill::new().set_color(Color::RGB(palette::WRONG)).clone();
        let marker = ChartMarker::new()
            .set_type(ChartMarkerType::Circle)
            .set_size(5)
            .set_format(ChartFormat::new().set_solid_fill(&fill))
            .clone();
        chart
            .add_series()
            .set_categories(&self.range(LABELS))
            .set_values(&self.range(BURN_DOWN))
            .set_name(self.language.text("Does not pass"))
            .set_marker(&marker)
            .set_format(ChartFormat::new().set_line(&line));
        chart.show_empty_cells_as(ChartEmptyCells::Gaps);
        chart.legend().set_hidden();
        self.finish(chart, "Tasks that do not pass, by night", 460)
    }

    fn finish(&self, mut chart: Chart, title: &'static str, width: u32) -> Chart {
        let title = self.language.text(title);
        chart.title().set_name(title).set_font(rust_xlsxwriter::ChartFont::new().set_size(11));
        chart.legend().set_position(ChartLegendPosition::Bottom);
        chart
            .x_axis()
            .set_label_interval(self.label_interval())
            .set_font(rust_xlsxwriter::ChartFont::new().set_size(8));
        chart.y_axis().set_min(0).set_num_format("0");
        let mut grid = ChartLine::new();
        grid.set_color(Color::RGB(palette::LINE)).set_width(0.5);
        chart.y_axis().set_major_gridlines(true).set_major_gridlines_line(&grid);
        chart.show_hidden_data().set_width(width).set_height(360).set_alt_text(title);
        chart
    }

    /// Every how many nights a chart has a label: at most 10 labels are shown.
    fn label_interval(&self) -> u16 {
        u16::try_from(self.history.nights().len().div_ceil(10)).unwrap_or(1).max(1)
    }

    fn tasks(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        let (language, styles) = (self.language, self.styles);
        let zone = &self.options.timezone;
        self.set_up(sheet, TASKS, Some(0))?;
        sheet.set_freeze_panes(1, 1)?;
        sheet.height(0, 48)?;
        for (column, (text, width)) in (0..).zip(FIGURES) {
            let kind = if matches!(column, 2 | 3 | 6) { Kind::Number } else { Kind::Text };
            let text = match column {
                4 | 5 => format!("{} ({})", language.text(text), zone.name()),
                _ => language.text(text).to_owned(),
            };
            sheet.string(0, column, &text, styles.heading(kind))?;
            sheet.set_column_width(column, width)?;
        }
        let skipped = self.history.nights().len().saturating_sub(MAX_NIGHTS);
        let nights = self.history.nights().get(skipped..).unwrap_or_default();
        let upright = Format::clone(styles.heading(Kind::Text));
        let upright = upright.set_rotation(90).set_align(FormatAlign::Center).set_font_size(8);
        let after = STRIP + u16::try_from(nights.len()).unwrap_or(0);
        for (column, night) in (STRIP..).zip(nights) {
            sheet.write_string_with_format(0, column, self.night_label(night), &upright)?;
            sheet.set_column_width(column, 2.3)?;
        }
        if let folded @ 1.. = nights.len().saturating_sub(OPEN_NIGHTS) {
            sheet.group_columns_collapsed(STRIP, STRIP + u16::try_from(folded - 1).unwrap_or(0))?;
        }
        sheet.string(0, after, language.text("Task ID"), styles.heading(Kind::Text))?;
        sheet.set_column_width(after, 39)?;
        let strip = Strip::new(self.history.is_sample());
        for (row, task) in (1..).zip(self.history.tasks()) {
            self.task(sheet, row, task)?;
            let marks = task.synchronised().iter().skip(skipped);
            for (column, (verdict, is_marked)) in (STRIP..).zip(task.verdicts().skip(skipped).zip(marks)) {
                let (text, format) = strip.cell(verdict);
                let marked = is_marked.then(|| marked(format));
                sheet.write_string_with_format(row, column, text, marked.as_ref().unwrap_or(format))?;
            }
            if let Some(id) = task.task_id() {
                sheet.string(row, after, &cell_text(id), &styles.text)?;
            }
        }
        let last = u32::try_from(self.history.tasks().len()).unwrap_or(1).max(1);
        sheet.autofilter(0, 0, last, STRIP - 1)?;
        sheet.ignore_error_range(1, 0, last, after, rust_xlsxwriter::IgnoreError::NumberStoredAsText)?;
        Ok(())
    }

    fn task(&self, sheet: &mut Worksheet, row: u32, task: &Course) -> Result<(), XlsxError> {
        let (language, styles) = (self.language, self.styles);
        let zone = &self.options.timezone;
        sheet.string(row, 0, &cell_text(task.display_name()), &styles.text)?;
        match task.last() {
            Some(finding) => {
                let label = language.text(finding.verdict.label());
                sheet.string(row, 1, label, styles.verdict(finding.verdict))?;
            }
            None => sheet.string(row, 1, language.text("No result"), &styles.none)?,
        }
        for (column, count) in
            [(2, task.nights_without_progress()), (3, task.changes()), (6, task.nights_without_evidence())]
        {
            self.count(sheet, row, column, count)?;
        }
        for (column, night) in [(4, task.first_passed()), (5, task.last_got_worse())] {
            match self.history.ended_at(night) {
                Some(time) => sheet.number(row, column, serial_number(time, zone), &styles.minute)?,
                None => sheet.string(row, column, "", &styles.text)?,
            }
        }
        Ok(())
    }

    /// Writes a count; 0 is grey.
    fn count(&self, sheet: &mut Worksheet, row: u32, column: u16, count: usize) -> Result<(), XlsxError> {
        if count > 0 {
            return sheet.number(row, column, number(count), &self.styles.count);
        }
        let quiet = Format::clone(&self.styles.count).set_font_color(Color::RGB(palette::ZERO));
        sheet.write_number_with_format(row, column, 0, &quiet).map(drop)
    }

    fn occurs(&self, verdict: Verdict) -> bool {
        let mut counts = self.history.nights().iter().flat_map(|night| &night.counts);
        counts.any(|(other, count)| *other == verdict && *count > 0)
    }

    fn about(&self, workbook: &mut Workbook) -> Result<(), XlsxError> {
        const WIDTH: f64 = 100.0;
        let (language, styles) = (self.language, self.styles);
        let zone = &self.options.timezone;
        let sheet = workbook.add_worksheet();
        self.set_up(sheet, ABOUT, None)?;
        sheet.set_column_width(0, 26)?.set_column_width(1, WIDTH)?;
        sheet.string(0, 0, language.text("About this report"), &styles.title)?;
        let say = |text: &'static str| language.text(text).to_owned();
        let mut facts: Vec<(&str, String)> = Vec::new();
        if self.history.is_sample() {
            facts.push((language.text("Data"), say(SAMPLE)));
        }
        facts.push((language.text("Criteria"), self.history.judged(language).to_owned()));
        facts.push(("", self.options.criteria(language)));
        let warnings = self.history.warnings(zone, language);
        facts.extend(warnings.into_iter().map(|text| (language.text("Warning"), text)));
        facts.push((language.text("Report written by"), TOOL.to_owned()));
        facts.extend(
            self.history.definitions(language).into_iter().map(|(name, text)| (name, text.to_owned())),
        );
        facts.extend(Verdict::ALL.map(|verdict| (language.text(verdict.label()), say(verdict.meaning()))));
        for (row, (name, text)) in (2..).zip(facts) {
            sheet.string(row, 0, name, &styles.label)?;
            sheet.string(row, 1, &cell_text(&text), &styles.prose)?;
            sheet.height(row, height_of(lines_of(&text, WIDTH, language), language))?;
        }
        Ok(())
    }

    /// Sets the name, paper, repeated row and footer of a sheet.
    fn set_up(&self, sheet: &mut Worksheet, name: &str, heading_row: Option<u32>) -> Result<(), XlsxError> {
        let language = self.language;
        let zone = &self.options.timezone;
        // The Chinese translation of `Tasks` is the one for a number of tasks.
        let name_shown = if name == TASKS && language == Language::Chinese { "All tasks" } else { name };
        sheet.set_name(language.text(name_shown))?.set_screen_gridlines(false);
        sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
        sheet.set_margins(0.4, 0.4, 0.45, 0.6, 0.3, 0.3);
        if let Some(row) = heading_row {
            sheet.set_repeat_rows(row, row)?;
        }
        let ended = self.history.nights().last().map_or_else(String::new, |night| zone.plain(night.ended_at));
        let title = first_units(language.text(TITLE), MAX_FOOTER_TITLE);
        let left = language.fill("{0}, run ended {1} ({2})", &[&title, &ended, &zone.name()]);
        let right = language.fill("page {0} of {1}", &[&"&P", &"&N"]);
        sheet.set_footer(format!("&L&10 {left}&R&10 {right}"));
        Ok(())
    }
}

/// The format with the mark of a synchronisation: a blue line above.
fn marked(format: &Format) -> Format {
    Format::clone(format).set_border_top(FormatBorder::Thick).set_border_top_color(Color::RGB(SYNCHRONISED))
}

/// The symbol and format of each verdict in a strip, and the format of a gap.
struct Strip {
    verdicts: Vec<(Verdict, &'static str, Format)>,
    gap: Format,
}

impl Strip {
    fn new(is_sample: bool) -> Self {
        let base = Format::new().set_font_size(8).set_align(FormatAlign::Center);
        let look = |verdict| {
            let look = palette::verdict(verdict, is_sample);
            (verdict, look.symbol, paint(base.clone(), look))
        };
        let gap = base.clone().set_font_color(Color::RGB(palette::QUIET));
        Self { verdicts: Verdict::ALL.map(look).into(), gap }
    }

    fn cell(&self, verdict: Option<Verdict>) -> (&'static str, &Format) {
        let found = self.verdicts.iter().find(|(other, ..)| Some(*other) == verdict);
        found.map_or(("·", &self.gap), |(_, symbol, format)| (*symbol, format))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a worksheet knows no other numbers")]
fn number(count: usize) -> f64 {
    count as f64
}
