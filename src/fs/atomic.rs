//! Atomic file writes.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::io_reason;

use super::digest::Fingerprint;
use super::path::{check_regular, directory_of, resolve};
use super::scratch::{Scratch, while_running};
use super::warnings::warn;

/// A file that appears at its path when it is complete.
///
/// It is written under a temporary name in the same folder, synced, and renamed. Dropped before
/// [`commit`](Self::commit), it leaves the existing file unchanged. A symbolic link is followed. An existing file
/// keeps its mode and, as root, its owner; its other hard links keep the old content.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    writer: BufWriter<File>,
    temporary: Temporary,
    fingerprint: Fingerprint,
}

/// A file under its temporary name; removed when dropped.
#[derive(Debug)]
struct Temporary {
    path: PathBuf,
    /// Where links lead.
    target: PathBuf,
    /// Its folder, which goes with the last file in it.
    _scratch: Arc<Scratch>,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Temporary {
    fn rename(self) -> io::Result<PathBuf> {
        while_running(|| std::fs::rename(&self.path, &self.target))?;
        Ok(self.target.clone())
    }
}

/// A file that was written, so that it can be recognised later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its path, as the caller gave it.
    pub path: PathBuf,
    /// The SHA-256 of its content.
    pub sha256: [u8; 32],
    /// Its length in bytes.
    pub size: u64,
}

impl AtomicFile {
    /// Begins a file; creates its folder where there is none.
    ///
    /// # Errors
    /// When the folder takes no file, the links form a loop, or there is something other than a regular file at
    /// the path.
    pub fn create(path: &Path) -> io::Result<Self> {
        check_regular(path)?;
        let target = resolve(path)?;
        let directory = directory_of(&target);
        std::fs::create_dir_all(directory)?;
        let scratch = Scratch::beside(directory)?;
        let existing = target.metadata().ok();
        let temporary = Temporary { path: scratch.next_path(), target, _scratch: scratch };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        // The user's mask applies to a new file. An existing one may hold more than all may read.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, if existing.is_some() { 0o600 } else { 0o666 });
        let file = while_running(|| options.open(&temporary.path))?;
        if let Some(existing) = existing {
            keep_attributes(&file, &existing)?;
        }
        let writer = BufWriter::with_capacity(1 << 16, file);
        Ok(Self { path: path.to_owned(), writer, temporary, fingerprint: Fingerprint::default() })
    }

    /// The bytes written so far.
    pub fn size(&self) -> u64 {
        self.fingerprint.size()
    }

    /// The SHA-256 and the size in bytes of what was written so far.
    pub fn digest(&self) -> ([u8; 32], u64) {
        self.fingerprint.clone().finish()
    }

    /// What was written so far, to read.
    pub fn read_back(&mut self) -> io::Result<File> {
        self.writer.flush()?;
        File::open(&self.temporary.path)
    }

    /// Puts the file at its path. A folder that cannot be synced is a [warning](super::take_warnings).
    ///
    /// # Errors
    /// What the file system says; then an existing file is unchanged.
    pub fn commit(self) -> io::Result<Written> {
        self.seal()?.place_and_sync()
    }

    /// Puts the file at its path as [`commit`](Self::commit) does, and returns it open, with the path that links
    /// lead to. `before` gets the file before it has that path.
    pub fn commit_open(self, before: impl FnOnce(&File)) -> io::Result<(File, PathBuf)> {
        let file = self.writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        before(&file);
        let target = self.temporary.rename()?;
        sync_directory(directory_of(&target));
        Ok((file, target))
    }

    /// Ends the file, which then waits to be put at its path.
    pub fn seal(self) -> io::Result<Sealed> {
        let file = self.writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        let (sha256, size) = self.fingerprint.finish();
        let written = Written { path: self.path, sha256, size };
        Ok(Sealed { file: self.temporary, written })
    }
}

/// A file that is complete and synced, and not at its path yet. It is removed when dropped, and holds no
/// descriptor, so there may be many.
#[derive(Debug)]
pub struct Sealed {
    file: Temporary,
    written: Written,
}

impl Sealed {
    /// Its path once it is placed.
    pub fn path(&self) -> &Path {
        &self.written.path
    }

    /// Puts the file at its path. The name survives a power failure once the folder is synced.
    pub fn place(self) -> io::Result<Written> {
        self.file.rename()?;
        Ok(self.written)
    }

    fn place_and_sync(self) -> io::Result<Written> {
        let target = self.file.rename()?;
        sync_directory(directory_of(&target));
        Ok(self.written)
    }
}

/// Puts files at their paths, in this order.
///
/// # Errors
/// What the file system says, with the path at fault; the files before it are in place.
pub fn place_all(files: Vec<Sealed>) -> Result<Vec<Written>, (PathBuf, io::Error)> {
    let mut written: Vec<Written> = Vec::with_capacity(files.len());
    let mut folders: Vec<PathBuf> = Vec::new();
    for file in files {
        let path = file.written.path.clone();
        let folder = directory_of(&file.file.target).to_owned();
        written.push(file.place().map_err(|error| (path, error))?);
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders.iter().for_each(|folder| sync_directory(folder));
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

/// Gives a new file the mode of the one it replaces and, as root, its owner.
#[cfg(unix)]
fn keep_attributes(file: &File, existing: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    if rustix::process::geteuid().is_root() {
        // Some file systems allow no change of owners, not even by root.
        let _ = fchown(file, Some(existing.uid()), Some(existing.gid()));
    } else {
        // A member of the group may keep it.
        let _ = fchown(file, None, Some(existing.gid()));
    }
    file.set_permissions(std::fs::Permissions::from_mode(existing.mode() & 0o7777))
}

#[cfg(not(unix))]
fn keep_attributes(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

/// Makes renames in a folder survive a power failure. A folder that cannot be synced is a warning, for the files
/// are in place.
pub fn sync_directory(directory: &Path) {
    let synced = if cfg!(unix) { File::open(directory).and_then(|folder| folder.sync_all()) } else { Ok(()) };
    if let Err(error) = synced {
        warn(format!(
            "folder {} cannot be synced: {}; the files in it are complete and in place, but a power failure soon \
             after the run may undo that",
            directory.display(),
            io_reason(&error)
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, content: &str) {
        let mut file = AtomicFile::create(path).unwrap();
        file.write_all(content.as_bytes()).unwrap();
        file.commit().unwrap();
    }

    #[test]
    fn existing_file_is_unchanged_until_commit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/report.csv");
        let read = || std::fs::read_to_string(&path).unwrap();
        write(&path, "old");
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        file.flush().unwrap();
        assert_eq!(read(), "old");
        drop(file);
        assert_eq!(read(), "old");
        let left = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(left, 1, "no temporary file is left");
    }

    #[test]
    fn commit_into_removed_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/report.csv");
        let file = AtomicFile::create(&path).unwrap();
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
        assert_eq!(file.commit().unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn existing_file_keeps_mode_and_a_link_is_followed() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("real")).unwrap();
        write(&at("real/report.csv"), "old");
        std::fs::set_permissions(at("real/report.csv"), std::fs::Permissions::from_mode(0o640)).unwrap();
        std::fs::hard_link(at("real/report.csv"), at("hard.csv")).unwrap();
        symlink("real/report.csv", at("link.csv")).unwrap();
        write(&at("link.csv"), "new");
        assert!(at("link.csv").symlink_metadata().unwrap().is_symlink());
        assert_eq!(std::fs::read_to_string(at("real/report.csv")).unwrap(), "new");
        assert_eq!(std::fs::read_to_string(at("hard.csv")).unwrap(), "old");
        assert_eq!(at("real/report.csv").metadata().unwrap().permissions().mode() & 0o7777, 0o640);
        symlink("real/made.csv", at("dangling.csv")).unwrap();
        write(&at("dangling.csv"), "made");
        assert_eq!(std::fs::read_to_string(at("real/made.csv")).unwrap(), "made");
    }
}
