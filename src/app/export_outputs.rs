//! The outputs, journal and manifest of `export`.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::cli::ExportArgs;
use crate::output::{Target, manifest_path};
use crate::storage::Storage;

use super::exit::Failure;
use super::handling::Handling;
use super::path_conflicts::{Place, check_path_conflicts};
use super::report_options;
use super::reporting::ManifestPlace;

/// The outputs and the manifest.
pub(crate) struct Outputs {
    pub(crate) targets: Vec<Target>,
    pub(crate) manifest: Option<ManifestPlace>,
}

impl Outputs {
    /// The outputs of a run that began at `started`, without path conflicts.
    pub(crate) fn new(
        args: &ExportArgs,
        started: Timestamp,
        journal: Option<&Path>,
        handling: &Handling,
    ) -> Result<Self, Failure> {
        let targets = report_options::targets(&args.report, started)?;
        let manifest = match journal {
            Some(journal) => Some(ManifestPlace {
                path: manifest_path(journal),
                journal: true,
                pattern: pattern(args, &targets),
                handling: handling.clone(),
            }),
            None => ManifestPlace::beside(&targets, false, handling),
        };
        handling.check(manifest.is_some())?;
        check_path_conflicts(&places(args, &targets, journal, manifest.as_ref()))?;
        Ok(Self { targets, manifest })
    }

    /// Checks what can be known of object storage before anything is fetched.
    pub(crate) fn check(&self, storage: &Storage) -> Result<(), Failure> {
        let places = self.targets.iter().map(Target::path);
        let mut places = places.chain(self.manifest.iter().map(|manifest| manifest.path.as_path()));
        places.try_for_each(|place| storage.check(place)).map_err(Failure::storage)
    }
}

/// What the run reads and writes.
fn places(
    args: &ExportArgs,
    targets: &[Target],
    journal: Option<&Path>,
    manifest: Option<&ManifestPlace>,
) -> Vec<Place> {
    let lists = args.tasks.iter().filter(|path| *path != Path::new("-"));
    let journal = journal.into_iter().flat_map(|journal| [Place::journal(journal), Place::lock(journal)]);
    lists
        .map(|list| Place::task_list(list))
        .chain(args.report.reading.waivers.as_deref().map(Place::waivers))
        .chain(journal)
        .chain(manifest.into_iter().flat_map(|manifest| Place::evidence(&manifest.path)))
        .chain(targets.iter().flat_map(Place::outputs))
        .collect()
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
