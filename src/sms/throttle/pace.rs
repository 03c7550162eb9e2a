//! How fast to ask: what the user allows, and what a service that refuses has taught. Pure: times
//! are passed in, counted from any one moment.

use std::fmt;
use std::time::Duration;

use crate::model::Rate;

/// The windows over which a cut is made good; the raise goes on as steeply from there.
const RECOVERY: u32 = 50;
/// The window of a limit that nobody has named.
const UNKNOWN_WINDOW: Duration = Duration::from_secs(1);
/// Up to this share of the last requests refusals may be chance, and asking more slowly no remedy; unless the
/// rate has risen past a named limit that has refused more before.
const CHANCE: f64 = 0.2;
/// How much of that share the last request makes up.
const WEIGHT: f64 = 1.0 / 32.0;
/// Refusals in a row, a quarter of a window apart, after which the pauses grow.
const PROBES: u32 = 4;
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Requests per second below which no refusal makes the rate fall by itself.
const FLOOR: f64 = 0.1;

/// The first time that the service made the client slower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slowed {
    /// The limit that the service named.
    pub limit: Option<Rate>,
    /// The rate before.
    pub from: Rate,
    /// The rate after.
    pub to: Rate,
}

impl fmt::Display for Slowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, from, to } = self;
        match limit {
            Some(limit) => write!(f, "the gateway allows {limit}; slowed from {from} to {to}"),
            None => write!(f, "the service refuses requests at {from}; slowed to {to}"),
        }
    }
}

/// The rate now, and the moment before which nothing is to be sent.
#[derive(Debug)]
pub(super) struct Pace {
    ceiling: Rate,
    /// Requests per second at `since`.
    base: f64,
    since: Duration,
    /// Requests per second that are added each second.
    gain: f64,
    /// The time that the service counts over.
    window: Duration,
    opens: Duration,
    /// Counts the refusals that were heeded; a request carries the count at which it was sent.
    epoch: u32,
    refused_in_a_row: u32,
    /// Until then a refusal may be owed to what was sent before the last cut.
    settled: Duration,
    /// The share of the last requests that was refused.
    share: f64,
    learnt: Option<Rate>,
    /// Whether a named limit has shown that it is kept.
    proven: bool,
    /// Told once.
    untold: Option<Slowed>,
}

impl Pace {
    pub(super) fn new(ceiling: Rate) -> Self {
        Self {
            ceiling,
            base: ceiling.per_second(),
            since: Duration::ZERO,
            gain: 0.0,
            window: UNKNOWN_WINDOW,
            opens: Duration::ZERO,
            epoch: 0,
            refused_in_a_row: 0,
            settled: Duration::ZERO,
            share: 0.0,
            learnt: None,
            proven: false,
            untold: None,
        }
    }

    /// Requests per second.
    pub(super) fn rate(&self, now: Duration) -> f64 {
        let raised = self.gain * now.saturating_sub(self.since).as_secs_f64();
        (self.base + raised).min(self.ceiling.per_second())
    }

    /// The moment before which nothing is to be sent.
    pub(super) fn opens(&self) -> Duration {
        self.opens
    }

    pub(super) fn shut_until(&mut self, moment: Duration) {
        self.opens = self.opens.max(moment);
    }

    /// What a request that is sent now is to carry until it is answered.
    pub(super) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The rate that the last refusals led to.
    pub(super) fn learnt(&self) -> Option<Rate> {
        self.learnt
    }

    pub(super) fn take_untold(&mut self) -> Option<Slowed> {
        self.untold.take()
    }

    /// Hears that a request of `epoch` was let in.
    pub(super) fn admitted(&mut self, epoch: u32) {
        self.share -= self.share * WEIGHT;
        if epoch == self.epoch {
            self.refused_in_a_row = 0;
        }
    }

    /// Hears that a request of `epoch` was refused for its rate, and which limit was named.
    ///
    /// Requests that were under way at a refusal that was heeded are refused too, and tell nothing
    /// new. `random`, from 0 to 1, spreads the pauses of clients that share a limit.
    pub(super) fn refused(&mut self, epoch: u32, now: Duration, limit: Option<Rate>, random: f64) {
        self.share += (1.0 - self.share) * WEIGHT;
        if epoch != self.epoch {
            return;
        }
        let rate = self.rate(now);
        let risen = |limit: &Rate| rate > (limit.just_under().per_second() + limit.per_second()) / 2.0;
        let exceeded = limit.filter(risen);
        if self.share <= CHANCE && !(self.proven && exceeded.is_some()) {
            return;
        }
        self.epoch = self.epoch.wrapping_add(1);
        self.refused_in_a_row = self.refused_in_a_row.saturating_add(1);
        if let Some(limit) = limit {
            self.window = limit.window();
        }
        let whole = limit.map_or(rate, Rate::per_second);
        if let Some(limit) = exceeded {
            self.proven = true;
            self.cut(now, limit.just_under(), whole, Some(limit));
        } else if now >= self.settled && rate > FLOOR {
            // No limit is named; or it is kept, and not ours alone.
            self.cut(now, Rate::at_most((rate / 2.0).max(FLOOR)), whole, None);
        }
        let longer = 1 << self.refused_in_a_row.saturating_sub(PROBES).min(20);
        let pause = (self.window / PROBES).saturating_mul(longer).min(LONGEST_PAUSE);
        self.shut_until(now + pause.mul_f64(0.75 + random / 2.0));
    }

    /// Goes on at `to`, and from there slowly to `whole` requests per second and beyond.
    fn cut(&mut self, now: Duration, to: Rate, whole: f64, limit: Option<Rate>) {
        if self.learnt.is_none() {
            self.untold = Some(Slowed { limit, from: self.ceiling, to });
        }
        self.learnt = Some(to);
        self.base = to.per_second();
        self.since = now;
        self.gain = (whole - self.base) / (self.window * RECOVERY).as_secs_f64();
        self.settled = now + self.window * 5 / 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// A pace at this ceiling for which refusals are no chance.
    fn refused_often(ceiling: &str) -> Pace {
        Pace { share: 0.5, ..Pace::new(rate(ceiling)) }
    }

    #[test]
    fn a_few_refusals_are_chance_until_a_limit_is_proven() {
        let mut pace = Pace::new(rate("500/s"));
        let limit = Some(rate("60/m"));
        for _ in 0..1000 {
            (0..19).for_each(|_| pace.admitted(pace.epoch()));
            pace.refused(pace.epoch(), seconds(1.0), limit, 0.5);
        }
        assert_eq!((pace.learnt(), pace.opens()), (None, Duration::ZERO), "a limit that nobody keeps");
        let heeded = (1..).find(|_| {
            pace.refused(pace.epoch(), seconds(2.0), limit, 0.5);
            pace.learnt().is_some()
        });
        assert_eq!(heeded, Some(5));
        assert_eq!(pace.learnt(), Some(rate("57/m")));
        (0..1000).for_each(|_| pace.admitted(pace.epoch()));
        let past = seconds(10_000.0);
        assert!(pace.rate(past) > 1.0);
        pace.refused(pace.epoch(), past, limit, 0.5);
        assert!((pace.rate(past) - 0.95).abs() < 1e-9, "one refusal is enough now");
    }

    #[test]
    fn a_named_limit_is_kept_just_under_and_told_once() {
        let mut pace = refused_often("500/s");
        for _ in 0..16 {
            pace.refused(0, seconds(0.1), Some(rate("50/s")), 0.5);
        }
        assert_eq!((pace.rate(seconds(0.1)), pace.opens()), (47.0, seconds(0.35)));
        let slowed = pace.take_untold().unwrap();
        assert_eq!(slowed.to_string(), "the gateway allows 50/s; slowed from 500/s to 47/s");
        // The window is still full of what was sent before.
        pace.refused(1, seconds(0.4), Some(rate("50/s")), 0.5);
        assert_eq!((pace.rate(seconds(0.1)), pace.opens()), (47.0, seconds(0.65)));
        assert_eq!((pace.take_untold(), pace.learnt()), (None, Some(rate("47/s"))));
    }

    #[test]
    fn the_rate_rises_slowly_past_the_limit_and_falls_back() {
        let mut pace = refused_often("500/s");
        pace.refused(0, seconds(0.0), Some(rate("50/s")), 0.5);
        assert!((pace.rate(seconds(25.0)) - 48.5).abs() < 1e-9);
        assert!((pace.rate(seconds(50.0)) - 50.0).abs() < 1e-9);
        assert!((pace.rate(seconds(75.0)) - 51.5).abs() < 1e-9);
        assert_eq!(pace.rate(seconds(1e6)), 500.0);
        pace.refused(1, seconds(75.0), Some(rate("50/s")), 0.5);
        assert_eq!(pace.rate(seconds(75.0)), 47.0);
    }

    #[test]
    fn without_a_named_limit_the_rate_is_halved_once_a_window() {
        let mut pace = refused_often("100/s");
        pace.refused(0, seconds(10.0), None, 0.5);
        pace.refused(0, seconds(10.1), None, 0.5);
        pace.refused(1, seconds(10.5), None, 0.5);
        assert!((pace.rate(seconds(10.0)) - 50.0).abs() < 1e-9);
        let slowed = pace.take_untold().unwrap();
        assert_eq!(slowed.to_string(), "the service refuses requests at 100/s; slowed to 50/s");
        assert!((pace.rate(seconds(60.0)) - 100.0).abs() < 1e-9);
        pace.refused(2, seconds(60.0), None, 0.5);
        assert!((pace.rate(seconds(60.0)) - 50.0).abs() < 1e-9);
    }

    #[test]
    fn a_limit_that_others_use_too_halves_the_rate() {
        let mut pace = refused_often("10/s");
        pace.refused(0, seconds(1.0), Some(rate("600/m")), 0.5);
        assert_eq!(pace.learnt(), Some(rate("570/m")));
        pace.share = 0.1;
        pace.refused(1, seconds(101.0), Some(rate("600/m")), 0.5);
        assert_eq!(pace.learnt(), Some(rate("570/m")), "a few refusals may be chance");
        pace.share = 0.5;
        pace.refused(1, seconds(116.0), Some(rate("600/m")), 0.5);
        assert_eq!(pace.learnt(), Some(rate("285/m")));
    }

    #[test]
    fn pauses_grow_when_refusals_follow_each_other() {
        let mut pace = refused_often("10/s");
        let mut pauses = Vec::new();
        for epoch in 0..12 {
            let now = pace.opens();
            pace.refused(epoch, now, Some(rate("60/m")), 0.5);
            pauses.push((pace.opens() - now).as_secs());
        }
        assert_eq!(pauses, [15, 15, 15, 15, 30, 30, 30, 30, 30, 30, 30, 30]);
        pace.admitted(11);
        pace.refused(12, seconds(900.0), Some(rate("60/m")), 0.5);
        assert_eq!(pace.opens(), seconds(930.0), "an answer to an older request says nothing");
        pace.admitted(13);
        pace.refused(13, seconds(1000.0), Some(rate("60/m")), 0.5);
        assert_eq!(pace.opens(), seconds(1015.0));
    }

    proptest! {
        #[test]
        fn whatever_is_refused_the_rate_stays_within_its_bounds(
            ceiling in 1_u32..1_000_000,
            refusals in prop::collection::vec((0.0_f64..100.0, prop::option::of(1_u32..1000), 0.0_f64..=1.0), 0..50),
        ) {
            let mut pace = Pace::new(rate(&format!("{ceiling}/h")));
            let mut now = Duration::ZERO;
            for (wait, limit, random) in refusals {
                now += seconds(wait);
                let before = pace.rate(now);
                let limit = limit.map(|limit| rate(&format!("{limit}/m")));
                pace.refused(pace.epoch(), now, limit, random);
                let after = pace.rate(now);
                prop_assert!(after > 0.0 && after <= before.min(f64::from(ceiling) / 3600.0));
                prop_assert!(pace.opens() <= now + LONGEST_PAUSE * 5 / 4);
                if pace.share > CHANCE {
                    prop_assert!(pace.opens() > now);
                    prop_assert!(limit.is_none_or(|limit| after <= limit.per_second()));
                }
            }
        }
    }
}
