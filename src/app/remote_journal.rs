//! A journal that stays in object storage.
//!
//! Objects cannot be appended to, so the journal is written on this machine and put there whole: when the run
//! is some seconds old, then now and then, and at its end. Each time, what stands there must be what this run
//! put last or found; if it is not, another run is at work on the same journal.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use crate::journal::JournalError;
use crate::model::NamedFile;
use crate::storage::{Fault, Storage, StorageError, Tag};

use super::console;
use super::exit::Failure;

/// The age of a run at which its journal is put first.
const FIRST: Duration = Duration::from_secs(2);
/// The time between two puts, at least.
const INTERVAL: Duration = Duration::from_secs(5);
/// As many times as long as a put took is waited for the next.
const SHARE: u32 = 20;

/// The journal here, and what of it is there.
pub(crate) struct Mirror {
    /// Called by its URL.
    file: NamedFile,
    storage: Storage,
    there: Mutex<There>,
}

struct There {
    /// What was found there or put last; none for nothing.
    tag: Option<Tag>,
    /// The file as it was then.
    of: State,
    under_way: Option<JoinHandle<Put>>,
    due: Instant,
    /// Whether the last put failed, and that was told.
    failing: bool,
    /// Whether another run has written the journal, and that was told.
    overtaken: bool,
}

/// What came of a put.
struct Put {
    of: State,
    tag: Result<Option<Tag>, StorageError>,
    took: Duration,
}

/// What changes when a file does; none where there is no file.
type State = Option<(u64, Option<SystemTime>)>;

fn state(path: &Path) -> State {
    path.metadata().ok().map(|file| (file.len(), file.modified().ok()))
}

impl Mirror {
    /// Copies to this machine what stands at `place`, for a run that puts its own there.
    pub(crate) fn of(place: PathBuf, storage: &Storage) -> Result<Self, Failure> {
        storage.check(&place).map_err(Failure::storage)?;
        let folder =
            tempfile::Builder::new().prefix("cutover-report-").tempdir().map_err(Failure::stopped)?;
        let file = NamedFile { local: folder.path().join("journal.jsonl"), name: place };
        let tag = storage.get(&file.name, &file.local).map_err(Failure::storage)?;
        // From here on it goes when the journal is safe, and not before.
        let _ = folder.keep();
        let of = state(&file.local);
        let there =
            There { tag, of, under_way: None, due: Instant::now() + FIRST, failing: false, overtaken: false };
        Ok(Self { file, storage: storage.clone(), there: Mutex::new(there) })
    }

    /// The journal on this machine, called by its URL.
    pub(crate) fn file(&self) -> &NamedFile {
        &self.file
    }

    fn there(&self) -> MutexGuard<'_, There> {
        self.there.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the journal on a thread of its own if it is time to. A put that fails is told and tried again.
    ///
    /// # Errors
    /// [`JournalError::Overtaken`] when another run is at work on it.
    pub(crate) fn tick(&self) -> Result<(), JournalError> {
        let mut there = self.there();
        if there.under_way.as_ref().is_some_and(JoinHandle::is_finished) {
            self.settle(&mut there)?;
        }
        if there.under_way.is_none() && Instant::now() >= there.due && state(&self.file.local) != there.of {
            let (file, storage, tag) = (self.file.clone(), self.storage.clone(), there.tag.clone());
            there.under_way = Some(thread::spawn(move || put(&file, &storage, tag)));
        }
        Ok(())
    }

    /// Waits for the put that is under way, if any, and takes note of what came of it.
    fn settle(&self, there: &mut There) -> Result<(), JournalError> {
        let Some(done) = there.under_way.take().map(JoinHandle::join) else { return Ok(()) };
        // A thread that broke down has told so itself, and put nothing that is known.
        let Ok(Put { of, tag, took }) = done else { return Ok(()) };
        // One that failed may have taken long for it, and is as urgent as before.
        let pause = if tag.is_ok() { INTERVAL.max(took * SHARE) } else { INTERVAL };
        there.due = Instant::now() + pause;
        match tag {
            Ok(tag) => {
                there.tag = tag;
                there.of = of;
                there.failing = false;
                Ok(())
            }
            Err(error) if error.fault == Fault::Taken => {
                there.overtaken = true;
                Err(self.overtaken())
            }
            Err(error) => {
                if !there.failing {
                    console::warning(&format!(
                        "{error}; the run goes on, and the journal is put again later"
                    ));
                }
                there.failing = true;
                Ok(())
            }
        }
    }

    fn overtaken(&self) -> JournalError {
        JournalError::Overtaken { path: self.file.name.clone(), kept: self.file.local.clone() }
    }

    /// Puts what is not there yet, for a run that is over; nothing if it was overtaken and told so.
    ///
    /// # Errors
    /// That another run has written the journal meanwhile, or what kept it from being put; then it is kept
    /// on this machine.
    pub(crate) fn put(&self) -> Result<(), Failure> {
        let mut there = self.there();
        self.settle(&mut there).map_err(Failure::journal)?;
        if there.overtaken || state(&self.file.local) == there.of {
            return Ok(());
        }
        let Put { of, tag, .. } = put(&self.file, &self.storage, there.tag.clone());
        match tag {
            Ok(tag) => {
                there.tag = tag;
                there.of = of;
                Ok(())
            }
            Err(error) if error.fault == Fault::Taken => Err(Failure::journal(self.overtaken())),
            Err(error) => Err(Failure::stopped(format!(
                "{error}; the journal could not be put there and is kept in {}",
                self.file.local.display()
            ))),
        }
    }

    /// Removes the copy if the journal is safe, and says whether it was.
    pub(crate) fn clear(&self) -> bool {
        let is_safe = state(&self.file.local) == self.there().of;
        if is_safe {
            let _ = self.file.local.parent().map(std::fs::remove_dir_all);
        }
        is_safe
    }
}

fn put(file: &NamedFile, storage: &Storage, known: Option<Tag>) -> Put {
    let began = Instant::now();
    // The state is taken first: what comes while the file is read is put next time.
    let of = state(&file.local);
    let was_guarded = storage.is_guarded();
    let tag = match storage.put_over(file, known.as_ref()) {
        // A put whose answer was lost leaves what this run does not know, although it is its own.
        Err(error) if error.fault == Fault::Taken => match own(file, storage) {
            Ok(Some(known)) => storage.put_over(file, known.as_ref()),
            Ok(None) => Err(error),
            Err(other) => Err(other),
        },
        put => put,
    };
    if was_guarded && !storage.is_guarded() {
        console::warning(&format!(
            "{}: the server cannot put under a condition, so of two runs that put this journal in the same moment \
             neither knows",
            file.name.display()
        ));
    }
    Put { of, tag: tag.map(Some), took: began.elapsed() }
}

/// The tag of what stands there if nothing is lost with it: the journal here begins with it. That nothing
/// stands there is nothing to lose either.
fn own(file: &NamedFile, storage: &Storage) -> Result<Option<Option<Tag>>, StorageError> {
    let folder = storage.scratch(&file.name)?;
    let path = folder.path().join("object");
    let Some(tag) = storage.get(&file.name, &path)? else { return Ok(Some(None)) };
    // What cannot be compared counts as somebody else's.
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
    fn a_journal_begins_with_what_was_put_of_it() {
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
