//! How the values of options are parsed.

use std::ffi::OsStr;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{NonEmptyStringValueParser, PossibleValue, TypedValueParser};
use clap::{Arg, Command};

use super::fail_on::OneOf;
use crate::model::{Language, Markup, Rate, Shape, Shard};
use crate::report::{LabelFilter, Zone};
use crate::tasks::ColumnChoice;
use crate::tasks::discovery::STATES;

/// An age, or none for `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age(pub Option<Duration>);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("off"),
            Some(age) if age.as_secs() % 3600 == 0 => write!(f, "{}h", age.as_secs() / 3600),
            Some(age) => write!(f, "{}s", age.as_secs()),
        }
    }
}

pub(super) fn age(text: &str) -> Result<Age, String> {
    if text == "off" { Ok(Age(None)) } else { duration(text).map(|age| Age(Some(age))) }
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.get(digits.len()..).unwrap_or_default();
    let milliseconds = match unit {
        "ms" => Some(1),
        "s" => Some(1000),
        "m" | "min" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    };
    milliseconds
        .zip(digits.trim().parse::<u64>().ok())
        .and_then(|(unit, number)| number.checked_mul(unit))
        // At most a century, so that sums of times do not overflow.
        .filter(|milliseconds| *milliseconds <= 36_525 * 86_400_000)
        .map(Duration::from_millis)
        .ok_or_else(|| "write a whole number and a unit, as in 500ms, 30s, 30m, 24h or 7d".to_owned())
}

/// A duration longer than 0.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    duration(text)
        .and_then(|time| if time.is_zero() { Err("write a time longer than 0".to_owned()) } else { Ok(time) })
}

pub(super) fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.get(digits.len()..).unwrap_or_default();
    let bytes = match unit {
        "" | "B" => Some(1),
        "kB" | "KB" => Some(1000),
        "MB" => Some(1_000_000),
        "GB" => Some(1_000_000_000),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1_u64 << 30),
        _ => None,
    };
    bytes
        .zip(digits.trim().parse::<u64>().ok())
        .and_then(|(unit, number)| number.checked_mul(unit))
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| "write a whole number from 1 and a unit, as in 500KiB, 10MB or 64MiB".to_owned())
}

/// The maximum of task sheets in a workbook. Excel opens more, but too slowly for a reader.
pub(super) fn sheets(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse().ok().filter(|number: &NonZeroUsize| number.get() <= 10_000);
    number.ok_or_else(|| "write a whole number from 1 to 10000".to_owned())
}

/// A journal; an empty text means the newest one.
#[expect(clippy::unnecessary_wraps, reason = "clap's parsers return a result")]
pub(super) fn previous(text: &str) -> Result<PreviousArg, String> {
    Ok(if text.is_empty() { PreviousArg::Newest } else { PreviousArg::Journal(text.into()) })
}

pub(super) fn rate(text: &str) -> Result<Rate, String> {
    text.parse().map_err(|error: crate::model::RateError| error.to_string())
}

/// The run to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreviousArg {
    /// The newest finished one of the same report.
    Newest,
    /// The one of this journal.
    Journal(PathBuf),
}

/// Which older runs are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepArg {
    /// This many of the newest, the run itself included.
    Runs(NonZeroU32),
    /// Those that ended at most this many days before the run.
    Days(NonZeroU32),
}

impl fmt::Display for KeepArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runs(runs) => write!(f, "{runs}"),
            Self::Days(days) => write!(f, "{days}d"),
        }
    }
}

pub(super) fn keep(text: &str) -> Result<KeepArg, String> {
    let number = |digits: &str| digits.parse::<NonZeroU32>().ok();
    let arg = match text.strip_suffix('d') {
        Some(days) => number(days).map(KeepArg::Days),
        None => number(text).map(KeepArg::Runs),
    };
    arg.ok_or_else(|| "write a whole number from 1: of runs, as in 30, or of days, as in 90d".to_owned())
}

/// Which share of the tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShardArg {
    /// This one.
    Fixed(Shard),
    /// Of this many, the one that the environment names.
    Auto(NonZeroU32),
}

pub(super) fn shard(text: &str) -> Result<ShardArg, String> {
    let (index, of) = text.split_once('/').unwrap_or_default();
    let of = of.parse::<NonZeroU32>().ok();
    let arg = match index {
        "auto" => of.map(ShardArg::Auto),
        index => {
            index.parse().ok().zip(of).and_then(|(index, of)| Shard::new(index, of)).map(ShardArg::Fixed)
        }
    };
    arg.ok_or_else(|| "write I/N, with I from 1 to N, as in 2/4; or auto/N".to_owned())
}

/// An IP address, or localhost, and a port.
pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    numeric.parse().map_err(|_| {
        let port = text.strip_prefix(':').unwrap_or(text);
        let example = match text.parse::<IpAddr>() {
            Ok(ip) => SocketAddr::new(ip, 8080).to_string(),
            Err(_) => format!("127.0.0.1:{}", port.parse().unwrap_or(8080_u16)),
        };
        format!("an address is HOST:PORT, and HOST is an IP address or localhost; write {example}")
    })
}

pub(super) fn zone(name: &str) -> Result<Zone, String> {
    Zone::named(name)
        .map_err(|_| "no such time zone; give an IANA name, as in UTC or Asia/Shanghai".to_owned())
}

/// A whole number from 1.
pub(super) fn slots(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| FROM_ONE.to_owned())
}

/// A whole number from 1.
pub(super) fn count_of_attempts(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| FROM_ONE.to_owned())
}

pub(super) fn label_filter(text: &str) -> Result<LabelFilter, String> {
    LabelFilter::parse(text)
}

pub(super) fn column(text: &str) -> Result<ColumnChoice, String> {
    ColumnChoice::parse(text)
}

const FROM_ONE: &str = "write a whole number from 1";

pub(super) fn languages() -> OneOf<Language> {
    OneOf(|| vec![("en", Language::English), ("zh", Language::Chinese)])
}

pub(super) fn markups() -> OneOf<Markup> {
    OneOf(|| Markup::ALL.map(|markup| (markup.key(), markup)).into())
}

pub(super) fn shapes() -> OneOf<Shape> {
    OneOf(|| {
        [Shape::ResultList, Shape::Legacy, Shape::ResultListStrings].map(|shape| (shape.key(), shape)).into()
    })
}

pub(super) fn states() -> OneOf<String> {
    OneOf(|| STATES.map(|state| (state, state.to_owned())).into())
}

/// Parser of any text, for which completion offers some values.
#[derive(Debug, Clone)]
pub(super) struct Offers(Vec<&'static str>);

pub(super) fn offers(values: impl IntoIterator<Item = &'static str>) -> Offers {
    Offers(values.into_iter().collect())
}

impl TypedValueParser for Offers {
    type Value = String;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        NonEmptyStringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(|name| PossibleValue::new(*name))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shard_outside_of_its_total_is_refused() {
        let of = NonZeroU32::new(4).unwrap();
        assert_eq!(shard("4/4"), Ok(ShardArg::Fixed(Shard::new(4, of).unwrap())));
        assert_eq!(shard("auto/4"), Ok(ShardArg::Auto(of)));
        for text in ["", "/", "4", "0/4", "5/4", "1/0", "auto", "auto/0", "auto/", "-1/4", "1/4/4", "1 /4"] {
            assert!(shard(text).is_err(), "{text}");
        }
    }

    #[test]
    fn keep_takes_runs_or_days_from_1() {
        let runs = |number| NonZeroU32::new(number).unwrap();
        assert_eq!(keep("30"), Ok(KeepArg::Runs(runs(30))));
        assert_eq!(keep("90d"), Ok(KeepArg::Days(runs(90))));
        for text in ["", "0", "0d", "d", "-1", "30 d", "2w", "90D", "1.5d", "4294967296"] {
            assert!(keep(text).is_err(), "{text}");
        }
    }

    #[test]
    fn wrong_listen_address_gets_an_example_with_what_it_has() {
        assert_eq!(listen("localhost:80"), Ok("127.0.0.1:80".parse().unwrap()));
        assert_eq!(listen("[::1]:0"), Ok("[::1]:0".parse().unwrap()));
        for (text, example) in [
            ("80", "127.0.0.1:80"),
            (":80", "127.0.0.1:80"),
            ("10.0.0.7", "10.0.0.7:8080"),
            ("::1", "[::1]:8080"),
            ("localhost", "127.0.0.1:8080"),
            ("127.0.0.1:99999", "127.0.0.1:8080"),
            ("db.example:80", "127.0.0.1:8080"),
            ("", "127.0.0.1:8080"),
        ] {
            let error = listen(text).unwrap_err();
            assert!(
                error.contains("HOST:PORT") && error.ends_with(&format!("write {example}")),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn duration_or_size_without_unit_is_refused() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(7 * 86_400)));
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert_eq!(size("10MB"), Ok(10_000_000));
        for text in ["", "5", "s", "-1s", "1.5h", "99999999999999999999s", "9999999999d"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert!(sheets("1").is_ok() && sheets("10000").is_ok());
        for text in ["0", "10001", "-1", "5MB", ""] {
            assert!(sheets(text).is_err(), "{text}");
        }
        assert!(duration("0s").is_ok() && time("0s").is_err() && time("1ms").is_ok());
        for text in ["", "0B", "MB", "-1MB", "1TB", "99999999999GiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
