//! The course of tasks over many nights, as files.

mod json;
mod markdown;

use std::borrow::Cow;
use std::io::Write;

use super::csv::Table;
use super::document::{Document, DocumentKind};
use super::history_document::HistoryDocument;
use super::options::CsvOptions;
use super::{html, xlsx};
use crate::output::error::Cause;
use crate::report::{Cell, History};

impl Document for HistoryDocument<'_> {
    const KINDS: &'static [DocumentKind] = &[
        DocumentKind::Workbook,
        DocumentKind::Page,
        DocumentKind::Csv,
        DocumentKind::Json,
        DocumentKind::Markdown,
    ];

    fn write_as(&self, kind: DocumentKind, csv: CsvOptions, to: &mut dyn Write) -> Result<(), Cause> {
        match kind {
            DocumentKind::Workbook => xlsx::write_history(self, to),
            DocumentKind::Page => html::write_history(self, to),
            DocumentKind::Csv => write_csv(self, to, csv),
            DocumentKind::Json => json::write(self, to),
            DocumentKind::Markdown => Ok(to.write_all(markdown::text(self).as_bytes())?),
        }
    }
}

/// A row per task: its figures, then its verdict in each night; an empty field is a gap.
fn write_csv(document: &HistoryDocument<'_>, to: &mut dyn Write, csv: CsvOptions) -> Result<(), Cause> {
    let HistoryDocument { history, options } = document;
    let zone = &options.timezone;
    let mut table = Table::new(to, zone, csv)?;
    let headings = [
        "Task ID".to_owned(),
        "Source server".to_owned(),
        format!("First passed ({})", zone.name()),
        format!("Last got worse ({})", zone.name()),
        "Changed side".to_owned(),
        "Nights without evidence".to_owned(),
        "Nights without progress".to_owned(),
    ];
    let nights = history.nights().iter().map(|night| zone.rfc3339(night.ended_at));
    table.headings(headings.into_iter().chain(nights))?;
    for task in history.tasks() {
        let figures = [
            text(task.task_id()),
            text(task.source_name()),
            time(history, task.first_passed()),
            time(history, task.last_got_worse()),
            count(task.changes()),
            count(task.nights_without_evidence()),
            count(task.nights_without_progress()),
        ];
        let verdicts = task.verdicts().map(|verdict| verdict.map_or(Cell::Empty, Cell::Verdict));
        table.row(figures.into_iter().chain(verdicts))?;
    }
    table.finish()
}

fn text(text: Option<&str>) -> Cell<'_> {
    text.map_or(Cell::Empty, |text| Cell::Text(Cow::Borrowed(text)))
}

fn time(history: &History, night: Option<usize>) -> Cell<'static> {
    history.ended_at(night).map_or(Cell::Empty, Cell::Time)
}

fn count(count: usize) -> Cell<'static> {
    Cell::Count(u64::try_from(count).unwrap_or(u64::MAX))
}
