//! Rows to tasks: the rules that all formats share.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::headings::{Field, identity, same_field};
use super::notices::Notices;
use super::{Fault, Loaded, Row, Rows, TaskListError};
use crate::model::{Task, TaskId, TaskList, is_invisible};

/// What spreadsheets show instead of a value, in English; also in CSV files that they wrote.
const ERROR_VALUES: [&str; 14] = [
    "#N/A",
    "#REF!",
    "#VALUE!",
    "#DIV/0!",
    "#NAME?",
    "#NUM!",
    "#NULL!",
    "#SPILL!",
    "#CALC!",
    "#FIELD!",
    "#BLOCKED!",
    "#CONNECT!",
    "#UNKNOWN!",
    "#GETTING_DATA",
];

/// Whether a text is what a spreadsheet shows instead of a value.
pub(super) fn is_error_value(text: &str) -> bool {
    ERROR_VALUES.iter().any(|error| error.eq_ignore_ascii_case(text))
}

/// Reads a task id of a list.
///
/// # Errors
/// Why the text is no task id: also a character that nobody sees, with which the service would look for
/// another task than the reader.
pub(super) fn task_id(text: &str) -> Result<TaskId, String> {
    let text = text.trim();
    if is_error_value(text) {
        return Err(format!("task_id is the error value {text}"));
    }
    let id = TaskId::new(text).map_err(|error| error.to_string())?;
    match text.chars().find(|c| is_invisible(*c)) {
        Some(c) => Err(format!(
            "task_id holds the invisible character U+{:04X}; type the id anew or delete the character",
            u32::from(c)
        )),
        None => Ok(id),
    }
}

#[derive(Default)]
pub(super) struct Collector {
    list: TaskList,
    /// The labels by key, each as it was first spelled.
    labels: HashMap<String, String>,
    first_seen: HashMap<TaskId, String>,
    notices: Notices,
    faults: Vec<Fault>,
}

impl Collector {
    pub(super) fn add(&mut self, place: &str, rows: Rows) {
        if rows.rows.is_empty() && rows.faults.is_empty() {
            self.fault(place, None, "lists no task".to_owned());
        }
        let before = self.faults.len();
        for (line, what) in rows.faults {
            self.fault(place, line, what);
        }
        for row in rows.rows {
            self.add_row(place, Some(row.line), row);
        }
        if let Some(faults) = self.faults.get_mut(before..) {
            faults.sort_by_key(|fault| fault.line);
        }
    }

    pub(super) fn add_argument(&mut self, row: Row) {
        self.add_row("--task", None, row);
    }

    fn fault(&mut self, place: &str, line: Option<u64>, what: String) {
        self.faults.push(Fault { place: place.to_owned(), line, what });
    }

    fn add_row(&mut self, place: &str, line: Option<u64>, row: Row) {
        let here = line.map_or_else(|| place.to_owned(), |line| format!("{place}:{line}"));
        let mut id = None;
        let mut source_id = None;
        let mut source_name = None;
        let mut labels = BTreeMap::new();
        let mut names: HashMap<String, Arc<str>> = HashMap::new();
        for (name, value) in row.fields {
            let value = value.trim();
            let field = Field::of(&name);
            let key = identity(&name);
            if let Some(other) = names.insert(key.clone(), Arc::clone(&name)) {
                self.fault(place, line, same_field(&other, &name));
            }
            let problem = row.problems.iter().find(|(other, _)| *other == name).map(|(_, what)| what.clone());
            if field == Some(Field::TaskId) {
                id = Some(problem.map_or_else(|| task_id(value), |what| Err(format!("`{name}` {what}"))));
                continue;
            }
            if value.is_empty() {
                continue;
            }
            let is_error = || is_error_value(value).then(|| format!("is the error value {value}"));
            if let Some(what) = problem.or_else(is_error) {
                let what = format!("`{name}` {what}; it is kept as text");
                self.notices.cell(place, &key, format!("{here}: {what}"));
            }
            match field {
                Some(Field::SourceId) => source_id = Some(value.to_owned()),
                Some(Field::SourceName) => source_name = Some(value.to_owned()),
                _ => {
                    let label = self.labels.entry(key).or_insert_with(|| {
                        self.list.labels.push(name.trim().to_owned());
                        name.trim().to_owned()
                    });
                    labels.insert(label.clone(), value.to_owned());
                }
            }
        }
        let task_id = match id {
            Some(Ok(task_id)) => task_id,
            Some(Err(what)) => return self.fault(place, line, what),
            None => return self.fault(place, line, "task_id is missing".to_owned()),
        };
        if let Some(first) = self.first_seen.get(&task_id) {
            return self.notices.repeated(&here, &task_id, first);
        }
        self.first_seen.insert(task_id.clone(), here);
        self.list.tasks.push(Task { source_id, source_name, labels, ..Task::new(task_id) });
    }

    pub(super) fn finish(self) -> Result<Loaded, TaskListError> {
        if self.faults.is_empty() {
            Ok(Loaded { list: self.list, warnings: self.notices.into_warnings() })
        } else {
            Err(TaskListError(self.faults))
        }
    }
}
