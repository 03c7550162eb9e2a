//! The files of a manifest, as its document has them.

use serde::{Deserialize, Serialize};

/// The version of the document's format.
pub(super) const FORMAT: u64 = 1;

/// A file in a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Relative to the manifest's folder, with `/` as separator.
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) sha256: String,
    pub(super) role: Role,
    /// Whether it is one of the files of a CSV folder.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) in_folder: bool,
}

impl Entry {
    pub(super) fn new(path: String, size: u64, sha256: &[u8; 32], role: Role) -> Self {
        Self { path, size, sha256: hex::encode(sha256), role, in_folder: false }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Role {
    Journal,
    Output,
}

/// The text of a manifest.
pub(super) fn text_of(document: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(document)?;
    text.push(b'\n');
    Ok(text)
}
