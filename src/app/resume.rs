//! `--resume`: finds the journal to continue, and checks that it matches the run.

use std::ffi::OsString;
use std::path::Path;

use crate::cli::{ExportArgs, shell_quote};
use crate::journal::{Header, Journal, JournalError, RunScope, SearchFilter, Writer};
use crate::model::{NamedFile, Shard, TaskList};

use super::connect;
use super::console;
use super::exit::Failure;

/// The command that fetches the tasks without an answer and writes `outputs`; none for a merged journal.
pub(crate) fn command(header: &Header, journal: &Path, outputs: Vec<OsString>) -> Option<String> {
    if !header.merged_from.is_empty() {
        return None;
    }
    let mut words: Vec<OsString> =
        ["cutover-report", "export", "--resume", "--journal"].map(Into::into).into();
    words.push(journal.into());
    let mut add = |option: &str, value: Option<&str>| {
        words.push(option.into());
        words.extend(value.map(Into::into));
    };
    add("--endpoint", Some(&header.endpoint));
    if let Some(SearchFilter { state, name, with_results }) = &header.searched {
        add(if header.reconciliation.is_some() { "--reconcile" } else { "--discover" }, None);
        for (option, value) in [("--state", state), ("--name", name)] {
            if let Some(value) = value {
                add(option, Some(value));
            }
        }
        if *with_results == Some(true) {
            add("--with-results", None);
        }
    }
    if let Some(part) = &header.shard {
        add("--shard", Some(&part.shard.to_string()));
    }
    words.extend(outputs);
    Some(words.iter().map(shell_quote).collect::<Vec<_>>().join(" "))
}

/// Checks that `--resume` can find a journal.
///
/// # Errors
/// Wrong usage, when there is no journal, or its path contains the time.
pub(crate) fn check(args: &ExportArgs, has_journal: bool) -> Result<(), Failure> {
    if !has_journal {
        return Err(Failure::usage(
            "--resume needs a journal: set it with --journal, or set an output with -o",
        ));
    }
    let first = args.report.outputs.first().filter(|_| args.journal.is_none());
    if let Some(first) = first.filter(|first| first.contains("{time}")) {
        return Err(Failure::usage(format!(
            "--resume looks for the journal beside -o {first}, whose path changes with {{time}}: set the journal with --journal"
        )));
    }
    Ok(())
}

/// The filter of the task listing, for `--discover` and `--reconcile`.
pub(crate) fn searched(args: &ExportArgs) -> Option<SearchFilter> {
    let search = &args.search;
    (args.discover || args.reconcile).then(|| SearchFilter {
        state: search.state.clone(),
        name: search.name.clone(),
        with_results: args.discover.then_some(args.with_results),
    })
}

/// The journal to continue; none if there is none yet.
///
/// # Errors
/// When it cannot be read, or belongs to another run.
pub(crate) fn load_resumable(
    file: &NamedFile,
    args: &ExportArgs,
    declared: Option<&TaskList>,
    shard: Option<Shard>,
) -> Result<Option<Journal>, Failure> {
    let is_empty = || file.local.metadata().is_ok_and(|file| file.is_file() && file.len() == 0);
    let journal = match Journal::open(file) {
        Ok(journal) if journal.recorded() > 0 => Some(journal),
        Ok(_) => None,
        Err(JournalError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => None,
        Err(JournalError::MissingHeader(_)) if is_empty() => None,
        Err(JournalError::MissingHeader(path)) => {
            return Err(Failure::journal(JournalError::NotAJournal(path)));
        }
        Err(error) => return Err(Failure::journal(error)),
    };
    let path = file.name.display();
    let Some(journal) = journal else {
        if !console::is_quiet() {
            console::note(&format!("{path} has no records to resume from: starting a new run"));
        }
        return Ok(None);
    };
    let run = RunScope {
        endpoint: &connect::name(&args.connection)?,
        account: &connect::account(&args.connection),
        searched: searched(args),
        reconciled: args.reconcile,
        shard,
        list: declared,
    };
    if let Some(difference) = journal.header().mismatch(&run) {
        return Err(Failure::stopped(format!(
            "{path} belongs to another run, so --resume cannot continue it: {difference}; choose another journal with --journal, or discard its records with --overwrite instead of --resume"
        )));
    }
    report_resumed(&journal);
    Ok(Some(journal))
}

/// Reports the state of the journal to continue.
fn report_resumed(journal: &Journal) {
    let path = journal.path().display();
    if journal.is_truncated() {
        console::warning(&format!(
            "{path}: its last line is truncated and will be dropped; its task is fetched again"
        ));
    }
    let Header { started_at, list, searched, .. } = journal.header();
    let wanted = journal.unanswered().len();
    if wanted == 0 && journal.is_finished() {
        // A cron job that never fetches again must not look like one that does.
        console::warning(&format!(
            "{path}: the run of {started_at} is complete, with an answer for every task, so nothing is fetched; to start a new run, omit --resume"
        ));
    } else if !console::is_quiet() {
        let total = list.tasks.len();
        console::note(&format!(
            "{path}: resuming the run of {started_at}: {} of {total} tasks have answers, {wanted} to fetch",
            total - wanted
        ));
        if searched.is_some() {
            console::note("the account's tasks are not listed again: the journal's list is used");
        }
    }
}

/// Finishes a journal that has an answer for every task, if its run was interrupted before that.
pub(crate) fn finish(journal: &Journal) -> Result<(), Failure> {
    if journal.is_finished() {
        return Ok(());
    }
    Writer::resume(journal).and_then(|mut writer| writer.finish()).map_err(Failure::journal)
}
