//! Times as serial numbers of worksheets.

use jiff::Timestamp;

use crate::report::Zone;

/// Excel's serial number of a time on the clock of `zone`: days since 1899-12-30.
pub(super) fn serial_number(time: Timestamp, zone: &Zone) -> f64 {
    const UNIX_EPOCH_DAY: f64 = 25_569.0;
    let local = zone.local(time);
    let milliseconds = time.as_millisecond() + i64::from(local.offset().seconds()) * 1000;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds to the year 9999 fit")]
    let days = milliseconds as f64 / 86_400_000.0;
    UNIX_EPOCH_DAY + days
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_serial_numbers_on_the_zones_clock() {
        let time: Timestamp = "2026-11-21T01:30:00Z".parse().unwrap();
        let serial = |zone| serial_number(time, &Zone::named(zone).unwrap());
        assert!((serial("UTC") - 46347.0625).abs() < 1e-9);
        assert!((serial("Asia/Shanghai") - 46347.0625 - 8.0 / 24.0).abs() < 1e-9);
    }
}
