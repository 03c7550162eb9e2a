//! Several journals as one: those of shards, regions, accounts, or of one list at different times.
//!
//! The result depends on what the inputs hold alone, not on their order or names. One input is open at
//! a time and its answers are read one by one, so memory grows with the lists, not with the answers,
//! and any number of inputs can be merged.

mod choice;
mod lists;

use std::collections::{BTreeSet, HashSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::line::Line;
use super::origin::{Origin, Run};
use super::{Footer, Header, Journal, JournalError, Record};
use crate::model::NamedFile;
use choice::Candidate;
use lists::{Taken, groups, merged};

/// Why journals cannot be merged.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it is")]
pub enum MergeError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(
        "{one} and {other} hold shards that do not belong together: {what}; \
         merge the shards of each run by themselves, and then what comes of it",
        one = .one.display(),
        other = .other.display()
    )]
    Strangers { one: PathBuf, other: PathBuf, what: String },
    #[error("{path} was replaced while it was merged; merge again", path = .0.display())]
    Replaced(PathBuf),
}

/// Journals that were read to know what is to be taken from which. Their lists are not kept, only that of
/// the result.
#[derive(Debug)]
pub struct Merge {
    sources: Vec<Source>,
    header: Header,
    taken: Taken,
    finished: bool,
    warnings: Vec<String>,
}

/// A journal that was read, and will be again.
#[derive(Debug)]
struct Source {
    file: NamedFile,
    /// Of its header.
    sha256: [u8; 32],
}

/// A journal to merge.
#[derive(Debug)]
struct Input {
    file: NamedFile,
    header: Header,
    origins: Vec<Origin>,
    finished: bool,
    /// By ordinal.
    results: Vec<Option<Candidate>>,
}

impl Input {
    fn read(file: NamedFile) -> Result<Self, JournalError> {
        let journal = Journal::open(&file)?;
        let candidate = |ordinal| {
            let Some(record) = with_offset(&journal, ordinal)? else { return Ok(None) };
            let unhashed = Candidate::of(&record, journal.service_time(&record));
            // Where a task stands in a list is no part of its result.
            let line = Line::from(Record { ordinal: 0, ..record });
            Ok(Some(unhashed.with_sha256(sha256(&file.name, &line)?)))
        };
        let ordinals = 0..journal.header().list.tasks.len();
        let results = ordinals.map(candidate).collect::<Result<_, JournalError>>()?;
        let (finished, origins) = (journal.is_finished(), origins(&journal));
        Ok(Self { file, header: journal.header().clone(), origins, finished, results })
    }
}

/// The record of the task at `ordinal`. If its answer does not show the service's clock, it gets the offset of
/// its run, which the merged journal no longer tells.
fn with_offset(journal: &Journal, ordinal: usize) -> Result<Option<Record>, JournalError> {
    let is_merged = !journal.header().merged_from.is_empty();
    let of_run = journal.clock_offset().filter(|_| !is_merged);
    let record = journal.record(ordinal)?;
    Ok(record.map(|record| Record { clock_offset: record.clock_offset.or(of_run), ..record }))
}

/// What a journal holds, by endpoint.
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

impl Merge {
    /// Reads journals, without keeping their answers.
    ///
    /// # Errors
    /// [`MergeError`] with the files at fault.
    pub fn of<F: Into<NamedFile>>(files: impl IntoIterator<Item = F>) -> Result<Self, MergeError> {
        let inputs: Result<Vec<_>, JournalError> =
            files.into_iter().map(|file| Input::read(file.into())).collect();
        let mut hashed = Vec::new();
        for input in inputs? {
            hashed.push((sha256(&input.file.name, &input.header)?, input));
        }
        // By all that the result may depend on.
        hashed.sort_by(|(one_hash, one), (other_hash, other)| {
            let began = one.header.started_at.cmp(&other.header.started_at);
            let by_header = || (one_hash, one.finished).cmp(&(other_hash, other.finished));
            began.then_with(by_header).then_with(|| one.results.cmp(&other.results))
        });
        let (hashes, inputs): (Vec<_>, Vec<_>) = hashed.into_iter().unzip();
        let groups = groups(&inputs)?;
        let (header, taken) = merged(&inputs, groups);
        let finished = is_finished(&inputs, &taken, &header);
        let warnings = warnings(&inputs);
        let sources =
            inputs.into_iter().zip(hashes).map(|(input, sha256)| Source { file: input.file, sha256 });
        Ok(Self { sources: sources.collect(), header, taken, finished, warnings })
    }

    /// The header of the merged journal.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What the user should know of the inputs.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Writes the merged journal.
    ///
    /// # Errors
    /// When an input cannot be read or is another one by now, or the writer's.
    pub fn write_to(&self, to: &mut dyn Write) -> Result<(), WriteError> {
        write_line(to, &self.header)?;
        let mut by_input: Vec<Vec<(usize, usize)>> = vec![Vec::new(); self.sources.len()];
        for (ordinal, taken) in self.taken.iter().enumerate() {
            if let Some((input, there)) = taken
                && let Some(of_input) = by_input.get_mut(*input)
            {
                of_input.push((ordinal, *there));
            }
        }
        let mut recorded = 0;
        for (Source { file, sha256: known }, wanted) in self.sources.iter().zip(by_input) {
            if wanted.is_empty() {
                continue;
            }
            let journal = Journal::open(file).map_err(MergeError::from)?;
            if sha256(&file.name, journal.header()).map_err(MergeError::from)? != *known {
                return Err(MergeError::Replaced(file.name.clone()).into());
            }
            for (ordinal, there) in wanted {
                let record = with_offset(&journal, there).map_err(MergeError::from)?;
                let mut record = record.ok_or_else(|| MergeError::Replaced(file.name.clone()))?;
                record.ordinal = ordinal;
                write_line(to, &Line::from(record))?;
                recorded += 1;
            }
        }
        if self.finished {
            write_line(to, &Footer { finished_at: self.header.latest(), recorded })?;
        }
        Ok(())
    }
}

fn warnings(inputs: &[Input]) -> Vec<String> {
    let mut warnings = Vec::new();
    for input in inputs.iter().filter(|input| !input.finished) {
        let recorded = input.results.iter().flatten().count();
        warnings.push(format!(
            "{}: the run did not come to its end; {recorded} of {} tasks are recorded",
            input.file.name.display(),
            input.results.len()
        ));
    }
    let compared = |input: &&Input| input.header.reconciliation.is_some();
    if inputs.iter().any(|input| compared(&input)) {
        for input in inputs.iter().filter(|input| !compared(input)) {
            warnings
                .push(format!("{}: its list was not compared with the account", input.file.name.display()));
        }
    }
    warnings
}

/// Why a merged journal could not be written.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it is")]
pub enum WriteError {
    #[error(transparent)]
    Merge(#[from] MergeError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn write_line(to: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *to, value)?;
    to.write_all(b"\n")
}

fn sha256(path: &Path, value: &impl Serialize) -> Result<[u8; 32], JournalError> {
    let bytes = serde_json::to_vec(value);
    let bytes = bytes.map_err(|error| JournalError::Io { path: path.to_owned(), source: error.into() })?;
    Ok(Sha256::digest(bytes).into())
}

/// Whether nothing of a run that did not come to its end is left open: each of its tasks has its
/// result from one that did.
fn is_finished(inputs: &[Input], taken: &Taken, header: &Header) -> bool {
    let is_finished = |place: usize| inputs.get(place).is_some_and(|input| input.finished);
    let settled: HashSet<(&str, String)> = header
        .list
        .tasks
        .iter()
        .zip(taken)
        .enumerate()
        .filter(|(_, (_, taken))| taken.is_some_and(|(input, _)| is_finished(input)))
        .flat_map(|(ordinal, (task, _))| {
            lists::identities(task).map(move |name| (header.endpoint_of(ordinal), name))
        })
        .collect();
    inputs.iter().filter(|input| !input.finished).all(|input| {
        let mut tasks = input.header.list.tasks.iter().enumerate();
        tasks.all(|(there, task)| {
            let endpoint = input.header.endpoint_of(there);
            lists::identities(task).any(|name| settled.contains(&(endpoint, name)))
        })
    })
}

#[cfg(test)]
mod tests;
