//! The entries of one list, before they are tasks.

use std::sync::Arc;

/// One entry of a list: its line, and its fields by column name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) fields: Vec<(Arc<str>, String)>,
    /// Columns whose text is no id, and why.
    pub(super) problems: Vec<(Arc<str>, String)>,
}

impl Row {
    pub(super) fn new(line: u64) -> Self {
        Self { line, fields: Vec::new(), problems: Vec::new() }
    }
}

/// The rows of one list, and its errors.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// The names of the columns, in order; none where each row names its own.
    pub(super) columns: Vec<Arc<str>>,
    /// The line of the headings.
    pub(super) heading_line: Option<u64>,
    pub(super) rows: Vec<Row>,
    pub(super) faults: Vec<(Option<u64>, String)>,
}

impl Rows {
    pub(super) fn fault(line: impl Into<Option<u64>>, what: impl Into<String>) -> Self {
        Self { faults: vec![(line.into(), what.into())], ..Self::default() }
    }
}
