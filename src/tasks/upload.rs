//! Files of verification results to be uploaded.
//!
//! CSV with a row per directory, by the API's field names or by the headings of `results.csv`; or
//! JSON, an object or an array of objects with `task_id` and `consistency_result`.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::json;

use super::collect::key;
use super::{Fault, Row, TaskListError, csv, text};
use crate::model::{DirectoryCheck, TaskId};

/// The bounds that the API sets on an upload.
const MAX_DIRECTORIES: usize = 30;
const MAX_COUNT: u64 = 1_000_000;
const MAX_DIRECTORY_CHARS: usize = 1_024;

/// What is sent for one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The task.
    pub task_id: TaskId,
    /// Its directories, at most 30.
    pub directories: Vec<DirectoryCheck>,
}

impl Upload {
    /// The request body.
    pub fn body(&self) -> String {
        let directories: Vec<_> = self
            .directories
            .iter()
            .map(|check| {
                json!({
                    "dir_check": check.directory,
                    "num_total_files": check.total,
                    "num_different_files": check.different,
                    "num_target_miss_files": check.missing,
                    "num_target_more_files": check.redundant,
                })
            })
            .collect();
        json!({ "consistency_result": directories }).to_string()
    }
}

/// Reads every file, and joins what they hold for one task in a row.
///
/// # Errors
/// All faults at once.
pub fn load_uploads(files: &[PathBuf]) -> Result<Vec<Upload>, TaskListError> {
    let mut uploads = Vec::new();
    let mut faults = Vec::new();
    for path in files {
        let place = path.display().to_string();
        let mut found = Found::default();
        found.read(path);
        faults.extend(found.faults.into_iter().map(|(line, what)| Fault {
            place: place.clone(),
            line,
            what,
        }));
        for upload in &found.uploads {
            if upload.directories.len() > MAX_DIRECTORIES {
                let what = format!(
                    "task {} has {} directories; an upload takes at most {MAX_DIRECTORIES}",
                    upload.task_id,
                    upload.directories.len()
                );
                faults.push(Fault { place: place.clone(), line: None, what });
            }
        }
        uploads.append(&mut found.uploads);
    }
    if faults.is_empty() { Ok(uploads) } else { Err(TaskListError(faults)) }
}

#[derive(Default)]
struct Found {
    uploads: Vec<Upload>,
    faults: Vec<(Option<u64>, String)>,
}

impl Found {
    fn fault(&mut self, line: Option<u64>, what: impl ToString) {
        self.faults.push((line, what.to_string()));
    }

    fn read(&mut self, path: &Path) {
        let content = match std::fs::read(path) {
            Ok(content) => content,
            Err(error) => return self.fault(None, format!("cannot be read: {error}")),
        };
        let text = match text(&content) {
            Ok(text) => text,
            Err((line, what)) => return self.fault(Some(line), what),
        };
        match path.extension().and_then(|suffix| suffix.to_str()) {
            Some("csv") => {
                let rows = csv::read(text);
                self.faults.extend(rows.faults);
                rows.rows.into_iter().for_each(|row| self.add_row(row));
            }
            Some("json") => self.read_json(text),
            _ => self.fault(None, "has no known suffix; results are .csv or .json"),
        }
        if self.uploads.is_empty() && self.faults.is_empty() {
            self.fault(None, "holds no result");
        }
    }

    fn read_json(&mut self, text: &str) {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Document {
            One(Item),
            Many(Vec<Item>),
        }
        #[derive(Deserialize)]
        struct Item {
            task_id: TaskId,
            #[serde(default)]
            consistency_result: Vec<Check>,
        }
        #[derive(Deserialize)]
        struct Check {
            dir_check: String,
            num_total_files: u64,
            num_different_files: u64,
            num_target_miss_files: u64,
            num_target_more_files: u64,
        }
        // Told by its first character, so that the error of the right form is shown.
        let document = if text.trim_start().starts_with('[') {
            serde_json::from_str(text).map(Document::Many)
        } else {
            serde_json::from_str(text).map(Document::One)
        };
        let items = match document {
            Ok(Document::One(item)) => vec![item],
            Ok(Document::Many(items)) => items,
            Err(error) => return self.fault(u64::try_from(error.line()).ok(), error),
        };
        for Item { task_id, consistency_result } in items {
            let mut upload = Upload { task_id, directories: Vec::new() };
            for check in consistency_result {
                let check = DirectoryCheck {
                    directory: check.dir_check,
                    total: check.num_total_files,
                    different: check.num_different_files,
                    missing: check.num_target_miss_files,
                    redundant: check.num_target_more_files,
                };
                match in_bounds(&check) {
                    Ok(()) => upload.directories.push(check),
                    Err(what) => self.fault(None, format!("task {}: {what}", upload.task_id)),
                }
            }
            self.uploads.push(upload);
        }
    }

    fn add_row(&mut self, row: Row) {
        let field = |names: [&str; 2]| {
            let found = row.fields.iter().find(|(name, _)| names.contains(&key(name).as_str()));
            found.map(|(_, value)| value.trim()).ok_or_else(|| format!("column `{}` is missing", names[0]))
        };
        let count = |names: [&str; 2]| {
            field(names)?.parse::<u64>().map_err(|_| format!("`{}` is not a whole number", names[0]))
        };
        let read = || {
            let task_id = TaskId::new(field(["task_id", "task_id"])?).map_err(|error| error.to_string())?;
            let check = DirectoryCheck {
                directory: field(["dir_check", "directory"])?.to_owned(),
                total: count(["num_total_files", "total_files"])?,
                different: count(["num_different_files", "different"])?,
                missing: count(["num_target_miss_files", "missing_at_target"])?,
                redundant: count(["num_target_more_files", "redundant_at_target"])?,
            };
            in_bounds(&check)?;
            Ok::<_, String>((task_id, check))
        };
        match read() {
            Err(what) => self.fault(Some(row.line), what),
            Ok((task_id, check)) => match self.uploads.iter_mut().find(|upload| upload.task_id == task_id) {
                Some(upload) => upload.directories.push(check),
                None => self.uploads.push(Upload { task_id, directories: vec![check] }),
            },
        }
    }
}

fn in_bounds(check: &DirectoryCheck) -> Result<(), String> {
    if check.directory.chars().count() > MAX_DIRECTORY_CHARS {
        return Err(format!("a directory is longer than {MAX_DIRECTORY_CHARS} characters"));
    }
    let counts = [check.total, check.different, check.missing, check.redundant];
    match counts.into_iter().find(|count| *count > MAX_COUNT) {
        Some(count) => Err(format!("{count} is more than the {MAX_COUNT} files that the API takes")),
        None => Ok(()),
    }
}
