//! Selects the records of the merged journal, and writes it.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use serde::Serialize;

use super::error::{MergeError, WriteError};
use super::input::{Input, sha256, with_offset};
use super::lists::{Merged, RecordSources, groups, identities, merged};
use crate::journal::error::JournalError;
use crate::journal::header::Header;
use crate::journal::line::Line;
use crate::journal::record::{Footer, Record};
use crate::journal::replay::Journal;
use crate::model::{NamedFile, TaskContext};

/// A merge that is planned: the header and the source of each record. Only the merged list is kept in memory.
#[derive(Debug)]
pub struct Merge {
    files: Vec<MergeFile>,
    header: Header,
    record_sources: RecordSources,
    context_sources: RecordSources,
    finished: bool,
    warnings: Vec<String>,
}

/// An input, which is read again to copy its records.
#[derive(Debug)]
struct MergeFile {
    file: NamedFile,
    /// Hash of its header.
    sha256: [u8; 32],
}

impl Merge {
    /// Plans the merge of these journals, without keeping their answers in memory.
    ///
    /// # Errors
    /// [`MergeError`] with the paths.
    pub fn of<F: Into<NamedFile>>(files: impl IntoIterator<Item = F>) -> Result<Self, MergeError> {
        let inputs: Result<Vec<_>, JournalError> =
            files.into_iter().map(|file| Input::read(file.into())).collect();
        let mut hashed = Vec::new();
        for input in inputs? {
            hashed.push((sha256(&input.file.name, &input.header)?, input));
        }
        // Ordered by everything that the result depends on.
        hashed.sort_by(|(one_hash, one), (other_hash, other)| {
            let began = one.header.started_at.cmp(&other.header.started_at);
            let by_header = || (one_hash, one.finished).cmp(&(other_hash, other.finished));
            began.then_with(by_header).then_with(|| one.results.cmp(&other.results))
        });
        let (hashes, inputs): (Vec<_>, Vec<_>) = hashed.into_iter().unzip();
        let groups = groups(&inputs)?;
        let Merged { header, record_sources, context_sources } = merged(&inputs, groups);
        let finished = is_finished(&inputs, &record_sources, &header);
        let warnings = warnings(&inputs);
        let files =
            inputs.into_iter().zip(hashes).map(|(input, sha256)| MergeFile { file: input.file, sha256 });
        Ok(Self { files: files.collect(), header, record_sources, context_sources, finished, warnings })
    }

    /// The header of the merged journal.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Warnings about the inputs.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Writes the merged journal.
    ///
    /// # Errors
    /// When an input cannot be read or was replaced, or the writer fails.
    pub fn write_to(&self, to: &mut dyn Write) -> Result<(), WriteError> {
        write_line(to, &self.header)?;
        let mut contexts: HashMap<usize, TaskContext> = HashMap::new();
        self.read(&self.context_sources, |ordinal, record| {
            contexts.extend(record.context.map(|context| (ordinal, context)));
            Ok(())
        })?;
        let mut recorded = 0;
        self.read(&self.record_sources, |ordinal, record| {
            let context = contexts.remove(&ordinal).or(record.context);
            write_line(to, &Line::from(Record { ordinal, context, ..record }))?;
            recorded += 1;
            Ok(())
        })?;
        if self.finished {
            write_line(to, &Footer { finished_at: self.header.latest(), recorded })?;
        }
        Ok(())
    }
}

impl Merge {
    /// Reads the records of `sources`, input by input, each with its ordinal in the merged list.
    fn read(
        &self,
        sources: &RecordSources,
        mut each: impl FnMut(usize, Record) -> io::Result<()>,
    ) -> Result<(), WriteError> {
        let mut by_input: Vec<Vec<(usize, usize)>> = vec![Vec::new(); self.files.len()];
        for (ordinal, source) in sources.iter().enumerate() {
            if let Some((input, source_ordinal)) = source
                && let Some(of_input) = by_input.get_mut(*input)
            {
                of_input.push((ordinal, *source_ordinal));
            }
        }
        for (MergeFile { file, sha256: known }, wanted) in self.files.iter().zip(by_input) {
            if wanted.is_empty() {
                continue;
            }
            let journal = Journal::open(file).map_err(MergeError::from)?;
            if sha256(&file.name, journal.header()).map_err(MergeError::from)? != *known {
                return Err(MergeError::Replaced(file.name.clone()).into());
            }
            for (ordinal, source_ordinal) in wanted {
                let record = with_offset(&journal, source_ordinal).map_err(MergeError::from)?;
                each(ordinal, record.ok_or_else(|| MergeError::Replaced(file.name.clone()))?)?;
            }
        }
        Ok(())
    }
}

fn warnings(inputs: &[Input]) -> Vec<String> {
    let mut warnings = Vec::new();
    for input in inputs.iter().filter(|input| !input.finished) {
        let recorded = input.results.iter().flatten().count();
        warnings.push(format!(
            "{}: the run is incomplete; {recorded} of {} tasks are recorded",
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

fn write_line(to: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *to, value)?;
    to.write_all(b"\n")
}

/// Whether the merged journal is complete: every task of an unfinished run has its record from a finished one.
fn is_finished(inputs: &[Input], record_sources: &RecordSources, header: &Header) -> bool {
    let is_finished = |place: usize| inputs.get(place).is_some_and(|input| input.finished);
    let resolved: HashSet<(&str, String)> = header
        .list
        .tasks
        .iter()
        .zip(record_sources)
        .enumerate()
        .filter(|(_, (_, record_sources))| record_sources.is_some_and(|(input, _)| is_finished(input)))
        .flat_map(|(ordinal, (task, _))| {
            identities(task).map(move |name| (header.endpoint_of(ordinal), name))
        })
        .collect();
    inputs.iter().filter(|input| !input.finished).all(|input| {
        let mut tasks = input.header.list.tasks.iter().enumerate();
        tasks.all(|(source_ordinal, task)| {
            let endpoint = input.header.endpoint_of(source_ordinal);
            identities(task).any(|name| resolved.contains(&(endpoint, name)))
        })
    })
}
