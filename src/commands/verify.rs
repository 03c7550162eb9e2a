//! `verify`: whether files are still what a manifest says of them.

use std::path::Path;

use crate::cli::VerifyArgs;
use crate::output::{Finding, Manifest, ManifestError};
use crate::storage::Storage;

use crate::app::console;
use crate::app::exit::{Exit, Failure};

/// Checks every manifest, whatever is wrong with the others.
pub(super) fn run(args: &VerifyArgs, storage: &Storage, quiet: bool) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    for path in &args.manifests {
        let of_this = match Manifest::read(path, storage) {
            Ok(manifest) => check(path, &manifest, quiet)?,
            Err(error) => {
                console::error(&error.to_string());
                match error {
                    ManifestError::Io { .. } => Exit::Stopped,
                    ManifestError::Storage(error) => Failure::storage(error).exit,
                    ManifestError::NoManifest { .. } | ManifestError::Format { .. } => Exit::Usage,
                }
            }
        };
        // Files that changed weigh more than a wrong word on the command line.
        if exit != Exit::Stopped && of_this != Exit::Done {
            exit = of_this;
        }
    }
    Ok(exit)
}

fn check(path: &Path, manifest: &Manifest, quiet: bool) -> Result<Exit, Failure> {
    let (mut files, mut faults) = (0, 0);
    for (file, finding) in manifest.findings() {
        let file = file.display();
        files += 1;
        faults += usize::from(finding != Finding::Same);
        match finding {
            Finding::Same if quiet => {}
            Finding::Same => console::out(&format!("ok {file}")).map(drop)?,
            Finding::Missing => console::out(&format!("missing {file}")).map(drop)?,
            Finding::Changed(how) => console::out(&format!("changed {file}: {how}")).map(drop)?,
            Finding::Unreadable(why) => console::out(&format!("unreadable {file}: {why}")).map(drop)?,
        }
    }
    for output in manifest.failed() {
        console::out(&format!("missing {}: the run could not write it", output.display()))?;
    }
    let path = path.display();
    if faults > 0 {
        console::error(&format!("{path}: {faults} of {files} files are not as they were written"));
    }
    if !manifest.is_complete() {
        console::error(&format!("{path}: the run could not write all its outputs"));
    }
    Ok(if faults == 0 && manifest.is_complete() { Exit::Done } else { Exit::Stopped })
}
