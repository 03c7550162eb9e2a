//! Reads a journal through an index, so memory does not grow with the size of the answers.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::error::JournalError;
use super::header::{FORMAT, Header};
use super::line::{RawLine, split_body};
use super::record::{Footer, Record};
use crate::fs::{Fingerprint, is_at};
use crate::model::{ClockOffset, NamedFile};

/// A journal with an index of its records.
#[derive(Debug)]
pub struct Journal {
    place: NamedFile,
    file: Mutex<File>,
    header: Header,
    /// Its length in bytes when it was opened; a run may be appending to it.
    length: u64,
    /// By ordinal: the position of the task's last record.
    records: Vec<Option<LinePosition>>,
    footer: Option<Footer>,
    latest: Timestamp,
    /// How far the service's clock was ahead of the machine's when the run ended.
    clock_offset: Option<ClockOffset>,
    /// The length in bytes of a truncated last line; 0 if the last line is complete.
    truncated: u64,
    /// Its SHA-256 and size, computed when first needed.
    digest: OnceLock<([u8; 32], u64)>,
}

/// The position of a record's line.
#[derive(Debug, Clone, Copy)]
pub(super) struct LinePosition {
    /// Line number, from 1.
    pub(super) number: u64,
    /// Offset of its first byte.
    pub(super) offset: u64,
    /// Length in bytes.
    pub(super) length: usize,
    /// Whether the record is a failure.
    pub(super) failed: bool,
}

impl LinePosition {
    /// Reads the line; `text` is replaced by it.
    pub(super) fn read(self, file: &mut File, text: &mut Vec<u8>) -> io::Result<()> {
        text.clear();
        text.resize(self.length, 0);
        file.seek(SeekFrom::Start(self.offset))?;
        file.read_exact(text)
    }
}

/// What is known of a merged journal once it is written, so that it need not be read again.
#[derive(Debug)]
pub struct Index {
    /// Its length in bytes.
    pub(super) length: u64,
    /// By ordinal: the position of the task's record.
    pub(super) records: Vec<Option<LinePosition>>,
    pub(super) footer: Option<Footer>,
    /// When the last of its records was fetched, or its last run ended.
    pub(super) latest: Timestamp,
}

/// The fields that show what a line is.
#[derive(Deserialize)]
struct LineProbe {
    ordinal: Option<usize>,
    task_id: Option<String>,
    fetched_at: Option<Timestamp>,
    clock_offset_s: Option<ClockOffset>,
    finished_at: Option<Timestamp>,
    failed: Option<IgnoredAny>,
}

impl Journal {
    /// Reads header and footer, and indexes the records.
    ///
    /// A last line without a line break is truncated and ignored.
    ///
    /// # Errors
    /// [`JournalError`], with the line where there is one.
    pub fn open(place: impl Into<NamedFile>) -> Result<Self, JournalError> {
        Self::scan(place.into(), |journal, place, line| journal.index_line(place, line))
    }

    /// As [`open`](Self::open); `index` indexes every line after the header, in the order of the file.
    pub(super) fn scan(
        place: NamedFile,
        mut index: impl FnMut(&mut Self, LinePosition, &[u8]) -> Result<Option<Indexed>, JournalError>,
    ) -> Result<Self, JournalError> {
        let io = |source| JournalError::Io { path: place.local.clone(), source };
        let file = File::open(&place.local).map_err(io)?;
        // The same open file: the one at the path may be replaced meanwhile.
        let again = file.try_clone().map_err(io)?;
        let mut reader = BufReader::with_capacity(1 << 16, file);
        let mut line = Vec::new();
        let read = reader.read_until(b'\n', &mut line).map_err(io)?;
        let header = parse_header(&place.name, &line)?;
        // The header's line may be very long; later lines are not.
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
            truncated: 0,
            digest: OnceLock::new(),
        };
        let mut measured = Vec::new();
        for number in 2.. {
            line.clear();
            let read = reader.read_until(b'\n', &mut line).map_err(io)?;
            if read == 0 {
                break;
            }
            let place = LinePosition { number, offset: journal.length, length: read, failed: false };
            journal.length += bytes(read);
            if line.last() != Some(&b'\n') {
                journal.truncated = bytes(read);
                break;
            }
            let indexed = index(&mut journal, place, &line)?;
            measured.extend(indexed.and_then(|indexed| indexed.measured));
        }
        // A merged journal has no single offset: each machine has its own.
        if journal.header.merged_from.is_empty() {
            journal.clock_offset = offset_at(journal.latest, &measured);
        }
        Ok(journal)
    }

    /// Indexes a line; none if it is a footer.
    pub(super) fn index_line(
        &mut self,
        place: LinePosition,
        line: &[u8],
    ) -> Result<Option<Indexed>, JournalError> {
        let invalid_line = |what| self.invalid_line(place, what);
        let fields = split_body(line).and_then(|(fields, _)| serde_json::from_slice(&fields).ok());
        let probe: LineProbe = match fields {
            Some(probe) => probe,
            None => serde_json::from_slice(line).map_err(|error| invalid_line(error.to_string()))?,
        };
        match probe {
            LineProbe { finished_at: Some(_), .. } => {
                let footer: Footer =
                    serde_json::from_slice(line).map_err(|error| invalid_line(error.to_string()))?;
                self.latest = footer.finished_at;
                self.footer = Some(footer);
                Ok(None)
            }
            LineProbe {
                ordinal: Some(ordinal),
                task_id,
                fetched_at: Some(fetched_at),
                failed,
                clock_offset_s,
                ..
            } => {
                let place = LinePosition { failed: failed.is_some(), ..place };
                let measured = clock_offset_s.map(|offset| (fetched_at, offset));
                let indexed = Indexed { ordinal, place, measured };
                self.index_record(indexed, task_id.as_deref(), fetched_at).map(Some)
            }
            _ => Err(invalid_line("the line is neither a record nor a footer".to_owned())),
        }
    }

    /// Indexes a record of this task.
    pub(super) fn index_record(
        &mut self,
        indexed: Indexed,
        task_id: Option<&str>,
        fetched_at: Timestamp,
    ) -> Result<Indexed, JournalError> {
        let Indexed { ordinal, place, .. } = indexed;
        let declared = self.header.list.tasks.get(ordinal).map(|task| task.id_text());
        if declared.is_none() || declared != Some(task_id.unwrap_or_default()) {
            let what = format!("the record's task (ordinal {ordinal}) is not in the header's list");
            return Err(self.invalid_line(place, what));
        }
        if let Some(record) = self.records.get_mut(ordinal) {
            *record = Some(place);
        }
        self.latest = self.latest.max(fetched_at);
        self.footer = None;
        Ok(indexed)
    }

    /// The merged journal that was written to `file`, without reading it.
    pub(super) fn of_written(place: NamedFile, file: File, header: Header, index: Index) -> Self {
        let Index { length, records, footer, latest } = index;
        Self {
            place,
            file: Mutex::new(file),
            header,
            length,
            records,
            footer,
            latest,
            clock_offset: None,
            truncated: 0,
            digest: OnceLock::new(),
        }
    }

    /// Sets the SHA-256 and the size in bytes of a journal that was just written, so that it is not read for them.
    #[must_use]
    pub fn with_digest(mut self, digest: ([u8; 32], u64)) -> Self {
        self.digest = OnceLock::from(digest);
        self
    }

    pub(super) fn invalid_line(&self, place: LinePosition, what: String) -> JournalError {
        JournalError::InvalidLine { path: self.path().to_owned(), line: place.number, what }
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    pub(super) fn into_header(self) -> Header {
        self.header
    }

    /// Its path or URL, as the user gave it.
    pub fn path(&self) -> &Path {
        &self.place.name
    }

    /// Its local path, and its path or URL as the user gave it.
    pub(super) fn place(&self) -> &NamedFile {
        &self.place
    }

    /// Whether the run is complete.
    pub fn is_finished(&self) -> bool {
        self.footer.is_some()
    }

    /// The ordinals of tasks without an answer: those without a record, and those that failed.
    pub fn unanswered(&self) -> Vec<usize> {
        let answered = |place: &Option<LinePosition>| place.is_some_and(|place| !place.failed);
        let unanswered = self.records.iter().enumerate().filter(|(_, place)| !answered(place));
        unanswered.map(|(ordinal, _)| ordinal).collect()
    }

    /// Length in bytes of the complete lines.
    pub(super) fn complete_length(&self) -> u64 {
        self.length - self.truncated
    }

    /// Whether the last line is truncated.
    pub fn is_truncated(&self) -> bool {
        self.truncated > 0
    }

    /// The length in bytes of the line of the task at `ordinal`; 0 without a record.
    pub fn line_length(&self, ordinal: usize) -> usize {
        self.records.get(ordinal).copied().flatten().map_or(0, |place| place.length)
    }

    /// Whether the task at `ordinal` has a record.
    pub(super) fn has_record(&self, ordinal: usize) -> bool {
        self.records.get(ordinal).is_some_and(Option::is_some)
    }

    /// Problems of a journal that can be read, for people.
    pub fn faults(&self) -> Vec<String> {
        let truncated = self.is_truncated().then(|| "its last line is truncated and was ignored".to_owned());
        let held = self.recorded();
        let counted = self.footer.as_ref().map(|footer| footer.recorded).filter(|counted| *counted != held);
        let miscounted = counted.map(|counted| {
            format!("its footer counts {counted} tasks, but {held} are recorded: lines were removed or added")
        });
        truncated.into_iter().chain(miscounted).collect()
    }

    /// How many tasks have a record.
    pub fn recorded(&self) -> usize {
        self.records.iter().flatten().count()
    }

    /// When the run ended, or its last task if it is unfinished, on the fetching machine's clock.
    pub fn ended_at(&self) -> Timestamp {
        self.latest
    }

    /// How far the service's clock was ahead of the machine's at the end of the run; of a merged journal's runs the
    /// offset of greatest size. None if unknown.
    pub fn clock_offset(&self) -> Option<ClockOffset> {
        let runs = self.header.merged_from.iter().flat_map(|origin| &origin.runs);
        let offsets = runs.filter_map(|run| run.clock_offset_s).chain(self.clock_offset);
        offsets.max_by_key(|offset| (offset.as_secs().unsigned_abs(), *offset))
    }

    /// When the run ended on the service's clock: the time that ages are computed from. If that clock is unknown, the
    /// machine's clock is used.
    pub fn as_of(&self) -> Timestamp {
        match self.clock_offset {
            Some(offset) => offset.service_time(self.latest),
            None => self.header.service_end().unwrap_or(self.latest),
        }
    }

    /// The record's time on the service's clock, by its own offset or else the run's.
    pub fn service_time(&self, record: &Record) -> Timestamp {
        let offset = record.clock_offset.or(self.clock_offset);
        offset.map_or(record.fetched_at, |offset| offset.service_time(record.fetched_at))
    }

    /// The record of the task at `ordinal`; none if it has none.
    ///
    /// # Errors
    /// When the file cannot be read, or the record is invalid.
    pub fn record(&self, ordinal: usize) -> Result<Option<Record>, JournalError> {
        self.record_with(ordinal, Vec::new())
    }

    /// As [`record`](Self::record), in the memory of `buffer`, which becomes the record's body.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub fn record_with(&self, ordinal: usize, mut buffer: Vec<u8>) -> Result<Option<Record>, JournalError> {
        let Some(place) = self.records.get(ordinal).copied().flatten() else {
            return Ok(None);
        };
        self.read_line(place, &mut buffer)?;
        Record::read(buffer).map(Some).map_err(|what| self.invalid_line(place, what))
    }

    /// Reads the line at a position; `text` is replaced by it.
    fn read_line(&self, place: LinePosition, text: &mut Vec<u8>) -> Result<(), JournalError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let read = place.read(&mut file, text);
        read.map_err(|source| JournalError::Io { path: self.place.local.clone(), source })
    }

    /// Whether it is the file at `path`, with nothing after what was read.
    pub fn is_at(&self, path: &Path) -> bool {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        self.place.local == path
            && is_at(&file, path)
            && file.metadata().is_ok_and(|found| found.len() == self.length)
    }

    /// Writes the journal as it was when it was opened, even if the file at its path was replaced.
    ///
    /// # Errors
    /// I/O errors.
    pub fn copy_to(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(0))?;
        io::copy(&mut Read::take(&mut *file, self.length), to).map(drop)
    }

    /// The SHA-256 and the size in bytes of what [`copy_to`](Self::copy_to) writes. The file is read once.
    ///
    /// # Errors
    /// What the file system says.
    pub fn digest(&self) -> io::Result<([u8; 32], u64)> {
        if let Some(digest) = self.digest.get() {
            return Ok(*digest);
        }
        let mut fingerprint = Fingerprint::default();
        self.copy_to(&mut fingerprint)?;
        Ok(*self.digest.get_or_init(|| fingerprint.finish()))
    }
}

fn parse_header(path: &Path, line: &[u8]) -> Result<Header, JournalError> {
    #[derive(Deserialize)]
    struct Version {
        journal_format: u64,
    }
    let Ok(Version { journal_format }) = serde_json::from_slice(line) else {
        return Err(JournalError::MissingHeader(path.to_owned()));
    };
    if journal_format != FORMAT {
        return Err(JournalError::Format { path: path.to_owned(), format: journal_format });
    }
    let invalid = |what| JournalError::Header { path: path.to_owned(), what };
    let header: Header = serde_json::from_slice(line).map_err(|error| invalid(error.to_string()))?;
    header.check().map_err(invalid)?;
    Ok(header)
}

/// A record that was indexed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Indexed {
    pub(super) ordinal: usize,
    pub(super) place: LinePosition,
    /// The clock offset that it shows.
    pub(super) measured: Option<Measured>,
}

impl Indexed {
    /// The entry of a line at `place`.
    pub(super) fn of(line: &RawLine<'_>, place: LinePosition) -> Self {
        let place = LinePosition { failed: line.has_failed(), ..place };
        let measured = line.clock_offset().map(|offset| (line.fetched_at(), offset));
        Self { ordinal: line.ordinal(), place, measured }
    }
}

/// When an offset was measured, on the machine's clock, and the offset.
pub(super) type Measured = (Timestamp, ClockOffset);

/// The best known offset for the moment `end`: the median of those measured within a minute of the one nearest to it.
///
/// The machine's clock may have been set during the run, so only nearby measurements count. The median ignores a
/// single wrong `Date`, as from a cache. Of an even number the later of the middle two is used: it makes evidence
/// older, not younger.
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
