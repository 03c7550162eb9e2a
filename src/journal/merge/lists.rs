//! Merges task lists.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::iter;
use std::mem;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::choice::{Candidate, choose};
use super::error::MergeError;
use super::input::{Input, Rank};
use crate::journal::header::Header;
use crate::journal::origin::{Origin, Run, ShardedList};
use crate::model::{Reconciliation, Task, TaskId, TaskList};

/// The label with the endpoint, if there are several.
const ENDPOINT: &str = "endpoint";

/// The tasks of one endpoint from all inputs.
#[derive(Debug, Default)]
pub(super) struct Group {
    runs: BTreeSet<Run>,
    /// The divided list: hash, tasks, shards, and the journal that it is from.
    list: Option<(String, usize, u32, PathBuf)>,
    tasks: Vec<Entry>,
    /// Index in `tasks` by the hash of each [identity](identities), which takes less memory than the text.
    places: HashMap<IdentityHash, usize>,
}

/// The first half of a SHA-256.
type IdentityHash = [u8; 16];

fn hash(identity: &str) -> IdentityHash {
    let whole: [u8; 32] = Sha256::digest(identity).into();
    *whole.first_chunk().unwrap_or(&[0; 16])
}

/// A task from all inputs.
#[derive(Debug)]
struct Entry {
    task: Task,
    /// Its ordinal in the divided list.
    ordinal: Option<usize>,
    /// Where it has records.
    records: Vec<Source>,
}

/// The tasks of all inputs by endpoint. Names and labels are moved, not copied: they are most of a list's memory.
pub(super) fn groups(inputs: &mut [Input]) -> Result<BTreeMap<String, Group>, MergeError> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for (place, input) in inputs.iter_mut().enumerate() {
        let own_label = endpoint_label(input).cloned();
        let mut tasks = input.header.list.tasks.iter_mut().zip(&input.lines).enumerate();
        for origin in &input.origins {
            let group = groups.entry(origin.endpoint.clone()).or_default();
            group.runs.extend(origin.runs.iter().cloned());
            group.join(origin, &input.source.file.name)?;
            let mut ordinals = origin.list.iter().flat_map(|list| list.ordinals.iter().copied());
            for (source_ordinal, (task, line)) in tasks.by_ref().take(origin.tasks) {
                let mut task = Task {
                    task_id: task.task_id.clone(),
                    source_id: task.source_id.take(),
                    source_name: task.source_name.take(),
                    labels: mem::take(&mut task.labels),
                    planned: task.planned.clone(),
                };
                own_label.iter().for_each(|own| task.labels.remove(own));
                let source = line.is_some().then_some((place, source_ordinal));
                group.add(task, ordinals.next(), source);
            }
        }
    }
    for group in groups.values_mut() {
        group.places = HashMap::new();
    }
    Ok(groups)
}

/// By input: the ordinals of the records whose tasks have several.
pub(super) fn competing(groups: &BTreeMap<String, Group>, inputs: usize) -> Vec<Vec<usize>> {
    let mut ordinals = vec![Vec::new(); inputs];
    let entries = groups.values().flat_map(|group| &group.tasks).filter(|entry| entry.records.len() > 1);
    for (place, ordinal) in entries.flat_map(|entry| &entry.records) {
        ordinals.get_mut(*place).iter_mut().for_each(|of_input| of_input.push(*ordinal));
    }
    ordinals
}

impl Group {
    /// Checks that `origin` has shards of the same list as the inputs before.
    fn join(&mut self, origin: &Origin, path: &Path) -> Result<(), MergeError> {
        let Some((ShardedList { list_sha256, list_tasks, .. }, of)) =
            origin.list.as_ref().zip(origin.shards())
        else {
            return Ok(());
        };
        let Some((sha256, tasks, others, other)) = &self.list else {
            self.list = Some((list_sha256.clone(), *list_tasks, of, path.to_owned()));
            return Ok(());
        };
        let what = if *others != of {
            format!("one is divided into {others} shards, the other into {of}")
        } else if (sha256, tasks) != (list_sha256, list_tasks) {
            format!("their task lists differ, one with {tasks} tasks, the other with {list_tasks}")
        } else {
            return Ok(());
        };
        Err(MergeError::IncompatibleShards { one: other.clone(), other: path.to_owned(), what })
    }

    /// Adds a task of an input. Inputs are added by start, so later values replace earlier ones.
    fn add(&mut self, task: Task, ordinal: Option<usize>, source: Option<Source>) {
        let hashes = || identities(&task).map(|name| hash(&name));
        let place = hashes().find_map(|hash| self.places.get(&hash).copied()).unwrap_or(self.tasks.len());
        for hash in hashes() {
            self.places.entry(hash).or_insert(place);
        }
        if place == self.tasks.len() {
            self.tasks.push(Entry { task: Task::default(), ordinal: None, records: Vec::new() });
        }
        let Some(entry) = self.tasks.get_mut(place) else { return };
        let known = &mut entry.task;
        known.task_id = task.task_id.or(known.task_id.take());
        known.source_id = task.source_id.or(known.source_id.take());
        known.source_name = task.source_name.or(known.source_name.take());
        known.planned = task.planned.or(known.planned.take());
        known.labels.extend(task.labels);
        entry.ordinal = ordinal.or(entry.ordinal);
        // Most tasks have one record.
        entry.records.reserve_exact(usize::from(source.is_some()));
        entry.records.extend(source);
    }
}

/// The keys that identify a task across lists: the plan's server name, then the task id.
pub(super) fn identities(task: &Task) -> impl Iterator<Item = String> + use<> {
    let planned = task.planned.as_ref().map(|planned| format!("plan {}", planned.name.to_lowercase()));
    planned.into_iter().chain(task.task_id.as_ref().map(|id| format!("task {id}")))
}

/// Where a record is: the input, and the ordinal in it.
pub(super) type Source = (usize, usize);

/// By ordinal: where each task's record is.
pub(super) type RecordSources = Vec<Option<Source>>;

/// A merged list, and where its records come from.
pub(super) struct Merged {
    pub(super) header: Header,
    pub(super) record_sources: RecordSources,
    /// By ordinal: where each context is that is newer than that of the task's record.
    pub(super) context_sources: RecordSources,
}

/// The header of the merged journal, and the source of each record.
pub(super) fn merged(inputs: &[Input], groups: BTreeMap<String, Group>) -> Merged {
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
    let (mut tasks, mut record_sources, mut merged_from) = (Vec::new(), Vec::new(), Vec::new());
    let mut context_sources = Vec::new();
    for (endpoint, group) in groups {
        let mut entries = group.tasks;
        entries.sort_by_key(|entry| (entry.ordinal.is_none(), entry.ordinal));
        let list = group.list.map(|(list_sha256, list_tasks, ..)| {
            let ordinals = entries.iter().filter_map(|entry| entry.ordinal).collect();
            ShardedList { list_sha256, list_tasks, ordinals }
        });
        merged_from.push(Origin { endpoint: endpoint.clone(), tasks: entries.len(), runs: group.runs, list });
        for mut entry in entries {
            if let Some(label) = &endpoint_label {
                entry.task.labels.insert(label, &endpoint);
            }
            let found = entry.records.iter();
            let candidates: Vec<(Candidate, Source)> =
                found.filter_map(|source| Some((rank_at(inputs, *source)?.candidate, *source))).collect();
            // A record that is the only one is not ranked.
            let chosen = choose(&candidates).or(entry.records.first().copied());
            if let Some(of_record) = chosen.and_then(|chosen| task_at(inputs, chosen)) {
                // If a server's task was created again, the id must match the answer.
                entry.task.task_id.clone_from(&of_record.task_id);
                entry.task.planned = of_record.planned.clone().or(entry.task.planned);
            }
            context_sources.push(chosen.and_then(|chosen| newer_context(inputs, &candidates, chosen)));
            tasks.push(entry.task);
            record_sources.push(chosen);
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
    Merged { header, record_sources, context_sources }
}

/// The record with the newest context of the task of the record `chosen`; none if that is `chosen` itself.
fn newer_context(inputs: &[Input], candidates: &[(Candidate, Source)], chosen: Source) -> Option<Source> {
    let task_id = task_at(inputs, chosen)?.task_id.as_ref()?;
    let read_at = |place| rank_at(inputs, place)?.context;
    let of_task = |place| task_at(inputs, place).is_some_and(|task| task.task_id.as_ref() == Some(task_id));
    let known = candidates.iter().filter(|(_, place)| of_task(*place));
    let known = known.filter_map(|(candidate, place)| Some((read_at(*place)?, candidate, *place)));
    let (newest, _, place) = known.max_by_key(|(read_at, candidate, _)| (*read_at, *candidate))?;
    (Some(newest) > read_at(chosen)).then_some(place)
}

/// The task at an ordinal of an input.
fn task_at(inputs: &[Input], (input, ordinal): Source) -> Option<&Task> {
    inputs.get(input)?.header.list.tasks.get(ordinal)
}

/// The rank of the record at an ordinal of an input; none if it is the only one of its task.
fn rank_at(inputs: &[Input], (input, ordinal): Source) -> Option<&Rank> {
    inputs.get(input)?.ranks.get(&ordinal)
}

/// The endpoint label of a merged journal: the last one.
fn endpoint_label(input: &Input) -> Option<&String> {
    input.header.list.labels.last().filter(|_| input.origins.len() > 1)
}

/// Combines the comparisons with the accounts.
///
/// A task that one list lacks may be in another, and one that was not found may be found later. The result is known
/// only if every list was compared and no shard is missing.
fn reconciled(inputs: &[Input], header: &Header) -> Option<Reconciliation> {
    if !inputs.is_empty() && inputs.iter().all(|input| input.header.reconciliation.is_none()) {
        return None;
    }
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
