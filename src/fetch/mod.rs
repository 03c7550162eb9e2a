//! The fetch pipeline: tasks in, records out, at the rate of the gate.

mod queue;

use std::cell::OnceCell;
use std::num::{NonZeroU32, NonZeroUsize};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, interval, sleep_until, timeout_at};

use crate::answer::is_json;
use crate::journal::{Answered, Failed, Outcome, Record};
use crate::model::{ClockOffset, FailureKind, Task};
use crate::sms::retry::{MAX_NOT_JSON, MAX_WAIT, delay};
use crate::sms::throttle::{Gate, Slowed};
use crate::sms::{self, Attempt, Client, Failure, Reply};
use queue::{Pending, Queue};

/// How long requests under way may take to end when the run is stopped.
pub const GRACE: Duration = Duration::from_secs(5);
/// How often [`Event::Tick`] comes.
const TICK: Duration = Duration::from_secs(1);

/// The limits of a run.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Maximum concurrent requests.
    pub concurrency: NonZeroUsize,
    /// Maximum requests per task. Connection failures do not count. If the service was never reached, this many in a
    /// row fail all tasks.
    pub max_attempts: NonZeroU32,
    /// Time limit of the run; tasks that are unfinished by then fail.
    pub deadline: Duration,
}

/// Progress of the pipeline.
#[derive(Debug)]
pub enum Event {
    /// A task has its answer, or failed.
    Finished(Record),
    /// A request failed and will be retried.
    Retrying {
        /// The task's place in the list.
        ordinal: usize,
        /// The kind of the failure.
        kind: FailureKind,
        /// The HTTP status, if there was an answer.
        status: Option<u16>,
        /// What went wrong.
        what: String,
        /// Time until the retry.
        wait: Duration,
    },
    /// Rate limiting by the service slowed the run. Sent once; the rate may change further.
    Slowed(Slowed),
    /// A second has passed; a good time to sync.
    Tick,
}

/// Why the pipeline stopped early.
#[derive(Debug, thiserror::Error)]
pub enum FetchError<E> {
    /// The credentials were refused; more requests could lock them.
    #[error("the credentials were refused: {}", .0.summary())]
    Refused(Box<Failure>),
    /// `stop` resolved.
    #[error("stopped")]
    Stopped,
    /// `consume` failed.
    #[error(transparent)]
    Consumer(E),
}

/// Fetches the tasks with the ordinals `wanted`, and passes each record to `consume` when it is complete, in any
/// order. For a server without a task nothing is requested.
///
/// A failed attempt frees its slot and waits in the queue, so retries do not block other tasks. `consume` must be
/// fast: requests make no progress while it runs. If the service cannot be reached at all, all tasks fail without
/// further attempts.
///
/// # Errors
/// When the credentials are refused or `stop` resolves: then no new requests are sent, and running ones have
/// [`GRACE`] to finish. Or the first error of `consume`.
pub async fn fetch_all<E>(
    client: &Client,
    gate: &Gate,
    tasks: &[Task],
    wanted: Vec<usize>,
    limits: Limits,
    stop: impl Future<Output = ()>,
    mut consume: impl FnMut(Event) -> Result<(), E>,
) -> Result<(), FetchError<E>> {
    let run = Run {
        client,
        gate,
        deadline: Instant::now() + limits.deadline,
        limits,
        sending: watch::Sender::new(true),
        unreachable: OnceCell::new(),
    };
    let queue = Arc::new(Queue::new(wanted));
    let mut attempts = Arc::clone(&queue)
        .into_stream()
        .filter_map(async |pending| tasks.get(pending.ordinal).map(|task| (task, pending)))
        .map(|(task, pending)| run.attempt(task, pending))
        .buffer_unordered(limits.concurrency.get())
        .boxed_local();
    let mut stop = pin!(stop);
    let mut tick = interval(TICK);
    let mut ending = None;
    let stop_sending = |why| {
        run.sending.send_replace(false);
        queue.close();
        (why, Instant::now() + GRACE)
    };
    loop {
        let end = ending.as_ref().map(|(_, end)| *end);
        let next = tokio::select! {
            next = attempts.next() => next,
            () = &mut stop, if end.is_none() => {
                ending = Some(stop_sending(FetchError::Stopped));
                continue;
            }
            () = sleep_until(end.unwrap_or_else(Instant::now)), if end.is_some() => break,
            _ = tick.tick() => {
                consume(Event::Tick).map_err(FetchError::Consumer)?;
                continue;
            }
        };
        let Some((pending, step)) = next else { break };
        if let Some(slowed) = gate.take_slowed() {
            consume(Event::Slowed(slowed)).map_err(FetchError::Consumer)?;
        }
        match step {
            Step::Finished(record) => {
                queue.mark_done();
                consume(Event::Finished(record)).map_err(FetchError::Consumer)?;
            }
            Step::Unreachable(record) => {
                run.sending.send_replace(false);
                queue.skip_delays();
                queue.mark_done();
                consume(Event::Finished(record)).map_err(FetchError::Consumer)?;
            }
            Step::Retry { kind, status, what, wait } => {
                let event = Event::Retrying { ordinal: pending.ordinal, kind, status, what, wait };
                queue.defer(pending, Instant::now() + wait);
                consume(event).map_err(FetchError::Consumer)?;
            }
            Step::Refused(failure) => {
                ending.get_or_insert_with(|| stop_sending(FetchError::Refused(failure)));
            }
            Step::Stopped => {}
        }
    }
    ending.map_or(Ok(()), |(why, _)| Err(why))
}

struct Run<'a> {
    client: &'a Client,
    gate: &'a Gate,
    limits: Limits,
    deadline: Instant,
    /// Whether further requests may be sent.
    sending: watch::Sender<bool>,
    /// Set when the service was never reached: the reason for every remaining task.
    unreachable: OnceCell<Failed>,
}

enum Step {
    Finished(Record),
    /// The service is unreachable: this task failed, and all others will.
    Unreachable(Record),
    Retry {
        kind: FailureKind,
        status: Option<u16>,
        what: String,
        wait: Duration,
    },
    Refused(Box<Failure>),
    /// The run was stopped before a request was sent.
    Stopped,
}

impl Run<'_> {
    async fn attempt(&self, task: &Task, mut pending: Pending) -> (Pending, Step) {
        let Some(task_id) = &task.task_id else {
            let step = Step::Finished(without_response(task, &pending, Outcome::NoTask));
            return (pending, step);
        };
        let mut attempt = None;
        let request = async {
            let mut sending = self.sending.subscribe();
            let permit = tokio::select! {
                biased;
                _ = sending.wait_for(|may_send| !may_send) => return None,
                permit = self.gate.acquire() => permit,
            };
            pending.attempts.count += 1;
            let sent = Instant::now();
            let outcome = self.client.consistency_result(task_id).await;
            attempt = Attempt::of(pending.attempts.count, sent.elapsed(), &outcome);
            Some((permit, outcome))
        };
        let step = match timeout_at(self.deadline, request).await {
            Err(_) => {
                let count = pending.attempts.count;
                tracing::info!(event = "deadline_passed", task_id = task_id.as_str(), attempt = count);
                pending.attempts.record_error(if pending.attempts.count == 0 {
                    "the run's deadline (--deadline) passed before this task was requested"
                } else {
                    "the run's deadline (--deadline) passed"
                });
                Step::Finished(out_of_time(task, &pending))
            }
            Ok(None) => match self.unreachable.get() {
                None => Step::Stopped,
                Some(why) => Step::Finished(without_response(task, &pending, Outcome::Failed(why.clone()))),
            },
            Ok(Some((permit, sms::Outcome::Answered(reply)))) => {
                self.gate.record_success(&permit);
                self.answered(task, &mut pending, reply)
            }
            Ok(Some((_, sms::Outcome::Refused(failure)))) => Step::Refused(Box::new(failure)),
            Ok(Some((permit, sms::Outcome::Failed(failure)))) => {
                let wait = self.gate.record_failure(&permit, pending.attempts.count, &failure);
                self.failed(task, &mut pending, failure, wait)
            }
        };
        if let Some(attempt) = attempt {
            let wait = if let Step::Retry { wait, .. } = &step { Some(*wait) } else { None };
            attempt.log(Some(task_id.as_str()), wait);
        }
        (pending, step)
    }

    fn answered(&self, task: &Task, pending: &mut Pending, reply: Reply) -> Step {
        if !is_json(&reply.body) {
            let what = "the response is not JSON";
            let wait = delay(pending.attempts.count, fastrand::f64(), None);
            if pending.attempts.record_error(what) < MAX_NOT_JSON
                && self.has_attempts_left(pending)
                && self.has_time(wait)
            {
                let (kind, status) = (FailureKind::NotJson, Some(reply.status));
                return Step::Retry { kind, status, what: what.to_owned(), wait };
            }
        }
        let Reply { status, request_id, sample_data, content_range, clock_offset, body, .. } = reply;
        let outcome = Outcome::Answered(Answered { status, sample_data, content_range, body });
        Step::Finished(record(task, pending, request_id, clock_offset, outcome))
    }

    fn failed(&self, task: &Task, pending: &mut Pending, failure: Failure, wait: Duration) -> Step {
        pending.attempts.record_error(&failure.what);
        if failure.kind.is_unreachable() {
            pending.attempts.connect_failures += 1;
            if self.gate.is_unreachable(&failure, self.limits.max_attempts) {
                let why = self.unreachable.get_or_init(|| Failed {
                    status: None,
                    code: None,
                    kind: Some(failure.kind),
                    message: failure.summary(),
                });
                return Step::Unreachable(without_response(task, pending, Outcome::Failed(why.clone())));
            }
        }
        let may_retry = failure.is_transient() && self.has_attempts_left(pending);
        if may_retry && wait > MAX_WAIT {
            pending.attempts.record_error(&format!(
                "the service asked to wait {} s, longer than the limit of {} s",
                wait.as_secs(),
                MAX_WAIT.as_secs()
            ));
        } else if may_retry && !self.has_time(wait) {
            pending.attempts.record_error("the run's deadline (--deadline) left no time for a retry");
        } else if may_retry {
            let Failure { kind, status, what, .. } = failure;
            return Step::Retry { kind, status, what, wait };
        }
        let error = failure.error;
        let mut summary = pending.attempts.summary();
        if let Some(advice) = failure.advice {
            summary = format!("{summary}; {advice}");
        }
        let message = match error.message {
            Some(text) if !text.is_empty() => format!("{text} ({summary})"),
            _ => summary,
        };
        let kind = Some(failure.kind);
        let outcome = Outcome::Failed(Failed { status: failure.status, code: error.code, kind, message });
        Step::Finished(record(task, pending, error.request_id, failure.clock_offset, outcome))
    }

    fn has_attempts_left(&self, pending: &Pending) -> bool {
        pending.attempts.count - pending.attempts.connect_failures < self.limits.max_attempts.get()
    }

    fn has_time(&self, wait: Duration) -> bool {
        Instant::now() + wait < self.deadline
    }
}

/// The record of a task that the deadline ended, with its failed attempts.
fn out_of_time(task: &Task, pending: &Pending) -> Record {
    let kind = Some(FailureKind::Deadline);
    let failed = Failed { status: None, code: None, kind, message: pending.attempts.summary() };
    without_response(task, pending, Outcome::Failed(failed))
}

fn without_response(task: &Task, pending: &Pending, outcome: Outcome) -> Record {
    record(task, pending, None, None, outcome)
}

fn record(
    task: &Task,
    pending: &Pending,
    request_id: Option<String>,
    clock_offset: Option<ClockOffset>,
    outcome: Outcome,
) -> Record {
    let now = Timestamp::now();
    Record {
        ordinal: pending.ordinal,
        task_id: task.task_id.clone(),
        fetched_at: Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now),
        clock_offset,
        attempts: pending.attempts.count,
        request_id,
        context: None,
        outcome,
    }
}
