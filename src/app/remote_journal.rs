//! A journal that stays in object storage.
//!
//! Objects cannot be appended to, so the journal is written on this machine and uploaded whole: first when the run
//! is some seconds old, then repeatedly, and at its end. Each time the object must be the one that this run uploaded
//! last or found; if it is not, another run is writing the same journal.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use crate::fs::Scratch;
use crate::journal::JournalError;
use crate::model::NamedFile;
use crate::storage::{Fault, Storage, StorageError, Tag};
use crate::threads::spawn;

use super::console;
use super::exit::Failure;

/// The age of a run at which its journal is first uploaded.
const FIRST: Duration = Duration::from_secs(2);
/// The shortest time between two uploads.
const INTERVAL: Duration = Duration::from_secs(5);
/// The wait for the next upload, in durations of the last one.
const PAUSE_FACTOR: u32 = 20;

/// The local copy of the journal, and what of it is uploaded.
pub(crate) struct RemoteJournal {
    /// Called by its URL.
    file: NamedFile,
    folder: Scratch,
    storage: Storage,
    uploaded: Mutex<Uploaded>,
}

struct Uploaded {
    /// The object that was found or uploaded last; none if there is no object.
    tag: Option<Tag>,
    /// The local file as it was then.
    of: State,
    under_way: Option<JoinHandle<Upload>>,
    due: Instant,
    /// Whether the last upload failed, and that was reported.
    failing: bool,
    /// Whether another run has written the journal, and that was reported.
    concurrent_write: bool,
}

/// The result of an upload.
struct Upload {
    of: State,
    tag: Result<Option<Tag>, StorageError>,
    took: Duration,
}

/// What changes when a file does; none where there is no file.
type State = Option<(u64, Option<SystemTime>)>;

fn state(path: &Path) -> State {
    path.metadata().ok().map(|file| (file.len(), file.modified().ok()))
}

impl RemoteJournal {
    /// Copies the object at `place` to this machine, for a run that replaces it.
    pub(crate) fn open(place: PathBuf, storage: &Storage) -> Result<Self, Failure> {
        storage.check(&place).map_err(Failure::storage)?;
        let folder = Scratch::durable().map_err(Failure::stopped)?;
        let file = NamedFile { local: folder.path().join("journal.jsonl"), name: place };
        let tag = storage.get(&file.name, &file.local).map_err(Failure::storage)?;
        let of = state(&file.local);
        let due = Instant::now() + FIRST;
        let uploaded = Uploaded { tag, of, under_way: None, due, failing: false, concurrent_write: false };
        Ok(Self { file, folder, storage: storage.clone(), uploaded: Mutex::new(uploaded) })
    }

    /// The journal on this machine, called by its URL.
    pub(crate) fn file(&self) -> &NamedFile {
        &self.file
    }

    fn uploaded(&self) -> MutexGuard<'_, Uploaded> {
        self.uploaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Uploads the journal on a thread of its own if it is time to. A failed upload is reported and tried again.
    ///
    /// # Errors
    /// [`JournalError::ConcurrentWrite`] when another run has written it.
    pub(crate) fn tick(&self) -> Result<(), JournalError> {
        let mut uploaded = self.uploaded();
        if uploaded.under_way.as_ref().is_some_and(JoinHandle::is_finished) {
            self.end_upload(&mut uploaded)?;
        }
        if uploaded.under_way.is_none()
            && Instant::now() >= uploaded.due
            && state(&self.file.local) != uploaded.of
        {
            let (file, storage, tag) = (self.file.clone(), self.storage.clone(), uploaded.tag.clone());
            match spawn(move || put(&file, &storage, tag)) {
                Ok(under_way) => uploaded.under_way = Some(under_way),
                Err(error) => {
                    uploaded.due = Instant::now() + INTERVAL;
                    report_failure(&mut uploaded, &error);
                }
            }
        }
        Ok(())
    }

    /// Waits for the upload that is under way, if any, and records its result.
    fn end_upload(&self, uploaded: &mut Uploaded) -> Result<(), JournalError> {
        let Some(done) = uploaded.under_way.take().map(JoinHandle::join) else { return Ok(()) };
        // The panic of a thread was reported, and the state of the object is unknown.
        let Ok(Upload { of, tag, took }) = done else {
            uploaded.due = Instant::now() + INTERVAL;
            return Ok(());
        };
        // A failed upload may have taken long, and is as urgent as before.
        let pause = if tag.is_ok() { INTERVAL.max(took * PAUSE_FACTOR) } else { INTERVAL };
        uploaded.due = Instant::now() + pause;
        match tag {
            Ok(tag) => {
                uploaded.tag = tag;
                uploaded.of = of;
                uploaded.failing = false;
                Ok(())
            }
            Err(error) if error.fault == Fault::Conflict => {
                uploaded.concurrent_write = true;
                Err(self.concurrent_write())
            }
            Err(error) => {
                report_failure(uploaded, &error);
                Ok(())
            }
        }
    }

    fn concurrent_write(&self) -> JournalError {
        JournalError::ConcurrentWrite { path: self.file.name.clone(), kept: self.file.local.clone() }
    }

    /// Uploads what is not uploaded yet, for a run that is over; does nothing if another run has written the journal
    /// and that was reported.
    ///
    /// # Errors
    /// When another run has written the journal meanwhile, or the upload fails; then the local copy is kept.
    pub(crate) fn put(&self) -> Result<(), Failure> {
        let mut uploaded = self.uploaded();
        self.end_upload(&mut uploaded).map_err(Failure::journal)?;
        if uploaded.concurrent_write || state(&self.file.local) == uploaded.of {
            return Ok(());
        }
        let Upload { of, tag, .. } = put(&self.file, &self.storage, uploaded.tag.clone());
        match tag {
            Ok(tag) => {
                uploaded.tag = tag;
                uploaded.of = of;
                Ok(())
            }
            Err(error) if error.fault == Fault::Conflict => Err(Failure::journal(self.concurrent_write())),
            Err(error) => Err(Failure::stopped(format!(
                "{error}; the journal could not be uploaded and is kept in {}",
                self.file.local.display()
            ))),
        }
    }

    /// Whether the object is the whole journal, so that the local copy is not needed.
    pub(crate) fn is_uploaded(&self) -> bool {
        state(&self.file.local) == self.uploaded().of
    }

    /// Keeps the local copy; else it is removed when this is dropped.
    pub(crate) fn keep(self) {
        self.folder.keep();
    }
}

/// Warns of the first of several failures in a row.
fn report_failure(uploaded: &mut Uploaded, error: &dyn std::fmt::Display) {
    if !uploaded.failing {
        console::warning(&format!("{error}; the run goes on, and the journal is uploaded again later"));
    }
    uploaded.failing = true;
}

fn put(file: &NamedFile, storage: &Storage, known: Option<Tag>) -> Upload {
    let began = Instant::now();
    // The state is taken first: what is appended during the upload is uploaded next time.
    let of = state(&file.local);
    let was_conditional = storage.is_conditional();
    let tag = match storage.put_if_unchanged(file, known.as_ref()) {
        // After an upload whose answer was lost the object is this run's own, with a tag that it does not know.
        Err(error) if error.fault == Fault::Conflict => match own_tag(file, storage) {
            Ok(Some(known)) => storage.put_if_unchanged(file, known.as_ref()),
            Ok(None) => Err(error),
            Err(other) => Err(other),
        },
        put => put,
    };
    if was_conditional && !storage.is_conditional() {
        console::warning(&format!(
            "{}: the server does not support conditional requests or ETags, so two runs that write this journal at \
             the same moment are not detected",
            file.name.display()
        ));
    }
    Upload { of, tag: tag.map(Some), took: began.elapsed() }
}

/// The tag of the object if replacing it loses nothing: the local journal begins with it, or there is no object.
fn own_tag(file: &NamedFile, storage: &Storage) -> Result<Option<Option<Tag>>, StorageError> {
    let folder = storage.scratch(&file.name)?;
    let path = folder.path().join("object");
    let Some(tag) = storage.get(&file.name, &path)? else { return Ok(Some(None)) };
    // What cannot be compared counts as written by another run.
    let is_own = begins_with(&file.local, &path).unwrap_or(false);
    Ok(is_own.then_some(Some(tag)))
}

fn begins_with(whole: &Path, start: &Path) -> io::Result<bool> {
    let (mut whole, mut start) = (File::open(whole)?, File::open(start)?);
    let mut expected = vec![0; 1 << 16];
    let mut found = Vec::new();
    loop {
        let read = start.read(&mut expected)?;
        let Some(expected) = expected.get(..read).filter(|expected| !expected.is_empty()) else {
            return Ok(true);
        };
        found.clear();
        (&mut whole).take(u64::try_from(read).unwrap_or(u64::MAX)).read_to_end(&mut found)?;
        if found != expected {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_with_compares_whole_prefixes() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let whole = at("whole", &[7; 200_000]);
        let mut other = vec![7; 150_000];
        assert!(begins_with(&whole, &at("start", &other)).unwrap());
        assert!(begins_with(&whole, &at("empty", b"")).unwrap());
        assert!(!begins_with(&whole, &at("longer", &[7; 200_001])).unwrap());
        other[149_999] = 8;
        assert!(!begins_with(&whole, &at("other", &other)).unwrap());
    }
}
