//! The outputs and the manifest of a run, and what its report is made with.

use std::path::{Path, PathBuf};

use crate::model::NamedFile;
use crate::output::{Target, manifest_path};
use crate::report::Options;
use crate::storage::Storage;

use super::exit::Failure;
use super::handling::Handling;
use super::path_conflicts::UsedPath;

/// A report that `export`, `render` or `merge` writes.
pub(crate) struct ReportJob {
    pub(crate) options: Options,
    pub(crate) outputs: Outputs,
    /// The journal that the run replaced, kept to compare with.
    pub(crate) replaced: Option<NamedFile>,
}

/// The outputs and the manifest.
pub(crate) struct Outputs {
    pub(crate) targets: Vec<Target>,
    pub(crate) manifest: Option<ManifestTarget>,
}

/// The manifest of a run.
pub(crate) struct ManifestTarget {
    pub(crate) path: PathBuf,
    /// Whether the journal is kept, and so is part of the evidence.
    pub(crate) has_journal: bool,
    /// Its path with `{date}` and `{time}`, if it has them.
    pub(crate) pattern: Option<PathBuf>,
    /// What is done with it.
    pub(crate) handling: Handling,
}

impl Outputs {
    /// The outputs with the manifest.
    ///
    /// # Errors
    /// Wrong usage, when options need a manifest and there is none.
    pub(crate) fn new(
        targets: Vec<Target>,
        manifest: Option<ManifestTarget>,
        handling: &Handling,
    ) -> Result<Self, Failure> {
        handling.check(manifest.is_some())?;
        Ok(Self { targets, manifest })
    }

    /// The outputs with a manifest beside the first one; none without outputs.
    ///
    /// # Errors
    /// Wrong usage, when options need a manifest and there is none.
    pub(crate) fn beside_first(
        targets: Vec<Target>,
        has_journal: bool,
        handling: &Handling,
    ) -> Result<Self, Failure> {
        let manifest = targets.first().map(|first| ManifestTarget {
            path: manifest_path(&first.journal_path()),
            has_journal,
            pattern: first.journal_pattern().map(|journal| manifest_path(&journal)),
            handling: handling.clone(),
        });
        Self::new(targets, manifest, handling)
    }

    /// Checks what can be known of object storage before anything is fetched.
    ///
    /// # Errors
    /// An `s3://` URL that cannot be written to.
    pub(crate) fn check(&self, storage: &Storage) -> Result<(), Failure> {
        let paths = self.targets.iter().map(Target::path);
        let mut paths = paths.chain(self.manifest.iter().map(|manifest| &*manifest.path));
        paths.try_for_each(|path| storage.check(path)).map_err(Failure::storage)
    }

    /// The path of the manifest.
    pub(crate) fn manifest_path(&self) -> Option<&Path> {
        self.manifest.as_ref().map(|manifest| &*manifest.path)
    }

    /// The files that are written.
    pub(crate) fn used_paths(&self) -> impl Iterator<Item = UsedPath> {
        let evidence = self.manifest.iter().flat_map(|manifest| UsedPath::evidence(&manifest.path));
        evidence.chain(self.targets.iter().flat_map(UsedPath::outputs))
    }
}
