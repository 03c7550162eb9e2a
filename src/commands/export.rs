//! `export`: the main job.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use crate::cli::ExportArgs;
use crate::fetch::{self, Event, FetchError, Limits};
use crate::journal::{Header, Journal, JournalError, Lock, Writer};
use crate::model::TaskList;
use crate::output::{Target, manifest_path};
use crate::sms::throttle::Gate;

use super::connect::{Connected, connect};
use super::console::{self, Progress};
use super::exit::{Exit, Failure};
use super::hints::Tally;
use super::places::{Place, keep_apart};
use super::report::{self, ManifestPlace};
use super::task_source::{declared, find_tasks};

pub(super) fn run(args: &ExportArgs, quiet: bool) -> Result<Exit, Failure> {
    let started = Timestamp::now();
    let started = Timestamp::from_millisecond(started.as_millisecond()).unwrap_or(started);
    let options = report::options(&args.report.reading, &args.report.template)?;
    let targets = report::targets(&args.report, started)?;
    let kept = kept_journal(args, targets.first());
    let manifest = match &kept {
        Some(journal) => Some(ManifestPlace { path: manifest_path(journal), journal: true }),
        None => ManifestPlace::beside(&targets, false),
    };
    keep_apart(&places(args, &targets, kept.as_deref(), manifest.as_ref()))?;
    let declared = declared(args, quiet)?;
    let place = JournalPlace::new(kept)?;
    let journal = place.path();
    // The lock is held until the reports are written, for they are made from the journal.
    let ended = fetch_under_lock(journal, args, started, declared, quiet).and_then(|(hints, _lock)| {
        let journal = Journal::open(journal).map_err(Failure::journal)?;
        let exit = report::write(&journal, options, &targets, manifest.as_ref(), &args.report, quiet)?;
        if !quiet {
            hints.iter().for_each(|hint| console::note(&format!("hint: {hint}")));
        }
        Ok(exit)
    });
    place.leave(&ended, quiet);
    ended
}

/// What the run reads and writes.
fn places(
    args: &ExportArgs,
    targets: &[Target],
    journal: Option<&Path>,
    manifest: Option<&ManifestPlace>,
) -> Vec<Place> {
    let lists = args.tasks.iter().filter(|path| *path != Path::new("-"));
    let journal = journal.into_iter().flat_map(|journal| [Place::journal(journal), Place::lock(journal)]);
    lists
        .map(|list| Place::task_list(list))
        .chain(args.report.reading.waivers.as_deref().map(Place::waivers))
        .chain(journal)
        .chain(manifest.map(|manifest| Place::manifest(&manifest.path)))
        .chain(targets.iter().flat_map(Place::outputs))
        .collect()
}

/// Where the journal is to stay: where the user says, else beside the first output.
fn kept_journal(args: &ExportArgs, first: Option<&Target>) -> Option<PathBuf> {
    match &args.journal {
        Some(path) => Some(path.clone()),
        None => first.filter(|_| !args.no_journal).map(Target::journal_path),
    }
}

/// Where the journal stands.
enum JournalPlace {
    /// Where it stays.
    Kept(PathBuf),
    /// In a folder of its own, which goes when the reports are written, and stays when they are not.
    Scratch(PathBuf),
}

impl JournalPlace {
    fn new(kept: Option<PathBuf>) -> Result<Self, Failure> {
        Ok(match kept {
            Some(path) => Self::Kept(path),
            None => {
                let folder = tempfile::Builder::new().prefix("cutover-report-").tempdir();
                Self::Scratch(folder.map_err(Failure::stopped)?.keep().join("journal.jsonl"))
            }
        })
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) | Self::Scratch(path) => path,
        }
    }

    /// Says where the journal is at the end of a run, or takes it away.
    fn leave(&self, ended: &Result<Exit, Failure>, quiet: bool) {
        let written = matches!(ended, Ok(exit) if *exit != Exit::Stopped);
        match self {
            Self::Kept(path) if ended.is_ok() && !quiet => {
                console::note(&format!("journal: {}", path.display()))
            }
            Self::Kept(_) => {}
            // What was fetched must not go the way of a report that could not be written.
            Self::Scratch(path) if path.exists() && !written => {
                console::note(&format!("the journal is kept after all: {}", path.display()));
            }
            Self::Scratch(path) => {
                let _ = path.parent().map(std::fs::remove_dir_all);
            }
        }
    }
}

/// Finds the tasks that are not declared and fetches them all into a new journal at `path`; gives
/// hints for after the run, and the lock that it holds.
fn fetch_under_lock(
    path: &Path,
    args: &ExportArgs,
    started: Timestamp,
    declared: Option<TaskList>,
    quiet: bool,
) -> Result<(Vec<String>, Lock), Failure> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::stopped)?;
    runtime.block_on(async {
        let connected = connect(&args.connection).await?;
        let lock = lock_journal(path, started)?;
        let gate = Gate::new(args.connection.rate);
        let deadline = Instant::now() + args.deadline;
        let fetched = async {
            let found = timeout_at(deadline, find_tasks(args, declared, &connected, &gate)).await;
            let (list, reconciliation) = found.map_err(|_| {
                Failure::stopped(
                    "the run's deadline (--deadline) passed while the account's tasks were listed",
                )
            })??;
            let mut header = Header::new(started, connected.name.clone(), list);
            header.reconciliation = reconciliation;
            let limits = Limits {
                concurrency: args.concurrency,
                max_attempts: args.connection.max_attempts,
                deadline: deadline.saturating_duration_since(Instant::now()),
            };
            fetch_into(path, args.overwrite, limits, &header, &connected, &gate, quiet).await
        };
        let fetched = fetched.await;
        connected.close().await;
        fetched.map(|hints| (hints, lock))
    })
}

/// Fetches every task of the header's list; gives hints for after the run.
async fn fetch_into(
    path: &Path,
    overwrite: bool,
    limits: Limits,
    header: &Header,
    connected: &Connected,
    gate: &Gate,
    quiet: bool,
) -> Result<Vec<String>, Failure> {
    let mut journal = Writer::create(path, header, overwrite).map_err(Failure::journal)?;
    let tasks = &header.list.tasks;
    let mut progress = Progress::new(tasks.len(), quiet);
    let mut tally = Tally::default();
    let fetched = fetch::fetch_all(&connected.client, gate, tasks, limits, |event| {
        tally.note(&event);
        match event {
            Event::Finished(record) => {
                progress.finished_one();
                journal.append(record)
            }
            Event::Retrying { ordinal, what, wait } => {
                let task = tasks.get(ordinal).map_or("", |task| task.display_name());
                progress.retrying(task, &what, wait);
                Ok(())
            }
            Event::Slowed(slowed) => {
                progress.warning(&slowed.to_string());
                Ok(())
            }
        }
    })
    .await;
    progress.clear();
    match fetched {
        Ok(()) => journal.finish().map(|()| tally.hints(gate.learnt())).map_err(Failure::stopped),
        Err(FetchError::Consumer(error)) => Err(Failure::stopped(error)),
        Err(refused @ FetchError::Refused(_)) => {
            let kept = if journal.stands() { "keeps what was fetched" } else { "is left as it was" };
            Err(Failure::credentials(format!(
                "{refused}; no report is written, and {} {kept}; \
                 check that the credentials are of this account and region and have not expired; \
                 `cutover-report doctor` looks at them and at the clock",
                path.display()
            )))
        }
    }
}

/// Makes the journal's folder where there is none, and takes the journal's lock.
fn lock_journal(path: &Path, started: Timestamp) -> Result<Lock, Failure> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent)
            .map_err(|source| Failure::journal(JournalError::Io { path: parent.to_owned(), source }))?;
    }
    Lock::hold(path, started).map_err(Failure::journal)
}
