//! Selects the records of the merged journal, and copies their lines.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Write};

use super::error::{MergeError, WriteError};
use super::input::{Input, InputRecord};
use super::kept::KeptLine;
use super::lists::{Merged, RecordSources, groups, identities, merged};
use crate::journal::error::JournalError;
use crate::journal::header::Header;
use crate::journal::record::{Footer, Record};
use crate::journal::replay::{Index, Journal, LinePosition};
use crate::model::{ClockOffset, NamedFile, TaskContext};
use crate::threads::parallel_map;

/// Inputs are read by at most this many threads, each of which holds one answer.
const MAX_THREADS: usize = 4;

/// A merge that is planned: the header and the source of each record. Only the merged list is kept in memory.
#[derive(Debug)]
pub struct Merge {
    files: Vec<MergeFile>,
    header: Header,
    finished: bool,
    warnings: Vec<String>,
}

/// An input, which is read again to copy its records.
#[derive(Debug)]
struct MergeFile {
    file: NamedFile,
    /// The clock offset of its run.
    offset: Option<ClockOffset>,
    /// The records with contexts that are newer than those of their tasks' records, by ordinal in the merged list.
    contexts: Vec<(usize, InputRecord)>,
    /// The records to copy, by ordinal in the merged list.
    records: Vec<(usize, InputRecord)>,
}

impl Merge {
    /// Plans the merge of these journals, without keeping their answers in memory.
    ///
    /// # Errors
    /// [`MergeError`] with the paths.
    pub fn of<F: Into<NamedFile>>(files: impl IntoIterator<Item = F>) -> Result<Self, MergeError> {
        let files: Vec<NamedFile> = files.into_iter().map(Into::into).collect();
        let mut inputs = read(&files)?;
        // Ordered by everything that the result depends on.
        inputs.sort_by(|one, other| {
            let began = one.header.started_at.cmp(&other.header.started_at);
            let by_header = || (one.sha256, one.finished).cmp(&(other.sha256, other.finished));
            began.then_with(by_header).then_with(|| one.candidates().cmp(other.candidates()))
        });
        let groups = groups(&mut inputs)?;
        let Merged { header, record_sources, context_sources } = merged(&inputs, groups);
        let finished = is_finished(&inputs, &record_sources, &header);
        let warnings = warnings(&inputs);
        let contexts = by_input(&inputs, &context_sources);
        let records = by_input(&inputs, &record_sources);
        let files = inputs.into_iter().zip(contexts).zip(records).map(|((input, contexts), records)| {
            MergeFile { file: input.file, offset: input.offset, contexts, records }
        });
        Ok(Self { files: files.collect(), header, finished, warnings })
    }

    /// The header of the merged journal.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Warnings about the inputs.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Writes the merged journal. Lines are copied with new ordinals; one that gets a clock offset or a newer context is
    /// encoded again, without unknown fields.
    ///
    /// # Errors
    /// When an input cannot be read or was changed, or the writer fails.
    pub fn write_to(&self, to: &mut dyn Write) -> Result<Index, WriteError> {
        let mut to = Counted { to, length: 0 };
        serde_json::to_writer(&mut to, &self.header).map_err(io::Error::from)?;
        to.write_all(b"\n")?;
        let mut contexts: HashMap<usize, TaskContext> = HashMap::new();
        for file in &self.files {
            file.each(&file.contexts, |ordinal, _, kept| {
                contexts.extend(kept.record()?.context.map(|context| (ordinal, context)));
                Ok(())
            })?;
        }
        let mut records = vec![None; self.header.list.tasks.len()];
        let (mut number, mut latest) = (1, self.header.latest());
        for file in &self.files {
            file.each(&file.records, |ordinal, record, kept| {
                let kept = match contexts.remove(&ordinal) {
                    None => kept,
                    context => KeptLine::encode(Record { context, ..kept.record()? })?,
                };
                let offset = to.length;
                let length = kept.write_to(&mut to, ordinal)?;
                number += 1;
                latest = latest.max(record.fetched_at);
                if let Some(place) = records.get_mut(ordinal) {
                    *place = Some(LinePosition { number, offset, length, failed: record.place.failed });
                }
                Ok(())
            })?;
        }
        let recorded = records.iter().flatten().count();
        let footer = self.finished.then(|| Footer { finished_at: self.header.latest(), recorded });
        if let Some(footer) = &footer {
            serde_json::to_writer(&mut to, footer).map_err(io::Error::from)?;
            to.write_all(b"\n")?;
            latest = footer.finished_at;
        }
        Ok(Index { length: to.length, records, footer, latest })
    }

    /// The merged journal, which was written to `file`.
    pub fn into_journal(self, place: NamedFile, file: File, index: Index) -> Journal {
        Journal::of_written(place, file, self.header, index)
    }
}

impl MergeFile {
    /// Reads these records again; each must be as it was when the merge was planned.
    fn each(
        &self,
        records: &[(usize, InputRecord)],
        mut each: impl FnMut(usize, &InputRecord, KeptLine<'_>) -> io::Result<()>,
    ) -> Result<(), WriteError> {
        if records.is_empty() {
            return Ok(());
        }
        let changed = || MergeError::Changed(self.file.name.clone());
        let io = |source: io::Error| match source.kind() {
            io::ErrorKind::UnexpectedEof => changed(),
            _ => JournalError::Io { path: self.file.local.clone(), source }.into(),
        };
        let mut file = File::open(&self.file.local).map_err(io)?;
        let mut text = Vec::new();
        for (ordinal, record) in records {
            record.place.read(&mut file, &mut text).map_err(io)?;
            let offset = self.offset.filter(|_| record.lacks_offset);
            let kept = KeptLine::of(&text, offset).map_err(|_| changed())?;
            if kept.digest() != record.candidate.digest() {
                return Err(changed().into());
            }
            each(*ordinal, record, kept)?;
        }
        Ok(())
    }
}

/// Reads the journals on a few threads, in the order of `files`.
fn read(files: &[NamedFile]) -> Result<Vec<Input>, JournalError> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
    let chunks: Vec<&[NamedFile]> = files.chunks(files.len().div_ceil(threads).max(1)).collect();
    let read = |chunk: &&[NamedFile]| {
        chunk.iter().map(|file| Input::read(file.clone())).collect::<Result<Vec<_>, JournalError>>()
    };
    let read: Result<Vec<_>, JournalError> = parallel_map(&chunks, read).into_iter().collect();
    Ok(read?.into_iter().flatten().collect())
}

/// The records of each input, with their ordinals in the merged list.
fn by_input(inputs: &[Input], sources: &RecordSources) -> Vec<Vec<(usize, InputRecord)>> {
    let mut of_inputs: Vec<Vec<(usize, InputRecord)>> = vec![Vec::new(); inputs.len()];
    for (ordinal, source) in sources.iter().enumerate() {
        if let Some((place, source_ordinal)) = *source
            && let Some(record) = inputs.get(place).and_then(|input| input.record_at(source_ordinal))
            && let Some(of_input) = of_inputs.get_mut(place)
        {
            of_input.push((ordinal, *record));
        }
    }
    of_inputs
}

/// A writer that counts its bytes.
struct Counted<'w> {
    to: &'w mut dyn Write,
    length: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.length += u64::try_from(written).unwrap_or(u64::MAX);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
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
            warnings.push(format!(
                "{}: the run did not compare its list with the account (--reconcile)",
                input.file.name.display()
            ));
        }
    }
    warnings
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
