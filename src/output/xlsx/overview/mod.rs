//! The first sheet, which decides: status, counts, the tasks that do not pass, groups, and on whose evidence, on
//! one printed page. With a template that has one, it is the Sign-off sheet.
//!
//! Rows have heights in points and the page has room for so many: the tables get what the rest leaves.

mod chart;
mod grid;
mod looks;
mod page;
mod signoff;
mod tables;

use rust_xlsxwriter::{Color, Format, FormatBorder, Workbook, XlsxError};

use super::palette;
use super::sheet::Sheet;
use super::style::{FONT_SIZE, Styles};
use super::text_size::Font;
use crate::model::SAMPLE;
use crate::report::Report;
use grid::{COLUMNS, INDENT, LAST, ROOM, SIGNOFF_ROOM, room};
use looks::Looks;
use page::Page;
use tables::Lists;

const NAME: &str = "Overview";
const SIGNOFF: &str = "Sign-off";

/// Adds the sheet; `homes` are the files of the tasks' sheets, by task, if they are in others.
pub(super) fn add(
    workbook: &mut Workbook,
    report: &Report<'_>,
    homes: Option<&[String]>,
    styles: &Styles,
) -> Result<(), XlsxError> {
    let language = report.options().language;
    let signoff = report.options().template.signoff.as_ref();
    let worksheet = workbook.add_worksheet();
    let name = language.text(if signoff.is_some() { SIGNOFF } else { NAME }).to_owned();
    worksheet.set_name(&name)?;
    for (column, width) in (0..).zip(COLUMNS) {
        worksheet.set_column_width_pixels(column, width)?;
    }
    let mut sheet = Sheet::new(worksheet, report, styles);
    if let Some(signoff) = signoff {
        sheet.title = signoff.title.text(language);
    }
    let looks = Looks::new(language, report.is_sample());
    let mut page = Page { sheet, looks, row: 0, used: 0.0 };
    page.head()?;
    page.counts(&name)?;
    let below = page.evidence_height()? + signoff.map_or(0.0, |signoff| page.signoff_height(signoff));
    let room = if signoff.is_some() { SIGNOFF_ROOM } else { ROOM } - page.used - below;
    let lists = Lists::plan(page.report(), room, signoff.is_some());
    page.lists(&lists, homes)?;
    page.evidence()?;
    if let Some(signoff) = signoff {
        page.signoff(signoff)?;
        page.sheet.worksheet.protect();
    }
    let last_row = page.row.saturating_sub(1);
    let tab = palette::status(report.status(), report.is_sample()).fill;
    let worksheet = page.sheet.paper()?;
    worksheet
        .set_margins(0.5, 0.5, 0.4, 0.65, 0.3, 0.3)
        .set_print_fit_to_pages(1, 1)
        .set_print_center_horizontally(true)
        .set_tab_color(tab)
        .set_print_area(0, 0, last_row, LAST)?;
    Ok(())
}

impl<'a> Page<'a> {
    /// Title, run, criteria, and the banner.
    fn head(&mut self) -> Result<(), XlsxError> {
        let (report, language, zone) = (self.report(), self.language(), self.sheet.zone);
        let row = self.row(28.0)?;
        let title = Font::bold(20.0).of(self.language()).cut_end(self.sheet.title, room((0, LAST)), 1);
        self.text(row, (0, LAST), &title, &self.looks.title())?;
        let journal = report.journal();
        let [began, ended] = [journal.header().started_at, journal.ended_at()].map(|time| zone.plain(time));
        let run = language.fill(
            "Run {0} to {1} ({2}), endpoint {3}",
            &[&began, &ended, &zone.name(), &journal.header().endpoint],
        );
        let tasks = language.fill("{0} tasks", &[&report.rows().len()]);
        let quiet = self.looks.quiet().set_text_wrap();
        let line = language.fill("{0}, {1}", &[&run, &tasks]);
        self.paragraph(
            &Font::plain(FONT_SIZE).of(self.language()).cut_end(&line, room((0, LAST)), 2),
            &quiet,
        )?;
        let criteria = Font::plain(FONT_SIZE).of(self.language()).cut_end(
            &report.criteria(language),
            room((0, LAST)),
            3,
        );
        self.paragraph(&criteria, &quiet)?;
        self.gap(5.0)?;
        self.banner()
    }

    fn banner(&mut self) -> Result<(), XlsxError> {
        let (report, language) = (self.report(), self.language());
        let of_status = palette::status(report.status(), report.is_sample());
        let headline = format!("{} {}", of_status.symbol, report.headline(language));
        let banner = room((0, LAST)) - INDENT;
        let large = Font::bold(18.0).of(self.language());
        if large.lines(&headline, banner) == 1 {
            let row = self.row(30.0)?;
            self.text(row, (0, LAST), &headline, &self.looks.banner(of_status, 18.0).set_bold())?;
        } else {
            let font = Font::bold(14.0).of(self.language());
            let text = font.cut_end(&headline, banner, 3);
            let row = self.row(8.0 + 19.0 * f64::from(font.lines(&text, banner)))?;
            self.text(row, (0, LAST), &text, &self.looks.banner(of_status, 14.0).set_bold())?;
        }
        let font = Font::plain(11.0).of(self.language());
        let text = font.cut_end(&report.evidence_line(language), banner, 2);
        let row = self.row(6.0 + 14.5 * f64::from(font.lines(&text, banner)))?;
        self.text(row, (0, LAST), &text, &self.looks.banner(of_status, 11.0))?;
        if let Some(since) = report.since_text(language) {
            let text = font.cut_end(&since, banner, 2);
            let row = self.row(6.0 + 14.5 * f64::from(font.lines(&text, banner)))?;
            self.text(row, (0, LAST), &text, &self.looks.banner(of_status, 11.0))?;
        }
        if report.is_sample() {
            let row = self.row(19.0)?;
            self.label(row, (0, LAST), SAMPLE, &self.looks.strip())?;
        }
        Ok(())
    }

    /// The bar of verdicts, and below it the number of tasks with each.
    fn counts(&mut self, sheet: &str) -> Result<(), XlsxError> {
        let report = self.report();
        let counts = report.counts();
        self.gap(7.0)?;
        if report.options().template.charts && !report.rows().is_empty() {
            let row = self.row(chart::HEIGHT)?;
            chart::add(&mut self.sheet, sheet, row, &counts)?;
            self.gap(3.0)?;
        }
        let rows = [self.row(24.0)?, self.row(17.0)?];
        for (place, (verdict, count)) in (0..).zip(counts) {
            let [number, label] = self.looks.tile(verdict, count);
            let columns = (2 * place, 2 * place + 1);
            self.count(rows[0], columns, count, &number)?;
            self.label(rows[1], columns, verdict.label(), &label)?;
        }
        Ok(())
    }

    /// What a verification checks, and the journal with its digest.
    fn evidence(&mut self) -> Result<(), XlsxError> {
        let (report, language) = (self.report(), self.language());
        self.gap(7.0)?;
        let row = self.row(15.0)?;
        self.label(row, (0, LAST), "What a verification checks", &self.looks.heading_ink())?;
        self.paragraph(&report.what_is_checked(language), &self.looks.prose())?;
        let name = self.journal_name();
        let digest = hex::encode(report.journal().digest()?.0);
        let top = |format: Format| {
            format.set_border_top(FormatBorder::Thin).set_border_top_color(Color::RGB(palette::LINE))
        };
        let row = self.row(15.0)?;
        self.label(row, (0, 2), "Journal", &top(self.looks.label()))?;
        self.text(row, (3, LAST), &name, &top(self.looks.text()))?;
        let row = self.row(15.0)?;
        self.label(row, (0, 2), "SHA-256", &self.looks.label())?;
        self.text(row, (3, LAST), &digest, &self.looks.text().set_font_name("Courier New"))?;
        self.gap(2.0)
    }

    fn evidence_height(&self) -> Result<f64, XlsxError> {
        Ok(7.0
            + 15.0
            + self.prose_height(&self.report().what_is_checked(self.language()))
            + 15.0
            + 15.0
            + 2.0)
    }

    /// The name of the journal's file, without folders, which differ from machine to machine.
    fn journal_name(&self) -> String {
        let path = self.report().journal().path();
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        Font::plain(FONT_SIZE).of(self.language()).cut_middle(&name, room((3, LAST)))
    }
}
