//! Reads moments that a user writes: RFC 3339, a local time, or either with a time zone in brackets.

use jiff::Timestamp;
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};

use super::zone::Zone;

impl Zone {
    /// The moment that `text` names. A time without offset and zone is local in this zone; a zone in brackets, as
    /// in `2026-11-21T08:00[Asia/Shanghai]`, counts instead. A local time that comes twice means the later.
    ///
    /// # Errors
    /// What is wrong: no time, an unknown zone, a local time that does not exist, or an offset that the zone does
    /// not have then.
    pub fn moment(&self, text: &str) -> Result<Timestamp, String> {
        let format = || {
            "write a time, as in 2026-11-21T08:00:00Z, 2026-11-21T08:00 or 2026-11-21T08:00[Asia/Shanghai]"
                .to_owned()
        };
        let pieces = Pieces::parse(text).map_err(|_| format())?;
        // `Z` beside a zone says that the offset is not known, but the moment is.
        let offset = match pieces.offset() {
            Some(PiecesOffset::Zulu) => Some(jiff::tz::Offset::UTC),
            offset => offset.map(|offset| offset.to_numeric_offset()),
        };
        let is_utc = matches!(pieces.offset(), Some(PiecesOffset::Zulu));
        let local = pieces.date().to_datetime(pieces.time().unwrap_or_default());
        let annotated = pieces.to_time_zone_with(&TimeZoneDatabase::bundled()).map_err(|_| {
            "no such time zone in the brackets; give an IANA name, as in [Asia/Shanghai]".to_owned()
        })?;
        let beyond = |_| "the time is out of range".to_owned();
        match (offset, annotated) {
            (Some(_), _) if pieces.time().is_none() => Err(format()),
            (Some(offset), None) => offset.to_timestamp(local).map_err(beyond),
            (Some(offset), Some(_)) if is_utc => offset.to_timestamp(local).map_err(beyond),
            (Some(offset), Some(zone)) => {
                let time = offset.to_timestamp(local).map_err(beyond)?;
                if zone.to_offset(time) == offset {
                    Ok(time)
                } else {
                    Err(format!(
                        "the time zone in the brackets does not have the offset {offset} at that time"
                    ))
                }
            }
            (None, zone) => {
                let named = zone.as_ref().and_then(TimeZone::iana_name).unwrap_or("the zone in the brackets");
                let (zone, name) = match &zone {
                    Some(zone) => (zone, named),
                    None => (&self.zone, self.name()),
                };
                match zone.to_ambiguous_timestamp(local).offset() {
                    AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).map_err(beyond),
                    AmbiguousOffset::Fold { after, .. } => after.to_timestamp(local).map_err(beyond),
                    AmbiguousOffset::Gap { .. } => Err(format!(
                        "this local time does not exist in {name}, because clocks are set forward then"
                    )),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(zone: &str, text: &str) -> Result<String, String> {
        Zone::named(zone).unwrap().moment(text).map(|time| time.to_string())
    }

    #[test]
    fn moment_is_read_in_its_own_zone_before_that_of_the_reader() {
        for (zone, text, expected) in [
            ("Pacific/Kiritimati", "2026-11-20T21:00[Asia/Shanghai]", "2026-11-20T13:00:00Z"),
            ("Pacific/Kiritimati", "2026-11-20T21:00[!Asia/Shanghai]", "2026-11-20T13:00:00Z"),
            ("Pacific/Kiritimati", "2026-11-20T21:00+08:00[Asia/Shanghai]", "2026-11-20T13:00:00Z"),
            ("Pacific/Kiritimati", "2026-11-20T21:00Z[Asia/Shanghai]", "2026-11-20T21:00:00Z"),
            ("Pacific/Kiritimati", "2026-11-20T21:00[+08:00]", "2026-11-20T13:00:00Z"),
            ("Asia/Shanghai", "2026-11-20T21:00", "2026-11-20T13:00:00Z"),
            ("Asia/Shanghai", "2026-11-20 21:00:30.5", "2026-11-20T13:00:30.5Z"),
            ("Asia/Shanghai", "2026-11-20", "2026-11-19T16:00:00Z"),
            ("Asia/Shanghai", "2026-11-20T21:00:00Z", "2026-11-20T21:00:00Z"),
            ("Asia/Shanghai", "2026-11-20T21:00:00-05:00", "2026-11-21T02:00:00Z"),
            // The clock is set back from 3:00 to 2:00: the later 2:30 is in winter time.
            ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T01:30:00Z"),
            ("UTC", "2026-10-25T02:30[Europe/Berlin]", "2026-10-25T01:30:00Z"),
            ("UTC", "2026-10-25T02:30+02:00[Europe/Berlin]", "2026-10-25T00:30:00Z"),
            ("UTC", "2026-10-25T02:30+01:00[Europe/Berlin]", "2026-10-25T01:30:00Z"),
        ] {
            assert_eq!(moment(zone, text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn moment_that_does_not_exist_is_an_error_that_says_why() {
        for (zone, text, expected) in [
            ("Europe/Berlin", "2026-03-29T02:30", "local time does not exist in Europe/Berlin"),
            ("UTC", "2026-03-29T02:30[Europe/Berlin]", "local time does not exist in Europe/Berlin"),
            ("UTC", "2026-03-29T02:30+01:00[Europe/Berlin]", "does not have the offset +01"),
            ("Pacific/Apia", "2011-12-30", "local time does not exist in Pacific/Apia"),
            ("UTC", "2026-11-20T21:00+09:00[Asia/Shanghai]", "does not have the offset +09"),
            ("UTC", "2026-11-20T21:00[Asia/Shangai]", "no such time zone"),
            ("UTC", "2026-11-20T21:00[]", "write a time"),
            ("UTC", "2026-11-20T21:00[Asia/Shanghai", "write a time"),
            ("UTC", "2026-11-20T25:00", "write a time"),
            ("UTC", "2026-02-30", "write a time"),
            ("UTC", "yesterday", "write a time"),
            ("UTC", "", "write a time"),
        ] {
            let error = moment(zone, text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
