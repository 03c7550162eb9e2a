//! `render`: reports from a journal, offline.

use std::iter;

use crate::cli::RenderArgs;
use crate::journal::Journal;
use crate::storage::Storage;

use crate::app::console;
use crate::app::exit::{Exit, Failure};
use crate::app::handling::Handling;
use crate::app::on_finish;
use crate::app::path_conflicts::{Place, check_path_conflicts};
use crate::app::report_options;
use crate::app::reporting::{self, ManifestPlace};

pub(super) fn run(args: RenderArgs, storage: &Storage) -> Result<Exit, Failure> {
    report_options::check_fail_on(&args.report.fail_on, args.report.previous.is_some())?;
    let mut options = report_options::options(&args.report.reading, &args.report.template, storage)?;
    options.view = report_options::view(args.report.group_by.as_deref(), Some(&args.filter));
    on_finish::record_journal(&args.journal);
    let journal = storage.fetch(&args.journal).map_err(Failure::storage)?;
    let journal = Journal::open(journal).map_err(Failure::journal)?;
    let targets = report_options::targets(&args.report, journal.header().started_at)?;
    let waivers = args.report.reading.waivers.as_deref().map(Place::waivers);
    let handling = Handling::of(&args.report, args.trust.ca_cert.as_deref())?;
    let manifest = ManifestPlace::beside(&targets, true, &handling);
    handling.check(manifest.is_some())?;
    let own = iter::once(Place::journal(&args.journal)).chain(waivers);
    let own = own.chain(manifest.iter().flat_map(|manifest| Place::evidence(&manifest.path)));
    let outputs = targets.iter().flat_map(Place::outputs);
    check_path_conflicts(&own.chain(outputs).collect::<Vec<_>>())?;
    if !console::is_quiet() {
        reporting::warn_if_unfinished(&journal, args.report.typed.outputs());
    }
    reporting::write(&journal, options, &targets, manifest.as_ref(), &args.report, storage)
}
