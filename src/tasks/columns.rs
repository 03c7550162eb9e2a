//! What each column of a list is: a field, or a label.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::headings::{ColumnChoice, Field, field, key, name_rank, plan_field};
use super::rows::{Row, Rows};

/// What a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A field; an address is a label, too.
    Field(Field),
    /// A label that has a further name of the server; smaller numbers come first.
    OtherName(usize),
    Label,
}

impl Role {
    pub(super) const fn is_label(self) -> bool {
        matches!(self, Self::Field(Field::Ip) | Self::OtherName(_) | Self::Label)
    }
}

/// The columns of one list.
#[derive(Debug, Default)]
pub struct Columns {
    /// The list, as faults name it.
    pub origin: String,
    /// The line of the headings, if the list has one.
    pub heading_line: Option<u64>,
    /// The names of the columns, in order.
    pub(super) names: Vec<Arc<str>>,
    roles: HashMap<Arc<str>, Role>,
    choices: Vec<ColumnChoice>,
    /// Whether a row has no task id.
    is_plan: bool,
}

impl Columns {
    pub(super) fn of(origin: &str, rows: &Rows, choices: &[ColumnChoice]) -> Self {
        let names = names(rows);
        let has_id = |row: &Row| {
            let mut fields = row.fields.iter();
            fields
                .any(|(name, value)| field(name, choices) == Some(Field::TaskId) && !value.trim().is_empty())
        };
        // Where every row has a task id, only the names that any list may use are fields: a list that was always
        // valid keeps its labels.
        let is_plan = !rows.rows.iter().all(has_id);
        let field_of = if is_plan { plan_field } else { field };
        let mut roles: HashMap<Arc<str>, Role> = HashMap::new();
        let mut server_names: Vec<&Arc<str>> = Vec::new();
        let mut has_source_id = false;
        for name in &names {
            let role = match field_of(name, choices) {
                Some(Field::SourceName) => {
                    server_names.push(name);
                    continue;
                }
                Some(Field::SourceId) if std::mem::replace(&mut has_source_id, true) && is_plan => {
                    Role::Label
                }
                Some(Field::Ip) if !is_plan => Role::Label,
                Some(field) => Role::Field(field),
                None => Role::Label,
            };
            roles.insert(Arc::clone(name), role);
        }
        server_names.sort_by_key(|name| name_rank(name));
        for (rank, name) in server_names.into_iter().enumerate() {
            let is_field = rank == 0 || !is_plan;
            let role = if is_field { Role::Field(Field::SourceName) } else { Role::OtherName(rank) };
            roles.insert(Arc::clone(name), role);
        }
        let (origin, heading_line) = (origin.to_owned(), rows.heading_line);
        Self { origin, heading_line, names, roles, choices: choices.to_vec(), is_plan }
    }

    pub(super) fn role(&self, name: &Arc<str>) -> Role {
        let known = self.roles.get(name).copied();
        known.unwrap_or_else(|| field(name, &self.choices).map_or(Role::Label, Role::Field))
    }

    /// Whether a row has no task id, so that servers are named in other ways.
    pub fn is_plan(&self) -> bool {
        self.is_plan
    }

    /// Whether a column has the heading that the user chose.
    pub(super) fn has(&self, choice: &ColumnChoice) -> bool {
        self.names.iter().any(|name| key(name) == key(&choice.heading))
    }

    /// Each column's heading, and the field that it is; none for a label.
    pub fn fields(&self) -> impl Iterator<Item = (&str, Option<&'static str>)> {
        self.names.iter().map(|name| {
            let field = match self.role(name) {
                Role::Field(field) => Some(field.name()),
                Role::OtherName(_) => Some("another name"),
                Role::Label => None,
            };
            (&**name, field)
        })
    }

    /// The error for a row in which every field is blank; `has_id` if it has a field for the task id.
    pub(super) fn nothing_named(&self, has_id: bool) -> String {
        let is_field = |role: Role| !matches!(role, Role::Label);
        let fields: Vec<String> = self
            .names
            .iter()
            .filter(|name| is_field(self.role(name)))
            .map(|name| format!("`{name}`"))
            .collect();
        let is_id = |name: &Arc<str>| self.role(name) == Role::Field(Field::TaskId);
        match (fields.len(), self.names.iter().any(is_id)) {
            (0, _) => "task_id is missing".to_owned(),
            (1, true) if has_id => "task_id is empty".to_owned(),
            (1, true) => "task_id is missing".to_owned(),
            (1, false) => format!("names no server: {} is empty", fields.concat()),
            (_, true) => {
                format!(
                    "task_id is empty, and nothing else names the server: {} are empty",
                    fields.join(", ")
                )
            }
            (_, false) => format!("names no server: {} are empty", fields.join(", ")),
        }
    }
}

/// The names of the columns in order; those of rows that name their own as they first appear.
fn names(rows: &Rows) -> Vec<Arc<str>> {
    let mut seen: HashSet<Arc<str>> = HashSet::new();
    let of_rows = rows.rows.iter().flat_map(|row| row.fields.iter().map(|(name, _)| name));
    rows.columns.iter().chain(of_rows).filter(|name| seen.insert(Arc::clone(name))).cloned().collect()
}
