//! A history for machines.

use std::io::Write;

use serde::Serialize;

use crate::model::{Language, TOOL, Verdict};
use crate::output::error::Cause;
use crate::output::history_document::HistoryDocument;
use crate::output::json::{Counts, Criteria, FORMAT, write_json};
use crate::report::{Course, History, NightSummary, Status, Zone};

/// Writes the document of a history, `"format": 1`.
///
/// # Errors
/// What the writer says.
pub(super) fn write(document: &HistoryDocument<'_>, to: &mut dyn Write) -> Result<(), Cause> {
    let HistoryDocument { history, options } = document;
    let zone = &options.timezone;
    let document = Document {
        format: FORMAT,
        tool: TOOL,
        sample_data: history.is_sample(),
        headline: history.headline(Language::English),
        timezone: zone.name(),
        judged: history.judged(Language::English),
        criteria: Criteria::of(options),
        warnings: history.warnings(zone, Language::English),
        nights: history.nights().iter().map(|night| Night::new(night, zone)).collect(),
        tasks: history.tasks().iter().map(|task| Task::new(task, history, zone)).collect(),
    };
    write_json(&document, to)
}

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    tool: &'static str,
    sample_data: bool,
    headline: String,
    timezone: &'a str,
    judged: &'static str,
    criteria: Criteria,
    warnings: Vec<String>,
    nights: Vec<Night<'a>>,
    tasks: Vec<Task<'a>>,
}

/// A night. Times are RFC 3339.
#[derive(Serialize)]
struct Night<'a> {
    started_at: String,
    ended_at: String,
    status: Status,
    finished: bool,
    missing_shards: &'a [String],
    /// Tasks with a record.
    tasks: usize,
    passing: usize,
    /// Null if listed tasks have no record: then the number is not known.
    not_passing: Option<usize>,
    /// Listed tasks without a record.
    not_fetched: usize,
    /// Tasks of the history without a result.
    gaps: usize,
    counts: Counts<Verdict>,
    journals: &'a [String],
    /// Earlier runs of the same list, which do not count.
    superseded: &'a [String],
}

impl<'a> Night<'a> {
    fn new(night: &'a NightSummary, zone: &Zone) -> Self {
        Self {
            started_at: zone.rfc3339(night.started_at),
            ended_at: zone.rfc3339(night.ended_at),
            status: night.status,
            finished: night.finished,
            missing_shards: &night.missing_shards,
            tasks: night.tasks(),
            passing: night.passing(),
            not_passing: night.is_whole().then(|| night.not_passing()),
            not_fetched: night.not_fetched,
            gaps: night.gaps,
            counts: Counts(night.counts.clone()),
            journals: &night.journals,
            superseded: &night.superseded,
        }
    }
}

/// A task. Nights are given by the end of the run; `verdicts` and `differences` have a value per night, null at a gap.
#[derive(Serialize)]
struct Task<'a> {
    task_id: Option<&'a str>,
    source_name: Option<&'a str>,
    source_id: Option<&'a str>,
    listed: bool,
    first_passed: Option<String>,
    last_got_worse: Option<String>,
    changes: usize,
    nights_without_evidence: usize,
    nights_without_progress: usize,
    verdicts: Vec<Option<Verdict>>,
    differences: Vec<Option<u64>>,
    /// The nights, by run end, that show a synchronisation.
    synchronised: Vec<String>,
}

impl<'a> Task<'a> {
    fn new(task: &'a Course, history: &History, zone: &Zone) -> Self {
        let ended = |night| history.ended_at(night).map(|time| zone.rfc3339(time));
        // Without a verification no difference is known.
        let differences = task.findings.iter().map(|finding| {
            finding.filter(|finding| finding.verdict.has_evidence()).map(|finding| finding.differences)
        });
        let marked = task.synchronised().iter().enumerate().filter(|(_, is_marked)| **is_marked);
        let synchronised = marked.filter_map(|(night, _)| ended(Some(night)));
        Self {
            task_id: task.task_id(),
            source_name: task.source_name(),
            source_id: task.source_id(),
            listed: task.is_listed,
            first_passed: ended(task.first_passed()),
            last_got_worse: ended(task.last_got_worse()),
            changes: task.changes(),
            nights_without_evidence: task.nights_without_evidence(),
            nights_without_progress: task.nights_without_progress(),
            verdicts: task.verdicts().collect(),
            differences: differences.collect(),
            synchronised: synchronised.collect(),
        }
    }
}
