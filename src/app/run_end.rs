//! Statistics of a run, for its final log event.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::exit::Exit;

/// The statistics of a run.
#[derive(Debug, Default)]
struct Numbers {
    requests: u64,
    /// By cause: an HTTP status, or the kind of failure.
    retries: BTreeMap<String, u64>,
    /// By verdict; none if no report was made.
    tasks: Option<BTreeMap<&'static str, u64>>,
    fetching: Duration,
    reporting: Duration,
}

/// One process is one run.
static NUMBERS: Mutex<Option<Numbers>> = Mutex::new(None);

fn with(change: impl FnOnce(&mut Numbers)) {
    let mut numbers: MutexGuard<'_, Option<Numbers>> = NUMBERS.lock().unwrap_or_else(PoisonError::into_inner);
    change(numbers.get_or_insert_default());
}

/// Records the statistics of fetching.
pub(crate) fn fetched(requests: u64, retries: BTreeMap<String, u64>, time: Duration) {
    with(|numbers| {
        numbers.requests = requests;
        numbers.retries = retries;
        numbers.fetching = time;
    });
}

/// Records the verdicts of a report, by key, and the time to write it.
pub(crate) fn reported(verdicts: impl Iterator<Item = &'static str>, time: Duration) {
    with(|numbers| {
        let tasks = numbers.tasks.get_or_insert_default();
        tasks.clear();
        verdicts.for_each(|key| *tasks.entry(key).or_default() += 1);
        numbers.reporting = time;
    });
}

/// Logs the end of a run, if it fetched or reported something.
pub(crate) fn log(exit: Exit) {
    let numbers = NUMBERS.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(numbers) = numbers else { return };
    let object = |value: serde_json::Result<Value>| value.unwrap_or_default().to_string();
    tracing::info!(
        event = "run_finished",
        exit = exit.code(),
        requests = numbers.requests,
        retries = object(serde_json::to_value(&numbers.retries)),
        tasks = object(serde_json::to_value(numbers.tasks.unwrap_or_default())),
        fetch_seconds = numbers.fetching.as_secs_f64(),
        report_seconds = numbers.reporting.as_secs_f64(),
    );
}
