//! The one way in which files come to be: whole, or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::fingerprint::Fingerprint;
use super::{Cause, OutputError};

/// A file that appears at its path when it is complete.
///
/// It is written under a temporary name in the same directory, synced, and renamed; dropped before
/// [`commit`](Self::commit), it leaves what stood at the path.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    writer: BufWriter<NamedTempFile>,
    fingerprint: Fingerprint,
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
        let writer = BufWriter::with_capacity(1 << 16, builder.tempfile_in(directory)?);
        Ok(Self { path: path.to_owned(), writer, fingerprint: Fingerprint::default() })
    }

    /// Puts the file at its path.
    ///
    /// # Errors
    /// What the file system says; then the old file still stands.
    pub fn commit(self) -> io::Result<Written> {
        let file = self.writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        sync_directory(directory_of(&self.path))?;
        let (sha256, size) = self.fingerprint.finish();
        Ok(Written { path: self.path, sha256, size })
    }

    /// Creates the file at `path`, lets `fill` write it, and commits it.
    pub(super) fn write(
        path: &Path,
        fill: impl FnOnce(&mut AtomicFile) -> Result<(), Cause>,
    ) -> Result<Written, OutputError> {
        let write = || -> Result<Written, Cause> {
            let mut file = Self::create(path)?;
            fill(&mut file)?;
            Ok(file.commit()?)
        };
        write().map_err(OutputError::at(path))
    }
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

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes a rename last through a power cut, where directories can be synced.
fn sync_directory(directory: &Path) -> io::Result<()> {
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
}
