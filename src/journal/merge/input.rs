//! An input of a merge, without its answers.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::choice::Candidate;
use crate::journal::error::JournalError;
use crate::journal::header::Header;
use crate::journal::line::Line;
use crate::journal::origin::{Origin, Run};
use crate::journal::record::Record;
use crate::journal::replay::Journal;
use crate::model::NamedFile;

/// A journal to merge.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) file: NamedFile,
    pub(super) header: Header,
    pub(super) origins: Vec<Origin>,
    pub(super) finished: bool,
    /// By ordinal.
    pub(super) results: Vec<Option<Candidate>>,
    /// By ordinal: when the task's context was read, on the service's clock.
    pub(super) contexts: Vec<Option<Timestamp>>,
}

impl Input {
    pub(super) fn read(file: NamedFile) -> Result<Self, JournalError> {
        let journal = Journal::open(&file)?;
        let mut contexts = Vec::new();
        let candidate = |ordinal| {
            let record = with_offset(&journal, ordinal)?;
            contexts.push(record.as_ref().and_then(|record| Some(record.context.as_ref()?.read_at)));
            let Some(record) = record else { return Ok(None) };
            let unhashed = Candidate::of(&record, journal.service_time(&record));
            // A task's ordinal is not a part of its result.
            let line = Line::from(Record { ordinal: 0, ..record });
            Ok(Some(unhashed.with_sha256(sha256(&file.name, &line)?)))
        };
        let ordinals = 0..journal.header().list.tasks.len();
        let results = ordinals.map(candidate).collect::<Result<_, JournalError>>()?;
        let (finished, origins) = (journal.is_finished(), origins(&journal));
        Ok(Self { file, header: journal.header().clone(), origins, finished, results, contexts })
    }
}

/// The record of the task at `ordinal`. Without a clock offset of its own it gets that of its run, which the merged
/// journal does not record.
pub(super) fn with_offset(journal: &Journal, ordinal: usize) -> Result<Option<Record>, JournalError> {
    let is_merged = !journal.header().merged_from.is_empty();
    let of_run = journal.clock_offset().filter(|_| !is_merged);
    let record = journal.record(ordinal)?;
    Ok(record.map(|record| Record { clock_offset: record.clock_offset.or(of_run), ..record }))
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

pub(super) fn sha256(path: &Path, value: &impl Serialize) -> Result<[u8; 32], JournalError> {
    let bytes = serde_json::to_vec(value);
    let bytes = bytes.map_err(|error| JournalError::Io { path: path.to_owned(), source: error.into() })?;
    Ok(Sha256::digest(bytes).into())
}
