//! `export`: the main job.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use tokio::runtime::Runtime;
use tokio::time::{Instant, timeout_at};

use crate::cli::{ContextMode, ExportArgs, Typed};
use crate::fetch::{self, Event, FetchError, Limits};
use crate::fs::remove_abandoned;
use crate::journal::{Header, Journal, JournalError, Lock, Writer};
use crate::model::{NamedFile, Rate, Shard, Task};
use crate::sms::throttle::Gate;
use crate::storage::Storage;
use crate::tasks::discovery::Contexts;
use crate::threads::local_runtime;

use crate::app::connect::{self, Connected, connect};
use crate::app::console::{self, Progress};
use crate::app::contexts;
use crate::app::exit::{Exit, Failure};
use crate::app::export_outputs::{self, kept_journal};
use crate::app::handling::Handling;
use crate::app::hints::RunStats;
use crate::app::journal_location::JournalLocation;
use crate::app::on_finish;
use crate::app::outputs::ReportJob;
use crate::app::previous;
use crate::app::report_options;
use crate::app::reporting;
use crate::app::resume;
use crate::app::retention::Retention;
use crate::app::run_end;
use crate::app::shard;
use crate::app::signals::{Signal, Signals, Stop};
use crate::app::task_source::{Declared, FoundTasks, declared, find_tasks};

/// The message at the first signal.
const STOPPING: &str =
    "stopping: requests in progress have 5 s to finish; a second signal ends the run at once";

pub(super) fn run(args: Box<ExportArgs>, signals: &Signals, storage: Storage) -> Result<Exit, Failure> {
    let started = Timestamp::now();
    let started = Timestamp::from_millisecond(started.as_millisecond()).unwrap_or(started);
    let mut options = report_options::of_report(&args.report, None, &storage)?;
    options.needs_context = args.context == ContextMode::Required;
    let kept = kept_journal(&args, started)?;
    if args.resume {
        resume::check(&args, kept.is_some())?;
    }
    if let Some(journal) = &kept {
        on_finish::record_journal(journal);
    }
    let handling = Handling::of(&args.report, args.connection.ca_cert.as_deref())?;
    let outputs = export_outputs::outputs(&args, started, kept.as_deref(), &handling)?;
    let retention = Retention::of(&args, &outputs)?;
    outputs.check(&storage)?;
    let shard = args.shard.map(|arg| shard::of(arg, |name| std::env::var(name).ok())).transpose()?;
    if let (true, Some(retention), Some(manifest)) = (args.dry_run, &retention, outputs.manifest_path()) {
        let endpoint = connect::name(&args.connection)?;
        return retention.list(&endpoint, shard, manifest, started);
    }
    let declared = declared(&args, &storage)?;
    // The list of a run that is resumed may be in its journal alone; a discovered one has no labels.
    if declared.is_some() || args.discover {
        let labels = declared.as_ref().map_or(&[][..], |declared| &declared.list.labels);
        options.view.check(labels).map_err(Failure::usage)?;
    }
    // The journal of the last run at the same path is replaced.
    let replaced = kept.as_deref().filter(|_| !args.resume);
    let replaced = replaced.and_then(|path| previous::copy_replaced(path, &args.report, &storage));
    let (_folder, replaced) = replaced.unzip();
    if args.report.previous.is_some() {
        // A killed run may have left such a copy, and this run may need none.
        remove_abandoned();
    }
    let journal = JournalLocation::new(kept, &storage)?;
    let stop = signals.stop();
    let args = Arc::from(args);
    let recovered = OnceLock::new();
    let retention = retention.map(Arc::new);
    let export = Export { args, started, shard, journal, recovered, retention, storage, stop };
    let ended = export.under_lock(declared, ReportJob { options, outputs, replaced });
    export.journal.finalize(ended, export.recovered.get(), &export.args.report.typed)
}

/// A run under way.
struct Export {
    args: Arc<ExportArgs>,
    started: Timestamp,
    shard: Option<Shard>,
    journal: JournalLocation,
    /// Where the records are instead if another program removed or changed the journal.
    recovered: OnceLock<NamedFile>,
    /// Which older runs are removed after this one.
    retention: Option<Arc<Retention>>,
    storage: Storage,
    stop: Stop,
}

impl Export {
    /// Fetches into the journal and writes the reports from it. The lock is held until they are written, so that no
    /// other run changes the journal before that.
    fn under_lock(&self, declared: Option<Declared>, mut job: ReportJob) -> Result<Exit, Failure> {
        let args = &self.args;
        let file = self.journal.file();
        let lock = Arc::new(lock_journal(&file.local, self.started)?);
        let held = if args.resume {
            resume::load_resumable(file, args, declared.as_ref().map(|declared| &declared.list), self.shard)?
        } else {
            None
        };
        if let Some(journal) = &held {
            job.options.view.check(&journal.header().list.labels).map_err(Failure::usage)?;
            let handling = job.outputs.manifest.map(|manifest| manifest.handling).unwrap_or_default();
            let started = journal.header().started_at;
            job.outputs = export_outputs::outputs(args, started, Some(&file.name), &handling)?;
        }
        let runtime = local_runtime().map_err(Failure::stopped)?;
        let fetched = match &held {
            Some(journal) if journal.unanswered().is_empty() => resume::finish(journal).map(|()| Vec::new()),
            _ => runtime.block_on(self.fetch(declared, held.as_ref(), &lock)),
        };
        // The report reads the journal again: a list of many tasks is not kept twice.
        drop(held);
        // Before the reports, so that the answers are kept even if a report fails.
        let put = if self.recovered.get().is_some() { Ok(()) } else { self.journal.put() };
        let hints = match (fetched, put) {
            (fetched, Ok(())) => fetched?,
            (Ok(hints), Err(unkept)) if unkept.exit != Exit::Locked => {
                console::failure(&unkept);
                hints
            }
            (Ok(_), Err(overtaken)) => return Err(overtaken),
            (Err(failure), Err(unkept)) => {
                return Err(failure.and(unkept.message()));
            }
        };
        let exit = self.report(job, &runtime)?;
        if !console::is_quiet() || exit != Exit::Done {
            hints.iter().for_each(|hint| console::note(&format!("hint: {hint}")));
        }
        Ok(exit)
    }

    fn report(&self, job: ReportJob, runtime: &Runtime) -> Result<Exit, Failure> {
        let file = self.recovered.get().unwrap_or_else(|| self.journal.file());
        let journal = Journal::open(file).map_err(Failure::journal)?;
        let (args, storage) = (Arc::clone(&self.args), self.storage.clone());
        let manifest = job.outputs.manifest_path().map(Path::to_owned);
        let write =
            move || reporting::write(&journal, job, &args.report, &storage).map(|exit| (exit, journal));
        let written = self.stop.run_or_detach(runtime, write);
        let written = written.map_err(|failure| {
            Failure::stopped(format!("cannot write the reports: {}", failure.message()))
        })?;
        let (exit, journal) = written.map_err(|signal| {
            signal.failure(&format!(
                " while the reports were written; every report that is listed is complete, and {} has all \
                 answers; to write the reports: `{}`",
                file.name.display(),
                self.args.report.typed.render(&file.name)
            ))
        })??;
        self.remove_older(exit, journal, manifest, runtime)?;
        Ok(exit)
    }

    /// Removes older runs, if `--keep` is set and this one ended well.
    fn remove_older(
        &self,
        exit: Exit,
        journal: Journal,
        manifest: Option<PathBuf>,
        runtime: &Runtime,
    ) -> Result<(), Failure> {
        let is_written = exit != Exit::Stopped && self.recovered.get().is_none();
        let (Some(retention), Some(manifest), true) = (self.retention.clone(), manifest, is_written) else {
            return Ok(());
        };
        let remove = move || retention.apply(&journal, &manifest);
        let removed = self.stop.run_or_detach(runtime, remove).unwrap_or_else(|failure| {
            console::warning(&format!("the removal of older runs failed: {}", failure.message()));
            Ok(())
        });
        removed.map_err(|signal| {
            signal.failure(
                " while older runs were removed; the reports are complete, and the next run continues the removal",
            )
        })
    }

    /// Finds the tasks, unless they are known, and fetches those without an answer; gives hints for after
    /// the run.
    async fn fetch(
        &self,
        declared: Option<Declared>,
        held: Option<&Journal>,
        lock: &Arc<Lock>,
    ) -> Result<Vec<String>, Failure> {
        let args = &self.args;
        let early = |signal: Signal| signal.failure(" before anything was fetched");
        let rate = shard::rate(args.connection.rate, self.shard);
        let wanted = held.map(|held| held.unanswered().len());
        let known =
            wanted.or_else(|| declared.as_ref().map(|declared| shard::count(self.shard, &declared.list)));
        if let Some(tasks) = known {
            self.warn_of_deadline(tasks, rate);
        }
        let connected = self.stop.or(connect(&args.connection)).await.map_err(early)??;
        let gate = Gate::new(rate);
        let deadline = Instant::now() + args.deadline;
        let fetched = async {
            if let Some(held) = held {
                let tasks = &held.header().list.tasks;
                let mut contexts = self.contexts(None, tasks, &connected, &gate).await?;
                let mut journal = Writer::resume(held).map_err(Failure::journal)?.with_lock(lock);
                let wanted = held.unanswered();
                let changes = contexts::record_changes(held, &wanted, &mut contexts, &mut journal);
                changes.map_err(Failure::journal)?;
                return self
                    .fetch_into(journal, tasks, (wanted, contexts), deadline, &connected, &gate)
                    .await;
            }
            let find = timeout_at(deadline, find_tasks(args, declared, &connected, &gate));
            let found = self.stop.or(find).await.map_err(early)?;
            let FoundTasks { list, reconciliation, unlisted, same_server, contexts } =
                found.map_err(|_| {
                    Failure::stopped(
                        "the run's deadline (--deadline) passed while the account's tasks were listed",
                    )
                })??;
            if known.is_none() {
                self.warn_of_deadline(shard::count(self.shard, &list), rate);
            }
            let mut header = Header::new(self.started, connected.name.clone(), list);
            header.account = Some(connect::account(&args.connection));
            header.searched = resume::searched(args);
            header.reconciliation = reconciliation;
            header.unlisted = unlisted;
            header.same_server = same_server;
            if let Some(shard) = self.shard {
                shard::take(shard, &mut header);
                if !console::is_quiet() {
                    console::note(&shard::describe(shard, &header, [args.connection.rate, rate]));
                }
            }
            let journal = Writer::create(self.journal.file(), &header, args.overwrite)
                .map_err(|error| unfinished(error, &args.report.typed))?;
            let tasks = &header.list.tasks;
            let journal = journal.with_lock(lock);
            let contexts = self.contexts(contexts, tasks, &connected, &gate).await?;
            let wanted = (0..tasks.len()).collect();
            self.fetch_into(journal, tasks, (wanted, contexts), deadline, &connected, &gate).await
        };
        let fetched = fetched.await;
        connected.close().await;
        fetched
    }

    /// Reads the contexts of tasks, unless the account's tasks were `listed` already.
    async fn contexts(
        &self,
        listed: Option<Contexts>,
        tasks: &[Task],
        connected: &Connected,
        gate: &Gate,
    ) -> Result<Contexts, Failure> {
        let read = contexts::read(&self.args, listed, tasks, connected, gate);
        self.stop.or(read).await.map_err(|signal| signal.failure(" before anything was fetched"))?
    }

    /// Says so if the deadline does not leave time for a request for each of so many tasks.
    fn warn_of_deadline(&self, tasks: usize, rate: Rate) {
        let needed = rate.time_for(tasks);
        if needed > self.args.deadline {
            console::warning(&format!(
                "{tasks} tasks at {rate} (--rate) take at least {} s, but the deadline (--deadline) is {} s: tasks not \
                 fetched by then are reported as fetch failed",
                needed.as_secs_f64().ceil(),
                self.args.deadline.as_secs_f64()
            ));
        }
    }

    /// Fetches the tasks of the ordinals `wanted`, and records each with its context.
    async fn fetch_into(
        &self,
        mut journal: Writer,
        tasks: &[Task],
        (wanted, mut contexts): (Vec<usize>, Contexts),
        deadline: Instant,
        connected: &Connected,
        gate: &Gate,
    ) -> Result<Vec<String>, Failure> {
        let limits = Limits {
            concurrency: self.args.concurrency,
            max_attempts: self.args.connection.max_attempts,
            deadline: deadline.saturating_duration_since(Instant::now()),
        };
        let mut progress = Progress::new(wanted.len());
        let mut stats = RunStats::default();
        let began = Instant::now();
        let (tasks_wanted, endpoint) = (wanted.len(), connected.name.as_str());
        tracing::info!(
            event = "fetch_started",
            tasks_wanted,
            endpoint,
            rate = shard::rate(self.args.connection.rate, self.shard).to_string()
        );
        let stop = async {
            self.stop.wait().await;
            if !console::is_quiet() {
                console::note(STOPPING);
            }
        };
        let fetched = fetch::fetch_all(&connected.client, gate, tasks, wanted, limits, stop, |event| {
            stats.record(&event);
            match event {
                Event::Finished(mut record) => {
                    progress.finished_one();
                    record.context = record.task_id.as_ref().and_then(|id| contexts.remove(id));
                    let appended = journal.append(record);
                    self.note_recovery(&mut journal);
                    return appended;
                }
                Event::Retrying { ordinal, what, wait, .. } => {
                    let task = tasks.get(ordinal).map_or("", |task| task.display_name());
                    progress.retrying(task, &what, wait);
                }
                Event::Slowed(slowed) => {
                    progress.warning(&slowed.to_string());
                    tracing::info!(event = "rate_lowered", rate = slowed.to_string());
                }
                Event::Tick => {
                    progress.tick();
                    let synced = journal.begin_sync();
                    self.note_recovery(&mut journal);
                    return synced.and_then(|()| self.journal.tick());
                }
            }
            Ok(())
        })
        .await;
        progress.clear();
        run_end::fetched(connected.client.requests(), stats.retries().clone(), began.elapsed());
        if let Some(rate) = gate.learned_rate() {
            tracing::info!(event = "rate_learned", rate = rate.to_string());
        }
        let left = what_is_left(&journal, tasks.len(), &self.args.report.typed);
        let stopped = match fetched {
            Ok(()) => {
                let finished = journal.finish();
                self.note_recovery(&mut journal);
                return match finished {
                    Ok(()) => Ok(stats.hints(gate.learned_rate(), &self.args.report.typed)),
                    Err(error) => Err(Failure::stopped(format!("{error}; no report is written; {left}"))),
                };
            }
            Err(FetchError::Consumer(error @ JournalError::ConcurrentWrite { .. })) => {
                Failure::journal(error)
            }
            Err(FetchError::Consumer(error)) => {
                return Err(Failure::stopped(format!("{error}; no report is written; {left}")));
            }
            Err(refused @ FetchError::Refused(_)) => Failure::credentials(format!(
                "{refused}; no report is written; {left}; \
                 check that the credentials are for this account and region and have not expired; \
                 to check them and the clock: `{}`",
                self.args.report.typed.doctor()
            )),
            Err(FetchError::Stopped) => match self.stop.received() {
                Some(signal) => signal.failure(&format!("; no report is written; {left}")),
                None => Failure::stopped(left),
            },
        };
        if let Err(error) = journal.sync() {
            console::error(&error.to_string());
        }
        self.note_recovery(&mut journal);
        Err(stopped)
    }

    /// Reports that another program removed or changed the journal, if it did.
    fn note_recovery(&self, journal: &mut Writer) {
        if let Some(notice) = journal.take_notice() {
            console::warning(&notice);
            on_finish::record_journal(journal.path());
            let _ = self.recovered.set(journal.path().into());
        }
    }
}

/// What a run that was stopped leaves, and the commands to continue with.
fn what_is_left(journal: &Writer, total: usize, typed: &Typed) -> String {
    let path = journal.path();
    if !journal.is_published() {
        return format!("{} is unchanged", path.display());
    }
    format!(
        "{} has {} of {total} tasks; to fetch the rest: `{}`; to report on it as it is: `{}`",
        path.display(),
        journal.recorded(),
        typed.resume(path),
        typed.render(path)
    )
}

/// The error of an unfinished journal with the commands to continue with.
fn unfinished(error: JournalError, typed: &Typed) -> Failure {
    match error {
        JournalError::Unfinished { path, recorded, total } => Failure::stopped(format!(
            "{} contains an unfinished run with {recorded} of {total} tasks; to fetch the rest: `{}`; to report on it as it \
             is: `{}`; to discard it and start again, add --overwrite",
            path.display(),
            typed.resume(&path),
            typed.render(&path)
        )),
        error => Failure::journal(error),
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
