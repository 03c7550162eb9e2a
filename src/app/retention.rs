//! `--keep`: removes older dated runs of the same report after a run.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::cli::{ExportArgs, KeepArg, PreviousArg};
use crate::journal::{Header, Journal, JournalError, Lock};
use crate::model::Shard;
use crate::output::{Manifest, ManifestRun, Target, dated_manifests};
use crate::report::Zone;
use crate::storage::{Storage, is_remote};

use super::console;
use super::exit::{Exit, Failure};
use super::journal_files::first_line;
use super::old_run::{self, Folders, Removal};
use super::outputs::Outputs;
use super::previous;

/// The most runs that cannot be removed that are named in warnings.
const MAX_WARNINGS: usize = 3;

/// Which older runs are removed.
pub(crate) struct Retention {
    keep: KeepArg,
    /// The manifest's path with `{date}` and `{time}`.
    manifest: PathBuf,
    /// The paths of the outputs with `{date}` and `{time}`.
    outputs: Vec<PathBuf>,
    /// The journal that `--previous` names, which later runs are compared with too.
    baseline: Option<PathBuf>,
    zone: Zone,
}

/// An older run, by its manifest.
struct OldRun {
    manifest: PathBuf,
    date: String,
    run: ManifestRun,
    /// The journal that the manifest names.
    journal: PathBuf,
    /// The paths of all files that it names.
    names: Vec<PathBuf>,
}

/// The run that the older ones are compared with.
struct NewRun<'a> {
    header: &'a Header,
    manifest: &'a Path,
    started_at: Timestamp,
    /// Its end on the service's clock.
    as_of: Timestamp,
    /// Whether every task has an answer.
    is_complete: bool,
}

impl Retention {
    /// What `--keep` asks for.
    ///
    /// # Errors
    /// Wrong usage, when older runs cannot be found.
    pub(crate) fn of(args: &ExportArgs, outputs: &Outputs) -> Result<Option<Self>, Failure> {
        let Some(keep) = args.keep else {
            return if args.dry_run {
                Err(Failure::usage("--dry-run lists what --keep would remove: add --keep, as in --keep 30"))
            } else {
                Ok(None)
            };
        };
        let places = outputs.targets.iter().map(Target::path);
        if let Some(remote) = places.into_iter().find(|path| is_remote(path)) {
            return Err(Failure::usage(format!(
                "--keep {keep} is not for object storage ({}): use the bucket's lifecycle rules",
                remote.display()
            )));
        }
        let manifest = outputs.manifest.as_ref().and_then(|manifest| manifest.pattern.clone());
        let Some(manifest) = manifest.filter(|path| path.to_string_lossy().contains("{date}")) else {
            return Err(Failure::usage(format!(
                "--keep {keep} needs {{date}} in the path of the first output, as in -o reports/{{date}}/wave-3.xlsx: \
                 without it a run replaces the files of the last one, and there are no older runs"
            )));
        };
        let patterns = outputs.targets.iter().map(|target| target.pattern().to_owned()).collect();
        let baseline = match &args.report.previous {
            Some(PreviousArg::Journal(path)) => path.canonicalize().ok(),
            _ => None,
        };
        let zone = args.report.reading.timezone.clone();
        Ok(Some(Self { keep, manifest, outputs: patterns, baseline, zone }))
    }

    /// Removes older runs after the run of `journal`, whose manifest is written. Failures are warnings.
    pub(crate) fn apply(&self, journal: &Journal, manifest: &Path) {
        if !journal.is_finished() {
            return;
        }
        if matches!(self.keep, KeepArg::Days(_)) && journal.clock_offset().is_none() {
            // The clock of this machine may be wrong, and nothing else says how old the runs are.
            console::warning(&format!(
                "--keep {}: no answer has the service's time, so no older run is removed",
                self.keep
            ));
            return;
        }
        let new = NewRun {
            header: journal.header(),
            manifest,
            started_at: journal.header().started_at,
            as_of: journal.as_of(),
            is_complete: journal.unanswered().is_empty(),
        };
        let runs = self.runs();
        let (mut gone, mut files, mut kept) = (HashSet::new(), 0_usize, Vec::new());
        for old in self.expired(&runs, &new) {
            let path = old.manifest.display().to_string();
            match self.remove(old, &runs, &gone) {
                Ok(count) => {
                    tracing::info!(event = "run_removed", manifest = path, files = count);
                    gone.insert(old.manifest.as_path());
                    files += count;
                }
                Err(why) => {
                    tracing::info!(event = "run_not_removed", manifest = path, reason = why);
                    kept.push(format!("{path}: {why}"));
                }
            }
        }
        let removed = gone.len();
        if removed > 0 && !console::is_quiet() {
            console::note(&format!(
                "older runs removed by --keep {}: {removed}, with {files} files",
                self.keep
            ));
        }
        warn(&kept);
    }

    /// Lists on stdout the files that a run at `started_at` would remove; returns the exit code.
    ///
    /// The newest run of this `endpoint` and shard says which report it is.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub(crate) fn list(
        &self,
        endpoint: &str,
        shard: Option<Shard>,
        manifest: &Path,
        started_at: Timestamp,
    ) -> Result<Exit, Failure> {
        let runs = self.runs();
        let newest = runs.iter().filter(|old| old.run.finished).find_map(|old| {
            let header = header(&old.journal)?;
            let is_ours =
                header.endpoint == endpoint && header.shard.as_ref().map(|part| part.shard) == shard;
            is_ours.then_some(header)
        });
        let (mut listed, mut gone, mut kept) = (String::new(), HashSet::new(), Vec::new());
        if let Some(header) = &newest {
            let new = NewRun { header, manifest, started_at, as_of: started_at, is_complete: true };
            for old in self.expired(&runs, &new) {
                match self.check(old, &runs, &gone) {
                    Ok(removal) => {
                        gone.insert(old.manifest.as_path());
                        removal.paths().for_each(|path| listed += &format!("{}\n", path.display()));
                    }
                    Err(why) => kept.push(format!("{}: {why}", old.manifest.display())),
                }
            }
        }
        let exit = console::out_data(listed.as_bytes())?;
        if !console::is_quiet() {
            let files = listed.lines().count();
            console::note(&format!(
                "older runs that --keep {} would remove: {}, with {files} files; nothing was fetched or removed",
                self.keep,
                gone.len()
            ));
        }
        warn(&kept);
        Ok(exit)
    }

    /// The runs at the paths that the template gives, newest first. Manifests that cannot be read, or that name no journal,
    /// are skipped.
    fn runs(&self) -> Vec<OldRun> {
        let storage = Storage::default();
        let read = |(manifest, date): (PathBuf, String)| {
            let read = Manifest::read(&manifest, &storage).ok()?;
            let journal = read.files().find(|file| file.is_journal)?.path;
            let names = old_run::named(&manifest, &read);
            Some(OldRun { manifest, date, run: read.run()?.clone(), journal, names })
        };
        let mut runs: Vec<OldRun> = dated_manifests(&self.manifest).into_iter().filter_map(read).collect();
        runs.sort_by(|one, other| {
            let by_start = other.run.started_at.cmp(&one.run.started_at);
            by_start.then_with(|| other.manifest.cmp(&one.manifest))
        });
        runs
    }

    /// The finished runs of the same report that are no longer kept, oldest first.
    fn expired<'r>(&self, runs: &'r [OldRun], new: &NewRun<'_>) -> Vec<&'r OldRun> {
        let own = new.manifest.canonicalize().ok();
        let is_own = |old: &&OldRun| own.is_some() && old.manifest.canonicalize().ok() == own;
        let same =
            runs.iter().filter(|old| !is_own(old) && old.run.finished && old.is_same_report(new.header));
        let same: Vec<&OldRun> = same.collect();
        // Failed fetches are no evidence, so the last answers stay.
        let last_complete = if new.is_complete { None } else { same.iter().find(|old| old.is_complete()) };
        let last_complete = last_complete.map(|old| &old.manifest);
        let is_expired = |(place, old): (usize, &&OldRun)| match self.keep {
            // The new run is one of those that are kept.
            KeepArg::Runs(runs) => place + 1 >= usize::try_from(runs.get()).unwrap_or(usize::MAX),
            KeepArg::Days(days) => {
                let is_past = |time| self.days_between(time, new.as_of) > i64::from(days.get());
                // The service's clock counts, if the journal has it.
                is_past(old.run.ended_at) && old.as_of().is_none_or(is_past)
            }
        };
        let expired = same.iter().enumerate().filter(|(place, old)| {
            old.run.started_at < new.started_at
                && Some(&old.manifest) != last_complete
                && (self.baseline.is_none() || old.journal.canonicalize().ok() != self.baseline)
                && is_expired((*place, *old))
        });
        expired.map(|(_, old)| *old).rev().collect()
    }

    fn days_between(&self, earlier: Timestamp, later: Timestamp) -> i64 {
        let [earlier, later] = [earlier, later].map(|time| self.zone.local(time).date());
        i64::from((later - earlier).get_days())
    }

    fn folders(&self) -> Folders {
        Folders::above_dates(self.outputs.iter().chain([&self.manifest]).map(PathBuf::as_path))
    }

    /// What belongs to a run; `gone` are the manifests of runs that were removed.
    ///
    /// # Errors
    /// Why the run stays, in words.
    fn check(&self, old: &OldRun, runs: &[OldRun], gone: &HashSet<&Path>) -> Result<Removal, String> {
        let others = runs
            .iter()
            .filter(|other| other.manifest != old.manifest && !gone.contains(other.manifest.as_path()));
        let shared: HashSet<&Path> = others.flat_map(|other| &other.names).map(PathBuf::as_path).collect();
        let known: HashSet<PathBuf> =
            runs.iter().filter_map(|run| run.manifest.canonicalize().ok()).collect();
        old_run::check(&old.manifest, &old.date, &self.folders(), &shared, &known).map_err(stays)
    }

    /// Removes a run, and returns the number of files.
    fn remove(&self, old: &OldRun, runs: &[OldRun], gone: &HashSet<&Path>) -> Result<usize, String> {
        // No lock file is made where a link leads.
        self.folders().check_links(&old.journal).map_err(stays)?;
        let lock = Lock::hold(&old.journal, old.run.started_at).map_err(|error| match error {
            JournalError::Locked { .. } => stays("another process has its journal open".to_owned()),
            error => stays(error.to_string()),
        })?;
        let removal = self.check(old, runs, gone)?;
        removal.remove().map_err(|why| {
            format!("this older run could be removed in part only: {why}; the next run continues")
        })?;
        // The lock is a file beside the journal.
        drop(lock);
        removal.remove_empty_folders();
        Ok(removal.paths().count())
    }
}

impl OldRun {
    /// Whether the run is of the same source, shard and project, and its list has at least half of its tasks in common with
    /// that of `new`.
    ///
    /// Without a journal it is if nothing else of the run is left: then its removal was interrupted.
    fn is_same_report(&self, new: &Header) -> bool {
        let Some(old) = header(&self.journal) else {
            return self.run.endpoint == new.endpoint && self.is_remnant();
        };
        let is_other_account = old.account.iter().zip(&new.account).any(|(old, new)| {
            is_other(old.project_id.as_ref(), new.project_id.as_ref())
                || is_other(old.domain_id.as_ref(), new.domain_id.as_ref())
        });
        let (common, most) = previous::common_tasks(&old, new);
        previous::is_same_source(&old, new)
            && old.merged_from.is_empty()
            && !is_other_account
            && common > 0
            && common * 2 >= most
    }

    /// Whether no dated file that the manifest names exists.
    fn is_remnant(&self) -> bool {
        let Ok(manifest) = Manifest::read(&self.manifest, &Storage::default()) else { return false };
        old_run::is_remnant(&self.manifest, &manifest, &self.date)
    }

    fn is_complete(&self) -> bool {
        Journal::open(self.journal.as_path())
            .is_ok_and(|journal| journal.is_finished() && journal.unanswered().is_empty())
    }

    /// The end on the service's clock; none without a journal.
    fn as_of(&self) -> Option<Timestamp> {
        Journal::open(self.journal.as_path()).ok().map(|journal| journal.as_of())
    }
}

/// Whether both are known and differ.
fn is_other(one: Option<&String>, other: Option<&String>) -> bool {
    one.is_some() && other.is_some() && one != other
}

/// The header of a journal; none if there is no regular file with one.
fn header(journal: &Path) -> Option<Header> {
    journal.symlink_metadata().ok().filter(std::fs::Metadata::is_file)?;
    serde_json::from_slice(&first_line(journal)?).ok()
}

/// Says why a run stays as it is.
fn stays(why: String) -> String {
    format!("this older run is not removed: {why}; move or remove it yourself")
}

/// Warns of runs that stay, or of which a part stays.
fn warn(kept: &[String]) {
    for text in kept.iter().take(MAX_WARNINGS) {
        console::warning(text);
    }
    if let more @ 1.. = kept.len().saturating_sub(MAX_WARNINGS) {
        console::warning(&format!("{more} more older runs cannot be removed; --log-file has the reasons"));
    }
}
