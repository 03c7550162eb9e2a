//! Threads that the system may refuse, as under `ulimit -u` or systemd's `TasksMax`.
//!
//! `std::thread::spawn`, scopes and tokio's runtimes panic then. Here a refusal is an error, or the work is done on
//! the calling thread. Nothing in the program uses tokio's blocking pool, which panics too, or leaves work in a
//! queue that no thread serves.

use std::any::Any;
use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::model::io_reason;

/// [`parallel_map_bounded`] and [`parallel_in_order`] use at most this many threads, so that the memory of what they
/// read is bounded.
const MAX_THREADS: usize = 4;

thread_local! {
    /// Whether a panic on this thread becomes an error, so that nothing is printed of it.
    static FENCED: Cell<bool> = const { Cell::new(false) };
}

/// Starts a thread.
///
/// # Errors
/// When the system refuses a thread; the message says what to do.
pub fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<JoinHandle<T>> {
    thread::Builder::new().spawn(work).map_err(|error| refused(&error))
}

/// The error for a thread that the system refused.
pub fn refused(error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!(
            "cannot start a thread: {}; raise the limit on processes and threads (ulimit -u, TasksMax)",
            io_reason(error)
        ),
    )
}

/// Starts a runtime with one worker thread, beside the thread that waits for its work. With several workers tokio
/// ignores the refusal of all but the first, and hangs at the end.
///
/// # Errors
/// When the system refuses a thread or another resource.
pub fn runtime() -> io::Result<Runtime> {
    fenced(|| Builder::new_multi_thread().worker_threads(1).enable_all().build())?
        .map_err(|error| not_started(&error))
}

/// Starts a runtime on the thread that waits for its work.
///
/// # Errors
/// When the system refuses a resource; the message says what to do.
pub fn local_runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build().map_err(|error| not_started(&error))
}

/// The error for a runtime, which needs a few descriptors.
fn not_started(error: &io::Error) -> io::Error {
    let advice = "raise the limit on open files (ulimit -n, LimitNOFILE)";
    io::Error::new(error.kind(), format!("cannot start the event loop: {}; {advice}", io_reason(error)))
}

/// Does work that may panic when a thread is refused.
///
/// # Errors
/// The panic, as an error.
pub fn fenced<T>(work: impl FnOnce() -> T) -> io::Result<T> {
    let before = FENCED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    FENCED.set(before);
    done.map_err(|panic| io::Error::other(describe(&*panic)))
}

/// Runs blocking work on a thread of its own and waits for it without blocking the runtime.
///
/// # Errors
/// When the thread is refused, or the work panics.
pub async fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let (give, given) = oneshot::channel();
    spawn(move || give.send(work()).is_ok())?;
    given.await.map_err(|_| io::Error::other("a thread ended without a result"))
}

/// Applies `make` to each item on a thread of its own, and returns the results in the same order. An item whose
/// thread is refused is made on the calling thread.
pub fn parallel_map<T: Sync, M: Send>(items: &[T], make: impl Fn(&T) -> M + Sync) -> Vec<M> {
    let make = &make;
    thread::scope(|scope| {
        let start = |item| thread::Builder::new().spawn_scoped(scope, move || make(item));
        let started: Vec<_> = items.iter().map(|item| (item, start(item).ok())).collect();
        let finish = |(item, maker): (_, Option<thread::ScopedJoinHandle<'_, M>>)| match maker {
            Some(maker) => maker.join().unwrap_or_else(|panic| resume_unwind(panic)),
            None => make(item),
        };
        started.into_iter().map(finish).collect()
    })
}

/// Applies `make` to each item on a few threads, one item at a time on each, and returns the results in the same order.
pub fn parallel_map_bounded<T: Sync, M: Send>(items: &[T], make: impl Fn(&T) -> M + Sync) -> Vec<M> {
    let threads = threads_for(items);
    if threads <= 1 {
        return items.iter().map(make).collect();
    }
    // A thread takes the next item when it has made one, because items may differ in size.
    let next = AtomicUsize::new(0);
    let take = || {
        let index = next.fetch_add(1, Ordering::Relaxed);
        items.get(index).map(|item| (index, item))
    };
    let made = parallel_map(&vec![(); threads], |()| {
        std::iter::from_fn(take).map(|(index, item)| (index, make(item))).collect::<Vec<_>>()
    });
    let mut made: Vec<(usize, M)> = made.into_iter().flatten().collect();
    made.sort_unstable_by_key(|(index, _)| *index);
    made.into_iter().map(|(_, made)| made).collect()
}

/// Applies `make` to each item on a few threads, and hands the results to `each` on the calling thread, in the order of
/// the items. At most two results of each thread wait, so they may be large. An item whose thread is refused is made
/// on the calling thread.
///
/// # Errors
/// The first error of `each`; later items are not made then.
pub fn parallel_in_order<T: Sync, M: Send, E>(
    items: &[T],
    make: impl Fn(&T) -> M + Sync,
    mut each: impl FnMut(M) -> Result<(), E>,
) -> Result<(), E> {
    let threads = threads_for(items);
    let make = &make;
    thread::scope(|scope| {
        // The items are dealt to the threads in turn.
        let start = |first: usize| {
            let (give, made) = mpsc::sync_channel(1);
            let work = move || {
                let mut its_items = items.iter().skip(first).step_by(threads);
                // The other end is gone after an error.
                its_items.all(|item| give.send(make(item)).is_ok());
            };
            thread::Builder::new().spawn_scoped(scope, work).ok().map(|maker| (maker, made))
        };
        let makers: Vec<_> = (0..threads).map(start).collect();
        let mut result = Ok(());
        for (item, maker) in items.iter().zip(makers.iter().cycle()) {
            let made = match maker {
                Some((_, made)) => made.recv().ok(),
                None => Some(make(item)),
            };
            // A thread without a result panicked.
            let Some(made) = made else { break };
            result = each(made);
            if result.is_err() {
                break;
            }
        }
        for (maker, made) in makers.into_iter().flatten() {
            drop(made);
            maker.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
        result
    })
}

/// Splits items into parts whose sizes add up to at most `max`, or that are one item.
pub fn split_by_size<T>(items: &[T], max: usize, size: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let (mut parts, mut rest) = (Vec::new(), items);
    while !rest.is_empty() {
        let mut sum = 0_usize;
        let fits = |item: &&T| {
            sum = sum.saturating_add(size(item));
            sum <= max
        };
        let count = rest.iter().take_while(fits).count().max(1);
        let (part, others) = rest.split_at_checked(count).unwrap_or((rest, &[]));
        parts.push(part);
        rest = others;
    }
    parts
}

fn threads_for<T>(items: &[T]) -> usize {
    if items.len() <= 1 {
        return items.len();
    }
    thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS).min(items.len())
}

/// Makes every panic that is not [`fenced`] one line for the user, printed by `print`.
pub fn report_panics(print: fn(&str)) {
    std::panic::set_hook(Box::new(move |panic| {
        if !FENCED.get() {
            let place = panic.location().map_or_else(String::new, |place| format!(" ({place})"));
            print(&format!("{}{place}", describe(panic.payload())));
        }
    }));
}

/// A panic in words for the user.
fn describe(panic: &(dyn Any + Send)) -> String {
    let said =
        panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    let said = said.unwrap_or("unknown cause");
    if said.contains("spawn") && said.contains("thread") {
        // The words of tokio and of the standard library, with the system's error at the end.
        let why = said.rsplit_once("message: ").map_or(said, |(_, why)| why.trim_end_matches([' ', '}']));
        return refused(&io::Error::other(why)).to_string();
    }
    format!("internal error: {}; please report this", said.replace('\n', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parallel_map_keeps_the_order() {
        assert_eq!(parallel_map(&[3, 1, 2], |number| number * 2), [6, 2, 4]);
        let numbers: Vec<usize> = (0..100).rev().collect();
        let doubled: Vec<usize> = numbers.iter().map(|number| number * 2).collect();
        assert_eq!(parallel_map_bounded(&numbers, |number| number * 2), doubled);
        assert!(parallel_map_bounded(&[], |(): &()| ()).is_empty());
    }

    #[test]
    fn parts_are_no_larger_than_allowed_unless_one_item_is() {
        let parts = split_by_size(&[1, 2, 3, 9, 1, 4], 5, |size| *size);
        assert_eq!(parts, [&[1, 2][..], &[3], &[9], &[1, 4]]);
        assert!(split_by_size(&[], 5, |size| *size).is_empty());
    }

    #[test]
    fn results_come_in_order_until_an_error() {
        let numbers: Vec<usize> = (0..100).collect();
        let mut seen = Vec::new();
        let mut see = |number| {
            seen.push(number);
            if number == 42 { Err("full") } else { Ok(()) }
        };
        assert_eq!(parallel_in_order(&numbers, |number| *number, &mut see), Err("full"));
        assert_eq!(seen, &numbers[..=42]);
        assert_eq!(parallel_in_order(&[], |(): &()| (), |()| Err("called")), Ok(()));
        let panic = fenced(|| {
            parallel_in_order(
                &numbers,
                |number| fenced(|| assert_ne!(*number, 7)).unwrap(),
                |()| Ok::<_, ()>(()),
            )
        });
        assert!(panic.is_err());
    }

    #[test]
    fn panic_of_a_refused_thread_becomes_an_error_that_says_what_to_do() {
        let what = "OS can't spawn worker thread: Resource temporarily unavailable (os error 11)";
        let error = fenced(|| std::panic::panic_any(what.to_owned())).unwrap_err().to_string();
        assert!(error.starts_with("cannot start a thread: ") && error.contains("TasksMax"), "{error}");
        let error = fenced(|| std::panic::panic_any("index out of bounds")).unwrap_err().to_string();
        assert_eq!(error, "internal error: index out of bounds; please report this");
        assert_eq!(fenced(|| 7).unwrap(), 7);
    }
}
