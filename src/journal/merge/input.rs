//! An input of a merge, without its answers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io;
use std::path::Path;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::choice::Candidate;
use super::error::MergeError;
use super::kept::KeptLine;
use crate::journal::error::JournalError;
use crate::journal::header::Header;
use crate::journal::line::SplitLine;
use crate::journal::origin::{Origin, Run};
use crate::journal::replay::{Indexed, Journal, LinePosition};
use crate::model::{ClockOffset, NamedFile};

/// A journal to merge.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) header: Header,
    /// Hash of its header.
    pub(super) sha256: [u8; 32],
    pub(super) origins: Vec<Origin>,
    pub(super) finished: bool,
    /// By ordinal: the line of the task's record, which is a whole and valid one.
    pub(super) lines: Vec<Option<InputLine>>,
    /// By ordinal: the ranks of records that were compared with others. Most tasks have one record only, and ranking it
    /// would take longer than all else.
    pub(super) ranks: HashMap<usize, Rank>,
    pub(super) source: LineSource,
}

/// Where lines are read from.
#[derive(Debug)]
pub(super) struct LineSource {
    pub(super) file: NamedFile,
    /// The clock offset of the run, which the merged journal does not record; none of a merged journal.
    offset: Option<ClockOffset>,
}

/// The line of a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct InputLine {
    pub(super) place: LinePosition,
    /// CRC-32 of the line, to notice that it was changed.
    checksum: u32,
    /// Whether it has no clock offset of its own, and gets that of the run, if known.
    lacks_offset: bool,
    pub(super) fetched_at: Timestamp,
}

/// What is compared of a record with others of its task.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rank {
    pub(super) candidate: Candidate,
    /// When the task's context was read, on the service's clock.
    pub(super) context: Option<Timestamp>,
}

impl Rank {
    /// Ranks the record of a line that has its clock offset, if there is one.
    fn of(line: &KeptLine<'_>) -> io::Result<Self> {
        let record = line.record()?;
        let received_at =
            record.clock_offset.map_or(record.fetched_at, |offset| offset.service_time(record.fetched_at));
        let candidate = Candidate::of(&record, received_at, line.digest());
        Ok(Self { candidate, context: record.context.map(|context| context.read_at) })
    }
}

impl Input {
    /// Reads a journal once, in the order of the file, and checks each record that counts. Answers are not read.
    pub(super) fn read(file: NamedFile) -> Result<Self, JournalError> {
        let mut lines = Vec::new();
        // A later record of the task replaces an invalid one.
        let mut invalid = BTreeMap::new();
        let journal = Journal::scan(file.clone(), |journal, place, text| {
            let split = SplitLine::of(text);
            let (parsed, indexed) = match split.parse() {
                Ok((line, body)) if !line.is_footer() => {
                    let indexed = Indexed::of(&line, place);
                    let indexed = journal.index_record(indexed, line.task_id(), line.fetched_at())?;
                    (Ok((line, body)), Some(indexed))
                }
                other => (other, journal.index_line(place, text)?),
            };
            if let Some(Indexed { ordinal, place, measured }) = indexed {
                let checked = parsed.and_then(|(line, body)| {
                    let fetched_at = line.fetched_at();
                    split.check(line, body)?;
                    let checksum = crc32fast::hash(text);
                    Ok(InputLine { place, checksum, lacks_offset: measured.is_none(), fetched_at })
                });
                if lines.len() <= ordinal {
                    lines.resize(ordinal + 1, None);
                }
                match checked {
                    Ok(line) => {
                        invalid.remove(&ordinal);
                        if let Some(known) = lines.get_mut(ordinal) {
                            *known = Some(line);
                        }
                    }
                    Err(what) => {
                        invalid.insert(ordinal, (place, what));
                    }
                }
            }
            Ok(indexed)
        })?;
        if let Some((_, (place, what))) = invalid.pop_first() {
            return Err(journal.invalid_line(place, what));
        }
        lines.resize(journal.header().list.tasks.len(), None);
        let is_merged = !journal.header().merged_from.is_empty();
        let source = LineSource { offset: journal.clock_offset().filter(|_| !is_merged), file };
        let (finished, origins) = (journal.is_finished(), origins(&journal));
        let header = journal.into_header();
        let sha256 = sha256(&source.file.name, &header)?;
        Ok(Self { header, sha256, origins, finished, lines, ranks: HashMap::new(), source })
    }

    /// Ranks the records of the tasks at `ordinals`, each of which is read again.
    pub(super) fn rank(
        &self,
        ordinals: impl IntoIterator<Item = usize>,
    ) -> Result<HashMap<usize, Rank>, MergeError> {
        let lines = ordinals.into_iter().filter_map(|ordinal| Some((ordinal, self.line_at(ordinal)?)));
        let lines: Vec<_> = lines.collect();
        let mut ranks = HashMap::new();
        self.source.each(&lines, |ordinal, line, kept| {
            let rank = Rank::of(&kept).map_err(|error| JournalError::InvalidLine {
                path: self.source.file.name.clone(),
                line: line.place.number,
                what: error.to_string(),
            })?;
            ranks.insert(ordinal, rank);
            Ok::<_, MergeError>(())
        })?;
        Ok(ranks)
    }

    /// By ordinal.
    pub(super) fn candidates(&self) -> impl Iterator<Item = Option<Candidate>> {
        (0..self.lines.len()).map(|ordinal| Some(self.ranks.get(&ordinal)?.candidate))
    }

    pub(super) fn line_at(&self, ordinal: usize) -> Option<InputLine> {
        self.lines.get(ordinal).copied().flatten()
    }
}

impl LineSource {
    /// Reads these lines again; each must be as it was when the input was read.
    pub(super) fn each<E: From<MergeError>>(
        &self,
        lines: &[(usize, InputLine)],
        mut each: impl FnMut(usize, &InputLine, KeptLine<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let changed = || MergeError::Changed(self.file.name.clone());
        let io = |source: io::Error| match source.kind() {
            io::ErrorKind::UnexpectedEof => changed(),
            _ => JournalError::Io { path: self.file.local.clone(), source }.into(),
        };
        if lines.is_empty() {
            return Ok(());
        }
        let mut file = File::open(&self.file.local).map_err(io)?;
        let mut text = Vec::new();
        for (ordinal, line) in lines {
            line.place.read(&mut file, &mut text).map_err(io)?;
            if crc32fast::hash(&text) != line.checksum {
                return Err(changed().into());
            }
            let offset = self.offset.filter(|_| line.lacks_offset);
            each(*ordinal, line, KeptLine::of(&text, offset).map_err(|_| changed())?)?;
        }
        Ok(())
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
