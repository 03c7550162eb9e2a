//! Reports as workbooks: Summary, a sheet per task, About; the task sheets in parts if there are many.

mod about;
mod cells;
mod changes;
mod charts;
mod contents;
mod list;
mod parts;
mod reconciliation;
mod signoff;
mod splice;
mod style;
mod summary;
mod task_sheet;

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
use splice::Skeleton;
use style::{Style, Styles};

pub(super) use changes::write as write_changes;
pub(super) use list::write as write_list;
pub(super) use parts::write;
pub use task_sheet::ROWS_PER_SHEET;

/// The most links that Excel takes in one sheet; further cells stay plain.
const MAX_LINKS: usize = 65_530;
/// The level that Excel itself uses; higher ones cost a third more time for little.
const COMPRESSION: u8 = 3;
/// In points.
const LINE_HEIGHT: u32 = 15;
/// Excel's rows are at most 409 points high.
const MOST_LINES: u32 = 27;
/// The most UTF-16 units that Excel takes in one cell.
const MAX_CELL_UNITS: usize = 32_767;

/// Writes the workbook; without the task sheets if they have other `homes`: by task, the name of a file.
/// What does not fit into memory goes to unnamed files in `folder`.
fn write_workbook(
    report: &Report<'_>,
    homes: Option<&[String]>,
    to: &mut (dyn Write + Send),
    folder: &Path,
) -> Result<(), Cause> {
    let (mut workbook, styles) = begin(&properties(report)?);
    let template = &report.options().template;
    summary::add(&mut workbook, report, &styles)?;
    if let Some(signoff) = &template.signoff {
        signoff::add(&mut workbook, report, signoff, &styles)?;
    }
    let before = workbook.worksheets().len();
    reconciliation::add(&mut workbook, report, &styles)?;
    if template.about {
        about::add(&mut workbook, report, &styles)?;
    }
    let sheets = if homes.is_none() { parts::sheets(report) } else { Vec::new() };
    let skeleton = Skeleton::new(workbook, before, &styles.of_cells, |workbook| match sheets.first() {
        Some(_) => task_sheet::models(workbook, report, None, &styles),
        None => Ok(()),
    })?;
    skeleton.write(to, folder, sheets.len(), |entries| {
        entries.first(summary::extent(report), summary::links(report, homes), |rows| {
            summary::rows(&mut Sheet::of(rows, report, &styles), report)
        })?;
        task_sheet::write(entries, report, &sheets, &styles)
    })
}

fn begin(properties: &DocProperties) -> (Workbook, Styles) {
    let mut workbook = Workbook::new();
    workbook.set_properties(properties);
    workbook.set_zip_compression_level(COMPRESSION);
    (workbook, Styles::new())
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
    zone: &'a Zone,
    language: Language,
    template: &'a Template,
    styles: &'a Styles,
    /// The name of the file with the Summary, where that is another one.
    main: Option<&'a str>,
    /// The widths of the columns of its table, in characters.
    widths: Vec<u16>,
    /// The lines that the texts of the current row take.
    lines: u32,
}

impl<'a, W: Cells> Sheet<'a, W> {
    fn of(worksheet: &'a mut W, report: &'a Report<'_>, styles: &'a Styles) -> Self {
        let Options { timezone, language, template, .. } = report.options();
        Self {
            worksheet,
            zone: timezone,
            language: *language,
            template,
            styles,
            main: None,
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
        let width = self.widths.get(usize::from(column)).copied().unwrap_or(u16::MAX);
        let lines = lines_of(text, width);
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
            Cell::Time(time) => {
                self.worksheet.number(row, column, serial_number(*time, self.zone), &styles.time)
            }
            Cell::Verdict(verdict) => self.prose(row, column, self.language.text(verdict.label())),
            Cell::Label(text) => self.prose(row, column, self.language.text(text)),
            Cell::Notes(notes) => self.prose(row, column, &notes_text(notes, self.language)),
            Cell::Change(change) => self.label(row, column, change.label(), styles.change(*change)),
            Cell::Waiver(waiver) => self.prose(row, column, &waiver.text(self.language)),
        }
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
            self.worksheet.height(row, self.lines * LINE_HEIGHT)?;
        }
        self.lines = 1;
        Ok(())
    }

    fn heading<F>(&self, column: &Column<F>) -> Heading {
        Heading::new(column, self.template, self.zone, self.language)
    }

    /// Writes the headings of a table.
    fn headings(&mut self, row: u32, headings: &[Heading]) -> Result<(), XlsxError> {
        let lines = headings.iter().map(|heading| lines_of(&heading.text, heading.width)).max();
        self.worksheet.height(row, lines.unwrap_or(1).max(2) * LINE_HEIGHT + 2)?;
        for (column, heading) in (0..).zip(headings) {
            self.text(row, column, &heading.text, self.styles.heading(heading.kind))?;
        }
        self.widths = headings.iter().map(|heading| heading.width).collect();
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
        let sheet = format!("'{}'!A1", summary::NAME);
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
    fn set_widths(&mut self, headings: &[Heading]) -> Result<(), XlsxError> {
        for (column, heading) in (0..).zip(headings) {
            self.worksheet.set_column_width(column, heading.width)?;
        }
        Ok(())
    }

    /// The page set-up that all sheets share: as wide as the paper, with the headings on every page.
    fn page(&mut self, heading_row: Option<u32>) -> Result<(), XlsxError> {
        let page = self.template.page;
        self.worksheet
            .set_paper_size(match page.paper {
                Paper::Letter => 1,
                Paper::A3 => 8,
                Paper::A4 => 9,
            })
            .set_margins(0.4, 0.4, 0.5, 0.6, 0.3, 0.3)
            .set_print_fit_to_pages(1, 0)
            .set_footer(self.language.text("&L&A&RPage &P of &N"));
        if page.landscape {
            self.worksheet.set_landscape();
        }
        if let Some(row) = heading_row {
            self.worksheet.set_repeat_rows(row, row)?;
        }
        Ok(())
    }
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
    width: u16,
    kind: Kind,
}

impl Heading {
    fn new<F>(column: &Column<F>, template: &Template, zone: &Zone, language: Language) -> Self {
        let text = template.heading(column, zone, language);
        Self { text, width: template.width(column), kind: column.kind }
    }
}

/// The lines that a text takes in a column of this width; at most as many as a row can show.
fn lines_of(text: &str, width: u16) -> u32 {
    // Widths count digits. Letters take less on the whole, which makes up for words that are not broken.
    let room = usize::from(width.saturating_sub(2)).max(1);
    // No character has fewer bytes than it takes room.
    if text.len() <= room {
        return 1;
    }
    // Chinese characters take twice the room.
    let wide: usize = text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
    u32::try_from(wide.div_ceil(room)).unwrap_or(u32::MAX).clamp(1, MOST_LINES)
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
