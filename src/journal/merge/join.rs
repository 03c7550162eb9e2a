//! Reads journals to decide which records the merged one takes, and writes it.

use std::collections::HashSet;
use std::io::{self, Write};

use serde::Serialize;

use super::error::{MergeError, WriteError};
use super::input::{Input, sha256, with_offset};
use super::lists::{Taken, groups, identities, merged};
use crate::journal::error::JournalError;
use crate::journal::header::Header;
use crate::journal::line::Line;
use crate::journal::record::Footer;
use crate::journal::replay::Journal;
use crate::model::NamedFile;

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

fn write_line(to: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *to, value)?;
    to.write_all(b"\n")
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
            identities(task).map(move |name| (header.endpoint_of(ordinal), name))
        })
        .collect();
    inputs.iter().filter(|input| !input.finished).all(|input| {
        let mut tasks = input.header.list.tasks.iter().enumerate();
        tasks.all(|(there, task)| {
            let endpoint = input.header.endpoint_of(there);
            identities(task).any(|name| settled.contains(&(endpoint, name)))
        })
    })
}
