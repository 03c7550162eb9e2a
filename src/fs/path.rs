//! Where a path leads, and what is there.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// As many symbolic links as are followed, one after the other.
const MAX_LINKS: usize = 40;

/// A path at which no file can be written, because something other than a regular file is there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is {what}, not a regular file; choose another path{}", if *.is_stdout { ", or write to stdout with `-o - --format json|csv|md`" } else { "" })]
pub struct NotRegular {
    what: &'static str,
    is_stdout: bool,
}

impl From<NotRegular> for io::Error {
    fn from(error: NotRegular) -> Self {
        Self::new(ErrorKind::InvalidInput, error)
    }
}

/// Checks that a file may be written at `path`: a regular file is there, or nothing. Links are followed.
///
/// # Errors
/// [`NotRegular`] for a directory, device, FIFO or socket.
pub fn check_regular(path: &Path) -> Result<(), NotRegular> {
    let what = path.metadata().map_or(None, |found| irregular(&found));
    let is_stdout =
        ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|name| path == Path::new(name));
    what.map_or(Ok(()), |what| Err(NotRegular { what, is_stdout }))
}

/// What is there, with its article; none for a regular file.
pub(super) fn irregular(found: &std::fs::Metadata) -> Option<&'static str> {
    let kind = found.file_type();
    if kind.is_file() {
        return None;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let special = [
            (kind.is_fifo(), "a FIFO"),
            (kind.is_socket(), "a socket"),
            (kind.is_char_device() || kind.is_block_device(), "a device"),
        ];
        if let Some((_, what)) = special.into_iter().find(|(is_it, _)| *is_it) {
            return Some(what);
        }
    }
    Some(if kind.is_dir() {
        "a directory"
    } else if kind.is_symlink() {
        "a symbolic link"
    } else {
        "a special file"
    })
}

/// The file that `path` leads to through symbolic links, whether it exists or not.
///
/// # Errors
/// When the links form a loop, or a link cannot be read.
pub fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        if !path.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
            return Ok(path);
        }
        // The links in /proc/self/fd lead elsewhere than their text says, so the system is asked first.
        if let Ok(real) = path.canonicalize() {
            return Ok(real);
        }
        path = directory_of(&path).join(std::fs::read_link(&path)?);
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

/// The folder that `path` is in; `.` for a bare file name.
pub fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Opens no symbolic link, and never waits for the other end of a FIFO.
pub(super) fn open_flags(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        options.custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
    }
    #[cfg(not(unix))]
    let _ = options;
}

/// Whether an open file is the one at `path`. Systems without inode numbers say yes if there is any file.
pub fn is_at(file: &File, path: &Path) -> bool {
    metadata_at(file, path).is_some()
}

/// The metadata of an open file; none if the file at `path` is another one.
#[cfg(unix)]
pub fn metadata_at(file: &File, path: &Path) -> Option<Metadata> {
    use std::os::unix::fs::MetadataExt;
    let id = |metadata: &Metadata| (metadata.dev(), metadata.ino());
    let (open, there) = (file.metadata().ok()?, path.metadata().ok()?);
    (id(&open) == id(&there)).then_some(there)
}

/// The metadata of the file at `path`.
#[cfg(not(unix))]
pub fn metadata_at(_: &File, path: &Path) -> Option<Metadata> {
    path.metadata().ok()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_lead_to_their_target_even_when_it_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("real")).unwrap();
        symlink("real/new.csv", at("dangling")).unwrap();
        symlink("dangling", at("chain")).unwrap();
        symlink("a", at("b")).unwrap();
        symlink("b", at("a")).unwrap();
        assert_eq!(resolve(&at("chain")).unwrap(), at("real/new.csv"));
        assert_eq!(resolve(&at("plain")).unwrap(), at("plain"));
        assert!(resolve(&at("a")).unwrap_err().to_string().contains("symbolic links"));
    }

    #[test]
    fn special_files_are_named_and_regular_ones_pass() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let what = |path: &Path| check_regular(path).err().map(|error| error.what);
        assert_eq!(what(&socket), Some("a socket"));
        assert_eq!(what(folder.path()), Some("a directory"));
        assert_eq!(what(Path::new("/dev/null")), Some("a device"));
        assert_eq!(what(&folder.path().join("missing")), None);
        std::fs::write(folder.path().join("file"), "").unwrap();
        assert_eq!(what(&folder.path().join("file")), None);
    }
}
