//! Rows to tasks: the rules that all formats share.

use std::collections::{BTreeMap, HashMap};

use super::{Fault, Loaded, Row, Rows, TaskListError};
use crate::model::{Task, TaskId, TaskList};

/// The form of a column name that decides which column is meant: `Task ID` is `task_id`.
pub(super) fn key(name: &str) -> String {
    let words = name.split(|c: char| c.is_whitespace() || matches!(c, '-' | '_'));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_").to_lowercase()
}

/// What is wrong with two columns of one name.
pub(super) fn same_field(one: &str, other: &str) -> String {
    if one == other {
        format!("`{one}` is there twice")
    } else {
        format!("`{one}` and `{other}` are the same field")
    }
}

#[derive(Default)]
pub(super) struct Collector {
    list: TaskList,
    /// The labels by key, each as it was first spelled.
    labels: HashMap<String, String>,
    first_seen: HashMap<TaskId, String>,
    warnings: Vec<String>,
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
        let mut task_id = None;
        let mut source_id = None;
        let mut source_name = None;
        let mut labels = BTreeMap::new();
        let mut names = HashMap::new();
        for (name, value) in row.fields {
            let value = value.trim();
            let key = key(&name);
            if let Some(other) = names.insert(key.clone(), name.clone()) {
                self.fault(place, line, same_field(&other, &name));
            }
            match key.as_str() {
                "task_id" => task_id = Some(TaskId::new(value)),
                _ if value.is_empty() => {}
                "source_id" => source_id = Some(value.to_owned()),
                "source_name" => source_name = Some(value.to_owned()),
                _ => {
                    let label = self.labels.entry(key).or_insert_with(|| {
                        self.list.labels.push(name.trim().to_owned());
                        name.trim().to_owned()
                    });
                    labels.insert(label.clone(), value.to_owned());
                }
            }
        }
        let task_id = match task_id {
            Some(Ok(task_id)) => task_id,
            Some(Err(error)) => return self.fault(place, line, error.to_string()),
            None => return self.fault(place, line, "task_id is missing".to_owned()),
        };
        let here = line.map_or_else(|| place.to_owned(), |line| format!("{place}:{line}"));
        if let Some(first) = self.first_seen.get(&task_id) {
            self.warnings
                .push(format!("{here}: task {task_id} is listed already at {first}; it is fetched once"));
            return;
        }
        self.first_seen.insert(task_id.clone(), here);
        self.list.tasks.push(Task { task_id, source_id, source_name, labels });
    }

    pub(super) fn finish(self) -> Result<Loaded, TaskListError> {
        if self.faults.is_empty() {
            Ok(Loaded { list: self.list, warnings: self.warnings })
        } else {
            Err(TaskListError(self.faults))
        }
    }
}
