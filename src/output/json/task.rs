//! A task in the summary document.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{Language, Verdict};
use crate::report::{Expiry, Label, Report, SummaryRow, Waived};

/// A task. Times are RFC 3339, in the report's zone; counts are of files.
#[derive(Serialize)]
pub(super) struct TaskEntry<'a> {
    task_id: Option<&'a str>,
    source_server: Option<&'a str>,
    source_id: Option<&'a str>,
    verdict: Verdict,
    last_verified: Option<String>,
    check_result: Option<&'a str>,
    directories: Option<u64>,
    total_files: Option<u64>,
    different: Option<u64>,
    missing_at_target: Option<u64>,
    redundant_at_target: Option<u64>,
    verifications: Option<u64>,
    response_shape: Option<&'static str>,
    attempts: u32,
    error_code: Option<&'a str>,
    error_message: Option<&'a str>,
    request_id: Option<&'a str>,
    notes: Vec<String>,
    last_synchronised: Option<String>,
    mode: Option<&'a str>,
    /// Those configured that are not in the verification or illegal; none if the context is not known.
    not_verified_directories: Option<&'a [String]>,
    task_state: Option<&'a str>,
    /// When the context was read; none if it is not known.
    context_read_at: Option<String>,
    /// In a report with waivers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    waived: Option<Vec<WaivedEntry<'a>>>,
    /// Why the task does not pass; none if it passes.
    reason: Option<String>,
    age_seconds: Option<i64>,
    sheet: &'a str,
    fetched_at: Option<String>,
    /// By heading, which is the label's name unless a column has that name.
    labels: BTreeMap<&'a str, &'a str>,
}

impl<'a> TaskEntry<'a> {
    pub(super) fn new(report: &'a Report<'_>, row: &'a SummaryRow<'_>) -> Self {
        let zone = &report.options().timezone;
        let (totals, context) = (row.totals.as_ref(), row.context.as_ref());
        let text = |text: &'a Option<String>| text.as_deref();
        let value = |label: &'a Label| Some((label.heading.as_str(), row.task.labels.get(&label.name)?));
        let labels = report.labels().iter().filter_map(value).collect();
        Self {
            task_id: row.task.task_id.as_ref().map(|id| id.as_str()),
            source_server: text(&row.task.source_name),
            source_id: text(&row.task.source_id),
            verdict: row.verdict,
            last_verified: row.last_verified.map(|time| zone.rfc3339(time)),
            check_result: row.check_result.as_deref(),
            directories: totals.map(|totals| totals.directories),
            total_files: totals.map(|totals| totals.total),
            different: totals.map(|totals| totals.different),
            missing_at_target: totals.map(|totals| totals.missing),
            redundant_at_target: totals.map(|totals| totals.redundant),
            verifications: row.verifications,
            response_shape: row.shape.map(|shape| shape.key()),
            attempts: row.attempts,
            error_code: row.error_code.as_deref(),
            error_message: row.error_message.as_deref(),
            request_id: row.request_id.as_deref(),
            notes: row.notes.iter().map(|note| note.text(Language::English)).collect(),
            last_synchronised: context
                .and_then(|context| context.last_synchronised)
                .map(|time| zone.rfc3339(time)),
            mode: context.and_then(|context| context.mode.as_deref()),
            not_verified_directories: context.map(|context| context.not_verified.as_slice()),
            task_state: context.and_then(|context| context.state.as_deref()),
            context_read_at: context.map(|context| zone.rfc3339(context.read_at)),
            waived: report.waivers().map(|_| row.waived.iter().map(WaivedEntry::from).collect()),
            reason: Some(row.reason(Language::English, zone)).filter(|reason| !reason.is_empty()),
            age_seconds: report.age(row).map(|age| age.as_secs()),
            sheet: report.sheet(row),
            fetched_at: row.fetched_at.map(|time| zone.rfc3339(time)),
            labels,
        }
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
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    synchronised: bool,
    reason: &'a str,
    owner: Option<&'a str>,
    ticket: Option<&'a str>,
    expires: Option<&'a Expiry>,
}

impl<'a> From<&'a Waived> for WaivedEntry<'a> {
    fn from(Waived { check, waiver, inconclusive, synchronised }: &'a Waived) -> Self {
        Self {
            directory: &check.directory,
            different: check.different,
            missing: check.missing,
            redundant: check.redundant,
            inconclusive: *inconclusive,
            synchronised: *synchronised,
            reason: &waiver.reason,
            owner: waiver.owner.as_deref(),
            ticket: waiver.ticket.as_deref(),
            expires: waiver.expires.as_ref(),
        }
    }
}
