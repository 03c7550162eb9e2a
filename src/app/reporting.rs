//! From a journal to reports and an exit code, for `export`, `render` and `merge`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::cli::{FailOn, ReportArgs, shell_quote};
use crate::journal::Journal;
use crate::model::{Language, Markup, Verdict};
use crate::output::{
    self, Evidence, FileOptions, Kind, Limits, Output, StdoutKind, Target, Ticket, remove_signature,
};
use crate::report::{Change, Report};
use crate::storage::{Storage, is_remote};

use super::exit::{Exit, Failure};
use super::outputs::{ManifestTarget, Outputs, ReportJob};
use super::summary::{self, Layout};
use super::{console, on_finish, previous, report_options, resume, run_end, stdout_output};

/// Maximum number of tasks in the closing summary.
const NAMED_TASKS: usize = 20;

/// Warns about problems of a journal that can be read.
pub(crate) fn warn_of_faults(journal: &Journal) {
    for fault in journal.faults() {
        console::warning(&format!("{}: {fault}", journal.path().display()));
    }
}

/// Warns that a journal is incomplete.
///
/// `outputs` are options for the command that fetches the rest.
pub(crate) fn warn_if_unfinished(journal: &Journal, outputs: Vec<OsString>) {
    if !journal.is_finished() {
        let fetch = resume::command(journal.header(), journal.path(), outputs);
        let fetch = fetch.map_or_else(String::new, |command| format!("; to fetch them: `{command}`"));
        console::warning(&format!(
            "{}: the run is incomplete: {} of {} tasks are recorded, the others count as not fetched{fetch}",
            journal.path().display(),
            journal.recorded(),
            journal.header().list.tasks.len()
        ));
    }
}

/// Warns if the clock of the machine that fetched was wrong.
pub(crate) fn warn_of_clock(report: &Report<'_>) {
    console::warn_sentences(|language| {
        let clock = report.clock(language);
        let advice = language.message("set that machine's clock");
        clock.map(|clock| format!("{clock}{}{advice}", language.semicolon())).into_iter().collect()
    });
}

/// Writes every output of `journal` and then the manifest, prints the summary, and returns the exit code.
///
/// An output that fails does not stop the others, and the manifest lists it.
pub(crate) fn write(
    journal: &Journal,
    job: ReportJob,
    args: &ReportArgs,
    storage: &Storage,
) -> Result<Exit, Failure> {
    write_after(|| Ok(()), journal, job, args, storage)
}

/// As [`write`]; `place` puts the journal at its path after the tasks are judged, and before any output is written.
pub(crate) fn write_after(
    place: impl FnOnce() -> Result<(), Failure>,
    journal: &Journal,
    job: ReportJob,
    args: &ReportArgs,
    storage: &Storage,
) -> Result<Exit, Failure> {
    let ReportJob { options, outputs: Outputs { targets, manifest }, replaced } = job;
    options.view.check(&journal.header().list.labels).map_err(Failure::usage)?;
    let started = Instant::now();
    warn_of_faults(journal);
    // A condition on changes must not pass unnoticed.
    let warn = !console::is_quiet() || !FailOn::changes(&args.fail_on).is_empty();
    let report = previous::report(journal, options, args.previous.as_ref(), replaced.as_ref(), storage, warn);
    // The journal is kept also without a report.
    place()?;
    let report = report?;
    warn_of_clock(&report);
    let ticket = Ticket::of(&report.options().template, args.ticket_format).map_err(Failure::usage)?;
    let limits = Limits { max_sheets: args.max_sheets, max_bytes: args.max_bytes };
    let csv = report_options::csv(args.csv, args.reading.language);
    let files = FileOptions { csv, limits, ticket, storage: storage.clone() };

    let outputs = write_outputs(&report, &targets, &files);
    let mut failed = outputs.iter().any(|output| output.written.is_err());
    let is_complete =
        manifest.as_ref().map(|manifest| write_manifest(&report, manifest, &outputs, args, storage));
    failed |= is_complete == Some(false);
    warn_of_large(&outputs, &limits);
    // After all files, which matter more than a stdout that cannot be written.
    failed |= args.json && !console::is_stdout_open();
    if let Err(failure) = to_stdout(&report, args, &files, &outputs) {
        console::failure(&failure);
        failed = true;
    }

    run_end::reported(report.rows().iter().map(|row| row.verdict.key()), started.elapsed());
    let (fail_on, changes) = (FailOn::verdicts(&args.fail_on), FailOn::changes(&args.fail_on));
    let exit = exit_code(&report, &fail_on, &changes, failed);
    let written_manifest =
        manifest.as_ref().filter(|_| is_complete == Some(true)).map(|manifest| &*manifest.path);
    let journal_stays = manifest.as_ref().is_none_or(|manifest| manifest.has_journal);
    if !console::is_quiet() || exit != Exit::Done {
        // A journal that is kept as a local file can be shown to the user.
        print_summary(&report, journal_stays && !is_remote(journal.path()));
        if console::is_quiet() {
            paths(&outputs).iter().for_each(|path| console::note(&format!("report: {}", path.display())));
        }
        if let Some(path) = written_manifest {
            console::note(&format!("manifest: {}", path.display()));
        }
    }
    let headline = report.headline(Language::English);
    on_finish::record_report(report.status().key(), headline, paths(&outputs), written_manifest);
    let delivery =
        manifest.as_ref().and_then(|manifest| Some((manifest, manifest.handling.delivery.as_ref()?)));
    let delivered = match delivery {
        Some(_) if failed => {
            console::error("nothing is delivered, because an output could not be written");
            true
        }
        Some((manifest, delivery)) => {
            let text = ticket_text(&report, &files, &outputs)?;
            let has_document = args.json || args.format.is_some();
            delivery.deliver(&manifest.path, text, has_document, &args.typed, storage)
        }
        None => true,
    };
    // A temporary journal is reported when it is kept.
    if failed && journal_stays {
        let path = journal.path();
        console::note(&format!(
            "the answers are in {}; when the cause is fixed, write the reports again: `{}`",
            path.display(),
            args.typed.render(path)
        ));
    }
    // A failed delivery does not replace another exit code.
    Ok(if !delivered && exit == Exit::Done { Exit::Delivery } else { exit })
}

/// Writes every output. One that fails is reported, and does not stop the others.
fn write_outputs(report: &Report<'_>, targets: &[Target], files: &FileOptions) -> Vec<Output> {
    // A ticket lists the other files.
    let mut in_order: Vec<&Target> = targets.iter().collect();
    in_order.sort_by_key(|target| target.kind() == Kind::Ticket);
    let mut outputs = Vec::new();
    for target in in_order {
        let written = output::write(report, target, files, &outputs);
        let path = target.path().to_string_lossy();
        tracing::debug!(event = "output", path = path.as_ref(), written = written.is_ok());
        if let Err(error) = &written {
            console::error(&format!("{error}; an existing file is unchanged"));
        }
        outputs.push(Output { target: target.clone(), written });
    }
    outputs
}

/// Writes the manifest and its signature. Returns false if one of them could not be written, which is reported.
fn write_manifest(
    report: &Report<'_>,
    manifest: &ManifestTarget,
    outputs: &[Output],
    args: &ReportArgs,
    storage: &Storage,
) -> bool {
    let path = &manifest.path;
    let (fail_on, fail_on_changes) = (FailOn::verdicts(&args.fail_on), FailOn::changes(&args.fail_on));
    let evidence = Evidence {
        outputs,
        journal: manifest.has_journal,
        fail_on: &fail_on,
        fail_on_changes: &fail_on_changes,
        csv: report_options::csv(args.csv, args.reading.language),
        limits: Limits { max_sheets: args.max_sheets, max_bytes: args.max_bytes },
        ticket_format: args.ticket_format,
        storage,
        pattern: manifest.pattern.as_deref(),
        signer: manifest.handling.signer.as_deref(),
    };
    let Err(error) = output::write_manifest(report, path, &evidence) else { return true };
    let is_unsigned = error.path != *path;
    // A manifest of an earlier run would not match the new files.
    let any = outputs.iter().any(|output| output.written.is_ok());
    let is_gone = !is_unsigned && any && remove(path, storage);
    let fate = if is_unsigned {
        "the manifest is complete, but has no valid signature"
    } else if is_gone {
        "the manifest of an earlier run is removed"
    } else {
        "an existing file is unchanged"
    };
    console::error(&format!("{error}; {fate}"));
    false
}

/// The text of a ticket comment in Markdown, independent of the markup of the outputs.
fn ticket_text(report: &Report<'_>, files: &FileOptions, outputs: &[Output]) -> Result<String, Failure> {
    let ticket = Ticket::of(&report.options().template, Markup::Markdown).map_err(Failure::usage)?;
    let files = FileOptions { ticket, ..files.clone() };
    let mut text = Vec::new();
    output::write_to(report, StdoutKind::Ticket, &files, outputs, &mut text).map_err(Failure::stopped)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Removes a manifest with its signature.
fn remove(manifest: &Path, storage: &Storage) -> bool {
    let _ = remove_signature(manifest, storage);
    if is_remote(manifest) {
        storage.remove(&[manifest.to_owned()]).is_ok()
    } else {
        std::fs::remove_file(manifest).is_ok()
    }
}

/// Writes to stdout what belongs there: the output of `-o -`, the summary, or the paths written.
fn to_stdout(
    report: &Report<'_>,
    args: &ReportArgs,
    files: &FileOptions,
    outputs: &[Output],
) -> Result<(), Failure> {
    if let Some(format) = args.format {
        return stdout_output::write(format, |to| {
            output::write_to(report, format.into(), files, outputs, to)
        });
    }
    if args.json {
        let mut document = Vec::new();
        output::write_summary(report, &mut document).map_err(Failure::stopped)?;
        return console::out_json(&document).map(drop);
    }
    let lines = paths(outputs)
        .into_iter()
        .filter(|_| !console::is_quiet())
        .map(|path| format!("{}\n", path.display()));
    console::out_data(lines.collect::<String>().as_bytes()).map(drop)
}

/// The paths written; of a folder only its own.
fn paths(outputs: &[Output]) -> Vec<PathBuf> {
    let paths = |output: &Output| -> Vec<PathBuf> {
        match (&output.written, output.target.kind()) {
            (Err(_), _) => Vec::new(),
            (Ok(_), Kind::CsvFolder) => vec![output.target.path().to_owned()],
            (Ok(files), _) => files.iter().map(|file| file.path.clone()).collect(),
        }
    };
    outputs.iter().flat_map(paths).collect()
}

/// Warns of files above the size limit. Files that can be split are never above it.
fn warn_of_large(outputs: &[Output], limits: &Limits) {
    let written = outputs.iter().filter_map(|output| output.written.as_ref().ok()).flatten();
    for file in written.filter(|file| !limits.allow(file.size)) {
        console::warning(&format!(
            "{}: {} bytes, more than --max-bytes allows, but this format cannot be split",
            file.path.display(),
            file.size
        ));
    }
}

/// The exit code of a report, by the tasks that it shows. `failed` is whether an output could not be written.
pub(crate) fn exit_code(report: &Report<'_>, fail_on: &[Verdict], changes: &[Change], failed: bool) -> Exit {
    let any = |wanted: &[Verdict]| report.rows().iter().any(|row| wanted.contains(&row.verdict));
    let changed = report.since().is_some_and(|since| changes.iter().any(|change| since.count(*change) > 0));
    if failed {
        Exit::Stopped
    } else if any(fail_on) || changed {
        Exit::Gate
    } else if any(&[Verdict::FetchFailed, Verdict::Unreadable])
        || !report.is_whole()
        || report.options().needs_context && report.context_known() < report.with_task_id()
    {
        Exit::Incomplete
    } else {
        Exit::Done
    }
}

/// Prints the summary and hints to stderr. `is_kept` is whether the journal is kept as a local file.
fn print_summary(report: &Report<'_>, is_kept: bool) {
    let command = format!("`cutover-report show {}`", shell_quote(report.journal().path()));
    console::note_summary(|language| {
        let see = if is_kept { language.fill("{0} lists all", &[&command]) } else { String::new() };
        let layout = Layout::stderr(Some(NAMED_TASKS));
        summary::text(report, &Layout { see, language, merge_failures: true, ..layout })
    });
    hints(report, is_kept).iter().for_each(|hint| console::note(hint));
}

/// What to do about tasks that do not pass, and which waivers expired. `is_kept` is whether the journal is kept as a
/// local file.
pub(crate) fn hints(report: &Report<'_>, is_kept: bool) -> Vec<String> {
    let mut hints = Vec::new();
    for waiver in report.waivers().unwrap_or_default() {
        if let (Some(expires), true, rows @ 1..) = (&waiver.waiver.expires, waiver.expired, waiver.rows) {
            hints.push(format!(
                "{}: this waiver expired on {expires}; rows that it would cover: {rows}",
                waiver.waiver.place()
            ));
        }
    }
    let unreadable = report.rows().iter().find(|row| is_kept && row.verdict == Verdict::Unreadable);
    if let Some(row) = unreadable {
        hints.push(format!(
            "hint: the journal has unreadable responses as they were received: \
             `jq -r {} {}`",
            shell_quote(format!("select(.task_id == {}).body", serde_json::Value::from(row.task.id_text()))),
            shell_quote(report.journal().path())
        ));
    }
    hints
}
