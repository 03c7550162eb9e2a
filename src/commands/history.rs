//! `history`: the course of all tasks over many nights, offline.

use crate::cli::HistoryArgs;
use crate::model::{Language, SAMPLE};
use crate::output::{self, HistoryDocument, HistoryTarget};
use crate::report::Template;
use crate::storage::Storage;

use crate::app::console;
use crate::app::exit::{Exit, Failure};
use crate::app::path_conflicts::{Place, check_path_conflicts};
use crate::app::summary::Layout;
use crate::app::{course_table, nights, reporting, stdout_output};

pub(super) fn run(args: &HistoryArgs, storage: &Storage, quiet: bool) -> Result<Exit, Failure> {
    let options = reporting::options(&args.reading, Template::STANDARD, storage)?;
    let texts: Vec<&String> = stdout_output::files(&args.outputs, args.format, args.json)?.collect();
    // Before the journals are read, which may take a while.
    for text in &texts {
        HistoryTarget::parse(text, jiff::Timestamp::UNIX_EPOCH, &options.timezone).map_err(Failure::usage)?;
    }
    let inputs = nights::find(&args.journals, storage)?;
    let history = nights::history(&inputs, &options, storage)?;
    let started = history.nights().last().map_or(jiff::Timestamp::UNIX_EPOCH, |night| night.started_at);
    let targets = texts.iter().map(|text| HistoryTarget::parse(text, started, &options.timezone));
    let targets: Vec<HistoryTarget> = targets.collect::<Result<_, _>>().map_err(Failure::usage)?;
    let read = inputs.iter().map(|input| Place::read_journal(&input.path));
    let outputs = targets.iter().map(|target| Place::output(target.path()));
    let waivers = args.reading.waivers.as_deref().map(Place::waivers);
    check_path_conflicts(&read.chain(waivers).chain(outputs).collect::<Vec<_>>())?;
    write(&HistoryDocument { history: &history, options: &options }, &targets, args, storage, quiet)
}

/// Writes every output, prints the table, and returns the exit code.
fn write(
    document: &HistoryDocument<'_>,
    targets: &[HistoryTarget],
    args: &HistoryArgs,
    storage: &Storage,
    quiet: bool,
) -> Result<Exit, Failure> {
    let mut failed = false;
    let mut written = String::new();
    for target in targets {
        match output::write_history(document, target, args.csv_raw, storage) {
            Err(error) => {
                console::error(&format!("{error}; an existing file is unchanged"));
                failed = true;
            }
            Ok(()) if quiet => {}
            Ok(()) => written += &format!("{}\n", target.path().display()),
        }
    }
    let has_table = targets.is_empty() && args.format.is_none() && !args.json;
    let shown = if let Some(format) = args.format {
        stdout_output::write(format, |to| output::write_history_to(document, format.into(), args.csv_raw, to))
    } else if args.json {
        let mut text = Vec::new();
        output::write_history_document(document, &mut text).map_err(Failure::stopped)?;
        failed |= !console::is_stdout_open();
        console::out_json(&text).map(drop)
    } else if has_table && !quiet {
        console::out_summary(&course_table::text(document, &Layout::stdout(args.limit))).map(drop)
    } else {
        console::out_data(written.as_bytes()).map(drop)
    };
    if let Err(failure) = shown {
        console::failure(&failure);
        failed = true;
    }
    if !quiet {
        if document.history.is_sample() && !has_table {
            console::note(SAMPLE);
        }
        for warning in document.history.warnings(&document.options.timezone, Language::English) {
            console::warning(&warning);
        }
        if !has_table {
            console::note(&document.history.headline(Language::English));
        }
    }
    Ok(if failed { Exit::Stopped } else { Exit::Done })
}
