//! The service's clock, compared with this machine's.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How far the service's clock is ahead of this machine's. Unit: whole seconds, negative if it is behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClockOffset(i64);

/// Maximum lag of a `Date` header: it has whole seconds, and servers cache it for up to a second.
const DATE_LAG: SignedDuration = SignedDuration::from_secs(2);

impl ClockOffset {
    /// A larger clock offset is reported: 5 minutes.
    pub const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

    /// The offset of this many seconds.
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds)
    }

    /// The offset in seconds.
    pub const fn as_secs(self) -> i64 {
        self.0
    }

    /// The smallest offset that is possible with the `Date` of a response.
    ///
    /// The service read its clock between `sent` and `received`, on this machine's clock, so a correct clock gives 0
    /// at any latency. None if this machine's clock was set back meanwhile.
    pub fn measure(date: Timestamp, sent: Timestamp, received: Timestamp) -> Option<Self> {
        if received < sent {
            return None;
        }
        let least = date.duration_since(received);
        let most = date.duration_since(sent).saturating_add(DATE_LAG);
        Some(Self(if least.is_positive() {
            least.as_secs()
        } else if most.is_negative() {
            most.as_secs()
        } else {
            0
        }))
    }

    /// The time on the service's clock for `time` on this machine's.
    pub fn service_time(self, time: Timestamp) -> Timestamp {
        time.saturating_add(SignedDuration::from_secs(self.0)).unwrap_or(time)
    }

    /// Whether the offset exceeds [`TOLERANCE`](Self::TOLERANCE).
    pub fn is_notable(self) -> bool {
        self.0.unsigned_abs() > Self::TOLERANCE.as_secs().unsigned_abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + milliseconds).unwrap()
    }

    #[test]
    fn offset_with_date_far_from_clock_has_its_size_and_sign() {
        let measured = |date, sent, received| {
            ClockOffset::measure(at(date), at(sent), at(received)).map(ClockOffset::as_secs)
        };
        assert_eq!(measured(36 * 3_600_000, 0, 20), Some(36 * 3600 - 1));
        assert_eq!(measured(-7_200_000, 0, 20), Some(-7198));
        assert_eq!(measured(0, 20, 0), None, "the clock was set back");
        assert!(!ClockOffset(-300).is_notable() && ClockOffset(-301).is_notable());
        assert!(ClockOffset(i64::MIN).is_notable() && !ClockOffset(300).is_notable());
    }

    #[test]
    fn service_time_beyond_the_calendar_stays_in_it() {
        assert_eq!(ClockOffset(i64::MAX).service_time(at(0)), Timestamp::MAX);
        assert_eq!(ClockOffset(i64::MIN).service_time(at(0)), Timestamp::MIN);
    }

    proptest! {
        #[test]
        fn offset_of_correct_clock_is_zero_at_any_latency(
            sent in 0_i64..100_000, there in 0_i64..40_000, back in 0_i64..40_000, cached in 0_i64..1000,
        ) {
            let date = (sent + there - cached).div_euclid(1000) * 1000;
            let offset = ClockOffset::measure(at(date), at(sent), at(sent + there + back));
            prop_assert_eq!(offset, Some(ClockOffset(0)));
        }

        #[test]
        fn offset_of_wrong_clock_is_accurate_within_the_latency(
            behind in -100_000_i64..100_000, there in 0_i64..4000, back in 0_i64..4000,
        ) {
            let date = (behind * 1000 + there).div_euclid(1000) * 1000;
            let offset = ClockOffset::measure(at(date), at(0), at(there + back)).unwrap().as_secs();
            let allowed = (there + back) / 1000 + 3;
            prop_assert!((offset - behind).abs() <= allowed && offset.abs() <= behind.abs());
        }
    }
}
