//! What became of a task: its verdicts and its directories, then and now.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::task_change::DirectoryChange;
use crate::model::{DirectoryCheck, Note, Verdict};
use crate::report::change::Change;

/// The directories of two verifications side by side, by name. Those that a verification lists more
/// than once are summed up.
pub(super) fn directories(old: &[DirectoryCheck], new: &[DirectoryCheck]) -> Vec<DirectoryChange> {
    let mut sides: BTreeMap<&str, [Option<DirectoryCheck>; 2]> = BTreeMap::new();
    for check in old {
        add(&mut sides.entry(&check.directory).or_default()[0], check);
    }
    for check in new {
        add(&mut sides.entry(&check.directory).or_default()[1], check);
    }
    let change = |(directory, [old, new]): (&str, [Option<DirectoryCheck>; 2])| DirectoryChange {
        directory: directory.to_owned(),
        change: of_directory(old.as_ref(), new.as_ref()),
        old,
        new,
    };
    sides.into_iter().map(change).collect()
}

fn add(sum: &mut Option<DirectoryCheck>, check: &DirectoryCheck) {
    match sum {
        None => *sum = Some(check.clone()),
        Some(sum) => {
            sum.total = sum.total.saturating_add(check.total);
            sum.different = sum.different.saturating_add(check.different);
            sum.missing = sum.missing.saturating_add(check.missing);
            sum.redundant = sum.redundant.saturating_add(check.redundant);
        }
    }
}

fn of_directory(old: Option<&DirectoryCheck>, new: Option<&DirectoryCheck>) -> Change {
    let (old, new) = match (old, new) {
        (Some(old), Some(new)) => match (is_empty(old), is_empty(new)) {
            (false, true) => return Change::Gone,
            (true, false) => return Change::New,
            _ => (old, new),
        },
        (_, None) => return Change::Gone,
        (None, _) => return Change::New,
    };
    let counts = |check: &DirectoryCheck| [check.different, check.missing, check.redundant];
    let (before, now) = (counts(old), counts(new));
    if before.iter().zip(now).any(|(before, now)| now > *before) {
        Change::Worse
    } else if before == now {
        Change::Same
    } else if new.is_consistent() {
        Change::Fixed
    } else {
        Change::Better
    }
}

/// Whether no file was looked at, on either side: as good as not checked.
fn is_empty(check: &DirectoryCheck) -> bool {
    check.total == 0 && check.is_consistent()
}

/// What became of a task that both reports have.
///
/// Whatever got worse makes the task worse, even if more got better: a verdict that no longer passes
/// or is a worse one, a directory that is no longer checked, or, under the same verdict, more
/// differences of any kind in any directory.
pub(super) fn of_task(old: Verdict, new: Verdict, directories: &[DirectoryChange]) -> Change {
    let any = |changes: &[Change]| directories.iter().any(|directory| changes.contains(&directory.change));
    // Without the directory that differed, what is left proves less than before.
    if any(&[Change::Gone]) {
        return Change::Worse;
    }
    // Verdicts stand from the worst to the best, and those that pass are the last.
    match new.cmp(&old) {
        Ordering::Less => return Change::Worse,
        Ordering::Greater if new.passes() && !old.passes() => return Change::Fixed,
        Ordering::Greater => return Change::Better,
        Ordering::Equal => {}
    }
    if more_differences(directories) > 0 {
        Change::Worse
    } else if any(&[Change::Better, Change::Fixed, Change::New]) {
        Change::Better
    } else {
        Change::Same
    }
}

/// What a reader should know about the directories.
pub(super) fn notes(directories: &[DirectoryChange]) -> Vec<Note> {
    let count = |changes: &[Change]| {
        number(directories.iter().filter(|directory| changes.contains(&directory.change)))
    };
    let notes = [
        Note::NoLongerChecked(count(&[Change::Gone])),
        Note::MoreDifferences(more_differences(directories)),
        Note::FewerDifferences(count(&[Change::Better, Change::Fixed])),
        Note::NewlyChecked(count(&[Change::New])),
    ];
    let has_any = |note: &Note| {
        !matches!(
            note,
            Note::NoLongerChecked(0)
                | Note::MoreDifferences(0)
                | Note::FewerDifferences(0)
                | Note::NewlyChecked(0)
        )
    };
    notes.into_iter().filter(has_any).collect()
}

/// The directories with more differences. A directory that was not checked had none that were known,
/// unless nothing at all was checked: then there is nothing to compare with.
fn more_differences(directories: &[DirectoryChange]) -> u64 {
    let checked_before = directories.iter().any(|directory| directory.old.is_some());
    let grew = |directory: &&DirectoryChange| match directory.change {
        Change::Worse => true,
        Change::New => checked_before && directory.new.as_ref().is_some_and(|new| !new.is_consistent()),
        _ => false,
    };
    number(directories.iter().filter(grew))
}

fn number<T>(items: impl Iterator<Item = T>) -> u64 {
    u64::try_from(items.count()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Counts = (&'static str, [u64; 4]);

    fn checks(counts: &[Counts]) -> Vec<DirectoryCheck> {
        let check = |&(directory, [total, different, missing, redundant]): &Counts| DirectoryCheck {
            directory: directory.to_owned(),
            total,
            different,
            missing,
            redundant,
        };
        counts.iter().map(check).collect()
    }

    fn change(old: (Verdict, &[Counts]), new: (Verdict, &[Counts])) -> Change {
        of_task(old.0, new.0, &directories(&checks(old.1), &checks(new.1)))
    }

    #[test]
    fn the_verdict_decides_before_the_counts() {
        let none: &[Counts] = &[];
        for (old, new, expected) in [
            (Verdict::Inconsistent, Verdict::Consistent, Change::Fixed),
            (Verdict::FetchFailed, Verdict::Accepted, Change::Fixed),
            (Verdict::Consistent, Verdict::Stale, Change::Worse),
            (Verdict::Accepted, Verdict::FetchFailed, Change::Worse),
            (Verdict::Inconsistent, Verdict::FetchFailed, Change::Worse),
            (Verdict::CheckFailed, Verdict::NotVerified, Change::Worse),
            (Verdict::NotVerified, Verdict::Inconsistent, Change::Better),
            (Verdict::Inconsistent, Verdict::Stale, Change::Better),
            (Verdict::Accepted, Verdict::Consistent, Change::Better),
            (Verdict::Consistent, Verdict::Accepted, Change::Worse),
            (Verdict::FetchFailed, Verdict::FetchFailed, Change::Same),
        ] {
            assert_eq!(change((old, none), (new, none)), expected, "{old:?} to {new:?}");
        }
        let (few, many) = ([("/a", [9, 1, 0, 0])], [("/a", [9, 5, 0, 0])]);
        assert_eq!(
            change((Verdict::CheckFailed, &few), (Verdict::Inconsistent, &many)),
            Change::Better,
            "the counts of a check that failed are none to compare with"
        );
    }

    #[test]
    fn under_one_verdict_whatever_grew_makes_it_worse() {
        let judged = |old: &[Counts], new: &[Counts]| {
            change((Verdict::Inconsistent, old), (Verdict::Inconsistent, new))
        };
        let old = [("/a", [9, 4, 2, 2]), ("/b", [9, 0, 0, 0])];
        for (new, expected) in [
            ([("/a", [9, 3, 2, 2]), ("/b", [9, 0, 0, 0])], Change::Better),
            ([("/a", [99, 4, 2, 2]), ("/b", [9, 0, 0, 0])], Change::Same),
            ([("/a", [9, 0, 3, 0]), ("/b", [9, 0, 0, 0])], Change::Worse),
            ([("/a", [9, 0, 0, 3]), ("/b", [9, 0, 0, 0])], Change::Worse),
            ([("/a", [9, 3, 2, 2]), ("/b", [9, 1, 0, 0])], Change::Worse),
        ] {
            assert_eq!(judged(&old, &new), expected, "{new:?}");
        }
        assert_eq!(judged(&old, &[old[1], old[0]]), Change::Same, "the order says nothing");
        let found = [old[0], old[1], ("/c", [9, 1, 0, 0])];
        assert_eq!(judged(&old, &found), Change::Worse, "a new directory differs");
        let split = [("/a", [4, 1, 2, 0]), ("/a", [5, 3, 0, 2]), old[1]];
        assert_eq!(judged(&old, &split), Change::Same, "a directory that is listed twice is summed up");
    }

    #[test]
    fn a_directory_that_is_no_longer_checked_is_never_progress() {
        let two = [("/a", [9, 0, 0, 0]), ("/b", [9, 5, 0, 0])];
        let clean = [("/a", [9, 0, 0, 0]), ("/b", [9, 0, 0, 0])];
        let empty = [("/a", [9, 0, 0, 0]), ("/b", [0, 0, 0, 0])];
        let (bad, good) = (Verdict::Inconsistent, Verdict::Consistent);
        for new in [&two[..1], &empty] {
            assert_eq!(change((bad, &two), (good, new)), Change::Worse, "{new:?}");
            assert_eq!(change((good, &clean), (good, new)), Change::Worse, "{new:?}");
            assert_eq!(notes(&directories(&checks(&clean), &checks(new))), [Note::NoLongerChecked(1)]);
        }
        assert_eq!(change((good, &clean[..1]), (good, &clean)), Change::Better, "more is checked");
        assert_eq!(change((bad, &two), (good, &clean)), Change::Fixed);
        assert_eq!(change((bad, &[("/a", [9, 0, 0, 5])]), (bad, &[("/a", [0, 0, 0, 5])])), Change::Same);
    }

    #[test]
    fn notes_tell_what_the_change_does_not() {
        let old = [("/a", [9, 4, 0, 0]), ("/b", [9, 1, 0, 0])];
        let new = [("/a", [9, 5, 0, 0]), ("/b", [9, 0, 0, 0]), ("/c", [9, 1, 0, 0])];
        assert_eq!(
            notes(&directories(&checks(&old), &checks(&new))),
            [Note::MoreDifferences(2), Note::FewerDifferences(1), Note::NewlyChecked(1)]
        );
        assert_eq!(notes(&directories(&[], &checks(&new))), [Note::NewlyChecked(3)]);
    }

    fn side() -> impl Strategy<Value = (Verdict, Vec<Counts>)> {
        let directory = (prop::sample::select(vec!["/a", "/b"]), prop::array::uniform4(0_u64..3));
        (prop::sample::select(Verdict::ALL.to_vec()), prop::collection::vec(directory, 0..4))
    }

    proptest! {
        #[test]
        fn there_and_back(old in side(), new in side()) {
            let (there, back) =
                (change((old.0, &old.1), (new.0, &new.1)), change((new.0, &new.1), (old.0, &old.1)));
            let progress = [Change::Better, Change::Fixed];
            prop_assert!(!progress.contains(&there) || back == Change::Worse, "{there:?} and back {back:?}");
            prop_assert_eq!(there == Change::Same, back == Change::Same);
            let changes = directories(&checks(&old.1), &checks(&new.1));
            let compared = changes.iter().filter_map(|change| change.old.as_ref().zip(change.new.as_ref()));
            let counts = compared.flat_map(|(old, new)| {
                [(old.different, new.different), (old.missing, new.missing), (old.redundant, new.redundant)]
            });
            let (grew, shrank) = counts.fold((false, false), |(grew, shrank), (old, new)| {
                (grew || new > old, shrank || new < old)
            });
            let same_places =
                changes.iter().all(|change| !matches!(change.change, Change::Gone | Change::New));
            if there == Change::Worse && same_places && !(grew && shrank) {
                prop_assert!(progress.contains(&back), "worse and back {back:?}");
            }
        }

        #[test]
        fn nothing_changes_by_itself(side in side()) {
            prop_assert_eq!(change((side.0, &side.1), (side.0, &side.1)), Change::Same);
        }

        #[test]
        fn progress_needs_evidence(old in side(), new in side()) {
            let there = change((old.0, &old.1), (new.0, &new.1));
            if there == Change::Fixed {
                prop_assert!(new.0.passes() && !old.0.passes());
            }
            if there != Change::Worse {
                prop_assert!(new.0 >= old.0);
                prop_assert!(old.1.iter().all(|(name, _)| new.1.iter().any(|(other, _)| other == name)));
            }
        }
    }
}
