//! Task lists: the tasks that a run fetches.
//!
//! Every format is read into rows that know their line; only `collect` turns rows into tasks,
//! so all formats share the same rules and the same form of errors.

mod account;
mod claim;
mod collect;
mod columns;
mod csv;
pub mod discovery;
mod error;
mod format;
mod header;
mod headings;
mod json;
mod line;
mod loaded;
mod names;
mod notices;
mod resolve;
mod rows;
mod table;
mod text;
mod txt;
mod upload;
mod xlsx;
mod yaml;

use std::io::{ErrorKind, Read};

use crate::model::{NamedFile, io_advice};
use format::Format;
use rows::{Row, Rows};

pub use account::Account;
pub use claim::Claim;
pub use columns::Columns;
pub use error::{Fault, TaskListError};
pub use format::suffixes;
pub use headings::{ColumnChoice, Field};
pub use loaded::{ListOptions, ListTable, Loaded, TableRow};
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
                    Err(error) => Rows::fault(None, format!("cannot be read: {}", io_advice(&error))),
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
        (Err(error), Some(_)) => return Rows::fault(None, format!("cannot be read: {}", io_advice(&error))),
        (Ok(content), Some(format)) => (format, content),
    };
    let (format, content) = content;
    format.read(&content, options)
}

#[cfg(test)]
mod tests;
