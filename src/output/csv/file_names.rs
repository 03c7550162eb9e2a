//! Checks the names of CSV files, and removes files.

use std::collections::HashSet;
use std::path::Path;

use crate::output::error::{Cause, OutputError};
use crate::report::file_name_key;

/// Checks that a part of a file does not have the name of another file, compared as file systems do.
pub(super) fn claim(names: &mut HashSet<String>, name: &str) -> Result<(), Cause> {
    if names.insert(file_name_key(name)) {
        return Ok(());
    }
    Err(Cause::Name(format!(
        "splitting would create two files named {name}; raise --max-bytes, or rename the source server"
    )))
}

pub(super) fn remove(path: &Path) -> Result<(), OutputError> {
    std::fs::remove_file(path).map_err(OutputError::at(path))
}
