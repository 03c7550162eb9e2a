//! A value that must not be seen.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A credential: never printed, wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes `text` as a secret.
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The secret itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// `text` with every occurrence of the secret blanked: a server may echo what it was sent.
    pub fn redact(&self, text: String) -> String {
        if text.contains(self.expose()) { text.replace(self.expose(), "[redacted]") } else { text }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
