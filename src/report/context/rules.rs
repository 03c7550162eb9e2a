//! The rules that judge a verification by the task's context. Each is one pure function.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::facts::{ContextFacts, Synchronisation};
use super::paths::{Key, System};
use crate::model::{Note, Verification};

/// A context that was read so long before the verification does not say whether the server is synchronised now. A run
/// reads both within its deadline.
const OUTDATED: SignedDuration = SignedDuration::from_mins(30);

/// A synchronisation that a verification does not cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaterSync {
    /// The last one ended then.
    Ended(Timestamp),
    /// It has not ended.
    UnderWay,
}

/// The synchronisation after a verification that finished at `verified`.
pub(super) fn later_synchronisation(facts: &ContextFacts, verified: Option<Timestamp>) -> Option<LaterSync> {
    let is_running = |sync: &Synchronisation| sync.has_begun && sync.ended.is_none();
    let is_under_way = facts.syncing
        || facts.state.as_deref() == Some("SYNCING")
        || facts.synchronisations.iter().any(is_running);
    let is_outdated = verified.is_some_and(|verified| verified.duration_since(facts.read_at) > OUTDATED);
    if is_under_way && !is_outdated {
        return Some(LaterSync::UnderWay);
    }
    last_synchronised(facts)
        .filter(|ended| verified.is_some_and(|verified| *ended > verified))
        .map(LaterSync::Ended)
}

/// When the last synchronisation ended.
pub(super) fn last_synchronised(facts: &ContextFacts) -> Option<Timestamp> {
    facts.synchronisations.iter().filter_map(|sync| sync.ended).max()
}

/// Of the configured directories: how many there are, and which neither are in the verification nor below one that is.
pub(super) fn not_verified(
    configured: &[String],
    verification: &Verification,
    system: System,
) -> (usize, Vec<String>) {
    if configured.is_empty() {
        return (0, Vec::new());
    }
    let verified = verification.directories.iter().map(|check| Key::new(&check.directory, system));
    let verified: Vec<Key> = verified.collect();
    let mut known = HashSet::new();
    let mut missing = Vec::new();
    for directory in configured {
        let key = Key::new(directory, system);
        let is_verified = verified.iter().any(|above| above.covers(&key));
        if known.insert(key) && !is_verified {
            missing.push(directory.clone());
        }
    }
    (known.len(), missing)
}

/// The note on a task state that does not go with a cutover.
pub(super) fn unfit_state(state: Option<&str>) -> Option<Note> {
    let state = state?;
    let what = if state.contains("FAIL") {
        "the migration task failed ({0})"
    } else if state.starts_with("ABORT") {
        "the migration task was aborted ({0})"
    } else if state.starts_with("DELET") {
        "the migration task is being deleted ({0})"
    } else {
        return None;
    };
    Some(Note::TaskState { what, state: state.to_owned() })
}

/// The notes on settings: the mode, what is excluded, and what could not be read.
pub(super) fn settings(facts: &ContextFacts) -> Vec<Note> {
    let mode = facts.mode.clone().map(Note::Mode);
    let exclusions = facts
        .exclusions
        .iter()
        .map(|(what, directories)| Note::Excluded { what, directories: directories.clone() });
    let unreadable = facts
        .unreadable
        .iter()
        .map(|(name, value)| Note::UnreadableSetting { name: name.clone(), value: value.clone() });
    mode.into_iter().chain(exclusions).chain(unreadable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DirectoryCheck, TaskContext};
    use proptest::prelude::*;
    use serde_json::json;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + minute * 60).unwrap()
    }

    fn facts(listed: &serde_json::Value) -> ContextFacts {
        ContextFacts::read(&TaskContext { read_at: at(0), listed: listed.to_string() }).unwrap()
    }

    fn sync(started: Option<i64>, ended: Option<i64>) -> serde_json::Value {
        let time = |minute: Option<i64>| minute.map(|minute| at(minute).as_millisecond());
        json!({"name": "SYNC_LINUX_FILE", "start_date": time(started), "end_date": time(ended)})
    }

    fn verification(directories: &[&str]) -> Verification {
        let check = |directory: &&str| DirectoryCheck {
            directory: (*directory).to_owned(),
            total: 1,
            different: 0,
            missing: 0,
            redundant: 0,
        };
        Verification {
            finished: Some(at(-60)),
            check_result: None,
            directories: directories.iter().map(check).collect(),
        }
    }

    #[test]
    fn synchronisation_after_the_verification_is_found() {
        let ended = |minute| Some(LaterSync::Ended(at(minute)));
        let syncs = |syncs: &[serde_json::Value]| json!({"sub_tasks": syncs});
        for (listed, later) in [
            (syncs(&[]), None),
            (syncs(&[sync(Some(-70), Some(-61))]), None),
            (syncs(&[sync(Some(-70), Some(-60))]), None),
            (syncs(&[sync(Some(-70), Some(-59))]), ended(-59)),
            (syncs(&[sync(Some(-50), Some(-40)), sync(Some(-80), Some(-70))]), ended(-40)),
            (syncs(&[sync(Some(-70), None)]), Some(LaterSync::UnderWay)),
            (syncs(&[sync(None, None)]), Some(LaterSync::UnderWay)),
            (syncs(&[json!({"name": "SYNC", "progress": 0})]), None),
            (syncs(&[json!({"name": "SYNC", "progress": 0, "start_date": 1})]), Some(LaterSync::UnderWay)),
            (syncs(&[json!({"name": "SYNC", "progress": 30, "end_date": null})]), Some(LaterSync::UnderWay)),
            (
                syncs(&[json!({"name": "MIGRATE", "start_date": 1, "end_date": at(-1).as_millisecond()})]),
                None,
            ),
            (json!({"syncing": true}), Some(LaterSync::UnderWay)),
            (json!({"syncing": false, "state": "SYNCING"}), Some(LaterSync::UnderWay)),
            (json!({"syncing": false, "state": "SYNC_SUCCESS"}), None),
        ] {
            assert_eq!(later_synchronisation(&facts(&listed), Some(at(-60))), later, "{listed}");
        }
        let under_way = facts(&json!({"syncing": true}));
        assert_eq!(later_synchronisation(&under_way, None), Some(LaterSync::UnderWay));
        assert_eq!(later_synchronisation(&under_way, Some(at(30))), Some(LaterSync::UnderWay));
        assert_eq!(later_synchronisation(&under_way, Some(at(31))), None, "read too long before");
    }

    #[test]
    fn configured_directory_is_verified_by_itself_or_one_above() {
        for (configured, verified, of, missing) in [
            (&["/a", "/b"][..], &["/a", "/b"][..], 2, &[][..]),
            (&["/a/x", "/b"], &["/a"], 2, &["/b"]),
            (&["/a"], &["/a/x"], 1, &["/a"]),
            (&["/a", "/a/", "//a"], &["/c"], 1, &["/a"]),
            (&["/x", "/y"], &["/"], 2, &[]),
            (&[], &["/a"], 0, &[]),
            (&["/a"], &[], 1, &["/a"]),
        ] {
            let configured: Vec<String> = configured.iter().map(|path| (*path).to_owned()).collect();
            let found = not_verified(&configured, &verification(verified), System::Posix);
            assert_eq!(
                found,
                (of, missing.iter().map(|path| (*path).to_owned()).collect()),
                "{configured:?}"
            );
        }
    }

    #[test]
    fn states_that_do_not_go_with_a_cutover_are_noted() {
        let noted = |state| unfit_state(Some(state)).is_some();
        for state in ["MIGRATE_FAIL", "SYNC_FAIL", "ABORT", "ABORTING", "DELETING"] {
            assert!(noted(state), "{state}");
        }
        for state in ["READY", "RUNNING", "SYNCING", "MIGRATE_SUCCESS", "SYNC_SUCCESS", ""] {
            assert!(!noted(state), "{state}");
        }
    }

    proptest! {
        #[test]
        fn only_ended_synchronisations_after_the_verification_count(
            ends in prop::collection::vec(-100_i64..100, 0..6),
            verified in -100_i64..100,
        ) {
            let syncs: Vec<_> = ends.iter().map(|end| sync(Some(end - 5), Some(*end))).collect();
            let later = later_synchronisation(&facts(&json!({"sub_tasks": syncs})), Some(at(verified)));
            let expected = ends.iter().max().filter(|end| **end > verified).map(|end| LaterSync::Ended(at(*end)));
            prop_assert_eq!(later, expected);
        }

        #[test]
        fn more_verified_directories_never_leave_more_out(
            configured in prop::collection::vec("(/[ab]){1,3}", 0..6),
            verified in prop::collection::vec("(/[ab]){1,3}", 0..6),
            more in "(/[ab]){1,3}",
        ) {
            let mut names: Vec<&str> = verified.iter().map(String::as_str).collect();
            let (of, missing) = not_verified(&configured, &verification(&names), System::Posix);
            prop_assert!(missing.len() <= of);
            prop_assert!(missing.iter().all(|path| configured.contains(path) && !verified.contains(path)));
            names.push(&more);
            let (same, fewer) = not_verified(&configured, &verification(&names), System::Posix);
            prop_assert_eq!(of, same);
            prop_assert!(fewer.iter().all(|path| missing.contains(path)));
        }

        #[test]
        fn any_state_has_at_most_one_note(state in "[A-Z_]{0,20}") {
            let is_noted = unfit_state(Some(&state)).is_some();
            let is_unfit = state.contains("FAIL") || state.starts_with("ABORT") || state.starts_with("DELET");
            prop_assert_eq!(is_noted, is_unfit);
        }
    }
}
