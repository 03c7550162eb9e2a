//! Warnings about a list; those of one kind become one line, however many rows they concern.

use std::collections::HashMap;

use crate::model::TaskId;

/// This many cells of one column are named in warnings of their own.
const NAMED_CELLS: usize = 3;

#[derive(Default)]
pub(super) struct Notices {
    repeated: Option<Repeated>,
    /// How many cells of each column of each file have a problem.
    cells: HashMap<(String, String), usize>,
    /// The columns in the order in which they first had one.
    columns: Vec<(String, String)>,
    warnings: Vec<String>,
}

/// Rows whose task is listed before.
struct Repeated {
    count: usize,
    /// The first of them.
    place: String,
    task: TaskId,
    /// The row that it repeats.
    original: String,
}

impl Notices {
    /// Records the row at `place`, whose task is listed at `original`.
    pub(super) fn repeated(&mut self, place: &str, task: &TaskId, original: &str) {
        match &mut self.repeated {
            Some(repeated) => repeated.count += 1,
            None => {
                self.repeated = Some(Repeated {
                    count: 1,
                    place: place.to_owned(),
                    task: task.clone(),
                    original: original.to_owned(),
                });
            }
        }
    }

    /// Records a problem of a cell in the column `key` of `file`.
    pub(super) fn cell(&mut self, file: &str, key: &str, warning: String) {
        let column = (file.to_owned(), key.to_owned());
        let count = self.cells.entry(column.clone()).or_insert_with(|| {
            self.columns.push(column);
            0
        });
        *count += 1;
        if *count <= NAMED_CELLS {
            self.warnings.push(warning);
        }
    }

    pub(super) fn into_warnings(self) -> Vec<String> {
        let mut warnings = self.warnings;
        for column in self.columns {
            let more = self.cells.get(&column).map_or(0, |count| count.saturating_sub(NAMED_CELLS));
            if more > 0 {
                let (file, key) = column;
                warnings.push(format!(
                    "{file}: {more} more cells of `{key}` are like these; they are kept as text"
                ));
            }
        }
        warnings.extend(self.repeated.map(|Repeated { count, place, task, original }| match count {
            1 => format!("{place}: task {task} is listed already at {original}; it is fetched once"),
            _ => format!(
                "{place}: task {task} is listed already at {original}; {count} rows in all repeat a task, and each \
                 task is fetched once"
            ),
        }));
        warnings
    }
}
