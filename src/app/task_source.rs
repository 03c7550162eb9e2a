//! The tasks of a command: from lists, the command line, or the account.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use crate::cli::{ConnectionArgs, ExportArgs, SearchArgs};
use crate::model::{Reconciliation, TaskList};
use crate::sms::request::RequestError;
use crate::sms::throttle::Gate;
use crate::storage::Storage;
use crate::tasks::discovery::{
    Contexts, DiscoverError, Discovered, Listed, Search, discover, list_sources, list_tasks,
};
use crate::tasks::{
    self, Account, Claim, Columns, Fault, ListOptions, Loaded, Resolved, Source, TaskListError, resolve,
};

use super::connect::Connected;
use super::console;
use super::exit::Failure;
use super::hints::{LISTING, LISTING_SERVERS, LISTING_TASKS, denied};

const NO_TASKS: &str = "no tasks: give a task list, - for stdin, or use --task ID";

/// The tasks that the command line declares.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) list: TaskList,
    /// By position in the list: how a row without a task id names its server.
    pub(crate) claims: BTreeMap<usize, Claim>,
}

/// The tasks of the command line; none with `--discover`, or if the journal to resume has them.
pub(crate) fn declared(args: &ExportArgs, storage: &Storage) -> Result<Option<Declared>, Failure> {
    let SearchArgs { state, name } = &args.search;
    if (state.is_some() || name.is_some()) && !args.discover && !args.reconcile {
        return Err(Failure::usage("--state and --name need --discover or --reconcile"));
    }
    if args.with_results && !args.discover {
        return Err(Failure::usage(
            "--with-results needs --discover; add --discover, or omit --with-results",
        ));
    }
    // The journal to resume has the list.
    let is_in_journal = args.resume && args.tasks.is_empty() && args.task_ids.is_empty();
    if args.discover || is_in_journal {
        return Ok(None);
    }
    let options =
        ListOptions { sheet: args.sheet.clone(), columns: args.columns.clone(), ..ListOptions::default() };
    let loaded = load_tasks(&args.tasks, &args.task_ids, &options, &args.connection, storage)?;
    Ok(Some(Declared { list: loaded.list, claims: loaded.claims }))
}

/// The tasks to fetch, and the result of listing the account's tasks.
pub(crate) struct FoundTasks {
    pub(crate) list: TaskList,
    pub(crate) reconciliation: Option<Reconciliation>,
    /// Why the listing may lack tasks of the account.
    pub(crate) unlisted: Vec<String>,
    /// Rows of a plan that are another row's server.
    pub(crate) same_server: Vec<String>,
    /// The contexts of the account's tasks, if these were listed.
    pub(crate) contexts: Option<Contexts>,
}

impl FoundTasks {
    fn of(list: TaskList) -> Self {
        Self { list, reconciliation: None, unlisted: Vec::new(), same_server: Vec::new(), contexts: None }
    }
}

/// Lists the account's tasks for `--discover`, `--reconcile` and plans without task ids.
pub(crate) async fn find_tasks(
    args: &ExportArgs,
    declared: Option<Declared>,
    connected: &Connected,
    gate: &Gate,
) -> Result<FoundTasks, Failure> {
    let SearchArgs { state, name } = args.search.clone();
    let is_filtered = state.is_some() || name.is_some();
    let search = Search { with_results: args.with_results, state, name };
    let max_attempts = args.connection.max_attempts;
    let search_account = async || find(connected, gate, max_attempts, &search).await;
    let Some(Declared { list, claims }) = declared else {
        if !args.discover {
            return Err(Failure::usage(NO_TASKS));
        }
        let Discovered { list, warnings, contexts } = search_account().await?;
        if list.tasks.is_empty() {
            return Err(Failure::stopped(
                "the account has no matching task, so there is nothing to report; check --state, --name and the account",
            ));
        }
        let contexts = (!args.with_results).then_some(contexts);
        return Ok(FoundTasks { unlisted: warnings, contexts, ..FoundTasks::of(list) });
    };
    if claims.is_empty() && !args.reconcile {
        return Ok(FoundTasks::of(list));
    }
    let (mut found, listed) = if claims.is_empty() {
        (FoundTasks::of(list), None)
    } else {
        let mut planned = resolve_plan(&list, &claims, connected, gate, max_attempts).await?;
        let Resolved { list, same_server, .. } = planned.resolved;
        let contexts = Some(planned.tasks.take_contexts());
        let found = FoundTasks { unlisted: planned.unlisted, same_server, contexts, ..FoundTasks::of(list) };
        (found, Some(planned.tasks))
    };
    if args.reconcile {
        // Reuses the listing of the plan, unless --state or --name select other tasks.
        let account = match listed.filter(|_| !is_filtered) {
            Some(tasks) => tasks.into_discovered().map_err(Failure::stopped)?,
            None => search_account().await?,
        };
        // A filtered listing lacks tasks of the list.
        if found.contexts.is_none() && !is_filtered {
            found.contexts = Some(account.contexts);
        }
        found.reconciliation = Some(Reconciliation::of(&found.list, &account.list));
        for warning in account.warnings {
            if !found.unlisted.contains(&warning) {
                found.unlisted.push(warning);
            }
        }
    }
    Ok(found)
}

/// A plan with the account's tasks.
pub(crate) struct ResolvedPlan {
    pub(crate) resolved: Resolved,
    /// The account's tasks.
    tasks: Listed,
    /// Why the listing may lack tasks of the account.
    pub(crate) unlisted: Vec<String>,
}

/// Lists the account once, and looks up the servers of a plan's rows.
pub(crate) async fn resolve_plan(
    list: &TaskList,
    claims: &BTreeMap<usize, Claim>,
    connected: &Connected,
    gate: &Gate,
    max_attempts: NonZeroU32,
) -> Result<ResolvedPlan, Failure> {
    let of_tasks = |error| listing_failed("tasks", LISTING_TASKS, error);
    let tasks = list_tasks(&connected.client, gate, max_attempts).await.map_err(of_tasks)?;
    let of_sources = |error| listing_failed("source servers", LISTING_SERVERS, error);
    let sources = list_sources(&connected.client, gate, max_attempts).await.map_err(of_sources)?;
    let unlisted: Vec<String> = tasks.warnings.iter().chain(&sources.warnings).cloned().collect();
    unlisted.iter().for_each(|warning| console::warning(warning));
    if tasks.entries.is_empty() {
        console::warning(
            "the account lists no task at all: check --region, --project-id and the credentials",
        );
    }
    let account = Account::new(&tasks.entries, &sources.entries);
    let resolved = resolve(list, claims, &account).map_err(|faults| Failure::plan(&faults))?;
    if !console::is_quiet() {
        resolved.warnings.iter().for_each(|warning| console::warning(warning));
    }
    for (index, claim) in claims {
        let task = resolved.positions.get(*index).and_then(|position| resolved.list.tasks.get(*position));
        if let (Some(task), Some(line)) = (task, claim.line) {
            let tasks = task.planned.as_ref().map_or(1, |planned| planned.tasks);
            let (origin, server, task_id) = (claim.origin.as_str(), task.display_name(), task.id_text());
            tracing::info!(event = "server_resolved", origin, line, server, task_id, tasks);
        }
    }
    Ok(ResolvedPlan { resolved, tasks, unlisted })
}

/// Reads the task lists of a command.
pub(crate) fn load_tasks(
    lists: &[PathBuf],
    ids: &[String],
    options: &ListOptions,
    connection: &ConnectionArgs,
    storage: &Storage,
) -> Result<Loaded, Failure> {
    let stdin_taken = connection.token_file.as_deref() == Some(Path::new("-"));
    if stdin_taken && lists.iter().any(|list| list == Path::new("-")) {
        return Err(Failure::usage(
            "the task list and --token-file both read standard input; use a file for one of them",
        ));
    }
    read_task_lists(lists, ids, options, storage)
}

/// Reads task lists and ids, and prints their warnings.
pub(crate) fn read_task_lists(
    lists: &[PathBuf],
    ids: &[String],
    options: &ListOptions,
    storage: &Storage,
) -> Result<Loaded, Failure> {
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
            "--sheet selects a worksheet, but no task list is an .xlsx file; omit --sheet",
        ));
    }
    let loaded = tasks::load_with(&sources, &mut std::io::stdin().lock(), options).map_err(Failure::list)?;
    if !console::is_quiet() {
        loaded.warnings.iter().for_each(|warning| console::warning(warning));
    }
    loaded.columns.iter().for_each(describe_columns);
    Ok(loaded)
}

/// Says which columns of a plan were recognized.
fn describe_columns(columns: &Columns) {
    let origin = columns.origin.as_str();
    for (heading, field) in columns.fields() {
        tracing::info!(event = "column", origin, heading, field = field.unwrap_or("label"));
    }
    if console::is_quiet() || !columns.is_plan() {
        return;
    }
    let named = columns.fields().filter_map(|(heading, field)| Some(format!("`{heading}` is {}", field?)));
    let named: Vec<String> = named.collect();
    let line = columns.heading_line.map_or_else(String::new, |line| format!(":{line}"));
    console::note(&format!("{origin}{line}: {}; other columns are labels", named.join(", ")));
}

/// The tasks of lists for a command that does not look up servers: every row needs a task id.
pub(crate) fn with_ids(loaded: Loaded, command: &str) -> Result<TaskList, Failure> {
    let fault = |claim: &Claim| Fault {
        origin: claim.origin.clone(),
        line: claim.line,
        what: format!(
            "has no task id, which {command} needs; `cutover-report tasks --match` fills in the task ids of a plan"
        ),
    };
    if loaded.claims.is_empty() {
        return Ok(loaded.list);
    }
    Err(Failure::list(TaskListError(loaded.claims.values().map(fault).collect())))
}

/// Lists the account's tasks, and warns if some may be missing.
pub(crate) async fn find(
    connected: &Connected,
    gate: &Gate,
    max_attempts: NonZeroU32,
    search: &Search,
) -> Result<Discovered, Failure> {
    let found = discover(&connected.client, gate, max_attempts, search).await;
    let found = found.map_err(|error| listing_failed("tasks", LISTING, error))?;
    found.warnings.iter().for_each(|warning| console::warning(warning));
    Ok(found)
}

/// The failure of a listing, with the permission that it needs.
fn listing_failed(what: &str, permission: &str, error: DiscoverError) -> Failure {
    match error {
        DiscoverError::Request(RequestError::Refused(_)) => Failure::credentials(error),
        DiscoverError::Request(RequestError::Failed(failure)) => Failure::stopped(format!(
            "the account's {what} cannot be listed: {}",
            denied(&failure, permission)
        )),
        error => Failure::stopped(error),
    }
}
