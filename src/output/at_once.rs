//! Several things made at once.

use std::panic::resume_unwind;
use std::thread;

/// Makes something of each, every one on a thread of its own, and gives it in the same order.
pub(super) fn at_once<T: Sync, M: Send>(of: &[T], make: impl Fn(&T) -> M + Sync) -> Vec<M> {
    let make = &make;
    thread::scope(|scope| {
        let makers: Vec<_> = of.iter().map(|each| scope.spawn(move || make(each))).collect();
        makers.into_iter().map(|maker| maker.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}
