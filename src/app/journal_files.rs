//! Names of journal files.

use std::path::Path;

/// Whether a path has the suffix of journals, `.jsonl`.
pub(super) fn has_journal_suffix(path: &Path) -> bool {
    path.extension().is_some_and(|suffix| suffix == "jsonl")
}
