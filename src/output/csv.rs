//! Reports as CSV: one file, a folder, or an archive of the folder.
//!
//! UTF-8 and RFC 4180, so lines end in CR LF. English whatever the language: it is for machines too. A folder holds `summary.csv`, `results.csv` and
//! `tasks/<sheet name>.csv`, and `reconciliation.csv` if the list was compared with the account.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use csv::{Terminator, Writer, WriterBuilder};
use zip::write::{SimpleFileOptions, ZipWriter};

use super::{AtomicFile, Cause, FileOptions, OutputError, Written};
use crate::model::Language;
use crate::report::{
    Cell, Column, DETAIL, DetailRow, RECONCILIATION, ReconciliationRow, Report, SUMMARY, SummaryRow, WAIVER,
    Zone, notes_text,
};

/// The summary's columns that lead each row of `results.csv`, so that it can be read alone.
const LEADING: usize = 4;
/// The file of the tasks that the list and the account do not both have.
const RECONCILIATION_FILE: &str = "reconciliation.csv";

/// Every row of every task in one table. A task without verifications has no row here; the summary
/// says why.
pub(super) fn write_results(
    report: &Report<'_>,
    to: &mut dyn Write,
    options: &FileOptions,
) -> Result<(), Cause> {
    let zone = &report.options().timezone;
    let mut table = Table::new(to, zone, options.csv_raw);
    let leading = SUMMARY.iter().take(LEADING);
    table.headings(
        leading.map(|column| column.heading_in(column.heading, zone)).chain(detail_headings(report)),
    )?;
    for (ordinal, row) in report.rows().iter().enumerate() {
        let verifications = report.verifications(ordinal)?;
        for detail in report.detail_rows(ordinal, &verifications) {
            table.row(leading_cells(row).chain(detail_cells(report, &detail)))?;
        }
    }
    table.finish()
}

fn write_reconciliation(
    rows: &[ReconciliationRow],
    report: &Report<'_>,
    to: &mut dyn Write,
    options: &FileOptions,
) -> Result<(), Cause> {
    let mut table = Table::new(to, &report.options().timezone, options.csv_raw);
    table.headings(RECONCILIATION.iter().map(|column| column.heading.to_owned()))?;
    for row in rows {
        table.row(RECONCILIATION.iter().map(|column| (column.cell)(row)))?;
    }
    table.finish()
}

fn write_summary(report: &Report<'_>, to: &mut dyn Write, options: &FileOptions) -> Result<(), Cause> {
    let zone = &report.options().timezone;
    let mut table = Table::new(to, zone, options.csv_raw);
    let headings = SUMMARY.iter().map(|column| column.heading_in(column.heading, zone));
    table.headings(headings.chain(report.labels().iter().cloned()))?;
    for row in report.rows() {
        let labels = report.labels().iter().map(|label| match row.task.labels.get(label) {
            Some(value) => Cell::Text(Cow::Borrowed(value)),
            None => Cell::Empty,
        });
        table.row(SUMMARY.iter().map(|column| (column.cell)(row)).chain(labels))?;
    }
    table.finish()
}

fn write_task(
    report: &Report<'_>,
    ordinal: usize,
    to: &mut dyn Write,
    options: &FileOptions,
) -> Result<(), Cause> {
    let mut table = Table::new(to, &report.options().timezone, options.csv_raw);
    table.headings(detail_headings(report))?;
    for detail in report.detail_rows(ordinal, &report.verifications(ordinal)?) {
        table.row(detail_cells(report, &detail))?;
    }
    table.finish()
}

fn leading_cells(row: &SummaryRow) -> impl Iterator<Item = Cell<'_>> {
    SUMMARY.iter().take(LEADING).map(|column| (column.cell)(row))
}

fn detail_headings(report: &Report<'_>) -> impl Iterator<Item = String> {
    let zone = &report.options().timezone;
    report.detail_columns().map(|column| column.heading_in(column.heading, zone))
}

fn detail_cells<'a>(report: &Report<'_>, row: &'a DetailRow<'a>) -> impl Iterator<Item = Cell<'a>> {
    report.detail_columns().map(|column| (column.cell)(row))
}

fn task_file(row: &SummaryRow) -> String {
    format!("{}.csv", row.sheet())
}

/// Writes the folder, each file whole, and gives the files; one of an earlier run that this one does
/// not have is removed, lest it pass for a result of this run.
pub(super) fn write_folder(
    report: &Report<'_>,
    folder: &Path,
    options: &FileOptions,
) -> Result<Vec<Written>, OutputError> {
    let tasks = folder.join("tasks");
    std::fs::create_dir_all(&tasks).map_err(OutputError::at(&tasks))?;
    let write = |name: &str, table: fn(&Report<'_>, &mut dyn Write, &FileOptions) -> Result<(), Cause>| {
        AtomicFile::write(&folder.join(name), |file| table(report, file, options))
    };
    let mut written = vec![write("summary.csv", write_summary)?, write("results.csv", write_results)?];
    let reconciliation = folder.join(RECONCILIATION_FILE);
    match report.reconciliation() {
        Some(rows) => {
            let write = |file: &mut AtomicFile| write_reconciliation(&rows, report, file, options);
            written.push(AtomicFile::write(&reconciliation, write)?);
        }
        None if has_headings(&reconciliation, RECONCILIATION.iter()) => remove(&reconciliation)?,
        None => {}
    }
    for (ordinal, row) in report.rows().iter().enumerate() {
        let write = |file: &mut AtomicFile| write_task(report, ordinal, file, options);
        written.push(AtomicFile::write(&tasks.join(task_file(row)), write)?);
    }
    remove_stale(report, &tasks)?;
    Ok(written)
}

fn remove_stale(report: &Report<'_>, tasks: &Path) -> Result<(), OutputError> {
    let current: HashSet<String> = report.rows().iter().map(task_file).collect();
    for entry in std::fs::read_dir(tasks).map_err(OutputError::at(tasks))? {
        let path = entry.map_err(OutputError::at(tasks))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let is_current = name.is_some_and(|name| current.contains(name));
        let is_csv = path.extension().is_some_and(|suffix| suffix == "csv");
        if !is_current && is_csv && is_task_file(&path) {
            remove(&path)?;
        }
    }
    Ok(())
}

/// Whether it has a task's columns, with waivers or without.
fn is_task_file(path: &Path) -> bool {
    has_headings(path, DETAIL.iter()) || has_headings(path, DETAIL.iter().chain([WAIVER]))
}

fn remove(path: &Path) -> Result<(), OutputError> {
    std::fs::remove_file(path).map_err(OutputError::at(path))
}

/// Whether a file begins with the headings of `columns`, whatever the zone: nobody else's is removed.
fn has_headings<'c, F: 'c>(path: &Path, columns: impl Iterator<Item = &'c Column<F>>) -> bool {
    let mut first = String::new();
    let read = std::fs::File::open(path).and_then(|file| BufReader::new(file).read_line(&mut first));
    let found: Vec<&str> = first.trim_end().split(',').collect();
    let headings: Vec<&str> = columns.map(|column| column.heading).collect();
    read.is_ok()
        && found.len() == headings.len()
        && found.iter().zip(headings).all(|(found, heading)| found.starts_with(heading))
}

/// The folder as one archive; its times are fixed, so that equal reports are equal files.
pub(super) fn write_archive(
    report: &Report<'_>,
    to: &mut AtomicFile,
    options: &FileOptions,
) -> Result<(), Cause> {
    let mut archive = ZipWriter::new_stream(to);
    let entry =
        SimpleFileOptions::default().last_modified_time(zip::DateTime::default()).unix_permissions(0o644);
    archive.start_file("summary.csv", entry)?;
    write_summary(report, &mut archive, options)?;
    archive.start_file("results.csv", entry.large_file(true))?;
    write_results(report, &mut archive, options)?;
    if let Some(rows) = report.reconciliation() {
        archive.start_file(RECONCILIATION_FILE, entry)?;
        write_reconciliation(&rows, report, &mut archive, options)?;
    }
    for (ordinal, row) in report.rows().iter().enumerate() {
        archive.start_file(format!("tasks/{}", task_file(row)), entry.large_file(true))?;
        write_task(report, ordinal, &mut archive, options)?;
    }
    archive.finish()?;
    Ok(())
}

/// A table as CSV, a row at a time.
pub(super) struct Table<'a> {
    writer: Writer<&'a mut dyn Write>,
    zone: &'a Zone,
    raw: bool,
}

impl<'a> Table<'a> {
    pub(super) fn new(to: &'a mut dyn Write, zone: &'a Zone, raw: bool) -> Self {
        let writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(to);
        Self { writer, zone, raw }
    }

    pub(super) fn headings(&mut self, headings: impl Iterator<Item = String>) -> Result<(), Cause> {
        self.row(headings.map(|heading| Cell::Text(Cow::Owned(heading))))
    }

    pub(super) fn row<'c>(&mut self, cells: impl Iterator<Item = Cell<'c>>) -> Result<(), Cause> {
        for cell in cells {
            match cell {
                Cell::Empty => self.writer.write_field("")?,
                Cell::Text(text) => self.text(&text)?,
                Cell::Count(count) => self.writer.write_field(count.to_string())?,
                Cell::Delta(delta) => self.writer.write_field(delta.to_string())?,
                Cell::Share(share) => self.writer.write_field(share.to_string())?,
                Cell::Time(time) => self.writer.write_field(self.zone.rfc3339(time))?,
                Cell::Verdict(verdict) => self.writer.write_field(verdict.key())?,
                Cell::Change(change) => self.writer.write_field(change.key())?,
                Cell::Waiver(waiver) => self.text(&waiver.text(Language::English))?,
                Cell::Label(text) => self.writer.write_field(text)?,
                Cell::Notes(notes) => self.text(&notes_text(notes, Language::English))?,
            }
        }
        Ok(self.writer.write_record(None::<&[u8]>)?)
    }

    fn text(&mut self, text: &str) -> Result<(), Cause> {
        let text = if self.raw { text.into() } else { neutralise(text) };
        Ok(self.writer.write_field(text.as_bytes())?)
    }

    pub(super) fn finish(mut self) -> Result<(), Cause> {
        Ok(self.writer.flush()?)
    }
}

/// A text that a spreadsheet would take for a formula gets an apostrophe, which makes it a text again.
fn neutralise(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}
