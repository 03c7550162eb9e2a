//! The header: the first line of a journal.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::origin::{Missing, Origin, Part, Run, ShardedList};
use crate::model::{Account, Reconciliation, TOOL, TaskList};

/// The version of the journal format.
pub const FORMAT: u64 = 1;

/// The endpoint name of the embedded service.
pub const EMBEDDED: &str = "embedded";

/// What the run was to fetch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`] of the writer.
    pub journal_format: u64,
    /// The name and version of the program that wrote it.
    pub tool: String,
    /// When the run started.
    pub started_at: Timestamp,
    /// Where the answers come from, without credentials.
    pub endpoint: String,
    /// The account whose tasks were fetched; none in a merged journal and in one of an older version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// The tasks to fetch, in the order of the reports.
    pub list: TaskList,
    /// The filter of the task listing, for `--discover` or `--reconcile`; none if tasks were not listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searched: Option<SearchFilter>,
    /// Why the listing may lack tasks of the account, for people; empty if it is complete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unlisted: Vec<String>,
    /// Rows of a plan that are not in the list because another row is the same server, as the plan names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub same_server: Vec<String>,
    /// How the list compares with the account's tasks; none without `--reconcile`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconciliation: Option<Reconciliation>,
    /// The shard that the list is; none for the whole list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Part>,
    /// Of a merged journal: its source runs by endpoint, in the order of the list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged_from: Vec<Origin>,
}

/// The filter of a task listing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchFilter {
    /// Only tasks in this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Only tasks with this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether only tasks with results. None in a journal of an older version, in which `--discover` without a state
    /// or a name did that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_results: Option<bool>,
}

impl Header {
    /// The header of a run of this program.
    pub fn new(started_at: Timestamp, endpoint: String, list: TaskList) -> Self {
        Self {
            journal_format: FORMAT,
            tool: TOOL.to_owned(),
            started_at,
            endpoint,
            account: None,
            list,
            searched: None,
            unlisted: Vec::new(),
            same_server: Vec::new(),
            reconciliation: None,
            shard: None,
            merged_from: Vec::new(),
        }
    }

    /// The shards that were not among the inputs of a merged journal.
    pub fn missing(&self) -> Missing {
        let mut missing = Missing::default();
        for origin in &self.merged_from {
            let place =
                if self.merged_from.len() == 1 { String::new() } else { format!(" ({})", origin.endpoint) };
            let shards = origin.missing();
            if let Some(list) = origin.list.as_ref().filter(|_| !shards.is_empty()) {
                missing.tasks += list.list_tasks.saturating_sub(list.ordinals.len());
            }
            missing.shards.extend(shards.iter().map(|shard| format!("{shard}{place}")));
        }
        missing
    }

    /// The endpoint that the task at `ordinal` was fetched from.
    pub fn endpoint_of(&self, ordinal: usize) -> &str {
        let mut end = 0;
        let of_task = self.merged_from.iter().find(|origin| {
            end += origin.tasks;
            ordinal < end
        });
        of_task.map_or(&self.endpoint, |origin| &origin.endpoint)
    }

    /// Whether some of the tasks are from this endpoint.
    pub fn is_of(&self, endpoint: &str) -> bool {
        self.endpoint == endpoint || self.merged_from.iter().any(|origin| origin.endpoint == endpoint)
    }

    /// Ages are never computed from a time before this: the start, or of a merged journal the last run's end.
    pub(super) fn latest(&self) -> Timestamp {
        let runs = self.merged_from.iter().flat_map(|origin| &origin.runs);
        runs.map(|run| run.ended_at).fold(self.started_at, Timestamp::max)
    }

    /// Of a merged journal: the last run's end on the service's clock; none if that clock is unknown.
    pub(super) fn service_end(&self) -> Option<Timestamp> {
        let runs = || self.merged_from.iter().flat_map(|origin| &origin.runs);
        runs().find(|run| run.clock_offset_s.is_some())?;
        let end = |run: &Run| run.clock_offset_s.unwrap_or_default().service_time(run.ended_at);
        runs().map(end).max()
    }

    /// Checks that shard, origins and list are consistent.
    pub(super) fn check(&self) -> Result<(), String> {
        let tasks = self.list.tasks.len();
        let fits = |list: &ShardedList, most: usize| {
            let in_order = list.ordinals.is_sorted_by(|one, next| one < next);
            let in_list = list.ordinals.last().is_none_or(|last| *last < list.list_tasks);
            in_order && in_list && list.ordinals.len() <= most
        };
        let part = self.shard.as_ref().is_none_or(|part| {
            let holds = self.list.tasks.iter().all(|task| part.shard.holds(task.key()));
            holds && part.list.ordinals.len() == tasks && fits(&part.list, tasks)
        });
        let origins = self.merged_from.iter().all(|origin| {
            let of_one_number = origin
                .runs
                .iter()
                .filter_map(|run| run.shard)
                .all(|shard| Some(shard.of().get()) == origin.shards());
            let is_divided = origin.shards().is_some() == origin.list.is_some();
            of_one_number && is_divided && origin.list.as_ref().is_none_or(|list| fits(list, origin.tasks))
        });
        let counted = self.merged_from.iter().try_fold(0_usize, |sum, origin| sum.checked_add(origin.tasks));
        let counted = self.merged_from.is_empty() || counted == Some(tasks);
        if part && origins && counted {
            Ok(())
        } else {
            Err("its shards do not match its task list".to_owned())
        }
    }
}
