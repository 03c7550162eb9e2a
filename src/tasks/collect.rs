//! Rows to tasks: the rules that all formats share.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::claim::Claim;
use super::columns::{Columns, Role};
use super::error::{Fault, TaskListError};
use super::headings::{ColumnChoice, Field, identity, same_field};
use super::loaded::{ListOptions, ListTable, Loaded, TableRow};
use super::names::{addresses, name_key};
use super::notices::Notices;
use super::rows::{Row, Rows};
use crate::model::{Planned, Task, TaskId, TaskList, is_invisible};

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
/// Why the text is not a task id. An invisible character is an error too: the id would name another task than it
/// seems to.
pub(super) fn task_id(text: &str) -> Result<TaskId, String> {
    let text = text.trim();
    if is_error_value(text) {
        return Err(format!("task_id is the error value {text}"));
    }
    let id = TaskId::new(text).map_err(|error| error.to_string())?;
    match text.chars().find(|c| is_invisible(*c)) {
        Some(c) => Err(format!(
            "task_id contains the invisible character U+{:04X}; type the id again or delete the character",
            u32::from(c)
        )),
        None => Ok(id),
    }
}

/// What makes two rows the same server before the account is known: source id, names, addresses.
type ClaimKey = (Option<String>, Vec<String>, Vec<std::net::IpAddr>);

#[derive(Default)]
pub(super) struct Collector {
    choices: Vec<ColumnChoice>,
    keeps_tables: bool,
    list: TaskList,
    claims: BTreeMap<usize, Claim>,
    tables: Vec<ListTable>,
    columns: Vec<Columns>,
    /// The labels by key, each as it was first spelled.
    labels: HashMap<String, String>,
    /// By task id: its place in the list, and where it was listed.
    first_seen: HashMap<TaskId, (usize, String)>,
    first_claimed: HashMap<ClaimKey, (usize, String)>,
    notices: Notices,
    faults: Vec<Fault>,
}

/// The fields of a row.
#[derive(Default)]
struct Fields {
    task_id: Option<Result<TaskId, String>>,
    /// Whether the row has a field for it.
    has_id: bool,
    source_id: Option<String>,
    /// The one to show first.
    names: Vec<String>,
    addresses: Vec<String>,
    /// Why a cell that should name the server does not.
    unusable: Option<String>,
    labels: BTreeMap<String, String>,
}

impl Collector {
    pub(super) fn new(options: &ListOptions) -> Self {
        Self { choices: options.columns.clone(), keeps_tables: options.keep_tables, ..Self::default() }
    }

    pub(super) fn add(&mut self, place: &str, rows: Rows) {
        if rows.rows.is_empty() && rows.faults.is_empty() {
            self.fault(place, None, "contains no task".to_owned());
        }
        let before = self.faults.len();
        let columns = Columns::of(place, &rows, &self.choices);
        for (line, what) in rows.faults {
            self.fault(place, line, what);
        }
        let mut table = ListTable::new(&columns);
        for row in rows.rows {
            let cells = self.keeps_tables.then(|| table.cells(&row));
            let task = self.add_row(place, Some(row.line), row, &columns);
            table.rows.extend(cells.zip(task).map(|(cells, task)| TableRow { cells, task }));
        }
        if self.keeps_tables {
            self.tables.push(table);
        }
        self.columns.push(columns);
        if let Some(faults) = self.faults.get_mut(before..) {
            faults.sort_by_key(|fault| fault.line);
        }
    }

    pub(super) fn add_argument(&mut self, row: Row) {
        self.add_row("--task", None, row, &Columns::default());
    }

    fn fault(&mut self, place: &str, line: Option<u64>, what: String) {
        self.faults.push(Fault { place: place.to_owned(), line, what });
    }

    /// Adds a row; gives the place of its task in the list.
    fn add_row(&mut self, place: &str, line: Option<u64>, row: Row, columns: &Columns) -> Option<usize> {
        let here = line.map_or_else(|| place.to_owned(), |line| format!("{place}:{line}"));
        let fields = self.fields(place, line, &here, row, columns);
        let task_id = match fields.task_id {
            Some(Ok(task_id)) => task_id,
            Some(Err(what)) => {
                self.fault(place, line, what);
                return None;
            }
            None => return self.add_claim(place, line, here, fields, columns),
        };
        let source_name = fields.names.into_iter().next();
        let task = Task {
            source_id: fields.source_id,
            source_name,
            labels: fields.labels,
            ..Task::new(task_id.clone())
        };
        if let Some((known, first)) = self.first_seen.get(&task_id) {
            let differs = self.list.tasks.get(*known).and_then(|known| differing_label(known, &task));
            self.notices.repeated(&here, &format!("task {task_id}"), first, differs);
            return Some(*known);
        }
        self.first_seen.insert(task_id, (self.list.tasks.len(), here));
        self.list.tasks.push(task);
        Some(self.list.tasks.len() - 1)
    }

    /// Adds a row that names a server and no task.
    fn add_claim(
        &mut self,
        place: &str,
        line: Option<u64>,
        here: String,
        fields: Fields,
        columns: &Columns,
    ) -> Option<usize> {
        let Fields { source_id, names, addresses: texts, unusable, labels, has_id, .. } = fields;
        let address_texts = texts.iter().chain(&names);
        let mut found: Vec<_> = address_texts.flat_map(|text| addresses(text)).collect();
        found.sort_unstable();
        found.dedup();
        let name = names.first().or(source_id.as_ref()).or(texts.first().filter(|_| !found.is_empty()));
        let Some(name) = name.cloned() else {
            let what = match texts.first() {
                _ if unusable.is_some() => format!("names no server: {}", unusable.unwrap_or_default()),
                Some(text) => format!("names no server: `{text}` is not an IP address"),
                None => columns.nothing_named(has_id),
            };
            self.fault(place, line, what);
            return None;
        };
        let mut keys: Vec<String> = names.iter().map(|name| name_key(name)).collect();
        keys.sort_unstable();
        let key = (source_id.clone(), keys, found.clone());
        let planned = Planned { name, tasks: 0, near: Vec::new(), also: Vec::new(), doubts: Vec::new() };
        let task = Task {
            task_id: None,
            source_id: source_id.clone(),
            source_name: names.first().cloned(),
            labels,
            planned: Some(Box::new(planned)),
        };
        if let Some((known, first)) = self.first_claimed.get(&key) {
            let differs = self.list.tasks.get(*known).and_then(|known| differing_label(known, &task));
            self.notices.repeated(&here, &format!("server {}", task.key()), first, differs);
            return Some(*known);
        }
        let index = self.list.tasks.len();
        self.first_claimed.insert(key, (index, here));
        let claim = Claim { place: place.to_owned(), line, source_id, names, addresses: found };
        self.claims.insert(index, claim);
        self.list.tasks.push(task);
        Some(index)
    }

    fn fields(&mut self, place: &str, line: Option<u64>, here: &str, row: Row, columns: &Columns) -> Fields {
        let mut fields = Fields::default();
        let mut names = Vec::new();
        let mut seen: HashMap<String, Arc<str>> = HashMap::new();
        for (name, value) in row.fields {
            let value = value.trim();
            let role = columns.role(&name);
            let key = identity(&name);
            if let Some(other) = seen.insert(key.clone(), Arc::clone(&name)) {
                self.fault(place, line, same_field(&other, &name));
            }
            let problem = row.problems.iter().find(|(other, _)| *other == name).map(|(_, what)| what.clone());
            if role == Role::Field(Field::TaskId) {
                fields.has_id = true;
                if !(columns.is_plan() && value.is_empty()) {
                    fields.task_id =
                        Some(problem.map_or_else(|| task_id(value), |what| Err(format!("`{name}` {what}"))));
                }
                continue;
            }
            if value.is_empty() {
                continue;
            }
            let is_error = || is_error_value(value).then(|| format!("is the error value {value}"));
            let problem = problem.or_else(is_error);
            let is_usable = problem.is_none() || !columns.is_plan();
            if let Some(what) = problem {
                if !is_usable && role != Role::Label {
                    fields.unusable.get_or_insert_with(|| format!("`{name}` {what}"));
                }
                let what = format!("`{name}` {what}; it is kept as text");
                self.notices.cell(place, &key, format!("{here}: {what}"));
            }
            match role {
                Role::Field(Field::SourceId) if is_usable => fields.source_id = Some(value.to_owned()),
                Role::Field(Field::SourceName) if is_usable => names.push((0, value.to_owned())),
                Role::OtherName(rank) if is_usable => names.push((rank, value.to_owned())),
                Role::Field(Field::Ip) if is_usable => fields.addresses.push(value.to_owned()),
                _ => {}
            }
            if role.is_label() || !is_usable {
                let label = self.labels.entry(key).or_insert_with(|| {
                    self.list.labels.push(name.trim().to_owned());
                    name.trim().to_owned()
                });
                fields.labels.insert(label.clone(), value.to_owned());
            }
        }
        names.sort_by_key(|(rank, _)| *rank);
        fields.names = names.into_iter().map(|(_, name)| name).collect();
        fields
    }

    pub(super) fn finish(mut self) -> Result<Loaded, TaskListError> {
        // The columns of a list that cannot be read are unknown.
        let are_known = self.faults.is_empty() || self.columns.iter().all(|list| list.heading_line.is_some());
        for choice in self.choices.iter().filter(|_| are_known && !self.columns.is_empty()) {
            if !self.columns.iter().any(|columns| columns.has(choice)) {
                let what = format!("no list has a column `{}`, which --column names", choice.heading);
                self.faults.push(Fault { place: format!("--column {choice}"), line: None, what });
            }
        }
        if !self.faults.is_empty() {
            return Err(TaskListError(self.faults));
        }
        self.name_apart();
        Ok(Loaded {
            list: self.list,
            claims: self.claims,
            tables: self.tables,
            columns: self.columns,
            warnings: self.notices.into_warnings(),
        })
    }

    /// Makes the plan's names of servers unique, also among the task ids: rows with the same name get their other
    /// fields in brackets, else a number.
    fn name_apart(&mut self) {
        let mut counts: HashMap<String, usize> = HashMap::new();
        self.list.tasks.iter().for_each(|task| *counts.entry(name_key(task.key())).or_default() += 1);
        let ids = self.list.tasks.iter().filter_map(|task| task.task_id.as_ref());
        let mut taken: HashSet<String> = ids.map(|id| name_key(id.as_str())).collect();
        for (index, claim) in &self.claims {
            let Some(task) = self.list.tasks.get_mut(*index) else { continue };
            let Some(planned) = &mut task.planned else { continue };
            if counts.get(&name_key(&planned.name)).is_some_and(|count| *count > 1) {
                let more = claim.source_id.iter().cloned().chain(claim.names.iter().skip(1).cloned());
                let more = more.chain(claim.addresses.iter().map(ToString::to_string));
                let more: Vec<String> = more.filter(|more| *more != planned.name).collect();
                if !more.is_empty() {
                    planned.name = format!("{} ({})", planned.name, more.join(", "));
                }
            }
            let name = planned.name.clone();
            let numbered =
                std::iter::once(name.clone()).chain((2_u32..).map(|number| format!("{name} #{number}")));
            if let Some(free) = numbered.into_iter().find(|name| taken.insert(name_key(name))) {
                planned.name = free;
            }
        }
    }
}

/// The first label of which two entries of one task say different things: its name, the later and the earlier value.
fn differing_label(known: &Task, task: &Task) -> Option<(String, String, String)> {
    let labels = task.labels.iter();
    let (name, value, before) = labels
        .filter_map(|(name, value)| Some((name, value, known.labels.get(name)?)))
        .find(|(_, value, before)| value != before)?;
    Some((name.clone(), value.clone(), before.clone()))
}
