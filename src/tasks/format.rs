//! The formats of task lists: each by its suffix or its content, and its reader.

use std::path::Path;

use super::loaded::ListOptions;
use super::rows::Rows;
use super::text::text;
use super::{csv, json, txt, xlsx, yaml};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Csv,
    Json,
    JsonLines,
    Yaml,
    Xlsx,
    Txt,
}

/// The suffixes of task lists.
const SUFFIXES: [(&str, Format); 9] = [
    ("csv", Format::Csv),
    ("tsv", Format::Csv),
    ("json", Format::Json),
    ("jsonl", Format::JsonLines),
    ("ndjson", Format::JsonLines),
    ("yaml", Format::Yaml),
    ("yml", Format::Yaml),
    ("xlsx", Format::Xlsx),
    ("txt", Format::Txt),
];

/// The suffixes of the task lists that can be read.
pub fn suffixes() -> impl Iterator<Item = &'static str> {
    SUFFIXES.into_iter().map(|(suffix, _)| suffix)
}

impl Format {
    pub(super) fn of_path(path: &Path) -> Option<Self> {
        let suffix = path.extension()?.to_str()?.to_ascii_lowercase();
        SUFFIXES.into_iter().find(|(known, _)| *known == suffix).map(|(_, format)| format)
    }

    pub(super) fn of_content(content: &[u8]) -> Self {
        if content.starts_with(b"PK\x03\x04") {
            return Self::Xlsx;
        }
        let text = String::from_utf8_lossy(content);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        if text.starts_with('[') {
            Self::Json
        } else if text.starts_with('{') {
            if text.contains("\"task_info\"") { Self::Json } else { Self::JsonLines }
        } else if yaml::is_likely(text) {
            Self::Yaml
        } else if txt::is_likely(text) {
            Self::Txt
        } else {
            Self::Csv
        }
    }

    pub(super) fn read(self, content: &[u8], options: &ListOptions) -> Rows {
        if self == Self::Xlsx {
            return xlsx::read(content, options.sheet.as_deref(), &options.columns);
        }
        match text(content) {
            Err((line, what)) => Rows::fault(line, what),
            Ok(text) => match self {
                Self::Csv => csv::read(text, &options.columns),
                Self::Json => json::read(text),
                Self::JsonLines => json::read_lines(text),
                Self::Yaml => yaml::read(text),
                Self::Txt => txt::read(text, &options.columns),
                Self::Xlsx => Rows::default(),
            },
        }
    }
}
