//! One gate for all requests: at most so many a second, in the order of asking, and fewer when the
//! service says so.

mod pace;
mod reach;
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
use super::retry::{LONGEST_WAIT, delay};
use crate::model::Rate;
use pace::Pace;
pub use pace::Slowed;
use reach::Reach;

/// How much longer the time between two requests is than the rate asks for. It leaves room for
/// what is on its way: requests that bunch up there must not be too many when they arrive.
const ROOM: f64 = 1.007;
/// The lateness of timers and of a busy machine that is made good, beside the time of one request.
const REPAID: Duration = Duration::from_millis(25);
/// However much there is to make good, no such span sees more than [`FULL`] of the rate.
const SECOND: Duration = Duration::from_secs(1);
/// More than the pace that [`ROOM`] leaves, or nothing could be made good; less than all, again for
/// what bunches up on its way.
const FULL: f64 = 0.995;
/// How long a request is alone, as long as nothing shows that its credentials are good; then one more may go.
const HEAD_START: Duration = Duration::from_secs(1);
/// How many requests may be under way before one shows that their credentials are good. Five
/// refusals lock an access key.
const UNPROVEN: usize = 4;

/// Hands out permits to send, first come first served.
///
/// governor alone would wake every waiter to ask again. Here the waiters queue at a fair lock, and
/// its holder alone asks governor and sleeps until the time that governor names. governor has no
/// burst and is told when a request was due, not when the timer got round to it: so lateness does
/// not add up, and a gate that nobody used does not let a heap through.
///
/// The first request goes alone, and few go until an answer shows that the credentials are good: if
/// they are refused, no heap has been sent with them, which an account would count, and lock a key for.
///
/// When connections fail one after the other, nobody is served better by asking: requests then go one
/// at a time, with growing pauses, until one comes through.
#[derive(Debug)]
pub struct Gate {
    start: Instant,
    /// A permit for each further request that may go before the credentials are proven; closed then.
    unproven: Semaphore,
    limiter: Mutex<Limiter>,
    pace: std::sync::Mutex<Pace>,
    reach: std::sync::Mutex<Reach>,
    /// Told when a request that the others wait for has ended. The limiter's holder alone listens.
    probed: Notify,
}

/// Leave to send one request now. What came of it is to be told to the gate.
#[derive(Debug)]
#[must_use = "a request is to be sent, and its answer told to the gate"]
pub struct Permit {
    epoch: u32,
    round: u32,
}

impl Gate {
    /// A gate that opens `rate` times at most.
    pub fn new(rate: Rate) -> Self {
        let pace = Pace::new(rate);
        let limiter = Limiter::new(interval(pace.rate(Duration::ZERO)));
        Self {
            start: Instant::now(),
            unproven: Semaphore::new(1),
            limiter: Mutex::new(limiter),
            pace: std::sync::Mutex::new(pace),
            reach: std::sync::Mutex::default(),
            probed: Notify::new(),
        }
    }

    /// Waits for a permit. To be called right before sending, once per attempt.
    pub async fn pass(&self) -> Permit {
        let asked = self.now();
        let mut limiter = self.limiter.lock().await;
        let more_start = 1 + limiter.head_starts < UNPROVEN;
        let alone = if more_start { HEAD_START } else { Duration::MAX };
        match timeout(alone, self.unproven.acquire()).await {
            Ok(Ok(permit)) => permit.forget(),
            Ok(Err(_proven)) => {}
            Err(_elapsed) => limiter.head_starts += 1,
        }
        let mut due = asked;
        loop {
            if self.reach().is_probing() {
                self.probed.notified().await;
                continue;
            }
            let now = self.now();
            let (opens, rate, epoch) = {
                let pace = self.pace();
                (pace.opens(), pace.rate(now), pace.epoch())
            };
            let interval = interval(rate);
            due = due.max(opens).max(now.saturating_sub(interval + REPAID));
            limiter.space(interval);
            let ready = due.max(limiter.has_room(rate));
            if ready > now {
                // What the pace is by then is looked at afterwards.
                sleep_until(self.start + ready).await;
                continue;
            }
            match limiter.check(due) {
                Ok(()) => {
                    limiter.sent(now);
                    return Permit { epoch, round: self.reach().sent() };
                }
                Err(next) => due = next,
            }
        }
    }

    /// Hears that a request was let in by a service that knows who asks.
    pub fn admitted(&self, permit: &Permit) {
        self.unproven.close();
        self.came_through();
        self.pace().admitted(permit.epoch);
    }

    /// Hears of a request that failed as a task's attempt number `attempt` (from 1), and gives the
    /// time after which it may be made again.
    ///
    /// After 429s that are no chance, or say when to come again, the gate stays shut for everyone, because the
    /// account is over its rate, not the task; unless the service asks for more than [`LONGEST_WAIT`], which
    /// ends the task. In an outage it stays shut for everyone too.
    pub fn failed(&self, permit: &Permit, attempt: u32, failure: &Failure) -> Duration {
        match failure.status {
            Some(429) => {
                let opens = self.refused(permit, failure.error.limit(), failure.retry_after);
                return opens.max(delay(attempt, fastrand::f64(), failure.retry_after));
            }
            Some(400 | 403 | 404) => self.admitted(permit),
            Some(_) => {
                self.unproven.add_permits(1);
                self.came_through();
                self.pace().admitted(permit.epoch);
            }
            None => {
                self.unproven.add_permits(1);
                if failure.kind.is_unreachable() { self.missed(permit) } else { self.came_through() }
            }
        }
        delay(attempt, fastrand::f64(), failure.retry_after)
    }

    /// Whether `failure` shows that there is no service to be asked: no request has ever come through,
    /// and so many found no connection in a row, or none ever will.
    pub fn is_out_of_reach(&self, failure: &Failure, max_attempts: NonZeroU32) -> bool {
        let most = if failure.kind.is_lasting() { 1 } else { max_attempts.get() };
        failure.kind.is_unreachable() && self.reach().never_reached().is_some_and(|missed| missed >= most)
    }

    fn came_through(&self) {
        self.reach().came_through();
        self.probed.notify_one();
    }

    fn missed(&self, permit: &Permit) {
        let pause = self.reach().missed(permit.round, fastrand::f64());
        if let Some(pause) = pause {
            self.pace().shut_until(self.now() + pause);
        }
        self.probed.notify_one();
    }

    fn refused(&self, permit: &Permit, limit: Option<Rate>, asked: Option<Duration>) -> Duration {
        self.unproven.add_permits(1);
        self.came_through();
        let now = self.now();
        let asked = asked.unwrap_or_default();
        let mut pace = self.pace();
        pace.refused(permit.epoch, now, limit, fastrand::f64());
        if asked <= LONGEST_WAIT {
            pace.shut_until(now + asked);
        }
        pace.opens().saturating_sub(now).max(asked)
    }

    /// That the service made the client slower: once, after the first time.
    pub fn take_slowed(&self) -> Option<Slowed> {
        self.pace().take_untold()
    }

    /// The rate that the service's refusals have led to, if there were any: one that a further run
    /// would do well to begin with.
    pub fn learnt(&self) -> Option<Rate> {
        self.pace().learnt()
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Each change of a pace or of a reach is whole, so a lock that a panic left behind is still good.
    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reach(&self) -> MutexGuard<'_, Reach> {
        self.reach.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn interval(per_second: f64) -> Duration {
    Duration::from_secs_f64(ROOM / per_second)
}

/// governor, with a rate that can change, and what was sent of late.
#[derive(Debug)]
struct Limiter {
    governor: Governor,
    clock: DueClock,
    interval: Duration,
    last_due: Option<Duration>,
    /// How many requests went because those before them took long to show that the credentials are good.
    head_starts: usize,
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
            head_starts: 0,
            sent: VecDeque::new(),
        }
    }

    /// Changes the time between two requests, from the last one that went through on.
    fn space(&mut self, interval: Duration) {
        if interval != self.interval {
            self.interval = interval;
            self.clock.set(Duration::ZERO);
            self.governor = governor(interval, &self.clock);
            // To a new limiter the first request is always welcome, so it is told of the last one.
            let _ = self.last_due.map(|last| self.check(last));
        }
    }

    /// Lets a request that is due at `due` through, or says when one is.
    fn check(&mut self, due: Duration) -> Result<(), Duration> {
        self.clock.set(due);
        self.governor.check().map_err(|refused| refused.earliest_possible())?;
        self.last_due = Some(due);
        Ok(())
    }

    /// Notes that a request is sent at `now`.
    fn sent(&mut self, now: Duration) {
        while self.sent.front().is_some_and(|first| *first + SECOND <= now) {
            self.sent.pop_front();
        }
        self.sent.push_back(now);
    }

    /// The time at which the second before it has room for one more request at `rate`.
    fn has_room(&self, rate: f64) -> Duration {
        let allowed = (rate * FULL).ceil() as usize;
        let oldest = self.sent.len().checked_sub(allowed).and_then(|at| self.sent.get(at));
        oldest.map_or(Duration::ZERO, |oldest| *oldest + SECOND)
    }
}

/// A limiter without a burst, whose clock is at its beginning.
fn governor(interval: Duration, clock: &DueClock) -> Governor {
    // An interval is never zero, so it makes a quota; the other is never used.
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
