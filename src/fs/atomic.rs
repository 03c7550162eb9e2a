//! The one way in which files come to be: whole, or not at all.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tempfile::TempPath;

use super::digest::Fingerprint;

/// The files of this process that have their temporary names yet; none when it is ending.
static UNFINISHED: Mutex<Option<BTreeSet<PathBuf>>> = Mutex::new(Some(BTreeSet::new()));

/// Removes every file that is not complete, for a process that is about to end; none appears from then on.
///
/// A thread that is writing one stands still when it comes to make or to complete a file.
pub fn discard_unfinished() {
    let unfinished = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).take();
    for path in unfinished.into_iter().flatten() {
        // One that cannot be removed harms nobody, and there is no time left to tell.
        let _ = std::fs::remove_file(path);
    }
}

/// Does what changes the files under temporary names while the process is not ending; else waits for its end.
fn while_going<T>(change: impl FnOnce(&mut BTreeSet<PathBuf>) -> T) -> T {
    if let Some(unfinished) = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        return change(unfinished);
    }
    loop {
        std::thread::park();
    }
}

/// A temporary name, until it is dropped.
#[derive(Debug)]
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(unfinished) = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            unfinished.remove(&self.0);
        }
    }
}

/// A file that appears at its path when it is complete.
///
/// It is written under a temporary name in the same directory, synced, and renamed; dropped before
/// [`commit`](Self::commit), it leaves what stood at the path.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    writer: BufWriter<File>,
    temporary: TempPath,
    fingerprint: Fingerprint,
    /// Goes after the file itself.
    unfinished: Unfinished,
}

/// A file that was written, as evidence that it is the same later on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where it stands.
    pub path: PathBuf,
    /// The SHA-256 of its content.
    pub sha256: [u8; 32],
    /// Its length in bytes.
    pub size: u64,
}

impl AtomicFile {
    /// Begins a file; makes its directory where there is none.
    ///
    /// # Errors
    /// What the file system says.
    pub fn create(path: &Path) -> io::Result<Self> {
        let directory = directory_of(path);
        std::fs::create_dir_all(directory)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".cutover-report-");
        // A report is for others to read, as far as the user's mask lets them.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let (file, temporary) = while_going(|unfinished| {
            let (file, temporary) = builder.tempfile_in(directory)?.into_parts();
            unfinished.insert(temporary.to_path_buf());
            Ok::<_, io::Error>((file, temporary))
        })?;
        let unfinished = Unfinished(temporary.to_path_buf());
        let writer = BufWriter::with_capacity(1 << 16, file);
        let fingerprint = Fingerprint::default();
        Ok(Self { path: path.to_owned(), writer, temporary, fingerprint, unfinished })
    }

    /// The bytes written so far.
    pub fn size(&self) -> u64 {
        self.fingerprint.size()
    }

    /// What was written so far, to read.
    pub fn read_back(&mut self) -> io::Result<File> {
        self.writer.flush()?;
        File::open(&self.temporary)
    }

    /// Puts the file at its path.
    ///
    /// # Errors
    /// What the file system says; then the old file still stands.
    pub fn commit(self) -> io::Result<Written> {
        let written = self.seal()?.place()?;
        sync_directory(directory_of(&written.path))?;
        Ok(written)
    }

    /// Ends the file, which then waits to be put at its path.
    pub fn seal(self) -> io::Result<Sealed> {
        let file = self.writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        let (sha256, size) = self.fingerprint.finish();
        let written = Written { path: self.path, sha256, size };
        Ok(Sealed { file: self.temporary, written, unfinished: self.unfinished })
    }
}

/// A file that is whole and synced and does not stand at its path yet. Dropped, it is gone; it holds no
/// descriptor, so there may be many.
#[derive(Debug)]
pub struct Sealed {
    file: TempPath,
    written: Written,
    /// Goes after the file itself.
    unfinished: Unfinished,
}

impl Sealed {
    /// Where it is to stand.
    pub fn path(&self) -> &Path {
        &self.written.path
    }

    /// Puts the file at its path. That lasts through a power cut once the directory is synced.
    pub fn place(self) -> io::Result<Written> {
        while_going(|_| self.file.persist(&self.written.path)).map_err(|error| error.error)?;
        drop(self.unfinished);
        Ok(self.written)
    }
}

/// Puts files of one directory at their paths, in this order.
///
/// # Errors
/// What the file system says, with the path at fault.
pub fn place_all(files: Vec<Sealed>) -> Result<Vec<Written>, (PathBuf, io::Error)> {
    let mut written: Vec<Written> = Vec::with_capacity(files.len());
    for file in files {
        let path = file.written.path.clone();
        written.push(file.place().map_err(|error| (path, error))?);
    }
    if let Some(Written { path, .. }) = written.last() {
        sync_directory(directory_of(path)).map_err(|error| (path.clone(), error))?;
    }
    Ok(written)
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.writer.write(bytes)?;
        self.fingerprint.write_all(bytes.get(..taken).unwrap_or(bytes))?;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// The folder that `path` is in; `.` for a bare file name.
pub fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes a rename last through a power cut, where directories can be synced.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_file_stands_until_the_new_one_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/report.csv");
        let read = || std::fs::read_to_string(&path).unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"old").unwrap();
        file.commit().unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        file.flush().unwrap();
        assert_eq!(read(), "old");
        drop(file);
        assert_eq!(read(), "old");
        assert_eq!(
            std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "no temporary file is left"
        );
    }

    #[test]
    fn a_folder_that_goes_away_is_an_error_and_not_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/report.csv");
        let file = AtomicFile::create(&path).unwrap();
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
        assert_eq!(file.commit().unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(!path.exists());
    }
}
