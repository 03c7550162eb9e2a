//! Redacts secrets in responses, in every encoding that decodes to them.
//!
//! A server may echo a secret in another encoding: JSON escapes (also nested), percent-encoding, character references
//! of XML and HTML, UTF-16, Base64 or hexadecimal. The text is compared with the secrets through up to [`LAYERS`]
//! decoders; a text without a secret is unchanged.

mod spelling;

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::zeroize::Zeroizing;

use super::secret::Secret;
use spelling::{INTRODUCERS, Unit, is_introducer};

/// Replaces a secret in a text.
const REDACTED: &[u8] = b"[redacted]";
/// The shortest secret that is redacted in evidence, in bytes. A shorter one may be an ordinary word, and redacting it
/// would falsify evidence.
const SHORTEST_IN_EVIDENCE: usize = 8;
/// The shortest secret that is redacted in everything else.
const SHORTEST: usize = 3;
/// From this length on a secret of Base64 characters is also found in the other Base64 alphabets, in bytes.
const SHORTEST_FOLDED: usize = 16;
/// Maximum depth of nested encodings, such as a JSON string inside a JSON string.
const LAYERS: u8 = 3;
/// Redacts a set of secrets. `Debug` does not show them.
#[derive(Clone)]
pub struct Redactor {
    needles: Vec<Needle>,
    /// The possible first bytes of a decoded secret.
    firsts: ByteSet,
    /// By first byte: the second bytes with which an encoded secret may start. Most of a text is passed over by these.
    starts: Box<[ByteSet; 256]>,
}

/// A set of bytes, a bit each.
#[derive(Clone, Copy, Default)]
struct ByteSet([u64; 4]);

impl ByteSet {
    const ALL: Self = Self([u64::MAX; 4]);

    fn of(bytes: &[u8]) -> Self {
        let mut set = Self::default();
        for byte in bytes {
            if let Some(bits) = set.0.get_mut(usize::from(byte / 64)) {
                *bits |= 1 << (byte % 64);
            }
        }
        set
    }

    fn contains(self, byte: u8) -> bool {
        self.0.get(usize::from(byte / 64)).is_some_and(|bits| bits >> (byte % 64) & 1 == 1)
    }

    fn add(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(bits, more)| *bits |= more);
    }
}

/// Bytes to search for.
#[derive(Clone)]
struct Needle {
    bytes: Zeroizing<Vec<u8>>,
    fold: Fold,
    /// Whether padding (`=`) after it belongs to it.
    padded: bool,
    /// Whether it is the middle of a Base64 text, whose ends depend on the text around the secret.
    is_cut: bool,
}

/// Which bytes are equal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fold {
    Exact,
    /// The last two characters of all Base64 alphabets, and a `+` decoded as a space.
    Base64,
    /// Letters of either case.
    Case,
}

impl Fold {
    fn class(self, byte: u8) -> u8 {
        match (self, byte) {
            (Self::Base64, b'+' | b'/' | b'_' | b' ') => b'-',
            (Self::Case, _) => byte.to_ascii_lowercase(),
            _ => byte,
        }
    }

    /// The bytes of the same class.
    fn equal(self, byte: u8) -> ByteSet {
        match (self, self.class(byte)) {
            (Self::Base64, b'-') => ByteSet::of(b"+/-_ "),
            (Self::Case, class) => ByteSet::of(&[class, class.to_ascii_uppercase()]),
            (_, class) => ByteSet::of(&[class]),
        }
    }
}

impl Redactor {
    /// Creates a redactor of messages; secrets of less than 3 bytes are not redacted.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        Self::from_length(SHORTEST, secrets)
    }

    /// Creates a redactor of evidence; secrets of less than 8 bytes are not redacted.
    pub fn of_evidence<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        Self::from_length(SHORTEST_IN_EVIDENCE, secrets)
    }

    fn from_length<'a>(shortest: usize, secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let secrets = secrets.into_iter().map(Secret::expose).filter(|secret| secret.len() >= shortest);
        let needles: Vec<Needle> = secrets.flat_map(|secret| needles(secret, shortest)).collect();
        let mut firsts = ByteSet::default();
        let mut starts = Box::new([ByteSet::default(); 256]);
        for needle in &needles {
            let [first, second] = [0, 1].map(|at| needle.bytes.get(at).copied().unwrap_or_default());
            let (first, mut second) = (needle.fold.equal(first), needle.fold.equal(second));
            firsts.add(first);
            // What follows a plain byte is the next byte of the secret, plain or encoded.
            second.add(ByteSet::of(&INTRODUCERS));
            let plain = (0..=u8::MAX).zip(starts.iter_mut()).filter(|(byte, _)| first.contains(*byte));
            plain.for_each(|(_, seconds)| seconds.add(second));
        }
        // A zero comes after a character of UTF-16, or belongs to the next one.
        for byte in INTRODUCERS.iter().filter(|byte| **byte != 0) {
            if let Some(seconds) = starts.get_mut(usize::from(*byte)) {
                *seconds = ByteSet::ALL;
            }
        }
        Self { needles, firsts, starts }
    }

    /// `text` with every secret replaced by `[redacted]`; unchanged if it has none.
    pub fn redact(&self, text: Vec<u8>) -> Vec<u8> {
        if self.needles.is_empty() {
            return text;
        }
        let mut redacted = Vec::new();
        let mut done = 0;
        let mut at = 0;
        while let Some(next) = self.next_start(&text, at) {
            match self.spelled_at(&text, next) {
                Some((end, is_cut)) => {
                    let (start, end) = if is_cut { widen(&text, next, end) } else { (next, end) };
                    redacted.extend_from_slice(text.get(done..start.max(done)).unwrap_or_default());
                    redacted.extend_from_slice(REDACTED);
                    (done, at) = (end, end);
                }
                None => at = next + 1,
            }
        }
        if done == 0 {
            return text;
        }
        redacted.extend_from_slice(text.get(done..).unwrap_or_default());
        redacted
    }

    /// [`redact`](Self::redact) for text.
    pub fn redact_text(&self, text: String) -> String {
        match String::from_utf8(self.redact(text.into_bytes())) {
            Ok(text) => text,
            // Unreachable: secrets are text, so no character is split.
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        }
    }

    fn next_start(&self, text: &[u8], at: usize) -> Option<usize> {
        let is_start = |pair: &[u8]| match pair {
            [first, second] => {
                self.starts.get(usize::from(*first)).is_some_and(|seconds| seconds.contains(*second))
            }
            _ => false,
        };
        Some(at + text.get(at..)?.windows(2).position(is_start)?)
    }

    /// The end of an encoded secret that starts at `at`, and whether it is the middle of a Base64 text.
    fn spelled_at(&self, text: &[u8], at: usize) -> Option<(usize, bool)> {
        for layers in 0..=LAYERS {
            let mut any_encoded = starts_encoded(text, at);
            let first = Unit::at(text, at, layers)?;
            let may_match = first.bytes().first().is_some_and(|byte| self.firsts.contains(*byte));
            for needle in self.needles.iter().filter(|_| may_match) {
                let found = needle.compare(text, at, layers);
                if let Comparison::Same(end) = found {
                    return Some((end, needle.is_cut));
                }
                any_encoded |= found == Comparison::Different { is_encoded: true };
            }
            // Without an escape, another decoder gives the same bytes.
            if !any_encoded {
                return None;
            }
        }
        None
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor(…)")
    }
}

/// The forms of a secret after all escapes are decoded, of at least this length.
fn needles(secret: &str, shortest: usize) -> Vec<Needle> {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte);
    let folds = secret.len() >= SHORTEST_FOLDED && secret.bytes().all(is_base64);
    let fold = match folds {
        _ if secret.bytes().all(|byte| byte.is_ascii_hexdigit()) => Fold::Case,
        true => Fold::Base64,
        false => Fold::Exact,
    };
    let needle = |bytes: Vec<u8>, fold| {
        (bytes.len() >= shortest).then(|| Needle {
            bytes: Zeroizing::new(bytes),
            fold,
            padded: false,
            is_cut: false,
        })
    };
    let unpadded = if folds { secret.trim_end_matches('=') } else { secret };
    let plain = needle(unpadded.as_bytes().to_vec(), fold).map(|plain| Needle { padded: folds, ..plain });
    let mut found: Vec<Needle> = plain.into_iter().collect();
    // A secret that looks encoded is also decoded.
    let looks_encoded = secret.bytes().any(is_introducer);
    for layers in (1..=LAYERS).filter(|_| looks_encoded) {
        let decoded = decoded(secret.as_bytes(), layers);
        if found.last().is_some_and(|last| *last.bytes != decoded) && decoded != secret.as_bytes() {
            found.extend(needle(decoded, fold));
        }
    }
    // Form encoding writes a space as a plus.
    if secret.contains(' ') {
        found.extend(needle(secret.replace(' ', "+").into_bytes(), Fold::Exact));
    }
    found.extend(needle(hex::encode(secret.as_bytes()).into_bytes(), Fold::Case));
    for (shift, dropped) in [(0, 0), (1, 2), (2, 3)] {
        let mut bytes = Zeroizing::new(vec![0; shift]);
        bytes.extend_from_slice(secret.as_bytes());
        let whole = bytes.len() * 8 / 6;
        let coded = Zeroizing::new(BASE64_STANDARD.encode(&*bytes));
        let cut = coded.as_bytes().get(dropped..whole).unwrap_or_default().to_vec();
        found.extend(needle(cut, Fold::Base64).map(|needle| Needle { is_cut: true, ..needle }));
    }
    found
}

fn decoded(text: &[u8], layers: u8) -> Vec<u8> {
    let (mut bytes, mut at) = (Vec::new(), 0);
    while let Some(unit) = Unit::at(text, at, layers) {
        bytes.extend_from_slice(unit.bytes());
        at = unit.end;
    }
    bytes
}

/// Extends a Base64 match by the characters around it that contain a part of the secret.
fn widen(text: &[u8], start: usize, end: usize) -> (usize, usize) {
    let is_coded = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    let before = text.get(..start).unwrap_or_default().iter().rev().take(3);
    let before = before.take_while(|byte| is_coded(byte)).count();
    let behind = text.get(end..).unwrap_or_default().iter().take(4);
    let behind = behind.take_while(|byte| is_coded(byte) || **byte == b'=').count();
    (start - before, end + behind)
}

#[derive(PartialEq, Eq)]
enum Comparison {
    /// The needle matches, up to this offset.
    Same(usize),
    /// It does not match; whether there were escapes.
    Different { is_encoded: bool },
}

/// Whether there is an escape at `at`, or half a UTF-16 character.
fn starts_encoded(text: &[u8], at: usize) -> bool {
    text.get(at).copied().is_some_and(is_introducer) || text.get(at + 1).is_some_and(|byte| *byte == 0)
}

impl Needle {
    /// Compares with the text at `at` after decoding `layers` times.
    fn compare(&self, text: &[u8], mut at: usize, layers: u8) -> Comparison {
        let mut expected = self.bytes.as_slice();
        let mut is_encoded = false;
        while !expected.is_empty() {
            is_encoded |= starts_encoded(text, at);
            let unit = Unit::at(text, at, layers);
            let same = |unit: &Unit| {
                let (begin, _) = expected.split_at_checked(unit.bytes().len())?;
                let mut pairs = begin.iter().zip(unit.bytes());
                pairs
                    .all(|(one, other)| self.fold.class(*one) == self.fold.class(*other))
                    .then_some(begin.len())
            };
            match unit.as_ref().and_then(|unit| Some((same(unit)?, unit.end))) {
                Some((length, end)) => {
                    expected = expected.get(length..).unwrap_or_default();
                    at = end;
                }
                None => return Comparison::Different { is_encoded },
            }
        }
        // Padding may be encoded differently.
        while let Some(end) = (0..=LAYERS).filter(|_| self.padded).find_map(|layers| {
            Unit::at(text, at, layers).filter(|unit| unit.byte() == Some(b'=')).map(|unit| unit.end)
        }) {
            at = end;
        }
        Comparison::Same(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TOKEN: &str = "MIIa+b/c9-secret=token==";

    fn redacted(text: &str, secrets: &[&str]) -> String {
        let secrets: Vec<Secret> = secrets.iter().map(|text| Secret::new((*text).to_owned())).collect();
        Redactor::new(&secrets).redact_text(text.to_owned())
    }

    #[test]
    fn secret_in_any_encoding_is_redacted() {
        let nested = serde_json::json!({ "inner": format!("{{\"t\":\"{TOKEN}\"}}") }).to_string();
        for spelled in [
            TOKEN.to_owned(),
            TOKEN.replace('=', "\\u003d"),
            TOKEN.replace('=', "\\u003D").replace('/', "\\/"),
            TOKEN.replace('=', "\\\\u003d"),
            TOKEN.replace('=', "\\x3d"),
            TOKEN.replace('=', "%3D").replace('+', "%2b").replace('/', "%2F"),
            TOKEN.replace('=', "%253D"),
            TOKEN.replace('=', "&#61;").replace('+', "&#x2B;"),
            TOKEN.replace('=', "&#061").replace('/', "&sol;"),
            TOKEN.replace('=', "&equals;").replace('+', "&plus;"),
            TOKEN.replace('=', "&amp;#61;"),
            TOKEN.replace('=', "\\u0026#61;"),
            TOKEN.replace('=', "\\u00253d"),
            TOKEN.replace('+', " "),
            TOKEN.replace('/', "_").replace('+', "-"),
            TOKEN.trim_end_matches('=').to_owned(),
            TOKEN.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect(),
            TOKEN.chars().map(|c| format!("%{:02X}", u32::from(c))).collect(),
            TOKEN.chars().map(|c| format!("&#{};", u32::from(c))).collect(),
            String::from_utf8(hex::encode(TOKEN.as_bytes()).into_bytes()).unwrap().to_uppercase(),
            BASE64_STANDARD.encode(TOKEN),
        ] {
            assert_eq!(redacted(&format!("<{spelled}> {spelled}"), &[TOKEN]), "<[redacted]> [redacted]");
        }
        assert_eq!(redacted(&nested, &[TOKEN]), r#"{"inner":"{\"t\":\"[redacted]\"}"}"#);
        let pair = BASE64_STANDARD.encode(format!("user:{TOKEN}"));
        let pair = redacted(&format!("Basic {pair}"), &[TOKEN]);
        assert_eq!(pair, "Basic dXNl[redacted]");
    }

    #[test]
    fn secret_in_utf_16_is_redacted() {
        let wide: Vec<u8> = format!("a{TOKEN}b").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let secret = Secret::new(TOKEN.to_owned());
        assert_eq!(Redactor::new([&secret]).redact(wide), b"a\0[redacted]\0b\0");
    }

    #[test]
    fn secret_that_looks_encoded_is_redacted() {
        for secret in
            ["pass%3Dword", "pass\\u003dword", "pass&amp;word", "p\\\"q\\\\r-secret", "naïve-пароль😀"]
        {
            let json = serde_json::to_string(secret).unwrap();
            let percent: String = secret.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let wide: String = secret.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
            for spelled in [secret, json.trim_matches('"'), &percent, &wide] {
                assert_eq!(redacted(&format!("({spelled})"), &[secret]), "([redacted])", "{spelled}");
            }
        }
    }

    #[test]
    fn several_secrets_are_redacted_and_other_bytes_unchanged() {
        let secrets = ["secret/1", "one-secret", "two-secret"].map(|text| Secret::new(text.to_owned()));
        let redactor = Redactor::new(&secrets);
        let blanked = redactor.redact(b"a secret/1 \xff secret\\/1. one-secret two-secret".to_vec());
        assert_eq!(blanked, b"a [redacted] \xff [redacted]. [redacted] [redacted]");
        assert!(!format!("{redactor:?}").contains("secret/1"));
    }

    #[test]
    fn short_secret_is_redacted_in_messages_and_not_in_evidence() {
        let secrets = ["test", ""].map(|text| Secret::new(text.to_owned()));
        let evidence = Redactor::of_evidence(&secrets).redact_text("/test/data".to_owned());
        assert_eq!(evidence, "/test/data");
        assert_eq!(redacted("bad key test", &["test", ""]), "bad key [redacted]");
        let honest = r"C:\data\users 100% &amp; \u4e2d &#x; &nosuch; %zz \ud800";
        assert_eq!(redacted(honest, &[TOKEN]), honest);
    }

    /// Encodes a character, by `choice`.
    fn spell(character: char, choice: u8) -> String {
        let code = u32::from(character);
        match choice {
            0 => format!("\\u{code:04x}"),
            1 => format!("%{code:02X}"),
            2 => format!("&#{code};"),
            3 => format!("&#x{code:X};"),
            4 => format!("\\\\u{code:04X}"),
            _ => character.to_string(),
        }
    }

    proptest! {
        #[test]
        fn secret_in_mixed_encodings_is_redacted(choices in proptest::collection::vec(0_u8..9, TOKEN.len())) {
            let spelled: String = TOKEN.chars().zip(choices).map(|(c, choice)| spell(c, choice)).collect();
            let text = format!("{{\"error_msg\":\"no {spelled}, no\"}}");
            prop_assert_eq!(redacted(&text, &[TOKEN]), "{\"error_msg\":\"no [redacted], no\"}");
        }

        #[test]
        fn text_without_secret_is_unchanged(text in any::<Vec<u8>>()) {
            let secret = Secret::new(TOKEN.to_owned());
            prop_assert_eq!(Redactor::new([&secret]).redact(text.clone()), text);
        }
    }
}
