//! `show`: the summary of a journal on the terminal, offline.

use crate::cli::{FailOn, ShowArgs};
use crate::journal::Journal;
use crate::output;
use crate::report::Template;
use crate::storage::Storage;

use crate::app::console;
use crate::app::exit::{Exit, Failure};
use crate::app::previous;
use crate::app::report_options;
use crate::app::reporting;
use crate::app::summary::{self, Layout};

pub(super) fn run(args: &ShowArgs, storage: &Storage) -> Result<Exit, Failure> {
    report_options::check_fail_on(&args.fail_on, args.previous.is_some())?;
    let mut options = report_options::options(&args.reading, Template::STANDARD, storage)?;
    options.view = report_options::view(args.group_by.as_deref(), Some(&args.filter));
    let journal = storage.fetch(&args.journal).map_err(Failure::storage)?;
    let journal = Journal::open(journal).map_err(Failure::journal)?;
    options.view.check(&journal.header().list.labels).map_err(Failure::usage)?;
    reporting::warn_of_faults(&journal);
    if !console::is_quiet() {
        reporting::warn_if_unfinished(&journal, vec!["--json".into()]);
    }
    let warn = !console::is_quiet() || !FailOn::changes(&args.fail_on).is_empty();
    let report = previous::report(&journal, options, args.previous.as_ref(), None, storage, warn)?;
    reporting::warn_of_clock(&report);
    if args.json {
        console::require_stdout()?;
        let mut document = Vec::new();
        output::write_summary(&report, &mut document).map_err(Failure::stopped)?;
        console::out_json(&document)?;
    } else {
        console::out_summary(&summary::text(&report, &Layout::stdout(args.limit)))?;
        if !console::is_quiet() {
            reporting::hints(&report, true).iter().for_each(|hint| console::note(hint));
        }
    }
    let changes = FailOn::changes(&args.fail_on);
    Ok(reporting::exit_code(&report, &FailOn::verdicts(&args.fail_on), &changes, false))
}
