use super::*;
use proptest::prelude::*;
use std::cell::{Cell, RefCell};

fn entry(id: usize) -> Entry {
    let task = pages::ListedTask { id: id.to_string(), ..pages::ListedTask::default() };
    Entry { id: id.to_string(), task: Some(task), ..Entry::default() }
}

/// Reads a list in pages of `limit`; `change` may change it before page number `n`.
fn read(
    start: usize,
    limit: usize,
    change: impl Fn(usize, &mut Vec<usize>),
    count: impl Fn(usize) -> Option<usize>,
) -> (Read, Vec<usize>) {
    let list = RefCell::new((0..start).collect::<Vec<_>>());
    let asked = Cell::new(0);
    let reading = Listing::read(limit, async |offset| {
        change(asked.get(), &mut list.borrow_mut());
        asked.set(asked.get() + 1);
        let list = list.borrow();
        let entries = list.iter().skip(offset).take(limit).copied().map(entry).collect();
        Ok(Page { count: count(list.len()).map(|count| count as u64), entries })
    });
    let read = futures::executor::block_on(reading).unwrap();
    (read, list.into_inner())
}

fn ids(read: &Read) -> HashSet<usize> {
    match read {
        Read::Whole(listing) => listing.ids.keys().map(|id| id.parse().unwrap()).collect(),
        Read::Beyond(_, count) => panic!("{count} are too many"),
    }
}

proptest! {
    #[test]
    fn all_pages_are_read(start in 0_usize..50, limit in 1_usize..9, says in prop::sample::select(vec![0, 1, 2])) {
        let count = |length: usize| match says { 0 => None, 1 => Some(length), _ => Some(length.min(limit)) };
        let (read, list) = read(start, limit, |_, _| {}, count);
        prop_assert_eq!(ids(&read), list.into_iter().collect());
    }

    #[test]
    fn a_task_that_is_there_all_the_time_is_never_missed(
        start in 1_usize..60,
        limit in 2_usize..9,
        changes in prop::collection::vec((0_usize..12, any::<prop::sample::Index>(), any::<bool>()), 0..6),
    ) {
        let change = |page: usize, list: &mut Vec<usize>| {
            for (number, (at, index, add)) in changes.iter().enumerate() {
                if *at == page && *add {
                    list.insert(index.index(list.len() + 1), 1000 + number);
                } else if *at == page && !list.is_empty() {
                    list.remove(index.index(list.len()));
                }
            }
        };
        let (read, list) = read(start, limit, change, Some);
        let stayed: HashSet<usize> = list.into_iter().filter(|id| *id < 1000).collect();
        prop_assert!(stayed.is_subset(&ids(&read)));
    }
}

#[test]
fn a_service_that_knows_no_pages_is_read_once() {
    let reading =
        Listing::read(2, async |_| Ok(Page { count: Some(5), entries: (0..5).map(entry).collect() }));
    let Read::Whole(listing) = futures::executor::block_on(reading).unwrap() else { panic!("whole") };
    assert_eq!(listing.entries.len(), 5);
    assert!(into_tasks(listing.into_listed("tasks")).unwrap().warnings.is_empty());
}

#[test]
fn what_offsets_do_not_reach_is_not_passed_over() {
    let (read, _) = read(70_000, 100, |_, _| {}, Some);
    assert!(matches!(read, Read::Beyond(_, 70_000)));
}

/// The warnings about a listing of `entries`, in pages of two with the counts given; the last count is repeated.
fn warnings(entries: &[usize], counts: &[Option<u64>]) -> Vec<String> {
    let reading = Listing::read(2, async |offset| {
        let page = offset.min(counts.len() - 1);
        let entries = entries.iter().skip(offset).take(2).copied().map(entry).collect();
        Ok(Page { count: counts[page], entries })
    });
    let Read::Whole(listing) = futures::executor::block_on(reading).unwrap() else { panic!("whole") };
    into_tasks(listing.into_listed("tasks")).unwrap().warnings
}

#[test]
fn listing_with_count_that_does_not_match_warns() {
    assert!(warnings(&[1, 2, 3], &[Some(3)]).is_empty());
    for (entries, counts, warning) in [
        (&[1, 2, 3][..], &[Some(4), Some(3)][..], "counts 4 tasks but lists 3"),
        (&[1, 2, 3, 4], &[Some(4), Some(2)], "was inconsistent"),
        (&[1, 2, 3], &[Some(2), Some(3)], "was inconsistent"),
        (&[1, 2], &[Some(3)], "counts 3 tasks but lists 2"),
        (&[], &[Some(1)], "counts 1 tasks but lists 0"),
        (&[1, 1, 2], &[Some(3)], "counts 3 tasks but lists 2"),
        (&[1, 2, 1], &[Some(2)], "was inconsistent"),
        (&[1, 2, 3], &[Some(1)], "was inconsistent"),
        (&[1, 2, 3], &[None], "does not say how many tasks"),
        (&[1, 2, 3], &[Some(3), None], "was inconsistent"),
    ] {
        let warnings = warnings(entries, counts);
        assert!(warnings.len() == 1 && warnings[0].contains(warning), "{entries:?} {counts:?}: {warnings:?}");
    }
}

#[test]
fn listing_with_gap_warns_and_names_it() {
    let listing = |count, entry| {
        let listing = Listing { entries: vec![entry], count: Some(count), most: count, ..Listing::default() };
        into_tasks(listing.into_listed("tasks")).unwrap()
    };
    assert!(listing(2, entry(1)).warnings[0].contains("counts 2 tasks but lists 1"));
    let found = listing(1, Entry { task: None, source_name: Some("web".to_owned()), ..entry(1) });
    assert!(found.list.tasks.is_empty() && found.warnings[0].contains("web has no current task"));
    assert!(listing(1, Entry { has_results: Some(false), ..entry(1) }).list.tasks.is_empty());
    let invalid = Entry { task: Some(pages::ListedTask::default()), ..entry(1) };
    let listing = Listing { entries: vec![invalid], count: Some(1), most: 1, ..Listing::default() };
    let warnings = listing.into_listed("tasks").warnings;
    assert_eq!(warnings, ["the service lists a task whose id cannot be used: task_id is empty"]);
}
