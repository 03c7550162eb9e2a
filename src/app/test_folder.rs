//! Folders for the tests of searches.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A temporary folder with these empty files, and the folders that they are in.
pub(super) fn folder_with(files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files.iter().map(|file| folder.path().join(file)) {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "").unwrap();
    }
    folder
}

/// The paths relative to `folder`.
pub(super) fn names_in(folder: &Path, paths: impl IntoIterator<Item = PathBuf>) -> Vec<String> {
    paths.into_iter().map(|path| path.strip_prefix(folder).unwrap().display().to_string()).collect()
}
