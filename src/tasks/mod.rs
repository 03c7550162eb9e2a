//! Task lists: the tasks that a run fetches.
//!
//! Every format is read into rows that know their line; only `collect` turns rows into tasks,
//! so all formats share the same rules and the same form of errors.

mod account;
mod collect;
mod columns;
mod csv;
pub mod discovery;
mod header;
mod headings;
mod json;
mod names;
mod notices;
mod resolve;
mod table;
mod txt;
mod upload;
mod xlsx;
mod yaml;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::{ErrorKind, Read};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use crate::model::{NamedFile, TaskList};

pub use account::Account;
pub use columns::Columns;
pub use headings::{ColumnChoice, Field};
pub use resolve::{Resolved, resolve};
pub use upload::{LoadedUploads, Upload, load_uploads};

/// Where tasks are declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Standard input; its format is guessed from the content.
    Stdin,
    /// A file; its suffix gives the format.
    File(NamedFile),
    /// One id, as given on the command line.
    Id(String),
}

/// How lists are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// The worksheet to read, in any case; without it the first visible one.
    pub sheet: Option<String>,
    /// The columns that the user names for fields.
    pub columns: Vec<ColumnChoice>,
    /// Whether [`Loaded::tables`] is wanted.
    pub keep_tables: bool,
}

/// A task list that was read without a fault.
#[derive(Debug)]
pub struct Loaded {
    /// The tasks, each id once. Rows without a task id have none until they are resolved.
    pub list: TaskList,
    /// By place in the list: how a row without a task id names its server.
    pub claims: BTreeMap<usize, Claim>,
    /// The lists as they were read, with [`ListOptions::keep_tables`].
    pub tables: Vec<ListTable>,
    /// What the columns of each list are.
    pub columns: Vec<Columns>,
    /// What the user should know: tasks listed twice, and cells without a usable value.
    pub warnings: Vec<String>,
}

/// How a row of a plan names its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The file, or `stdin`.
    pub place: String,
    /// The line or worksheet row, from 1.
    pub line: Option<u64>,
    /// The source server's id.
    pub source_id: Option<String>,
    /// Its names, the one to show first.
    pub names: Vec<String>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

/// A list as it was read: its headings, and its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListTable {
    /// The headings, in order.
    pub columns: Vec<String>,
    /// The column of the task ids, if there is one.
    pub task_id: Option<usize>,
    /// The rows, in order.
    pub rows: Vec<TableRow>,
}

/// A row of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRow {
    /// The texts by column.
    pub cells: Vec<String>,
    /// The place of its task in the list.
    pub task: usize,
}

impl ListTable {
    fn new(columns: &Columns) -> Self {
        let is_id = |name: &Arc<str>| columns.role(name) == columns::Role::Field(Field::TaskId);
        Self {
            columns: columns.names.iter().map(|name| name.to_string()).collect(),
            task_id: columns.names.iter().position(is_id),
            rows: Vec::new(),
        }
    }

    fn cells(&self, row: &Row) -> Vec<String> {
        let fields: HashMap<&str, &str> =
            row.fields.iter().map(|(name, value)| (&**name, value.as_str())).collect();
        self.columns
            .iter()
            .map(|name| fields.get(name.as_str()).map_or("", |value| value).to_owned())
            .collect()
    }
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
    fields: Vec<(Arc<str>, String)>,
    /// Columns whose text is no id, and why.
    problems: Vec<(Arc<str>, String)>,
}

impl Row {
    fn new(line: u64) -> Self {
        Self { line, fields: Vec::new(), problems: Vec::new() }
    }
}

/// The rows of one list, and its errors.
#[derive(Debug, Default)]
struct Rows {
    /// The names of the columns, in order; none where each row names its own.
    columns: Vec<Arc<str>>,
    /// The line of the headings.
    heading_line: Option<u64>,
    rows: Vec<Row>,
    faults: Vec<(Option<u64>, String)>,
}

impl Rows {
    fn fault(line: impl Into<Option<u64>>, what: impl Into<String>) -> Self {
        Self { faults: vec![(line.into(), what.into())], ..Self::default() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Json,
    JsonLines,
    Yaml,
    Xlsx,
    Txt,
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
            "txt" => Self::Txt,
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
        } else if txt::is_likely(text) {
            Self::Txt
        } else {
            Self::Csv
        }
    }

    fn read(self, content: &[u8], options: &ListOptions) -> Rows {
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

/// The number of line breaks in a text: LF, CR LF, or CR alone.
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
/// All errors of all sources together; then no task is returned.
pub fn load(sources: &[Source], stdin: &mut dyn Read) -> Result<Loaded, TaskListError> {
    load_with(sources, stdin, &ListOptions::default())
}

/// As [`load`], with options.
///
/// # Errors
/// As of [`load`].
pub fn load_with(
    sources: &[Source],
    stdin: &mut dyn Read,
    options: &ListOptions,
) -> Result<Loaded, TaskListError> {
    let mut collector = collect::Collector::new(options);
    for source in sources {
        match source {
            Source::Id(id) => {
                let fields = vec![("task_id".into(), id.clone())];
                collector.add_argument(Row { fields, ..Row::new(0) });
            }
            Source::Stdin => {
                let mut content = Vec::new();
                let rows = match stdin.read_to_end(&mut content) {
                    Ok(_) => Format::of_content(&content).read(&content, options),
                    Err(error) => Rows::fault(None, format!("cannot be read: {error}")),
                };
                collector.add("stdin", rows);
            }
            Source::File(file) => collector.add(&file.name.display().to_string(), read_file(file, options)),
        }
    }
    collector.finish()
}

fn read_file(file: &NamedFile, options: &ListOptions) -> Rows {
    let format = Format::of_path(&file.name);
    let content = match (std::fs::read(&file.local), format) {
        (Err(error), _) if error.kind() == ErrorKind::IsADirectory => {
            return Rows::fault(
                None,
                "is a directory; name a task list in it, or use --output for a folder to write",
            );
        }
        (_, None) => {
            let what = "has no known suffix; a task list is .csv, .json, .jsonl, .yaml, .xlsx or .txt";
            return Rows::fault(None, what);
        }
        (Err(error), Some(_)) => return Rows::fault(None, format!("cannot be read: {error}")),
        (Ok(content), Some(format)) => (format, content),
    };
    let (format, content) = content;
    format.read(&content, options)
}

#[cfg(test)]
mod tests;
