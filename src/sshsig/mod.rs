//! Signatures in OpenSSH's SSHSIG format, which `ssh-keygen -Y verify` accepts.

mod agent;
mod allowed;
mod error;
mod namespace;
mod revoked;
mod short_key;
mod text_file;
mod wire;

use std::fmt;
use std::path::Path;

use jiff::Timestamp;
use rsa::BigUint;
use rsa::pkcs1v15::SigningKey;
use rsa::sha2::Sha512;
use rsa::signature::{SignatureEncoding as _, Signer as _};
use ssh_key::private::{KeypairData, RsaKeypair};
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, PublicKey, Signature, SshSig};

use agent::Agent;
pub use allowed::AllowedSigners;
pub use error::{RevokedError, SignError, SignatureError};
pub use namespace::NAMESPACE;
pub use revoked::RevokedKeys;
use text_file::read;

/// A key to sign with.
pub struct Signer(Source);

enum Source {
    File(Box<PrivateKey>),
    Agent(Agent, Box<PublicKey>),
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(…)")
    }
}

impl Signer {
    /// Reads the key file at `path`. Of a public key, ssh-agent must hold the private one; `socket` is the path in
    /// `SSH_AUTH_SOCK`.
    ///
    /// # Errors
    /// [`SignError`] if nothing can be signed with it.
    pub fn load(path: &Path, socket: Option<&Path>) -> Result<Self, SignError> {
        let text = read(path)?;
        if let Some(key) = PrivateKey::from_openssh(text.as_bytes()).ok().or_else(|| short_key::read(&text)) {
            if key.is_encrypted() {
                return Err(SignError::Encrypted);
            }
            check(&key.algorithm())?;
            return Ok(Self(Source::File(Box::new(key))));
        }
        if text.contains("PRIVATE KEY-----") && text.contains("ENCRYPTED") {
            return Err(SignError::Encrypted);
        }
        let key = PublicKey::from_openssh(text.trim()).map_err(|_| SignError::NoKey)?;
        let agent = Agent::new(socket)?;
        if !agent.holds(&key)? {
            return Err(SignError::NotInAgent);
        }
        Ok(Self(Source::Agent(agent, Box::new(key))))
    }

    /// The armored signature of `message`.
    ///
    /// # Errors
    /// [`SignError`], mostly of ssh-agent.
    pub fn sign(&self, message: &[u8]) -> Result<String, SignError> {
        let failed = |_| SignError::Failed;
        let data = SshSig::signed_data(NAMESPACE, HashAlg::Sha512, message).map_err(failed)?;
        let (key, signature) = match &self.0 {
            Source::File(key) => (key.public_key(), sign(key, &data).map_err(failed)?),
            Source::Agent(agent, key) => (&**key, agent.sign(key, &data)?),
        };
        let made = SshSig::new(key.key_data().clone(), NAMESPACE, HashAlg::Sha512, signature);
        let made = made.and_then(|made| key.verify(NAMESPACE, message, &made).map(|()| made));
        made.and_then(|made| made.to_pem(LineEnding::LF)).map_err(failed)
    }
}

fn sign(key: &PrivateKey, data: &[u8]) -> Result<Signature, ssh_key::Error> {
    match key.key_data() {
        KeypairData::Rsa(key) => sign_rsa(key, data),
        _ => Ok(key.try_sign(data)?),
    }
}

/// ssh-key 0.6 itself takes one prime twice, and refuses every RSA key.
fn sign_rsa(key: &RsaKeypair, data: &[u8]) -> Result<Signature, ssh_key::Error> {
    let number = BigUint::try_from;
    let primes = vec![number(&key.private.p)?, number(&key.private.q)?];
    let (n, e, d) = (number(&key.public.n)?, number(&key.public.e)?, number(&key.private.d)?);
    let private = rsa::RsaPrivateKey::from_components(n, e, d, primes)?;
    let signature = SigningKey::<Sha512>::new(private).try_sign(data)?;
    Signature::new(Algorithm::Rsa { hash: Some(HashAlg::Sha512) }, signature.to_vec())
}

fn check(algorithm: &Algorithm) -> Result<(), SignError> {
    match algorithm {
        Algorithm::Ed25519 | Algorithm::Ecdsa { .. } | Algorithm::Rsa { .. } => Ok(()),
        other => Err(SignError::Algorithm(other.to_string())),
    }
}

/// Checks the armored `signature` of `message` at the time `now`; returns who signed: `wanted`, or else the
/// principals that `allowed` names for the key.
///
/// # Errors
/// [`SignatureError`] if it proves nothing.
pub fn verify(
    message: &[u8],
    signature: &[u8],
    allowed: &AllowedSigners,
    revoked: &RevokedKeys,
    wanted: Option<&str>,
    now: Timestamp,
) -> Result<String, SignatureError> {
    let signature = SshSig::from_pem(signature).map_err(|_| SignatureError::Malformed)?;
    if signature.namespace() != NAMESPACE {
        return Err(SignatureError::Namespace(signature.namespace().to_owned()));
    }
    let key = PublicKey::from(signature.public_key().clone());
    // OpenSSH accepts no SHA-1 here either.
    if matches!(signature.algorithm(), Algorithm::Rsa { hash: None }) {
        return Err(SignatureError::Mismatch);
    }
    key.verify(NAMESPACE, message, &signature).map_err(|_| SignatureError::Mismatch)?;
    let refused =
        |why| SignatureError::Signer { fingerprint: key.fingerprint(HashAlg::Sha256).to_string(), why };
    if revoked.contains(key.key_data()) {
        return Err(refused("is revoked".to_owned()));
    }
    allowed.principal(key.key_data(), wanted, now).map_err(refused)
}
