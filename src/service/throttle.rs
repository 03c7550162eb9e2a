//! The gateway's rate limit, per window.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::model::Rate;

/// Counts requests against a rate. A window is as long as the rate's unit and starts at the first request after the
/// previous window.
#[derive(Debug)]
pub(super) struct Throttle {
    limit: Rate,
    window: Mutex<Option<Window>>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    began: Instant,
    requests: u32,
}

impl Throttle {
    pub(super) fn new(limit: Rate) -> Self {
        Self { limit, window: Mutex::new(None) }
    }

    /// The rate limit.
    pub(super) fn limit(&self) -> Rate {
        self.limit
    }

    /// Counts a request at `now`; false if the limit is exceeded.
    pub(super) fn admits(&self, now: Instant) -> bool {
        // Every change is complete, so a poisoned lock is still usable.
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        match window.as_mut() {
            Some(current) if now.duration_since(current.began) < self.limit.window() => {
                let admitted = current.requests < self.limit.count().get();
                current.requests += u32::from(admitted);
                admitted
            }
            _ => {
                *window = Some(Window { began: now, requests: 1 });
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn window_starts_at_the_first_request() {
        let throttle = Throttle::new("2/m".parse().unwrap());
        let start = Instant::now();
        let at = |seconds| throttle.admits(start + Duration::from_secs(seconds));
        assert!(at(50));
        assert!(at(60));
        assert!(!at(61));
        assert!(!at(109), "refused requests do not count, and the window has not ended");
        assert!(at(110));
        assert!(at(110));
        assert!(!at(111));
    }
}
