//! What changed between two journals, as files.

mod json;
mod markdown;

use std::io::Write;

use super::csv::Table;
use super::document::{Document, DocumentKind};
use super::options::CsvOptions;
use super::xlsx;
use crate::output::error::Cause;
use crate::report::{CHANGES, Diff};

impl Document for Diff<'_> {
    const KINDS: &'static [DocumentKind] =
        &[DocumentKind::Workbook, DocumentKind::Csv, DocumentKind::Json, DocumentKind::Markdown];

    fn write_as(&self, kind: DocumentKind, csv: CsvOptions, to: &mut dyn Write) -> Result<(), Cause> {
        match kind {
            DocumentKind::Workbook => xlsx::write_changes(self, to),
            DocumentKind::Page => Err(Cause::Name("a comparison cannot be written as .html".to_owned())),
            DocumentKind::Csv => write_csv(self, to, csv),
            DocumentKind::Json => json::write(self, to),
            DocumentKind::Markdown => Ok(to.write_all(markdown::text(self).as_bytes())?),
        }
    }
}

fn write_csv(diff: &Diff<'_>, to: &mut dyn Write, csv: CsvOptions) -> Result<(), Cause> {
    let zone = diff.zone();
    let mut table = Table::new(to, zone, csv)?;
    table.headings(CHANGES.iter().map(|column| column.heading_in(column.heading, zone)))?;
    for task in diff.tasks() {
        table.row(CHANGES.iter().map(|column| (column.cell)(task)))?;
    }
    table.finish()
}
