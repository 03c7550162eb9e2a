//! Merges of three described journals: the order makes no difference, and no task and no record is lost. The first byte
//! chooses the order that is compared.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;

use super::shared::{Bytes, described, journal, scratch};
use cutover_report::journal::{Journal, Merge};

const ORDERS: [[usize; 3]; 5] = [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

static PATHS: LazyLock<[PathBuf; 4]> =
    LazyLock::new(|| [0, 1, 2, 3].map(|number| scratch(&format!("merge-{number}.jsonl"))));

pub fn run(data: &[u8]) {
    let mut bytes = Bytes(data);
    let order = ORDERS[usize::from(bytes.below(5))];
    let mut listed = BTreeSet::new();
    let mut recorded = BTreeSet::new();
    for path in PATHS.iter().take(3) {
        let journal = journal(path, described(&mut bytes).as_bytes()).expect("a journal");
        tasks(&journal, &mut listed, &mut recorded);
    }
    let [merged, other] = [[0, 1, 2], order].map(|order| {
        let merge = Merge::of(order.map(|place| &PATHS[place])).expect("journals of different runs");
        let mut merged = Vec::new();
        merge.write_to(&mut merged).expect("a merged journal");
        merged
    });
    assert!(merged == other, "the order {order:?} matters");
    let merged = journal(&PATHS[3], &merged).expect("a merged journal is one");
    let (mut listed_after, mut recorded_after) = (BTreeSet::new(), BTreeSet::new());
    tasks(&merged, &mut listed_after, &mut recorded_after);
    assert_eq!((listed_after, recorded_after), (listed, recorded));
}

/// Adds the tasks of a journal, and those with a record, each with its endpoint.
fn tasks(journal: &Journal, listed: &mut BTreeSet<String>, recorded: &mut BTreeSet<String>) {
    let header = journal.header();
    for (ordinal, task) in header.list.tasks.iter().enumerate() {
        let name = format!("{:?} of {}", task.task_id, header.endpoint_of(ordinal));
        if journal.record(ordinal).expect("the journal can be read").is_some() {
            recorded.insert(name.clone());
        }
        listed.insert(name);
    }
}
