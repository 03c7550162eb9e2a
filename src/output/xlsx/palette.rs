//! The colours of verdicts and statuses. Bad ones are dark and good ones light, so that they differ on a printout
//! without colour too; text has a contrast of at least 4.5 to what it stands on.

use crate::model::Verdict;
use crate::report::Status;

/// Dark text, text of less weight, and headings.
pub(super) const INK: u32 = 0x11_18_27;
pub(super) const QUIET: u32 = 0x4B_55_63;
/// Numbers of verdicts that no task has.
pub(super) const ZERO: u32 = 0x6B_72_80;
pub(super) const HEADING: u32 = 0x1F_3A_5F;
/// Behind the headings of small tables.
pub(super) const BAND: u32 = 0xE8_ED_F3;
pub(super) const LINE: u32 = 0xD1_D5_DB;
pub(super) const LINK: u32 = 0x0B_4F_9E;
/// Bars of shares.
pub(super) const BAR: u32 = 0x4F_6D_94;
/// What is wrong among numbers.
pub(super) const WRONG: u32 = 0x9B_1C_1C;
/// What is said about sample data.
pub(super) const SAMPLE: Paint = Paint { symbol: "", fill: 0xFF_E3_9A, ink: 0x3A_24_00 };

/// A symbol, and the colours of a cell and of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paint {
    pub(super) symbol: &'static str,
    pub(super) fill: u32,
    pub(super) ink: u32,
}

const WHITE: u32 = 0xFF_FF_FF;
const DARK_GREEN: u32 = 0x0B_3D_24;
const DARK_BLUE: u32 = 0x0B_2E_4F;
const DARK_BROWN: u32 = 0x1F_14_00;
/// Sample data is never green.
const SAMPLE_GOOD: Paint = Paint { symbol: "✓", fill: 0xE5_E7_EB, ink: INK };

pub(super) const fn verdict(verdict: Verdict, is_sample: bool) -> Paint {
    let (symbol, fill, ink) = match verdict {
        Verdict::FetchFailed => ("○", 0x33_37_3D, WHITE),
        Verdict::Unreadable => ("○", 0x5C_64_70, WHITE),
        Verdict::NotVerified => ("○", 0x6A_4C_93, WHITE),
        Verdict::CheckFailed => ("×", 0x7A_12_12, WHITE),
        Verdict::Inconsistent => ("×", 0xB3_26_1E, WHITE),
        Verdict::Stale => ("▲", 0xDE_8A_1E, DARK_BROWN),
        Verdict::Inconclusive => ("▲", 0xF6_CC_5A, DARK_BROWN),
        Verdict::Accepted => ("✓", 0xB9_D7_F0, DARK_BLUE),
        Verdict::Consistent if is_sample => return SAMPLE_GOOD,
        Verdict::Consistent => ("✓", 0xCD_EB_D6, DARK_GREEN),
    };
    Paint { symbol, fill, ink }
}

pub(super) const fn status(status: Status, is_sample: bool) -> Paint {
    let (symbol, fill, ink) = match status {
        Status::Incomplete => ("○", 0x33_37_3D, WHITE),
        Status::NotReady => ("×", 0x9B_1C_1C, WHITE),
        Status::ReadyWithWaivers | Status::Ready if is_sample => return SAMPLE_GOOD,
        Status::ReadyWithWaivers => ("✓", 0xCF_E3_F7, DARK_BLUE),
        Status::Ready => ("✓", 0xBF_E8_CF, DARK_GREEN),
    };
    Paint { symbol, fill, ink }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(color: u32) -> f64 {
        let channel = |shift: u32| {
            let part = f64::from(color >> shift & 0xFF) / 255.0;
            if part <= 0.039_28 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(16) + 0.7152 * channel(8) + 0.0722 * channel(0)
    }

    fn contrast(paint: Paint) -> f64 {
        let [one, other] = [luminance(paint.fill), luminance(paint.ink)];
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    fn is_green(color: u32) -> bool {
        let [red, green, blue] = [16, 8, 0].map(|shift| color >> shift & 0xFF);
        green > red + 8 && green > blue + 8
    }

    #[test]
    fn every_text_can_be_read_and_sample_data_is_never_green() {
        for is_sample in [false, true] {
            let verdicts = Verdict::ALL.map(|each| verdict(each, is_sample));
            let statuses = Status::ALL.map(|each| status(each, is_sample));
            for paint in verdicts.into_iter().chain(statuses).chain([SAMPLE]) {
                assert!(contrast(paint) >= 4.5, "{paint:?}");
                assert!(!is_sample || !is_green(paint.fill) && !is_green(paint.ink), "{paint:?}");
            }
        }
        assert!(is_green(verdict(Verdict::Consistent, false).fill));
        for ink in [INK, QUIET, ZERO, HEADING, LINK, WRONG] {
            assert!(contrast(Paint { symbol: "", fill: WHITE, ink }) >= 4.5, "{ink:x}");
        }
    }

    #[test]
    fn every_task_that_does_not_pass_is_darker_than_those_that_pass() {
        let of = |passes: bool| {
            Verdict::ALL
                .into_iter()
                .filter(move |each| each.passes() == passes)
                .map(|each| luminance(verdict(each, false).fill))
        };
        let lightest_bad = of(false).fold(0.0, f64::max);
        assert!(of(true).all(|good| good > lightest_bad - 0.02), "inconclusive is amber and light");
    }
}
