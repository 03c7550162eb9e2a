//! The contexts of the tasks of a list, read with as few requests as the account allows.

use std::cell::Cell;
use std::num::NonZeroU32;

use super::entry_contexts::{Contexts, take_contexts};
use super::listing::{Calls, DiscoverError, Listing, PAGE, Pass, STATES, Search, read_at};
use crate::model::{TaskContext, TaskId};
use crate::sms::pages::{self, Page};
use crate::sms::request::{RequestError, request_with_retry};
use crate::sms::throttle::Gate;
use crate::sms::{Client, Outcome};

/// Reads the contexts of `tasks`: from the listing, or task by task where that takes fewer requests. A task that the
/// account does not have has none.
///
/// # Errors
/// [`DiscoverError`].
pub async fn read_contexts(
    client: &Client,
    gate: &Gate,
    max_attempts: NonZeroU32,
    tasks: &[&TaskId],
) -> Result<Contexts, DiscoverError> {
    let search = Search::default();
    let calls = Calls { client, gate, max_attempts, search: &search, lists_sources: false };
    let mut listing = Listing::default();
    // Task by task, a list of one costs one request, which is also the least that a listing can cost.
    let pass = if tasks.len() > 1 { Some(listed(&calls, &mut listing, tasks.len()).await?) } else { None };
    let is_steady = matches!(pass, Some(Pass::Steady));
    let mut contexts = take_contexts(&mut listing.entries);
    let is_absent = |task: &&&TaskId| !listing.ids.contains_key(task.as_str());
    let missing: Vec<&&TaskId> = tasks.iter().filter(is_absent).filter(|_| !is_steady).collect();
    if missing.is_empty() {
        return Ok(contexts);
    }
    if let Some(pass) = pass.filter(|_| is_cheaper(listing.most, missing.len())) {
        match pass {
            Pass::Beyond(_) => {
                for state in STATES {
                    match calls.add_state(&mut listing, state).await {
                        // The tasks that cannot be listed have no context.
                        Ok(()) | Err(DiscoverError::TooMany { .. }) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
            // Tasks may have moved between the pages of a listing that changed.
            Pass::Steady | Pass::Changed => {
                listed(&calls, &mut listing, usize::MAX).await?;
            }
        }
        contexts.extend(take_contexts(&mut listing.entries));
        return Ok(contexts);
    }
    for task in missing {
        contexts.extend(one(&calls, task).await?.map(|context| ((*task).clone(), context)));
    }
    Ok(contexts)
}

/// Whether a listing of this many tasks takes fewer requests than `tasks` requests, one for each.
fn is_cheaper(count: u64, tasks: usize) -> bool {
    // Each page repeats the last entry of the one before.
    usize::try_from(count).is_ok_and(|count| count.div_ceil(PAGE - 1) <= tasks)
}

/// Reads the listing once, or only its first page if `tasks` requests are fewer than its pages.
async fn listed(calls: &Calls<'_>, listing: &mut Listing, tasks: usize) -> Result<Pass, DiscoverError> {
    let is_stopped = Cell::new(false);
    let page = async |offset: usize| -> Result<Page, DiscoverError> {
        if offset > 0 && is_stopped.get() {
            return Ok(Page::default());
        }
        let page = calls.page(PAGE, offset, None).await?;
        is_stopped.set(page.count.is_some_and(|count| !is_cheaper(count, tasks)));
        Ok(page)
    };
    listing.pass(PAGE, page).await
}

/// The context of one task; none if the account does not have it.
async fn one(calls: &Calls<'_>, task: &TaskId) -> Result<Option<TaskContext>, DiscoverError> {
    let request = async || -> Outcome { calls.client.task(task).await };
    match request_with_retry(calls.gate, calls.max_attempts, request).await {
        Ok(reply) => {
            let entry = pages::task(&reply.body, read_at(&reply)).map_err(DiscoverError::Unreadable)?;
            Ok(entry.task.filter(|found| found.id == task.as_str()).and_then(|found| found.context))
        }
        Err(RequestError::Failed(failure)) if failure.status == Some(404) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
