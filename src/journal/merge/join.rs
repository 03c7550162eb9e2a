//! Selects the records of the merged journal, and copies their lines.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Write};

use super::error::{MergeError, WriteError};
use super::input::{Input, InputLine, LineSource};
use super::kept::KeptLine;
use super::lists::{Merged, RecordSources, competing, groups, identities, merged};
use crate::journal::header::Header;
use crate::journal::record::{Footer, Record};
use crate::journal::replay::{Index, Journal, LinePosition};
use crate::model::{NamedFile, TaskContext};
use crate::threads::{parallel_in_order, parallel_map_bounded, split_by_size};

/// A thread copies lines of about this size at a time, in bytes.
const PART: usize = 1 << 18;

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
    source: LineSource,
    /// The records with contexts that are newer than those of their tasks' records, by ordinal in the merged list.
    contexts: Vec<(usize, InputLine)>,
    /// The records to copy, by ordinal in the merged list.
    records: Vec<(usize, InputLine)>,
}

impl Merge {
    /// Plans the merge of these journals, without keeping their answers in memory.
    ///
    /// # Errors
    /// [`MergeError`] with the paths.
    pub fn of<F: Into<NamedFile>>(files: impl IntoIterator<Item = F>) -> Result<Self, MergeError> {
        let files: Vec<NamedFile> = files.into_iter().map(Into::into).collect();
        let inputs = parallel_map_bounded(&files, |file| Input::read(file.clone()));
        let mut inputs = inputs.into_iter().collect::<Result<Vec<_>, _>>()?;
        sort(&mut inputs)?;
        let groups = groups(&mut inputs)?;
        let competing: Vec<_> = inputs.iter().zip(competing(&groups, inputs.len())).collect();
        let ranks =
            parallel_map_bounded(&competing, |(input, ordinals)| input.rank(ordinals.iter().copied()));
        for (input, ranks) in inputs.iter_mut().zip(ranks) {
            input.ranks = ranks?;
        }
        let Merged { header, record_sources, context_sources } = merged(&inputs, groups);
        let finished = is_finished(&inputs, &record_sources, &header);
        let warnings = warnings(&inputs);
        let contexts = by_input(&inputs, &context_sources);
        let records = by_input(&inputs, &record_sources);
        let files = inputs
            .into_iter()
            .zip(contexts)
            .zip(records)
            .map(|((input, contexts), records)| MergeFile { source: input.source, contexts, records });
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
            file.source.each(&file.contexts, |ordinal, _, kept| {
                contexts.extend(kept.record()?.context.map(|context| (ordinal, context)));
                Ok::<_, WriteError>(())
            })?;
        }
        let parts = self.files.iter().flat_map(|file| {
            let parts = split_by_size(&file.records, PART, |(_, line)| line.place.length);
            parts.into_iter().map(|lines| (&file.source, lines))
        });
        let parts: Vec<_> = parts.collect();
        let mut records = vec![None; self.header.list.tasks.len()];
        let (mut number, mut latest) = (1, self.header.latest());
        parallel_in_order(
            &parts,
            |part| Copied::of(*part, &contexts),
            |copied| {
                let Copied { lines, text, lengths } = copied?;
                let mut offset = to.length;
                to.write_all(&text)?;
                for ((ordinal, line), length) in lines.iter().zip(lengths) {
                    number += 1;
                    latest = latest.max(line.fetched_at);
                    if let Some(place) = records.get_mut(*ordinal) {
                        *place = Some(LinePosition { number, offset, length, failed: line.place.failed });
                    }
                    offset += u64::try_from(length).unwrap_or(u64::MAX);
                }
                Ok::<_, WriteError>(())
            },
        )?;
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

/// Lines of an input as they are in the merged journal.
struct Copied<'m> {
    lines: &'m [(usize, InputLine)],
    text: Vec<u8>,
    /// By line, in bytes.
    lengths: Vec<usize>,
}

impl<'m> Copied<'m> {
    fn of(
        (source, lines): (&LineSource, &'m [(usize, InputLine)]),
        contexts: &HashMap<usize, TaskContext>,
    ) -> Result<Self, WriteError> {
        let mut copied = Self { lines, text: Vec::new(), lengths: Vec::new() };
        source.each(lines, |ordinal, _, kept| {
            let kept = match contexts.get(&ordinal) {
                None => kept,
                context => KeptLine::encode(Record { context: context.cloned(), ..kept.record()? })?,
            };
            copied.lengths.push(kept.write_to(&mut copied.text, ordinal)?);
            Ok::<_, WriteError>(())
        })?;
        Ok(copied)
    }
}

/// Sorts inputs by everything that the result depends on.
fn sort(inputs: &mut [Input]) -> Result<(), MergeError> {
    let key = |input: &Input| (input.header.started_at, input.sha256, input.finished);
    inputs.sort_by_key(key);
    for same in inputs.chunk_by_mut(|one, next| key(one) == key(next)).filter(|same| same.len() > 1) {
        for input in &mut *same {
            input.ranks = input.rank(0..input.lines.len())?;
        }
        same.sort_by(|one, other| one.candidates().cmp(other.candidates()));
    }
    Ok(())
}

/// The lines of each input, with their ordinals in the merged list.
fn by_input(inputs: &[Input], sources: &RecordSources) -> Vec<Vec<(usize, InputLine)>> {
    let mut of_inputs: Vec<Vec<(usize, InputLine)>> = vec![Vec::new(); inputs.len()];
    for (ordinal, source) in sources.iter().enumerate() {
        if let Some((place, source_ordinal)) = *source
            && let Some(line) = inputs.get(place).and_then(|input| input.line_at(source_ordinal))
            && let Some(of_input) = of_inputs.get_mut(place)
        {
            of_input.push((ordinal, line));
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
        let recorded = input.lines.iter().flatten().count();
        warnings.push(format!(
            "{}: the run is incomplete; {recorded} of {} tasks are recorded",
            input.source.file.name.display(),
            input.lines.len()
        ));
    }
    let compared = |input: &&Input| input.header.reconciliation.is_some();
    if inputs.iter().any(|input| compared(&input)) {
        for input in inputs.iter().filter(|input| !compared(input)) {
            warnings.push(format!(
                "{}: the run did not compare its list with the account (--reconcile)",
                input.source.file.name.display()
            ));
        }
    }
    warnings
}

/// Whether the merged journal is complete: every task of an unfinished run has its record from a finished one.
fn is_finished(inputs: &[Input], record_sources: &RecordSources, header: &Header) -> bool {
    if inputs.iter().all(|input| input.finished) {
        return true;
    }
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
