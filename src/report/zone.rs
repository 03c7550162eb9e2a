//! The zone in which times are shown.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A time zone and the name that the user gave it.
#[derive(Debug, Clone)]
pub struct Zone {
    name: String,
    pub(super) zone: TimeZone,
}

impl Zone {
    /// The zone with this IANA name, from the database built into the program.
    ///
    /// # Errors
    /// When there is no such zone.
    pub fn named(name: &str) -> Result<Self, jiff::Error> {
        let zone = jiff::tz::TimeZoneDatabase::bundled().get(name)?;
        let name = zone.iana_name().unwrap_or(name).to_owned();
        Ok(Self { name, zone })
    }

    /// The IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The time of day and date in this zone.
    pub fn local(&self, time: Timestamp) -> jiff::Zoned {
        time.to_zoned(self.zone.clone())
    }

    /// The moment at which this zone's clock shows `local`; none beyond the calendar's ends.
    pub fn timestamp(&self, local: jiff::civil::DateTime) -> Option<Timestamp> {
        local.to_zoned(self.zone.clone()).ok().map(|zoned| zoned.timestamp())
    }

    /// As in `2026-11-21T09:42:00+08:00`.
    pub fn rfc3339(&self, time: Timestamp) -> String {
        time.display_with_offset(self.zone.to_offset(time)).to_string()
    }

    /// As in `2026-11-21 09:42:00`.
    pub fn plain(&self, time: Timestamp) -> String {
        self.local(time).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }
}
