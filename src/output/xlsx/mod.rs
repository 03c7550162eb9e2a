//! Reports as workbooks: Overview or Sign-off, Summary, a sheet per task, About; the task sheets in parts if there
//! are many.

mod about;
mod cells;
mod changes;
mod contents;
mod history;
mod list;
mod overview;
mod palette;
mod parts;
mod reconciliation;
mod splice;
mod style;
mod summary;
mod task_sheet;
mod text_size;

use std::borrow::Cow;
use std::io::Write;
use std::ops::RangeInclusive;
use std::path::Path;

use jiff::Timestamp;
use rust_xlsxwriter::utility::column_number_to_name;
use rust_xlsxwriter::{
    ConditionalFormatCell, ConditionalFormatCellRule, ConditionalFormatFormula, DocProperties, ExcelDateTime,
    Url, Workbook, Worksheet, XlsxError,
};

use crate::model::{Language, SAMPLE, TOOL};
use crate::output::error::Cause;
use crate::output::zip_writer;
use crate::report::{Cell, Column, Kind, Look, Options, Paper, Report, Rule, Template, Zone, notes_text};
use crate::threads::fenced;
use cells::Cells;
use splice::{Place, Skeleton};
use style::{FONT_SIZE, Style, Styles};
use summary::Summary;
use text_size::Font;

pub(super) use changes::write as write_changes;
pub(super) use history::write as write_history;
pub(super) use list::write as write_list;
pub(super) use parts::write;
pub use task_sheet::ROWS_PER_SHEET;

/// The most links that Excel takes in one sheet; further cells stay plain.
const MAX_LINKS: usize = 65_530;
/// The level that Excel itself uses; higher ones cost a third more time for little.
const COMPRESSION: u8 = 3;
/// Excel's rows are at most 409 points high.
const MOST_LINES: u32 = 27;
/// The text that a column takes for each character of its width, in points.
const CHARACTER: f64 = 5.25;
/// The most UTF-16 units that Excel takes in a footer.
const MAX_FOOTER_UNITS: usize = 255;
/// The most characters of a title in a footer: its two sides must not meet.
const MAX_FOOTER_TITLE: usize = 48;
/// The digits of the journal's SHA-256 in a footer.
const FOOTER_DIGITS: usize = 12;
/// The most UTF-16 units that Excel takes in one cell.
const MAX_CELL_UNITS: usize = 32_767;
/// The most UTF-16 units of a link's tip that Excel takes.
const MAX_TIP_UNITS: usize = 255;

/// Writes the workbook; without the task sheets if they have other `homes`: by task, the name of a file.
/// What does not fit into memory goes to unnamed files in `folder`.
fn write_workbook(
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
    let sheets = if homes.is_none() { parts::sheets(report) } else { Vec::new() };
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

fn empty(properties: &DocProperties) -> Workbook {
    let mut workbook = Workbook::new();
    workbook.set_properties(properties);
    workbook.set_zip_compression_level(COMPRESSION);
    workbook
}

fn begin(properties: &DocProperties, report: &Report<'_>) -> (Workbook, Styles) {
    (empty(properties), Styles::new(report.options().language, report.is_sample()))
}

fn save(workbook: &mut Workbook, to: impl Write) -> Result<(), Cause> {
    // The library starts threads, and writes data descriptors, which not every streaming reader takes.
    zip_writer::rewrite(fenced(|| workbook.save_to_buffer())??, to)
}

/// The workbook's own dates come from the journal: equal reports are equal files.
fn properties(report: &Report<'_>) -> Result<DocProperties, XlsxError> {
    let made = ExcelDateTime::from_timestamp(report.journal().ended_at().as_second())?;
    Ok(DocProperties::new()
        .set_title(report.options().template.title.text(report.options().language))
        .set_author(TOOL)
        .set_creation_datetime(&made))
}

/// The name of a file as links can give it.
fn file_name(path: &Path) -> Result<&str, Cause> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.filter(|name| !name.contains(['#', '?', ':', '\\']) && !name.contains(char::is_control)).ok_or_else(
        || {
            Cause::Name(
            "the task sheets go to further files, and a workbook cannot link to files with #, ?, :, \\ or \
             control characters in their names; give it another name"
                .to_owned(),
        )
        },
    )
}

/// A worksheet, or the rows of one, and what its cells need to know.
struct Sheet<'a, W = Worksheet> {
    worksheet: &'a mut W,
    report: &'a Report<'a>,
    zone: &'a Zone,
    language: Language,
    template: &'a Template,
    styles: &'a Styles,
    /// The name of the file with the Summary, where that is another one.
    main: Option<&'a str>,
    /// What its footer begins with.
    title: &'a str,
    /// The widths of the columns of its table, in characters.
    widths: Vec<f64>,
    /// The lines that the texts of the current row take.
    lines: u32,
}

impl<'a, W: Cells> Sheet<'a, W> {
    fn of(worksheet: &'a mut W, report: &'a Report<'_>, styles: &'a Styles) -> Self {
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
    fn label(
        &mut self,
        row: u32,
        column: u16,
        english: &'static str,
        style: &Style,
    ) -> Result<(), XlsxError> {
        self.text(row, column, self.language.text(english), style)
    }

    fn text(&mut self, row: u32, column: u16, text: &str, style: &Style) -> Result<(), XlsxError> {
        self.worksheet.string(row, column, &cell_text(text), style)
    }

    #[expect(clippy::cast_precision_loss, reason = "a worksheet knows no other numbers")]
    fn count(&mut self, row: u32, column: u16, count: u64, style: &Style) -> Result<(), XlsxError> {
        self.worksheet.number(row, column, count as f64, style)
    }

    /// Writes a text into the table; one that is wider than its column goes on in the next line.
    fn prose(&mut self, row: u32, column: u16, text: &str) -> Result<(), XlsxError> {
        let style = if self.fit(column, text) == 1 { &self.styles.text } else { &self.styles.wrapped };
        self.text(row, column, text, style)
    }

    /// Makes room for a text in the current row of the table, and gives the lines that it takes.
    fn fit(&mut self, column: u16, text: &str) -> u32 {
        let width = self.widths.get(usize::from(column)).copied();
        let lines = width.map_or(1, |width| lines_of(text, width, self.language));
        self.lines = self.lines.max(lines);
        lines
    }

    fn cell(&mut self, row: u32, column: u16, cell: &Cell<'_>) -> Result<(), XlsxError> {
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

    fn time(&mut self, row: u32, column: u16, time: Timestamp, style: &Style) -> Result<(), XlsxError> {
        self.worksheet.number(row, column, serial_number(time, self.zone), style)
    }

    /// Says below the title, up to column `last`, that the data is made up.
    fn sample_banner(&mut self, last: u16) -> Result<(), XlsxError> {
        self.label(1, 1, SAMPLE, &self.styles.banner)?;
        self.blanks(1, 2..=last, &self.styles.banner)
    }

    fn blanks(&mut self, row: u32, columns: RangeInclusive<u16>, style: &Style) -> Result<(), XlsxError> {
        columns.into_iter().try_for_each(|column| self.worksheet.string(row, column, "", style))
    }

    /// Makes a row of the table as high as its texts need.
    fn fit_height(&mut self, row: u32) -> Result<(), XlsxError> {
        if self.lines > 1 {
            self.worksheet.height(row, height_of(self.lines, self.language))?;
        }
        self.lines = 1;
        Ok(())
    }

    fn heading<F>(&self, column: &Column<F>) -> Heading {
        Heading::new(column, self.template, self.zone, self.language)
    }

    /// Writes the headings of a table.
    fn headings<'h>(
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

    /// Writes the text that leads back; the link itself is the worksheet's.
    fn text_back(&mut self) -> Result<(), XlsxError> {
        self.text(1, 0, &self.back(), &self.styles.back)
    }

    fn back(&self) -> String {
        format!("← {}", self.language.text("Summary"))
    }
}

impl<'a> Sheet<'a> {
    fn new(worksheet: &'a mut Worksheet, report: &'a Report<'_>, styles: &'a Styles) -> Self {
        worksheet.set_screen_gridlines(false);
        Self::of(worksheet, report, styles)
    }

    /// Makes the cells of a column stand out as the template says.
    fn highlight(&mut self, key: &str, column: u16, rows: RangeInclusive<u32>) -> Result<(), XlsxError> {
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

    /// Shows counts that would stand out otherwise where the condition `waived`, of the first of the rows, says
    /// that they are no matter of concern.
    fn set_waived_apart(
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
    fn link_back(&mut self) -> Result<(), XlsxError> {
        let sheet = format!("'{}'!A1", self.language.text(summary::NAME));
        let target = match self.main {
            None => format!("internal:{sheet}"),
            // What is escaped is not escaped again; the file stays where it is, relative to this one.
            Some(file) => format!("file:///{}#{sheet}", escaped(file)),
        };
        let (text, tip) = (self.back(), self.language.text("Back to the Summary"));
        self.worksheet.write_url_with_options(1, 0, Url::new(target), text, tip, Some(&self.styles.back))?;
        Ok(())
    }

    /// Sets the widths of a table's columns.
    fn set_widths<'h>(&mut self, headings: impl IntoIterator<Item = &'h Heading>) -> Result<(), XlsxError> {
        for (column, heading) in (0..).zip(headings) {
            self.worksheet.set_column_width(column, heading.width)?;
        }
        Ok(())
    }

    /// The page set-up that all tables share: as wide as the paper, with the headings on every page.
    fn page(&mut self, heading_row: Option<u32>) -> Result<(), XlsxError> {
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
    fn paper(&mut self) -> Result<&mut Worksheet, XlsxError> {
        let paper = match self.template.page.paper {
            Paper::Letter => 1,
            Paper::A3 => 8,
            Paper::A4 => 9,
        };
        let footer = footer(self.report, self.title)?;
        Ok(self.worksheet.set_paper_size(paper).set_footer(footer))
    }
}

/// The footer of every page of a report with this title. Two ampersands stand for one.
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
    // After the font's size comes no digit.
    let footer = |title: &str| format!("&L&10 {}&R&10 {right}", left(title));
    while footer(&title).encode_utf16().count() >= MAX_FOOTER_UNITS && title.pop().is_some() {}
    Ok(footer(&title))
}

/// The name of a file as it stands in a link.
fn escaped(name: &str) -> String {
    let reserved = |c: char| matches!(c, '%' | '"' | ' ' | '<' | '>' | '[' | ']' | '^' | '`' | '{' | '}');
    name.chars().map(|c| if reserved(c) { format!("%{:02X}", u32::from(c)) } else { c.to_string() }).collect()
}

/// The heading of a column.
struct Heading {
    text: String,
    /// In characters.
    width: f64,
    kind: Kind,
}

impl Heading {
    fn new<F>(column: &Column<F>, template: &Template, zone: &Zone, language: Language) -> Self {
        let text = template.heading(column, zone, language);
        Self { text, width: template.width(column).into(), kind: column.kind }
    }
}

/// The lines that a text takes in a column of this width, in characters; at most as many as a row can show.
fn lines_of(text: &str, width: f64, language: Language) -> u32 {
    Font::plain(FONT_SIZE).of(language).lines(text, width * CHARACTER).clamp(1, MOST_LINES)
}

/// The height of a row with so many lines, in points.
fn height_of(lines: u32, language: Language) -> u32 {
    match language {
        Language::English => 3 + 13 * lines,
        // Chinese characters are higher.
        Language::Chinese => 3 + (29 * lines).div_ceil(2),
    }
}

/// Days since the end of 1899 on the clock of `zone`, as worksheets count time.
fn serial_number(time: Timestamp, zone: &Zone) -> f64 {
    const UNIX_EPOCH_DAY: f64 = 25_569.0;
    let local = zone.local(time);
    let milliseconds = time.as_millisecond() + i64::from(local.offset().seconds()) * 1000;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds to the year 9999 fit")]
    let days = milliseconds as f64 / 86_400_000.0;
    UNIX_EPOCH_DAY + days
}

/// What a cell can hold of a text: Excel's limit, and no character that XML forbids.
fn cell_text(text: &str) -> Cow<'_, str> {
    const CUT: &str = " … [cut]";
    let forbidden = ['\u{fffe}', '\u{ffff}'];
    let is_plain = text.is_ascii() || !text.contains(forbidden);
    let text = if is_plain { Cow::Borrowed(text) } else { Cow::Owned(text.replace(forbidden, "\u{fffd}")) };
    if text.len() <= MAX_CELL_UNITS || text.encode_utf16().count() <= MAX_CELL_UNITS {
        return text;
    }
    // Its own units are no more than its bytes.
    Cow::Owned(first_units(&text, MAX_CELL_UNITS - CUT.len()).to_owned() + CUT)
}

/// The start of a text, at most so many UTF-16 units: that is how Excel counts.
fn first_units(text: &str, most: usize) -> &str {
    let mut units = 0;
    let beyond = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > most
    });
    beyond.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_serial_numbers_on_the_zones_clock() {
        let time: Timestamp = "2026-11-21T01:30:00Z".parse().unwrap();
        let serial = |zone| serial_number(time, &Zone::named(zone).unwrap());
        assert!((serial("UTC") - 46347.0625).abs() < 1e-9);
        assert!((serial("Asia/Shanghai") - 46347.0625 - 8.0 / 24.0).abs() < 1e-9);
    }

    #[test]
    fn a_text_beyond_the_limit_is_cut_and_says_so() {
        let long = "😀".repeat(20_000);
        let long = cell_text(&long);
        assert!(long.encode_utf16().count() <= MAX_CELL_UNITS && long.ends_with("[cut]"));
        assert_eq!(cell_text("a\u{ffff}"), "a\u{fffd}");
    }
}
