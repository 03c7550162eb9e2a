//! Reading a journal through an index, so that memory does not grow with the answers it holds.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use jiff::Timestamp;
use serde::Deserialize;

use super::{FORMAT, Footer, Header, JournalError, Record};

/// A journal that was read once to know where each task's record stands.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: Mutex<File>,
    header: Header,
    /// By ordinal: where the task's last record begins, and its length in bytes.
    records: Vec<Option<(u64, usize)>>,
    footer: Option<Footer>,
    latest: Timestamp,
    torn: bool,
}

/// As much of a line as tells what it is.
#[derive(Deserialize)]
struct Glance {
    ordinal: Option<usize>,
    task_id: Option<String>,
    fetched_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
}

impl Journal {
    /// Reads header, footer and the places of the records.
    ///
    /// A last line without its line break was never wholly written and is passed over.
    ///
    /// # Errors
    /// [`JournalError`], with the line where there is one.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let io = |source| JournalError::Io { path: path.to_owned(), source };
        let mut reader = BufReader::with_capacity(1 << 16, File::open(path).map_err(io)?);
        let mut line = Vec::new();
        let header_length = reader.read_until(b'\n', &mut line).map_err(io)?;
        let header = parse_header(path, &line)?;
        let latest = header.started_at;
        let records = vec![None; header.list.tasks.len()];
        let mut journal = Self {
            path: path.to_owned(),
            file: Mutex::new(File::open(path).map_err(io)?),
            header,
            records,
            footer: None,
            latest,
            torn: false,
        };
        let mut offset = length(header_length);
        for number in 2.. {
            line.clear();
            let read = reader.read_until(b'\n', &mut line).map_err(io)?;
            if read == 0 {
                break;
            }
            if line.last() != Some(&b'\n') {
                journal.torn = true;
                break;
            }
            journal.note(number, offset, &line)?;
            offset += length(read);
        }
        Ok(journal)
    }

    fn note(&mut self, number: u64, offset: u64, line: &[u8]) -> Result<(), JournalError> {
        let broken = |what: String| JournalError::Broken { path: self.path.clone(), line: number, what };
        let glance: Glance = serde_json::from_slice(line).map_err(|error| broken(error.to_string()))?;
        match glance {
            Glance { finished_at: Some(_), .. } => {
                let footer: Footer =
                    serde_json::from_slice(line).map_err(|error| broken(error.to_string()))?;
                self.latest = footer.finished_at;
                self.footer = Some(footer);
            }
            Glance { ordinal: Some(ordinal), task_id, fetched_at: Some(fetched_at), .. } => {
                let declared = self.header.list.tasks.get(ordinal).map(|task| task.task_id.as_str());
                if declared.is_none() || declared != task_id.as_deref() {
                    return Err(broken(format!(
                        "the record is of task {ordinal}, which the header does not know"
                    )));
                }
                if let Some(place) = self.records.get_mut(ordinal) {
                    *place = Some((offset, line.len()));
                }
                self.latest = self.latest.max(fetched_at);
                self.footer = None;
            }
            _ => return Err(broken("is neither a record nor the end of a run".to_owned())),
        }
        Ok(())
    }

    /// What the run was asked.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Where the journal stands.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the run came to its end.
    pub fn is_finished(&self) -> bool {
        self.footer.is_some()
    }

    /// Whether the last line was cut off and passed over.
    pub fn is_torn(&self) -> bool {
        self.torn
    }

    /// How many tasks have a record.
    pub fn recorded(&self) -> usize {
        self.records.iter().flatten().count()
    }

    /// When the run ended, or when its last task did: the moment at which ages are taken.
    pub fn ended_at(&self) -> Timestamp {
        self.latest
    }

    /// The record of the task at `ordinal`; none if the run did not come to it.
    ///
    /// # Errors
    /// What the file system says, or that the record cannot be read.
    pub fn record(&self, ordinal: usize) -> Result<Option<Record>, JournalError> {
        let Some((offset, length)) = self.records.get(ordinal).copied().flatten() else {
            return Ok(None);
        };
        let mut line = vec![0; length];
        {
            let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            file.seek(SeekFrom::Start(offset))
                .and_then(|_| file.read_exact(&mut line))
                .map_err(|source| JournalError::Io { path: self.path.clone(), source })?;
        }
        serde_json::from_slice(&line).map(Some).map_err(|error| JournalError::Record {
            path: self.path.clone(),
            ordinal,
            what: error.to_string(),
        })
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
    serde_json::from_slice(line).map_err(|error| JournalError::Broken {
        path: path.to_owned(),
        line: 1,
        what: error.to_string(),
    })
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
