//! A list as it was read, and the options for reading it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::claim::Claim;
use super::columns::{Columns, Role};
use super::headings::{ColumnChoice, Field};
use super::rows::Row;
use crate::model::TaskList;

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
    /// By position in the list: how a row without a task id names its server.
    pub claims: BTreeMap<usize, Claim>,
    /// The lists as they were read, with [`ListOptions::keep_tables`].
    pub tables: Vec<ListTable>,
    /// What the columns of each list are.
    pub columns: Vec<Columns>,
    /// What the user should know: tasks listed twice, and cells without a usable value.
    pub warnings: Vec<String>,
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
    /// The position of its task in the list.
    pub task: usize,
}

impl ListTable {
    pub(super) fn new(columns: &Columns) -> Self {
        let is_id = |name: &Arc<str>| columns.role(name) == Role::Field(Field::TaskId);
        Self {
            columns: columns.names.iter().map(|name| name.to_string()).collect(),
            task_id: columns.names.iter().position(is_id),
            rows: Vec::new(),
        }
    }

    pub(super) fn cells(&self, row: &Row) -> Vec<String> {
        let fields: HashMap<&str, &str> =
            row.fields.iter().map(|(name, value)| (&**name, value.as_str())).collect();
        self.columns
            .iter()
            .map(|name| fields.get(name.as_str()).map_or("", |value| value).to_owned())
            .collect()
    }
}
