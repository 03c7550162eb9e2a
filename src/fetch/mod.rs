//! The pipeline: tasks in, records out, at the rate of the gate.

mod queue;

use std::cell::OnceCell;
use std::num::{NonZeroU32, NonZeroUsize};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::time::{Instant, interval, sleep_until, timeout_at};

use crate::answer::is_json;
use crate::journal::{Answered, Failed, Outcome, Record};
use crate::model::{ClockOffset, FailureKind, Task};
use crate::sms::retry::{LONGEST_WAIT, NO_JSON, delay};
use crate::sms::throttle::{Gate, Slowed};
use crate::sms::{self, Attempt, Client, Failure, Reply};
use queue::{Pending, Queue};

/// How long requests under way may take to end when the run is stopped.
pub const GRACE: Duration = Duration::from_secs(5);
/// How often [`Event::Tick`] comes.
const TICK: Duration = Duration::from_secs(1);

/// What bounds a run.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Requests under way at once.
    pub concurrency: NonZeroUsize,
    /// Requests for one task. Those that find no connection count only until the service was reached
    /// once: so many in a row then end the run.
    pub max_attempts: NonZeroU32,
    /// The time for the whole run; tasks that are not done by then fail.
    pub deadline: Duration,
}

/// What the pipeline tells as it goes.
#[derive(Debug)]
pub enum Event {
    /// A task is done, for better or worse.
    Finished(Record),
    /// A request failed and will be made again.
    Retrying {
        /// The task's place in the list.
        ordinal: usize,
        /// The kind of the failure.
        kind: FailureKind,
        /// The HTTP status, if there was an answer.
        status: Option<u16>,
        /// What went wrong.
        what: String,
        /// The time until the next try.
        wait: Duration,
    },
    /// The service's refusals have made the run slower. Told once; the rate goes on to follow them.
    Slowed(Slowed),
    /// A second has passed: what was finished in it may be made to last.
    Tick,
}

/// Why the pipeline stopped before its end.
#[derive(Debug, thiserror::Error)]
pub enum FetchError<E> {
    /// The credentials were refused; asking on could lock them.
    #[error("the credentials were refused: {}", .0.summary())]
    Refused(Box<Failure>),
    /// The caller asked for it.
    #[error("stopped")]
    Stopped,
    /// Whoever takes the events could not.
    #[error(transparent)]
    Consumer(E),
}

/// Fetches the tasks of the ordinals `wanted` and hands each record on as soon as it is there, in any order.
/// For a server without a task nothing is requested.
///
/// A failed attempt gives its place back and waits in the queue, so a task that is being waited for
/// never keeps a healthy one from being asked. `consume` must be quick: requests stand still while it runs.
/// If the service cannot be reached at all, every task is soon recorded as failed.
///
/// # Errors
/// The first refusal of the credentials or the end of `stop`, after either of which nothing more is asked and
/// requests under way have [`GRACE`] to bring what they were sent for; or the first error of `consume`.
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
        going: Semaphore::new(0),
        out_of_reach: OnceCell::new(),
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
    let wind_up = |why| {
        run.going.close();
        queue.close();
        (why, Instant::now() + GRACE)
    };
    loop {
        let end = ending.as_ref().map(|(_, end)| *end);
        let next = tokio::select! {
            next = attempts.next() => next,
            () = &mut stop, if end.is_none() => {
                ending = Some(wind_up(FetchError::Stopped));
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
                queue.settle();
                consume(Event::Finished(record)).map_err(FetchError::Consumer)?;
            }
            Step::OutOfReach(record) => {
                run.going.close();
                queue.hurry();
                queue.settle();
                consume(Event::Finished(record)).map_err(FetchError::Consumer)?;
            }
            Step::Again { kind, status, what, wait } => {
                let event = Event::Retrying { ordinal: pending.ordinal, kind, status, what, wait };
                queue.defer(pending, Instant::now() + wait);
                consume(event).map_err(FetchError::Consumer)?;
            }
            Step::Refused(failure) => {
                ending.get_or_insert_with(|| wind_up(FetchError::Refused(failure)));
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
    /// Never has a permit; closed when no further request is to be sent.
    going: Semaphore,
    /// Why the service was never reached, once the run is given up for it. Of every task that is left, this is
    /// the whole reason.
    out_of_reach: OnceCell<Failed>,
}

enum Step {
    Finished(Record),
    /// The task failed, and so will all others.
    OutOfReach(Record),
    Again {
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
            let step = Step::Finished(record(task, &pending, None, None, Outcome::NoTask));
            return (pending, step);
        };
        let request = async {
            let permit = tokio::select! {
                biased;
                _ = self.going.acquire() => return None,
                permit = self.gate.pass() => permit,
            };
            pending.tried.count += 1;
            let sent = Instant::now();
            let outcome = self.client.consistency_result(task_id).await;
            let logged = Attempt::of(pending.tried.count, sent.elapsed(), &outcome);
            Some((permit, outcome, logged))
        };
        let mut logged = None;
        let outcome = timeout_at(self.deadline, request).await.map(|sent| {
            sent.map(|(permit, outcome, attempt)| {
                logged = attempt;
                (permit, outcome)
            })
        });
        let step = match outcome {
            Err(_) => {
                let attempt = pending.tried.count;
                tracing::info!(event = "deadline_passed", task_id = task_id.as_str(), attempt);
                pending.tried.note(if pending.tried.count == 0 {
                    "the run's deadline (--deadline) passed before its turn"
                } else {
                    "the run's deadline (--deadline) passed"
                });
                Step::Finished(out_of_time(task, &pending))
            }
            Ok(None) => match self.out_of_reach.get() {
                None => Step::Stopped,
                Some(why) => Step::Finished(record(task, &pending, None, None, Outcome::Failed(why.clone()))),
            },
            Ok(Some((permit, sms::Outcome::Answered(reply)))) => {
                self.gate.admitted(&permit);
                self.answered(task, &mut pending, reply)
            }
            Ok(Some((_, sms::Outcome::Refused(failure)))) => Step::Refused(Box::new(failure)),
            Ok(Some((permit, sms::Outcome::Failed(failure)))) => {
                let wait = self.gate.failed(&permit, pending.tried.count, &failure);
                self.failed(task, &mut pending, failure, wait)
            }
        };
        if let Some(logged) = logged {
            let wait = if let Step::Again { wait, .. } = &step { Some(*wait) } else { None };
            logged.log(Some(task_id.as_str()), wait);
        }
        (pending, step)
    }

    fn answered(&self, task: &Task, pending: &mut Pending, reply: Reply) -> Step {
        if !is_json(&reply.body) {
            let what = "the answer is no JSON";
            let wait = delay(pending.tried.count, fastrand::f64(), None);
            if pending.tried.note(what) < NO_JSON && self.may_try(pending) && self.has_time(wait) {
                let (kind, status) = (FailureKind::NotJson, Some(reply.status));
                return Step::Again { kind, status, what: what.to_owned(), wait };
            }
        }
        let Reply { status, request_id, sample_data, content_range, clock_offset, body, .. } = reply;
        let outcome = Outcome::Answered(Answered { status, sample_data, content_range, body });
        Step::Finished(record(task, pending, request_id, clock_offset, outcome))
    }

    fn failed(&self, task: &Task, pending: &mut Pending, failure: Failure, wait: Duration) -> Step {
        pending.tried.note(&failure.what);
        if failure.kind.is_unreachable() {
            pending.tried.missed += 1;
            if self.gate.is_out_of_reach(&failure, self.limits.max_attempts) {
                let why = self.out_of_reach.get_or_init(|| Failed {
                    status: None,
                    code: None,
                    kind: Some(failure.kind),
                    message: failure.summary(),
                });
                return Step::OutOfReach(record(task, pending, None, None, Outcome::Failed(why.clone())));
            }
        }
        let may_try = failure.is_transient() && self.may_try(pending);
        if may_try && wait > LONGEST_WAIT {
            pending.tried.note(&format!("asked to wait {} s, which is too long", wait.as_secs()));
        } else if may_try && !self.has_time(wait) {
            pending.tried.note("the run's deadline (--deadline) left no time for another try");
        } else if may_try {
            let Failure { kind, status, what, .. } = failure;
            return Step::Again { kind, status, what, wait };
        }
        let error = failure.error;
        let mut tried = pending.tried.summary();
        if let Some(advice) = failure.advice {
            tried = format!("{tried}; {advice}");
        }
        let message = match error.message {
            Some(said) if !said.is_empty() => format!("{said} ({tried})"),
            _ => tried,
        };
        let kind = Some(failure.kind);
        let outcome = Outcome::Failed(Failed { status: failure.status, code: error.code, kind, message });
        Step::Finished(record(task, pending, error.request_id, failure.clock_offset, outcome))
    }

    fn may_try(&self, pending: &Pending) -> bool {
        pending.tried.count - pending.tried.missed < self.limits.max_attempts.get()
    }

    fn has_time(&self, wait: Duration) -> bool {
        Instant::now() + wait < self.deadline
    }
}

/// A task that the deadline ended; the message says what was tried.
fn out_of_time(task: &Task, pending: &Pending) -> Record {
    let kind = Some(FailureKind::Deadline);
    let failed = Failed { status: None, code: None, kind, message: pending.tried.summary() };
    record(task, pending, None, None, Outcome::Failed(failed))
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
        attempts: pending.tried.count,
        request_id,
        outcome,
    }
}
