//! Reads waivers from TOML, and reports all errors together.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::waiver::{Expiry, Pattern, Waiver};
use crate::model::{Place, did_you_mean};
use crate::report::zone::Zone;

/// The keys of a waiver, in the order of the documentation.
const KEYS: [&str; 11] = [
    "task",
    "directory",
    "max_different",
    "max_missing",
    "max_redundant",
    "inconclusive",
    "synchronised",
    "reason",
    "owner",
    "ticket",
    "expires",
];

/// All errors of a file of waivers, one a line.
#[derive(Debug, thiserror::Error)]
#[error("the waivers cannot be used:\n{}", .0.join("\n"))]
pub struct WaiversError(pub Vec<String>);

/// The waivers in `text`, in its order.
pub(super) fn read(path: &Path, text: &str, zone: &Zone) -> Result<Vec<Waiver>, WaiversError> {
    let mut reader = Reader { path, text, zone, faults: Vec::new() };
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut waivers = Vec::new();
    // The rest of a broken document would give misleading errors.
    if errors.is_empty() {
        waivers = reader.document(document.get_ref());
    }
    for error in errors {
        reader.fault(error.span().map_or(0, |span| span.start), error.message());
    }
    if reader.faults.is_empty() { Ok(waivers) } else { Err(reader.error()) }
}

type Key<'i> = Spanned<DeString<'i>>;
type Value<'i> = Spanned<DeValue<'i>>;

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    zone: &'a Zone,
    /// By byte offset.
    faults: Vec<(usize, String)>,
}

impl Reader<'_> {
    fn fault(&mut self, at: usize, what: impl Into<String>) {
        self.faults.push((at, what.into()));
    }

    fn place(&self, at: usize) -> Place {
        Place::of(self.path, self.text, at)
    }

    fn error(mut self) -> WaiversError {
        self.faults.sort();
        WaiversError(self.faults.iter().map(|(at, what)| format!("{}: {what}", self.place(*at))).collect())
    }

    fn document(&mut self, document: &DeTable<'_>) -> Vec<Waiver> {
        let mut waivers = Vec::new();
        for (key, value) in document {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("waiver", DeValue::Array(entries)) => {
                    waivers.extend(entries.iter().filter_map(|entry| self.entry(entry)));
                }
                ("waiver", _) => self.fault(key.span().start, "write [[waiver]], in double brackets"),
                (other, _) => {
                    let what = format!("`{other}` is outside of a waiver; move it below [[waiver]]");
                    self.fault(key.span().start, what);
                }
            }
        }
        waivers
    }

    fn entry(&mut self, entry: &Value<'_>) -> Option<Waiver> {
        let at = entry.span().start;
        let DeValue::Table(table) = entry.get_ref() else {
            self.fault(at, "a waiver must be a table");
            return None;
        };
        let mut waiver = Waiver {
            place: self.place(at),
            task: None,
            directory: None,
            max_different: 0,
            max_missing: 0,
            max_redundant: 0,
            inconclusive: false,
            synchronised: false,
            reason: String::new(),
            owner: None,
            ticket: None,
            expires: None,
        };
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "task" => waiver.task = self.pattern(key, value),
                "directory" => waiver.directory = self.pattern(key, value),
                "max_different" => waiver.max_different = self.count(key, value),
                "max_missing" => waiver.max_missing = self.count(key, value),
                "max_redundant" => waiver.max_redundant = self.count(key, value),
                "inconclusive" => waiver.inconclusive = self.flag(key, value),
                "synchronised" => waiver.synchronised = self.flag(key, value),
                "reason" => waiver.reason = self.line(key, value).unwrap_or_default(),
                "owner" => waiver.owner = self.line(key, value),
                "ticket" => waiver.ticket = self.line(key, value),
                "expires" => waiver.expires = self.expiry(value),
                other => {
                    let near = did_you_mean(other, KEYS);
                    let what = format!("unknown key `{other}`; a waiver has {}{near}", KEYS.join(", "));
                    self.fault(key.span().start, what);
                }
            }
        }
        if !table.contains_key("reason") {
            self.fault(at, "`reason` is missing: say why this is accepted");
        }
        Some(waiver)
    }

    fn text(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<String> {
        let what = match value.get_ref() {
            DeValue::String(text) if !text.trim().is_empty() => return Some(text.trim().to_owned()),
            DeValue::String(_) => format!("`{}` is empty", key.get_ref()),
            _ => format!("`{}` must be a string in quotes", key.get_ref()),
        };
        self.fault(value.span().start, what);
        None
    }

    /// A text that may be broken into lines in the file and is one line in reports.
    fn line(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<String> {
        let text = self.text(key, value)?;
        Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    fn pattern(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<Pattern> {
        let text = self.text(key, value)?;
        Pattern::new(&text)
            .map_err(|error| {
                let what = format!("`{}` is not a valid glob: {}", key.get_ref(), error.kind());
                self.fault(value.span().start, what);
            })
            .ok()
    }

    fn count(&mut self, key: &Key<'_>, value: &Value<'_>) -> u64 {
        let count = match value.get_ref() {
            DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        count.unwrap_or_else(|| {
            self.fault(value.span().start, format!("`{}` must be a whole number from 0", key.get_ref()));
            0
        })
    }

    fn flag(&mut self, key: &Key<'_>, value: &Value<'_>) -> bool {
        if let DeValue::Boolean(flag) = value.get_ref() {
            return *flag;
        }
        self.fault(value.span().start, format!("`{}` must be true or false", key.get_ref()));
        false
    }

    fn expiry(&mut self, value: &Value<'_>) -> Option<Expiry> {
        let text = match value.get_ref() {
            DeValue::String(text) => text.trim().to_owned(),
            DeValue::Datetime(time) => time.to_string(),
            _ => String::new(),
        };
        let end = end(&text, self.zone);
        if end.is_none() {
            let what = "`expires` must be a date, as in 2026-12-01, or a time, as in 2026-12-01T18:00:00 or \
                        2026-12-01T18:00:00+08:00";
            self.fault(value.span().start, what);
        }
        Some(Expiry { text, end: end? })
    }
}

/// The first moment after the day, or the moment itself.
fn end(text: &str, zone: &Zone) -> Option<Timestamp> {
    // Only what RFC 3339 has: no years before 0, and no zones in brackets.
    if !text.starts_with(|c: char| c.is_ascii_digit()) || text.contains('[') {
        return None;
    }
    // A time beyond the calendar's end never comes.
    let moment = |local: DateTime| zone.timestamp(local).unwrap_or(Timestamp::MAX);
    if text.len() == "2026-12-01".len() {
        let day: Date = text.parse().ok()?;
        return Some(
            day.tomorrow()
                .map_or(Timestamp::MAX, |next| moment(next.to_datetime(jiff::civil::Time::midnight()))),
        );
    }
    text.parse::<Timestamp>().ok().or_else(|| text.parse::<DateTime>().ok().map(moment))
}
