//! Hints: what to do next, by the kinds of failures in a run.

use std::collections::BTreeMap;

use crate::cli::Typed;
use crate::fetch::Event;
use crate::journal::{Failed, Outcome};
use crate::model::{FailureKind, Rate};
use crate::sms::Failure;

/// A hint needs this many tasks (or all, if there are fewer), and one in this many of all.
const HINT_THRESHOLD: (usize, usize) = (3, 10);

/// The permissions for listing the account's tasks.
pub(crate) const LISTING: &str = "listing needs sms:server:queryServer and sms:server:listTask";

/// The permission for listing its tasks alone.
pub(crate) const LISTING_TASKS: &str = "a plan without task ids needs the permission sms:server:listTask";
/// The permission for listing its source servers alone.
pub(crate) const LISTING_SERVERS: &str =
    "a plan without task ids needs the permission sms:server:queryServer";

/// The permission for reading the context of tasks.
pub(crate) const LISTING_CONTEXT: &str = "the context needs the permission sms:server:listTask";

/// The failure in one line, with the permission that it needs if it was forbidden (403).
pub(crate) fn denied(failure: &Failure, permission: &str) -> String {
    match failure.status {
        Some(403) => format!("{}; {permission}", failure.summary()),
        _ => failure.summary(),
    }
}

/// Counts what happened while tasks were fetched.
#[derive(Debug, Default)]
pub(crate) struct RunStats {
    tasks: usize,
    forbidden: usize,
    unknown: usize,
    unreachable: usize,
    too_large: usize,
    out_of_time: usize,
    throttled: usize,
    /// By HTTP status or kind of failure.
    retries: BTreeMap<String, u64>,
}

/// The likely cause of a failed task.
enum LikelyCause {
    Forbidden,
    Unknown,
    Unreachable,
    TooLarge,
    OutOfTime,
}

/// The likely cause of a failure, if there is a hint for it.
fn likely_cause(kind: FailureKind, status: Option<u16>) -> Option<LikelyCause> {
    use FailureKind as K;
    match (kind, status) {
        (K::Status, Some(403)) => Some(LikelyCause::Forbidden),
        (K::Status, Some(404)) => Some(LikelyCause::Unknown),
        (K::TooLarge, _) => Some(LikelyCause::TooLarge),
        (K::Deadline, _) => Some(LikelyCause::OutOfTime),
        (K::Timeout | K::ConnectionLost | K::Protocol | K::Other, _) => Some(LikelyCause::Unreachable),
        (kind, _) => kind.is_unreachable().then_some(LikelyCause::Unreachable),
    }
}

/// The key of a failure in the log: a status, as in `429`, or the kind as in journals.
fn cause(kind: FailureKind, status: Option<u16>) -> String {
    match (kind, status) {
        (FailureKind::Status, Some(status)) => status.to_string(),
        _ => serde_json::to_value(kind)
            .ok()
            .and_then(|kind| Some(kind.as_str()?.to_owned()))
            .unwrap_or_default(),
    }
}

impl RunStats {
    /// Counts an event.
    pub(crate) fn record(&mut self, event: &Event) {
        match event {
            Event::Finished(record) => {
                self.tasks += 1;
                if let Outcome::Failed(Failed { kind: Some(kind), status, .. }) = &record.outcome {
                    match likely_cause(*kind, *status) {
                        Some(LikelyCause::Forbidden) => self.forbidden += 1,
                        Some(LikelyCause::Unknown) => self.unknown += 1,
                        Some(LikelyCause::Unreachable) => self.unreachable += 1,
                        Some(LikelyCause::TooLarge) => self.too_large += 1,
                        Some(LikelyCause::OutOfTime) => self.out_of_time += 1,
                        None => {}
                    }
                }
            }
            Event::Retrying { kind, status, .. } => {
                self.throttled += usize::from(*status == Some(429));
                *self.retries.entry(cause(*kind, *status)).or_default() += 1;
            }
            Event::Slowed(_) | Event::Tick => {}
        }
    }

    /// How many retries there were, by cause: an HTTP status, or the kind of failure.
    pub(crate) fn retries(&self) -> &BTreeMap<String, u64> {
        &self.retries
    }

    /// What to do next. `learned_rate` is the rate that the gate learned.
    pub(crate) fn hints(&self, learned_rate: Option<Rate>, typed: &Typed) -> Vec<String> {
        let is_many = |count: usize| {
            count >= HINT_THRESHOLD.0.min(self.tasks) && count * HINT_THRESHOLD.1 >= self.tasks && count > 0
        };
        let compare = typed.reconcile();
        let compare = compare.map_or_else(String::new, |command| {
            format!("; to compare the list with the account: `{command}`")
        });
        let of_tasks = [
            (
                self.forbidden,
                format!(
                    "{} tasks were forbidden (403): the user needs the permission sms:server:getConsistencyCheckResult",
                    self.forbidden
                ),
            ),
            (
                self.unknown,
                format!(
                    "{} tasks are not known to the service (404): check region and account{compare}",
                    self.unknown
                ),
            ),
            (
                self.unreachable,
                format!(
                    "{} tasks got no response; to check the network, the certificate and the clock: `{}`",
                    self.unreachable,
                    typed.doctor()
                ),
            ),
            (
                self.too_large,
                format!(
                    "{} responses were larger than --max-response: if they are from the service itself, raise it",
                    self.too_large
                ),
            ),
            (
                self.out_of_time,
                format!(
                    "{} tasks were not fetched before the deadline: raise --deadline, or --rate if the service allows it",
                    self.out_of_time
                ),
            ),
        ];
        let of_tasks = of_tasks.into_iter().filter(|(count, _)| is_many(*count));
        let mut hints: Vec<String> = of_tasks.map(|(_, hint)| hint).collect();
        if let Some(rate) = learned_rate {
            hints.push(format!(
                "the service rejected {} requests as above its rate limit (429): to avoid that, set rate = \"{rate}\" in the config \
                 file, or --rate {rate}",
                self.throttled
            ));
        }
        hints
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Record;

    fn stats(failures: &[(FailureKind, Option<u16>)]) -> RunStats {
        let mut stats = RunStats::default();
        for (kind, status) in failures {
            // Words in the message do not decide the hint.
            let message = "429 --max-response deadline invalid peer certificate".to_owned();
            stats.record(&Event::Finished(Record {
                ordinal: 0,
                task_id: crate::model::TaskId::new("t").ok(),
                fetched_at: jiff::Timestamp::UNIX_EPOCH,
                clock_offset: None,
                attempts: 1,
                request_id: None,
                context: None,
                outcome: Outcome::Failed(Failed { status: *status, code: None, kind: Some(*kind), message }),
            }));
        }
        stats
    }

    #[test]
    fn every_failure_kind_has_its_hint() {
        let statuses = [400, 403, 404, 429, 500].map(|status| (FailureKind::Status, Some(status)));
        let kinds = FailureKind::ALL.into_iter().filter(|kind| *kind != FailureKind::Status);
        let rows = statuses.into_iter().chain(kinds.map(|kind| (kind, None))).map(|(kind, status)| {
            let hints = stats(&[(kind, status)]).hints(None, &Typed::default()).join(" | ");
            format!("{:20} {:5} {hints}", format!("{kind:?}"), status.unwrap_or_default())
        });
        insta::assert_snapshot!(rows.map(|row| row.trim_end().to_owned()).collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn hints_with_few_failures_among_many_tasks_are_left_out() {
        let mut failures = vec![(FailureKind::Status, Some(500)); 30];
        failures.push((FailureKind::Status, Some(403)));
        assert_eq!(stats(&failures).hints(None, &Typed::default()), Vec::<String>::new());
    }

    #[test]
    fn throttled_requests_are_counted_by_their_status() {
        let mut stats = RunStats::default();
        for status in [Some(429), Some(503), None] {
            let (kind, what) = (FailureKind::Status, "429".to_owned());
            stats.record(&Event::Retrying {
                ordinal: 0,
                kind,
                status,
                what,
                wait: std::time::Duration::ZERO,
            });
        }
        let hints = stats.hints(Some("5/s".parse().unwrap()), &Typed::default());
        assert!(hints[0].contains("rejected 1 requests"), "{hints:?}");
    }
}
