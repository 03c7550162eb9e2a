//! Documents made from several journals: a comparison or a history.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::error::{Cause, OutputError, write_file};
use super::options::{CsvOptions, StdoutKind};
use super::staged;
use super::target::{UnknownPlaceholder, fill_in, suffix_of};
use crate::fs::Written;
use crate::report::Zone;
use crate::storage::Storage;

/// A document that can be written as files of several kinds.
pub trait Document {
    /// The kinds that it can be written as.
    const KINDS: &'static [DocumentKind];

    /// Writes it as one of [`KINDS`](Self::KINDS).
    ///
    /// # Errors
    /// What went wrong.
    fn write_as(&self, kind: DocumentKind, csv: CsvOptions, to: &mut dyn Write) -> Result<(), Cause>;
}

/// The kind of an output, by its suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentKind {
    /// `.xlsx`
    Workbook,
    /// `.html`
    Page,
    /// `.csv`
    Csv,
    /// `.json`
    Json,
    /// `.md`
    Markdown,
}

impl DocumentKind {
    fn of_suffix(suffix: &str) -> Option<Self> {
        Some(match suffix {
            "xlsx" => Self::Workbook,
            "html" | "htm" => Self::Page,
            "csv" => Self::Csv,
            "json" => Self::Json,
            "md" => Self::Markdown,
            _ => return None,
        })
    }

    const fn suffix(self) -> &'static str {
        match self {
            Self::Workbook => ".xlsx",
            Self::Page => ".html",
            Self::Csv => ".csv",
            Self::Json => ".json",
            Self::Markdown => ".md",
        }
    }
}

impl From<StdoutKind> for DocumentKind {
    fn from(kind: StdoutKind) -> Self {
        match kind {
            StdoutKind::Json => Self::Json,
            StdoutKind::Csv => Self::Csv,
            StdoutKind::Ticket => Self::Markdown,
        }
    }
}

/// One output of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentTarget {
    path: PathBuf,
    kind: DocumentKind,
}

/// A text that names no output of a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentTargetError {
    /// The suffix is of no kind that the document has.
    #[error("-o {text}: the suffix selects the format; use {suffixes}")]
    Suffix {
        /// The OUT argument, with its placeholders replaced.
        text: String,
        /// The suffixes that can be used.
        suffixes: String,
    },
    /// The path has a placeholder of an unknown name.
    #[error(transparent)]
    Placeholder(#[from] UnknownPlaceholder),
}

impl DocumentTarget {
    /// Reads an OUT argument of a `D`; `{date}` and `{time}` become `started` in `zone`.
    ///
    /// # Errors
    /// When the suffix is of no kind that `D` has, or the path has another `{…}`.
    pub fn parse<D: Document>(
        text: &str,
        started: jiff::Timestamp,
        zone: &Zone,
    ) -> Result<Self, DocumentTargetError> {
        let text = fill_in(text, started, zone)?;
        let path = PathBuf::from(&text);
        let suffix = suffix_of(&path).filter(|_| !text.ends_with('/'));
        let kind = suffix.and_then(|suffix| DocumentKind::of_suffix(&suffix));
        match kind.filter(|kind| D::KINDS.contains(kind)) {
            Some(kind) => Ok(Self { path, kind }),
            None => Err(DocumentTargetError::Suffix { text, suffixes: suffixes(D::KINDS) }),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// As in `.csv, .json or .md`.
fn suffixes(kinds: &[DocumentKind]) -> String {
    let suffixes: Vec<&str> = kinds.iter().map(|kind| kind.suffix()).collect();
    match suffixes.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => suffixes.concat(),
    }
}

/// Writes a document to `target` atomically, and returns its file.
///
/// # Errors
/// [`OutputError`] with the file.
pub fn write_document<D: Document>(
    document: &D,
    target: &DocumentTarget,
    csv: CsvOptions,
    storage: &Storage,
) -> Result<Vec<Written>, OutputError> {
    staged::write_file(storage, &target.path, |path| {
        write_file(path, |file| document.write_as(target.kind, csv, file))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct WithPage;

    impl Document for WithPage {
        const KINDS: &'static [DocumentKind] = &[
            DocumentKind::Workbook,
            DocumentKind::Page,
            DocumentKind::Csv,
            DocumentKind::Json,
            DocumentKind::Markdown,
        ];

        fn write_as(&self, _: DocumentKind, _: CsvOptions, _: &mut dyn Write) -> Result<(), Cause> {
            Ok(())
        }
    }

    struct TextOnly;

    impl Document for TextOnly {
        const KINDS: &'static [DocumentKind] = &[DocumentKind::Csv, DocumentKind::Markdown];

        fn write_as(&self, _: DocumentKind, _: CsvOptions, _: &mut dyn Write) -> Result<(), Cause> {
            Ok(())
        }
    }

    fn target<D: Document>(text: &str) -> Result<DocumentTarget, DocumentTargetError> {
        let started = "2026-01-31T23:30:00Z".parse().unwrap();
        DocumentTarget::parse::<D>(text, started, &Zone::named("Asia/Shanghai").unwrap())
    }

    #[test]
    fn suffix_selects_the_kind() {
        for (text, kind) in [
            ("a.xlsx", DocumentKind::Workbook),
            ("a.HTML", DocumentKind::Page),
            ("a.htm", DocumentKind::Page),
            ("a.CSV", DocumentKind::Csv),
            ("a.b/c.json", DocumentKind::Json),
            ("{date}.md", DocumentKind::Markdown),
        ] {
            assert_eq!(target::<WithPage>(text).map(|target| target.kind), Ok(kind), "{text}");
        }
        assert_eq!(target::<WithPage>("{date}-{time}.md").unwrap().path(), Path::new("2026-02-01-073000.md"));
        for text in ["a", "a/", "a.md/", "a.zip", "a.jsonl", ".xlsx", "{day}.md", ""] {
            assert!(target::<WithPage>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn kind_that_the_document_lacks_is_refused() {
        assert!(target::<TextOnly>("a.csv").is_ok());
        let message = target::<TextOnly>("a.html").unwrap_err().to_string();
        assert_eq!(message, "-o a.html: the suffix selects the format; use .csv or .md");
    }
}
