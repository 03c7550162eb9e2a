//! Where a report comes from, and how its verdicts were decided.

use serde::Serialize;

use crate::journal::Missing;
use crate::model::ClockOffset;
use crate::report::{Options, Report, Zone};

/// Where a report comes from.
#[derive(Serialize)]
pub(in crate::output) struct Run<'a> {
    endpoint: &'a str,
    started_at: String,
    ended_at: String,
    finished: bool,
    /// How far the service's clock was ahead of the machine's; none if no answer shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_offset_seconds: Option<ClockOffset>,
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

/// The shard of a list that a run took.
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
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_offset_seconds: Option<ClockOffset>,
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
    pub(in crate::output) fn of(report: &'a Report<'_>, zone: &'a Zone) -> Self {
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
                clock_offset_seconds: run.clock_offset_s,
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
            clock_offset_seconds: report.journal().clock_offset(),
            timezone: zone.name(),
        }
    }
}

/// What makes a verification stale.
#[derive(Serialize)]
pub(in crate::output) struct Criteria {
    max_age_seconds: Option<u64>,
    not_before: Option<String>,
}

impl Criteria {
    /// Those of a report.
    pub(in crate::output) fn of(options: &Options) -> Self {
        Self {
            max_age_seconds: options.policy.max_age.map(|age| age.as_secs()),
            not_before: options.policy.not_before.map(|time| options.timezone.rfc3339(time)),
        }
    }
}
