//! Reads the contexts of a run's tasks, as `--context` says.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::timeout;

use crate::cli::{ContextMode, ExportArgs};
use crate::journal::{Journal, JournalError, Record, Writer};
use crate::model::{Task, TaskId};
use crate::sms::request::RequestError;
use crate::sms::throttle::Gate;
use crate::tasks::discovery::{Contexts, DiscoverError, read_contexts};

use super::connect::Connected;
use super::console;
use super::exit::Failure;
use super::hints::{LISTING_CONTEXT, denied};

/// Maximum attempts of a request that the run can do without.
const ATTEMPTS: u32 = 3;
/// The share of the deadline that reading contexts may take.
const SHARE: u32 = 4;

/// The contexts of `tasks`; those of a listing that the run has read already are used.
///
/// # Errors
/// With `--context required`, when the service refuses the listing.
pub(crate) async fn read(
    args: &ExportArgs,
    listed: Option<Contexts>,
    tasks: &[Task],
    connected: &Connected,
    gate: &Gate,
) -> Result<Contexts, Failure> {
    let ids: Vec<&TaskId> = tasks.iter().filter_map(|task| task.task_id.as_ref()).collect();
    if args.context == ContextMode::Off || ids.is_empty() {
        return Ok(Contexts::new());
    }
    let is_required = args.context == ContextMode::Required;
    let most = args.connection.max_attempts;
    let attempts = if is_required { most } else { ATTEMPTS.try_into().map_or(most, |few| most.min(few)) };
    let read = match listed {
        Some(listed) => Ok(listed),
        None => {
            let limit = (args.deadline / SHARE).max(Duration::from_millis(1));
            match timeout(limit, read_contexts(&connected.client, gate, attempts, &ids)).await {
                Ok(Ok(read)) => Ok(read),
                Ok(Err(error)) => Err(Unread::of(error)),
                Err(_) => Err(Unread {
                    what: "the listing takes more than a quarter of the run's deadline (--deadline)"
                        .to_owned(),
                    is_unreachable: false,
                    is_refused: false,
                }),
            }
        }
    };
    let (contexts, what) = match read {
        Ok(mut contexts) => {
            let wanted: HashSet<&TaskId> = ids.iter().copied().collect();
            contexts.retain(|id, _| wanted.contains(id));
            let unknown = ids.iter().filter(|id| !contexts.contains_key(**id)).count();
            let what = format!("it was not found for {unknown} of {} tasks", ids.len());
            (contexts, (unknown > 0).then_some(what))
        }
        Err(Unread { what, is_refused: true, .. }) if is_required => {
            return Err(Failure::credentials(format!(
                "--context required, but the context of the tasks cannot be read: {what}; nothing was fetched"
            )));
        }
        Err(Unread { is_unreachable: true, .. }) => (Contexts::new(), None),
        Err(Unread { what, .. }) => (Contexts::new(), Some(what)),
    };
    tracing::info!(event = "context_read", tasks = ids.len(), known = contexts.len());
    if let Some(what) = what
        && (is_required || !console::is_quiet())
    {
        console::warning(&format!(
            "context not known: {what}; later synchronisations and configured directories are not checked"
        ));
    }
    Ok(contexts)
}

/// Why contexts could not be read.
struct Unread {
    what: String,
    /// Whether the service is out of reach, as every task then says.
    is_unreachable: bool,
    /// Whether the service refused it.
    is_refused: bool,
}

impl Unread {
    fn of(error: DiscoverError) -> Self {
        match error {
            DiscoverError::Request(RequestError::Failed(failure)) => Self {
                what: denied(&failure, LISTING_CONTEXT),
                is_unreachable: failure.kind.is_unreachable(),
                is_refused: matches!(failure.status, Some(401 | 403)),
            },
            DiscoverError::Request(RequestError::Refused(failure)) => {
                Self { what: failure.summary(), is_unreachable: false, is_refused: true }
            }
            error => Self { what: error.to_string(), is_unreachable: false, is_refused: false },
        }
    }
}

/// Records the contexts of tasks that a resumed run does not fetch again, where they changed.
///
/// # Errors
/// When the journal cannot be read or written.
pub(crate) fn record_changes(
    held: &Journal,
    wanted: &[usize],
    contexts: &mut Contexts,
    writer: &mut Writer,
) -> Result<(), JournalError> {
    let wanted: HashSet<usize> = wanted.iter().copied().collect();
    for (ordinal, task) in held.header().list.tasks.iter().enumerate() {
        if wanted.contains(&ordinal) {
            continue;
        }
        let Some(context) = task.task_id.as_ref().and_then(|id| contexts.remove(id)) else { continue };
        let Some(record) = held.record(ordinal)? else { continue };
        let is_known = record.context.as_ref().is_some_and(|known| known.listed == context.listed);
        if !is_known {
            writer.append(Record { context: Some(context), ..record })?;
        }
    }
    Ok(())
}
