//! Whether the service can be reached. Pure: random numbers are passed in.

use std::time::Duration;

use crate::sms::retry::delay;

/// This many connection failures in a row are an outage, in which all requests wait.
const OUTAGE: u32 = 4;

/// The state of the connection to the service.
#[derive(Debug, Default)]
pub(super) struct Connectivity {
    /// Whether a request ever reached the service.
    ever_reached: bool,
    /// Connection failures since the last request that reached it.
    connect_failures: u32,
    /// Number of connection failures that counted. A request carries the number at which it was sent.
    round: u32,
    /// Whether the single request that an outage allows is running.
    probing: bool,
}

impl Connectivity {
    /// Whether a probe is running that all other requests wait for.
    pub(super) fn is_probing(&self) -> bool {
        self.probing
    }

    /// Records that a request is sent; returns its round.
    pub(super) fn sent(&mut self) -> u32 {
        self.probing = self.connect_failures >= OUTAGE;
        self.round
    }

    /// Records that a request reached the service.
    pub(super) fn record_response(&mut self) {
        *self = Self { ever_reached: true, round: self.round, ..Self::default() };
    }

    /// Records a connection failure of a request of `round`; in an outage returns the time for which no request is
    /// sent.
    ///
    /// Requests that were running at a failure that counted fail too, so they do not count.
    pub(super) fn record_connect_failure(&mut self, round: u32, random: f64) -> Option<Duration> {
        if round != self.round {
            return None;
        }
        self.round = self.round.wrapping_add(1);
        self.connect_failures = self.connect_failures.saturating_add(1);
        self.probing = false;
        (self.connect_failures >= OUTAGE).then(|| delay(self.connect_failures, random, None))
    }

    /// The number of connection failures in a row, if the service was never reached.
    pub(super) fn never_reached(&self) -> Option<u32> {
        (!self.ever_reached).then_some(self.connect_failures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outage_allows_one_request_at_a_time_with_growing_pauses() {
        let mut connectivity = Connectivity::default();
        let mut pauses = Vec::new();
        for _ in 0..10 {
            let round = connectivity.sent();
            assert_eq!(connectivity.is_probing(), round >= 4);
            pauses.push(connectivity.record_connect_failure(round, 1.0).map_or(0, |pause| pause.as_secs()));
        }
        assert_eq!(pauses, [0, 0, 0, 0, 1, 3, 6, 12, 25, 30]);
        let probe = connectivity.sent();
        assert_eq!(connectivity.record_connect_failure(0, 1.0), None, "it was sent before the outage");
        assert!(connectivity.is_probing());
        connectivity.record_response();
        assert!(!connectivity.is_probing());
        assert_eq!(connectivity.record_connect_failure(probe, 1.0), None, "a single failure is no outage");
    }

    #[test]
    fn concurrent_connect_failures_count_once() {
        let mut connectivity = Connectivity::default();
        let sent = [(); 16].map(|()| connectivity.sent());
        assert!(sent.into_iter().all(|round| connectivity.record_connect_failure(round, 1.0).is_none()));
        assert_eq!(connectivity.never_reached(), Some(1));
        connectivity.record_response();
        assert_eq!(connectivity.never_reached(), None);
    }
}
