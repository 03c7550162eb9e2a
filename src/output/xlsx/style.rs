//! How cells look.

use std::ops::Deref;

use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder, FormatUnderline};

use crate::model::Verdict;
use crate::report::{Change, Kind, Look};

const INK: Color = Color::RGB(0x1F_29_37);
const QUIET: Color = Color::RGB(0x6B_72_80);
const LINE: Color = Color::RGB(0xD1_D5_DB);
/// With its sign, and nothing for none.
const DELTA: &str = "+#,##0;-#,##0;\"\"";

/// The format of a cell, and its place among those of a workbook, from 0.
pub(super) struct Style {
    format: Format,
    pub(super) place: usize,
}

impl Deref for Style {
    type Target = Format;

    fn deref(&self) -> &Format {
        &self.format
    }
}

/// The formats of a workbook, made once.
pub(super) struct Styles {
    /// Those of cells, by their places.
    pub(super) of_cells: Vec<Format>,
    pub(super) title: Style,
    pub(super) lead: Style,
    pub(super) lead_prose: Style,
    pub(super) banner: Style,
    pub(super) quiet: Style,
    /// One line, in smaller letters if it is too long.
    pub(super) quiet_line: Style,
    pub(super) quiet_prose: Style,
    pub(super) label: Style,
    pub(super) plain: Style,
    pub(super) plain_count: Style,
    pub(super) prose: Style,
    pub(super) text: Style,
    pub(super) wrapped: Style,
    pub(super) link: Style,
    pub(super) back: Style,
    /// In smaller digits if there are too many: a number is never cut.
    pub(super) count: Style,
    pub(super) delta: Style,
    pub(super) wrong_delta: Style,
    pub(super) tally: Style,
    pub(super) none: Style,
    pub(super) share: Style,
    pub(super) time: Style,
    /// A cell that people write into.
    pub(super) blank: Style,
    /// A row of a verification that is not the newest.
    pub(super) earlier: Format,
    /// Its first row.
    pub(super) earlier_begins: Format,
    heading: Style,
    number_heading: Style,
    good: Format,
    unsure: Format,
    bad: Format,
    verdicts: [Style; 3],
}

impl Styles {
    pub(super) fn new() -> Self {
        let plain = Format::new().set_font_color(INK).set_align(FormatAlign::Top);
        let cell = plain.clone().set_border_bottom(FormatBorder::Hair).set_border_bottom_color(LINE);
        let text = cell.clone().set_align(FormatAlign::Left).set_indent(1);
        let heading = Format::new()
            .set_bold()
            .set_font_color(Color::White)
            .set_background_color(Color::RGB(0x33_41_55))
            .set_text_wrap()
            .set_align(FormatAlign::VerticalCenter);
        let link =
            plain.clone().set_font_color(Color::RGB(0x1D_4E_D8)).set_underline(FormatUnderline::Single);
        let quiet = Format::new().set_font_color(QUIET).set_align(FormatAlign::Top);
        let look = |format: Format, ink: u32, paper: u32| {
            format.set_font_color(Color::RGB(ink)).set_background_color(Color::RGB(paper))
        };
        let good = |format: Format| look(format, 0x16_65_34, 0xDC_FC_E7);
        let unsure = |format: Format| look(format, 0x92_40_0E, 0xFE_F3_C7).set_italic();
        let bad = |format: Format| look(format, 0x99_1B_1B, 0xFE_E2_E2).set_bold();
        let mut of_cells = Vec::new();
        let mut style = |format: Format| {
            of_cells.push(format.clone());
            Style { place: of_cells.len() - 1, format }
        };
        Self {
            title: style(plain.clone().set_bold().set_font_size(16)),
            lead: style(plain.clone().set_bold().set_font_size(13)),
            lead_prose: style(plain.clone().set_bold().set_font_size(13).set_text_wrap()),
            banner: style(look(
                Format::new().set_bold().set_font_size(12).set_align(FormatAlign::VerticalCenter),
                0x9A_34_12,
                0xFF_ED_D5,
            )),
            quiet: style(quiet.clone()),
            quiet_line: style(quiet.clone().set_shrink()),
            quiet_prose: style(quiet.set_text_wrap()),
            label: style(plain.clone().set_bold()),
            plain_count: style(plain.clone().set_num_format("#,##0").set_align(FormatAlign::Left)),
            prose: style(plain.clone().set_text_wrap()),
            wrapped: style(text.clone().set_text_wrap()),
            link: style(text.clone().merge(&link).set_text_wrap()),
            back: style(link),
            count: style(cell.clone().set_num_format("#,##0").set_shrink()),
            delta: style(cell.clone().set_num_format(DELTA).set_shrink()),
            wrong_delta: style(bad(cell.clone()).set_num_format(DELTA).set_shrink()),
            tally: style(
                plain.clone().set_bold().set_align(FormatAlign::Left).set_indent(1).set_num_format("#,##0"),
            ),
            none: style(cell.clone().set_font_color(QUIET).set_align(FormatAlign::Left).set_indent(1)),
            share: style(cell.set_num_format("0.00%")),
            time: style(text.clone().set_num_format("yyyy-mm-dd hh:mm:ss")),
            blank: style(
                plain
                    .clone()
                    .set_unlocked()
                    .set_text_wrap()
                    .set_background_color(Color::RGB(0xFF_FB_EB))
                    .set_border(FormatBorder::Thin)
                    .set_border_color(LINE),
            ),
            earlier: Format::new().set_font_color(QUIET),
            earlier_begins: Format::new()
                .set_font_color(QUIET)
                .set_border_top(FormatBorder::Thin)
                .set_border_top_color(QUIET),
            number_heading: style(heading.clone().set_align(FormatAlign::Right)),
            heading: style(heading.set_indent(1)),
            good: good(Format::new()),
            unsure: unsure(Format::new()),
            bad: bad(Format::new()),
            verdicts: [good(text.clone()), unsure(text.clone()), bad(text.clone())].map(&mut style),
            text: style(text),
            plain: style(plain),
            of_cells,
        }
    }

    /// What a cell gets over its own format.
    pub(super) fn look(&self, look: Look) -> &Format {
        match look {
            Look::Good => &self.good,
            Look::Unsure => &self.unsure,
            Look::Bad => &self.bad,
        }
    }

    /// A verdict outside of a table: green passes, amber needs a verification, red failed.
    pub(super) fn verdict(&self, verdict: Verdict) -> &Style {
        let [good, unsure, bad] = &self.verdicts;
        match verdict {
            Verdict::Consistent | Verdict::Accepted => good,
            Verdict::Stale | Verdict::Inconclusive | Verdict::NotVerified => unsure,
            Verdict::FetchFailed | Verdict::Unreadable | Verdict::CheckFailed | Verdict::Inconsistent => bad,
        }
    }

    pub(super) fn heading(&self, kind: Kind) -> &Style {
        if kind == Kind::Number { &self.number_heading } else { &self.heading }
    }

    /// A change's look: red got worse, amber has no evidence any more, green passes again.
    pub(super) fn change(&self, change: Change) -> &Style {
        let [good, unsure, bad] = &self.verdicts;
        match change {
            Change::Worse => bad,
            Change::Gone => unsure,
            Change::Fixed => good,
            Change::New | Change::Better => &self.text,
            Change::Same => &self.none,
        }
    }
}
