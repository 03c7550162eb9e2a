//! The right half of the way, which `export` and `render` share: journal to reports to exit code.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::cli::{FailOn, ReadingArgs, ReportArgs};
use crate::journal::Journal;
use crate::model::{Language, SAMPLE, Verdict};
use crate::output::{
    self, Evidence, FileOptions, Kind, Limits, Output, ROWS_PER_SHEET, Target, Ticket, manifest_path,
};
use crate::report::{Options, Policy, Report, SummaryRow, Waivers, Zone};
use crate::storage::{Storage, is_remote};

use super::exit::{Exit, Failure};
use super::{console, template_choice};

/// Tasks that the closing summary names at most.
const NAMED_TASKS: usize = 10;

/// The manifest of a run.
pub(crate) struct ManifestPlace {
    /// Where it stands.
    pub(crate) path: PathBuf,
    /// Whether the journal stays, so that it belongs to the evidence.
    pub(crate) journal: bool,
}

impl ManifestPlace {
    /// Beside the first output; none where there is no output.
    pub(crate) fn beside(targets: &[Target], journal: bool) -> Option<Self> {
        let first = targets.first()?;
        Some(Self { path: manifest_path(&first.journal_path()), journal })
    }
}

/// The outputs of a run that began at `started`.
pub(crate) fn targets(args: &ReportArgs, started: Timestamp) -> Result<Vec<Target>, Failure> {
    let targets = args.outputs.iter().map(|text| Target::parse(text, started, &args.reading.timezone));
    targets.collect::<Result<_, _>>().map_err(Failure::usage)
}

/// How the reports are to be read.
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
    })
}

/// Reads a file of waivers, and says which of them can cover nothing.
fn waivers(path: &Path, storage: &Storage, zone: &Zone) -> Result<Waivers, Failure> {
    let file = storage.fetch(path).map_err(Failure::storage)?;
    let text = std::fs::read_to_string(&file.local)
        .map_err(|error| Failure::usage(format!("{}: cannot be read: {error}", path.display())))?;
    let waivers = Waivers::parse(path, &text, zone).map_err(Failure::usage)?;
    waivers.warnings().for_each(|warning| console::warning(&warning));
    Ok(waivers)
}

/// Says what is wrong with a journal although it can be read.
pub(crate) fn tell_faults(journal: &Journal) {
    for fault in journal.faults() {
        console::warning(&format!("{}: {fault}", journal.path().display()));
    }
}

/// Writes every output of `journal` and then the manifest, says what came of it, and gives the exit code.
///
/// One output that fails does not keep the others from being written, and the manifest tells of it.
pub(crate) fn write(
    journal: &Journal,
    options: Options,
    targets: &[Target],
    manifest: Option<&ManifestPlace>,
    args: &ReportArgs,
    storage: &Storage,
    quiet: bool,
) -> Result<Exit, Failure> {
    tell_faults(journal);
    let report = Report::new(journal, options).map_err(Failure::journal)?;
    let ticket = Ticket::of(&report.options().template, args.ticket_format).map_err(Failure::usage)?;
    let limits = Limits { max_sheets: args.max_sheets, max_bytes: args.max_bytes };
    let files = FileOptions { csv_raw: args.csv_raw, limits, ticket, storage: storage.clone() };
    // A ticket names the other files.
    let mut in_order: Vec<&Target> = targets.iter().collect();
    in_order.sort_by_key(|target| target.kind() == Kind::Ticket);
    let mut outputs = Vec::new();
    for target in in_order {
        let written = output::write(&report, target, &files, &outputs);
        if let Err(error) = &written {
            console::error(&format!("{error}; what stood there stands there still"));
        }
        outputs.push(Output { target: target.clone(), written });
    }
    // A journal that does not stay cannot be looked into, and one in object storage not by a file's path.
    let kept = manifest.is_none_or(|place| place.journal) && !is_remote(journal.path());
    let fail_on = FailOn::verdicts(&args.fail_on);
    let mut failed = outputs.iter().any(|output| output.written.is_err());
    let manifest = manifest.map(|place| {
        let evidence = Evidence {
            outputs: &outputs,
            journal: place.journal,
            fail_on: &fail_on,
            csv_raw: args.csv_raw,
            limits,
            ticket_format: args.ticket_format,
            storage,
        };
        output::write_manifest(&report, &place.path, &evidence).map(|()| &place.path)
    });
    if let Some(Err(error)) = &manifest {
        // One of an earlier run must not stay beside new files as if it spoke of them.
        let any = outputs.iter().any(|output| output.written.is_ok());
        let is_gone = any && remove(&error.path, storage);
        let fate =
            if is_gone { "that of an earlier run is removed" } else { "what stood there stands there still" };
        console::error(&format!("{error}; {fate}"));
        failed = true;
    }
    tell_large(&outputs, &limits);
    let mut document = if quiet { Vec::new() } else { paths(&outputs).into_bytes() };
    if args.json {
        document.clear();
        output::write_summary(&report, &mut document).map_err(Failure::stopped)?;
    }
    // A report is worth more than the word of it: stdout is written when all files are.
    if let Err(failure) = console::out_bytes(&document) {
        console::error(&failure.message);
        failed = true;
    }
    let exit = exit_code(&report, &fail_on, failed);
    if !quiet || exit != Exit::Done {
        summary(&report, kept);
    }
    if let Some(Ok(path)) = manifest.filter(|_| !quiet) {
        console::note(&format!("manifest: {}", path.display()));
    }
    if failed {
        console::note("the journal holds everything; `cutover-report render JOURNAL` writes reports from it");
    }
    Ok(exit)
}

fn remove(place: &Path, storage: &Storage) -> bool {
    if is_remote(place) {
        storage.remove(&[place.to_owned()]).is_ok()
    } else {
        std::fs::remove_file(place).is_ok()
    }
}

/// The paths written, one per line; of a folder itself alone.
fn paths(outputs: &[Output]) -> String {
    let paths = |output: &Output| -> Vec<PathBuf> {
        match (&output.written, output.target.kind()) {
            (Err(_), _) => Vec::new(),
            (Ok(_), Kind::CsvFolder) => vec![output.target.path().to_owned()],
            (Ok(files), _) => files.iter().map(|file| file.path.clone()).collect(),
        }
    };
    outputs.iter().flat_map(paths).map(|path| format!("{}\n", path.display())).collect()
}

/// Says which files are larger than they should be; those that can be divided are not.
fn tell_large(outputs: &[Output], limits: &Limits) {
    let written = outputs.iter().filter_map(|output| output.written.as_ref().ok()).flatten();
    for file in written.filter(|file| !limits.allow(file.size)) {
        console::warning(&format!(
            "{}: takes {} bytes, more than --max-bytes allows; a file of this kind cannot be divided",
            file.path.display(),
            file.size
        ));
    }
}

fn exit_code(report: &Report<'_>, fail_on: &[Verdict], failed: bool) -> Exit {
    let any = |wanted: &[Verdict]| report.rows().iter().any(|row| wanted.contains(&row.verdict));
    if failed {
        Exit::Stopped
    } else if any(fail_on) {
        Exit::Gate
    } else if any(&[Verdict::FetchFailed, Verdict::Unreadable]) || !report.is_whole() {
        Exit::Incomplete
    } else {
        Exit::Done
    }
}

/// The closing words: the outcome, the tasks that do not pass, and what to do about them.
fn summary(report: &Report<'_>, kept: bool) {
    if report.is_sample() {
        console::note(SAMPLE);
    }
    console::note(&report.headline(Language::English));
    let failing: Vec<&SummaryRow<'_>> = report.rows().iter().filter(|row| !row.verdict.passes()).collect();
    // Tasks that failed for the same reason, such as an unknown host, are one line.
    let mut lines: Vec<(Verdict, String, Vec<&SummaryRow<'_>>)> = Vec::new();
    for row in failing.iter().copied() {
        let reason = row.reason(Language::English, &report.options().timezone);
        let same = lines.iter_mut().find(|(verdict, known, _)| {
            *verdict == Verdict::FetchFailed && row.verdict == *verdict && *known == reason
        });
        match same {
            Some((.., rows)) => rows.push(row),
            None => lines.push((row.verdict, reason, vec![row])),
        }
    }
    for (verdict, reason, rows) in lines.iter().take(NAMED_TASKS) {
        let who = match rows.as_slice() {
            [row] => row.task.name_and_id(),
            rows => format!("{} tasks", rows.len()),
        };
        let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        console::note(&format!("  {:13} {who}{reason}", verdict.label()));
    }
    let more: usize = lines.iter().skip(NAMED_TASKS).map(|(.., rows)| rows.len()).sum();
    if more > 0 {
        console::note(&format!("  … and {more} more; see the Summary"));
    }
    for waiver in report.waivers().unwrap_or_default() {
        if let (Some(expires), true, rows @ 1..) = (&waiver.waiver.expires, waiver.expired, waiver.rows) {
            console::note(&format!(
                "{}: this waiver expired on {expires}; rows that it would cover: {rows}",
                waiver.waiver.place()
            ));
        }
    }
    if let Some(row) = failing.iter().find(|row| kept && row.verdict == Verdict::Unreadable) {
        console::note(&format!(
            "hint: the journal keeps answers that cannot be read as they came: \
             jq -r 'select(.task_id == \"{}\").body' {}",
            row.task.task_id,
            report.journal().path().display()
        ));
    }
}
