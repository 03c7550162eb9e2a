//! Lists of allowed signers, as `ssh-keygen` reads them (ALLOWED SIGNERS in ssh-keygen(1)).

use std::io;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use ssh_key::public::KeyData;

use super::namespace::NAMESPACE;
use super::text_file::{public_key, read};

/// Who may sign, with which key, and when.
#[derive(Debug, Default)]
pub struct AllowedSigners {
    lines: Vec<Line>,
    faults: Vec<String>,
}

#[derive(Debug)]
struct Line {
    principals: String,
    is_authority: bool,
    namespaces: Option<String>,
    valid_after: Option<Timestamp>,
    valid_before: Option<Timestamp>,
    key: KeyData,
}

impl AllowedSigners {
    /// Reads the file at `path`; a line that cannot be read is a [fault](Self::faults).
    ///
    /// # Errors
    /// What the file system says.
    pub fn read(path: &Path) -> io::Result<Self> {
        Ok(Self::parse(&read(path)?))
    }

    /// Parses the text of such a file. Times without a zone are in the system's time zone, as for OpenSSH.
    pub fn parse(text: &str) -> Self {
        let mut parsed = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match Line::parse(line) {
                Ok(line) => parsed.lines.push(line),
                Err(why) => parsed.faults.push(format!("line {number}: {why}")),
            }
        }
        parsed
    }

    /// What is wrong with lines that are ignored, each with its line number.
    pub fn faults(&self) -> impl Iterator<Item = &str> {
        self.faults.iter().map(String::as_str)
    }

    /// Who signed with `key` at `now`: `wanted`, or else the principals of the first line that allows it.
    ///
    /// # Errors
    /// Why no line does, to follow the name of the key.
    pub(super) fn principal(
        &self,
        key: &KeyData,
        wanted: Option<&str>,
        now: Timestamp,
    ) -> Result<String, String> {
        let mut why = "is not in the list of allowed signers".to_owned();
        for line in self.lines.iter().filter(|line| !line.is_authority && line.key == *key) {
            match line.refuses(wanted, now) {
                None => return Ok(wanted.unwrap_or(&line.principals).to_owned()),
                Some(refused) => why = refused,
            }
        }
        Err(why)
    }
}

impl Line {
    fn parse(line: &str) -> Result<Self, String> {
        let (principals, rest) = word(line);
        let mut line = Self {
            principals: principals.trim_matches('"').to_owned(),
            is_authority: false,
            namespaces: None,
            valid_after: None,
            valid_before: None,
            key: KeyData::Ed25519(ssh_key::public::Ed25519PublicKey([0; 32])),
        };
        if line.principals.is_empty() {
            return Err("it has no principal".to_owned());
        }
        // The key, or options and then the key.
        if let Ok(key) = public_key(rest) {
            line.key = key;
            return Ok(line);
        }
        let (options, rest) = word(rest);
        for option in split(options) {
            line.set(option)?;
        }
        line.key = public_key(rest)?;
        Ok(line)
    }

    fn set(&mut self, option: &str) -> Result<(), String> {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        match name.to_ascii_lowercase().as_str() {
            "cert-authority" => self.is_authority = true,
            "namespaces" => self.namespaces = Some(value.to_owned()),
            "valid-after" => self.valid_after = Some(time(value)?),
            "valid-before" => self.valid_before = Some(time(value)?),
            _ => return Err(format!("unknown option {name}")),
        }
        Ok(())
    }

    fn refuses(&self, wanted: Option<&str>, now: Timestamp) -> Option<String> {
        if let Some(wanted) = wanted
            && !matches_list(wanted, &self.principals)
        {
            return Some(format!("belongs to {}, not to {wanted}", self.principals));
        }
        if self.namespaces.as_deref().is_some_and(|allowed| !matches_list(NAMESPACE, allowed)) {
            return Some(format!("is not allowed for the namespace {NAMESPACE}"));
        }
        match (self.valid_after, self.valid_before) {
            (Some(after), _) if now < after => Some(format!("is not valid before {after}")),
            (_, Some(before)) if now > before => Some(format!("expired at {before}")),
            _ => None,
        }
    }
}

/// The first word of a line, in which quoted parts may hold spaces, and what follows it.
fn word(text: &str) -> (&str, &str) {
    let mut is_quoted = false;
    let end = text.find(|c: char| {
        is_quoted ^= c == '"';
        !is_quoted && c.is_ascii_whitespace()
    });
    let (word, rest) = text.split_at(end.unwrap_or(text.len()));
    (word, rest.trim_start())
}

/// Options, separated by commas outside of quotes.
fn split(options: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    options.split(move |c: char| {
        is_quoted ^= c == '"';
        !is_quoted && c == ','
    })
}

/// A time as `YYYYMMDD[HHMM[SS]]`, in UTC if `Z` follows.
fn time(text: &str) -> Result<Timestamp, String> {
    let invalid =
        || format!("{text} is not a time; write YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, and Z for UTC");
    let (digits, zone) = match text.strip_suffix(['Z', 'z']) {
        Some(digits) => (digits, TimeZone::UTC),
        None => (text, TimeZone::system()),
    };
    if !matches!(digits.len(), 8 | 12 | 14) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid());
    }
    let number = |from: usize, to: usize| -> i16 {
        digits.get(from..to).and_then(|text| text.parse().ok()).unwrap_or_default()
    };
    let small = |from: usize| i8::try_from(number(from, from + 2)).unwrap_or(-1);
    let date = Date::new(number(0, 4), small(4), small(6)).map_err(|_| invalid())?;
    let time = Time::new(small(8), small(10), small(12), 0).map_err(|_| invalid())?;
    let zoned = date.to_datetime(time).to_zoned(zone).map_err(|_| invalid())?;
    Ok(zoned.timestamp())
}

/// Whether a list of patterns, separated by commas, names `text`; one with `!` excludes it.
fn matches_list(text: &str, patterns: &str) -> bool {
    let mut found = false;
    for pattern in patterns.split(',') {
        match pattern.strip_prefix('!') {
            Some(excluded) if matches(text.as_bytes(), excluded.as_bytes()) => return false,
            Some(_) => {}
            None => found |= matches(text.as_bytes(), pattern.as_bytes()),
        }
    }
    found
}

/// Whether a pattern with `*` and `?` names `text`.
fn matches(text: &[u8], pattern: &[u8]) -> bool {
    let (mut at, mut next) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(next) {
            Some(b'*') => {
                star = Some((next, at));
                next += 1;
            }
            Some(&c) if c == b'?' || text.get(at) == Some(&c) => {
                at += 1;
                next += 1;
            }
            _ => match star {
                Some((place, from)) => {
                    star = Some((place, from + 1));
                    at = from + 1;
                    next = place + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(next..).is_some_and(|rest| rest.iter().all(|c| *c == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAUf8R0Gq6NCVmNN2BPkbJcYVaLPGIFjn4ImmxJYIJQA comment of it";

    fn who(list: &str, wanted: Option<&str>) -> Result<String, String> {
        let now = "2026-11-27T12:00:00Z".parse().unwrap();
        let key = public_key(KEY).unwrap();
        AllowedSigners::parse(list).principal(&key, wanted, now)
    }

    #[test]
    fn key_with_a_wrong_length_inside_is_a_fault() {
        // The length before the key itself is 6688 instead of 32. ssh-keygen refuses it.
        let list = format!("ops {}", KEY.replacen("AAAAIAUf", "AAAaIAUf", 1));
        assert_eq!(AllowedSigners::parse(&list).faults().count(), 1, "{list}");
        assert!(who(&list, None).is_err());
    }

    #[test]
    fn line_with_options_is_read_as_openssh_reads_it() {
        for (before, wanted, expected) in [
            ("ops@x.org", None, Ok("ops@x.org")),
            ("\t ops@x.org,*@y.org ", Some("a@y.org"), Ok("a@y.org")),
            ("*@x.org,!root@x.org", Some("root@x.org"), Err("belongs to")),
            ("ops namespaces=\"file,cutover-*\"", None, Ok("ops")),
            ("ops namespaces=\"file\"", None, Err("namespace")),
            ("ops valid-before=\"20261127Z\"", None, Err("expired at 2026-11-27T00:00:00Z")),
            ("ops valid-after=\"202611271201Z\"", None, Err("not valid before")),
            ("ops valid-after=20261127115959Z,valid-before=\"20270101Z\"", None, Ok("ops")),
            ("ops cert-authority", None, Err("not in the list")),
        ] {
            let found = who(&format!("# a list\n\n{before} {KEY}"), wanted);
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{before}"),
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{before}: {found}"),
                (found, _) => panic!("{before}: {found:?}"),
            }
        }
    }

    #[test]
    fn later_line_allows_a_key_that_an_earlier_one_refuses() {
        let list = format!("old valid-before=\"20200101Z\" {KEY}\nnew {KEY}\n");
        assert_eq!(who(&list, None).as_deref(), Ok("new"));
        assert!(who(&list, Some("old")).is_err());
    }

    #[test]
    fn line_that_cannot_be_read_is_a_fault_with_its_number() {
        let list =
            format!("ops\nops shiny {KEY}\nops valid-before=\"2026\" {KEY}\nops ssh-ed25519 AAAA\nops {KEY}");
        let parsed = AllowedSigners::parse(&list);
        let faults: Vec<&str> = parsed.faults().collect();
        assert_eq!(faults.len(), 4, "{faults:?}");
        assert!(faults[1].starts_with("line 2: unknown option shiny"), "{faults:?}");
        assert_eq!(parsed.lines.len(), 1);
    }
}
