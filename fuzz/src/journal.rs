//! Replay of journals. After `b` any bytes; otherwise a description of a journal and the byte at which it is
//! truncated.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use super::shared::{header, journal, report, scratch};
use cutover_report::journal::{Answered, Failed, Journal, Outcome, Record, Writer};

const TASKS: [&str; 4] = ["a", "b", "c", "d"];

static WHOLE: LazyLock<PathBuf> = LazyLock::new(|| scratch("whole.jsonl"));
static CUT: LazyLock<PathBuf> = LazyLock::new(|| scratch("cut.jsonl"));

pub fn run(data: &[u8]) {
    match data {
        [b'b', bytes @ ..] => any_bytes(bytes),
        [_, high, low, recipe @ ..] => prefix(usize::from(u16::from_be_bytes([*high, *low])), recipe),
        _ => {}
    }
}

/// A journal that can be opened can be read and copied unchanged, and no task passes without a record.
fn any_bytes(bytes: &[u8]) {
    let Some(journal) = journal(&CUT, bytes) else { return };
    let mut copy = Vec::new();
    journal.copy_to(&mut copy).expect("a copy");
    assert_eq!(copy, bytes);
    assert!(journal.recorded() <= journal.header().list.tasks.len());
    journal.faults();
    let Some(report) = report(&journal, None) else { return };
    for (ordinal, row) in report.rows().iter().enumerate() {
        let record = journal.record(ordinal).expect("the report has read it");
        let answered = matches!(record, Some(Record { outcome: Outcome::Answered(_), .. }));
        assert!(answered || !row.verdict.passes());
    }
}

/// A truncated journal replays its complete records, the last of each task.
fn prefix(cut: usize, recipe: &[u8]) {
    let records = records(recipe);
    let mut writer = Writer::create(&*WHOLE, &header(&TASKS), true).expect("a journal");
    for record in &records {
        writer.append(record.clone()).expect("room for a record");
    }
    writer.finish().expect("an end");
    let whole = std::fs::read(&*WHOLE).expect("the journal");
    let prefix = &whole[..cut % (whole.len() + 1)];
    std::fs::write(&*CUT, prefix).expect("the scratch file can be written");
    let lines = prefix.iter().filter(|byte| **byte == b'\n').count();
    let journal = match Journal::open(&*CUT) {
        Ok(journal) => journal,
        Err(error) => return assert_eq!(lines, 0, "{error}"),
    };
    let held: BTreeMap<usize, &Record> =
        records.iter().take(lines.saturating_sub(1)).map(|record| (record.ordinal, record)).collect();
    assert_eq!(journal.recorded(), held.len());
    for ordinal in 0..TASKS.len() {
        assert_eq!(journal.record(ordinal).expect("a whole line").as_ref(), held.get(&ordinal).copied());
    }
    assert_eq!(journal.is_finished(), lines == records.len() + 2);
}

/// Each record: task, kind, length, and that many bytes of a body or message.
fn records(mut recipe: &[u8]) -> Vec<Record> {
    let mut records = Vec::new();
    while let [task, kind, length, rest @ ..] = recipe {
        let (text, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        recipe = rest;
        let ordinal = usize::from(*task) % TASKS.len();
        let outcome = if kind % 2 == 0 {
            let sample_data = kind % 4 == 0;
            Outcome::Answered(Answered {
                status: 200 + u16::from(*kind),
                sample_data,
                content_range: None,
                body: text.to_vec(),
            })
        } else {
            let message = String::from_utf8_lossy(text).into_owned();
            Outcome::Failed(Failed { status: Some(u16::from(*kind)), code: None, kind: None, message })
        };
        records.push(Record {
            ordinal,
            task_id: header(&TASKS).list.tasks[ordinal].task_id.clone(),
            fetched_at: jiff::Timestamp::UNIX_EPOCH,
            clock_offset: None,
            attempts: u32::from(*kind),
            request_id: (kind % 3 == 0).then(|| String::from_utf8_lossy(text).into_owned()),
            context: None,
            outcome,
        });
    }
    records
}
