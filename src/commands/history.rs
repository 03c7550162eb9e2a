//! `history`: the course of all tasks over many nights, offline.

use crate::cli::HistoryArgs;
use crate::model::SAMPLE;
use crate::output::{DocumentTarget, HistoryDocument};
use crate::report::Template;
use crate::storage::Storage;

use crate::app::console;
use crate::app::document_output::DocumentOutput;
use crate::app::exit::{Exit, Failure};
use crate::app::path_conflicts::{UsedPath, check_path_conflicts};
use crate::app::summary::Layout;
use crate::app::{course_table, nights, report_options, stdout_output};

pub(super) fn run(args: &HistoryArgs, storage: &Storage) -> Result<Exit, Failure> {
    let options = report_options::options(&args.reading, Template::STANDARD, storage)?;
    let texts: Vec<&String> = stdout_output::files(&args.outputs, args.format, args.json)?.collect();
    // Before the journals are read, which may take a while.
    for text in &texts {
        DocumentTarget::parse::<HistoryDocument<'_>>(text, jiff::Timestamp::UNIX_EPOCH, &options.timezone)
            .map_err(Failure::usage)?;
    }
    let inputs = nights::find(&args.journals, storage)?;
    let history = nights::history(&inputs, &options, storage)?;
    let started = history.nights().last().map_or(jiff::Timestamp::UNIX_EPOCH, |night| night.started_at);
    let targets = texts
        .iter()
        .map(|text| DocumentTarget::parse::<HistoryDocument<'_>>(text, started, &options.timezone));
    let targets: Vec<DocumentTarget> = targets.collect::<Result<_, _>>().map_err(Failure::usage)?;
    let read = inputs.iter().map(|input| UsedPath::read_journal(&input.path));
    let outputs = targets.iter().map(|target| UsedPath::output(target.path()));
    let waivers = args.reading.waivers.as_deref().map(UsedPath::waivers);
    check_path_conflicts(&read.chain(waivers).chain(outputs).collect::<Vec<_>>())?;
    write(&HistoryDocument { history: &history, options: &options }, &targets, args, storage)
}

/// Writes every output, prints the table, and returns the exit code.
fn write(
    document: &HistoryDocument<'_>,
    targets: &[DocumentTarget],
    args: &HistoryArgs,
    storage: &Storage,
) -> Result<Exit, Failure> {
    let mut output = DocumentOutput::write(
        document,
        targets,
        report_options::csv(args.csv, args.reading.language),
        storage,
    );
    let has_table = targets.is_empty() && args.format.is_none() && !args.json;
    let table = (has_table && !console::is_quiet()).then_some(|| {
        console::out_summary(&course_table::text(document, &Layout::stdout(args.limit))).map(drop)
    });
    output.print(args.format, args.json, table);
    if !console::is_quiet() {
        if document.history.is_sample() && !has_table {
            console::note(SAMPLE);
        }
        console::warn_sentences(|language| document.history.warnings(&document.options.timezone, language));
        if !has_table {
            console::note_sentence(|language| document.history.headline(language));
        }
    }
    Ok(if output.has_failed() { Exit::Stopped } else { Exit::Done })
}
