//! The summary for machines.

use std::io::Write;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::Cause;
use crate::model::{Language, TaskId};
use crate::report::{Cell, Report, SUMMARY, SummaryRow, Zone};

/// The version of the document's form.
const FORMAT: u32 = 1;

/// Writes the summary document, `"format": 1`.
///
/// # Errors
/// What the writer says.
pub fn write_summary(report: &Report<'_>, to: &mut dyn Write) -> Result<(), Cause> {
    let header = report.journal().header();
    let options = report.options();
    let zone = &options.timezone;
    let document = Document {
        format: FORMAT,
        tool: concat!("cutover-report ", env!("CARGO_PKG_VERSION")),
        sample_data: report.is_sample(),
        run: Run {
            endpoint: &header.endpoint,
            started_at: zone.rfc3339(header.started_at),
            ended_at: zone.rfc3339(report.journal().ended_at()),
            finished: report.journal().is_finished(),
            timezone: zone.name(),
        },
        criteria: Criteria {
            max_age_seconds: options.policy.max_age.map(|age| age.as_secs()),
            not_before: options.policy.not_before.map(|time| zone.rfc3339(time)),
        },
        counts: Counts(report),
        reconciliation: header.reconciliation.as_ref().map(|reconciliation| Reconciled {
            declared_not_found: &reconciliation.not_found,
            found_not_declared: &reconciliation.undeclared,
        }),
        tasks: report.rows().iter().map(|row| Task { row, zone }).collect(),
    };
    serde_json::to_writer_pretty(&mut *to, &document)?;
    Ok(to.write_all(b"\n")?)
}

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    tool: &'static str,
    sample_data: bool,
    run: Run<'a>,
    criteria: Criteria,
    counts: Counts<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reconciliation: Option<Reconciled<'a>>,
    tasks: Vec<Task<'a>>,
}

/// The tasks that the list and the account do not both have, if they were compared.
#[derive(Serialize)]
struct Reconciled<'a> {
    declared_not_found: &'a [TaskId],
    found_not_declared: &'a [crate::model::Task],
}

#[derive(Serialize)]
struct Run<'a> {
    endpoint: &'a str,
    started_at: String,
    ended_at: String,
    finished: bool,
    timezone: &'a str,
}

#[derive(Serialize)]
struct Criteria {
    max_age_seconds: Option<u64>,
    not_before: Option<String>,
}

/// The number of tasks by verdict.
pub(super) struct Counts<'a>(pub(super) &'a Report<'a>);

impl Serialize for Counts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.counts())
    }
}

/// A row by the keys of its columns; notes as a list, labels as a map, both beside them.
struct Task<'a> {
    row: &'a SummaryRow,
    zone: &'a Zone,
}

impl Serialize for Task<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for column in SUMMARY {
            map.serialize_key(column.key)?;
            match (column.cell)(self.row) {
                Cell::Empty => map.serialize_value(&())?,
                Cell::Text(text) => map.serialize_value(&text)?,
                Cell::Count(count) => map.serialize_value(&count)?,
                Cell::Share(share) => map.serialize_value(&share)?,
                Cell::Time(time) => map.serialize_value(&self.zone.rfc3339(time))?,
                Cell::Verdict(verdict) => map.serialize_value(&verdict)?,
                Cell::Label(text) => map.serialize_value(text)?,
                Cell::Notes(notes) => {
                    let notes: Vec<String> = notes.iter().map(|note| note.text(Language::English)).collect();
                    map.serialize_value(&notes)?;
                }
            }
        }
        map.serialize_entry("sheet", self.row.sheet())?;
        map.serialize_entry("fetched_at", &self.row.fetched_at.map(|time| self.zone.rfc3339(time)))?;
        map.serialize_entry("labels", &self.row.task.labels)?;
        map.end()
    }
}
