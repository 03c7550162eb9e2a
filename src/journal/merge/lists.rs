//! The lists of several journals as one.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::iter;
use std::path::{Path, PathBuf};

use super::choice::{Candidate, choose};
use super::error::MergeError;
use super::input::Input;
use crate::journal::header::Header;
use crate::journal::origin::{Divided, Origin, Run};
use crate::model::{Reconciliation, Task, TaskId, TaskList};

/// The label that tells the tasks of several endpoints apart.
const ENDPOINT: &str = "endpoint";

/// What the inputs hold of one endpoint.
#[derive(Debug, Default)]
pub(super) struct Group {
    runs: BTreeSet<Run>,
    /// The list that was divided, into how many shards, and who says so.
    list: Option<(String, usize, u32, PathBuf)>,
    tasks: Vec<Entry>,
    /// The place in `tasks` by each [identity](identities).
    places: HashMap<String, usize>,
}

/// What the inputs hold of one task.
#[derive(Debug)]
struct Entry {
    task: Task,
    /// Its place in the list that was divided.
    ordinal: Option<usize>,
    /// What it has of each input, with the input and the ordinal there.
    candidates: Vec<(Candidate, (usize, usize))>,
}

/// The tasks of all inputs by endpoint and id, each with its best result.
pub(super) fn groups(inputs: &[Input]) -> Result<BTreeMap<String, Group>, MergeError> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for (place, input) in inputs.iter().enumerate() {
        let mut tasks = input.header.list.tasks.iter().zip(&input.results).enumerate();
        for origin in &input.origins {
            let group = groups.entry(origin.endpoint.clone()).or_default();
            group.runs.extend(origin.runs.iter().cloned());
            group.join(origin, &input.file.name)?;
            let mut ordinals = origin.list.iter().flat_map(|list| list.ordinals.iter().copied());
            for (there, (task, result)) in tasks.by_ref().take(origin.tasks) {
                let mut task = task.clone();
                endpoint_label(input).map(|own| task.labels.remove(own));
                group.add(task, ordinals.next(), result.map(|candidate| (candidate, (place, there))));
            }
        }
    }
    Ok(groups)
}

impl Group {
    /// Checks that what `origin` has shards of is what the others have shards of.
    fn join(&mut self, origin: &Origin, path: &Path) -> Result<(), MergeError> {
        let Some((Divided { list_sha256, list_tasks, .. }, of)) = origin.list.as_ref().zip(origin.shards())
        else {
            return Ok(());
        };
        let Some((sha256, tasks, others, other)) = &self.list else {
            self.list = Some((list_sha256.clone(), *list_tasks, of, path.to_owned()));
            return Ok(());
        };
        let what = if *others != of {
            format!("one of them is a shard of {others}, the other of {of}")
        } else if (sha256, tasks) != (list_sha256, list_tasks) {
            format!("their task lists differ, one with {tasks} tasks, the other with {list_tasks}")
        } else {
            return Ok(());
        };
        Err(MergeError::Strangers { one: other.clone(), other: path.to_owned(), what })
    }

    /// Adds what an input that began no earlier than those before says of a task.
    fn add(&mut self, task: Task, ordinal: Option<usize>, result: Option<(Candidate, (usize, usize))>) {
        let mut names = identities(&task);
        let place = names.find_map(|name| self.places.get(&name).copied()).unwrap_or(self.tasks.len());
        for name in identities(&task) {
            self.places.entry(name).or_insert(place);
        }
        if place == self.tasks.len() {
            self.tasks.push(Entry { task: Task::default(), ordinal: None, candidates: Vec::new() });
        }
        let Some(entry) = self.tasks.get_mut(place) else { return };
        let known = &mut entry.task;
        known.task_id = task.task_id.or(known.task_id.take());
        known.source_id = task.source_id.or(known.source_id.take());
        known.source_name = task.source_name.or(known.source_name.take());
        known.planned = task.planned.or(known.planned.take());
        known.labels.extend(task.labels);
        entry.ordinal = ordinal.or(entry.ordinal);
        entry.candidates.extend(result);
    }
}

/// What makes a task of one list that of another: the plan's name of its server, then its task id.
pub(super) fn identities(task: &Task) -> impl Iterator<Item = String> + use<> {
    let planned = task.planned.as_ref().map(|planned| format!("plan {}", planned.name.to_lowercase()));
    planned.into_iter().chain(task.task_id.as_ref().map(|id| format!("task {id}")))
}

/// By ordinal: the input and the ordinal there that a task's record is taken from.
pub(super) type Taken = Vec<Option<(usize, usize)>>;

/// The header of the merged journal, and where each task's record is taken from.
pub(super) fn merged(inputs: &[Input], groups: BTreeMap<String, Group>) -> (Header, Taken) {
    let mut labels = Vec::new();
    for input in inputs {
        let own = endpoint_label(input);
        for label in input.header.list.labels.iter().filter(|label| Some(*label) != own) {
            if !labels.contains(label) {
                labels.push(label.clone());
            }
        }
    }
    let mut names = iter::once(ENDPOINT.to_owned()).chain((2_u64..).map(|n| format!("{ENDPOINT} ({n})")));
    let endpoint_label = names.find(|name| !labels.contains(name)).filter(|_| groups.len() > 1);
    labels.extend(endpoint_label.clone());
    let endpoints: Vec<&str> = groups.keys().map(String::as_str).collect();
    let endpoint = endpoints.join(", ");
    let (mut tasks, mut taken, mut merged_from) = (Vec::new(), Vec::new(), Vec::new());
    for (endpoint, group) in groups {
        let mut entries = group.tasks;
        entries.sort_by_key(|entry| (entry.ordinal.is_none(), entry.ordinal));
        let list = group.list.map(|(list_sha256, list_tasks, ..)| {
            let ordinals = entries.iter().filter_map(|entry| entry.ordinal).collect();
            Divided { list_sha256, list_tasks, ordinals }
        });
        merged_from.push(Origin { endpoint: endpoint.clone(), tasks: entries.len(), runs: group.runs, list });
        for mut entry in entries {
            if let Some(label) = &endpoint_label {
                entry.task.labels.insert(label.clone(), endpoint.clone());
            }
            let chosen = choose(&entry.candidates);
            if let Some(of_record) = chosen.and_then(|chosen| task_at(inputs, chosen)) {
                // Of a server whose task was made anew, the answer and the id belong together.
                entry.task.task_id.clone_from(&of_record.task_id);
                entry.task.planned = of_record.planned.clone().or(entry.task.planned);
            }
            tasks.push(entry.task);
            taken.push(chosen);
        }
    }
    let started = inputs.iter().map(|input| input.header.started_at).min().unwrap_or_default();
    let mut header = Header::new(started, endpoint, TaskList { labels, tasks });
    header.merged_from = merged_from;
    header.reconciliation = reconciled(inputs, &header);
    let unlisted: BTreeSet<_> = inputs.iter().flat_map(|input| &input.header.unlisted).collect();
    header.unlisted = unlisted.into_iter().cloned().collect();
    let same_server: BTreeSet<_> = inputs.iter().flat_map(|input| &input.header.same_server).collect();
    header.same_server = same_server.into_iter().cloned().collect();
    (header, taken)
}

/// The task at an ordinal of an input.
fn task_at(inputs: &[Input], (input, ordinal): (usize, usize)) -> Option<&Task> {
    inputs.get(input)?.header.list.tasks.get(ordinal)
}

/// The label by which a merged journal tells its endpoints apart: the last, which no list had.
fn endpoint_label(input: &Input) -> Option<&String> {
    input.header.list.labels.last().filter(|_| input.origins.len() > 1)
}

/// What the comparisons with the accounts found, all in all.
///
/// A task that one list lacks may stand in another, and one that was not found may have been found
/// later. That all is well is said only if every list was compared and none is missing.
fn reconciled(inputs: &[Input], header: &Header) -> Option<Reconciliation> {
    let declared: HashSet<&TaskId> =
        header.list.tasks.iter().filter_map(|task| task.task_id.as_ref()).collect();
    let mut all = header.missing().shards.is_empty();
    let mut not_found: HashSet<&TaskId> = HashSet::new();
    let mut undeclared: BTreeMap<&TaskId, &Task> = BTreeMap::new();
    for input in inputs {
        let Some(reconciliation) = &input.header.reconciliation else {
            all = false;
            continue;
        };
        for task in &input.header.list.tasks {
            task.task_id.as_ref().map(|id| not_found.remove(id));
        }
        not_found.extend(&reconciliation.not_found);
        let found = reconciliation.undeclared.iter();
        undeclared.extend(found.filter_map(|task| Some((task.task_id.as_ref()?, task))));
    }
    let in_list = header.list.tasks.iter().filter_map(|task| task.task_id.as_ref());
    let in_order = in_list.filter(|id| not_found.contains(id));
    let reconciliation = Reconciliation {
        not_found: in_order.cloned().collect(),
        undeclared: undeclared
            .into_iter()
            .filter(|(id, _)| !declared.contains(id))
            .map(|(_, task)| task.clone())
            .collect(),
    };
    (all || reconciliation != Reconciliation::default()).then_some(reconciliation)
}
