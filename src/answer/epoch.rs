//! Times as numbers, whose unit the service does not document.

use jiff::Timestamp;

/// Values below this are seconds since 1970, the others milliseconds.
const FIRST_MILLISECOND_VALUE: i64 = 100_000_000_000;
/// The last millisecond of the year 9999, since 1970.
const LAST_MILLISECOND: i64 = 253_402_300_799_999;

/// The time of a number of seconds or milliseconds since 1970; none below 1 and after the year 9999.
pub fn epoch_time(value: i64) -> Option<Timestamp> {
    match value {
        1..FIRST_MILLISECOND_VALUE => Timestamp::from_second(value).ok(),
        // The end of 9999 is beyond what can be shown in every time zone.
        FIRST_MILLISECOND_VALUE..=LAST_MILLISECOND => {
            Some(Timestamp::from_millisecond(value).unwrap_or(Timestamp::MAX))
        }
        _ => None,
    }
}
