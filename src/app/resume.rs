//! `--resume`: what an earlier run left, and whether this one may go on with it.

use std::ffi::OsString;
use std::path::Path;

use crate::cli::{ExportArgs, shell_quote};
use crate::journal::{Header, Journal, JournalError, Searched, Wanted, Writer};
use crate::model::{NamedFile, Shard, TaskList};

use super::connect;
use super::console;
use super::exit::Failure;

/// The command that fetches what a journal has no answer for and writes `outputs`; none for a journal that was
/// merged.
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
    if let Some(Searched { state, name, with_results }) = &header.searched {
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
/// Wrong usage, when there is no journal or each run has another.
pub(crate) fn check(args: &ExportArgs, has_journal: bool) -> Result<(), Failure> {
    if !has_journal {
        return Err(Failure::usage(
            "--resume needs a journal: name it with --journal, or give an output with -o",
        ));
    }
    let first = args.report.outputs.first().filter(|_| args.journal.is_none());
    if let Some(first) = first.filter(|first| first.contains("{time}")) {
        return Err(Failure::usage(format!(
            "--resume looks for the journal beside -o {first}, which is another place at any {{time}}: name it with --journal"
        )));
    }
    Ok(())
}

/// What the account is asked for, to find the tasks or to compare them.
pub(crate) fn searched(args: &ExportArgs) -> Option<Searched> {
    let search = &args.search;
    (args.discover || args.reconcile).then(|| Searched {
        state: search.state.clone(),
        name: search.name.clone(),
        with_results: args.discover.then_some(args.with_results),
    })
}

/// The journal to go on with; none where there is none yet.
///
/// # Errors
/// When it cannot be read, or is of another run.
pub(crate) fn held(
    file: &NamedFile,
    args: &ExportArgs,
    declared: Option<&TaskList>,
    shard: Option<Shard>,
    quiet: bool,
) -> Result<Option<Journal>, Failure> {
    let is_empty = || file.local.metadata().is_ok_and(|file| file.is_file() && file.len() == 0);
    let journal = match Journal::open(file) {
        Ok(journal) if journal.recorded() > 0 => Some(journal),
        Ok(_) => None,
        Err(JournalError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => None,
        Err(JournalError::NoJournal(_)) if is_empty() => None,
        Err(JournalError::NoJournal(path)) => return Err(Failure::journal(JournalError::NotOurs(path))),
        Err(error) => return Err(Failure::journal(error)),
    };
    let path = file.name.display();
    let Some(journal) = journal else {
        if !quiet {
            console::note(&format!("{path} holds nothing to go on with: the run starts afresh"));
        }
        return Ok(None);
    };
    let run = Wanted {
        endpoint: &connect::name(&args.connection)?,
        account: &connect::account(&args.connection),
        searched: searched(args),
        reconciled: args.reconcile,
        shard,
        list: declared,
    };
    if let Some(difference) = journal.header().differs(&run) {
        return Err(Failure::stopped(format!(
            "{path} is of another run, and --resume cannot go on with it: {difference}; name another journal with \
             --journal, or drop what it holds with --overwrite"
        )));
    }
    tell(&journal, quiet);
    Ok(Some(journal))
}

/// Says from where the run goes on.
fn tell(journal: &Journal, quiet: bool) {
    let path = journal.path().display();
    if journal.is_torn() {
        console::warning(&format!(
            "{path}: its last line was cut off and is taken away; its task is fetched again"
        ));
    }
    let Header { started_at, list, searched, .. } = journal.header();
    let wanted = journal.unanswered().len();
    if wanted == 0 && journal.is_finished() {
        // A cron entry that never fetches again must not look like one that does.
        console::warning(&format!(
            "{path}: the run of {started_at} came to its end with an answer for every task, so nothing is fetched; \
             a new run is made without --resume"
        ));
    } else if !quiet {
        let total = list.tasks.len();
        console::note(&format!(
            "{path}: goes on with the run of {started_at}; answers are there for {} of {total} tasks, {wanted} are to be fetched",
            total - wanted
        ));
        if searched.is_some() {
            console::note("the account is not asked for its tasks again: those that the journal names count");
        }
    }
}

/// Ends a journal that has an answer for every task, if its run did not come to that.
pub(crate) fn finish(journal: &Journal) -> Result<(), Failure> {
    if journal.is_finished() {
        return Ok(());
    }
    Writer::resume(journal).and_then(|mut writer| writer.finish()).map_err(Failure::journal)
}
