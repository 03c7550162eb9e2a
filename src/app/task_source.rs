//! Where a command's tasks come from: lists, the command line, the account.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use crate::cli::{ConnectionArgs, ExportArgs, SearchArgs};
use crate::model::{Reconciliation, TaskList};
use crate::sms::ask::Unanswered;
use crate::sms::throttle::Gate;
use crate::storage::Storage;
use crate::tasks::discovery::{DiscoverError, Discovered, Search, discover};
use crate::tasks::{self, ListOptions, Source};

use super::connect::Connected;
use super::console;
use super::exit::Failure;
use super::hints::{LISTING, denied};

const NO_TASKS: &str = "no tasks: name a task list, - for stdin, or use --task ID";

/// The tasks that the command line declares; none if they are to be found, or are in the journal to resume.
pub(crate) fn declared(
    args: &ExportArgs,
    storage: &Storage,
    quiet: bool,
) -> Result<Option<TaskList>, Failure> {
    let SearchArgs { state, name } = &args.search;
    if (state.is_some() || name.is_some()) && !args.discover && !args.reconcile {
        return Err(Failure::usage("--state and --name go with --discover or --reconcile"));
    }
    if args.with_results && !args.discover {
        return Err(Failure::usage(
            "--with-results selects among the tasks of --discover; add --discover, or leave it out",
        ));
    }
    // The journal to resume has the list.
    let is_in_journal = args.resume && args.tasks.is_empty() && args.task_ids.is_empty();
    if args.discover || is_in_journal {
        return Ok(None);
    }
    let options = ListOptions { sheet: args.sheet.clone() };
    load_tasks(&args.tasks, &args.task_ids, &options, &args.connection, storage, quiet).map(Some)
}

/// What is to be fetched, and what the account said of it.
pub(crate) struct FoundTasks {
    pub(crate) list: TaskList,
    pub(crate) reconciliation: Option<Reconciliation>,
    /// Why the account may have tasks that it did not name.
    pub(crate) unlisted: Vec<String>,
}

/// Asks the account for its tasks where that is wanted: to fetch them, or to compare them.
pub(crate) async fn find_tasks(
    args: &ExportArgs,
    declared: Option<TaskList>,
    connected: &Connected,
    gate: &Gate,
) -> Result<FoundTasks, Failure> {
    let SearchArgs { state, name } = args.search.clone();
    let search = Search { with_results: args.with_results, state, name };
    let search_account = async || find(connected, gate, args.connection.max_attempts, &search).await;
    match declared {
        Some(list) if args.reconcile => {
            let found = search_account().await?;
            let reconciliation = Some(Reconciliation::of(&list, &found.list));
            Ok(FoundTasks { list, reconciliation, unlisted: found.warnings })
        }
        Some(list) => Ok(FoundTasks { list, reconciliation: None, unlisted: Vec::new() }),
        None if !args.discover => Err(Failure::usage(NO_TASKS)),
        None => match search_account().await? {
            Discovered { list, .. } if list.tasks.is_empty() => {
                Err(Failure::stopped("the account has no such task, so there is nothing to report"))
            }
            Discovered { list, warnings } => {
                Ok(FoundTasks { list, reconciliation: None, unlisted: warnings })
            }
        },
    }
}

/// Reads the task lists that a command was given.
pub(crate) fn load_tasks(
    lists: &[PathBuf],
    ids: &[String],
    options: &ListOptions,
    connection: &ConnectionArgs,
    storage: &Storage,
    quiet: bool,
) -> Result<TaskList, Failure> {
    let stdin_taken = connection.token_file.as_deref() == Some(Path::new("-"));
    if stdin_taken && lists.iter().any(|list| list == Path::new("-")) {
        return Err(Failure::usage("both the task list and --token-file are to come from standard input"));
    }
    read_task_lists(lists, ids, options, storage, quiet)
}

/// Reads task lists and ids, and prints the warnings about them.
pub(crate) fn read_task_lists(
    lists: &[PathBuf],
    ids: &[String],
    options: &ListOptions,
    storage: &Storage,
    quiet: bool,
) -> Result<TaskList, Failure> {
    let files = lists.iter().map(|path| match path.to_str() {
        Some("-") => Ok(Source::Stdin),
        _ => storage.fetch(path).map(Source::File),
    });
    let sources: Vec<Source> = files
        .chain(ids.iter().cloned().map(|id| Ok(Source::Id(id))))
        .collect::<Result<_, _>>()
        .map_err(Failure::storage)?;
    if sources.is_empty() {
        return Err(Failure::usage(NO_TASKS));
    }
    let has_sheets = |source: &Source| match source {
        Source::File(file) => file.name.extension().is_some_and(|suffix| suffix.eq_ignore_ascii_case("xlsx")),
        Source::Stdin => true,
        Source::Id(_) => false,
    };
    if options.sheet.is_some() && !sources.iter().any(has_sheets) {
        return Err(Failure::usage(
            "--sheet names a worksheet, but no task list is an .xlsx file; leave --sheet out",
        ));
    }
    let loaded = tasks::load_with(&sources, &mut std::io::stdin().lock(), options).map_err(Failure::list)?;
    if !quiet {
        loaded.warnings.iter().for_each(|warning| console::warning(warning));
    }
    Ok(loaded.list)
}

/// Finds tasks, and says what may be missing.
pub(crate) async fn find(
    connected: &Connected,
    gate: &Gate,
    max_attempts: NonZeroU32,
    search: &Search,
) -> Result<Discovered, Failure> {
    let found = discover(&connected.client, gate, max_attempts, search).await;
    let found = found.map_err(|error| match error {
        DiscoverError::Unanswered(Unanswered::Refused(_)) => Failure::credentials(error),
        DiscoverError::Unanswered(Unanswered::Failed(failure)) => {
            Failure::stopped(format!("the account's tasks cannot be listed: {}", denied(&failure, LISTING)))
        }
        error => Failure::stopped(error),
    })?;
    found.warnings.iter().for_each(|warning| console::warning(warning));
    Ok(found)
}
