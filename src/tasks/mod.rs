//! Task lists: what a run is asked to fetch.
//!
//! Every format is read into rows that know their line; `collect` alone turns rows into tasks,
//! so that all formats share one set of rules and one form of complaint.

mod collect;
mod csv;
pub mod discovery;
mod json;
mod upload;
mod xlsx;
mod yaml;

use std::fmt;
use std::io::Read;
use std::path::Path;

use crate::model::{NamedFile, TaskList};

pub use upload::{LoadedUploads, Upload, load_uploads};

/// Where tasks are declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Standard input; the format is told by its content.
    Stdin,
    /// A file; the format is told by its suffix.
    File(NamedFile),
    /// One id, as given on the command line.
    Id(String),
}

/// A task list that was read without a fault.
#[derive(Debug)]
pub struct Loaded {
    /// The tasks, each id once.
    pub list: TaskList,
    /// What the user should know all the same: a task listed twice.
    pub warnings: Vec<String>,
}

/// One thing that is wrong with a task list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file, or `stdin`, or `--task`.
    pub place: String,
    /// The line or worksheet row, from 1; none when the file as a whole is meant.
    pub line: Option<u64>,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.place, self.what),
            None => write!(f, "{}: {}", self.place, self.what),
        }
    }
}

/// Everything that is wrong with the lists, one fault a line.
#[derive(Debug, thiserror::Error)]
#[error("the list cannot be used; nothing was sent:\n{}", lines(.0))]
pub struct TaskListError(pub Vec<Fault>);

fn lines(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n")
}

/// One entry of a list: its line, and its fields by column name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    line: u64,
    fields: Vec<(String, String)>,
}

/// What reading one list gave: rows, and faults found on the way.
#[derive(Debug, Default)]
struct Rows {
    rows: Vec<Row>,
    faults: Vec<(Option<u64>, String)>,
}

impl Rows {
    fn fault(line: impl Into<Option<u64>>, what: impl Into<String>) -> Self {
        Self { rows: Vec::new(), faults: vec![(line.into(), what.into())] }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Json,
    JsonLines,
    Yaml,
    Xlsx,
}

impl Format {
    fn of_path(path: &Path) -> Option<Self> {
        let suffix = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match suffix.as_str() {
            "csv" | "tsv" => Self::Csv,
            "json" => Self::Json,
            "jsonl" | "ndjson" => Self::JsonLines,
            "yaml" | "yml" => Self::Yaml,
            "xlsx" => Self::Xlsx,
            _ => return None,
        })
    }

    fn of_content(content: &[u8]) -> Self {
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
        } else {
            Self::Csv
        }
    }

    fn read(self, content: &[u8]) -> Rows {
        if self == Self::Xlsx {
            return xlsx::read(content);
        }
        match text(content) {
            Err((line, what)) => Rows::fault(line, what),
            Ok(text) => match self {
                Self::Csv => csv::read(text),
                Self::Json => json::read(text),
                Self::JsonLines => json::read_lines(text),
                Self::Yaml => yaml::read(text),
                Self::Xlsx => Rows::default(),
            },
        }
    }
}

/// The content as UTF-8 without a byte-order mark.
fn text(content: &[u8]) -> Result<&str, (u64, String)> {
    match std::str::from_utf8(content) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let before = content.get(..error.valid_up_to()).unwrap_or_default();
            Err((line_at(before), "is not UTF-8; save the list as UTF-8 (in Excel: CSV UTF-8)".to_owned()))
        }
    }
}

/// The line, from 1, on which the text after `before` begins.
fn line_at(before: &[u8]) -> u64 {
    line_breaks(before) + 1
}

/// How many line breaks a text holds: LF, CR LF, or CR alone.
fn line_breaks(text: &[u8]) -> u64 {
    let mut breaks = 0;
    let mut previous = 0;
    for byte in text {
        breaks += u64::from(*byte == b'\r' || (*byte == b'\n' && previous != b'\r'));
        previous = *byte;
    }
    breaks
}

/// Reads every source, in order, into one list.
///
/// # Errors
/// All the faults of all the sources at once; then no task is returned.
pub fn load(sources: &[Source], stdin: &mut dyn Read) -> Result<Loaded, TaskListError> {
    let mut collector = collect::Collector::default();
    for source in sources {
        match source {
            Source::Id(id) => {
                let fields = vec![("task_id".to_owned(), id.clone())];
                collector.add_argument(Row { line: 0, fields });
            }
            Source::Stdin => {
                let mut content = Vec::new();
                let rows = match stdin.read_to_end(&mut content) {
                    Ok(_) => Format::of_content(&content).read(&content),
                    Err(error) => Rows::fault(None, format!("cannot be read: {error}")),
                };
                collector.add("stdin", rows);
            }
            Source::File(file) => collector.add(&file.name.display().to_string(), read_file(file)),
        }
    }
    collector.finish()
}

fn read_file(file: &NamedFile) -> Rows {
    let Some(format) = Format::of_path(&file.name) else {
        return Rows::fault(None, "has no known suffix; a task list is .csv, .json, .jsonl, .yaml or .xlsx");
    };
    match std::fs::read(&file.local) {
        Ok(content) => format.read(&content),
        Err(error) => Rows::fault(None, format!("cannot be read: {error}")),
    }
}

#[cfg(test)]
mod tests;
