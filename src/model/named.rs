//! Files that their users know by another name.

use std::path::{Path, PathBuf};

/// A file to read, and what its user calls it: by its path, unless it is the copy of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFile {
    /// What messages call it.
    pub name: PathBuf,
    /// Where it is on this machine.
    pub local: PathBuf,
}

impl From<PathBuf> for NamedFile {
    fn from(path: PathBuf) -> Self {
        Self { name: path.clone(), local: path }
    }
}

impl From<&Path> for NamedFile {
    fn from(path: &Path) -> Self {
        path.to_owned().into()
    }
}

impl From<&PathBuf> for NamedFile {
    fn from(path: &PathBuf) -> Self {
        path.clone().into()
    }
}

impl From<&NamedFile> for NamedFile {
    fn from(file: &NamedFile) -> Self {
        file.clone()
    }
}
