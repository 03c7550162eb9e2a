//! Which journals belong to one night.

use jiff::{SignedDuration, Timestamp};

use crate::journal::Journal;
use crate::model::Shard;
use crate::report::zone::Zone;

/// A shard that completes a night may end this much later than the shards before it.
const SHARD_DELAY: SignedDuration = SignedDuration::from_hours(6);

/// The properties of a journal that decide to which night it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunKey {
    /// The end of the run on the service's clock.
    ended_at: Timestamp,
    /// Its shard, if it is one.
    shard: Option<Shard>,
    /// Whether it is a shard without the result of a comparison with the account.
    is_plain_shard: bool,
    /// The divided lists that it has shards of.
    lists: Vec<DividedList>,
}

/// A list that was divided into shards.
#[derive(Debug, Clone, PartialEq, Eq)]
struct DividedList {
    endpoint: String,
    sha256: String,
    of: u32,
}

impl DividedList {
    /// Whether a merge accepts shards of both lists.
    fn fits(&self, other: &Self) -> bool {
        self.endpoint != other.endpoint || self == other
    }
}

impl RunKey {
    /// The key of a journal.
    pub fn of(journal: &Journal) -> Self {
        let header = journal.header();
        let own = header.shard.as_ref().map(|part| DividedList {
            endpoint: header.endpoint.clone(),
            sha256: part.list.list_sha256.clone(),
            of: part.shard.of().get(),
        });
        let merged = header.merged_from.iter().filter_map(|origin| {
            let list = origin.list.as_ref()?;
            Some(DividedList {
                endpoint: origin.endpoint.clone(),
                sha256: list.list_sha256.clone(),
                of: origin.shards()?,
            })
        });
        Self {
            ended_at: journal.as_of(),
            shard: header.shard.as_ref().map(|part| part.shard),
            is_plain_shard: header.shard.is_some()
                && header.reconciliation.is_none()
                && header.unlisted.is_empty(),
            lists: own.into_iter().chain(merged).collect(),
        }
    }

    /// Whether the runs are different shards of one list, so that no task is in two of them, and nothing else needs a
    /// merge.
    pub fn are_different_shards(runs: &[&Self]) -> bool {
        let is_new = |(place, run): (usize, &&Self)| {
            run.is_plain_shard && runs.iter().take(place).all(|other| other.shard != run.shard)
        };
        runs.iter().enumerate().all(is_new) && runs.windows(2).all(same_lists)
    }

    fn fits(&self, other: &Self) -> bool {
        self.lists.iter().all(|list| other.lists.iter().all(|other| list.fits(other)))
    }

    /// Whether this is a shard that `night` lacks.
    fn completes(&self, night: &[&Self]) -> bool {
        let of_list = || night.iter().filter(|other| other.shard.is_some() && other.lists == self.lists);
        let last = of_list().map(|other| other.ended_at).max();
        let is_soon = last.is_some_and(|last| self.ended_at.duration_since(last) <= SHARD_DELAY);
        self.shard.is_some() && is_soon && of_list().all(|other| other.shard != self.shard)
    }
}

fn same_lists(pair: &[&RunKey]) -> bool {
    matches!(pair, [one, other] if one.lists == other.lists)
}

/// The nights of these runs, in order: for each night the sets of runs that can be merged, by their places.
///
/// A night is the time from noon to noon in `zone`; a run belongs to the night in which it ended. A shard that ended
/// after noon belongs to the night before if that night has other shards of the list, lacks this one, and ended at most
/// 6 hours earlier.
pub fn group_into_nights(runs: &[RunKey], zone: &Zone) -> Vec<Vec<Vec<usize>>> {
    let mut in_order: Vec<(usize, &RunKey)> = runs.iter().enumerate().collect();
    in_order.sort_by_key(|(place, run)| (run.ended_at, *place));
    let mut nights: Vec<(jiff::civil::Date, Vec<(usize, &RunKey)>)> = Vec::new();
    for (place, run) in in_order {
        let date = evening(run.ended_at, zone);
        match nights.last_mut() {
            Some((of_night, night))
                if *of_night == date
                    || run.completes(&night.iter().map(|(_, run)| *run).collect::<Vec<_>>()) =>
            {
                night.push((place, run));
            }
            _ => nights.push((date, vec![(place, run)])),
        }
    }
    nights.into_iter().map(|(_, night)| sets(&night)).collect()
}

/// The runs of a night, by sets that a merge accepts.
fn sets(night: &[(usize, &RunKey)]) -> Vec<Vec<usize>> {
    let mut sets: Vec<Vec<(usize, &RunKey)>> = Vec::new();
    for (place, run) in night {
        let fitting = sets.iter_mut().find(|set| set.iter().all(|(_, other)| run.fits(other)));
        match fitting {
            Some(set) => set.push((*place, run)),
            None => sets.push(vec![(*place, run)]),
        }
    }
    sets.into_iter().map(|set| set.into_iter().map(|(place, _)| place).collect()).collect()
}

/// The date of the noon at which the night began.
fn evening(time: Timestamp, zone: &Zone) -> jiff::civil::Date {
    let local = zone.local(time);
    let date = local.date();
    if local.hour() < 12 { date.yesterday().unwrap_or(date) } else { date }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn run(ended: &str) -> RunKey {
        RunKey { ended_at: ended.parse().unwrap(), shard: None, is_plain_shard: false, lists: Vec::new() }
    }

    fn shard(ended: &str, list: &str, index: u32, of: u32) -> RunKey {
        let divided = DividedList { endpoint: "e".to_owned(), sha256: list.to_owned(), of };
        let shard = Shard::new(index, NonZeroU32::new(of).unwrap());
        RunKey { shard, is_plain_shard: true, lists: vec![divided], ..run(ended) }
    }

    fn grouped(zone: &str, runs: &[RunKey]) -> Vec<Vec<Vec<usize>>> {
        group_into_nights(runs, &Zone::named(zone).unwrap())
    }

    #[test]
    fn night_is_noon_to_noon_in_the_zone() {
        let runs = [
            run("2026-11-20T23:50:00Z"),
            run("2026-11-21T00:10:00Z"),
            run("2026-11-21T11:59:00Z"),
            run("2026-11-21T12:00:00Z"),
        ];
        assert_eq!(grouped("UTC", &runs), [vec![vec![0, 1, 2]], vec![vec![3]]]);
        // In Shanghai noon is at 04:00 UTC.
        assert_eq!(grouped("Asia/Shanghai", &runs), [vec![vec![0, 1]], vec![vec![2, 3]]]);
    }

    #[test]
    fn nights_around_a_clock_change_are_one_each() {
        // The clock is set back at 01:00 UTC: 02:30 comes twice.
        let runs =
            ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"];
        let runs = runs.map(run);
        assert_eq!(grouped("Europe/Berlin", &runs), [vec![vec![0]], vec![vec![1, 2]], vec![vec![3]]]);
    }

    #[test]
    fn late_shard_completes_the_night_before() {
        let runs = [
            shard("2026-11-21T12:20:00Z", "a", 2, 2),
            shard("2026-11-21T11:40:00Z", "a", 1, 2),
            shard("2026-11-22T11:40:00Z", "a", 1, 2),
            shard("2026-11-22T18:00:00Z", "a", 2, 2),
        ];
        assert_eq!(grouped("UTC", &runs), [vec![vec![1, 0]], vec![vec![2]], vec![vec![3]]]);
    }

    #[test]
    fn only_different_shards_of_one_list_need_no_merge() {
        let of = |list, index| shard("2026-11-21T01:00:00Z", list, index, 3);
        let are = |runs: &[RunKey]| RunKey::are_different_shards(&runs.iter().collect::<Vec<_>>());
        assert!(are(&[of("a", 1), of("a", 3)]));
        assert!(!are(&[of("a", 1), of("a", 1)]) && !are(&[of("a", 1), of("b", 2)]));
        assert!(!are(&[of("a", 1), run("2026-11-21T01:00:00Z")]));
        assert!(!are(&[of("a", 1), RunKey { is_plain_shard: false, ..of("a", 2) }]));
    }

    #[test]
    fn shards_of_different_lists_are_sets_of_their_own() {
        let runs = [
            shard("2026-11-21T01:00:00Z", "a", 1, 2),
            shard("2026-11-21T01:01:00Z", "b", 1, 2),
            run("2026-11-21T01:02:00Z"),
            shard("2026-11-21T01:03:00Z", "b", 2, 2),
            shard("2026-11-21T01:04:00Z", "a", 2, 2),
        ];
        assert_eq!(grouped("UTC", &runs), [vec![vec![0, 2, 4], vec![1, 3]]]);
    }
}
