//! An input of a merge, without its answers.

use std::collections::BTreeSet;
use std::mem;
use std::path::Path;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::choice::Candidate;
use super::kept::KeptLine;
use crate::journal::error::JournalError;
use crate::journal::header::Header;
use crate::journal::line::RawLine;
use crate::journal::origin::{Origin, Run};
use crate::journal::record::Outcome;
use crate::journal::replay::{Indexed, Journal, LinePosition};
use crate::model::{ClockOffset, NamedFile};

/// A journal to merge.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) file: NamedFile,
    pub(super) header: Header,
    /// Hash of its header.
    pub(super) sha256: [u8; 32],
    pub(super) origins: Vec<Origin>,
    pub(super) finished: bool,
    /// By ordinal.
    pub(super) results: Vec<Option<InputRecord>>,
    /// The clock offset of the run, which the merged journal does not record; none of a merged journal.
    pub(super) offset: Option<ClockOffset>,
}

/// A record that was read, and is a whole and valid one.
#[derive(Debug, Clone, Copy)]
pub(super) struct InputRecord {
    pub(super) candidate: Candidate,
    pub(super) line: InputLine,
    /// When the task's context was read, on the service's clock.
    pub(super) context: Option<Timestamp>,
}

/// The line of a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct InputLine {
    pub(super) place: LinePosition,
    /// CRC-32 of the line, to notice that it was changed.
    pub(super) checksum: u32,
    /// Whether it has no clock offset of its own, and gets that of the run, if known.
    pub(super) lacks_offset: bool,
    pub(super) fetched_at: Timestamp,
}

impl InputRecord {
    /// Reads a line; a record without a clock offset of its own gets that of the run. `buffer` is space for the body.
    fn read(
        place: LinePosition,
        text: &[u8],
        parsed: RawLine<'_>,
        of_run: Option<ClockOffset>,
        buffer: &mut Vec<u8>,
    ) -> Result<Self, String> {
        let record = parsed.record(mem::take(buffer))?;
        let lacks_offset = record.clock_offset.is_none();
        let digest = KeptLine::of(text, of_run.filter(|_| lacks_offset))?.digest();
        let offset = record.clock_offset.or(of_run);
        let received_at = offset.map_or(record.fetched_at, |offset| offset.service_time(record.fetched_at));
        let candidate = Candidate::of(&record, received_at, digest);
        let checksum = crc32fast::hash(text);
        if let Outcome::Answered(answered) = record.outcome {
            *buffer = answered.body;
        }
        Ok(Self {
            candidate,
            line: InputLine { place, checksum, lacks_offset, fetched_at: record.fetched_at },
            context: record.context.map(|context| context.read_at),
        })
    }
}

impl Input {
    /// Reads a journal once, in the order of the file, and checks each record that counts.
    pub(super) fn read(file: NamedFile) -> Result<Self, JournalError> {
        let mut read = Vec::new();
        let mut buffer = Vec::new();
        let journal = Journal::scan(file.clone(), |journal, place, text| {
            let (parsed, indexed) = match RawLine::parse(text) {
                Ok(parsed) if !parsed.is_footer() => {
                    let indexed = Indexed::of(&parsed, place);
                    let indexed = journal.index_record(indexed, parsed.task_id(), parsed.fetched_at())?;
                    (Ok(parsed), Some(indexed))
                }
                other => (other, journal.index_line(place, text)?),
            };
            if let Some(Indexed { ordinal, place, .. }) = indexed {
                if read.len() <= ordinal {
                    read.resize_with(ordinal + 1, || None);
                }
                if let Some(record) = read.get_mut(ordinal) {
                    let valid =
                        parsed.and_then(|parsed| InputRecord::read(place, text, parsed, None, &mut buffer));
                    *record = Some(valid.map_err(|what| (place, what)));
                }
            }
            Ok(indexed)
        })?;
        let is_merged = !journal.header().merged_from.is_empty();
        let offset = journal.clock_offset().filter(|_| !is_merged);
        let mut checked = |record: Option<Result<InputRecord, _>>| {
            let invalid = |(place, what)| journal.invalid_line(place, what);
            match record.transpose().map_err(invalid)? {
                // The run's offset was not known before its end.
                Some(InputRecord { line: InputLine { place, lacks_offset: true, .. }, .. })
                    if offset.is_some() =>
                {
                    let text = journal.line(place)?;
                    let again = RawLine::parse(&text)
                        .and_then(|parsed| InputRecord::read(place, &text, parsed, offset, &mut buffer));
                    again.map(Some).map_err(|what| invalid((place, what)))
                }
                record => Ok(record),
            }
        };
        let mut results = Vec::with_capacity(journal.header().list.tasks.len());
        for record in read {
            results.push(checked(record)?);
        }
        results.resize(journal.header().list.tasks.len(), None);
        let (finished, origins) = (journal.is_finished(), origins(&journal));
        let header = journal.into_header();
        let sha256 = sha256(&file.name, &header)?;
        Ok(Self { file, header, sha256, origins, finished, results, offset })
    }

    /// By ordinal.
    pub(super) fn candidates(&self) -> impl Iterator<Item = Option<Candidate>> {
        self.results.iter().map(|result| result.map(|record| record.candidate))
    }

    pub(super) fn record_at(&self, ordinal: usize) -> Option<&InputRecord> {
        self.results.get(ordinal)?.as_ref()
    }
}

/// A journal's origins by endpoint.
fn origins(journal: &Journal) -> Vec<Origin> {
    let header = journal.header();
    if !header.merged_from.is_empty() {
        return header.merged_from.clone();
    }
    let run = Run {
        started_at: header.started_at,
        ended_at: journal.ended_at(),
        finished: journal.is_finished(),
        shard: header.shard.as_ref().map(|part| part.shard),
        clock_offset_s: journal.clock_offset(),
        account: header.account.clone().filter(|account| !account.is_unknown()),
    };
    vec![Origin {
        endpoint: header.endpoint.clone(),
        tasks: header.list.tasks.len(),
        runs: BTreeSet::from([run]),
        list: header.shard.as_ref().map(|part| part.list.clone()),
    }]
}

fn sha256(path: &Path, header: &Header) -> Result<[u8; 32], JournalError> {
    let bytes = serde_json::to_vec(header);
    let bytes = bytes.map_err(|error| JournalError::Io { path: path.to_owned(), source: error.into() })?;
    Ok(Sha256::digest(bytes).into())
}
