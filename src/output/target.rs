//! Where to write, and what: `-o`.

use std::path::{Path, PathBuf};

use super::error::OutputError;
use crate::fs::Written;
use crate::report::Zone;
use crate::storage::is_remote;

/// The kind of an output, by its suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `.xlsx`
    Workbook,
    /// A path that ends in `/`, or an existing directory.
    CsvFolder,
    /// `.zip`
    CsvArchive,
    /// `.csv`
    Csv,
    /// `.json`
    Json,
    /// `.html`
    Page,
    /// `.prom`
    Metrics,
    /// `.jsonl`
    Journal,
    /// `.md`, also if its markup is not Markdown. It names the other files, so it is written after them.
    Ticket,
}

/// One output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    path: PathBuf,
    kind: Kind,
    /// The path before `{date}` and `{time}` were replaced.
    pattern: PathBuf,
}

/// A target after it was written.
#[derive(Debug)]
pub struct Output {
    /// The target.
    pub target: Target,
    /// Its files, or why it could not be written.
    pub written: Result<Vec<Written>, OutputError>,
}

/// A text that names no output.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The suffix is of no known kind.
    #[error(
        "-o {0}: the suffix selects the format; use .xlsx, .html, .csv, .zip, .json, .jsonl, .prom, .md, or a path that ends in / for a CSV folder"
    )]
    Suffix(String),
    /// The path has a placeholder of an unknown name.
    #[error(transparent)]
    Placeholder(#[from] UnknownPlaceholder),
}

/// A placeholder that cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("-o {text}: unknown placeholder {placeholder}; use {{date}} or {{time}}")]
pub struct UnknownPlaceholder {
    text: String,
    placeholder: String,
}

impl Target {
    /// Reads an OUT argument; `{date}` and `{time}` become the run's start in `zone`, as in
    /// `2026-11-21` and `094200`.
    ///
    /// # Errors
    /// When the suffix is of no known kind, or the path has another `{…}`.
    pub fn parse(text: &str, started: jiff::Timestamp, zone: &Zone) -> Result<Self, TargetError> {
        let pattern = PathBuf::from(text);
        let text = fill_in(text, started, zone)?;
        let path = PathBuf::from(&text);
        let kind = if text.ends_with('/') || !is_remote(&path) && path.is_dir() {
            Kind::CsvFolder
        } else {
            match suffix_of(&path).as_deref() {
                Some("xlsx") => Kind::Workbook,
                Some("zip") => Kind::CsvArchive,
                Some("csv") => Kind::Csv,
                Some("json") => Kind::Json,
                Some("html" | "htm") => Kind::Page,
                Some("prom") => Kind::Metrics,
                Some("jsonl") => Kind::Journal,
                Some("md") => Kind::Ticket,
                _ => return Err(TargetError::Suffix(text)),
            }
        };
        Ok(Self { path, kind, pattern })
    }

    /// The file or folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path before `{date}` and `{time}` were replaced.
    pub fn pattern(&self) -> &Path {
        &self.pattern
    }

    /// What is written there.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The paths that are written, as far as they are known before. The task files of a folder are represented by their
    /// folder.
    pub fn files(&self) -> Vec<PathBuf> {
        match self.kind {
            Kind::CsvFolder => ["summary.csv", "results.csv", "reconciliation.csv", "tasks"]
                .map(|name| self.path.join(name))
                .into(),
            _ => vec![self.path.clone()],
        }
    }

    /// The path of a run's journal if this is its first output: beside it, with the same stem.
    pub fn journal_path(&self) -> PathBuf {
        self.journal_beside(&self.path)
    }

    /// [`journal_path`](Self::journal_path) with `{date}` and `{time}` in it; none if it has neither.
    pub fn journal_pattern(&self) -> Option<PathBuf> {
        (self.pattern != self.path).then(|| self.journal_beside(&self.pattern))
    }

    fn journal_beside(&self, path: &Path) -> PathBuf {
        let stem = match self.kind {
            Kind::CsvFolder => path.file_name(),
            _ => path.file_stem(),
        };
        match stem {
            Some(stem) => {
                let mut name = stem.to_owned();
                name.push(".journal.jsonl");
                path.with_file_name(name)
            }
            // `./` and `/` have no name to put a journal beside.
            None => path.join("cutover-report.journal.jsonl"),
        }
    }
}

/// The suffix of a path in lower case, without its dot.
pub(super) fn suffix_of(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_ascii_lowercase())
}

/// A text with `{date}` and `{time}` replaced.
///
/// # Errors
/// When another `{…}` is in it, with or without a name.
pub(super) fn fill_in(
    text: &str,
    started: jiff::Timestamp,
    zone: &Zone,
) -> Result<String, UnknownPlaceholder> {
    let started = zone.local(started);
    let filled = text
        .replace("{date}", &started.strftime("%Y-%m-%d").to_string())
        .replace("{time}", &started.strftime("%H%M%S").to_string());
    let placeholder = filled.split_once('{').and_then(|(_, rest)| Some(rest.split_once('}')?.0));
    match placeholder {
        Some(name) => Err(UnknownPlaceholder { text: text.to_owned(), placeholder: format!("{{{name}}}") }),
        None => Ok(filled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Result<Target, TargetError> {
        let started = "2026-01-31T23:30:00Z".parse().unwrap();
        Target::parse(text, started, &Zone::named("Asia/Shanghai").unwrap())
    }

    #[test]
    fn the_suffix_tells_the_kind() {
        for (text, kind) in [
            ("a.xlsx", Kind::Workbook),
            ("a.XLSX", Kind::Workbook),
            ("a/", Kind::CsvFolder),
            ("/", Kind::CsvFolder),
            ("a.zip", Kind::CsvArchive),
            ("a.csv", Kind::Csv),
            ("a.json", Kind::Json),
            ("a.html", Kind::Page),
            ("a.prom", Kind::Metrics),
            ("a.jsonl", Kind::Journal),
            ("a.md", Kind::Ticket),
        ] {
            assert_eq!(target(text).map(|target| target.kind()), Ok(kind), "{text}");
        }
        for text in ["a", "a.txt", "", ".xlsx"] {
            assert!(matches!(target(text), Err(TargetError::Suffix(_))), "{text}");
        }
    }

    #[test]
    fn unknown_placeholder_is_named() {
        for (text, name) in [
            ("n/{Date}/x.json", "{Date}"),
            ("{date}/{shard}.csv", "{shard}"),
            ("{}.csv", "{}"),
            ("{{date}}/", "{2026-02-01}"),
        ] {
            let message = target(text).unwrap_err().to_string();
            assert_eq!(message, format!("-o {text}: unknown placeholder {name}; use {{date}} or {{time}}"));
        }
        assert!(target("a{b.csv").is_ok() && target("a}b.csv").is_ok());
    }

    #[test]
    fn date_and_time_are_the_start_in_the_zone() {
        assert_eq!(target("r/{date}/{time}.csv").unwrap().path(), Path::new("r/2026-02-01/073000.csv"));
    }

    #[test]
    fn the_journal_stands_beside_the_first_output() {
        for (text, journal) in [
            ("out/report.xlsx", "out/report.journal.jsonl"),
            ("out/csv/", "out/csv.journal.jsonl"),
            ("report.json", "report.journal.jsonl"),
            ("./", "./cutover-report.journal.jsonl"),
        ] {
            assert_eq!(target(text).unwrap().journal_path(), Path::new(journal), "{text}");
        }
    }
}
