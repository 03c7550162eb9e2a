//! Whether the service is there at all. Pure: random numbers are passed in.

use std::time::Duration;

use crate::sms::retry::delay;

/// So many failures to connect in a row are an outage: then everybody waits.
const OUTAGE: u32 = 4;

/// What is known of the way to the service.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// Whether a request has ever come through.
    reached: bool,
    /// Failures to connect since the last request that came through.
    missed: u32,
    /// Counts all that were heeded; a request carries the count at which it was sent.
    round: u32,
    /// In an outage requests go one at a time, and one is under way.
    probing: bool,
}

impl Reach {
    /// Whether a request is under way that the others are to wait for.
    pub(super) fn is_probing(&self) -> bool {
        self.probing
    }

    /// Hears that a request is sent, and gives what it is to carry.
    pub(super) fn sent(&mut self) -> u32 {
        self.probing = self.missed >= OUTAGE;
        self.round
    }

    /// Hears that a request came through, whatever was answered.
    pub(super) fn came_through(&mut self) {
        *self = Self { reached: true, round: self.round, ..Self::default() };
    }

    /// Hears that no connection came about for a request of `round`; in an outage gives the time for
    /// which nobody is to ask.
    ///
    /// Requests that were under way at a failure that was heeded fail too, and tell nothing new.
    pub(super) fn missed(&mut self, round: u32, random: f64) -> Option<Duration> {
        if round != self.round {
            return None;
        }
        self.round = self.round.wrapping_add(1);
        self.missed = self.missed.saturating_add(1);
        self.probing = false;
        (self.missed >= OUTAGE).then(|| delay(self.missed, random, None))
    }

    /// How many requests in a row found no service, if none has ever come through.
    pub(super) fn never_reached(&self) -> Option<u32> {
        (!self.reached).then_some(self.missed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_goes_in_an_outage_and_the_pauses_grow() {
        let mut reach = Reach::default();
        let mut pauses = Vec::new();
        for _ in 0..10 {
            let round = reach.sent();
            assert_eq!(reach.is_probing(), round >= 4);
            pauses.push(reach.missed(round, 1.0).map_or(0, |pause| pause.as_secs()));
        }
        assert_eq!(pauses, [0, 0, 0, 0, 1, 3, 6, 12, 25, 30]);
        let probe = reach.sent();
        assert_eq!(reach.missed(0, 1.0), None, "it was sent long before");
        assert!(reach.is_probing());
        reach.came_through();
        assert!(!reach.is_probing());
        assert_eq!(reach.missed(probe, 1.0), None, "a single failure is no outage");
    }

    #[test]
    fn what_fails_at_once_counts_once() {
        let mut reach = Reach::default();
        let sent = [(); 16].map(|()| reach.sent());
        assert!(sent.into_iter().all(|round| reach.missed(round, 1.0).is_none()));
        assert_eq!(reach.never_reached(), Some(1));
        reach.came_through();
        assert_eq!(reach.never_reached(), None);
    }
}
