//! Local copies of remote files.

use std::path::{Path, PathBuf};

/// A file, with the name that messages use: its path, or the URL if it is a copy of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFile {
    /// The name in messages.
    pub name: PathBuf,
    /// The local path.
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
