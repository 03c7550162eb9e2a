//! CPU time per permit with a thousand waiters, and the rate that is reached: `cargo bench --bench gate`.
//!
//! A gate mostly sleeps, so CPU time is measured, which benchmark harnesses do not do. Linux reports it per thread,
//! and everything here runs on one thread.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use cutover_report::sms::throttle::Gate;

const WAITERS: usize = 1000;

fn main() {
    println!("{:>10} {:>9} {:>12} {:>16}", "rate", "permits", "of the ideal", "CPU per permit");
    for (rate, permits, ideal) in [("100/s", 1_000, 10.0), ("1000/s", 10_000, 10.0), ("10000/s", 50_000, 5.0)]
    {
        let (took, cpu) = measure(rate, permits);
        let share = took.as_secs_f64() / ideal * 100.0;
        let each = cpu.as_secs_f64() * 1e6 / permits as f64;
        println!("{rate:>10} {permits:>9} {share:>10.2} % {each:>13.2} µs");
    }
}

/// Lets `WAITERS` tasks take `permits` permits in all; returns elapsed time and CPU time.
fn measure(rate: &str, permits: usize) -> (Duration, Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let gate = Arc::new(Gate::new(rate.parse().unwrap()));
        let waiters: Vec<_> = (0..WAITERS)
            .map(|_| {
                let gate = Arc::clone(&gate);
                tokio::spawn(async move {
                    for _ in 0..permits / WAITERS {
                        gate.record_success(&gate.acquire().await);
                    }
                })
            })
            .collect();
        // All of them enter the queue.
        tokio::task::yield_now().await;
        let (start, before) = (Instant::now(), on_processor());
        for waiter in waiters {
            waiter.await.unwrap();
        }
        (start.elapsed(), on_processor() - before)
    })
}

/// The CPU time of this thread.
fn on_processor() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(told.split_whitespace().next().unwrap().parse().unwrap())
}
