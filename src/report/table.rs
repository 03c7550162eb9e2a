//! The columns of the summary and of the directory checks, for workbooks, pages and CSV.
//!
//! Templates choose which of them a workbook shows. JSON has its own list in `output/json/task.rs`, so that a renamed
//! column changes no key.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;

use super::change::Change;
use super::moments::Moments;
use super::row::SummaryRow;
use super::waivers::list::{TaskWaivers, WaiverUse};
use super::waivers::waiver::Waiver;
use super::zone::Zone;
use crate::model::{DirectoryCheck, Language, Note, Task, Totals, Verdict, Verification};

/// One value of a table.
#[derive(Debug, Clone)]
pub enum Cell<'a> {
    /// Nothing.
    Empty,
    /// A text, never anything else however it looks.
    Text(Cow<'a, str>),
    /// A number of things.
    Count(u64),
    /// By how many things something grew, or shrank.
    Delta(i64),
    /// A share from 0 to 1.
    Share(f64),
    /// A point in time.
    Time(Timestamp),
    /// A verdict, shown by key or label.
    Verdict(Verdict),
    /// A change, shown by key or label.
    Change(Change),
    /// Warnings, in the language of the report.
    Notes(&'a [Note]),
    /// Why a task does not pass, in the language of the report.
    Reason(&'a SummaryRow<'a>),
    /// Why a row's differences are accepted, in the language of the report.
    Waiver(&'a Waiver),
    /// One of a few English texts, which people read in their language.
    Label(&'static str),
}

impl<'a> Cell<'a> {
    pub(super) fn text(text: Option<&'a str>) -> Self {
        text.map_or(Cell::Empty, |text| Cell::Text(Cow::Borrowed(text)))
    }

    pub(super) fn count(count: Option<u64>) -> Self {
        count.map_or(Cell::Empty, Cell::Count)
    }

    pub(super) fn time(time: Option<Timestamp>) -> Self {
        time.map_or(Cell::Empty, Cell::Time)
    }
}

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Texts and verdicts.
    Text,
    /// Counts and shares.
    Number,
    /// Times; the heading names their zone.
    Time,
}

/// Warnings as one text.
pub fn notes_text(notes: &[Note], language: Language) -> String {
    let notes: Vec<String> = notes.iter().map(|note| note.text(language)).collect();
    notes.join(language.semicolon())
}

/// A column of a table; `F` is the function that takes its value from a row.
#[derive(Debug)]
pub struct Column<F> {
    /// The heading in English.
    pub heading: &'static str,
    /// The key in JSON.
    pub key: &'static str,
    /// The width in characters.
    pub width: u16,
    /// What its cells are.
    pub kind: Kind,
    /// The value in a row.
    pub cell: F,
}

/// The value of a column in a row of the summary.
pub type SummaryCell = for<'a> fn(&'a SummaryRow<'a>) -> Cell<'a>;
/// The value of a column in a row of a task's table.
pub type DetailCell = for<'a> fn(&'a DetailRow<'a>) -> Cell<'a>;

impl<F> Column<F> {
    pub(super) const fn text(heading: &'static str, key: &'static str, width: u16, cell: F) -> Self {
        Self { heading, key, width, kind: Kind::Text, cell }
    }

    pub(super) const fn number(heading: &'static str, key: &'static str, width: u16, cell: F) -> Self {
        Self { heading, key, width, kind: Kind::Number, cell }
    }

    pub(super) const fn time(heading: &'static str, key: &'static str, width: u16, cell: F) -> Self {
        Self { heading, key, width, kind: Kind::Time, cell }
    }

    /// The heading, here `heading`, with the zone where the column holds times.
    pub fn heading_in(&self, heading: &str, zone: &Zone) -> String {
        if self.kind == Kind::Time { format!("{heading} ({})", zone.name()) } else { heading.to_owned() }
    }
}

/// The value of a column in a row of the reconciliation.
pub type ReconciliationCell = for<'a> fn(&'a ReconciliationRow) -> Cell<'a>;

/// A task that a list and the account do not both have.
#[derive(Debug, Clone)]
pub struct ReconciliationRow {
    /// The task.
    pub task: Task,
    /// Whether the list has it; the account then does not.
    pub declared: bool,
}

/// Tasks that the list and the account do not both have.
pub const RECONCILIATION: &[Column<ReconciliationCell>] = &[
    Column::text("Task ID", "task_id", 38, |row| Cell::text(row.task.task_id.as_ref().map(|id| id.as_str()))),
    Column::text("Source server", "source_server", 22, |row| Cell::text(row.task.source_name.as_deref())),
    Column::text("Source ID", "source_id", 38, |row| Cell::text(row.task.source_id.as_deref())),
    Column::text("Finding", "finding", 34, |row| {
        Cell::Label(if row.declared { "declared, not found" } else { "found, not declared" })
    }),
];

/// The summary: one row per task. The label columns follow it.
pub const SUMMARY: &[Column<SummaryCell>] = &[
    Column::text("Task ID", "task_id", 39, |row| Cell::text(row.task.task_id.as_ref().map(|id| id.as_str()))),
    Column::text("Source server", "source_server", 20, |row| Cell::text(row.task.source_name.as_deref())),
    Column::text("Source ID", "source_id", 39, |row| Cell::text(row.task.source_id.as_deref())),
    Column::text("Verdict", "verdict", 16, |row| Cell::Verdict(row.verdict)),
    Column::time("Last verified", "last_verified", 22, |row| Cell::time(row.last_verified)),
    Column::text("Check result", "check_result", 13, |row| Cell::text(row.check_result.as_deref())),
    Column::number("Directories", "directories", 13, |row| total(row, |totals| totals.directories)),
    Column::number("Total files", "total_files", 13, |row| total(row, |totals| totals.total)),
    Column::number("Different", "different", 11, |row| total(row, |totals| totals.different)),
    Column::number("Missing at target", "missing_at_target", 11, |row| total(row, |totals| totals.missing)),
    Column::number("Redundant at target", "redundant_at_target", 12, |row| {
        total(row, |totals| totals.redundant)
    }),
    Column::number("Verifications", "verifications", 14, |row| Cell::count(row.verifications)),
    Column::text("Response shape", "response_shape", 22, |row| {
        Cell::text(row.shape.map(|shape| shape.key()))
    }),
    Column::number("Attempts", "attempts", 11, |row| Cell::Count(row.attempts.into())),
    Column::text("Error code", "error_code", 13, |row| Cell::text(row.error_code.as_deref())),
    Column::text("Error message", "error_message", 32, |row| Cell::text(row.error_message.as_deref())),
    Column::text("Request ID", "request_id", 36, |row| Cell::text(row.request_id.as_deref())),
    Column::text("Notes", "notes", 36, |row| Cell::Notes(&row.notes)),
    Column::time("Last synchronised", "last_synchronised", 22, |row| {
        Cell::time(row.context.as_ref().and_then(|context| context.last_synchronised))
    }),
    Column::text("Mode", "mode", 16, |row| {
        Cell::text(row.context.as_ref().and_then(|context| context.mode.as_deref()))
    }),
    Column::text("Not verified directories", "not_verified_directories", 36, |row| {
        let directories = row.context.as_ref().map_or(&[][..], |context| &context.not_verified);
        if directories.is_empty() { Cell::Empty } else { Cell::Text(directories.join(", ").into()) }
    }),
    Column::text("Task state", "task_state", 18, |row| {
        Cell::text(row.context.as_ref().and_then(|context| context.state.as_deref()))
    }),
];

/// How many columns a summary has had since the first version.
pub const FIRST_COLUMNS: usize = 18;

/// Why a task does not pass: a column for people alone.
pub const REASON: &Column<SummaryCell> = &Column::text("Reason", "reason", 22, |row| Cell::Reason(row));

fn total<'a>(row: &'a SummaryRow<'_>, pick: fn(&Totals) -> u64) -> Cell<'a> {
    Cell::count(row.totals.as_ref().map(pick))
}

/// A row of a task's table: one directory of one verification.
#[derive(Debug, Clone, Copy)]
pub struct DetailRow<'a> {
    /// The verification's number: 1 is the newest.
    pub number: u64,
    /// The verification.
    pub verification: &'a Verification,
    /// The directory; none when the verification lists no directory.
    pub check: Option<&'a DirectoryCheck>,
    /// Whether the verification as a whole is inconclusive.
    pub(super) in_doubt: bool,
    /// The waiver that covers its differences or inconclusive evidence.
    pub waiver: Option<&'a Waiver>,
}

impl DetailRow<'_> {
    /// The waiver to show beside it: of its differences, or else of its inconclusive evidence.
    pub(super) fn waiver_of<'w>(&self, waivers: &TaskWaivers<'w>) -> Option<&'w Arc<Waiver>> {
        let check = self.check?;
        if check.is_consistent() {
            waivers.accepting(self.verification, check, self.in_doubt)
        } else {
            waivers.covering(self.verification, check)
        }
    }

    /// Counts it for the waivers that cover it, or would if they had not expired.
    pub(super) fn count_for(&self, waivers: &TaskWaivers<'_>, uses: &mut [WaiverUse]) {
        let Some(check) = self.check else { return };
        let (verification, whole) = (self.verification, self.in_doubt);
        let covering = waivers.covering(verification, check);
        let differences = covering.or_else(|| waivers.expired(verification, check));
        let accepting = waivers.accepting(verification, check, whole);
        let doubts = accepting.or_else(|| waivers.expired_accepting(verification, check, whole));
        for its_use in uses {
            let is_of = |waiver: &Arc<Waiver>| Arc::ptr_eq(&its_use.waiver, waiver);
            its_use.rows += u64::from(differences.is_some_and(is_of) || doubts.is_some_and(is_of));
        }
    }
}

/// The rows of a task: its verifications, newest first, each with its directories, without waivers.
pub(super) fn detail_rows(
    verifications: &[Verification],
    moments: Moments,
) -> impl Iterator<Item = DetailRow<'_>> {
    (1..).zip(verifications).flat_map(move |(number, verification)| {
        let in_doubt = moments.is_in_doubt(verification);
        let bare = verification.directories.is_empty().then_some(None);
        let checks = verification.directories.iter().map(Some);
        bare.into_iter().chain(checks).map(move |check| DetailRow {
            number,
            verification,
            check,
            in_doubt,
            waiver: None,
        })
    })
}

/// A task's table.
pub const DETAIL: &[Column<DetailCell>] = &[
    Column::number("Verification", "verification", 13, |row| Cell::Count(row.number)),
    Column::time("Finished", "finished", 22, |row| Cell::time(row.verification.finished)),
    Column::text("Check result", "check_result", 14, |row| {
        Cell::text(row.verification.check_result.as_deref().filter(|result| !result.is_empty()))
    }),
    Column::text("Directory", "directory", 60, |row| {
        Cell::text(row.check.map(|check| check.directory.as_str()))
    }),
    Column::number("Total files", "total_files", 13, |row| Cell::count(row.check.map(|check| check.total))),
    Column::number("Different", "different", 13, |row| Cell::count(row.check.map(|check| check.different))),
    Column::number("Missing at target", "missing_at_target", 13, |row| {
        Cell::count(row.check.map(|check| check.missing))
    }),
    Column::number("Redundant at target", "redundant_at_target", 13, |row| {
        Cell::count(row.check.map(|check| check.redundant))
    }),
    Column::number("Consistent", "consistent", 13, |row| {
        row.check.and_then(DirectoryCheck::consistent_share).map_or(Cell::Empty, Cell::Share)
    }),
];

/// The column that follows a task's table in a report with waivers.
pub const WAIVER: &Column<DetailCell> =
    &Column::text("Waiver", "waiver", 50, |row| row.waiver.map_or(Cell::Empty, Cell::Waiver));
