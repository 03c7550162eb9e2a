//! How cells look.

use std::ops::Deref;

use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder, FormatUnderline};

use super::palette::{self, Paint};
use crate::model::{Language, Verdict};
use crate::report::{Change, Kind, Look};

/// The size of most text, in points.
pub(super) const FONT_SIZE: f64 = 10.0;
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
    pub(super) banner: Style,
    pub(super) quiet: Style,
    pub(super) label: Style,
    pub(super) plain: Style,
    pub(super) prose: Style,
    pub(super) text: Style,
    pub(super) wrapped: Style,
    /// An id, which has no Chinese characters.
    pub(super) id: Style,
    pub(super) wrapped_id: Style,
    pub(super) link: Style,
    pub(super) wrapped_link: Style,
    pub(super) back: Style,
    /// In smaller digits if there are too many: a number is never cut.
    pub(super) count: Style,
    pub(super) delta: Style,
    pub(super) wrong_delta: Style,
    pub(super) tally: Style,
    pub(super) none: Style,
    pub(super) share: Style,
    pub(super) time: Style,
    /// A time without its seconds.
    pub(super) minute: Style,
    /// A row of a verification that is not the newest.
    pub(super) earlier: Format,
    /// Its first row.
    pub(super) earlier_begins: Format,
    heading: Style,
    number_heading: Style,
    good: Format,
    unsure: Format,
    bad: Format,
    looks: [Style; 3],
    /// In the order of [`Verdict::ALL`].
    verdicts: [Style; 9],
    is_sample: bool,
}

/// The font of a language: Calibri has no Chinese characters.
pub(super) fn font(language: Language) -> Format {
    let format = Format::new().set_font_size(FONT_SIZE);
    match language {
        Language::English => format,
        Language::Chinese => format.set_font_name("Microsoft YaHei"),
    }
}

pub(super) fn paint(format: Format, Paint { fill, ink, .. }: Paint) -> Format {
    format.set_font_color(Color::RGB(ink)).set_background_color(Color::RGB(fill))
}

impl Styles {
    pub(super) fn new(language: Language, is_sample: bool) -> Self {
        let line = Color::RGB(palette::LINE);
        let ink = Color::RGB(palette::INK);
        let font = font(language).set_align(FormatAlign::Top);
        let plain = font.clone().set_font_color(ink);
        let cell = plain.clone().set_border_bottom(FormatBorder::Hair).set_border_bottom_color(line);
        let text = cell.clone().set_align(FormatAlign::Left);
        let heading = font
            .clone()
            .set_bold()
            .set_font_color(Color::White)
            .set_background_color(Color::RGB(palette::HEADING))
            .set_text_wrap()
            .set_align(FormatAlign::VerticalCenter);
        let link =
            plain.clone().set_font_color(Color::RGB(palette::LINK)).set_underline(FormatUnderline::Single);
        let quiet = font.clone().set_font_color(Color::RGB(palette::QUIET));
        let good_paint = palette::verdict(Verdict::Consistent, is_sample);
        let good = |format: Format| paint(format, good_paint);
        let unsure = |format: Format| paint(format, palette::verdict(Verdict::Inconclusive, is_sample));
        let bad = |format: Format| {
            format
                .set_font_color(Color::RGB(palette::WRONG))
                .set_background_color(Color::RGB(0xFE_E2_E2))
                .set_bold()
        };
        let of_verdict = |verdict: Verdict| {
            let paint_of = palette::verdict(verdict, is_sample);
            let shown = format!("\"{} \"@", paint_of.symbol);
            paint(text.clone(), paint_of).set_bold().set_indent(1).set_num_format(shown)
        };
        let id = match language {
            Language::English => text.clone(),
            // Narrower than a font with Chinese characters.
            Language::Chinese => text.clone().set_font_name("Calibri"),
        };
        let time = |format: &str| text.clone().set_num_format(format);
        let mut of_cells = Vec::new();
        let mut style = |format: Format| {
            of_cells.push(format.clone());
            Style { place: of_cells.len() - 1, format }
        };
        Self {
            title: style(
                font.clone().set_bold().set_font_size(18).set_font_color(Color::RGB(palette::HEADING)),
            ),
            lead: style(plain.clone().set_bold().set_font_size(13)),
            banner: style(paint(
                font.clone().set_bold().set_font_size(11).set_align(FormatAlign::VerticalCenter),
                palette::SAMPLE,
            )),
            quiet: style(quiet),
            label: style(plain.clone().set_bold()),
            prose: style(plain.clone().set_text_wrap()),
            wrapped: style(text.clone().set_text_wrap()),
            wrapped_id: style(id.clone().set_text_wrap()),
            id: style(id),
            wrapped_link: style(text.clone().merge(&link).set_text_wrap()),
            link: style(text.clone().merge(&link)),
            back: style(link),
            count: style(cell.clone().set_num_format("#,##0_0").set_shrink()),
            delta: style(cell.clone().set_num_format(DELTA).set_shrink()),
            wrong_delta: style(bad(cell.clone()).set_num_format(DELTA).set_shrink()),
            tally: style(plain.clone().set_bold().set_align(FormatAlign::Left).set_num_format("#,##0")),
            none: style(cell.clone().set_font_color(Color::RGB(palette::QUIET)).set_align(FormatAlign::Left)),
            share: style(cell.set_num_format("0.00%")),
            time: style(time("yyyy-mm-dd hh:mm:ss")),
            minute: style(time("yyyy-mm-dd hh:mm")),
            earlier: Format::new().set_font_color(Color::RGB(palette::QUIET)),
            earlier_begins: Format::new()
                .set_font_color(Color::RGB(palette::QUIET))
                .set_border_top(FormatBorder::Thin)
                .set_border_top_color(Color::RGB(palette::HEADING)),
            number_heading: style(heading.clone().set_align(FormatAlign::Right).set_num_format("@_0")),
            heading: style(heading),
            good: good(Format::new()),
            unsure: unsure(Format::new()),
            bad: bad(Format::new()),
            looks: [good(text.clone()), unsure(text.clone()), bad(text.clone())].map(&mut style),
            verdicts: Verdict::ALL.map(of_verdict).map(&mut style),
            text: style(text),
            plain: style(plain),
            of_cells,
            is_sample,
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

    /// A verdict: its own colours, and its symbol before the text.
    pub(super) fn verdict(&self, verdict: Verdict) -> &Style {
        let place = Verdict::ALL.iter().position(|other| *other == verdict);
        place.and_then(|place| self.verdicts.get(place)).unwrap_or(&self.text)
    }

    /// The colour of the tab of a sheet with this verdict.
    pub(super) fn tab(&self, verdict: Verdict) -> Color {
        Color::RGB(palette::verdict(verdict, self.is_sample).fill)
    }

    pub(super) fn heading(&self, kind: Kind) -> &Style {
        if kind == Kind::Number { &self.number_heading } else { &self.heading }
    }

    /// A change's look: red got worse, amber has no evidence any more, green passes again.
    pub(super) fn change(&self, change: Change) -> &Style {
        let [good, unsure, bad] = &self.looks;
        match change {
            Change::Worse => bad,
            Change::Gone => unsure,
            Change::Fixed => good,
            Change::New | Change::Better => &self.text,
            Change::Same => &self.none,
        }
    }
}
