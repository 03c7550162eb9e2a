//! Values that must not be seen.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// What stands in a text where a secret stood.
const REDACTED: &[u8] = b"[redacted]";

/// The shortest secret that is looked for in what a server sends, in bytes.
///
/// A shorter one may well be a word of an honest answer, and blanking it would falsify evidence.
const SHORTEST_REDACTED: usize = 8;

/// A credential: never printed, wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes `text` as a secret.
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The secret itself, for the one place that uses it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// `bytes` with each of `secrets` blanked, plain or as JSON spells it: a server may echo what it was
/// sent. Secrets of less than 8 bytes are left.
pub fn redact(mut bytes: Vec<u8>, secrets: &[Secret]) -> Vec<u8> {
    for secret in secrets.iter().map(Secret::expose).filter(|secret| secret.len() >= SHORTEST_REDACTED) {
        let quoted = serde_json::Value::from(secret).to_string();
        let quoted = quoted.trim_matches('"');
        bytes = replace(bytes, secret.as_bytes());
        // Few secrets have more than one spelling, and a search takes time.
        for spelling in [quoted, &quoted.replace('/', "\\/")] {
            if spelling != secret {
                bytes = replace(bytes, spelling.as_bytes());
            }
        }
    }
    bytes
}

fn replace(bytes: Vec<u8>, needle: &[u8]) -> Vec<u8> {
    let mut found = memchr::memmem::find_iter(&bytes, needle).peekable();
    if found.peek().is_none() {
        return bytes;
    }
    let mut replaced = Vec::with_capacity(bytes.len());
    let mut end = 0;
    for start in found {
        replaced.extend_from_slice(bytes.get(end..start).unwrap_or_default());
        replaced.extend_from_slice(REDACTED);
        end = start + needle.len();
    }
    replaced.extend_from_slice(bytes.get(end..).unwrap_or_default());
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(bytes: &[u8], secrets: &[&str]) -> Vec<u8> {
        let secrets: Vec<Secret> = secrets.iter().map(|text| Secret::new((*text).to_owned())).collect();
        redact(bytes.to_vec(), &secrets)
    }

    #[test]
    fn echoes_are_blanked_in_every_spelling_and_in_any_bytes() {
        assert_eq!(redacted(b"a secret/1 \xff secret\\/1.", &["secret/1"]), b"a [redacted] \xff [redacted].");
        assert_eq!(redacted(br#"{"x":"pass\"word"}"#, &["pass\"word"]), br#"{"x":"[redacted]"}"#);
        assert_eq!(
            redacted(b"one-secret two-secret", &["one-secret", "two-secret"]),
            b"[redacted] [redacted]"
        );
    }

    #[test]
    fn a_word_of_an_honest_answer_stays() {
        assert_eq!(redacted(b"/test/data", &["test", ""]), b"/test/data");
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        assert_eq!(format!("{:?}", Secret::new("hush".to_owned())), "Secret(…)");
    }
}
