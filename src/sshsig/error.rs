//! Why nothing is signed, and why a signature proves nothing.

use std::io;

use crate::model::io_advice;

use super::namespace::NAMESPACE;

/// Why nothing can be signed with a key.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it is")]
pub enum SignError {
    #[error("cannot read it: {}", io_advice(.0))]
    Io(#[from] io::Error),
    #[error("it is encrypted; load it with `ssh-add`, and give its public key (FILE.pub) instead")]
    Encrypted,
    #[error(
        "it is neither an OpenSSH private key nor a public key; convert other formats with `ssh-keygen -p -f FILE`"
    )]
    NoKey,
    #[error("its algorithm {0} is not supported; use an Ed25519, ECDSA or RSA key")]
    Algorithm(String),
    #[error("it is a public key, and {0}; start ssh-agent and add the private key with `ssh-add`")]
    NoAgent(String),
    #[error("ssh-agent does not hold the private key of this public key; add it with `ssh-add`")]
    NotInAgent,
    #[error("ssh-agent refused to sign")]
    AgentRefused,
    #[error("ssh-agent failed: {0}")]
    Agent(String),
    #[error("signing failed")]
    Failed,
}

/// Why a list of revoked keys cannot be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it is")]
pub enum RevokedError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error(
        "it is a binary key revocation list (KRL), which is not supported; give the public keys that it was made of, one a line, or check with `ssh-keygen -Y verify -r`"
    )]
    Binary,
    #[error("it is larger than 16 MiB")]
    TooLarge,
    #[error("line {0} has no public key that can be read; write one key a line, as in id_ed25519.pub")]
    Line(u32),
}

/// Why a signature does not prove who signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it is")]
pub enum SignatureError {
    #[error("it is not an SSH signature")]
    Malformed,
    #[error("it is made for the namespace {0}, not for {NAMESPACE}")]
    Namespace(String),
    #[error("it does not match the manifest and its key: one of them was changed")]
    Mismatch,
    #[error("its key {fingerprint} {why}")]
    Signer { fingerprint: String, why: String },
}
