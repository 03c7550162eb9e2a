//! A request rate.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// Requests per second, minute or hour; never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    count: NonZeroU32,
    per: Per,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Per {
    Second,
    Minute,
    Hour,
}

/// An invalid rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a rate; write a whole number from 1 to 1000000 and a unit, as in 10/s, 600/m or 3600/h"
)]
pub struct RateError(String);

impl Rate {
    /// Requests in one [`window`](Self::window).
    pub const fn count(self) -> NonZeroU32 {
        self.count
    }

    /// The unit of time that the rate is given in.
    pub const fn window(self) -> Duration {
        Duration::from_secs(match self.per {
            Per::Second => 1,
            Per::Minute => 60,
            Per::Hour => 3600,
        })
    }

    /// Requests per second.
    pub fn per_second(self) -> f64 {
        f64::from(self.count.get()) / self.window().as_secs_f64()
    }

    /// The minimum time for this many requests; the first is sent at once.
    pub fn time_for(self, requests: usize) -> Duration {
        let waited_for = u64::try_from(requests.saturating_sub(1)).unwrap_or(u64::MAX);
        let milliseconds = waited_for.saturating_mul(self.window().as_secs() * 1000);
        Duration::from_millis(milliseconds / u64::from(self.count.get()))
    }

    /// The fastest rate of at most `per_second` requests per second: per second if a whole number is close, else per
    /// minute or hour. At least one per hour.
    pub fn at_most(per_second: f64) -> Self {
        let in_unit = |per| {
            let exact = per_second * Self { count: NonZeroU32::MIN, per }.window().as_secs_f64();
            // Rounding errors must not turn a whole number into the next lower one.
            let count = (exact + WHOLE).floor();
            (count >= 10.0 || exact - count < WHOLE)
                .then(|| NonZeroU32::new(count as u32))
                .flatten()
                .map(|count| Self { count, per })
        };
        let hourly = NonZeroU32::new((per_second * 3600.0) as u32).unwrap_or(NonZeroU32::MIN);
        in_unit(Per::Second)
            .or_else(|| in_unit(Per::Minute))
            .unwrap_or(Self { count: hourly, per: Per::Hour })
    }

    /// The share of this rate for each of `of` runs: exact if it is a whole number of requests per hour, else just
    /// below. At least one per hour.
    pub fn share(self, of: NonZeroU32) -> Self {
        let of = u64::from(of.get()) * self.window().as_secs();
        let in_unit = |per| {
            let window = Self { count: NonZeroU32::MIN, per }.window().as_secs();
            (u64::from(self.count.get()) * window, per)
        };
        let whole = [Per::Second, Per::Minute].map(in_unit).into_iter().find(|(count, _)| count % of == 0);
        let (count, per) = whole.unwrap_or(in_unit(Per::Hour));
        let count = u32::try_from(count / of).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        Self { count, per }
    }

    /// A rate safely below this limit: 95 %, at least one request less, but never zero.
    pub fn just_under(self) -> Self {
        let count = self.count.get();
        Self { count: NonZeroU32::new(count - count.div_ceil(20)).unwrap_or(self.count), ..self }
    }
}

/// Tolerance for floating-point rounding.
const WHOLE: f64 = 1e-6;

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let wrong = || RateError(text.to_owned());
        let (count, unit) = text.split_once('/').ok_or_else(wrong)?;
        let count: NonZeroU32 = count.trim().parse().map_err(|_| wrong())?;
        let per = match unit.trim() {
            "s" | "sec" | "second" => Per::Second,
            "m" | "min" | "minute" => Per::Minute,
            "h" | "hour" => Per::Hour,
            _ => return Err(wrong()),
        };
        if count.get() > 1_000_000 {
            return Err(wrong());
        }
        Ok(Self { count, per })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.per {
            Per::Second => "s",
            Per::Minute => "m",
            Per::Hour => "h",
        };
        write!(f, "{}/{unit}", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    #[test]
    fn just_under_is_below_the_limit() {
        for (limit, under) in
            [("50/s", "47/s"), ("60/m", "57/m"), ("20/s", "19/s"), ("3/s", "2/s"), ("1/m", "1/m")]
        {
            assert_eq!(rate(limit).just_under(), rate(under));
        }
    }

    #[test]
    fn at_most_chooses_a_readable_unit() {
        for (per_second, written) in
            [(250.0, "250/s"), (12.5, "12/s"), (9.0, "9/s"), (6.25, "375/m"), (0.95, "57/m"), (0.01, "36/h")]
        {
            assert_eq!(Rate::at_most(per_second).to_string(), written);
        }
        assert_eq!(Rate::at_most(0.0), rate("1/h"));
    }

    #[test]
    fn share_is_exact_if_divisible() {
        let share = |text: &str, of| rate(text).share(NonZeroU32::new(of).unwrap()).to_string();
        for (whole, of, part) in [
            ("10/s", 1, "10/s"),
            ("10/s", 2, "5/s"),
            ("10/s", 4, "150/m"),
            ("10/s", 7, "5142/h"),
            ("600/m", 5, "2/s"),
            ("7/h", 2, "3/h"),
            ("1/h", 9, "1/h"),
            ("1000000/s", 7, "514285714/h"),
        ] {
            assert_eq!(share(whole, of), part, "{whole} by {of}");
        }
    }

    proptest! {
        #[test]
        fn sum_of_shares_is_close_to_but_not_above_the_rate(
            count in 1_u32..=1_000_000, per in prop::sample::select(vec!["s", "m", "h"]), of in 1_u32..2000,
        ) {
            let whole = rate(&format!("{count}/{per}"));
            let together = whole.share(NonZeroU32::new(of).unwrap()).per_second() * f64::from(of);
            let an_hour_each = f64::from(of) / 3600.0;
            prop_assert!(together <= whole.per_second().max(an_hour_each) * (1.0 + WHOLE));
            prop_assert!(together > whole.per_second() * (1.0 - WHOLE) - an_hour_each);
        }

        #[test]
        fn at_most_is_close_and_not_above(per_second in 0.003_f64..1e6) {
            let seen = Rate::at_most(per_second).per_second();
            prop_assert!(seen <= per_second + WHOLE && seen >= per_second * 0.9, "{per_second} became {seen}");
        }
    }
}
