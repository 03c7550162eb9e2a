//! What is done with a manifest once it is written: `--sign-key` and `--to`.

use std::path::Path;
use std::sync::Arc;

use crate::cli::ReportArgs;
use crate::sshsig::Signer;

use super::delivery::Delivery;
use super::exit::Failure;

/// What is done with a manifest.
#[derive(Clone, Default)]
pub(crate) struct Handling {
    /// The key that signs it.
    pub(crate) signer: Option<Arc<Signer>>,
    /// Where its files go.
    pub(crate) delivery: Option<Arc<Delivery>>,
}

impl Handling {
    /// Checks the options, so that what cannot work is reported before anything is fetched.
    ///
    /// # Errors
    /// Wrong usage, or missing secrets.
    pub(crate) fn of(args: &ReportArgs, ca_cert: Option<&Path>) -> Result<Self, Failure> {
        let signer = args.sign_key.as_deref().map(signer).transpose()?;
        Ok(Self { signer, delivery: Delivery::of(&args.delivery, ca_cert)?.map(Arc::new) })
    }

    /// Checks that there is a manifest, if it is needed.
    ///
    /// # Errors
    /// Wrong usage.
    pub(crate) fn check(&self, has_manifest: bool) -> Result<(), Failure> {
        let option = match self {
            _ if has_manifest => return Ok(()),
            Self { signer: Some(_), .. } => "--sign-key needs an output, whose manifest it signs",
            Self { delivery: Some(_), .. } => "--to needs an output to deliver",
            Self { .. } => return Ok(()),
        };
        Err(Failure::usage(format!("{option}; add -o OUT")))
    }
}

fn signer(path: &Path) -> Result<Arc<Signer>, Failure> {
    let socket = std::env::var_os("SSH_AUTH_SOCK");
    let signer = Signer::load(path, socket.as_ref().map(Path::new));
    signer
        .map(Arc::new)
        .map_err(|error| Failure::usage(format!("cannot sign with {} (--sign-key): {error}", path.display())))
}
