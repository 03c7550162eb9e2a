//! Task lists as CSV: what our strict reader accepts, the csv crate reads in the same way.

use std::collections::HashSet;

use cutover_report::tasks::{Source, load};

pub fn run(data: &[u8]) {
    let Ok(rows) = std::str::from_utf8(data) else { return };
    // An own line names the delimiter, so that none is guessed.
    let content = format!("task_id,note\n{rows}");
    let Ok(loaded) = load(&[Source::Stdin], &mut format!("sep=,\n{content}").as_bytes()) else { return };
    let ours = loaded.list.tasks.iter().map(|task| {
        (task.task_id.as_ref().expect("an id").as_str().to_owned(), plain(task.labels.get("note")))
    });
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(content.as_bytes());
    let mut seen = HashSet::new();
    let theirs = reader.records().filter_map(|record| {
        let record = record.expect("a record");
        let id = record.get(0)?.trim().to_owned();
        let is_new = !id.is_empty() && seen.insert(id.clone());
        is_new.then(|| (id, plain(record.get(1))))
    });
    assert_eq!(ours.collect::<Vec<_>>(), theirs.collect::<Vec<_>>());
}

/// A text without what a list leaves out: spaces, line breaks and characters that cannot be seen.
fn plain(text: Option<&str>) -> String {
    text.map(|text| text.chars().filter(|c| c.is_ascii_graphic()).collect()).unwrap_or_default()
}
