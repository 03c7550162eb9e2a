//! One gate for all requests: at most so many a second, in the order of asking.

use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::model::Rate;

/// The limiter may be behind by one permit: it repays a timer that fired late, and lets two
/// requests into the first moment at most.
const BURST: std::num::NonZeroU32 = std::num::NonZeroU32::MIN.saturating_add(1);

/// Hands out permits to send, first come first served.
///
/// governor alone would wake every waiter to ask again. Here the waiters queue at a fair lock, and
/// its holder alone asks governor and sleeps until the time that governor names.
#[derive(Debug)]
pub struct Gate {
    limiter: Mutex<Limiter>,
    not_before: std::sync::Mutex<Instant>,
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>;

impl Gate {
    /// A gate that opens `rate` times.
    pub fn new(rate: Rate) -> Self {
        let clock = TokioClock(Instant::now());
        // An interval is at least a microsecond, so it makes a quota; the other arm is never taken.
        let quota = Quota::with_period(rate.interval()).unwrap_or(Quota::per_second(rate.count()));
        Self {
            limiter: Mutex::new(RateLimiter::direct_with_clock(quota.allow_burst(BURST), clock)),
            not_before: std::sync::Mutex::new(Instant::now()),
        }
    }

    /// Waits for a permit. To be called right before sending, once per attempt.
    pub async fn pass(&self) {
        let limiter = self.limiter.lock().await;
        loop {
            let opens = self.opens();
            if opens > Instant::now() {
                tokio::time::sleep_until(opens).await;
                continue;
            }
            match limiter.check() {
                Ok(()) => return,
                Err(refused) => {
                    let wait = refused.wait_time_from(limiter.clock().now());
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    /// Keeps the gate shut for everyone until `moment`; an earlier one changes nothing.
    pub fn shut_until(&self, moment: Instant) {
        let mut not_before = lock(&self.not_before);
        *not_before = moment.max(*not_before);
    }

    fn opens(&self) -> Instant {
        *lock(&self.not_before)
    }
}

/// A point in time is whole at any moment, so a lock that a panic left behind is still good.
fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// tokio's clock for governor, so that both see the same time, a paused one in tests included.
#[derive(Debug, Clone)]
struct TokioClock(Instant);

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;

    /// The times since the start at which `n` waiting tasks pass a gate, in the order of asking.
    fn passes(rate: &str, n: usize) -> Vec<Duration> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let rate = rate.parse().unwrap();
        runtime.unwrap().block_on(async {
            let gate = Arc::new(Gate::new(rate));
            let start = Instant::now();
            let waiters: Vec<_> = (0..n)
                .map(|_| {
                    let gate = Arc::clone(&gate);
                    tokio::spawn(async move {
                        gate.pass().await;
                        start.elapsed()
                    })
                })
                .collect();
            let mut times = Vec::new();
            for waiter in waiters {
                times.push(waiter.await.unwrap());
            }
            times
        })
    }

    fn busiest(times: &[Duration], window: Duration) -> usize {
        times
            .iter()
            .map(|start| times.iter().filter(|time| *time >= start && **time - *start < window).count())
            .max()
            .unwrap_or(0)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn the_rate_is_kept_reached_and_fair(per_second in 1_u32..400, n in 1_usize..800) {
            let times = passes(&format!("{per_second}/s"), n);
            prop_assert!(times.is_sorted(), "first come first served");
            prop_assert!(busiest(&times, Duration::from_secs(1)) <= per_second as usize + 2);
            let ideal = n as f64 / f64::from(per_second);
            prop_assert!(times.last().unwrap().as_secs_f64() <= ideal * 1.01);
        }
    }

    #[test]
    fn a_minute_of_60_a_minute_sees_61() {
        assert_eq!(busiest(&passes("60/m", 200), Duration::from_secs(60)), 61);
    }

    #[tokio::test(start_paused = true)]
    async fn a_shut_gate_holds_everyone() {
        let gate = Gate::new("1000/s".parse().unwrap());
        let start = Instant::now();
        gate.shut_until(start + Duration::from_secs(5));
        gate.shut_until(start + Duration::from_secs(3));
        gate.pass().await;
        assert_eq!(start.elapsed(), Duration::from_secs(5));
    }
}
