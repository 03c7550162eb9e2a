//! The pipeline: tasks in, records out, at the rate of the gate.

mod queue;

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::journal::{Answered, Failed, Outcome, Record};
use crate::model::Task;
use crate::sms::retry::LONGEST_WAIT;
use crate::sms::throttle::{Gate, Slowed};
use crate::sms::{self, Client, Failure};
use queue::{Pending, Queue};

/// How long requests under way may take to end when the run is stopped.
const GRACE: Duration = Duration::from_secs(5);

/// What bounds a run.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Requests under way at once.
    pub concurrency: NonZeroUsize,
    /// Requests for one task.
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
        /// What went wrong.
        what: String,
        /// The time until the next try.
        wait: Duration,
    },
    /// The service's refusals have made the run slower. Told once; the rate goes on to follow them.
    Slowed(Slowed),
}

/// Why the pipeline stopped before its end.
#[derive(Debug, thiserror::Error)]
pub enum FetchError<E> {
    /// The credentials were refused; asking on could lock them.
    #[error("the credentials were refused: {}", .0.summary())]
    Refused(Box<Failure>),
    /// Whoever takes the events could not.
    #[error(transparent)]
    Consumer(E),
}

/// Fetches every task and hands each record on as soon as it is there, in any order.
///
/// A failed attempt gives its place back and waits in the queue, so a task that is being waited for
/// never keeps a healthy one from being asked. `consume` must be quick: requests stand still while it runs.
///
/// # Errors
/// The first refusal of the credentials, after which nothing more is asked and requests under way have
/// five seconds to bring what they were sent for; or the first error of `consume`.
pub async fn fetch_all<E>(
    client: &Client,
    gate: &Gate,
    tasks: &[Task],
    limits: Limits,
    mut consume: impl FnMut(Event) -> Result<(), E>,
) -> Result<(), FetchError<E>> {
    let run =
        Run { client, gate, deadline: Instant::now() + limits.deadline, limits, going: Semaphore::new(0) };
    let queue = Arc::new(Queue::new(tasks.len()));
    let mut attempts = Arc::clone(&queue)
        .into_stream()
        .filter_map(async |pending| tasks.get(pending.ordinal).map(|task| (task, pending)))
        .map(|(task, pending)| run.attempt(task, pending))
        .buffer_unordered(limits.concurrency.get())
        .boxed_local();
    let mut refused = None;
    loop {
        let next = match &refused {
            None => attempts.next().await,
            Some((_, end)) => timeout_at(*end, attempts.next()).await.unwrap_or(None),
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
            Step::Again { what, wait } => {
                let event = Event::Retrying { ordinal: pending.ordinal, what, wait };
                queue.defer(pending, Instant::now() + wait);
                consume(event).map_err(FetchError::Consumer)?;
            }
            Step::Refused(failure) => {
                run.going.close();
                queue.close();
                refused.get_or_insert((failure, Instant::now() + GRACE));
            }
            Step::Stopped => {}
        }
    }
    match refused {
        Some((failure, _)) => Err(FetchError::Refused(failure)),
        None => Ok(()),
    }
}

struct Run<'a> {
    client: &'a Client,
    gate: &'a Gate,
    limits: Limits,
    deadline: Instant,
    /// Never has a permit; closed when no further request is to be sent.
    going: Semaphore,
}

enum Step {
    Finished(Record),
    Again {
        what: String,
        wait: Duration,
    },
    Refused(Box<Failure>),
    /// The run was stopped before a request was sent.
    Stopped,
}

impl Run<'_> {
    async fn attempt(&self, task: &Task, mut pending: Pending) -> (Pending, Step) {
        let request = async {
            let permit = tokio::select! {
                biased;
                _ = self.going.acquire() => return None,
                permit = self.gate.pass() => permit,
            };
            pending.tried.count += 1;
            Some((permit, self.client.consistency_result(&task.task_id).await))
        };
        let outcome = timeout_at(self.deadline, request).await;
        let step = match outcome {
            Err(_) => {
                pending.tried.note("the run's deadline passed");
                self.give_up(
                    task,
                    &pending,
                    Failed { status: None, code: None, message: String::new() },
                    None,
                )
            }
            Ok(None) => Step::Stopped,
            Ok(Some((permit, sms::Outcome::Answered(reply)))) => {
                self.gate.admitted(&permit);
                let sms::Reply { status, request_id, sample_data, body, .. } = reply;
                let outcome = Outcome::Answered(Answered { status, sample_data, body });
                Step::Finished(record(task, &pending, request_id, outcome))
            }
            Ok(Some((_, sms::Outcome::Refused(failure)))) => Step::Refused(Box::new(failure)),
            Ok(Some((permit, sms::Outcome::Failed(failure)))) => {
                let wait = self.gate.failed(&permit, pending.tried.count, &failure);
                self.failed(task, &mut pending, failure, wait)
            }
        };
        (pending, step)
    }

    fn failed(&self, task: &Task, pending: &mut Pending, failure: Failure, wait: Duration) -> Step {
        pending.tried.note(&failure.what);
        let may_try = failure.transient && pending.tried.count < self.limits.max_attempts.get();
        if may_try && wait > LONGEST_WAIT {
            pending.tried.note(&format!("asked to wait {} s, which is too long", wait.as_secs()));
        } else if may_try && Instant::now() + wait >= self.deadline {
            pending.tried.note("the run's deadline left no time for another try");
        } else if may_try {
            return Step::Again { what: failure.what, wait };
        }
        let error = failure.error;
        let message = error.message.unwrap_or_default();
        self.give_up(
            task,
            pending,
            Failed { status: failure.status, code: error.code, message },
            error.request_id,
        )
    }

    /// Ends a task without an answer; its message says what the server said and what was tried.
    fn give_up(&self, task: &Task, pending: &Pending, failed: Failed, request_id: Option<String>) -> Step {
        let tried = pending.tried.summary();
        let message = match failed.message.as_str() {
            "" => tried,
            said => format!("{said} ({tried})"),
        };
        Step::Finished(record(task, pending, request_id, Outcome::Failed(Failed { message, ..failed })))
    }
}

fn record(task: &Task, pending: &Pending, request_id: Option<String>, outcome: Outcome) -> Record {
    let now = Timestamp::now();
    Record {
        ordinal: pending.ordinal,
        task_id: task.task_id.clone(),
        fetched_at: Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now),
        attempts: pending.tried.count,
        request_id,
        outcome,
    }
}
