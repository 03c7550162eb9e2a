//! The files to deliver, checked against their manifest.

use std::path::{Path, PathBuf};

use crate::fs::Fingerprint;
use crate::model::io_reason;
use crate::output::{Manifest, signature_path};
use crate::storage::Storage;

/// A file to deliver.
#[derive(Debug, Clone)]
pub struct Payload {
    /// Its name in the ticket, unique among those of the delivery.
    pub name: String,
    /// Its content.
    pub content: Vec<u8>,
    /// Its SHA-256 in hexadecimal digits.
    pub sha256: String,
}

impl Payload {
    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        u64::try_from(self.content.len()).unwrap_or(u64::MAX)
    }

    /// Its media type by its name's suffix.
    pub(super) fn content_type(&self) -> &'static str {
        match self.name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "html" => "text/html",
            "csv" => "text/csv",
            "zip" => "application/zip",
            "json" => "application/json",
            "md" => "text/markdown",
            "txt" | "prom" => "text/plain",
            _ => "application/octet-stream",
        }
    }
}

/// Why files cannot be delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it is")]
pub enum PayloadError {
    #[error("{0} changed since the manifest was written, so nothing is delivered")]
    Changed(String),
    #[error("{0} cannot be read: {1}")]
    Unreadable(String, String),
    #[error("--attach {0}: the manifest has no such file; it has {1}")]
    Unknown(String, String),
}

/// The files of `manifest` to deliver: those that `wanted` names, which may be the manifest and its signature too, or else all but the journal and the files in folders.
///
/// # Errors
/// [`PayloadError`] for a file that is missing, or is not what the manifest says.
pub fn payloads(
    manifest: &Manifest,
    path: &Path,
    wanted: &[String],
    storage: &Storage,
) -> Result<Vec<Payload>, PayloadError> {
    let own = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let own_signature = format!("{own}.sig");
    let mut chosen: Vec<(PathBuf, &str, Option<&str>)> = Vec::new();
    let mut is_found = vec![false; wanted.len()];
    for file in manifest.files() {
        let base = file.name.rsplit('/').next().unwrap_or(file.name);
        let mut is_wanted = wanted.is_empty() && !file.is_journal && !file.in_folder;
        for (wanted, is_found) in wanted.iter().zip(&mut is_found) {
            if wanted == file.name || wanted == base {
                (is_wanted, *is_found) = (true, true);
            }
        }
        if is_wanted {
            chosen.push((file.path, file.name, Some(file.sha256)));
        }
    }
    for (wanted, is_found) in wanted.iter().zip(&mut is_found) {
        if wanted == own {
            *is_found = true;
            chosen.push((path.to_owned(), own, None));
        } else if *wanted == own_signature {
            *is_found = true;
            chosen.push((signature_path(path), &own_signature, None));
        }
    }
    if let Some((unknown, _)) = wanted.iter().zip(&is_found).find(|(_, is_found)| !**is_found) {
        let names: Vec<&str> = manifest.files().map(|file| file.name).collect();
        return Err(PayloadError::Unknown(unknown.clone(), names.join(", ")));
    }
    let names = unique_names(chosen.iter().map(|(_, name, _)| *name));
    let read = |((file, _, sha256), name): ((PathBuf, &str, Option<&str>), String)| {
        let content = match sha256 {
            None if file == path => manifest.text().to_vec(),
            _ => read(&file, storage).map_err(|why| PayloadError::Unreadable(name.clone(), why))?,
        };
        let found = digest(&content);
        if sha256.is_some_and(|sha256| sha256 != found) {
            return Err(PayloadError::Changed(file.display().to_string()));
        }
        Ok(Payload { name, content, sha256: found })
    };
    chosen.into_iter().zip(names).map(read).collect()
}

fn read(path: &Path, storage: &Storage) -> Result<Vec<u8>, String> {
    let file = storage.fetch(path).map_err(|error| error.what)?;
    std::fs::read(&file.local).map_err(|error| io_reason(&error))
}

/// The SHA-256 of `content` in hexadecimal digits.
pub(super) fn digest(content: &[u8]) -> String {
    use std::io::Write as _;
    let mut fingerprint = Fingerprint::default();
    // Writing to a digest cannot fail.
    let _ = fingerprint.write_all(content);
    hex::encode(fingerprint.finish().0)
}

/// The file names, with the folders before those that occur twice. What a form cannot carry in a name is `_`.
fn unique_names<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let names: Vec<&str> = names.collect();
    let base = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
    let is_double = |name: &str| names.iter().filter(|other| base(other) == base(name)).count() > 1;
    let full = |name: &str| name.trim_start_matches(['/', '.']).replace("../", "").replace('/', "-");
    let is_unfit = |c: char| c == '"' || c.is_control();
    names
        .iter()
        .map(|name| if is_double(name) { full(name) } else { base(name) }.replace(is_unfit, "_"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_occur_twice_get_their_folders() {
        let names = unique_names(["a/r.csv", "r.xlsx", "../b/r.csv"].into_iter());
        assert_eq!(names, ["a-r.csv", "r.xlsx", "b-r.csv"]);
        assert_eq!(unique_names(["a\"b\n.csv"].into_iter()), ["a_b_.csv"]);
    }
}
