//! From a journal to reports and an exit code, for `export`, `render` and `merge`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::Timestamp;

use crate::cli::{FailOn, FilterArgs, ReadingArgs, ReportArgs, shell_quote};
use crate::journal::{Journal, JournalError, MergeError, WriteError};
use crate::model::{Language, Markup, Verdict};
use crate::output::{
    self, Evidence, FileOptions, Kind, Limits, Output, ROWS_PER_SHEET, StdoutKind, Target, Ticket,
    manifest_path, remove_signature,
};
use crate::report::{Change, Options, Policy, Report, View, Waivers, Zone};
use crate::storage::{Storage, is_remote};

use super::exit::{Exit, Failure};
use super::handling::Handling;
use super::summary::{self, Layout};
use super::{console, on_finish, previous, resume, run_end, stdout_output, template_choice};

/// Maximum number of tasks in the closing summary.
const NAMED_TASKS: usize = 20;

/// The manifest of a run.
pub(crate) struct ManifestPlace {
    /// Its path.
    pub(crate) path: PathBuf,
    /// Whether the journal is kept, and so is part of the evidence.
    pub(crate) journal: bool,
    /// Its path with `{date}` and `{time}`, if it has them.
    pub(crate) pattern: Option<PathBuf>,
    /// What is done with it.
    pub(crate) handling: Handling,
}

impl ManifestPlace {
    /// Beside the first output; none without outputs.
    pub(crate) fn beside(targets: &[Target], journal: bool, handling: &Handling) -> Option<Self> {
        let first = targets.first()?;
        Some(Self {
            path: manifest_path(&first.journal_path()),
            journal,
            pattern: first.journal_pattern().map(|journal| manifest_path(&journal)),
            handling: handling.clone(),
        })
    }
}

/// The outputs of a run that started at `started`.
pub(crate) fn targets(args: &ReportArgs, started: Timestamp) -> Result<Vec<Target>, Failure> {
    let files = stdout_output::files(&args.outputs, args.format, args.json)?;
    let targets = files.map(|text| Target::parse(text, started, &args.reading.timezone));
    targets.collect::<Result<_, _>>().map_err(Failure::usage)
}

/// Checks that `--fail-on` names changes only together with `--previous`.
pub(crate) fn check_fail_on(fail_on: &[FailOn], has_previous: bool) -> Result<(), Failure> {
    match FailOn::changes(fail_on).first() {
        Some(change) if !has_previous => Err(Failure::usage(format!(
            "--fail-on {} needs a run to compare with: add --previous",
            change.key()
        ))),
        _ => Ok(()),
    }
}

/// The options of reports.
pub(crate) fn options(args: &ReadingArgs, template: &str, storage: &Storage) -> Result<Options, Failure> {
    let not_before = args.not_before.as_deref().map(|text| {
        args.timezone.moment(text).map_err(|what| Failure::usage(format!("--not-before {text}: {what}")))
    });
    Ok(Options {
        timezone: args.timezone.clone(),
        language: args.language,
        template: template_choice::named(template)?,
        policy: Policy { max_age: args.max_age.0, not_before: not_before.transpose()? },
        waivers: args.waivers.as_deref().map(|path| waivers(path, storage, &args.timezone)).transpose()?,
        rows_per_sheet: ROWS_PER_SHEET,
        view: View::default(),
        needs_context: false,
    })
}

/// Which tasks are shown, and how they are grouped.
pub(crate) fn view(group_by: Option<&str>, filter: Option<&FilterArgs>) -> View {
    let labels = filter.into_iter().flat_map(|filter| &filter.labels);
    View {
        group_by: group_by.map(str::to_owned),
        only: filter.map(|filter| FailOn::verdicts(&filter.only)).unwrap_or_default(),
        labels: labels.cloned().collect(),
    }
}

/// Reads a waiver file, and warns about waivers that cannot cover anything.
fn waivers(path: &Path, storage: &Storage, zone: &Zone) -> Result<Waivers, Failure> {
    let file = storage.fetch(path).map_err(Failure::storage)?;
    let text = std::fs::read_to_string(&file.local).map_err(|error| {
        Failure::usage(format!("cannot read waiver file {}: {error}; check --waivers", path.display()))
    })?;
    let waivers = Waivers::parse(path, &text, zone).map_err(|error| {
        let head = "invalid waivers:".to_owned();
        Failure::lines(Exit::Usage, std::iter::once(head).chain(error.0))
    })?;
    waivers.warnings().for_each(|warning| console::warning(&warning));
    Ok(waivers)
}

/// Why journals cannot be merged.
pub(crate) fn merge_failure(error: MergeError) -> Failure {
    match error {
        MergeError::Journal(error) => Failure::journal(error),
        MergeError::IncompatibleShards { .. } => Failure::usage(error),
        MergeError::Changed(_) => Failure::stopped(error),
    }
}

/// Why a merged journal cannot be written to `path`.
pub(crate) fn merge_write_failure(error: WriteError, path: &Path) -> Failure {
    match error {
        WriteError::Merge(error) => merge_failure(error),
        WriteError::Io(source) => Failure::journal(JournalError::Io { path: path.to_owned(), source }),
    }
}

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
    if let Some(clock) = report.clock(Language::English) {
        console::warning(&format!("{clock}; set that machine's clock"));
    }
}

/// Writes every output of `journal` and then the manifest, prints the summary, and returns the exit code.
///
/// An output that fails does not stop the others, and the manifest lists it.
pub(crate) fn write(
    journal: &Journal,
    options: Options,
    targets: &[Target],
    manifest: Option<&ManifestPlace>,
    args: &ReportArgs,
    storage: &Storage,
    quiet: bool,
) -> Result<Exit, Failure> {
    options.view.check(&journal.header().list.labels).map_err(Failure::usage)?;
    let started = Instant::now();
    warn_of_faults(journal);
    // A condition on changes must not pass unnoticed.
    let warn = !quiet || !FailOn::changes(&args.fail_on).is_empty();
    let (earlier, replaced) = (args.previous.as_ref(), args.replaced.as_ref());
    let report = previous::report(journal, options, earlier, replaced, storage, warn)?;
    warn_of_clock(&report);
    let ticket = Ticket::of(&report.options().template, args.ticket_format).map_err(Failure::usage)?;
    let limits = Limits { max_sheets: args.max_sheets, max_bytes: args.max_bytes };
    let files = FileOptions { csv_raw: args.csv_raw, limits, ticket, storage: storage.clone() };
    // A ticket lists the other files.
    let mut in_order: Vec<&Target> = targets.iter().collect();
    in_order.sort_by_key(|target| target.kind() == Kind::Ticket);
    let mut outputs = Vec::new();
    for target in in_order {
        let written = output::write(&report, target, &files, &outputs);
        let path = target.path().to_string_lossy();
        tracing::debug!(event = "output", path = path.as_ref(), written = written.is_ok());
        if let Err(error) = &written {
            console::error(&format!("{error}; an existing file is unchanged"));
        }
        outputs.push(Output { target: target.clone(), written });
    }
    // A journal that is kept as a local file can be shown to the user.
    let journal_stays = manifest.is_none_or(|place| place.journal);
    let kept = journal_stays && !is_remote(journal.path());
    let (fail_on, fail_on_changes) = (FailOn::verdicts(&args.fail_on), FailOn::changes(&args.fail_on));
    let mut failed = outputs.iter().any(|output| output.written.is_err());
    let place = manifest;
    let manifest = manifest.map(|place| {
        let evidence = Evidence {
            outputs: &outputs,
            journal: place.journal,
            fail_on: &fail_on,
            csv_raw: args.csv_raw,
            limits,
            ticket_format: args.ticket_format,
            storage,
            pattern: place.pattern.as_deref(),
            signer: place.handling.signer.as_deref(),
        };
        let written = output::write_manifest(&report, &place.path, &evidence);
        written.map(|()| &place.path).map_err(|error| (&place.path, error))
    });
    if let Some(Err((path, error))) = &manifest {
        let is_unsigned = error.path != **path;
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
        failed = true;
    }
    warn_of_large(&outputs, &limits);
    // After all files, which matter more than a stdout that cannot be written.
    failed |= args.json && !console::is_stdout_open();
    if let Err(failure) = to_stdout(&report, args, &files, &outputs, quiet) {
        console::failure(&failure);
        failed = true;
    }
    run_end::reported(report.rows().iter().map(|row| row.verdict.key()), started.elapsed());
    let exit = exit_code(&report, &fail_on, &fail_on_changes, failed);
    if !quiet || exit != Exit::Done {
        close(&report, kept);
        if quiet {
            paths(&outputs).iter().for_each(|path| console::note(&format!("report: {}", path.display())));
        }
        if let Some(Ok(path)) = manifest {
            console::note(&format!("manifest: {}", path.display()));
        }
    }
    let written = manifest.as_ref().and_then(|manifest| manifest.as_ref().ok());
    let headline = report.headline(Language::English);
    on_finish::record_report(
        report.status().key(),
        headline,
        paths(&outputs),
        written.map(|path| path.as_path()),
    );
    let exit = match place {
        Some(place) if place.handling.delivery.is_some() => {
            let text = ticket_text(&report, &files, &outputs)?;
            handed_over(place, !failed, text, args, storage, quiet, exit)
        }
        _ => exit,
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
    Ok(exit)
}

/// The text of a ticket comment in Markdown, independent of the markup of the outputs.
fn ticket_text(report: &Report<'_>, files: &FileOptions, outputs: &[Output]) -> Result<String, Failure> {
    let ticket = Ticket::of(&report.options().template, Markup::Markdown).map_err(Failure::usage)?;
    let files = FileOptions { ticket, ..files.clone() };
    let mut text = Vec::new();
    output::write_to(report, StdoutKind::Ticket, &files, outputs, &mut text).map_err(Failure::stopped)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Delivers what was written, and returns how the run ends. What the tasks say weighs more than a failed delivery.
fn handed_over(
    place: &ManifestPlace,
    is_written: bool,
    text: String,
    args: &ReportArgs,
    storage: &Storage,
    quiet: bool,
    exit: Exit,
) -> Exit {
    let Some(delivery) = &place.handling.delivery else { return exit };
    if !is_written {
        console::error("nothing is delivered, because an output could not be written");
        return exit;
    }
    let has_document = args.json || args.format.is_some();
    let print = |address: &str| {
        if has_document || quiet {
            console::note(address);
            return Ok(());
        }
        console::out(address).map(drop)
    };
    match delivery.run(&place.path, Some(text), storage, print) {
        Ok(()) => exit,
        Err(failure) => {
            let again = args.typed.deliver(&place.path);
            console::failure(
                &failure.and(format!("when the cause is fixed: `{again}`; nothing is delivered twice")),
            );
            if exit == Exit::Done { Exit::Delivery } else { exit }
        }
    }
}

/// Removes a manifest with its signature.
fn remove(place: &Path, storage: &Storage) -> bool {
    let _ = remove_signature(place, storage);
    if is_remote(place) {
        storage.remove(&[place.to_owned()]).is_ok()
    } else {
        std::fs::remove_file(place).is_ok()
    }
}

/// Writes to stdout what belongs there: the output of `-o -`, the summary, or the paths written.
fn to_stdout(
    report: &Report<'_>,
    args: &ReportArgs,
    files: &FileOptions,
    outputs: &[Output],
    quiet: bool,
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
    let lines = paths(outputs).into_iter().filter(|_| !quiet).map(|path| format!("{}\n", path.display()));
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

/// Warns of files above the size limit; those that can be split are not.
fn warn_of_large(outputs: &[Output], limits: &Limits) {
    let written = outputs.iter().filter_map(|output| output.written.as_ref().ok()).flatten();
    for file in written.filter(|file| !limits.allow(file.size)) {
        console::warning(&format!(
            "{}: {} bytes, more than --max-bytes; a file of this kind cannot be split",
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

/// Prints the summary and hints to stderr. `kept` is whether the journal is kept as a local file.
fn close(report: &Report<'_>, kept: bool) {
    let see = if kept {
        format!("`cutover-report show {}` lists all", shell_quote(report.journal().path()))
    } else {
        String::new()
    };
    console::note_summary(&summary::text(
        report,
        &Layout { see, merge_failures: true, ..Layout::stderr(Some(NAMED_TASKS)) },
    ));
    hints(report, kept).iter().for_each(|hint| console::note(hint));
}

/// What to do about tasks that do not pass, and which waivers expired. `kept` is whether the journal is kept as a
/// local file.
pub(crate) fn hints(report: &Report<'_>, kept: bool) -> Vec<String> {
    let mut hints = Vec::new();
    for waiver in report.waivers().unwrap_or_default() {
        if let (Some(expires), true, rows @ 1..) = (&waiver.waiver.expires, waiver.expired, waiver.rows) {
            hints.push(format!(
                "{}: this waiver expired on {expires}; rows that it would cover: {rows}",
                waiver.waiver.place()
            ));
        }
    }
    let unreadable = report.rows().iter().find(|row| kept && row.verdict == Verdict::Unreadable);
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
