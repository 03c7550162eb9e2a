//! The tables of the page: tasks that do not pass, waivers, groups, and tasks that pass. They share what room the
//! rest of the page leaves.

use rust_xlsxwriter::{
    Color, ConditionalFormatDataBar, ConditionalFormatType, Format, FormatAlign, Url, XlsxError,
};

use super::grid::{INDENT, LAST, lines_height, room};
use super::page::Page;
use crate::model::Language;
use crate::output::xlsx::cell_text::{cell_text, first_units};
use crate::output::xlsx::link::{MAX_TIP_UNITS, escaped};
use crate::output::xlsx::serial_number::serial_number;
use crate::output::xlsx::sheet::SUMMARY;
use crate::output::xlsx::style::FONT_SIZE;
use crate::output::xlsx::text_size::Font;
use crate::output::xlsx::{about, palette};
use crate::report::{Group, Groups, Options, Report, SummaryRow, WaiverUse, pick_worst};

/// The columns of a table.
type Columns<const N: usize> = [(u16, u16); N];
const TASKS: Columns<4> = [(0, 5), (6, 8), (9, 14), (15, LAST)];
const GROUPS: Columns<6> = [(0, 6), (7, 8), (9, 10), (11, 12), (13, 15), (16, LAST)];
const WAIVERS: Columns<5> = [(0, 5), (6, 10), (11, 12), (13, 14), (15, LAST)];

/// Heights in points: of a gap, a section's title, column headings, and a line.
const GAP: f64 = 8.0;
const SECTION: f64 = 18.0;
const HEADINGS: f64 = 16.0;
const LINE: f64 = 15.0;
/// The most lines of a text in a table.
const MAX_LINES: u32 = 2;
/// No page holds more tasks.
const MAX_TASKS: usize = 60;
const IDLE: &str = "Waivers that do not count (expired or unused): {0}";
/// The tasks that are listed at least, before other tables get less.
const LEAST_TASKS: usize = 3;

/// What the tables show.
pub(super) struct Lists<'a> {
    failing: Vec<&'a SummaryRow<'a>>,
    all_failing: usize,
    /// The most lines of a reason.
    reason_lines: u32,
    waivers: Vec<&'a WaiverUse>,
    all_waivers: usize,
    idle_waivers: usize,
    groups: Option<(Groups, usize)>,
    /// The tasks that pass, if there is room for all of them.
    passing: Vec<&'a SummaryRow<'a>>,
}

/// How much each table shows at most.
#[derive(Clone, Copy)]
struct Shares {
    waivers: usize,
    groups: usize,
}

impl<'a> Lists<'a> {
    pub(super) fn plan(report: &'a Report<'a>, room: f64, is_signoff: bool) -> Self {
        let language = report.options().language;
        let failing = report.worst_first();
        let (in_force, idle): (Vec<_>, Vec<_>) = report
            .waivers()
            .unwrap_or_default()
            .iter()
            .partition(|waiver| !waiver.expired && waiver.rows > 0);
        let shows_waivers = is_signoff || failing.is_empty();
        let waivers = match (shows_waivers, is_signoff) {
            (false, _) => 0,
            (true, true) => 3,
            (true, false) => 6,
        };
        let mut shares =
            Shares { waivers: waivers.min(in_force.len()), groups: if is_signoff { 4 } else { 8 } };
        let mut lists = Lists {
            all_failing: failing.len(),
            reason_lines: MAX_LINES,
            failing: Vec::new(),
            waivers: Vec::new(),
            all_waivers: in_force.len(),
            idle_waivers: if shows_waivers { idle.len() } else { 0 },
            groups: report.groups().filter(|groups| !groups.rows.is_empty()).map(|groups| (groups, 0)),
            passing: Vec::new(),
        };
        // Every verdict that occurs has its worst task in the list.
        let mut occurring: Vec<_> = failing.iter().map(|row| row.verdict).collect();
        occurring.dedup();
        let least = failing.len().min(occurring.len().max(LEAST_TASKS));
        loop {
            lists.waivers = in_force.iter().copied().take(shares.waivers).collect();
            if let Some((groups, shown)) = &mut lists.groups {
                *shown = shares.groups.min(groups.rows.len());
            }
            let left = room - lists.waivers_height(language) - lists.groups_height();
            lists.failing = fitting(report, &failing, left, lists.reason_lines, least);
            let fits = lists.failing_height(report) <= left;
            // Where not all fit, more tasks matter more than long reasons.
            let is_best = lists.failing.len() == failing.len() || lists.reason_lines == 1;
            match shares {
                _ if fits && is_best => break,
                _ if lists.reason_lines > 1 => lists.reason_lines = 1,
                Shares { groups: 3.., .. } => shares.groups = 2,
                Shares { waivers: 3.., .. } => shares.waivers = 2,
                _ => break,
            }
        }
        let left =
            room - lists.waivers_height(language) - lists.groups_height() - lists.failing_height(report);
        lists.use_rest(report, left, is_signoff);
        lists
    }

    /// Shows more where there is room: all groups, and all tasks that pass, those with the oldest verification
    /// first.
    fn use_rest(&mut self, report: &'a Report<'a>, mut left: f64, is_signoff: bool) {
        if self.failing.len() < self.all_failing {
            return;
        }
        if let Some((groups, shown)) = &mut self.groups {
            while *shown < groups.rows.len() && left > LINE {
                *shown += 1;
                left -= LINE;
            }
        }
        let mut passing: Vec<_> = report.rows().iter().filter(|row| row.verdict.passes()).collect();
        let needed =
            GAP + SECTION + HEADINGS + LINE * f64::from(u32::try_from(passing.len()).unwrap_or(u32::MAX));
        if !is_signoff && !passing.is_empty() && needed <= left {
            passing.sort_by_key(|row| (row.verdict, row.last_verified));
            self.passing = passing;
        }
    }

    fn failing_height(&self, report: &Report<'_>) -> f64 {
        list_height(report, &self.failing, self.all_failing, self.reason_lines)
    }

    fn groups_height(&self) -> f64 {
        let Some((groups, shown)) = &self.groups else { return 0.0 };
        let rows = f64::from(u32::try_from(*shown).unwrap_or(u32::MAX));
        GAP + SECTION + HEADINGS + LINE * (rows + f64::from(u8::from(*shown < groups.rows.len())))
    }

    fn waivers_height(&self, language: Language) -> f64 {
        if self.waivers.is_empty() && self.idle_waivers == 0 {
            return 0.0;
        }
        let rows = self.waivers.iter().map(|waiver| lines_height(waiver_lines(waiver, language), language));
        let table = if self.waivers.is_empty() { 0.0 } else { HEADINGS + rows.sum::<f64>() };
        GAP + SECTION + table + LINE * f64::from(self.waiver_notes())
    }

    /// The lines under the waivers: how many more there are, and how many do not count.
    fn waiver_notes(&self) -> u8 {
        u8::from(self.waivers.len() < self.all_waivers) + u8::from(self.idle_waivers > 0)
    }
}

/// As many of the tasks as fit, worst first; every verdict that occurs keeps its worst task.
fn fitting<'a>(
    report: &Report<'_>,
    failing: &[&'a SummaryRow<'a>],
    room: f64,
    reason_lines: u32,
    least: usize,
) -> Vec<&'a SummaryRow<'a>> {
    let verdicts: Vec<_> = failing.iter().map(|row| row.verdict).collect();
    let picked = |count: usize| -> Vec<&'a SummaryRow<'a>> {
        pick_worst(&verdicts, count).into_iter().filter_map(|place| failing.get(place).copied()).collect()
    };
    let mut counts = (least..=failing.len().min(MAX_TASKS)).rev().map(picked);
    let fits = |rows: &Vec<&SummaryRow<'_>>| list_height(report, rows, failing.len(), reason_lines) <= room;
    counts.find(fits).unwrap_or_else(|| picked(least))
}

fn list_height(report: &Report<'_>, rows: &[&SummaryRow<'_>], all: usize, reason_lines: u32) -> f64 {
    let language = report.options().language;
    let height = |row: &&SummaryRow<'_>| {
        lines_height(lines(&reason(report, row, reason_lines), TASKS[2], language), language)
    };
    let table = if rows.is_empty() { LINE } else { HEADINGS + rows.iter().map(height).sum::<f64>() };
    GAP + SECTION + table + LINE * f64::from(u8::from(rows.len() < all))
}

/// Why a task does not pass, in at most two lines.
fn reason(report: &Report<'_>, row: &SummaryRow<'_>, lines: u32) -> String {
    let Options { language, timezone, .. } = report.options();
    cut(&row.reason(*language, timezone), TASKS[2], *language, lines)
}

/// The text, cut to so many lines of these columns, with an indent.
fn cut(text: &str, columns: (u16, u16), language: Language, lines: u32) -> String {
    Font::plain(FONT_SIZE).of(language).cut_end(text, room(columns) - INDENT, lines)
}

fn lines(text: &str, columns: (u16, u16), language: Language) -> u32 {
    Font::plain(FONT_SIZE).of(language).lines(text, room(columns) - INDENT)
}

fn waiver_lines(waiver: &WaiverUse, language: Language) -> u32 {
    let waiver = &waiver.waiver;
    let globs = waiver.globs().join(", ");
    let [owner, ticket] = [&waiver.owner, &waiver.ticket].map(|text| text.as_deref().unwrap_or_default());
    let texts = [globs.as_str(), &waiver.reason, owner, ticket].into_iter().zip(WAIVERS);
    let texts = texts.map(|(text, columns)| lines(text, columns, language).min(MAX_LINES));
    texts.max().unwrap_or(1)
}

impl<'a> Page<'a> {
    /// Writes the tables in the order in which people ask: what is wrong, what is waived, where, and what is right.
    pub(super) fn lists(&mut self, lists: &Lists<'a>, homes: Option<&[String]>) -> Result<(), XlsxError> {
        self.failing(lists, homes)?;
        self.waivers(lists)?;
        self.groups(lists)?;
        self.passing(lists, homes)
    }

    fn section(&mut self, title: &str) -> Result<(), XlsxError> {
        self.gap(GAP)?;
        let row = self.row(SECTION)?;
        let title = Font::bold(12.0).of(self.language()).cut_end(title, room((0, LAST)), 1);
        self.text(row, (0, LAST), &title, &self.looks.section())
    }

    /// Writes the headings of columns; those from `first_number` on are of numbers.
    fn headings<const N: usize>(
        &mut self,
        columns: Columns<N>,
        headings: [&str; N],
        first_number: usize,
    ) -> Result<(), XlsxError> {
        let row = self.row(HEADINGS)?;
        for (place, (columns, heading)) in columns.into_iter().zip(headings).enumerate() {
            let format = self.looks.column();
            let format = match place {
                _ if place >= first_number => format.set_align(FormatAlign::Right),
                0 => format,
                _ => format.set_align(FormatAlign::Left).set_indent(1),
            };
            let heading = Font::bold(FONT_SIZE).of(self.language()).cut_end(heading, room(columns), 1);
            self.text(row, columns, &heading, &format)?;
        }
        Ok(())
    }

    fn failing(&mut self, lists: &Lists<'a>, homes: Option<&[String]>) -> Result<(), XlsxError> {
        let language = self.language();
        let title = language.fill("Tasks that do not pass, worst first ({0})", &[&lists.all_failing]);
        self.section(&title)?;
        if lists.failing.is_empty() {
            let row = self.row(LINE)?;
            let none = if self.report().rows().is_empty() {
                "no task is listed"
            } else {
                "None: every task passes."
            };
            return self.label(row, (0, LAST), none, &self.looks.text());
        }
        let headings = ["Source server", "Verdict", "Reason", "Differences"].map(|text| language.text(text));
        self.headings(TASKS, headings, 3)?;
        for entry in &lists.failing {
            let reason = reason(self.report(), entry, lists.reason_lines);
            let row = self.row(lines_height(lines(&reason, TASKS[2], language), language))?;
            self.task(row, entry, homes)?;
            self.text(row, TASKS[2], &reason, &self.looks.indented().set_text_wrap())?;
            let right = self.looks.cell().set_align(FormatAlign::Right).set_num_format("#,##0");
            match entry.known_differences() {
                None => self.text(row, TASKS[3], "–", &right)?,
                Some(0) => self.count(row, TASKS[3], 0, &right)?,
                Some(count) => {
                    let count = usize::try_from(count).unwrap_or(usize::MAX);
                    self.count(row, TASKS[3], count, &right.set_bold())?;
                }
            }
        }
        self.more(lists.all_failing - lists.failing.len())
    }

    /// Says how many tasks are not listed.
    fn more(&mut self, count: usize) -> Result<(), XlsxError> {
        if count == 0 {
            return Ok(());
        }
        let language = self.language();
        let text = language.fill("… and {0} more: see the sheet {1}", &[&count, &language.text(SUMMARY)]);
        let row = self.row(LINE)?;
        self.text(row, (0, LAST), &text, &self.looks.label())
    }

    /// Writes the name of a task, with a link to its sheet, and its verdict.
    fn task(&mut self, row: u32, entry: &SummaryRow<'_>, homes: Option<&[String]>) -> Result<(), XlsxError> {
        // A link's text and tip are attributes, in which the library leaves control characters as they are.
        let name = &cell_text(entry.task.display_name()).replace(|c: char| c < ' ', "\u{fffd}");
        let shown = Font::plain(FONT_SIZE).of(self.language()).cut_middle(name, room(TASKS[0]));
        match self.target(entry, homes) {
            None => self.text(row, TASKS[0], &shown, &self.looks.cell())?,
            Some(target) => {
                let format = self.looks.link();
                self.text(row, TASKS[0], "", &format)?;
                let url = Url::new(target).set_tip(first_units(name, MAX_TIP_UNITS)).set_text(&shown);
                self.sheet.worksheet.write_url_with_format(row, TASKS[0].0, url, &format)?;
            }
        }
        self.label(row, TASKS[1], entry.verdict.label(), &self.looks.verdict(entry.verdict))
    }

    /// The link to a task's sheet, if it has one.
    fn target(&self, entry: &SummaryRow<'_>, homes: Option<&[String]>) -> Option<String> {
        if !self.report().options().template.task_sheets {
            return None;
        }
        let place = self.report().rows().binary_search_by_key(&entry.ordinal, |row| row.ordinal).ok()?;
        let sheet = format!("'{}'!A1", self.report().sheet(entry).replace('\'', "''"));
        match homes.and_then(|homes| homes.get(place)) {
            None => Some(format!("internal:{sheet}")),
            Some(file) => Some(format!("file:///{}#{sheet}", escaped(file))),
        }
    }

    fn passing(&mut self, lists: &Lists<'a>, homes: Option<&[String]>) -> Result<(), XlsxError> {
        if lists.passing.is_empty() {
            return Ok(());
        }
        let language = self.language();
        let title = "Tasks that pass, oldest verification first ({0})";
        self.section(&language.fill(title, &[&lists.passing.len()]))?;
        let headings =
            ["Source server", "Verdict", "Last verified", "Total files"].map(|text| language.text(text));
        self.headings(TASKS, headings, 3)?;
        for entry in &lists.passing {
            let row = self.row(LINE)?;
            self.task(row, entry, homes)?;
            let cell = self.looks.indented();
            match entry.last_verified {
                None => self.text(row, TASKS[2], "–", &cell)?,
                Some(time) => {
                    let time = serial_number(time, self.sheet.zone);
                    let cell = cell.set_num_format("yyyy-mm-dd hh:mm");
                    self.number(row, TASKS[2], time, &cell)?;
                }
            }
            let right = self.looks.cell().set_align(FormatAlign::Right).set_num_format("#,##0");
            let files = entry.totals.map_or(0, |totals| totals.total);
            self.count(row, TASKS[3], usize::try_from(files).unwrap_or(usize::MAX), &right)?;
        }
        Ok(())
    }

    fn groups(&mut self, lists: &Lists<'a>) -> Result<(), XlsxError> {
        let Some((groups, shown)) = &lists.groups else { return Ok(()) };
        let language = self.language();
        self.section(&language.fill("Tasks by {0}", &[&groups.by]))?;
        let [tasks, passing, failing, share] =
            ["Tasks", "Passing", "Not passing", "Share passing"].map(|text| language.text(text));
        self.headings(GROUPS, [&groups.by, tasks, passing, failing, share, ""], 1)?;
        let first = self.row;
        for group in groups.most_failing(*shown) {
            self.group(group)?;
        }
        let last = self.row.saturating_sub(1);
        if last >= first {
            self.bars(first, last)?;
        }
        let more = groups.rows.len() - shown;
        if more > 0 {
            let row = self.row(LINE)?;
            let text = "{0} more groups: see the sheet {1}";
            let text = language.fill(text, &[&more, &language.text(SUMMARY)]);
            self.text(row, (0, LAST), &text, &self.looks.label())?;
        }
        Ok(())
    }

    fn group(&mut self, group: &Group) -> Result<(), XlsxError> {
        let row = self.row(LINE)?;
        let name = Font::plain(FONT_SIZE)
            .of(self.language())
            .cut_middle(group.label(self.language()), room(GROUPS[0]));
        self.text(row, GROUPS[0], &name, &self.looks.cell())?;
        let number = |format: Format| format.set_align(FormatAlign::Right).set_num_format("#,##0");
        for (columns, count) in [(GROUPS[1], group.tasks), (GROUPS[2], group.passing)] {
            self.count(row, columns, count, &number(self.looks.cell()))?;
        }
        let failing = number(self.looks.cell());
        let failing = if group.failing() > 0 { failing.set_bold() } else { failing };
        self.count(row, GROUPS[3], group.failing(), &failing)?;
        // Cut, never rounded up: 100 % means all of them.
        let thousandths = (group.passing * 1000).checked_div(group.tasks).unwrap_or(0);
        let share = f64::from(u32::try_from(thousandths).unwrap_or(0)) / 1000.0;
        self.number(row, GROUPS[4], share, &number(self.looks.cell()).set_num_format("0.0%").set_indent(1))?;
        self.number(row, GROUPS[5], share, &self.looks.cell())
    }

    /// Shows the shares in the last columns as bars.
    fn bars(&mut self, first: u32, last: u32) -> Result<(), XlsxError> {
        let bars = ConditionalFormatDataBar::new()
            .set_fill_color(Color::RGB(palette::BAR))
            .set_solid_fill(true)
            .set_border_off(true)
            .set_bar_only(true)
            .set_minimum(ConditionalFormatType::Number, 0)
            .set_maximum(ConditionalFormatType::Number, 1);
        self.sheet.worksheet.add_conditional_format(first, GROUPS[5].0, last, GROUPS[5].1, &bars).map(drop)
    }

    fn waivers(&mut self, lists: &Lists<'a>) -> Result<(), XlsxError> {
        if lists.waivers.is_empty() && lists.idle_waivers == 0 {
            return Ok(());
        }
        let language = self.language();
        self.section(&language.fill("Waivers in force ({0})", &[&lists.all_waivers]))?;
        if !lists.waivers.is_empty() {
            let headings = ["Task and directory", "Reason", "Owner", "Ticket", "Expires"];
            self.headings(WAIVERS, headings.map(|text| language.text(text)), 4)?;
        }
        for waiver in &lists.waivers {
            let row = self.row(lines_height(waiver_lines(waiver, language), language))?;
            let waiver = &waiver.waiver;
            let cell = self.looks.cell().set_text_wrap();
            self.text(
                row,
                WAIVERS[0],
                &cut(&waiver.globs().join(", "), WAIVERS[0], language, MAX_LINES),
                &cell,
            )?;
            self.text(
                row,
                WAIVERS[1],
                &cut(&waiver.reason, WAIVERS[1], language, MAX_LINES),
                &self.looks.indented().set_text_wrap(),
            )?;
            for (columns, text) in [(WAIVERS[2], &waiver.owner), (WAIVERS[3], &waiver.ticket)] {
                let text = cut(text.as_deref().unwrap_or("–"), columns, language, MAX_LINES);
                self.text(row, columns, &text, &self.looks.indented().set_text_wrap())?;
            }
            let right = self.looks.cell().set_align(FormatAlign::Right);
            match &waiver.expires {
                Some(expires) => {
                    // The date is enough here; a time would be cut.
                    let expires = expires.date();
                    self.text(row, WAIVERS[4], expires, &right)?;
                }
                None => self.label(row, WAIVERS[4], "no expiry", &right.set_bold())?,
            }
        }
        let more = lists.all_waivers - lists.waivers.len();
        let notes = [("… and {0} more", more), (IDLE, lists.idle_waivers)];
        for (text, count) in notes.into_iter().filter(|(_, count)| *count > 0) {
            let mut text = language.fill(text, &[&count]);
            if self.report().options().template.about {
                text += language.semicolon();
                text += &language.fill("see the sheet {0}", &[&language.text(about::NAME)]);
            }
            let row = self.row(LINE)?;
            self.text(row, (0, LAST), &text, &self.looks.quiet())?;
        }
        Ok(())
    }
}
