//! What is worth another try, and when. Pure: the random number is passed in.

use std::time::Duration;

/// How many answers to one question may be no JSON; the last of them counts.
pub const NO_JSON: u32 = 5;
/// The first backoff's upper bound; each further one doubles it.
const BASE: Duration = Duration::from_millis(100);
/// The largest backoff.
const CAP: Duration = Duration::from_secs(30);
/// The longest time that a server may ask a task to wait; past it the task fails.
pub const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// Whether an answer with this status may be different the next time.
///
/// 400, 401, 403 and 404 never are, and repeated refusals lock an access key.
pub const fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

/// How long to wait after attempt number `attempt` (from 1) before the next.
///
/// Exponential: `random`, from 0 to 1, picks a point in the upper quarter of the bound. So twelve attempts
/// outlast an outage of a minute whatever chance brings, and a few failures in a row cost little at the end of a
/// run. Never less than the server asked for.
pub fn delay(attempt: u32, random: f64, asked: Option<Duration>) -> Duration {
    let bound = BASE.saturating_mul(1 << attempt.saturating_sub(1).min(20)).min(CAP);
    bound.mul_f64(0.75 + random.clamp(0.0, 1.0) / 4.0).max(asked.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_statuses() {
        let transient: Vec<u16> = (100..600).filter(|status| is_transient(*status)).collect();
        assert_eq!(transient, [408, 429, 500, 502, 503, 504]);
    }

    #[test]
    fn the_table_of_delays() {
        let upper: Vec<u128> = (1..=10).map(|attempt| delay(attempt, 1.0, None).as_millis()).collect();
        assert_eq!(upper, [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000]);
        assert_eq!(delay(u32::MAX, 1.0, None), CAP);
        assert_eq!(delay(3, 0.0, None), BASE * 3);
        assert_eq!(delay(1, 1.0, Some(Duration::from_secs(7))), Duration::from_secs(7));
    }

    #[test]
    fn twelve_attempts_outlast_a_minute_even_when_some_were_used_before() {
        for used in 0..4 {
            let shortest: Duration = (1 + used..12).map(|attempt| delay(attempt, 0.0, None)).sum();
            assert!(shortest > Duration::from_secs(70), "{shortest:?}");
        }
    }
}
