//! A worksheet of a report, and the headings of its tables.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use rust_xlsxwriter::utility::column_number_to_name;
use rust_xlsxwriter::{
    ConditionalFormatCell, ConditionalFormatCellRule, ConditionalFormatFormula, Url, Worksheet, XlsxError,
};

use super::cell_text::{cell_text, first_units};
use super::cells::Cells;
use super::lines::{CHARACTER, MOST_LINES, height_of, lines_of};
use super::link::escaped;
use super::serial_number::serial_number;
use super::style::{FONT_SIZE, Style, Styles};
use super::text_size::Font;
use crate::model::{Language, SAMPLE};
use crate::report::{Cell, Column, Kind, Look, Options, Paper, Report, Rule, Template, Zone, notes_text};

/// The name of the Summary.
pub(super) const SUMMARY: &str = "Summary";
/// The most UTF-16 units that Excel accepts in a footer.
const MAX_FOOTER_UNITS: usize = 255;
/// The most characters of a title in a footer: its two sides must not meet.
pub(super) const MAX_FOOTER_TITLE: usize = 48;
/// The digits of the journal's SHA-256 in a footer.
const FOOTER_DIGITS: usize = 12;

/// A worksheet, or its streamed rows, with the options that its cells depend on.
pub(super) struct Sheet<'a, W = Worksheet> {
    pub(super) worksheet: &'a mut W,
    pub(super) report: &'a Report<'a>,
    pub(super) zone: &'a Zone,
    pub(super) language: Language,
    pub(super) template: &'a Template,
    pub(super) styles: &'a Styles,
    /// The name of the file with the Summary, where that is another one.
    pub(super) main: Option<&'a str>,
    /// The title in its footer.
    pub(super) title: &'a str,
    /// The widths of the columns of its table, in characters.
    pub(super) widths: Vec<f64>,
    /// The lines that the texts of the current row take.
    pub(super) lines: u32,
}

impl<'a, W: Cells> Sheet<'a, W> {
    pub(super) fn of(worksheet: &'a mut W, report: &'a Report<'_>, styles: &'a Styles) -> Self {
        let Options { timezone, language, template, .. } = report.options();
        Self {
            worksheet,
            report,
            zone: timezone,
            language: *language,
            template,
            styles,
            main: None,
            title: template.title.text(*language),
            widths: Vec::new(),
            lines: 1,
        }
    }

    /// Writes a text of our own, in the reader's language.
    pub(super) fn label(
        &mut self,
        row: u32,
        column: u16,
        english: &'static str,
        style: &Style,
    ) -> Result<(), XlsxError> {
        self.text(row, column, self.language.text(english), style)
    }

    pub(super) fn text(&mut self, row: u32, column: u16, text: &str, style: &Style) -> Result<(), XlsxError> {
        self.worksheet.string(row, column, &cell_text(text), style)
    }

    #[expect(clippy::cast_precision_loss, reason = "a worksheet knows no other numbers")]
    pub(super) fn count(
        &mut self,
        row: u32,
        column: u16,
        count: u64,
        style: &Style,
    ) -> Result<(), XlsxError> {
        self.worksheet.number(row, column, count as f64, style)
    }

    /// Writes a text into the table, wrapped if it is wider than its column.
    pub(super) fn prose(&mut self, row: u32, column: u16, text: &str) -> Result<(), XlsxError> {
        let style = if self.fit(column, text) == 1 { &self.styles.text } else { &self.styles.wrapped };
        self.text(row, column, text, style)
    }

    /// As [`fit`](Self::fit), for an id, whose font has no Chinese characters.
    pub(super) fn fit_id(&mut self, column: u16, id: &str) -> u32 {
        self.fit_in(column, id, Language::English)
    }

    /// Makes the current row of the table high enough for a text, and returns the text's number of lines.
    pub(super) fn fit(&mut self, column: u16, text: &str) -> u32 {
        self.fit_in(column, text, self.language)
    }

    fn fit_in(&mut self, column: u16, text: &str, language: Language) -> u32 {
        let width = self.widths.get(usize::from(column)).copied();
        let lines = width.map_or(1, |width| lines_of(text, width, language));
        self.lines = self.lines.max(lines);
        lines
    }

    pub(super) fn cell(&mut self, row: u32, column: u16, cell: &Cell<'_>) -> Result<(), XlsxError> {
        let styles = self.styles;
        match cell {
            Cell::Empty => self.worksheet.string(row, column, "", &styles.text),
            Cell::Text(text) => self.prose(row, column, text),
            Cell::Count(count) => self.count(row, column, *count, &styles.count),
            Cell::Delta(delta) => {
                let style = if *delta > 0 { &styles.wrong_delta } else { &styles.delta };
                #[expect(clippy::cast_precision_loss, reason = "a worksheet knows no other numbers")]
                self.worksheet.number(row, column, *delta as f64, style)
            }
            Cell::Share(share) => self.worksheet.number(row, column, *share, &styles.share),
            Cell::Time(time) => self.time(row, column, *time, &styles.time),
            Cell::Verdict(verdict) => self.label(row, column, verdict.label(), styles.verdict(*verdict)),
            Cell::Reason(task) => {
                let text = task.brief_reason(self.language, self.zone, &self.report.options().policy);
                self.prose(row, column, &text)
            }
            Cell::Label(text) => self.prose(row, column, self.language.text(text)),
            Cell::Notes(notes) => self.prose(row, column, &notes_text(notes, self.language)),
            Cell::Change(change) => self.label(row, column, change.label(), styles.change(*change)),
            Cell::Waiver(waiver) => self.prose(row, column, &waiver.text(self.language)),
        }
    }

    pub(super) fn time(
        &mut self,
        row: u32,
        column: u16,
        time: Timestamp,
        style: &Style,
    ) -> Result<(), XlsxError> {
        self.worksheet.number(row, column, serial_number(time, self.zone), style)
    }

    /// Writes the sample data warning below the title, up to column `last`.
    pub(super) fn sample_banner(&mut self, last: u16) -> Result<(), XlsxError> {
        self.label(1, 1, SAMPLE, &self.styles.banner)?;
        self.blanks(1, 2..=last, &self.styles.banner)
    }

    pub(super) fn blanks(
        &mut self,
        row: u32,
        columns: RangeInclusive<u16>,
        style: &Style,
    ) -> Result<(), XlsxError> {
        columns.into_iter().try_for_each(|column| self.worksheet.string(row, column, "", style))
    }

    /// Makes a row of the table as high as its texts need.
    pub(super) fn fit_height(&mut self, row: u32) -> Result<(), XlsxError> {
        if self.lines > 1 {
            self.worksheet.height(row, height_of(self.lines, self.language))?;
        }
        self.lines = 1;
        Ok(())
    }

    pub(super) fn heading<F>(&self, column: &Column<F>) -> Heading {
        Heading::new(column, self.template, self.zone, self.language)
    }

    /// Writes the headings of a table.
    pub(super) fn headings<'h>(
        &mut self,
        row: u32,
        headings: impl IntoIterator<Item = &'h Heading> + Clone,
    ) -> Result<(), XlsxError> {
        let lines = headings.clone().into_iter().map(|heading| {
            // A filter's button takes room beside the text.
            Font::bold(FONT_SIZE).of(self.language).lines(&heading.text, heading.width * CHARACTER)
        });
        let lines = lines.max().unwrap_or(1).clamp(2, MOST_LINES);
        self.worksheet.height(row, height_of(lines, self.language) + 2)?;
        for (column, heading) in (0..).zip(headings.clone()) {
            self.text(row, column, &heading.text, self.styles.heading(heading.kind))?;
        }
        self.widths = headings.into_iter().map(|heading| heading.width).collect();
        Ok(())
    }

    /// Writes the text of the link to the Summary, without the link.
    pub(super) fn text_back(&mut self) -> Result<(), XlsxError> {
        self.text(1, 0, &self.back(), &self.styles.back)
    }

    pub(super) fn back(&self) -> String {
        format!("← {}", self.language.text("Summary"))
    }
}

impl<'a> Sheet<'a> {
    pub(super) fn new(worksheet: &'a mut Worksheet, report: &'a Report<'_>, styles: &'a Styles) -> Self {
        worksheet.set_screen_gridlines(false);
        Self::of(worksheet, report, styles)
    }

    /// Formats the cells of a column by the template's highlights.
    pub(super) fn highlight(
        &mut self,
        key: &str,
        column: u16,
        rows: RangeInclusive<u32>,
    ) -> Result<(), XlsxError> {
        let (first, last) = (*rows.start(), *rows.end());
        for highlight in self.template.highlights.iter().filter(|highlight| highlight.column == key) {
            let look = self.styles.look(highlight.look);
            match &highlight.rule {
                Rule::Above(count) => {
                    let rule = ConditionalFormatCellRule::GreaterThan(*count);
                    let format = ConditionalFormatCell::new().set_rule(rule).set_format(look);
                    self.worksheet.add_conditional_format(first, column, last, column, &format)?;
                }
                Rule::Verdicts(verdicts) => {
                    for verdict in verdicts {
                        let label = self.language.text(verdict.label());
                        let rule = ConditionalFormatCellRule::EqualTo(label);
                        let format = ConditionalFormatCell::new().set_rule(rule).set_format(look);
                        self.worksheet.add_conditional_format(first, column, last, column, &format)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Formats highlighted counts as waived where the condition `waived` is true. The condition is a formula for the
    /// first row.
    pub(super) fn set_waived_apart(
        &mut self,
        key: &str,
        column: u16,
        rows: RangeInclusive<u32>,
        waived: &str,
    ) -> Result<(), XlsxError> {
        let (first, last) = (*rows.start(), *rows.end());
        for highlight in self.template.highlights.iter().filter(|highlight| highlight.column == key) {
            let Rule::Above(count) = highlight.rule else { continue };
            let rule = format!("=AND({waived},${}{}>{count})", column_number_to_name(column), first + 1);
            let format = ConditionalFormatFormula::new().set_rule(rule.as_str());
            let format = format.set_format(self.styles.look(Look::Unsure)).set_stop_if_true(true);
            self.worksheet.add_conditional_format(first, column, last, column, &format)?;
        }
        Ok(())
    }

    /// Writes a link to the Summary.
    pub(super) fn link_back(&mut self) -> Result<(), XlsxError> {
        let sheet = format!("'{}'!A1", self.language.text(SUMMARY));
        let target = match self.main {
            None => format!("internal:{sheet}"),
            // The library does not escape the name again. The link is relative to this file's folder.
            Some(file) => format!("file:///{}#{sheet}", escaped(file)),
        };
        let (text, tip) = (self.back(), self.language.text("Back to the Summary"));
        self.worksheet.write_url_with_options(1, 0, Url::new(target), text, tip, Some(&self.styles.back))?;
        Ok(())
    }

    /// Sets the widths of a table's columns.
    pub(super) fn set_widths<'h>(
        &mut self,
        headings: impl IntoIterator<Item = &'h Heading>,
    ) -> Result<(), XlsxError> {
        for (column, heading) in (0..).zip(headings) {
            self.worksheet.set_column_width(column, heading.width)?;
        }
        Ok(())
    }

    /// The page set-up that all tables share: as wide as the paper, with the headings on every page.
    pub(super) fn page(&mut self, heading_row: Option<u32>) -> Result<(), XlsxError> {
        let page = self.template.page;
        self.paper()?.set_margins(0.4, 0.4, 0.45, 0.6, 0.3, 0.3).set_print_fit_to_pages(1, 0);
        if page.landscape {
            self.worksheet.set_landscape();
        }
        if let Some(row) = heading_row {
            self.worksheet.set_repeat_rows(row, row)?;
        }
        Ok(())
    }

    /// Sets the size of the paper, and the footer: title, end of the run, digest of the journal, page.
    pub(super) fn paper(&mut self) -> Result<&mut Worksheet, XlsxError> {
        let paper = match self.template.page.paper {
            Paper::Letter => 1,
            Paper::A3 => 8,
            Paper::A4 => 9,
        };
        let footer = footer(self.report, self.title)?;
        Ok(self.worksheet.set_paper_size(paper).set_footer(footer))
    }
}

/// The footer of every page of a report with this title. In footers, `&&` is printed as `&`.
fn footer(report: &Report<'_>, title: &str) -> Result<String, XlsxError> {
    let (language, zone, journal) = (report.options().language, &report.options().timezone, report.journal());
    let digest: String = hex::encode(journal.digest()?.0).chars().take(FOOTER_DIGITS).collect();
    let right = language.fill("Journal {0}, page &P of &N", &[&digest]);
    let ended = zone.plain(journal.ended_at());
    let left = |title: &str| {
        let text = language.fill("{0}, run ended {1} ({2})", &[&title, &ended, &zone.name()]);
        text.replace('&', "&&").replace(char::is_control, " ")
    };
    let mut title = first_units(title, MAX_FOOTER_TITLE).to_owned();
    // A digit after the font's size would be read as part of it, so a space is between them.
    let footer = |title: &str| format!("&L&10 {}&R&10 {right}", left(title));
    while footer(&title).encode_utf16().count() >= MAX_FOOTER_UNITS && title.pop().is_some() {}
    Ok(footer(&title))
}

/// The heading of a column.
pub(super) struct Heading {
    pub(super) text: String,
    /// In characters.
    pub(super) width: f64,
    pub(super) kind: Kind,
}

impl Heading {
    pub(super) fn new<F>(column: &Column<F>, template: &Template, zone: &Zone, language: Language) -> Self {
        let text = template.heading(column, zone, language);
        Self { text, width: template.width(column).into(), kind: column.kind }
    }
}
