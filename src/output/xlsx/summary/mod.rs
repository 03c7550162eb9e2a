//! The Summary: a row per task, in the order of the list, under headings in the first row.

mod widths;

use std::borrow::Cow;
use std::collections::HashSet;

use rust_xlsxwriter::utility::column_number_to_name;
use rust_xlsxwriter::{IgnoreError, Table, TableColumn, TableStyle, Workbook, XlsxError};

use super::cell_text::{cell_text, first_units};
use super::cells::Cells;
use super::lines::CHARACTER;
use super::link::MAX_LINKS;
use super::palette;
use super::sheet::{Heading, SUMMARY, Sheet};
use super::splice::{Extent, Link, is_escape};
use super::style::{FONT_SIZE, Styles};
use super::text_size::Font;
use crate::model::{Language, SAMPLE, Verdict};
use crate::report::{Cell, Column, Kind, Label, Options, Paper, Report, SummaryCell, SummaryRow, fold_case};
use widths::{ID_ORDER, Shrink, Wish};

/// The most lines of a row; longer texts go on in the cell.
const MAX_ROW_LINES: u32 = 8;
/// The margin at either side of a page, and the sides of paper, in points.
const MARGIN: f64 = 18.0;
const SIDES: [(Paper, f64, f64); 3] =
    [(Paper::A3, 842.0, 1191.0), (Paper::A4, 595.0, 842.0), (Paper::Letter, 612.0, 792.0)];
/// Columns may be wider than the page by this factor: text of 10 points is then at least 8 points high on paper,
/// though `LibreOffice` draws columns up to 9 % wider than Excel.
const MAX_SCALE: f64 = 1.143;
/// What a column is wider than its widest text, in characters.
const SPARE: f64 = 0.5;
/// When columns of labels are made narrower.
const LABEL_ORDER: u8 = 3;
/// The least width of a label's column, in characters: that of its longest word, within these limits.
const LABEL_LEAST: (f64, f64) = (7.0, 12.0);

/// The sheet's columns and their widths.
pub(super) struct Summary<'r> {
    report: &'r Report<'r>,
    columns: Vec<Field<'r>>,
}

/// A column.
struct Field<'r> {
    source: Source<'r>,
    heading: Heading,
    /// Whether it is collapsed.
    folded: bool,
}

#[derive(Clone, Copy)]
enum Source<'r> {
    Column(&'static Column<SummaryCell>),
    Label(&'r Label),
}

impl Source<'_> {
    /// The key; none of a label.
    fn key(&self) -> Option<&'static str> {
        match self {
            Self::Column(column) => Some(column.key),
            Self::Label(_) => None,
        }
    }

    /// Whether its texts are ids.
    fn is_id(&self) -> bool {
        self.key().is_some_and(|key| ["task_id", "source_id", "request_id"].contains(&key))
    }

    fn cell<'c>(&self, row: &'c SummaryRow<'_>) -> Cell<'c> {
        match self {
            Self::Column(column) => (column.cell)(row),
            Self::Label(label) => match row.task.labels.get(&label.name) {
                Some(value) if !value.is_empty() => Cell::Text(Cow::Borrowed(value)),
                _ => Cell::Empty,
            },
        }
    }
}

impl<'r> Summary<'r> {
    pub(super) fn new(report: &'r Report<'_>) -> Self {
        let Options { template, timezone, language, .. } = report.options();
        let mut sources: Vec<Source<'r>> = template.summary.iter().copied().map(Source::Column).collect();
        if template.labels {
            let at = template.labels_position.unwrap_or(sources.len()).min(sources.len());
            sources.splice(at..at, report.labels().iter().map(Source::Label));
        }
        let field = |source: Source<'r>| {
            let heading = match source {
                Source::Column(column) => Heading::new(column, template, timezone, *language),
                Source::Label(label) => Heading { text: label.heading.clone(), width: 0.0, kind: Kind::Text },
            };
            let is_folded = match source {
                Source::Column(column) => template.folded.contains(&column.key),
                Source::Label(label) => label.is_listed,
            };
            let is_empty = || report.rows().iter().all(|row| is_empty(&source.cell(row)));
            Field { source, heading, folded: is_folded || !report.rows().is_empty() && is_empty() }
        };
        let mut columns: Vec<Field<'r>> = sources.into_iter().map(field).collect();
        // Something is to be seen in any case.
        if columns.iter().all(|column| column.folded) {
            columns.iter_mut().take(1).for_each(|column| column.folded = false);
        }
        make_unique(&mut columns);
        let mut summary = Self { report, columns };
        summary.set_widths();
        summary
    }

    /// Makes the columns as wide as their contents, or narrower if the page requires it.
    fn set_widths(&mut self) {
        let template = &self.report.options().template;
        let wish = |column: &Field<'_>| {
            if let Some(width) = column.source.key().and_then(|key| template.own_width(key)) {
                return Wish { width: width.into(), shrink: None, folds: false, folded: column.folded };
            }
            let shrink = match column.source.key() {
                Some("notes") => Some(Shrink { order: 0, least: 10.5 }),
                Some("reason") => Some(Shrink { order: 1, least: 13.0 }),
                Some("source_server") => Some(Shrink { order: 2, least: 18.5 }),
                // Half of an id, which is broken at a hyphen.
                Some("task_id") => Some(Shrink { order: ID_ORDER, least: 17.5 }),
                None if column.folded => None,
                None => Some(Shrink { order: LABEL_ORDER, least: self.longest_word(column) }),
                Some(_) => None,
            };
            Wish {
                width: self.width(column),
                shrink,
                folds: column.source.key().is_none(),
                folded: column.folded,
            }
        };
        let mut wishes: Vec<Wish> = self.columns.iter().map(wish).collect();
        widths::fit(&mut wishes, self.room());
        for (column, wish) in self.columns.iter_mut().zip(wishes) {
            column.heading.width = wish.width;
            column.folded = wish.folded;
        }
    }

    /// The width that a column needs for its heading and its texts, in characters.
    fn width(&self, column: &Field<'_>) -> f64 {
        let (least, most) = match column.source.key() {
            Some("source_server") => (10.0, 34.0),
            Some("reason" | "notes" | "error_message") => (15.0, 34.0),
            Some("task_id" | "source_id" | "request_id") => (10.0, 36.0),
            Some(_) => (7.5, 24.0),
            None => (5.5, 20.0),
        };
        let bold = Font::bold(FONT_SIZE).of(self.report.options().language);
        // Filters have a button beside the heading, which may take two lines.
        let words = column.heading.text.split(' ').map(|word| bold.width(word));
        let heading = words.fold(0.0, f64::max);
        let texts = self.report.rows().iter().map(|row| match column.source.cell(row) {
            Cell::Text(id) if column.source.is_id() => Font::plain(FONT_SIZE).width(&id),
            cell => self.text_width(&cell),
        });
        let needed = texts.fold(heading, f64::max) / CHARACTER + SPARE;
        needed.clamp(least, most)
    }

    /// The width of the longest word of a label's column, in characters, within [`LABEL_LEAST`].
    fn longest_word(&self, column: &Field<'_>) -> f64 {
        let bold = Font::bold(FONT_SIZE).of(self.report.options().language);
        let heading = words(&column.heading.text).map(|word| bold.width(word));
        let texts = self.report.rows().iter().map(|row| match column.source.cell(row) {
            Cell::Text(text) => {
                words(&text).map(|word| self.text_width(&Cell::Text(word.into()))).fold(0.0, f64::max)
            }
            _ => 0.0,
        });
        let longest = heading.chain(texts).fold(0.0, f64::max) / CHARACTER + SPARE;
        longest.clamp(LABEL_LEAST.0, LABEL_LEAST.1)
    }

    fn text_width(&self, cell: &Cell<'_>) -> f64 {
        const DIGITS: [&str; 2] = ["0", "0,000,000,000,000,000,000"];
        let Options { language, timezone, policy, .. } = self.report.options();
        let font = Font::plain(FONT_SIZE).of(*language);
        let bold = Font::bold(FONT_SIZE).of(*language);
        match cell {
            Cell::Text(text) => font.width(text),
            Cell::Count(count) => {
                let digits = count.checked_ilog10().and_then(|most| usize::try_from(most).ok()).unwrap_or(0);
                let length = digits + 1 + digits / 3;
                DIGITS.iter().find_map(|text| text.get(..length)).map_or(0.0, |text| bold.width(text))
            }
            Cell::Time(_) => font.width("2026-11-21 09:42"),
            Cell::Verdict(verdict) => bold.width(language.text(verdict.label())) + 2.0 * FONT_SIZE,
            Cell::Reason(row) => font.width(&row.brief_reason(*language, timezone, policy)),
            Cell::Notes(notes) => font.width(&crate::report::notes_text(notes, *language)),
            _ => 0.0,
        }
    }

    /// The room for all columns, in points.
    fn room(&self) -> f64 {
        let page = self.report.options().template.page;
        let sides = SIDES.iter().find(|(paper, ..)| *paper == page.paper);
        let (short, long) = sides.map_or((595.0, 842.0), |(_, short, long)| (*short, *long));
        (if page.landscape { long } else { short } - 2.0 * MARGIN) * MAX_SCALE
    }

    /// Adds the sheet without its rows.
    pub(super) fn add(&self, workbook: &mut Workbook, styles: &Styles) -> Result<(), XlsxError> {
        let report = self.report;
        let worksheet = workbook.add_worksheet();
        worksheet.set_name(report.options().language.text(SUMMARY))?;
        let mut sheet = Sheet::new(worksheet, report, styles);
        let last_column = self.last_column();
        let headings = || self.columns.iter().map(|column| &column.heading);
        let table_columns = headings().map(|heading| TableColumn::new().set_header(escaped(&heading.text)));
        let table = Table::new()
            .set_name("Tasks")
            .set_style(TableStyle::None)
            .set_columns(&table_columns.collect::<Vec<_>>());
        // As short as can be, for the library keeps a note of every cell in it; it grows with the rows.
        sheet.worksheet.add_table(0, 0, 1, last_column, &table)?;
        // Written last: the table puts its columns' names there, and these are escaped.
        sheet.set_widths(headings())?;
        sheet.headings(0, headings())?;
        // A table has at least one row.
        let rows = 1..=self.last_row().max(1);
        let accepted = report.waivers().and_then(|_| self.accepted());
        for (index, field) in (0..).zip(&self.columns) {
            let Some(key) = field.source.key() else { continue };
            if let Some(accepted) = &accepted {
                sheet.set_waived_apart(key, index, rows.clone(), accepted)?;
            }
            sheet.highlight(key, index, rows.clone())?;
        }
        self.fold(&mut sheet)?;
        // Ids, names and labels of digits are meant as texts.
        let last_row = *rows.end();
        sheet.worksheet.ignore_error_range(1, 0, last_row, last_column, IgnoreError::NumberStoredAsText)?;
        sheet.worksheet.set_freeze_panes(1, 1)?;
        if let Some(worst) = report.rows().iter().map(|row| row.verdict).min() {
            sheet.worksheet.set_tab_color(styles.tab(worst));
        }
        sheet.page(Some(0))?;
        let side = MARGIN / 72.0;
        sheet.worksheet.set_margins(side, side, 0.5, 0.6, 0.25, 0.3).set_header(header(report));
        Ok(())
    }

    /// Writes a row per task.
    pub(super) fn rows<W: Cells>(&self, sheet: &mut Sheet<'_, W>) -> Result<(), XlsxError> {
        let styles = sheet.styles;
        sheet.widths = self.columns.iter().map(|column| column.heading.width).collect();
        for (index, (row, entry)) in (1..).zip(self.report.rows()).enumerate() {
            let linked = self.linked(entry).filter(|_| index < MAX_LINKS);
            for (index, field) in self.columns.iter().enumerate() {
                let column = u16::try_from(index).unwrap_or(u16::MAX);
                match (&field.source.cell(entry), linked == Some(index)) {
                    (Cell::Text(text), true) => {
                        let style =
                            if sheet.fit(column, text) > 1 { &styles.wrapped_link } else { &styles.link };
                        sheet.text(row, column, text, style)?;
                    }
                    (Cell::Text(text), false) if field.source.is_id() => {
                        let style =
                            if sheet.fit_id(column, text) > 1 { &styles.wrapped_id } else { &styles.id };
                        sheet.text(row, column, text, style)?;
                    }
                    (Cell::Time(time), _) => sheet.time(row, column, *time, &styles.minute)?,
                    (cell, _) => sheet.cell(row, column, cell)?,
                }
            }
            sheet.lines = sheet.lines.min(MAX_ROW_LINES);
            sheet.fit_height(row)?;
        }
        Ok(())
    }

    /// The links from the rows to the tasks' sheets; `homes` are the files of these, by task, if they are in
    /// others.
    pub(super) fn links<'l>(&'l self, homes: Option<&'l [String]>) -> impl Iterator<Item = Link<'l>> + Clone {
        let language = self.report.options().language;
        let rows = (1..).zip(self.report.rows()).enumerate().take(MAX_LINKS);
        rows.filter_map(move |(index, (row, entry))| {
            let column = self.linked(entry)?;
            let cell = self.columns.get(column)?.source.cell(entry);
            let text = cell_text(link_text(&cell, language)?).into_owned();
            let file = homes.and_then(|homes| homes.get(index)).cloned();
            let tip = match &file {
                None => language.text("Go to the task's sheet").to_owned(),
                Some(file) => language.fill("Go to the task's sheet in {0}", &[file]),
            };
            Some(Link {
                cell: (row, u16::try_from(column).ok()?),
                file,
                sheet: self.report.sheet(entry),
                text,
                tip,
            })
        })
    }

    /// The index of the column that leads to a task's sheet, if it has one: the first that has a text.
    fn linked(&self, row: &SummaryRow<'_>) -> Option<usize> {
        if !self.report.options().template.task_sheets {
            return None;
        }
        let language = self.report.options().language;
        ["source_server", "task_id", "verdict"].iter().find_map(|key| {
            let index = self.columns.iter().position(|column| column.source.key() == Some(key))?;
            let column = self.columns.get(index).filter(|column| !column.folded)?;
            link_text(&column.source.cell(row), language).map(|_| index)
        })
    }

    /// How far the sheet goes.
    pub(super) fn extent(&self) -> Extent {
        // The button of collapsed columns is in the one behind them.
        let button = u16::from(self.columns.last().is_some_and(|column| column.folded));
        Extent { last_row: self.last_row(), last_column: self.last_column() + button }
    }

    fn last_row(&self) -> u32 {
        u32::try_from(self.report.rows().len()).unwrap_or(0)
    }

    fn last_column(&self) -> u16 {
        u16::try_from(self.columns.len()).unwrap_or(1).saturating_sub(1)
    }

    /// Collapses columns that are seldom needed.
    fn fold(&self, sheet: &mut Sheet<'_>) -> Result<(), XlsxError> {
        let mut column = 0;
        for run in self.columns.chunk_by(|one, next| one.folded == next.folded) {
            let next = column + u16::try_from(run.len()).unwrap_or(u16::MAX);
            if run.first().is_some_and(|first| first.folded) {
                sheet.worksheet.group_columns_collapsed(column, next - 1)?;
            }
            column = next;
        }
        Ok(())
    }

    /// The condition that the task in the first row is accepted; none if verdicts are not shown.
    fn accepted(&self) -> Option<String> {
        let verdict = self.columns.iter().position(|column| column.source.key() == Some("verdict"))?;
        let verdict = column_number_to_name(u16::try_from(verdict).ok()?);
        let accepted = self.report.options().language.text(Verdict::Accepted.label());
        Some(format!("${verdict}2=\"{accepted}\""))
    }
}

/// What every page says above the table: that the tasks are a part, or that the data is no evidence.
fn header(report: &Report<'_>) -> String {
    let language = report.options().language;
    let filtered = report.filtered().map(|filtered| filtered.text(language));
    let sample = report.is_sample().then(|| language.text(SAMPLE).to_owned());
    let texts: Vec<String> = filtered.into_iter().chain(sample).collect();
    if texts.is_empty() {
        return String::new();
    }
    format!("&C&\"-,Bold\"&10&K{:06X} {}", palette::SAMPLE.ink, texts.join(language.semicolon()))
}

fn is_empty(cell: &Cell<'_>) -> bool {
    match cell {
        Cell::Empty => true,
        Cell::Text(text) => text.is_empty(),
        Cell::Notes(notes) => notes.is_empty(),
        Cell::Reason(row) => row.verdict.passes(),
        _ => false,
    }
}

fn link_text<'c>(cell: &'c Cell<'_>, language: Language) -> Option<&'c str> {
    match cell {
        Cell::Text(text) => Some(text.as_ref()).filter(|text| !text.is_empty()),
        Cell::Verdict(verdict) => Some(language.text(verdict.label())),
        _ => None,
    }
}

/// A table's headings are distinct, whatever their case, have no line breaks, no character that XML
/// forbids, and at most 255 UTF-16 units.
fn make_unique(columns: &mut [Field<'_>]) {
    let mut taken = HashSet::new();
    for heading in columns.iter_mut().map(|column| &mut column.heading) {
        let text = cell_text(&heading.text).replace(|c: char| c.is_control(), " ");
        // The rest is for a number.
        let base = first_units(&text, 240);
        // Every column of a table has a name.
        let base = if base.is_empty() { "Column" } else { base }.to_owned();
        let numbered = (2..).map(|number| format!("{base} ({number})"));
        let mut names = std::iter::once(base.clone()).chain(numbered);
        heading.text = names.find(|name| taken.insert(fold_case(name))).unwrap_or(base);
    }
}

/// The name of a table's column as its XML has it. There `_x0041_` stands for a character, so that a
/// heading which looks like that would not be the name any more.
fn escaped(heading: &str) -> String {
    let mut escaped = String::with_capacity(heading.len());
    for (at, c) in heading.char_indices() {
        let rest = heading.get(at..).unwrap_or_default();
        if is_escape(rest) {
            escaped.push_str("_x005F");
        }
        escaped.push(c);
    }
    escaped
}

/// The parts of a text between which a line may break.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive([' ', '-']).map(str::trim_end)
}
