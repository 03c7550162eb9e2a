//! Files of verification results to be uploaded.
//!
//! CSV with a row per directory, by the API's field names or by the headings of `results.csv`; or
//! JSON, an object or an array of objects with `task_id` and `consistency_result`.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::collect::task_id;
use super::csv;
use super::error::{Fault, TaskListError};
use super::format::Format;
use super::headings::{identity, key};
use super::json::{fault, with_lines};
use super::rows::Row;
use super::text::text;
use crate::model::{DirectoryCheck, TaskId, io_advice};

/// The bounds that the API sets on an upload.
const MAX_DIRECTORIES: usize = 30;
const MAX_COUNT: u64 = 1_000_000;
const MAX_DIRECTORY_CHARS: usize = 1_024;

/// What an upload needs, for messages about files that lack it.
const EXPECTED: &str = "upload expects verification results: .csv with the columns of results.csv, or task_id, \
                        dir_check, num_total_files, num_different_files, num_target_miss_files and \
                        num_target_more_files; or .json with task_id and consistency_result";
/// What to do with a list of tasks instead.
const EXPORT_INSTEAD: &str = "to fetch the results of these tasks, use `cutover-report export`";

/// What is sent for one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The task.
    pub task_id: TaskId,
    /// Its directories, at most 30, each once.
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

/// Files of results that were read without an error.
#[derive(Debug, Default)]
pub struct LoadedUploads {
    /// One upload for each task, in the order in which the files name them.
    pub uploads: Vec<Upload>,
    /// What the user should know: rows that are left out.
    pub warnings: Vec<String>,
}

/// The uploads of all files so far.
#[derive(Default)]
struct Uploads {
    uploads: Vec<Upload>,
    /// The place of each task's upload.
    places: HashMap<TaskId, usize>,
    /// The directories of each upload.
    directories: Vec<HashSet<String>>,
}

/// Reads every file, and joins what they all hold for one task into one upload.
///
/// Of a file with a column `Verification`, as `results.csv` has it, the newest verification of each
/// task is taken, number 1: the service stamps an upload with its own time, so history cannot be sent.
///
/// # Errors
/// All errors of all files together.
pub fn load_uploads(files: &[PathBuf]) -> Result<LoadedUploads, TaskListError> {
    let mut uploads = Uploads::default();
    let mut warnings = Vec::new();
    let mut faults = Vec::new();
    for path in files {
        let place = path.display().to_string();
        let mut file = File { uploads: &mut uploads, faults: Vec::new(), is_empty: true, older: 0 };
        file.read(path);
        if file.is_empty && file.faults.is_empty() {
            let but = if file.older == 0 { "" } else { " but those of older verifications" };
            file.fault(None, format!("contains no result{but}"));
        }
        if file.older > 0 {
            warnings.push(format!(
                "{place}: rows of older verifications are left out: {}; an upload is stamped with its own time",
                file.older
            ));
        }
        file.faults.sort_by_key(|(line, _)| *line);
        faults.extend(file.faults.into_iter().map(|(line, what)| Fault { place: place.clone(), line, what }));
    }
    if faults.is_empty() {
        Ok(LoadedUploads { uploads: uploads.uploads, warnings })
    } else {
        Err(TaskListError(faults))
    }
}

/// One file while it is read.
struct File<'a> {
    uploads: &'a mut Uploads,
    faults: Vec<(Option<u64>, String)>,
    is_empty: bool,
    older: usize,
}

impl File<'_> {
    fn fault(&mut self, line: Option<u64>, what: impl ToString) {
        self.faults.push((line, what.to_string()));
    }

    fn read(&mut self, path: &Path) {
        let format = match Format::of_path(path) {
            Some(format @ (Format::Csv | Format::Json)) => format,
            Some(_) => return self.fault(None, format!("is neither .csv nor .json: {EXPECTED}")),
            None if path.is_dir() => return self.fault(None, format!("is a directory: {EXPECTED}")),
            None => return self.fault(None, format!("has no known suffix: {EXPECTED}")),
        };
        let content = match std::fs::read(path) {
            Ok(content) => content,
            Err(error) => return self.fault(None, format!("cannot be read: {}", io_advice(&error))),
        };
        match text(&content) {
            Err((line, what)) => self.fault(Some(line), what),
            Ok(text) if format == Format::Json => self.read_json(text),
            Ok(text) => {
                let rows = csv::read(text, &[]);
                let is_column = |name: &str| matches!(key(name).as_str(), "dir_check" | "directory");
                let is_list = |row: &Row| !row.fields.iter().any(|(name, _)| is_column(name));
                if rows.faults.is_empty() && rows.rows.first().is_some_and(is_list) {
                    return self.fault(None, format!("is a task list: {EXPECTED}; {EXPORT_INSTEAD}"));
                }
                self.faults.extend(rows.faults);
                rows.rows.into_iter().for_each(|row| self.add_row(&row));
            }
        }
    }

    fn read_json(&mut self, text: &str) {
        let is_list = text.contains("\"task_id\"") && !text.contains("\"consistency_result");
        if is_list && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
            return self.fault(None, format!("is a task list: {EXPECTED}; {EXPORT_INSTEAD}"));
        }
        // The first character decides, so that the error names the right form.
        let items = if text.trim_start().starts_with('[') {
            serde_json::from_str::<Vec<&RawValue>>(text)
        } else {
            serde_json::from_str::<&RawValue>(text).map(|item| vec![item])
        };
        match items {
            Err(error) => self.fault(u64::try_from(error.line()).ok(), error),
            Ok(items) => with_lines(text, items).for_each(|(line, item)| self.add_item(line, item)),
        }
    }

    fn add_item(&mut self, first_line: u64, text: &str) {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, expecting = "an object with task_id and consistency_result")]
        struct Item<'a> {
            task_id: String,
            #[serde(borrow)]
            consistency_result: Vec<&'a RawValue>,
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, expecting = "an object with dir_check and its counts")]
        struct Check {
            dir_check: String,
            num_total_files: u64,
            num_different_files: u64,
            num_target_miss_files: u64,
            num_target_more_files: u64,
        }
        let Item { task_id: id, consistency_result } = match serde_json::from_str(text) {
            Ok(item) => item,
            Err(error) => return self.faults.push(fault(first_line, &error)),
        };
        let task_id = match task_id(&id) {
            Ok(task_id) => task_id,
            Err(what) => return self.fault(Some(first_line), what),
        };
        self.add(first_line, &task_id, None);
        for (line, check) in with_lines(text, consistency_result) {
            let line = first_line + line - 1;
            match serde_json::from_str::<Check>(check) {
                Err(error) => self.faults.push(fault(line, &error)),
                Ok(check) => {
                    let check = DirectoryCheck {
                        directory: check.dir_check,
                        total: check.num_total_files,
                        different: check.num_different_files,
                        missing: check.num_target_miss_files,
                        redundant: check.num_target_more_files,
                    };
                    self.add(line, &task_id, Some(check));
                }
            }
        }
    }

    fn add_row(&mut self, row: &Row) {
        // A field as it was before a report made texts of formulas; the API's own names head texts as they are.
        let field = |name: &str| {
            let is_it = |column: &str| column == name || column == heading(name);
            let (column, value) = row.fields.iter().find(|(column, _)| is_it(&identity(column)))?;
            let is_ours = identity(column) != name || name == "task_id";
            Some((column, if is_ours { without_apostrophe(value) } else { value }))
        };
        let needed = |name| field(name).ok_or_else(|| format!("column `{name}` is missing"));
        let count = |name| {
            let (column, value) = needed(name)?;
            value.trim().parse::<u64>().map_err(|_| format!("`{column}` is not a whole number"))
        };
        let read = || {
            let task_id = task_id(needed("task_id")?.1)?;
            match field("verification").map(|(_, number)| number.trim().parse::<u64>()) {
                None | Some(Ok(1)) => {}
                Some(Ok(2..)) => return Ok(None),
                Some(_) => return Err("`Verification` is not a number from 1".to_owned()),
            }
            match field("check_result").map(|(_, result)| result.trim()) {
                None | Some("" | "success") => {}
                Some(result) => {
                    return Err(format!(
                        "the check did not succeed (`{result}`), which an upload cannot report"
                    ));
                }
            }
            let check = DirectoryCheck {
                directory: needed("dir_check")?.1.to_owned(),
                total: count("num_total_files")?,
                different: count("num_different_files")?,
                missing: count("num_target_miss_files")?,
                redundant: count("num_target_more_files")?,
            };
            Ok(Some((task_id, check)))
        };
        match read() {
            Err(what) => self.fault(Some(row.line), what),
            Ok(None) => self.older += 1,
            Ok(Some((task_id, check))) => self.add(row.line, &task_id, Some(check)),
        }
    }

    /// Adds a directory to the upload of a task; none when the task is there without one.
    fn add(&mut self, line: u64, task_id: &TaskId, check: Option<DirectoryCheck>) {
        self.is_empty = false;
        let Uploads { uploads, places, directories } = &mut *self.uploads;
        let place = *places.entry(task_id.clone()).or_insert_with(|| {
            uploads.push(Upload { task_id: task_id.clone(), directories: Vec::new() });
            directories.push(HashSet::new());
            uploads.len() - 1
        });
        let (Some(upload), Some(known), Some(check)) =
            (uploads.get_mut(place), directories.get_mut(place), check)
        else {
            return;
        };
        let mut faults = Vec::new();
        if !known.insert(check.directory.clone()) {
            faults.push(format!("task {task_id} has the directory `{}` already", check.directory));
        }
        if upload.directories.len() == MAX_DIRECTORIES {
            faults.push(format!(
                "task {task_id} has more than the {MAX_DIRECTORIES} directories that an upload takes"
            ));
        }
        faults.extend(out_of_bounds(&check));
        upload.directories.push(check);
        self.faults.extend(faults.into_iter().map(|what| (Some(line), what)));
    }
}

/// A field's column in `results.csv`.
fn heading(name: &str) -> &str {
    match name {
        "dir_check" => "directory",
        "num_total_files" => "total_files",
        "num_different_files" => "different",
        "num_target_miss_files" => "missing_at_target",
        "num_target_more_files" => "redundant_at_target",
        other => other,
    }
}

/// A text of a report's CSV file as it was before the report put an apostrophe in front of a formula.
fn without_apostrophe(text: &str) -> &str {
    let is_marked =
        |rest: &&str| rest.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    text.strip_prefix('\'').filter(is_marked).unwrap_or(text)
}

fn out_of_bounds(check: &DirectoryCheck) -> Option<String> {
    if check.directory.chars().count() > MAX_DIRECTORY_CHARS {
        return Some(format!("a directory is longer than {MAX_DIRECTORY_CHARS} characters"));
    }
    let counts = [check.total, check.different, check.missing, check.redundant];
    let count = counts.into_iter().find(|count| *count > MAX_COUNT)?;
    Some(format!("{count} is more than the {MAX_COUNT} files that the API takes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "Task ID,Verification,Check result,Directory,Total files,Different,Missing at target,Redundant at target\n";

    #[test]
    fn texts_of_a_report_are_restored() {
        let restored = [
            ("'=1", "=1"),
            ("''=1", "'=1"),
            ("'\t/a", "\t/a"),
            ("/a b ", "/a b "),
            ("'a", "'a"),
            ("''", "''"),
        ];
        for (written, text) in restored {
            assert_eq!(without_apostrophe(written), text, "{written:?}");
        }
        let row = "a,1,success,\"''=1\",5,0,0,0\na,1,,/a b ,1,0,0,0\na,1,,'\t/x,1,0,0,0\n";
        let loaded = load(&[("results.csv", &format!("{HEADER}{row}"))]).unwrap();
        assert_eq!(directories(&loaded.uploads[0]), ["'=1", "/a b ", "\t/x"]);
        let own = "task_id,dir_check,num_total_files,num_different_files,num_target_miss_files,num_target_more_files\n";
        let loaded = load(&[("own.csv", &format!("{own}a,'=1,1,0,0,0\n"))]).unwrap();
        assert_eq!(directories(&loaded.uploads[0]), ["'=1"]);
    }

    #[test]
    fn task_lists_are_refused_with_what_is_expected() {
        for (name, content) in [
            ("list.csv", "task_id,source_name\na,web\n"),
            ("ids.csv", "task_id\na\n"),
            ("list.json", "[{\"task_id\": \"a\"}]"),
        ] {
            let error = load(&[(name, content)]).unwrap_err();
            assert!(error.contains("is a task list: upload expects verification results"), "{error}");
            assert!(error.contains("cutover-report export"), "{error}");
        }
        let error = load(&[("list.xlsx", "")]).unwrap_err();
        assert!(error.starts_with("list.xlsx: is neither .csv nor .json: upload expects"), "{error}");
    }

    /// Loads files of these names and contents; messages name them without their folder.
    fn load(files: &[(&str, &str)]) -> Result<LoadedUploads, String> {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = files.iter().map(|(name, _)| folder.path().join(name)).collect();
        paths.iter().zip(files).for_each(|(path, (_, content))| std::fs::write(path, content).unwrap());
        let here = format!("{}/", folder.path().display());
        let mut loaded = load_uploads(&paths)
            .map_err(|TaskListError(faults)| crate::tasks::error::lines(&faults).replace(&here, ""))?;
        loaded.warnings.iter_mut().for_each(|warning| *warning = warning.replace(&here, ""));
        Ok(loaded)
    }

    fn directories(upload: &Upload) -> Vec<&str> {
        upload.directories.iter().map(|check| check.directory.as_str()).collect()
    }

    #[test]
    fn the_newest_verification_of_a_report_is_sent() {
        let report =
            "a,1,success,/a,5,0,0,0\na,1,,'=b,5,1,0,0\na,2,failed,/a,4,0,0,0\nb,1,,/a,1,0,0,0\na,3,,,,,,\n";
        let loaded = load(&[("results.CSV", &format!("{HEADER}{report}"))]).unwrap();
        assert_eq!(
            loaded.uploads.iter().map(directories).collect::<Vec<_>>(),
            [vec!["/a", "=b"], vec!["/a"]]
        );
        assert_eq!(loaded.uploads[0].directories[0].total, 5);
        assert_eq!(
            loaded.warnings,
            [
                "results.CSV: rows of older verifications are left out: 2; an upload is stamped with its own time"
            ]
        );
    }

    #[test]
    fn files_are_joined_by_task() {
        let check = |directory: &str| {
            format!(
                "{{\"dir_check\":\"{directory}\",\"num_total_files\":1,\"num_different_files\":0,\"num_target_miss_files\":0,\"num_target_more_files\":0}}"
            )
        };
        let item = |task_id: &str, checks: &str| {
            format!("{{\"task_id\":\"{task_id}\",\"consistency_result\":[{checks}]}}")
        };
        let array = format!("[{},{}]", item("b", ""), item("a", &check("/b")));
        let files = [
            ("1.csv", format!("{HEADER}a,1,,/a,1,0,0,0\n")),
            ("2.Json", array),
            ("3.json", item("b", &check("/c"))),
        ];
        let files = files.each_ref().map(|(name, content)| (*name, content.as_str()));
        let uploads = load(&files).unwrap().uploads;
        assert_eq!(uploads.iter().map(|upload| upload.task_id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(uploads.iter().map(directories).collect::<Vec<_>>(), [["/a", "/b"].as_slice(), &["/c"]]);
        assert_eq!(load(&files[1..2]).unwrap().uploads[0].directories, []);
        let twice = load(&[files[0], files[0], files[1], files[1]]).unwrap_err();
        assert_eq!(
            twice,
            "1.csv:2: task a has the directory `/a` already\n2.Json:1: task a has the directory `/b` already"
        );
    }

    #[test]
    fn file_with_faults_reports_each_with_its_line() {
        let rows =
            "a,0,,/a,1,0,0,0\na,x,,/a,1,0,0,0\na,1,failed,/b,1,0,0,0\na,1,,/c,1,0,,0\na,1,,\"/d,1,0,0,0\n";
        let json = r#"[
            {"task_id": "a", "consistency_results": []},
            {"task_id": "a"},
            {"task_id": "", "consistency_result": []},
            {"task_id": "b", "consistency_result": [
                {"dir_check": "/a", "num_total_files": 1, "num_different_files": 0, "num_target_miss_files": 0},
                {"dir_check": "/a", "num_total_files": -1, "num_different_files": 0, "num_target_miss_files": 0,
                 "num_target_more_files": 0},
                {"dir_check": "/b", "num_total_files": 1, "num_different_files": 0, "num_target_miss_files": 0,
                 "num_target_more_files": 0, "note": ""},
                7]},
            "c"
        ]"#;
        let many: String = (0..33).map(|n| format!("m,1,,/{n},1,0,0,0\n")).collect();
        let files = [
            ("rows.csv", format!("{HEADER}{rows}")),
            ("a.json", json.to_owned()),
            ("many.csv", format!("{HEADER}{many}")),
            ("older.csv", format!("{HEADER}a,2,,/a,1,0,0,0\n")),
            ("none.csv", HEADER.to_owned()),
            ("none.json", "[]".to_owned()),
            ("torn.json", "{\"task_id\": \"a\",\n".to_owned()),
            ("list.yaml", String::new()),
        ];
        insta::assert_snapshot!(
            load(&files.each_ref().map(|(name, content)| (*name, content.as_str()))).unwrap_err()
        );
    }
}
