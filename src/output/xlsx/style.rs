//! How cells look.

use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder};

use crate::model::Verdict;

const INK: Color = Color::RGB(0x1F_29_37);
const QUIET: Color = Color::RGB(0x6B_72_80);
const LINE: Color = Color::RGB(0xD1_D5_DB);

/// The formats of a workbook, made once.
pub(super) struct Styles {
    pub(super) title: Format,
    pub(super) lead: Format,
    pub(super) banner: Format,
    pub(super) quiet: Format,
    pub(super) label: Format,
    pub(super) plain: Format,
    pub(super) prose: Format,
    pub(super) heading: Format,
    pub(super) number_heading: Format,
    pub(super) text: Format,
    pub(super) link: Format,
    pub(super) count: Format,
    pub(super) wrong_count: Format,
    pub(super) tally: Format,
    pub(super) none: Format,
    pub(super) share: Format,
    pub(super) time: Format,
    good: Format,
    unsure: Format,
    bad: Format,
}

impl Styles {
    pub(super) fn new() -> Self {
        let plain = Format::new().set_font_color(INK);
        let cell = plain
            .clone()
            .set_align(FormatAlign::Top)
            .set_border_bottom(FormatBorder::Hair)
            .set_border_bottom_color(LINE);
        let verdict = |ink: u32, paper: u32| {
            let cell = cell.clone().set_bold().set_align(FormatAlign::Left).set_indent(1);
            cell.set_font_color(Color::RGB(ink)).set_background_color(Color::RGB(paper))
        };
        let heading = Format::new()
            .set_bold()
            .set_font_color(Color::White)
            .set_background_color(Color::RGB(0x33_41_55))
            .set_text_wrap()
            .set_align(FormatAlign::VerticalCenter);
        Self {
            title: plain.clone().set_bold().set_font_size(16),
            lead: plain.clone().set_bold().set_font_size(12),
            banner: Format::new()
                .set_bold()
                .set_font_size(12)
                .set_font_color(Color::RGB(0x9A_34_12))
                .set_background_color(Color::RGB(0xFF_ED_D5)),
            quiet: Format::new().set_font_color(QUIET),
            label: plain.clone().set_bold().set_align(FormatAlign::Top),
            prose: plain.clone().set_text_wrap().set_align(FormatAlign::Top),
            number_heading: heading.clone().set_align(FormatAlign::Right),
            heading: heading.set_indent(1),
            text: cell.clone().set_align(FormatAlign::Left).set_indent(1),
            link: cell
                .clone()
                .set_align(FormatAlign::Left)
                .set_indent(1)
                .set_font_color(Color::RGB(0x1D_4E_D8))
                .set_underline(rust_xlsxwriter::FormatUnderline::Single),
            count: cell.clone().set_num_format("#,##0"),
            wrong_count: verdict(0x99_1B_1B, 0xFE_E2_E2)
                .set_align(FormatAlign::Right)
                .set_indent(0)
                .set_num_format("#,##0"),
            tally: plain
                .clone()
                .set_bold()
                .set_font_size(14)
                .set_align(FormatAlign::Left)
                .set_indent(1)
                .set_num_format("0"),
            none: cell.clone().set_font_color(QUIET).set_align(FormatAlign::Left).set_indent(1),
            share: cell.clone().set_num_format("0.00%"),
            time: cell
                .clone()
                .set_num_format("yyyy-mm-dd hh:mm:ss")
                .set_align(FormatAlign::Left)
                .set_indent(1),
            good: verdict(0x16_65_34, 0xDC_FC_E7),
            unsure: verdict(0x92_40_0E, 0xFE_F3_C7),
            bad: verdict(0x99_1B_1B, 0xFE_E2_E2),
            plain,
        }
    }

    /// The verdict's look: green passes, amber lacks evidence, red has evidence against or none at all.
    pub(super) fn verdict(&self, verdict: Verdict) -> &Format {
        match verdict {
            Verdict::Consistent | Verdict::Accepted => &self.good,
            Verdict::Stale | Verdict::NotVerified => &self.unsure,
            Verdict::FetchFailed | Verdict::Unreadable | Verdict::CheckFailed | Verdict::Inconsistent => {
                &self.bad
            }
        }
    }
}
