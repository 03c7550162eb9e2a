//! Metrics of the run for Prometheus, as a file for node_exporter's textfile collector.
//!
//! Every sample has the file's name as its label `report`: the collector merges all files of a folder and
//! refuses duplicate samples.

use std::fmt::{Display, Write as _};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use super::error::Cause;
use crate::model::Verdict;
use crate::report::Report;

/// How all names begin.
const PREFIX: &str = "cutover_report_";
/// The end of the last run with a readable answer for every task. A later run without keeps the value,
/// so that an alert can measure its age.
const LAST_SUCCESS: &str = "last_success_timestamp_seconds";
/// How much of an earlier file is searched for it, in bytes.
const MAX_EARLIER: u64 = 1 << 20;

/// Writes the metrics of the file that replaces `path`; the existing file may hold the last success.
pub(super) fn write(report: &Report<'_>, path: &Path, to: &mut dyn Write) -> Result<(), Cause> {
    let last_success =
        if is_success(report) { Some(seconds(report.journal().ended_at())) } else { earlier_success(path) };
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(to.write_all(text(report, &name, last_success).as_bytes())?)
}

/// Whether the run ended with a readable answer for every task, and all tasks are shown.
fn is_success(report: &Report<'_>) -> bool {
    let is_answered = |verdict| !matches!(verdict, Verdict::FetchFailed | Verdict::Unreadable);
    let (rows, journal) = (report.rows(), report.journal());
    // A shard to which no task falls has nothing to fetch; a list without tasks is a mistake.
    let may_be_empty = journal.header().shard.as_ref().is_some_and(|part| part.list.list_tasks > 0);
    journal.is_finished()
        && report.is_whole()
        && report.filtered().is_none()
        && (may_be_empty || !rows.is_empty())
        && rows.iter().all(|row| is_answered(row.verdict))
}

fn text(report: &Report<'_>, name: &str, last_success: Option<f64>) -> String {
    let journal = report.journal();
    let (began, ended) = (journal.header().started_at, journal.ended_at());
    let oldest = report.oldest().and_then(|(row, _)| report.age(row));
    let attempts = || report.rows().iter().map(|row| u64::from(row.attempts));
    let mut metrics = Metrics { text: String::new(), report: escaped(name) };

    let version = [(Some(("version", env!("CARGO_PKG_VERSION"))), 1)];
    metrics.family("build_info", "Version that wrote this file.", version);
    let help = "1 if the answers are sample data, which is not evidence.";
    metrics.gauge("sample_data", help, u8::from(report.is_sample()));
    metrics.gauge("last_run_timestamp_seconds", "Time at which the run ended.", seconds(ended));
    let help =
        "1 if every task passes (waivers included), no evidence is missing and the data is not sample data.";
    metrics.gauge("ready", help, u8::from(report.is_ready()));
    let help = "1 if the report is filtered by --only or --where.";
    metrics.gauge("filtered", help, u8::from(report.filtered().is_some()));
    let help = "1 if the run ended with a readable answer for every task.";
    metrics.gauge("last_run_success", help, u8::from(is_success(report)));
    if let Some(time) = last_success {
        metrics.gauge(
            LAST_SUCCESS,
            "Time at which the last run with a readable answer for every task ended.",
            time,
        );
    }
    metrics.gauge("run_finished", "1 if the run ended.", u8::from(journal.is_finished()));
    let duration = ended.duration_since(began).as_secs_f64();
    metrics.gauge("run_duration_seconds", "Duration of the run.", duration);
    metrics.gauge("requests", "Requests of the run for results of tasks.", attempts().sum::<u64>());
    let retries = attempts().map(|attempts| attempts.saturating_sub(1)).sum::<u64>();
    metrics.gauge("retries", "Retries: requests of the run after the first of each task.", retries);
    let counts = report.counts();
    let tasks = counts.iter().map(|(verdict, count)| (Some(("verdict", verdict.key())), count));
    metrics.family("tasks", "Tasks by verdict.", tasks);
    if let Some(oldest) = oldest {
        let help = "Age of the oldest verification that decides a verdict, at the end of the run.";
        metrics.gauge("oldest_verification_age_seconds", help, oldest.as_secs_f64());
    }
    metrics.text
}

fn seconds(time: jiff::Timestamp) -> f64 {
    time.as_duration().as_secs_f64()
}

/// When the last success was, from the existing file at `path`; none if there is no file or it has none.
fn earlier_success(path: &Path) -> Option<f64> {
    // Reading a pipe would block.
    let file = path.is_file().then(|| File::open(path).ok())??;
    let mut text = String::new();
    file.take(MAX_EARLIER).read_to_string(&mut text).ok()?;
    let sample = |line: &str| {
        let sample = line.strip_prefix(PREFIX)?.strip_prefix(LAST_SUCCESS)?;
        let (labels, value) = sample.rsplit_once(' ')?;
        (labels.is_empty() || labels.starts_with('{')).then(|| value.parse::<f64>().ok())?
    };
    text.lines().find_map(sample).filter(|time| time.is_finite() && *time > 0.0)
}

/// The text format, one metric after the other.
struct Metrics {
    text: String,
    /// The label value that every sample carries, escaped.
    report: String,
}

impl Metrics {
    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, help, [(None, value)]);
    }

    /// A metric with its samples, each with a label of its own. Own labels need no escaping.
    fn family<'a, V: Display>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Option<(&'a str, &'a str)>, V)>,
    ) {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} gauge\n");
        for (label, value) in samples {
            let label = label.map(|(name, value)| format!(",{name}=\"{value}\"")).unwrap_or_default();
            let report = &self.report;
            let _ = writeln!(self.text, "{PREFIX}{name}{{report=\"{report}\"{label}}} {value}");
        }
    }
}

/// A label's value as the format wants it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
