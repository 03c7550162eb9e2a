//! The rate limiter for all requests: first come, first served, and slower when the service rate-limits.

mod adaptive_rate;
mod connectivity;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::{Mutex, Notify, Semaphore};
use tokio::time::{Instant, sleep_until, timeout};

use super::outcome::Failure;
use super::retry::{MAX_WAIT, delay};
use crate::model::Rate;
use adaptive_rate::AdaptiveRate;
pub use adaptive_rate::Slowed;
use connectivity::Connectivity;

/// Factor on the interval between requests. Network delays can bunch requests up; the margin keeps the rate at the
/// server below the limit.
const INTERVAL_MARGIN: f64 = 1.007;
/// Maximum lateness of timers and of a busy machine that is caught up, besides one interval.
const MAX_CATCH_UP: Duration = Duration::from_millis(25);
/// While catching up, no such window has more than [`MAX_UTILIZATION`] of the rate.
const SECOND: Duration = Duration::from_secs(1);
/// Above 1 / [`INTERVAL_MARGIN`], so lateness can be caught up; below 1, because network delays can bunch requests up.
const MAX_UTILIZATION: f64 = 0.995;
/// Time after which one more request is sent while no response has confirmed the credentials.
const WARMUP_DELAY: Duration = Duration::from_secs(1);
/// Maximum requests in flight before a response confirms the credentials. Five refusals lock an access key.
const WARMUP_MAX_IN_FLIGHT: usize = 4;

/// Hands out permits to send, first come, first served.
///
/// governor wakes every waiter to check again. Here waiters queue at a fair lock; only its holder checks with
/// governor, and sleeps until the time that governor returns. governor has no burst and gets the time when a request
/// was due, not when the timer fired, so delays do not add up and an idle gate allows no burst.
///
/// The first request is sent alone, and few are sent until a response confirms the credentials: repeated refusals
/// lock an access key.
///
/// In an outage requests are sent one at a time, with growing pauses, until one reaches the service.
#[derive(Debug)]
pub struct Gate {
    start: Instant,
    /// A permit for each request that may be sent before the credentials are confirmed; closed then.
    warmup: Semaphore,
    limiter: Mutex<Limiter>,
    adaptive_rate: std::sync::Mutex<AdaptiveRate>,
    connectivity: std::sync::Mutex<Connectivity>,
    /// Notified when a probe has ended. Only the limiter's holder waits for it.
    probe_ended: Notify,
}

/// Permission to send one request now. Report its outcome to the gate.
#[derive(Debug)]
#[must_use = "send a request, and report its outcome to the gate"]
pub struct Permit {
    epoch: u32,
    round: u32,
}

impl Gate {
    /// A gate with this maximum rate.
    pub fn new(rate: Rate) -> Self {
        let adaptive_rate = AdaptiveRate::new(rate);
        let limiter = Limiter::new(interval(adaptive_rate.rate(Duration::ZERO)));
        Self {
            start: Instant::now(),
            warmup: Semaphore::new(1),
            limiter: Mutex::new(limiter),
            adaptive_rate: std::sync::Mutex::new(adaptive_rate),
            connectivity: std::sync::Mutex::default(),
            probe_ended: Notify::new(),
        }
    }

    /// Waits for a permit. Call it right before sending, once per attempt.
    pub async fn acquire(&self) -> Permit {
        let requested_at = self.now();
        let mut limiter = self.limiter.lock().await;
        let may_add = 1 + limiter.warmup_requests < WARMUP_MAX_IN_FLIGHT;
        let delay_before_next = if may_add { WARMUP_DELAY } else { Duration::MAX };
        match timeout(delay_before_next, self.warmup.acquire()).await {
            Ok(Ok(permit)) => permit.forget(),
            Ok(Err(_proven)) => {}
            Err(_elapsed) => limiter.warmup_requests += 1,
        }
        let mut due = requested_at;
        loop {
            if self.connectivity().is_probing() {
                self.probe_ended.notified().await;
                continue;
            }
            let now = self.now();
            let (opens_at, rate, epoch) = {
                let adaptive_rate = self.adaptive_rate();
                (adaptive_rate.opens_at(), adaptive_rate.rate(now), adaptive_rate.epoch())
            };
            let interval = interval(rate);
            due = due.max(opens_at).max(now.saturating_sub(interval + MAX_CATCH_UP));
            limiter.set_interval(interval);
            let ready = due.max(limiter.next_free(rate));
            if ready > now {
                // The rate may have changed by then, so check again.
                sleep_until(self.start + ready).await;
                continue;
            }
            match limiter.check(due) {
                Ok(()) => {
                    limiter.sent(now);
                    return Permit { epoch, round: self.connectivity().sent() };
                }
                Err(next) => due = next,
            }
        }
    }

    /// Records an authenticated response.
    pub fn record_success(&self, permit: &Permit) {
        self.warmup.close();
        self.record_response();
        self.adaptive_rate().record_success(permit.epoch);
    }

    /// Records the failure of attempt number `attempt` (from 1), and returns the time before a retry.
    ///
    /// Repeated 429s, or one with `Retry-After`, delay all requests, because the account's rate is exceeded, not the
    /// task's. A `Retry-After` above [`MAX_WAIT`] only ends the task. An outage delays all requests too.
    pub fn record_failure(&self, permit: &Permit, attempt: u32, failure: &Failure) -> Duration {
        match failure.status {
            Some(429) => {
                let opens_at = self.record_rate_limit(permit, failure.error.limit(), failure.retry_after);
                return opens_at.max(delay(attempt, fastrand::f64(), failure.retry_after));
            }
            Some(400 | 403 | 404) => self.record_success(permit),
            Some(_) => {
                self.warmup.add_permits(1);
                self.record_response();
                self.adaptive_rate().record_success(permit.epoch);
            }
            None => {
                self.warmup.add_permits(1);
                if failure.kind.is_unreachable() {
                    self.record_connect_failure(permit)
                } else {
                    self.record_response()
                }
            }
        }
        delay(attempt, fastrand::f64(), failure.retry_after)
    }

    /// Whether `failure` shows that the service is unreachable: no request ever reached it, and this many failed to
    /// connect in a row, or the cause is permanent.
    pub fn is_unreachable(&self, failure: &Failure, max_attempts: NonZeroU32) -> bool {
        let most = if failure.kind.is_lasting() { 1 } else { max_attempts.get() };
        failure.kind.is_unreachable()
            && self.connectivity().never_reached().is_some_and(|failures| failures >= most)
    }

    fn record_response(&self) {
        self.connectivity().record_response();
        self.probe_ended.notify_one();
    }

    fn record_connect_failure(&self, permit: &Permit) {
        let pause = self.connectivity().record_connect_failure(permit.round, fastrand::f64());
        if let Some(pause) = pause {
            self.adaptive_rate().close_until(self.now() + pause);
        }
        self.probe_ended.notify_one();
    }

    fn record_rate_limit(
        &self,
        permit: &Permit,
        limit: Option<Rate>,
        retry_after: Option<Duration>,
    ) -> Duration {
        self.warmup.add_permits(1);
        self.record_response();
        let now = self.now();
        let retry_after = retry_after.unwrap_or_default();
        let mut adaptive_rate = self.adaptive_rate();
        adaptive_rate.record_rate_limit(permit.epoch, now, limit, fastrand::f64());
        if retry_after <= MAX_WAIT {
            adaptive_rate.close_until(now + retry_after);
        }
        adaptive_rate.opens_at().saturating_sub(now).max(retry_after)
    }

    /// The first reduction of the rate by the service; returned once.
    pub fn take_slowed(&self) -> Option<Slowed> {
        self.adaptive_rate().take_unreported()
    }

    /// The rate after the service's 429s, if there were any: a good start rate for the next run.
    pub fn learned_rate(&self) -> Option<Rate> {
        self.adaptive_rate().learned_rate()
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Every change is complete, so a poisoned lock is still usable.
    fn adaptive_rate(&self) -> MutexGuard<'_, AdaptiveRate> {
        self.adaptive_rate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connectivity(&self) -> MutexGuard<'_, Connectivity> {
        self.connectivity.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn interval(per_second: f64) -> Duration {
    Duration::from_secs_f64(INTERVAL_MARGIN / per_second)
}

/// governor with a changeable rate, and the recent requests.
#[derive(Debug)]
struct Limiter {
    governor: Governor,
    clock: DueClock,
    interval: Duration,
    last_due: Option<Duration>,
    /// Requests sent before the credentials were confirmed, because the earlier ones took long.
    warmup_requests: usize,
    /// The times of the requests of the last second.
    sent: VecDeque<Duration>,
}

type Governor = RateLimiter<NotKeyed, InMemoryState, DueClock, NoOpMiddleware<Duration>>;

impl Limiter {
    fn new(interval: Duration) -> Self {
        let clock = DueClock::default();
        Self {
            governor: governor(interval, &clock),
            clock,
            interval,
            last_due: None,
            warmup_requests: 0,
            sent: VecDeque::new(),
        }
    }

    /// Changes the interval, counted from the last request.
    fn set_interval(&mut self, interval: Duration) {
        if interval != self.interval {
            self.interval = interval;
            self.clock.set(Duration::ZERO);
            self.governor = governor(interval, &self.clock);
            // A new limiter admits its first request at once, so the last request is replayed.
            let _ = self.last_due.map(|last| self.check(last));
        }
    }

    /// Admits a request that is due at `due`, or returns the next possible time.
    fn check(&mut self, due: Duration) -> Result<(), Duration> {
        self.clock.set(due);
        self.governor.check().map_err(|refused| refused.earliest_possible())?;
        self.last_due = Some(due);
        Ok(())
    }

    /// Records that a request is sent at `now`.
    fn sent(&mut self, now: Duration) {
        while self.sent.front().is_some_and(|first| *first + SECOND <= now) {
            self.sent.pop_front();
        }
        self.sent.push_back(now);
    }

    /// The earliest time at which the last second allows one more request at `rate`.
    fn next_free(&self, rate: f64) -> Duration {
        let allowed = (rate * MAX_UTILIZATION).ceil() as usize;
        let oldest = self.sent.len().checked_sub(allowed).and_then(|at| self.sent.get(at));
        oldest.map_or(Duration::ZERO, |oldest| *oldest + SECOND)
    }
}

/// A limiter without a burst, with its clock at zero.
fn governor(interval: Duration, clock: &DueClock) -> Governor {
    // The interval is never zero, so the fallback is never used.
    let quota = Quota::with_period(interval).unwrap_or(Quota::per_second(NonZeroU32::MIN));
    RateLimiter::direct_with_clock(quota, clock.clone())
}

/// A clock that governor reads and the gate sets, as the time since the gate was made.
#[derive(Debug, Clone, Default)]
struct DueClock(Arc<AtomicU64>);

impl DueClock {
    fn set(&self, due: Duration) {
        self.0.store(u64::try_from(due.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Clock for DueClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}
