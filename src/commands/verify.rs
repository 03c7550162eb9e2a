//! `verify`: whether files are still what a manifest says of them.

use std::path::Path;

use crate::cli::VerifyArgs;
use jiff::Timestamp;

use crate::model::io_advice;
use crate::output::{Finding, Manifest, read_signature};
use crate::sshsig::{self, AllowedSigners, RevokedKeys};
use crate::storage::Storage;

use crate::app::console;
use crate::app::delivery::manifest_failure;
use crate::app::exit::{Exit, Failure};

/// Checks every manifest, also if another has errors.
pub(super) fn run(args: &VerifyArgs, storage: &Storage) -> Result<Exit, Failure> {
    let signers = match &args.allowed_signers {
        Some(path) => Some(Signers {
            allowed: allowed_signers(path)?,
            revoked: args.revoked_keys.as_deref().map(revoked_keys).transpose()?.unwrap_or_default(),
            wanted: args.signer.as_deref(),
        }),
        None => None,
    };
    let mut exit = Exit::Done;
    for path in &args.manifests {
        let of_this = match Manifest::read(path, storage) {
            Ok(manifest) => {
                let signed = match &signers {
                    Some(signers) => check_signature(path, &manifest, signers, storage)?,
                    None => Exit::Done,
                };
                match check(path, &manifest)? {
                    Exit::Done => signed,
                    exit => exit,
                }
            }
            Err(error) => {
                let failure = manifest_failure(error);
                console::failure(&failure);
                failure.exit
            }
        };
        // Files that changed weigh more than a wrong word on the command line.
        if exit != Exit::Stopped && of_this != Exit::Done {
            exit = of_this;
        }
    }
    Ok(exit)
}

/// Whose signatures count.
struct Signers<'a> {
    allowed: AllowedSigners,
    revoked: RevokedKeys,
    wanted: Option<&'a str>,
}

fn revoked_keys(path: &Path) -> Result<RevokedKeys, Failure> {
    RevokedKeys::read(path)
        .map_err(|error| Failure::usage(format!("cannot read {} (--revoked-keys): {error}", path.display())))
}

/// Reads the list of allowed signers, and warns of lines that are ignored.
fn allowed_signers(path: &Path) -> Result<AllowedSigners, Failure> {
    let name = path.display();
    let allowed = AllowedSigners::read(path).map_err(|error| {
        Failure::usage(format!("cannot read {name} (--allowed-signers): {}", io_advice(&error)))
    })?;
    allowed.faults().for_each(|fault| console::warning(&format!("{name}: {fault}; the line is ignored")));
    Ok(allowed)
}

/// Checks the signature of a manifest.
fn check_signature(
    path: &Path,
    manifest: &Manifest,
    signers: &Signers<'_>,
    storage: &Storage,
) -> Result<Exit, Failure> {
    let problem = match read_signature(path, storage) {
        Ok(Some(signature)) => {
            let Signers { allowed, revoked, wanted } = signers;
            match sshsig::verify(manifest.text(), &signature, allowed, revoked, *wanted, Timestamp::now()) {
                Ok(_) if console::is_quiet() => return Ok(Exit::Done),
                Ok(who) => {
                    return console::out(&format!("ok signature {who}")).map(|_| Exit::Done);
                }
                Err(error) => format!("bad signature: {error}"),
            }
        }
        Ok(None) => "missing signature".to_owned(),
        Err(why) => format!("unreadable signature: {why}"),
    };
    console::out(&problem)?;
    console::error(&format!("{}: no valid signature", path.display()));
    Ok(Exit::Stopped)
}

fn check(path: &Path, manifest: &Manifest) -> Result<Exit, Failure> {
    let (mut files, mut faults) = (0, 0);
    for (file, finding) in manifest.findings() {
        let file = file.display();
        files += 1;
        faults += usize::from(finding != Finding::Same);
        match finding {
            Finding::Same if console::is_quiet() => {}
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
        console::error(&format!("{path}: {faults} of {files} files are missing or changed"));
    }
    if !manifest.is_complete() {
        console::error(&format!("{path}: the run could not write all its outputs"));
    }
    Ok(if faults == 0 && manifest.is_complete() { Exit::Done } else { Exit::Stopped })
}
