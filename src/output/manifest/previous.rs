//! The manifest that a new one follows.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::names::name_from;
use crate::fs::Fingerprint;
use crate::output::error::Cause;
use crate::storage::{Fault, Storage, is_remote};

/// An earlier manifest, by which a chain of manifests can be checked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Previous {
    /// Its path from the folder of the new one.
    name: String,
    sha256: String,
}

impl Previous {
    /// The manifest at `path` that is about to be replaced, or else the newest one before it among those whose
    /// path differs in the run's start only: where `pattern` has `{date}` and `{time}`.
    pub(super) fn find(
        path: &Path,
        pattern: Option<&Path>,
        storage: &Storage,
    ) -> Result<Option<Self>, Cause> {
        if let Some(sha256) = digest(path, storage)? {
            return Ok(Some(Self { name: name_from(path, path)?, sha256 }));
        }
        let Some(found) = pattern.and_then(|pattern| newest_before(path, pattern, storage)) else {
            return Ok(None);
        };
        let sha256 = digest(&found, storage)?;
        sha256.map(|sha256| Ok(Self { name: name_from(path, &found)?, sha256 })).transpose()
    }

    /// The bytes of the manifest at `path`, which will be replaced, and its `previous`; none if it cannot be read.
    pub(super) fn of_replaced(path: &Path, storage: &Storage) -> Option<(Vec<u8>, Option<Self>)> {
        #[derive(Deserialize)]
        struct Replaced {
            previous: Option<Previous>,
        }
        let text = std::fs::read(storage.fetch(path).ok()?.local).ok()?;
        let Replaced { previous } = serde_json::from_slice(&text).ok()?;
        Some((text, previous))
    }
}

/// The SHA-256 of a file; none if there is none.
fn digest(path: &Path, storage: &Storage) -> Result<Option<String>, Cause> {
    let local = match storage.fetch(path) {
        Ok(file) => file.local,
        Err(error) if error.fault == Fault::Missing => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut fingerprint = Fingerprint::default();
    match File::open(&local).and_then(|mut file| io::copy(&mut file, &mut fingerprint)) {
        Ok(_) => Ok(Some(hex::encode(fingerprint.finish().0))),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn newest_before(path: &Path, pattern: &Path, storage: &Storage) -> Option<PathBuf> {
    let pattern = pattern.to_str()?;
    let own = start_of(path.to_str()?, pattern)?;
    let start = |found: &PathBuf| {
        let start = found.to_str().and_then(|found| start_of(found, pattern));
        start.map(|(date, time)| (date.to_owned(), time.to_owned()))
    };
    let own = (own.0.to_owned(), own.1.to_owned());
    let found = candidates(pattern, storage).into_iter();
    found.filter(|found| start(found).is_some_and(|start| start < own)).max_by_key(start)
}

/// The manifests whose paths differ from `pattern` only in having a date and a time for `{date}` and `{time}`, each with
/// its date, or an empty text if the pattern has none. Not for object storage.
pub fn dated_manifests(pattern: &Path) -> Vec<(PathBuf, String)> {
    // As the paths that are found are written.
    let pattern: PathBuf = pattern.components().collect();
    let Some(pattern) = pattern.to_str().filter(|pattern| !is_remote(Path::new(pattern))) else {
        return Vec::new();
    };
    let dated = |path: PathBuf| {
        let date = start_of(path.to_str()?, pattern)?.0.to_owned();
        Some((path, date))
    };
    candidates(pattern, &Storage::default()).into_iter().filter_map(dated).collect()
}

/// The files that may fit `pattern`. A folder that cannot be read has none.
fn candidates(pattern: &str, storage: &Storage) -> Vec<PathBuf> {
    if is_remote(Path::new(pattern)) {
        let prefix = pattern.split('{').next().unwrap_or_default();
        let listed = storage.list(Path::new(prefix)).unwrap_or_default();
        return listed.into_iter().map(|listed| listed.location).collect();
    }
    let mut found = vec![PathBuf::new()];
    for step in Path::new(pattern).components() {
        let step = step.as_os_str();
        let Some(text) = step.to_str().filter(|text| text.contains('{')) else {
            found.iter_mut().for_each(|path| path.push(step));
            continue;
        };
        let names = |folder: PathBuf| {
            let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder.as_path() };
            let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
            let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
            names
                .filter(|name| start_of(name, text).is_some())
                .map(|name| folder.join(name))
                .collect::<Vec<_>>()
        };
        found = found.into_iter().flat_map(names).collect();
    }
    found.retain(|path| path.is_file());
    found
}

/// The date and the time that `text` has where `pattern` has `{date}` and `{time}`; each is the same everywhere.
fn start_of<'a>(mut text: &'a str, mut pattern: &str) -> Option<(&'a str, &'a str)> {
    let (mut date, mut time) = ("", "");
    loop {
        let Some(at) = pattern.find("{date}").into_iter().chain(pattern.find("{time}")).min() else {
            return (text == pattern).then_some((date, time));
        };
        let (before, rest) = pattern.split_at_checked(at)?;
        text = text.strip_prefix(before)?;
        let (known, form) =
            if rest.starts_with("{date}") { (&mut date, "0000-00-00") } else { (&mut time, "000000") };
        let (value, after) = text.split_at_checked(form.len())?;
        let fits = value.bytes().zip(form.bytes()).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            form => byte == form,
        });
        if !fits || !known.is_empty() && *known != value {
            return None;
        }
        *known = value;
        (text, pattern) = (after, rest.get("{date}".len()..)?);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_is_read_where_the_pattern_has_it() {
        for (text, pattern, expected) in [
            ("r/2026-11-27/x-010203.json", "r/{date}/x-{time}.json", Some(("2026-11-27", "010203"))),
            ("r/2026-11-27/2026-11-27.json", "r/{date}/{date}.json", Some(("2026-11-27", ""))),
            ("r/2026-11-27/2026-11-26.json", "r/{date}/{date}.json", None),
            ("r/2026-1-27/x.json", "r/{date}/x.json", None),
            ("r/2026-11-27/y.json", "r/{date}/x.json", None),
            ("r/2026-11-2ü", "r/{date}", None),
        ] {
            assert_eq!(start_of(text, pattern), expected, "{text}");
        }
    }

    #[test]
    fn newest_before_skips_later_and_other_files() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["2026-11-20", "2026-11-25", "2026-11-28", "latest"] {
            std::fs::create_dir(at(name)).unwrap();
            std::fs::write(at(name).join("r.manifest.json"), name).unwrap();
        }
        std::fs::create_dir(at("2026-11-26")).unwrap();
        std::fs::write(at("2026-11-26/other.manifest.json"), "").unwrap();
        let pattern = at("{date}/r.manifest.json");
        let find = |date: &str| {
            let path = at(date).join("r.manifest.json");
            let found = newest_before(&path, &pattern, &Storage::default());
            found.map(|found| std::fs::read_to_string(found).unwrap_or_default())
        };
        assert_eq!(find("2026-11-25").as_deref(), Some("2026-11-20"));
        assert_eq!(find("2026-11-27").as_deref(), Some("2026-11-25"));
        assert_eq!(find("2026-11-20"), None);
    }
}
