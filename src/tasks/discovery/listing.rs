//! Finding the account's tasks: all pages of a listing, even if it changes while it is read.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;

use jiff::Timestamp;

use super::entry_contexts::{Contexts, take_contexts};
use crate::model::{LISTED_LABELS, Task, TaskId, TaskList};
use crate::sms::pages::{self, Entry, Page};
use crate::sms::request::{RequestError, request_with_retry};
use crate::sms::throttle::Gate;
use crate::sms::{Client, Outcome, Reply};

/// The largest offset that the API takes.
const MAX_OFFSET: usize = 65_535;
/// The largest page that the API gives.
pub(super) const PAGE: usize = 200;
/// How often a listing that changes while it is read is read.
const PASSES: usize = 5;
/// The states of a task. A listing that is too long for its offsets is read state by state.
pub const STATES: [&str; 14] = [
    "READY",
    "RUNNING",
    "SYNCING",
    "MIGRATE_SUCCESS",
    "MIGRATE_FAIL",
    "ABORTING",
    "ABORT",
    "DELETING",
    "SYNC_F_ROLLBACKING",
    "SYNC_F_ROLLBACK_SUCCESS",
    "SYNC_SUCCESS",
    "SYNC_FAIL",
    "SKIPPING",
    "RESETTING",
];

/// Which tasks to find.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Only the current tasks of source servers that have results.
    pub with_results: bool,
    /// Only tasks in this state.
    pub state: Option<String>,
    /// Only tasks of this name.
    pub name: Option<String>,
}

/// The tasks that were found.
#[derive(Debug)]
pub struct Discovered {
    /// The tasks, each id once, in the order of the service.
    pub list: TaskList,
    /// What may be missing.
    pub warnings: Vec<String>,
    /// The contexts of the tasks, if tasks were listed.
    pub contexts: Contexts,
}

/// Why the account's tasks cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// No answer.
    #[error("the account's tasks cannot be listed: {0}")]
    Request(#[from] RequestError),
    /// An answer, but no page.
    #[error("the account's tasks cannot be listed: {0}")]
    Unreadable(String),
    /// More entries than offsets reach.
    #[error(
        "there are {count} {of}, and the API gives no more than {}; narrow the search with --name",
        MAX_OFFSET + 1
    )]
    TooMany {
        /// How many there are.
        count: u64,
        /// Of what.
        of: String,
    },
    /// An id that no task can have.
    #[error("the service lists a task whose id cannot be used: {0}")]
    Id(#[from] crate::model::TaskIdError),
}

/// Finds the account's tasks.
///
/// # Errors
/// [`DiscoverError`]. Gaps in a listing are no error: they are in the warnings.
pub async fn discover(
    client: &Client,
    gate: &Gate,
    max_attempts: NonZeroU32,
    search: &Search,
) -> Result<Discovered, DiscoverError> {
    let calls = Calls { client, gate, max_attempts, search, lists_sources: search.with_results };
    let listed = calls.all().await?;
    into_tasks(listed)
}

/// All entries of a listing.
#[derive(Debug, Default)]
pub struct Listed {
    /// The entries, each id once, in the order of the service.
    pub entries: Vec<Entry>,
    /// What may be missing.
    pub warnings: Vec<String>,
}

impl Listed {
    /// Takes the contexts of the tasks.
    pub fn take_contexts(&mut self) -> Contexts {
        take_contexts(&mut self.entries)
    }

    /// The tasks, as [`discover`] finds them.
    ///
    /// # Errors
    /// When an id cannot be used.
    pub fn into_discovered(self) -> Result<Discovered, DiscoverError> {
        into_tasks(self)
    }
}

/// Lists all tasks of an account, once.
///
/// # Errors
/// [`DiscoverError`]. Gaps in a listing are no error: they are in the warnings.
pub async fn list_tasks(
    client: &Client,
    gate: &Gate,
    max_attempts: NonZeroU32,
) -> Result<Listed, DiscoverError> {
    let search = Search::default();
    Calls { client, gate, max_attempts, search: &search, lists_sources: false }.all().await
}

/// Lists all source servers of an account, once.
///
/// # Errors
/// As of [`list_tasks`].
pub async fn list_sources(
    client: &Client,
    gate: &Gate,
    max_attempts: NonZeroU32,
) -> Result<Listed, DiscoverError> {
    let search = Search::default();
    Calls { client, gate, max_attempts, search: &search, lists_sources: true }.all().await
}

pub(super) struct Calls<'a> {
    pub(super) client: &'a Client,
    pub(super) gate: &'a Gate,
    pub(super) max_attempts: NonZeroU32,
    pub(super) search: &'a Search,
    pub(super) lists_sources: bool,
}

impl Calls<'_> {
    /// All pages.
    async fn all(&self) -> Result<Listed, DiscoverError> {
        let (limit, of) = (PAGE, if self.lists_sources { "source servers" } else { "tasks" });
        let state = self.search.state.as_deref();
        let first = Listing::read(limit, async |offset| self.page(limit, offset, state).await);
        let listing = match first.await? {
            Read::Whole(listing) => listing,
            Read::Beyond(_, count) if self.lists_sources || state.is_some() => {
                return Err(DiscoverError::TooMany { count, of: of.to_owned() });
            }
            Read::Beyond(_, count) => {
                let mut whole = Listing { count: Some(count), most: count, ..Listing::default() };
                self.add_states(&mut whole).await?;
                whole
            }
        };
        Ok(listing.into_listed(of))
    }

    /// Adds the tasks of an account that is too long for its offsets, state by state.
    pub(super) async fn add_states(&self, listing: &mut Listing) -> Result<(), DiscoverError> {
        for state in STATES {
            self.add_state(listing, state).await?;
        }
        Ok(())
    }

    /// Adds the tasks of a state; of one that is too long for its offsets those that they reach, with an error.
    pub(super) async fn add_state(&self, listing: &mut Listing, state: &str) -> Result<(), DiscoverError> {
        let part = Listing::read(PAGE, async |offset| self.page(PAGE, offset, Some(state)).await);
        match part.await? {
            Read::Whole(part) => listing.join(part),
            Read::Beyond(part, count) => {
                listing.join(part);
                return Err(DiscoverError::TooMany { count, of: format!("tasks in state {state}") });
            }
        }
        Ok(())
    }

    pub(super) async fn page(
        &self,
        limit: usize,
        offset: usize,
        state: Option<&str>,
    ) -> Result<Page, DiscoverError> {
        let mut query =
            vec![("limit".to_owned(), limit.to_string()), ("offset".to_owned(), offset.to_string())];
        if self.search.with_results {
            query.push(("is_consistency_result_exist".to_owned(), "true".to_owned()));
        }
        let filters = [("state", state), ("name", self.search.name.as_deref())];
        for (name, value) in filters {
            query.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        }
        let call = async || -> Outcome {
            if self.lists_sources {
                self.client.sources(query.clone()).await
            } else {
                self.client.tasks(query.clone()).await
            }
        };
        let reply = request_with_retry(self.gate, self.max_attempts, call).await?;
        let page = if self.lists_sources {
            pages::sources(&reply.body)
        } else {
            pages::tasks(&reply.body, read_at(&reply))
        };
        page.map_err(DiscoverError::Unreadable)
    }
}

/// When a reply came, on the service's clock.
pub(super) fn read_at(reply: &Reply) -> Timestamp {
    let now = Timestamp::now();
    let now = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
    reply.clock_offset.unwrap_or_default().service_time(now)
}

/// The part of a listing that was read so far.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Each entry once.
    pub(super) entries: Vec<Entry>,
    /// The index in `entries` by id.
    pub(super) ids: HashMap<String, usize>,
    /// How many entries there are, as the last page says.
    pub(super) count: Option<u64>,
    /// The greatest number of entries that any page said.
    pub(super) most: u64,
    /// Whether a page did not say how many there are.
    pub(super) uncounted: bool,
    /// Whether it changed each time it was read.
    pub(super) unsteady: bool,
}

enum Read {
    Whole(Listing),
    /// There are this many entries, and offsets do not reach the last of them.
    Beyond(Listing, u64),
}

impl Listing {
    /// Reads a listing until it does not change during a pass over all pages, and joins the entries of all passes.
    async fn read(
        limit: usize,
        page: impl AsyncFn(usize) -> Result<Page, DiscoverError>,
    ) -> Result<Read, DiscoverError> {
        let mut listing = Self::default();
        for _ in 0..PASSES {
            match listing.pass(limit, &page).await? {
                Pass::Steady => {
                    listing.unsteady = false;
                    return Ok(Read::Whole(listing));
                }
                Pass::Changed => listing.unsteady = true,
                Pass::Beyond(count) => return Ok(Read::Beyond(listing, count)),
            }
        }
        Ok(Read::Whole(listing))
    }

    /// Reads all pages. Each begins with the last entry of the one before: if it does not, or if an entry comes
    /// again or the count changes, the listing has changed and entries may have been skipped.
    pub(super) async fn pass(
        &mut self,
        limit: usize,
        page: impl AsyncFn(usize) -> Result<Page, DiscoverError>,
    ) -> Result<Pass, DiscoverError> {
        let mut seen = HashSet::new();
        let mut last: Option<String> = None;
        let mut steady = true;
        let mut offset = 0;
        let mut counted = None;
        loop {
            let Page { count, entries } = page(offset).await?;
            self.count = count;
            self.most = self.most.max(count.unwrap_or_default());
            self.uncounted |= count.is_none();
            steady &= counted.is_none_or(|counted| counted == count);
            counted = Some(count);
            let overlap = usize::from(last.is_some());
            steady &= overlap == 0 || entries.first().map(|entry| &entry.id) == last.as_ref();
            let (length, before) = (entries.len(), seen.len());
            last = entries.last().map(|entry| entry.id.clone());
            for entry in entries {
                seen.insert(entry.id.clone());
                self.add(entry);
            }
            // An entry that comes twice takes the place of another.
            steady &= seen.len() + overlap >= before + length;
            let reached = u64::try_from(offset + length).unwrap_or(u64::MAX);
            // A page longer than the limit comes from a service without paging.
            let is_full = length == limit || (length > limit && count.is_none());
            let is_more = is_full || count.is_some_and(|count| count > reached);
            if !is_more || seen.len() == before {
                break;
            }
            offset += length - usize::from(length > 1);
            if offset > MAX_OFFSET {
                return Ok(Pass::Beyond(count.unwrap_or(reached)));
            }
        }
        let all = self.count.is_none_or(|count| u64::try_from(seen.len()).is_ok_and(|seen| seen == count));
        Ok(if steady && all { Pass::Steady } else { Pass::Changed })
    }

    fn add(&mut self, entry: Entry) {
        match self.ids.get(&entry.id).and_then(|index| self.entries.get_mut(*index)) {
            // The later context counts: the task may have changed meanwhile.
            Some(Entry { task: Some(known), .. }) => {
                known.context = entry.task.and_then(|task| task.context).or(known.context.take());
            }
            Some(_) => {}
            None => {
                self.ids.insert(entry.id.clone(), self.entries.len());
                self.entries.push(entry);
            }
        }
    }

    fn join(&mut self, other: Self) {
        self.unsteady |= other.unsteady;
        self.uncounted |= other.uncounted;
        other.entries.into_iter().for_each(|entry| self.add(entry));
    }

    fn into_listed(self, of: &str) -> Listed {
        let mut warnings = Vec::new();
        let found = self.entries.len();
        let most = self.most;
        if u64::try_from(found).is_ok_and(|found| found < most) {
            warnings.push(format!("the service counts {most} {of} but lists {found}; tasks may be missing"));
        } else if self.unsteady {
            warnings.push(format!(
                "the list of {of} was inconsistent each time it was read: its count changed or does not match, or \
                 entries moved or came twice; tasks may be missing"
            ));
        } else if self.uncounted {
            warnings.push(format!("the service does not say how many {of} there are; tasks may be missing"));
        }
        // The server of such a task would seem to have none.
        let mut tasks = self.entries.iter().filter_map(|entry| entry.task.as_ref());
        let invalid = tasks.find_map(|task| TaskId::new(&task.id).err());
        warnings.extend(invalid.map(|error| DiscoverError::Id(error).to_string()));
        Listed { entries: self.entries, warnings }
    }
}

/// The tasks of a listing.
fn into_tasks(Listed { mut entries, mut warnings }: Listed) -> Result<Discovered, DiscoverError> {
    let contexts = take_contexts(&mut entries);
    let mut list = TaskList { labels: LISTED_LABELS.map(str::to_owned).to_vec(), tasks: Vec::new() };
    let mut known = HashSet::new();
    for entry in entries {
        if entry.has_results == Some(false) {
            continue;
        }
        let Some(listed) = entry.task else {
            let server = entry.source_name.unwrap_or(entry.id);
            warnings.push(format!(
                "source server {server} has no current task, so its results cannot be fetched"
            ));
            continue;
        };
        let task_id = TaskId::new(&listed.id)?;
        if !known.insert(task_id.clone()) {
            continue;
        }
        let labels = LISTED_LABELS.into_iter().zip([listed.name, listed.kind, listed.state]);
        let labels = labels.filter_map(|(name, value)| Some((name, value?))).collect();
        list.tasks.push(Task {
            source_id: entry.source_id,
            source_name: entry.source_name,
            labels,
            ..Task::new(task_id)
        });
    }
    Ok(Discovered { list, warnings, contexts })
}

pub(super) enum Pass {
    /// The listing did not change, and its count is that of its entries.
    Steady,
    Changed,
    Beyond(u64),
}

#[cfg(test)]
mod tests;
