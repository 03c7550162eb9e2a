//! The summary for machines.

use std::collections::BTreeMap;
use std::io::Write;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::Cause;
use crate::journal::Missing;
use crate::model::{Language, TOOL, TaskId};
use crate::report::{
    Cell, Expiry, Label, Options, Report, SUMMARY, SummaryRow, Waived, Waiver, WaiverUse, Zone,
};

/// The version of the document's form.
pub(super) const FORMAT: u32 = 1;

/// Writes the summary document, `"format": 1`.
///
/// # Errors
/// What the writer says.
pub fn write_summary(report: &Report<'_>, to: &mut dyn Write) -> Result<(), Cause> {
    let header = report.journal().header();
    let options = report.options();
    let zone = &options.timezone;
    let with_waivers = report.waivers().is_some();
    let document = Document {
        format: FORMAT,
        tool: TOOL,
        sample_data: report.is_sample(),
        run: Run::of(report, zone),
        criteria: Criteria::of(options),
        counts: Counts(report),
        evidence: Evidence {
            judged: report.judged(),
            passing: report.passing(),
            oldest_age_seconds: report.oldest().and_then(|(row, _)| report.age(row)).map(|age| age.as_secs()),
        },
        reconciliation: header.reconciliation.as_ref().map(|reconciliation| Reconciled {
            declared_not_found: &reconciliation.not_found,
            found_not_declared: &reconciliation.undeclared,
        }),
        waivers: report.waivers().map(|waivers| waivers.iter().map(WaiverEntry::from).collect()),
        tasks: report
            .rows()
            .iter()
            .map(|row| Task {
                row,
                zone,
                age_seconds: report.age(row).map(|age| age.as_secs()),
                with_waivers,
                labels: report.labels(),
            })
            .collect(),
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
    evidence: Evidence,
    #[serde(skip_serializing_if = "Option::is_none")]
    reconciliation: Option<Reconciled<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waivers: Option<Vec<WaiverEntry<'a>>>,
    tasks: Vec<Task<'a>>,
}

/// What the verdicts rest on: only tasks with evidence are judged.
#[derive(Serialize)]
struct Evidence {
    judged: usize,
    passing: usize,
    oldest_age_seconds: Option<i64>,
}

/// A waiver as its file has it, and what came of it.
#[derive(Serialize)]
struct WaiverEntry<'a> {
    #[serde(flatten)]
    waiver: &'a Waiver,
    expired: bool,
    covered_rows: u64,
}

impl<'a> From<&'a WaiverUse> for WaiverEntry<'a> {
    fn from(WaiverUse { waiver, expired, rows }: &'a WaiverUse) -> Self {
        Self { waiver, expired: *expired, covered_rows: if *expired { 0 } else { *rows } }
    }
}

/// A directory whose differences or inconclusive evidence are waived, and why.
#[derive(Serialize)]
struct WaivedEntry<'a> {
    directory: &'a str,
    different: u64,
    missing: u64,
    redundant: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    inconclusive: bool,
    reason: &'a str,
    owner: Option<&'a str>,
    ticket: Option<&'a str>,
    expires: Option<&'a Expiry>,
}

impl<'a> From<&'a Waived> for WaivedEntry<'a> {
    fn from(Waived { check, waiver, inconclusive }: &'a Waived) -> Self {
        Self {
            directory: &check.directory,
            different: check.different,
            missing: check.missing,
            redundant: check.redundant,
            inconclusive: *inconclusive,
            reason: &waiver.reason,
            owner: waiver.owner.as_deref(),
            ticket: waiver.ticket.as_deref(),
            expires: waiver.expires.as_ref(),
        }
    }
}

/// The tasks that the list and the account do not both have, if they were compared.
#[derive(Serialize)]
struct Reconciled<'a> {
    declared_not_found: &'a [TaskId],
    found_not_declared: &'a [crate::model::Task],
}

/// Where a report comes from.
#[derive(Serialize)]
pub(super) struct Run<'a> {
    endpoint: &'a str,
    started_at: String,
    ended_at: String,
    finished: bool,
    timezone: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<ShardEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    merged_from: Vec<Merged<'a>>,
    /// Of a merged journal alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<MissingShards>,
    /// Why the account may have tasks that are not listed.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    unlisted: &'a [String],
}

/// The part of a list that a run took.
#[derive(Serialize)]
struct ShardEntry {
    index: u32,
    of: u32,
    /// Of the whole list.
    list_tasks: usize,
}

/// A run that a merged journal holds tasks of.
#[derive(Serialize)]
struct Merged<'a> {
    endpoint: &'a str,
    started_at: String,
    ended_at: String,
    finished: bool,
    /// As in `2/4`.
    shard: Option<String>,
}

/// The shards that were not merged, as in `3/4`, and how many tasks they are.
#[derive(Serialize)]
struct MissingShards {
    shards: Vec<String>,
    tasks: usize,
}

impl<'a> Run<'a> {
    /// The run of a report, in the times of `zone`.
    pub(super) fn of(report: &'a Report<'_>, zone: &'a Zone) -> Self {
        let header = report.journal().header();
        let shard = header.shard.as_ref().map(|part| ShardEntry {
            index: part.shard.index().get(),
            of: part.shard.of().get(),
            list_tasks: part.list.list_tasks,
        });
        let runs =
            header.merged_from.iter().flat_map(|origin| origin.runs.iter().map(move |run| (origin, run)));
        let merged_from: Vec<Merged<'_>> = runs
            .map(|(origin, run)| Merged {
                endpoint: &origin.endpoint,
                started_at: zone.rfc3339(run.started_at),
                ended_at: zone.rfc3339(run.ended_at),
                finished: run.finished,
                shard: run.shard.map(|shard| shard.to_string()),
            })
            .collect();
        let Missing { shards, tasks } = report.missing();
        let missing = (!merged_from.is_empty()).then_some(MissingShards { shards, tasks });
        Self {
            shard,
            merged_from,
            missing,
            unlisted: report.unlisted(),
            endpoint: &header.endpoint,
            started_at: zone.rfc3339(header.started_at),
            ended_at: zone.rfc3339(report.journal().ended_at()),
            finished: report.journal().is_finished(),
            timezone: zone.name(),
        }
    }
}

/// What made a verification too old.
#[derive(Serialize)]
pub(super) struct Criteria {
    max_age_seconds: Option<u64>,
    not_before: Option<String>,
}

impl Criteria {
    /// Those of a report.
    pub(super) fn of(options: &Options) -> Self {
        Self {
            max_age_seconds: options.policy.max_age.map(|age| age.as_secs()),
            not_before: options.policy.not_before.map(|time| options.timezone.rfc3339(time)),
        }
    }
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
    row: &'a SummaryRow<'a>,
    zone: &'a Zone,
    age_seconds: Option<i64>,
    with_waivers: bool,
    labels: &'a [Label],
}

impl<'a> Serialize for Task<'a> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for column in SUMMARY {
            let cell = (column.cell)(self.row);
            map.serialize_entry(column.key, &Value { cell, zone: self.zone })?;
        }
        if self.with_waivers {
            let waived: Vec<WaivedEntry<'_>> = self.row.waived.iter().map(WaivedEntry::from).collect();
            map.serialize_entry("waived", &waived)?;
        }
        map.serialize_entry("age_seconds", &self.age_seconds)?;
        map.serialize_entry("sheet", self.row.sheet())?;
        map.serialize_entry("fetched_at", &self.row.fetched_at.map(|time| self.zone.rfc3339(time)))?;
        let value = |label: &'a Label| Some((&label.heading, self.row.task.labels.get(&label.name)?));
        let labels: BTreeMap<_, _> = self.labels.iter().filter_map(value).collect();
        map.serialize_entry("labels", &labels)?;
        map.end()
    }
}

/// A cell, with times in `zone`.
pub(super) struct Value<'a> {
    pub(super) cell: Cell<'a>,
    pub(super) zone: &'a Zone,
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.cell {
            Cell::Empty => serializer.serialize_unit(),
            Cell::Text(text) => serializer.serialize_str(text),
            Cell::Count(count) => serializer.serialize_u64(*count),
            Cell::Delta(delta) => serializer.serialize_i64(*delta),
            Cell::Share(share) => serializer.serialize_f64(*share),
            Cell::Time(time) => serializer.serialize_str(&self.zone.rfc3339(*time)),
            Cell::Verdict(verdict) => verdict.serialize(serializer),
            Cell::Change(change) => serializer.serialize_str(change.key()),
            Cell::Waiver(waiver) => serializer.serialize_str(&waiver.text(Language::English)),
            Cell::Label(text) => serializer.serialize_str(text),
            Cell::Notes(notes) => {
                serializer.collect_seq(notes.iter().map(|note| note.text(Language::English)))
            }
        }
    }
}
