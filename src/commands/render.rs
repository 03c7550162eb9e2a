//! `render`: reports from a journal, offline.

use std::iter;

use crate::cli::RenderArgs;
use crate::journal::Journal;
use crate::storage::Storage;

use crate::app::console;
use crate::app::exit::{Exit, Failure};
use crate::app::handling::Handling;
use crate::app::on_finish;
use crate::app::outputs::{Outputs, ReportJob};
use crate::app::path_conflicts::{UsedPath, check_path_conflicts};
use crate::app::report_options;
use crate::app::reporting;

pub(super) fn run(args: RenderArgs, storage: &Storage) -> Result<Exit, Failure> {
    let options = report_options::of_report(&args.report, Some(&args.filter), storage)?;
    on_finish::record_journal(&args.journal);
    let journal = storage.fetch(&args.journal).map_err(Failure::storage)?;
    let journal = Journal::open(journal).map_err(Failure::journal)?;
    let targets = report_options::targets(&args.report, journal.header().started_at)?;
    let handling = Handling::of(&args.report, args.trust.ca_cert.as_deref())?;
    let outputs = Outputs::beside_first(targets, true, &handling)?;
    let used = iter::once(UsedPath::journal(&args.journal))
        .chain(args.report.reading.waivers.as_deref().map(UsedPath::waivers))
        .chain(outputs.used_paths());
    check_path_conflicts(&used.collect::<Vec<_>>())?;
    if !console::is_quiet() {
        reporting::warn_if_unfinished(&journal, args.report.typed.outputs());
    }
    reporting::write(&journal, ReportJob { options, outputs, replaced: None }, &args.report, storage)
}
