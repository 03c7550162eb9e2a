//! Which failures are retried, and after what delay. Pure: the random number is passed in.

use std::time::Duration;

/// Maximum attempts for responses that are not JSON; the last one is used.
pub const MAX_NOT_JSON: u32 = 5;
/// Upper bound of the first backoff; doubles with each attempt.
const BASE: Duration = Duration::from_millis(100);
/// Maximum backoff.
const CAP: Duration = Duration::from_secs(30);
/// Maximum wait that a server may ask for; past it the task fails.
pub const MAX_WAIT: Duration = Duration::from_secs(300);

/// Whether a request with this status is retried.
///
/// 400, 401, 403 and 404 are permanent, and repeated refusals lock an access key.
pub const fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

/// The delay after attempt number `attempt` (from 1).
///
/// Exponential backoff with 25 % jitter; `random` is from 0 to 1. Twelve attempts span more than a minute for any
/// random numbers. Never less than the server asked for.
pub fn delay(attempt: u32, random: f64, asked: Option<Duration>) -> Duration {
    let bound = BASE.saturating_mul(1 << attempt.saturating_sub(1).min(20)).min(CAP);
    bound.mul_f64(0.75 + random.clamp(0.0, 1.0) / 4.0).max(asked.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_statuses_are_transient() {
        let transient: Vec<u16> = (100..600).filter(|status| is_transient(*status)).collect();
        assert_eq!(transient, [408, 429, 500, 502, 503, 504]);
    }

    #[test]
    fn delay_doubles_up_to_the_cap_and_respects_the_server() {
        let upper: Vec<u128> = (1..=10).map(|attempt| delay(attempt, 1.0, None).as_millis()).collect();
        assert_eq!(upper, [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000]);
        assert_eq!(delay(u32::MAX, 1.0, None), CAP);
        assert_eq!(delay(3, 0.0, None), BASE * 3);
        assert_eq!(delay(1, 1.0, Some(Duration::from_secs(7))), Duration::from_secs(7));
    }

    #[test]
    fn twelve_attempts_span_more_than_a_minute() {
        for used in 0..4 {
            let shortest: Duration = (1 + used..12).map(|attempt| delay(attempt, 0.0, None)).sum();
            assert!(shortest > Duration::from_secs(70), "{shortest:?}");
        }
    }
}
