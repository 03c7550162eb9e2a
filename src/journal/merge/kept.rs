//! The line of a record, which a merge copies without decoding it.

use std::borrow::Cow;
use std::io::{self, Write};

use sha2::{Digest as _, Sha256};

use super::choice::Digest;
use crate::journal::line::Line;
use crate::journal::record::Record;
use crate::model::ClockOffset;

/// How this program begins a record's line.
const ORDINAL: &[u8] = b"{\"ordinal\":";

/// A record's line, of which only the ordinal changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KeptLine<'a> {
    /// All that follows the ordinal, without the line break.
    rest: Cow<'a, [u8]>,
}

impl<'a> KeptLine<'a> {
    /// The line `text` of a record. Without a clock offset of its own it gets `offset`.
    ///
    /// # Errors
    /// What is wrong with a line that must be decoded: one with an offset to add, or with its fields in another order.
    pub(super) fn of(text: &'a [u8], offset: Option<ClockOffset>) -> Result<Self, String> {
        let rest = rest_of(text).filter(|_| offset.is_none());
        match rest {
            Some(rest) => Ok(Self { rest: Cow::Borrowed(rest) }),
            None => {
                let record = Record::read(text.to_vec())?;
                Self::encode(Record { clock_offset: record.clock_offset.or(offset), ..record })
                    .map_err(|error| error.to_string())
            }
        }
    }

    /// The line of a record.
    pub(super) fn encode(record: Record) -> io::Result<Self> {
        let text = serde_json::to_vec(&Line::from(record))?;
        let rest =
            rest_of(&text).ok_or_else(|| io::Error::other("a record does not begin with its ordinal"))?;
        Ok(Self { rest: Cow::Owned(rest.to_vec()) })
    }

    /// The record, with ordinal 0.
    pub(super) fn record(&self) -> io::Result<Record> {
        Record::read([ORDINAL, b"0", &self.rest].concat()).map_err(io::Error::other)
    }

    /// The start of the hash. A task's ordinal is not a part of its result.
    pub(super) fn digest(&self) -> Digest {
        let whole: [u8; 32] =
            Sha256::new().chain_update(ORDINAL).chain_update(b"0").chain_update(&self.rest).finalize().into();
        let mut digest = Digest::default();
        digest.iter_mut().zip(whole).for_each(|(byte, hashed)| *byte = hashed);
        digest
    }

    /// Writes the line with another ordinal; returns its length in bytes.
    pub(super) fn write_to(&self, to: &mut impl Write, ordinal: usize) -> io::Result<usize> {
        let start = format!("{{\"ordinal\":{ordinal}");
        to.write_all(start.as_bytes())?;
        to.write_all(&self.rest)?;
        to.write_all(b"\n")?;
        Ok(start.len() + self.rest.len() + 1)
    }
}

/// What follows the ordinal in a line that begins with it; none in any other.
fn rest_of(text: &[u8]) -> Option<&[u8]> {
    let ordinal = text.trim_ascii().strip_prefix(ORDINAL)?;
    let end = ordinal.iter().position(|byte| !byte.is_ascii_digit()).filter(|end| *end > 0)?;
    ordinal.get(end..).filter(|rest| rest.starts_with(b","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_of_this_program_is_copied_and_any_other_is_encoded() {
        let rest = r#","fetched_at":"2026-11-21T00:00:00Z","attempts":1,"no_task":true}"#;
        let own = format!("{{\"ordinal\":12{rest}\r\n");
        let kept = KeptLine::of(own.as_bytes(), None).unwrap();
        assert!(matches!(kept.rest, Cow::Borrowed(_)));
        let mut line = Vec::new();
        assert_eq!(kept.write_to(&mut line, 3).unwrap(), line.len());
        assert_eq!(line, format!("{{\"ordinal\":3{rest}\n").as_bytes());
        for other in [
            own.replacen("{", "{ ", 1),
            own.replacen("12,", "12 ,", 1),
            r#"{"no_task":true,"attempts":1,"fetched_at":"2026-11-21T00:00:00Z","ordinal":7}"#.to_owned(),
        ] {
            assert_eq!(
                KeptLine::of(other.as_bytes(), None),
                Ok(KeptLine { rest: Cow::Borrowed(rest.as_bytes()) })
            );
        }
        let with_offset = KeptLine::of(own.as_bytes(), Some(ClockOffset::from_secs(5))).unwrap();
        let offset = r#"Z","clock_offset_s":5,"attempts""#;
        assert_eq!(with_offset.rest.as_ref(), rest.replace(r#"Z","attempts""#, offset).as_bytes());
        assert_ne!(with_offset.digest(), kept.digest());
    }
}
