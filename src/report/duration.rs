//! Durations, in the reader's language.

use std::time::Duration;

use crate::model::Language;

/// As in `24 h`, `90 min` or `45 s`: in the largest unit that needs no fraction.
pub(super) fn duration_text(duration: Duration, language: Language) -> String {
    match duration.as_secs() {
        seconds if seconds % 3600 == 0 => language.fill("{0} h", &[&(seconds / 3600)]),
        seconds if seconds % 60 == 0 => language.fill("{0} min", &[&(seconds / 60)]),
        seconds => language.fill("{0} s", &[&seconds]),
    }
}

/// As in `24 h 59 min`: cut to minutes, so that an age above a limit does not look as if it were within.
pub(super) fn age_text(age: Duration, language: Language) -> String {
    let minutes = age.as_secs() / 60;
    match (minutes / 60, minutes % 60) {
        (hours @ 1.., 0) => language.fill("{0} h", &[&hours]),
        (hours @ 1.., minutes) => language.fill("{0} h {1} min", &[&hours, &minutes]),
        (0, minutes) => language.fill("{0} min", &[&minutes]),
    }
}
