//! What is to be asked next: deferred tasks when they are due, else fresh ones.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec;

use futures::stream::{self, Stream};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// A task that has no answer yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pending {
    pub(super) ordinal: usize,
    pub(super) tried: Tried,
}

/// What was tried for a task so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tried {
    /// Requests made.
    pub(super) count: u32,
    /// Those of them that found no connection.
    pub(super) missed: u32,
    /// What went wrong, and how often.
    wrongs: Vec<(String, u32)>,
}

impl Tried {
    /// Takes note of what went wrong; gives how often it has by now.
    pub(super) fn note(&mut self, what: &str) -> u32 {
        match self.wrongs.iter_mut().find(|(known, _)| known == what) {
            Some((_, times)) => {
                *times += 1;
                *times
            }
            None => {
                self.wrongs.push((what.to_owned(), 1));
                1
            }
        }
    }

    /// As in `4 attempts: HTTP 503 Service Unavailable × 3, the request timed out`.
    pub(super) fn summary(&self) -> String {
        let attempts =
            if self.count == 1 { "1 attempt".to_owned() } else { format!("{} attempts", self.count) };
        let wrongs = self.wrongs.iter().map(|(what, times)| match times {
            1 => what.clone(),
            times => format!("{what} × {times}"),
        });
        format!("{attempts}: {}", wrongs.collect::<Vec<_>>().join(", "))
    }
}

/// Hands out tasks to ask for until each is settled.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// There is one reader, and a notice that comes before it waits is kept for it.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    fresh: vec::IntoIter<usize>,
    deferred: BinaryHeap<Reverse<Deferred>>,
    /// Tasks handed out or deferred, and not settled.
    open: usize,
    hurried: bool,
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
        let state = State { fresh, deferred: BinaryHeap::new(), open: 0, hurried: false, closed: false };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    /// The tasks to ask for, as they become due; ends when all are settled.
    pub(super) fn into_stream(self: Arc<Self>) -> impl Stream<Item = Pending> {
        stream::unfold(self, async |queue| queue.next().await.map(|pending| (pending, queue)))
    }

    /// Takes a task back until `due`.
    pub(super) fn defer(&self, pending: Pending, due: Instant) {
        self.lock().deferred.push(Reverse(Deferred { due, pending }));
        self.changed.notify_one();
    }

    /// Says that a task that was handed out needs no further asking.
    pub(super) fn settle(&self) {
        self.lock().open -= 1;
        self.changed.notify_one();
    }

    /// From now on no task waits until it is due.
    pub(super) fn hurry(&self) {
        self.lock().hurried = true;
        self.changed.notify_one();
    }

    /// Hands out nothing more.
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
                if next_due.is_some_and(|due| state.hurried || due <= Instant::now()) {
                    return state.deferred.pop().map(|Reverse(deferred)| deferred.pending);
                }
                if let Some(ordinal) = state.fresh.next() {
                    state.open += 1;
                    return Some(Pending { ordinal, tried: Tried::default() });
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
    async fn a_deferred_task_comes_back_when_due_and_blocks_no_fresh_one() {
        let queue = Arc::new(Queue::new(vec![0, 1, 2]));
        let mut stream = Box::pin(Arc::clone(&queue).into_stream());
        let start = Instant::now();
        let first = stream.next().await.unwrap();
        assert_eq!(first.ordinal, 0);
        queue.defer(first, start + Duration::from_secs(9));
        for ordinal in [1, 2] {
            assert_eq!(stream.next().await.unwrap().ordinal, ordinal);
            queue.settle();
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!(stream.next().await.unwrap().ordinal, 0);
        assert_eq!(start.elapsed(), Duration::from_secs(9));
        queue.settle();
        assert_eq!(stream.next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_waits_in_a_queue_that_is_in_a_hurry() {
        let queue = Arc::new(Queue::new(vec![0]));
        let mut stream = Box::pin(Arc::clone(&queue).into_stream());
        let start = Instant::now();
        let only = stream.next().await.unwrap();
        queue.defer(only, start + Duration::from_secs(9));
        let (again, ()) = futures::join!(stream.next(), async { queue.hurry() });
        assert_eq!((again.unwrap().ordinal, start.elapsed()), (0, Duration::ZERO));
    }

    #[test]
    fn the_summary_counts_what_went_wrong() {
        let mut tried = Tried { count: 3, ..Tried::default() };
        tried.note("HTTP 503");
        tried.note("connection reset");
        assert_eq!(tried.note("HTTP 503"), 2);
        assert_eq!(tried.summary(), "3 attempts: HTTP 503 × 2, connection reset");
    }
}
