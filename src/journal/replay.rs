//! Reading a journal through an index, so that memory does not grow with the answers it holds.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::error::JournalError;
use super::header::{FORMAT, Header};
use super::record::{Footer, Record};
use crate::model::{ClockOffset, NamedFile};

/// A journal that was read once to know where each task's record stands.
#[derive(Debug)]
pub struct Journal {
    place: NamedFile,
    file: Mutex<File>,
    header: Header,
    /// Its length in bytes when it was opened; a run may be appending to it.
    length: u64,
    /// By ordinal: where the task's last record stands.
    records: Vec<Option<Place>>,
    footer: Option<Footer>,
    latest: Timestamp,
    /// How far the service's clock was ahead of the machine's when the run ended.
    clock_offset: Option<ClockOffset>,
    /// The length in bytes of a last line that was never wholly written.
    torn: u64,
}

/// Where a line stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Its number, from 1.
    number: u64,
    /// Its first byte, from 0.
    offset: u64,
    /// Its length in bytes.
    length: usize,
    /// Whether it says that no answer could be had.
    failed: bool,
}

/// As much of a line as tells what it is.
#[derive(Deserialize)]
struct Glance {
    ordinal: Option<usize>,
    task_id: Option<String>,
    fetched_at: Option<Timestamp>,
    clock_offset_s: Option<ClockOffset>,
    finished_at: Option<Timestamp>,
    failed: Option<IgnoredAny>,
}

impl Journal {
    /// Reads header, footer and the places of the records.
    ///
    /// A last line without its line break was never wholly written and is passed over.
    ///
    /// # Errors
    /// [`JournalError`], with the line where there is one.
    pub fn open(place: impl Into<NamedFile>) -> Result<Self, JournalError> {
        let place = place.into();
        let io = |source| JournalError::Io { path: place.local.clone(), source };
        let file = File::open(&place.local).map_err(io)?;
        // One file throughout: another may come to stand at the path.
        let again = file.try_clone().map_err(io)?;
        let mut reader = BufReader::with_capacity(1 << 16, file);
        let mut line = Vec::new();
        let read = reader.read_until(b'\n', &mut line).map_err(io)?;
        let header = parse_header(&place.name, &line)?;
        // It is as long as the list, and no other line is.
        line = Vec::new();
        let latest = header.latest();
        let records = vec![None; header.list.tasks.len()];
        let mut journal = Self {
            place: place.clone(),
            file: Mutex::new(again),
            header,
            length: bytes(read),
            records,
            footer: None,
            latest,
            clock_offset: None,
            torn: 0,
        };
        let mut measured = Vec::new();
        for number in 2.. {
            line.clear();
            let read = reader.read_until(b'\n', &mut line).map_err(io)?;
            if read == 0 {
                break;
            }
            let place = Place { number, offset: journal.length, length: read, failed: false };
            journal.length += bytes(read);
            if line.last() != Some(&b'\n') {
                journal.torn = bytes(read);
                break;
            }
            measured.extend(journal.note(place, &line)?);
        }
        // The machines of a merged journal each have their own.
        if journal.header.merged_from.is_empty() {
            journal.clock_offset = offset_at(journal.latest, &measured);
        }
        Ok(journal)
    }

    /// Takes note of a line; gives the clock's offset that it shows, and when it was measured.
    fn note(&mut self, place: Place, line: &[u8]) -> Result<Option<Measured>, JournalError> {
        let broken = |what| self.broken(place, what);
        let glance: Glance = serde_json::from_slice(line).map_err(|error| broken(error.to_string()))?;
        match glance {
            Glance { finished_at: Some(_), .. } => {
                let footer: Footer =
                    serde_json::from_slice(line).map_err(|error| broken(error.to_string()))?;
                self.latest = footer.finished_at;
                self.footer = Some(footer);
                Ok(None)
            }
            Glance {
                ordinal: Some(ordinal),
                task_id,
                fetched_at: Some(fetched_at),
                failed,
                clock_offset_s,
                ..
            } => {
                let declared = self.header.list.tasks.get(ordinal).map(|task| task.id_text());
                if declared.is_none() || declared != Some(task_id.as_deref().unwrap_or_default()) {
                    return Err(broken(format!(
                        "the record is of task {ordinal}, which the header does not know"
                    )));
                }
                if let Some(record) = self.records.get_mut(ordinal) {
                    *record = Some(Place { failed: failed.is_some(), ..place });
                }
                self.latest = self.latest.max(fetched_at);
                self.footer = None;
                Ok(clock_offset_s.map(|offset| (fetched_at, offset)))
            }
            _ => Err(broken("is neither a record nor the end of a run".to_owned())),
        }
    }

    fn broken(&self, place: Place, what: String) -> JournalError {
        JournalError::Broken { path: self.path().to_owned(), line: place.number, what }
    }

    /// What the run was asked.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What its user calls it.
    pub fn path(&self) -> &Path {
        &self.place.name
    }

    /// Where it stands on this machine, and what its user calls it.
    pub(super) fn place(&self) -> &NamedFile {
        &self.place
    }

    /// Whether the run came to its end.
    pub fn is_finished(&self) -> bool {
        self.footer.is_some()
    }

    /// The tasks that have no answer, by ordinal: those without a record, and those that failed.
    pub fn unanswered(&self) -> Vec<usize> {
        let answered = |place: &Option<Place>| place.is_some_and(|place| !place.failed);
        let unanswered = self.records.iter().enumerate().filter(|(_, place)| !answered(place));
        unanswered.map(|(ordinal, _)| ordinal).collect()
    }

    /// Where its whole lines end, in bytes.
    pub(super) fn whole(&self) -> u64 {
        self.length - self.torn
    }

    /// Whether the last line was cut off while it was written.
    pub fn is_torn(&self) -> bool {
        self.torn > 0
    }

    /// Whether the task at `ordinal` has a record.
    pub(super) fn holds(&self, ordinal: usize) -> bool {
        self.records.get(ordinal).is_some_and(Option::is_some)
    }

    /// What is wrong with the journal although it can be read, for people.
    pub fn faults(&self) -> Vec<String> {
        let torn = self.is_torn().then(|| "its last line was cut off and is passed over".to_owned());
        let held = self.recorded();
        let counted = self.footer.as_ref().map(|footer| footer.recorded).filter(|counted| *counted != held);
        let miscounted = counted.map(|counted| {
            format!("its end counts {counted} tasks, but it holds {held}: lines were lost or added since")
        });
        torn.into_iter().chain(miscounted).collect()
    }

    /// How many tasks have a record.
    pub fn recorded(&self) -> usize {
        self.records.iter().flatten().count()
    }

    /// When the run ended, or when its last task did, on the clock of the machine that fetched.
    pub fn ended_at(&self) -> Timestamp {
        self.latest
    }

    /// How far the service's clock was ahead of the machine's at the end of the run; of a merged journal's runs
    /// the offset of greatest size. None if no answer shows it.
    pub fn clock_offset(&self) -> Option<ClockOffset> {
        let runs = self.header.merged_from.iter().flat_map(|origin| &origin.runs);
        let offsets = runs.filter_map(|run| run.clock_offset_s).chain(self.clock_offset);
        offsets.max_by_key(|offset| (offset.as_secs().unsigned_abs(), *offset))
    }

    /// When the run ended on the service's clock: the moment at which ages are taken. Without any answer that
    /// shows that clock, it is taken to be the machine's.
    pub fn as_of(&self) -> Timestamp {
        match self.clock_offset {
            Some(offset) => offset.service_time(self.latest),
            None => self.header.service_end().unwrap_or(self.latest),
        }
    }

    /// When a record was made, on the service's clock: by its own offset, or else by the run's.
    pub fn service_time(&self, record: &Record) -> Timestamp {
        let offset = record.clock_offset.or(self.clock_offset);
        offset.map_or(record.fetched_at, |offset| offset.service_time(record.fetched_at))
    }

    /// The record of the task at `ordinal`; none if the run did not come to it.
    ///
    /// # Errors
    /// What the file system says, or that the record cannot be read.
    pub fn record(&self, ordinal: usize) -> Result<Option<Record>, JournalError> {
        let Some(place) = self.records.get(ordinal).copied().flatten() else {
            return Ok(None);
        };
        let mut line = vec![0; place.length];
        {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(place.offset))
                .and_then(|_| file.read_exact(&mut line))
                .map_err(|source| JournalError::Io { path: self.place.local.clone(), source })?;
        }
        Record::read(line).map(Some).map_err(|what| self.broken(place, what))
    }

    /// Writes the journal as it was when it was opened, whatever stands at its path by now.
    ///
    /// # Errors
    /// What the file system says.
    pub fn copy_to(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(0))?;
        io::copy(&mut Read::take(&mut *file, self.length), to).map(drop)
    }
}

fn parse_header(path: &Path, line: &[u8]) -> Result<Header, JournalError> {
    #[derive(Deserialize)]
    struct Version {
        journal_format: u64,
    }
    let Ok(Version { journal_format }) = serde_json::from_slice(line) else {
        return Err(JournalError::NoJournal(path.to_owned()));
    };
    if journal_format != FORMAT {
        return Err(JournalError::Format { path: path.to_owned(), format: journal_format });
    }
    let wrong = |what| JournalError::Header { path: path.to_owned(), what };
    let header: Header = serde_json::from_slice(line).map_err(|error| wrong(error.to_string()))?;
    header.check().map_err(wrong)?;
    Ok(header)
}

/// When an offset was measured, on the machine's clock, and the offset.
type Measured = (Timestamp, ClockOffset);

/// The best known offset for the moment `end`: the median of those measured within a minute of the one nearest to it.
///
/// The machine's clock may have been set during the run, so those further away say less. A single `Date` that is
/// wrong, as from a cache, must not decide. Of an even number the later of the middle two counts: it makes
/// evidence older, not younger.
fn offset_at(end: Timestamp, measured: &[Measured]) -> Option<ClockOffset> {
    let distance = |at: &Timestamp| end.duration_since(*at).abs();
    let nearest = measured.iter().map(|(at, _)| distance(at)).min()?;
    let near = |at: &Timestamp| distance(at) <= nearest.saturating_add(SignedDuration::from_mins(1));
    let mut offsets: Vec<_> = measured.iter().filter(|(at, _)| near(at)).map(|(_, offset)| *offset).collect();
    offsets.sort_unstable();
    offsets.get(offsets.len() / 2).copied()
}

fn bytes(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
