//! `diff`: what changed between two journals, offline.

use std::iter;
use std::path::Path;

use unicode_width::UnicodeWidthStr;

use crate::cli::DiffArgs;
use crate::journal::Journal;
use crate::model::{Language, SAMPLE, Totals, clean};
use crate::output::{DocumentTarget, check_comparison_manifest, manifest_path, write_comparison_manifest};
use crate::report::{Change, Diff, Report, SummaryRow, TaskChange, Template, notes_text};
use crate::storage::Storage;

use crate::app::console;
use crate::app::delivery::Delivery;
use crate::app::document_output::DocumentOutput;
use crate::app::exit::{Exit, Failure};
use crate::app::path_conflicts::{UsedPath, check_path_conflicts};
use crate::app::{previous, report_options, reporting, stdout_output, terminal_language};

pub(super) fn run(args: &DiffArgs, storage: &Storage) -> Result<Exit, Failure> {
    let options = report_options::options(&args.reading, Template::STANDARD, storage)?;
    let open = |path| {
        let journal = storage.fetch(path).map_err(Failure::storage)?;
        Journal::open(journal).map_err(Failure::journal)
    };
    let (old, new) = match &args.new {
        Some(new) => (open(&args.old)?, open(new)?),
        None => {
            let new = open(&args.old)?;
            let old = previous::newest_before(&new, None, storage).ok_or_else(|| {
                Failure::stopped(format!(
                    "{}: no earlier finished run of this report was found in its folder or the dated folders beside it; \
                     name its journal: `cutover-report diff OLD NEW`",
                    new.path().display()
                ))
            })?;
            if !console::is_quiet() {
                console::note(&format!("compared with {}", old.path().display()));
            }
            (old, new)
        }
    };
    let target = |text: &String| {
        DocumentTarget::parse::<Diff<'_>>(text, new.header().started_at, &args.reading.timezone)
    };
    let delivery = Delivery::of(&args.delivery, args.trust.ca_cert.as_deref())?;
    let targets: Vec<DocumentTarget> = stdout_output::files(&args.outputs, args.format, args.json)?
        .map(target)
        .collect::<Result<_, _>>()
        .map_err(Failure::usage)?;
    let journals = [old.path(), new.path()].map(UsedPath::read_journal);
    let outputs = targets.iter().map(|target| UsedPath::output(target.path()));
    let manifest = match (&delivery, targets.first()) {
        (None, _) => None,
        (Some(_), Some(first)) => Some(manifest_path(first.path())),
        (Some(_), None) => {
            return Err(Failure::usage("--to needs an output to deliver; add -o OUT"));
        }
    };
    let evidence = manifest.iter().flat_map(|manifest| UsedPath::evidence(manifest));
    check_path_conflicts(&journals.into_iter().chain(outputs).chain(evidence).collect::<Vec<_>>())?;
    if let Some(manifest) = &manifest {
        check_comparison_manifest(manifest, storage).map_err(Failure::stopped)?;
    }
    for journal in [&old, &new] {
        reporting::warn_of_faults(journal);
    }
    let old_report = Report::new(&old, options.clone()).map_err(Failure::journal)?;
    let new_report = Report::new(&new, options).map_err(Failure::journal)?;
    let diff = Diff::new(&old_report, &new_report).map_err(Failure::journal)?;
    let mut output =
        DocumentOutput::write(&diff, &targets, report_options::csv(args.csv, args.reading.language), storage);
    let exit = print(&diff, &mut output, targets.is_empty(), args);
    match (delivery, manifest) {
        (Some(delivery), Some(manifest)) => {
            let delivered = deliver(&diff, [&old, &new], &output, &delivery, &manifest, args, storage)?;
            Ok(if exit == Exit::Done { delivered } else { exit })
        }
        _ => Ok(exit),
    }
}

/// Writes the manifest of the outputs, and delivers them.
fn deliver(
    diff: &Diff<'_>,
    journals: [&Journal; 2],
    output: &DocumentOutput<'_, Diff<'_>>,
    delivery: &Delivery,
    manifest: &Path,
    args: &DiffArgs,
    storage: &Storage,
) -> Result<Exit, Failure> {
    if output.has_failed() {
        console::error("nothing is delivered, because an output could not be written");
        return Ok(Exit::Done);
    }
    write_comparison_manifest(diff, journals, output.written(), manifest, storage)
        .map_err(|error| Failure::stopped(format!("{error}; nothing is delivered")))?;
    let has_document = args.json || args.format.is_some();
    let delivered = delivery.deliver(manifest, output.markdown()?, has_document, &args.typed, storage);
    Ok(if delivered { Exit::Done } else { Exit::Delivery })
}

/// Prints what changed, and returns the exit code.
fn print(
    diff: &Diff<'_>,
    output: &mut DocumentOutput<'_, Diff<'_>>,
    has_no_file: bool,
    args: &DiffArgs,
) -> Exit {
    let gate = diff.tasks().iter().any(|task| args.fail_on.contains(&task.change));
    let says_nothing = console::is_quiet() && !gate && !output.has_failed();
    let table = (has_no_file && !says_nothing)
        .then_some(|| console::out_lines(&table(diff, terminal_language::get())).map(drop));
    output.print(args.format, args.json, table);
    if !says_nothing {
        if diff.is_sample() {
            console::note(SAMPLE);
        }
        console::warn_sentences(|language| diff.warnings(language));
        console::note_sentence(|language| diff.headline(language));
    }
    match (output.has_failed(), gate) {
        (true, _) => Exit::Stopped,
        (false, true) => Exit::Gate,
        (false, false) => Exit::Done,
    }
}

/// The tasks that changed, a line each; the column of any length is last.
fn table(diff: &Diff<'_>, language: Language) -> String {
    let changed = diff.tasks().iter().filter(|task| task.change != Change::Same);
    let rows: Vec<[String; 6]> = changed.map(|task| row(task, language)).collect();
    if rows.is_empty() {
        return String::new();
    }
    let headings = match language {
        Language::English => ["CHANGE", "VERDICT", "DIFFERENT", "MISSING", "REDUNDANT", "TASK"],
        Language::Chinese => ["变化", "结论", "差异", "缺少", "多余", "任务"],
    };
    let headings = headings.map(str::to_owned);
    let rows: Vec<_> = iter::once(headings).chain(rows).collect();
    let widths = rows.iter().fold([0; 6], |mut widths, row| {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
        widths
    });
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            let blank = " ".repeat(width.saturating_sub(cell.width()));
            format!("{cell}{blank}")
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn row(task: &TaskChange<'_>, language: Language) -> [String; 6] {
    let verdict = |row: &SummaryRow<'_>| language.text(row.verdict.label()).to_owned();
    let verdicts = [task.old, task.new].map(|row| row.map(verdict));
    let counts = |pick: fn(&Totals) -> u64| {
        let count = |row: Option<&Totals>| row.map(|totals| pick(totals).to_string());
        let totals = [task.old, task.new].map(|row| row.and_then(|row| row.totals.as_ref()));
        from_to(totals.map(count))
    };
    let mut name = task.task.name_and_id();
    if !task.notes.is_empty() {
        name = language.fill("{0}: {1}", &[&name, &notes_text(&task.notes, language)]);
    }
    [
        match language {
            Language::English => task.change.key().to_owned(),
            Language::Chinese => language.text(task.change.label()).to_owned(),
        },
        from_to(verdicts),
        counts(|totals| totals.different),
        counts(|totals| totals.missing),
        counts(|totals| totals.redundant),
        clean(&name).into_owned(),
    ]
}

/// As in `3 → 5`, or `3` if nothing changed; a dash for an unknown value.
fn from_to([old, new]: [Option<String>; 2]) -> String {
    match (old, new) {
        (None, None) => "-".to_owned(),
        (Some(old), Some(new)) if old == new => new,
        (old, new) => {
            let shown = |side: Option<String>| side.unwrap_or_else(|| "-".to_owned());
            format!("{} → {}", shown(old), shown(new))
        }
    }
}
