//! `export`: the main job.

use std::path::Path;

use jiff::Timestamp;

use crate::cli::ExportArgs;
use crate::fetch::{self, Event, FetchError, Limits};
use crate::journal::{Header, Journal, JournalError, Writer};
use crate::model::TaskList;
use crate::sms::throttle::Gate;
use crate::tasks::{self, Source};

use super::connect::{Connected, connect};
use super::console::{self, Progress};
use super::exit::{Exit, Failure};
use super::report;

pub(super) fn run(args: ExportArgs, quiet: bool) -> Result<Exit, Failure> {
    let started = Timestamp::now();
    let started = Timestamp::from_millisecond(started.as_millisecond()).unwrap_or(started);
    let options = report::options(&args.report)?;
    let targets = report::targets(&args.report, started)?;
    let list = load_tasks(&args, quiet)?;
    // Dropped, and with it removed, at the end of the run.
    let scratch = tempfile::tempdir().map_err(Failure::stopped)?;
    let journal_path = match (&args.journal, targets.first()) {
        (Some(path), _) => path.clone(),
        (None, Some(first)) if !args.no_journal => first.journal_path(),
        _ => scratch.path().join("journal.jsonl"),
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::stopped)?;
    runtime.block_on(async {
        let connected = connect(&args.connection).await?;
        let fetched = fetch_into(&journal_path, &args, started, list, &connected, quiet).await;
        connected.close().await;
        fetched
    })?;
    let journal = Journal::open(&journal_path).map_err(Failure::stopped)?;
    let exit = report::write(&journal, options, &targets, &args.report, quiet)?;
    if !quiet && !args.no_journal && !journal_path.starts_with(scratch.path()) {
        console::note(&format!("journal: {}", journal_path.display()));
    }
    Ok(exit)
}

fn load_tasks(args: &ExportArgs, quiet: bool) -> Result<TaskList, Failure> {
    let files = args.tasks.iter().map(|path| match path.to_str() {
        Some("-") => Source::Stdin,
        _ => Source::File(path.clone()),
    });
    let sources: Vec<Source> = files.chain(args.task_ids.iter().cloned().map(Source::Id)).collect();
    if sources.is_empty() {
        return Err(Failure::usage("no tasks: name a task list, - for standard input, or --task ID"));
    }
    let stdin_taken = args.connection.token_file.as_deref() == Some(Path::new("-"));
    if stdin_taken && sources.contains(&Source::Stdin) {
        return Err(Failure::usage("both the task list and --token-file are to come from standard input"));
    }
    let loaded = tasks::load(&sources, &mut std::io::stdin().lock()).map_err(Failure::usage)?;
    if !quiet {
        loaded.warnings.iter().for_each(|warning| console::warning(warning));
    }
    Ok(loaded.list)
}

/// Fetches every task of `list` into a new journal at `path`.
async fn fetch_into(
    path: &Path,
    args: &ExportArgs,
    started_at: Timestamp,
    list: TaskList,
    connected: &Connected,
    quiet: bool,
) -> Result<(), Failure> {
    let header = Header::new(started_at, connected.name.clone(), list);
    let mut journal = create_journal(path, &header, args.overwrite)?;
    let tasks = &header.list.tasks;
    let limits = Limits {
        concurrency: args.concurrency,
        max_attempts: args.connection.max_attempts,
        deadline: args.deadline,
    };
    let gate = Gate::new(args.connection.rate);
    let mut progress = Progress::new(tasks.len(), quiet);
    let fetched = fetch::fetch_all(&connected.client, &gate, tasks, limits, |event| match event {
        Event::Finished(record) => {
            progress.finished_one();
            journal.append(record)
        }
        Event::Retrying { ordinal, what, wait } => {
            let task = tasks.get(ordinal).map_or("", |task| task.display_name());
            progress.retrying(task, &what, wait);
            Ok(())
        }
    })
    .await;
    progress.clear();
    match fetched {
        Ok(()) => journal.finish().map_err(Failure::stopped),
        Err(FetchError::Consumer(error)) => Err(Failure::stopped(error)),
        Err(refused @ FetchError::Unauthorized(_)) => Err(Failure::credentials(format!(
            "{refused}; no report is written, the journal keeps what was fetched: {}; \
             check that the token is of this account and region and not older than 24 hours",
            path.display()
        ))),
    }
}

fn create_journal(path: &Path, header: &Header, overwrite: bool) -> Result<Writer, Failure> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent)
            .map_err(|source| Failure::stopped(JournalError::Io { path: parent.to_owned(), source }))?;
    }
    Writer::create(path, header, overwrite).map_err(Failure::stopped)
}
