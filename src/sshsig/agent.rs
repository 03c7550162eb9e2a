//! A client of ssh-agent: two requests of its protocol over a Unix socket.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ssh_key::{Algorithm, PublicKey, Signature};

use crate::model::io_reason;

use super::error::SignError;
use super::wire::{put_text, take_number, take_text};

const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
/// Asks for SHA-512 in an RSA signature.
const RSA_SHA2_512: u32 = 4;
/// The largest message that is read, in bytes; OpenSSH's own limit.
const MAX_MESSAGE: u32 = 256 << 10;
/// An agent may ask a person for confirmation.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The agent at a socket.
pub(super) struct Agent {
    socket: PathBuf,
}

impl Agent {
    pub(super) fn new(socket: Option<&Path>) -> Result<Self, SignError> {
        match socket.filter(|socket| !socket.as_os_str().is_empty()) {
            Some(socket) => Ok(Self { socket: socket.to_owned() }),
            None => Err(SignError::NoAgent("SSH_AUTH_SOCK is not set".to_owned())),
        }
    }

    /// Whether the agent holds the private key of `key`.
    pub(super) fn holds(&self, key: &PublicKey) -> Result<bool, SignError> {
        let wanted = blob(key)?;
        let answer = self.request(&[REQUEST_IDENTITIES])?;
        let Some((&IDENTITIES_ANSWER, mut rest)) = answer.split_first() else {
            return Err(SignError::Agent("it does not list its keys".to_owned()));
        };
        let count = take_number(&mut rest).ok_or_else(damaged)?;
        for _ in 0..count {
            let found = take_text(&mut rest).ok_or_else(damaged)?;
            take_text(&mut rest).ok_or_else(damaged)?;
            if found == wanted {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The signature of `data` by the private key of `key`.
    pub(super) fn sign(&self, key: &PublicKey, data: &[u8]) -> Result<Signature, SignError> {
        let flags = if matches!(key.algorithm(), Algorithm::Rsa { .. }) { RSA_SHA2_512 } else { 0 };
        let mut message = vec![SIGN_REQUEST];
        for text in [&blob(key)?[..], data] {
            put_text(&mut message, text).ok_or(SignError::Failed)?;
        }
        message.extend(flags.to_be_bytes());
        let answer = self.request(&message)?;
        let Some((&SIGN_RESPONSE, mut rest)) = answer.split_first() else {
            return Err(SignError::AgentRefused);
        };
        let signature = take_text(&mut rest).ok_or_else(damaged)?;
        Signature::try_from(signature).map_err(|_| damaged())
    }

    #[cfg(unix)]
    fn request(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        use std::os::unix::net::UnixStream;
        let failed = |error: std::io::Error| SignError::Agent(io_reason(&error));
        let mut stream = UnixStream::connect(&self.socket).map_err(|error| {
            SignError::NoAgent(format!("{} (SSH_AUTH_SOCK): {}", self.socket.display(), io_reason(&error)))
        })?;
        stream.set_read_timeout(Some(TIMEOUT)).map_err(failed)?;
        stream.set_write_timeout(Some(TIMEOUT)).map_err(failed)?;
        let mut framed = Vec::new();
        put_text(&mut framed, message).ok_or(SignError::Failed)?;
        stream.write_all(&framed).map_err(failed)?;
        let mut size = [0; 4];
        stream.read_exact(&mut size).map_err(failed)?;
        let size = u32::from_be_bytes(size);
        if size == 0 || size > MAX_MESSAGE {
            return Err(damaged());
        }
        let mut answer = Vec::new();
        stream.take(size.into()).read_to_end(&mut answer).map_err(failed)?;
        Ok(answer)
    }

    #[cfg(not(unix))]
    fn request(&self, _: &[u8]) -> Result<Vec<u8>, SignError> {
        Err(SignError::NoAgent("ssh-agent is supported on Unix only".to_owned()))
    }
}

fn blob(key: &PublicKey) -> Result<Vec<u8>, SignError> {
    key.to_bytes().map_err(|_| SignError::NoKey)
}

fn damaged() -> SignError {
    SignError::Agent("its answer cannot be read".to_owned())
}
