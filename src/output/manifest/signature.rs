//! The signature beside a manifest.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use crate::fs::{AtomicFile, warn};
use crate::output::error::{OutputError, write_file};
use crate::output::staged;
use crate::sshsig::Signer;
use crate::storage::{Fault, Storage, is_remote};

/// The largest signature that is read, in bytes.
const MAX_SIZE: u64 = 1 << 20;

/// The path of the signature of the manifest at `manifest`: `<manifest>.sig`.
pub fn signature_path(manifest: &Path) -> PathBuf {
    let mut path = manifest.as_os_str().to_owned();
    path.push(".sig");
    path.into()
}

/// Writes the `text` of a manifest, and then its signature.
///
/// The signature of the manifest before it is removed first, so that no signature of another manifest stays beside
/// this one.
pub(super) fn write_signed(
    path: &Path,
    text: &[u8],
    signer: Option<&Signer>,
    storage: &Storage,
) -> Result<(), OutputError> {
    let signature_path = signature_path(path);
    let signature = signer.map(|signer| signer.sign(text));
    let removed = remove_signature(path, storage);
    write(path, text, storage)?;
    if removed? && signer.is_none() {
        let path = signature_path.display();
        warn(format!("{path} was removed: it signed the manifest before this one; sign the new one"));
    }
    match signature {
        None => Ok(()),
        Some(Ok(signature)) => write(&signature_path, signature.as_bytes(), storage),
        Some(Err(error)) => Err(OutputError::at(&signature_path)(error)),
    }
}

fn write(path: &Path, text: &[u8], storage: &Storage) -> Result<(), OutputError> {
    let fill = |file: &mut AtomicFile| Ok(file.write_all(text)?);
    staged::write_file(storage, path, |path| write_file(path, fill)).map(drop)
}

/// Removes the signature of the manifest at `manifest`, and returns whether there was one.
///
/// # Errors
/// When it stays.
pub fn remove_signature(manifest: &Path, storage: &Storage) -> Result<bool, OutputError> {
    let path = signature_path(manifest);
    if is_remote(&path) {
        // Only one that is there: a run may well not be allowed to delete objects.
        let is_there =
            storage.list(&path).is_ok_and(|listed| listed.iter().any(|listed| listed.location == path));
        if is_there {
            storage.remove(std::slice::from_ref(&path)).map_err(OutputError::at(&path))?;
        }
        return Ok(is_there);
    }
    match std::fs::remove_file(&path) {
        Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(OutputError::at(&path)(error))
        }
        removed => Ok(removed.is_ok()),
    }
}

/// Reads the signature of the manifest at `manifest`; none if there is none.
///
/// # Errors
/// What keeps it from being read, in words.
pub fn read_signature(manifest: &Path, storage: &Storage) -> Result<Option<Vec<u8>>, String> {
    let path = signature_path(manifest);
    let local = match storage.fetch(&path) {
        Ok(file) => file.local,
        Err(error) if error.fault == Fault::Missing => return Ok(None),
        Err(error) => return Err(error.what),
    };
    let mut text = Vec::new();
    let mut read = || -> io::Result<()> {
        if !std::fs::metadata(&local)?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        File::open(&local)?.take(MAX_SIZE).read_to_end(&mut text).map(drop)
    };
    match read() {
        Ok(()) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}
