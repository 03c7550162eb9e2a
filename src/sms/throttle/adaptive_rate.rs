//! The adaptive rate: the user's maximum, reduced after rate-limited responses. Pure: times are passed in, from any
//! origin.

use std::fmt;
use std::time::Duration;

use crate::model::Rate;

/// Number of windows in which the rate returns to its value before a reduction; it rises further at the same slope.
const RECOVERY: u32 = 50;
/// The window of an unknown limit.
const UNKNOWN_WINDOW: Duration = Duration::from_secs(1);
/// Up to this share of refused requests the rate is not reduced, because the refusals may be random; except above a
/// stated limit that was exceeded before.
const IGNORED_SHARE: f64 = 0.2;
/// Weight of the last request in that share.
const WEIGHT: f64 = 1.0 / 32.0;
/// Number of refusals in a row, a quarter of a window apart, after which the pauses grow.
const REFUSALS_BEFORE_LONGER_PAUSES: u32 = 4;
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Minimum rate for a reduction without a stated limit, in requests per second.
const MIN_RATE: f64 = 0.1;

/// The first reduction of the rate by the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slowed {
    /// The limit that the service stated.
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
            None => write!(f, "the service rate-limits requests at {from}; slowed to {to}"),
        }
    }
}

/// The current rate, and the time before which nothing is sent.
#[derive(Debug)]
pub(super) struct AdaptiveRate {
    ceiling: Rate,
    /// Requests per second at `since`.
    base: f64,
    since: Duration,
    /// Rise of the rate, in requests per second per second.
    gain: f64,
    /// The window in which the service counts requests.
    window: Duration,
    opens_at: Duration,
    /// Number of refusals that counted. A request carries the number at which it was sent.
    epoch: u32,
    refused_in_a_row: u32,
    /// Until then a refusal may be caused by requests before the last reduction.
    ignore_until: Duration,
    /// The share of recent requests that were refused.
    refused_share: f64,
    learned_rate: Option<Rate>,
    /// Whether a stated limit was enforced.
    limit_confirmed: bool,
    /// Taken once.
    unreported: Option<Slowed>,
}

impl AdaptiveRate {
    pub(super) fn new(ceiling: Rate) -> Self {
        Self {
            ceiling,
            base: ceiling.per_second(),
            since: Duration::ZERO,
            gain: 0.0,
            window: UNKNOWN_WINDOW,
            opens_at: Duration::ZERO,
            epoch: 0,
            refused_in_a_row: 0,
            ignore_until: Duration::ZERO,
            refused_share: 0.0,
            learned_rate: None,
            limit_confirmed: false,
            unreported: None,
        }
    }

    /// Requests per second.
    pub(super) fn rate(&self, now: Duration) -> f64 {
        let raised = self.gain * now.saturating_sub(self.since).as_secs_f64();
        (self.base + raised).min(self.ceiling.per_second())
    }

    /// The time before which nothing is sent.
    pub(super) fn opens_at(&self) -> Duration {
        self.opens_at
    }

    pub(super) fn close_until(&mut self, moment: Duration) {
        self.opens_at = self.opens_at.max(moment);
    }

    /// The epoch for a request that is sent now.
    pub(super) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The rate after the last reduction.
    pub(super) fn learned_rate(&self) -> Option<Rate> {
        self.learned_rate
    }

    pub(super) fn take_unreported(&mut self) -> Option<Slowed> {
        self.unreported.take()
    }

    /// Records that a request of `epoch` was not rate-limited.
    pub(super) fn record_success(&mut self, epoch: u32) {
        self.refused_share -= self.refused_share * WEIGHT;
        if epoch == self.epoch {
            self.refused_in_a_row = 0;
        }
    }

    /// Records a rate-limited request of `epoch`, and the limit that was stated.
    ///
    /// Requests that were running at a refusal that counted are refused too, so they do not count. `random`, from 0
    /// to 1, spreads the pauses of clients that share a limit.
    pub(super) fn record_rate_limit(&mut self, epoch: u32, now: Duration, limit: Option<Rate>, random: f64) {
        self.refused_share += (1.0 - self.refused_share) * WEIGHT;
        if epoch != self.epoch {
            return;
        }
        let rate = self.rate(now);
        let risen = |limit: &Rate| rate > (limit.just_under().per_second() + limit.per_second()) / 2.0;
        let exceeded = limit.filter(risen);
        if self.refused_share <= IGNORED_SHARE && !(self.limit_confirmed && exceeded.is_some()) {
            return;
        }
        self.epoch = self.epoch.wrapping_add(1);
        self.refused_in_a_row = self.refused_in_a_row.saturating_add(1);
        if let Some(limit) = limit {
            self.window = limit.window();
        }
        let whole = limit.map_or(rate, Rate::per_second);
        if let Some(limit) = exceeded {
            self.limit_confirmed = true;
            self.reduce(now, limit.just_under(), whole, Some(limit));
        } else if now >= self.ignore_until && rate > MIN_RATE {
            // No limit is stated, or it is shared with others.
            self.reduce(now, Rate::at_most((rate / 2.0).max(MIN_RATE)), whole, None);
        }
        let longer = 1 << self.refused_in_a_row.saturating_sub(REFUSALS_BEFORE_LONGER_PAUSES).min(20);
        let pause = (self.window / REFUSALS_BEFORE_LONGER_PAUSES).saturating_mul(longer).min(LONGEST_PAUSE);
        self.close_until(now + pause.mul_f64(0.75 + random / 2.0));
    }

    /// Reduces the rate to `to`; it then rises slowly to `whole` requests per second and beyond.
    fn reduce(&mut self, now: Duration, to: Rate, whole: f64, limit: Option<Rate>) {
        if self.learned_rate.is_none() {
            self.unreported = Some(Slowed { limit, from: self.ceiling, to });
        }
        self.learned_rate = Some(to);
        self.base = to.per_second();
        self.since = now;
        self.gain = (whole - self.base) / (self.window * RECOVERY).as_secs_f64();
        self.ignore_until = now + self.window * 5 / 4;
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

    /// An adaptive rate that counts every refusal.
    fn refused_often(ceiling: &str) -> AdaptiveRate {
        AdaptiveRate { refused_share: 0.5, ..AdaptiveRate::new(rate(ceiling)) }
    }

    #[test]
    fn few_refusals_do_not_slow_until_a_limit_is_confirmed() {
        let mut adaptive_rate = AdaptiveRate::new(rate("500/s"));
        let limit = Some(rate("60/m"));
        for _ in 0..1000 {
            (0..19).for_each(|_| adaptive_rate.record_success(adaptive_rate.epoch()));
            adaptive_rate.record_rate_limit(adaptive_rate.epoch(), seconds(1.0), limit, 0.5);
        }
        assert_eq!(
            (adaptive_rate.learned_rate(), adaptive_rate.opens_at()),
            (None, Duration::ZERO),
            "the limit is not enforced"
        );
        let heeded = (1..).find(|_| {
            adaptive_rate.record_rate_limit(adaptive_rate.epoch(), seconds(2.0), limit, 0.5);
            adaptive_rate.learned_rate().is_some()
        });
        assert_eq!(heeded, Some(5));
        assert_eq!(adaptive_rate.learned_rate(), Some(rate("57/m")));
        (0..1000).for_each(|_| adaptive_rate.record_success(adaptive_rate.epoch()));
        let past = seconds(10_000.0);
        assert!(adaptive_rate.rate(past) > 1.0);
        adaptive_rate.record_rate_limit(adaptive_rate.epoch(), past, limit, 0.5);
        assert!((adaptive_rate.rate(past) - 0.95).abs() < 1e-9, "now one refusal is enough");
    }

    #[test]
    fn stated_limit_is_kept_and_reported_once() {
        let mut adaptive_rate = refused_often("500/s");
        for _ in 0..16 {
            adaptive_rate.record_rate_limit(0, seconds(0.1), Some(rate("50/s")), 0.5);
        }
        assert_eq!((adaptive_rate.rate(seconds(0.1)), adaptive_rate.opens_at()), (47.0, seconds(0.35)));
        let slowed = adaptive_rate.take_unreported().unwrap();
        assert_eq!(slowed.to_string(), "the gateway allows 50/s; slowed from 500/s to 47/s");
        // The window still contains earlier requests.
        adaptive_rate.record_rate_limit(1, seconds(0.4), Some(rate("50/s")), 0.5);
        assert_eq!((adaptive_rate.rate(seconds(0.1)), adaptive_rate.opens_at()), (47.0, seconds(0.65)));
        assert_eq!(
            (adaptive_rate.take_unreported(), adaptive_rate.learned_rate()),
            (None, Some(rate("47/s")))
        );
    }

    #[test]
    fn rate_rises_slowly_past_the_limit_and_falls_back() {
        let mut adaptive_rate = refused_often("500/s");
        adaptive_rate.record_rate_limit(0, seconds(0.0), Some(rate("50/s")), 0.5);
        assert!((adaptive_rate.rate(seconds(25.0)) - 48.5).abs() < 1e-9);
        assert!((adaptive_rate.rate(seconds(50.0)) - 50.0).abs() < 1e-9);
        assert!((adaptive_rate.rate(seconds(75.0)) - 51.5).abs() < 1e-9);
        assert_eq!(adaptive_rate.rate(seconds(1e6)), 500.0);
        adaptive_rate.record_rate_limit(1, seconds(75.0), Some(rate("50/s")), 0.5);
        assert_eq!(adaptive_rate.rate(seconds(75.0)), 47.0);
    }

    #[test]
    fn unknown_limit_halves_the_rate_once_per_window() {
        let mut adaptive_rate = refused_often("100/s");
        adaptive_rate.record_rate_limit(0, seconds(10.0), None, 0.5);
        adaptive_rate.record_rate_limit(0, seconds(10.1), None, 0.5);
        adaptive_rate.record_rate_limit(1, seconds(10.5), None, 0.5);
        assert!((adaptive_rate.rate(seconds(10.0)) - 50.0).abs() < 1e-9);
        let slowed = adaptive_rate.take_unreported().unwrap();
        assert_eq!(slowed.to_string(), "the service rate-limits requests at 100/s; slowed to 50/s");
        assert!((adaptive_rate.rate(seconds(60.0)) - 100.0).abs() < 1e-9);
        adaptive_rate.record_rate_limit(2, seconds(60.0), None, 0.5);
        assert!((adaptive_rate.rate(seconds(60.0)) - 50.0).abs() < 1e-9);
    }

    #[test]
    fn shared_limit_halves_the_rate() {
        let mut adaptive_rate = refused_often("10/s");
        adaptive_rate.record_rate_limit(0, seconds(1.0), Some(rate("600/m")), 0.5);
        assert_eq!(adaptive_rate.learned_rate(), Some(rate("570/m")));
        adaptive_rate.refused_share = 0.1;
        adaptive_rate.record_rate_limit(1, seconds(101.0), Some(rate("600/m")), 0.5);
        assert_eq!(adaptive_rate.learned_rate(), Some(rate("570/m")), "a few refusals do not count");
        adaptive_rate.refused_share = 0.5;
        adaptive_rate.record_rate_limit(1, seconds(116.0), Some(rate("600/m")), 0.5);
        assert_eq!(adaptive_rate.learned_rate(), Some(rate("285/m")));
    }

    #[test]
    fn consecutive_refusals_lengthen_the_pauses() {
        let mut adaptive_rate = refused_often("10/s");
        let mut pauses = Vec::new();
        for epoch in 0..12 {
            let now = adaptive_rate.opens_at();
            adaptive_rate.record_rate_limit(epoch, now, Some(rate("60/m")), 0.5);
            pauses.push((adaptive_rate.opens_at() - now).as_secs());
        }
        assert_eq!(pauses, [15, 15, 15, 15, 30, 30, 30, 30, 30, 30, 30, 30]);
        adaptive_rate.record_success(11);
        adaptive_rate.record_rate_limit(12, seconds(900.0), Some(rate("60/m")), 0.5);
        assert_eq!(
            adaptive_rate.opens_at(),
            seconds(930.0),
            "the response to an older request does not count"
        );
        adaptive_rate.record_success(13);
        adaptive_rate.record_rate_limit(13, seconds(1000.0), Some(rate("60/m")), 0.5);
        assert_eq!(adaptive_rate.opens_at(), seconds(1015.0));
    }

    proptest! {
        #[test]
        fn any_refusals_keep_the_rate_within_bounds(
            ceiling in 1_u32..1_000_000,
            refusals in prop::collection::vec((0.0_f64..100.0, prop::option::of(1_u32..1000), 0.0_f64..=1.0), 0..50),
        ) {
            let mut adaptive_rate = AdaptiveRate::new(rate(&format!("{ceiling}/h")));
            let mut now = Duration::ZERO;
            for (wait, limit, random) in refusals {
                now += seconds(wait);
                let before = adaptive_rate.rate(now);
                let limit = limit.map(|limit| rate(&format!("{limit}/m")));
                adaptive_rate.record_rate_limit(adaptive_rate.epoch(), now, limit, random);
                let after = adaptive_rate.rate(now);
                prop_assert!(after > 0.0 && after <= before.min(f64::from(ceiling) / 3600.0));
                prop_assert!(adaptive_rate.opens_at() <= now + LONGEST_PAUSE * 5 / 4);
                if adaptive_rate.refused_share > IGNORED_SHARE {
                    prop_assert!(adaptive_rate.opens_at() > now);
                    prop_assert!(limit.is_none_or(|limit| after <= limit.per_second()));
                }
            }
        }
    }
}
