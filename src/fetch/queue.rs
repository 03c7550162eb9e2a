//! The queue of tasks: retries when they are due, else new tasks.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec;

use futures::stream::{self, Stream};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// A task without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pending {
    pub(super) ordinal: usize,
    pub(super) attempts: AttemptLog,
}

/// The attempts for a task so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct AttemptLog {
    /// Requests sent.
    pub(super) count: u32,
    /// Requests that failed to connect.
    pub(super) connect_failures: u32,
    /// Errors, with their number.
    errors: Vec<(String, u32)>,
}

impl AttemptLog {
    /// Records an error; returns how often it has occurred.
    pub(super) fn record_error(&mut self, what: &str) -> u32 {
        match self.errors.iter_mut().find(|(known, _)| known == what) {
            Some((_, times)) => {
                *times += 1;
                *times
            }
            None => {
                self.errors.push((what.to_owned(), 1));
                1
            }
        }
    }

    /// As in `4 attempts: HTTP 503 Service Unavailable × 3, the request timed out`.
    pub(super) fn summary(&self) -> String {
        let attempts =
            if self.count == 1 { "1 attempt".to_owned() } else { format!("{} attempts", self.count) };
        let errors = self.errors.iter().map(|(what, times)| match times {
            1 => what.clone(),
            times => format!("{what} × {times}"),
        });
        format!("{attempts}: {}", errors.collect::<Vec<_>>().join(", "))
    }
}

/// Hands out tasks until each is done.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// There is one reader; a notification before it waits is stored.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    fresh: vec::IntoIter<usize>,
    deferred: BinaryHeap<Reverse<Deferred>>,
    /// Tasks handed out or deferred, and not done.
    open: usize,
    delays_skipped: bool,
    closed: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Deferred {
    due: Instant,
    pending: Pending,
}

impl Ord for Deferred {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.pending.ordinal).cmp(&(other.due, other.pending.ordinal))
    }
}

impl PartialOrd for Deferred {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Queue {
    /// A queue of the tasks of these ordinals.
    pub(super) fn new(wanted: Vec<usize>) -> Self {
        let fresh = wanted.into_iter();
        let state =
            State { fresh, deferred: BinaryHeap::new(), open: 0, delays_skipped: false, closed: false };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    /// The tasks as they become due; ends when all are done.
    pub(super) fn into_stream(self: Arc<Self>) -> impl Stream<Item = Pending> {
        stream::unfold(self, async |queue| queue.next().await.map(|pending| (pending, queue)))
    }

    /// Returns a task to the queue until `due`.
    pub(super) fn defer(&self, pending: Pending, due: Instant) {
        self.lock().deferred.push(Reverse(Deferred { due, pending }));
        self.changed.notify_one();
    }

    /// Marks a task that was handed out as done.
    pub(super) fn mark_done(&self) {
        self.lock().open -= 1;
        self.changed.notify_one();
    }

    /// From now on tasks are handed out before they are due.
    pub(super) fn skip_delays(&self) {
        self.lock().delays_skipped = true;
        self.changed.notify_one();
    }

    /// Stops handing out tasks.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn next(&self) -> Option<Pending> {
        loop {
            let next_due = {
                let mut state = self.lock();
                if state.closed {
                    return None;
                }
                let next_due = state.deferred.peek().map(|Reverse(deferred)| deferred.due);
                if next_due.is_some_and(|due| state.delays_skipped || due <= Instant::now()) {
                    return state.deferred.pop().map(|Reverse(deferred)| deferred.pending);
                }
                if let Some(ordinal) = state.fresh.next() {
                    state.open += 1;
                    return Some(Pending { ordinal, attempts: AttemptLog::default() });
                }
                if state.open == 0 {
                    return None;
                }
                next_due
            };
            match next_due {
                None => self.changed.notified().await,
                Some(due) => {
                    tokio::select! {
                        () = self.changed.notified() => {}
                        () = sleep_until(due) => {}
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn deferred_task_returns_when_due_and_does_not_block_new_tasks() {
        let queue = Arc::new(Queue::new(vec![0, 1, 2]));
        let mut stream = Box::pin(Arc::clone(&queue).into_stream());
        let start = Instant::now();
        let first = stream.next().await.unwrap();
        assert_eq!(first.ordinal, 0);
        queue.defer(first, start + Duration::from_secs(9));
        for ordinal in [1, 2] {
            assert_eq!(stream.next().await.unwrap().ordinal, ordinal);
            queue.mark_done();
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!(stream.next().await.unwrap().ordinal, 0);
        assert_eq!(start.elapsed(), Duration::from_secs(9));
        queue.mark_done();
        assert_eq!(stream.next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn queue_with_skipped_delays_returns_deferred_tasks_at_once() {
        let queue = Arc::new(Queue::new(vec![0]));
        let mut stream = Box::pin(Arc::clone(&queue).into_stream());
        let start = Instant::now();
        let only = stream.next().await.unwrap();
        queue.defer(only, start + Duration::from_secs(9));
        let (again, ()) = futures::join!(stream.next(), async { queue.skip_delays() });
        assert_eq!((again.unwrap().ordinal, start.elapsed()), (0, Duration::ZERO));
    }

    #[test]
    fn attempt_summary_counts_errors() {
        let mut attempts = AttemptLog { count: 3, ..AttemptLog::default() };
        attempts.record_error("HTTP 503");
        attempts.record_error("connection reset");
        assert_eq!(attempts.record_error("HTTP 503"), 2);
        assert_eq!(attempts.summary(), "3 attempts: HTTP 503 × 2, connection reset");
    }
}
