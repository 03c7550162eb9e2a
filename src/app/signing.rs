//! The key of `--sign-key`.

use std::path::Path;
use std::sync::Arc;

use crate::sshsig::Signer;

use super::exit::Failure;

/// Loads the key, so that one that cannot be used is reported before anything is fetched.
pub(crate) fn signer(key: Option<&Path>) -> Result<Option<Arc<Signer>>, Failure> {
    let Some(path) = key else { return Ok(None) };
    let socket = std::env::var_os("SSH_AUTH_SOCK");
    let signer = Signer::load(path, socket.as_ref().map(Path::new));
    signer
        .map(|signer| Some(Arc::new(signer)))
        .map_err(|error| Failure::usage(format!("cannot sign with {} (--sign-key): {error}", path.display())))
}

/// Checks that there is something to sign.
pub(crate) fn check(signer: Option<&Signer>, has_manifest: bool) -> Result<(), Failure> {
    if signer.is_some() && !has_manifest {
        return Err(Failure::usage(
            "--sign-key signs the manifest of the outputs, and there is none; add -o OUT",
        ));
    }
    Ok(())
}
