//! The outputs, journal and manifest of `export`.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::cli::ExportArgs;
use crate::output::{Target, manifest_path};

use super::exit::Failure;
use super::handling::Handling;
use super::outputs::{ManifestTarget, Outputs};
use super::path_conflicts::{UsedPath, check_path_conflicts};
use super::report_options;

/// The outputs of a run that began at `started`, without path conflicts. `journal` is the journal that is kept.
///
/// # Errors
/// Wrong usage.
pub(crate) fn outputs(
    args: &ExportArgs,
    started: Timestamp,
    journal: Option<&Path>,
    handling: &Handling,
) -> Result<Outputs, Failure> {
    let targets = report_options::targets(&args.report, started)?;
    let outputs = match journal {
        Some(journal) => {
            let manifest = ManifestTarget {
                path: manifest_path(journal),
                has_journal: true,
                pattern: pattern(args, &targets),
                handling: handling.clone(),
            };
            Outputs::new(targets, Some(manifest), handling)?
        }
        None => Outputs::beside_first(targets, false, handling)?,
    };
    let lists = args.tasks.iter().filter(|path| *path != Path::new("-"));
    let used = lists
        .map(|list| UsedPath::task_list(list))
        .chain(args.report.reading.waivers.as_deref().map(UsedPath::waivers))
        .chain(journal.into_iter().flat_map(|journal| [UsedPath::journal(journal), UsedPath::lock(journal)]))
        .chain(outputs.used_paths());
    check_path_conflicts(&used.collect::<Vec<_>>())?;
    Ok(outputs)
}

/// The path of the manifest with `{date}` and `{time}`; none if the journal is not beside the first output.
fn pattern(args: &ExportArgs, targets: &[Target]) -> Option<PathBuf> {
    let journal = targets.first().filter(|_| args.journal.is_none())?.journal_pattern()?;
    Some(manifest_path(&journal))
}

/// The path of a journal that is kept: `--journal`, else beside the first output.
pub(crate) fn kept_journal(args: &ExportArgs, started: Timestamp) -> Result<Option<PathBuf>, Failure> {
    Ok(match &args.journal {
        Some(path) => Some(path.clone()),
        None if args.no_journal => None,
        None => report_options::targets(&args.report, started)?.first().map(Target::journal_path),
    })
}
