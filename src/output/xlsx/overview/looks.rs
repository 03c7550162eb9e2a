//! How the cells of the Overview look.

use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder, FormatUnderline};

use crate::model::{Language, Verdict};
use crate::output::xlsx::palette::{self, Paint};
use crate::output::xlsx::style::{font, paint};

/// The formats of a page.
pub(super) struct Looks {
    language: Language,
    is_sample: bool,
}

impl Looks {
    pub(super) const fn new(language: Language, is_sample: bool) -> Self {
        Self { language, is_sample }
    }

    /// Text of the usual size.
    pub(super) fn text(&self) -> Format {
        font(self.language).set_font_color(Color::RGB(palette::INK)).set_align(FormatAlign::VerticalCenter)
    }

    pub(super) fn quiet(&self) -> Format {
        self.text().set_font_color(Color::RGB(palette::QUIET))
    }

    pub(super) fn prose(&self) -> Format {
        self.text().set_text_wrap().set_align(FormatAlign::Top).set_align(FormatAlign::Left)
    }

    pub(super) fn label(&self) -> Format {
        self.text().set_bold()
    }

    pub(super) fn title(&self) -> Format {
        self.heading_ink().set_font_size(20)
    }

    pub(super) fn section(&self) -> Format {
        self.heading_ink().set_font_size(12)
    }

    /// A heading of the usual size.
    pub(super) fn heading_ink(&self) -> Format {
        self.label().set_font_color(Color::RGB(palette::HEADING))
    }

    /// The heading of a column.
    pub(super) fn column(&self) -> Format {
        self.label()
            .set_background_color(Color::RGB(palette::BAND))
            .set_border_top(FormatBorder::Medium)
            .set_border_top_color(Color::RGB(palette::HEADING))
    }

    /// A cell of a table.
    pub(super) fn cell(&self) -> Format {
        underlined(self.text())
    }

    /// A cell with some room before its text.
    pub(super) fn indented(&self) -> Format {
        self.cell().set_align(FormatAlign::Left).set_indent(1)
    }

    pub(super) fn link(&self) -> Format {
        self.cell().set_font_color(Color::RGB(palette::LINK)).set_underline(FormatUnderline::Single)
    }

    pub(super) fn verdict(&self, verdict: Verdict) -> Format {
        let of_verdict = palette::verdict(verdict, self.is_sample);
        paint(self.cell(), of_verdict)
            .set_bold()
            .set_align(FormatAlign::Left)
            .set_indent(1)
            .set_num_format(format!("\"{} \"@", of_verdict.symbol))
    }

    /// A line of the banner; the symbol comes before its first.
    pub(super) fn banner(&self, of_status: Paint, size: f64) -> Format {
        paint(self.text(), of_status)
            .set_font_size(size)
            .set_text_wrap()
            .set_align(FormatAlign::Left)
            .set_indent(1)
    }

    pub(super) fn strip(&self) -> Format {
        self.banner(palette::SAMPLE, 11.0).set_bold().set_border(FormatBorder::Thin)
    }

    /// The number of tasks with a verdict, and below it the verdict.
    pub(super) fn tile(&self, verdict: Verdict, count: usize) -> [Format; 2] {
        let centre = self.text().set_align(FormatAlign::Center);
        let [number, label] = if count == 0 {
            let zero = centre.set_font_color(Color::RGB(palette::ZERO));
            [zero.clone(), zero].map(|format| framed(format, palette::LINE))
        } else {
            let of_verdict = palette::verdict(verdict, self.is_sample);
            let filled = framed(paint(centre, of_verdict).set_bold(), 0xFF_FF_FF);
            let symbol = of_verdict.symbol;
            [filled.clone().set_num_format(format!("\"{symbol} \"#,##0")), filled]
        };
        [
            number.set_font_size(16).set_border_bottom(FormatBorder::None),
            label.set_border_top(FormatBorder::None),
        ]
    }

    /// A cell that people write into.
    pub(super) fn input(&self) -> Format {
        self.text().set_unlocked().set_text_wrap().set_align(FormatAlign::Left)
    }

    /// A line to write on.
    pub(super) fn open_line(&self) -> Format {
        self.input().set_border_bottom(FormatBorder::Thin).set_border_bottom_color(Color::RGB(palette::INK))
    }

    /// A box to tick.
    pub(super) fn tick(&self) -> Format {
        framed(self.input().set_bold().set_font_size(12).set_text_wrap().set_indent(1), palette::INK)
    }

    /// A cell of the table of signatures.
    pub(super) fn signature(&self) -> Format {
        framed(self.input(), palette::ZERO)
    }
}

fn underlined(format: Format) -> Format {
    format.set_border_bottom(FormatBorder::Thin).set_border_bottom_color(Color::RGB(palette::LINE))
}

fn framed(format: Format, color: u32) -> Format {
    format.set_border(FormatBorder::Thin).set_border_color(Color::RGB(color))
}
