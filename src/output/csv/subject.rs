//! The tables that CSV files hold.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use super::table::Table;
use crate::output::error::Cause;
use crate::output::options::{CsvOptions, FileOptions};
use crate::report::{
    Cell, Column, DETAIL, DetailRow, FIRST_COLUMNS, RECONCILIATION, Report, SUMMARY, SummaryCell, SummaryRow,
    WAIVER,
};
use crate::threads::{parallel_in_order, split_by_size};

/// The folder of the tasks' files.
pub(super) const TASKS: &str = "tasks";
/// The summary's columns that lead each row of `results.csv`, so that it can be read alone.
const LEADING: usize = 4;
/// A thread makes the rows of answers of about this size at a time, in bytes.
const PART: usize = 1 << 18;

/// What a CSV file is about: one of the tables of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Summary,
    Results,
    Reconciliation,
    /// Of the task at this place in the list.
    Task(usize),
}

impl Subject {
    /// Those that a report has, tasks last.
    pub(super) fn all(report: &Report<'_>) -> impl Iterator<Item = Self> {
        let reconciliation = report.journal().header().reconciliation.as_ref().map(|_| Self::Reconciliation);
        let tasks = (0..report.rows().len()).map(Self::Task);
        [Self::Summary, Self::Results].into_iter().chain(reconciliation).chain(tasks)
    }

    /// Its file in the folder, with `/` between the steps.
    pub(super) fn file(self, report: &Report<'_>) -> String {
        match self {
            Self::Summary => "summary.csv".to_owned(),
            Self::Results => "results.csv".to_owned(),
            Self::Reconciliation => "reconciliation.csv".to_owned(),
            Self::Task(ordinal) => {
                let sheet = report.rows().get(ordinal).map_or("", |row| report.sheet(row));
                format!("{TASKS}/{sheet}.csv")
            }
        }
    }

    pub(super) fn fill(
        self,
        report: &Report<'_>,
        to: &mut dyn Write,
        options: &FileOptions,
    ) -> Result<(), Cause> {
        match self {
            Self::Summary => fill_summary(report, to, options),
            Self::Results => fill_results(report, to, options),
            Self::Reconciliation => fill_reconciliation(report, to, options),
            Self::Task(ordinal) => fill_task(report, ordinal, to, options),
        }
    }

    /// Whether a file begins with the headings of this table, whatever the zone: nobody else's is removed.
    pub(super) fn heads(self, path: &Path) -> bool {
        let summary = || SUMMARY.iter().take(FIRST_COLUMNS).map(|column| column.heading);
        let detail = || DETAIL.iter().map(|column| column.heading);
        match self {
            Self::Summary => has_headings(path, summary(), true),
            Self::Results => has_headings(path, summary().take(LEADING).chain(detail()), true),
            Self::Reconciliation => {
                has_headings(path, RECONCILIATION.iter().map(|column| column.heading), false)
            }
            Self::Task(_) => {
                has_headings(path, detail(), false)
                    || has_headings(path, detail().chain([WAIVER.heading]), false)
            }
        }
    }
}

/// Every row of every task in one table. A task without verifications has no row here; the summary
/// says why.
fn fill_results(report: &Report<'_>, to: &mut dyn Write, options: &FileOptions) -> Result<(), Cause> {
    let zone = &report.options().timezone;
    let mut table = Table::new(to, zone, options.csv)?;
    let leading = SUMMARY.iter().take(LEADING);
    table.headings(
        leading.map(|column| column.heading_in(column.heading, zone)).chain(detail_headings(report)),
    )?;
    table.finish()?;
    let ordinals: Vec<usize> = (0..report.rows().len()).collect();
    let parts = split_by_size(&ordinals, PART, |ordinal| report.answer_size(*ordinal));
    parallel_in_order(
        &parts,
        |ordinals| results(report, ordinals, options.csv),
        |part| Ok(to.write_all(&part?)?),
    )
}

/// The rows of some tasks in `results.csv`.
fn results(report: &Report<'_>, ordinals: &[usize], options: CsvOptions) -> Result<Vec<u8>, Cause> {
    let mut lines = Vec::new();
    let options = CsvOptions { bom: false, ..options };
    let mut table = Table::new(&mut lines, &report.options().timezone, options)?;
    let mut buffer = Vec::new();
    for ordinal in ordinals {
        let Some(row) = report.rows().get(*ordinal) else { continue };
        let verifications = report.verifications_with(*ordinal, &mut buffer)?;
        for detail in report.detail_rows(*ordinal, &verifications) {
            table.row(leading_cells(row).chain(detail_cells(report, &detail)))?;
        }
    }
    table.finish()?;
    Ok(lines)
}

fn fill_reconciliation(report: &Report<'_>, to: &mut dyn Write, options: &FileOptions) -> Result<(), Cause> {
    let mut table = Table::new(to, &report.options().timezone, options.csv)?;
    table.headings(RECONCILIATION.iter().map(|column| column.heading.to_owned()))?;
    for row in &report.reconciliation().unwrap_or_default() {
        table.row(RECONCILIATION.iter().map(|column| (column.cell)(row)))?;
    }
    table.finish()
}

fn fill_summary(report: &Report<'_>, to: &mut dyn Write, options: &FileOptions) -> Result<(), Cause> {
    let zone = &report.options().timezone;
    let mut table = Table::new(to, zone, options.csv)?;
    // Later columns come last, so that each of the others stays where scripts expect it.
    let (first, later) = SUMMARY.split_at_checked(FIRST_COLUMNS).unwrap_or((SUMMARY, &[]));
    let heading = |column: &Column<SummaryCell>| column.heading_in(column.heading, zone);
    let labels = report.labels().iter().map(|label| label.heading.clone());
    table.headings(first.iter().map(heading).chain(labels).chain(later.iter().map(heading)))?;
    for row in report.rows() {
        let labels = report.labels().iter().map(|label| match row.task.labels.get(&label.name) {
            Some(value) => Cell::Text(Cow::Borrowed(value)),
            None => Cell::Empty,
        });
        let cells = |columns: &'static [Column<SummaryCell>]| columns.iter().map(|column| (column.cell)(row));
        table.row(cells(first).chain(labels).chain(cells(later)))?;
    }
    table.finish()
}

fn fill_task(
    report: &Report<'_>,
    ordinal: usize,
    to: &mut dyn Write,
    options: &FileOptions,
) -> Result<(), Cause> {
    let mut table = Table::new(to, &report.options().timezone, options.csv)?;
    table.headings(detail_headings(report))?;
    for detail in report.detail_rows(ordinal, &report.verifications(ordinal)?) {
        table.row(detail_cells(report, &detail))?;
    }
    table.finish()
}

fn leading_cells<'a>(row: &'a SummaryRow<'a>) -> impl Iterator<Item = Cell<'a>> {
    SUMMARY.iter().take(LEADING).map(|column| (column.cell)(row))
}

fn detail_headings(report: &Report<'_>) -> impl Iterator<Item = String> {
    let zone = &report.options().timezone;
    report.detail_columns().map(|column| column.heading_in(column.heading, zone))
}

fn detail_cells<'a>(report: &Report<'_>, row: &'a DetailRow<'a>) -> impl Iterator<Item = Cell<'a>> {
    report.detail_columns().map(|column| (column.cell)(row))
}

/// Whether a file begins with these headings, and has no others unless there may be `more`.
fn has_headings<'h>(path: &Path, headings: impl Iterator<Item = &'h str>, more: bool) -> bool {
    let mut first = String::new();
    let read = std::fs::File::open(path).and_then(|file| BufReader::new(file).read_line(&mut first));
    let found: Vec<&str> = first.trim_end().split(',').collect();
    let headings: Vec<&str> = headings.collect();
    read.is_ok()
        && (found.len() == headings.len() || more && found.len() > headings.len())
        && found.iter().zip(headings).all(|(found, heading)| found.starts_with(heading))
}
