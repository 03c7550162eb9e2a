//! How much room a text takes, in points, so that rows are as high as their texts need and pages hold what they
//! are planned to hold.

use crate::model::Language;

/// The advance widths of Calibri for the printable ASCII characters, in thousandths of the font size.
const ADVANCES: [u16; 95] = [
    226, 326, 401, 498, 507, 715, 682, 221, 303, 303, 498, 498, 250, 306, 252, 386, 507, 507, 507, 507, 507,
    507, 507, 507, 507, 507, 268, 268, 498, 498, 498, 463, 894, 579, 544, 533, 615, 488, 459, 631, 623, 252,
    319, 520, 420, 855, 646, 662, 517, 673, 543, 459, 487, 642, 567, 890, 519, 487, 468, 307, 386, 307, 498,
    498, 291, 479, 525, 423, 525, 498, 305, 471, 525, 229, 239, 455, 229, 799, 525, 527, 525, 525, 349, 391,
    335, 525, 452, 715, 433, 453, 395, 314, 460, 314, 498,
];
/// The width of other letters, such as Greek ones, and of wide characters, such as Chinese ones.
const LETTER: u16 = 640;
const WIDE: u16 = 1000;
/// Bold letters are wider by this factor.
const BOLD: f64 = 1.035;
/// The widest ASCII character takes this part of the font size.
const MAX_ADVANCE: f64 = 1.1;
/// Fonts with Chinese characters have ASCII characters that are wider by this factor.
const CHINESE_ASCII: f64 = 1.2;

/// A font's size in points and its weight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Font {
    size: f64,
    bold: bool,
    language: Language,
}

impl Font {
    pub(super) const fn plain(size: f64) -> Self {
        Self { size, bold: false, language: Language::English }
    }

    pub(super) const fn bold(size: f64) -> Self {
        Self { size, bold: true, language: Language::English }
    }

    /// The font that texts in this language have.
    pub(super) const fn of(self, language: Language) -> Self {
        Self { language, ..self }
    }

    /// The width of a text in one line.
    pub(super) fn width(self, text: &str) -> f64 {
        text.chars().map(|c| self.advance(c)).sum()
    }

    fn advance(self, c: char) -> f64 {
        let ascii = u32::from(c).checked_sub(32).and_then(|place| usize::try_from(place).ok());
        let thousandths = match ascii.and_then(|place| ADVANCES.get(place)) {
            Some(advance) if self.language == Language::Chinese => {
                return self.points(f64::from(*advance) * CHINESE_ASCII);
            }
            Some(advance) => *advance,
            None if is_wide(c) => WIDE,
            None => LETTER,
        };
        self.points(thousandths.into())
    }

    fn points(self, thousandths: f64) -> f64 {
        thousandths / 1000.0 * self.size * if self.bold { BOLD } else { 1.0 }
    }

    /// The lines that a text takes where a line has so much `room`. Words that are too long are broken.
    pub(super) fn lines(self, text: &str, room: f64) -> u32 {
        // Most texts are short.
        #[expect(clippy::cast_precision_loss, reason = "texts are far shorter than 2^52 bytes")]
        let most = text.len() as f64 * self.size * MAX_ADVANCE * BOLD;
        if most <= room && !text.contains('\n') {
            return 1;
        }
        let mut wrapping = Wrapping::new(self, room);
        text.chars().fold(1, |_, c| wrapping.put(c))
    }

    /// The text, or its beginning and `…`, in at most `lines` lines.
    pub(super) fn cut_end(self, text: &str, room: f64, lines: u32) -> String {
        let mut wrapping = Wrapping::new(self, room);
        let Some((beyond, _)) = text.char_indices().find(|(_, c)| wrapping.put(*c) > lines) else {
            return text.to_owned();
        };
        // The beginning that fits with its `…` is found by halving. What follows it may be long and is not read.
        let places = text.char_indices().map(|(place, _)| place);
        let ends: Vec<usize> = places.take_while(|place| *place <= beyond).collect();
        let cut = |end: &usize| format!("{}…", text.get(..*end).unwrap_or_default().trim_end());
        let fitting = ends.partition_point(|end| self.lines(&cut(end), room) <= lines);
        fitting.checked_sub(1).and_then(|place| ends.get(place)).map(cut).unwrap_or_default()
    }

    /// The text, or its ends with `…` between them, in one line: names often differ at their ends.
    pub(super) fn cut_middle(self, text: &str, room: f64) -> String {
        if self.width(text) <= room {
            return text.to_owned();
        }
        let characters: Vec<char> = text.chars().collect();
        let cut = |kept: usize| -> String {
            let (head, tail) = (kept.div_ceil(2), kept / 2);
            let head = characters.iter().take(head);
            let tail = characters.iter().skip(characters.len().saturating_sub(tail));
            head.chain(['…'].iter()).chain(tail).collect()
        };
        // The number that fits is found by halving: a name may have 32,000 characters.
        let numbers: Vec<usize> = (0..characters.len()).collect();
        let fitting = numbers.partition_point(|kept| self.width(&cut(*kept)) <= room);
        fitting.checked_sub(1).map(cut).unwrap_or_default()
    }
}

/// A text that is put into lines, character by character.
struct Wrapping {
    font: Font,
    room: f64,
    lines: u32,
    /// What the current line holds, in points: whole words, and the word that may go to the next line.
    used: f64,
    word: f64,
}

impl Wrapping {
    const fn new(font: Font, room: f64) -> Self {
        Self { font, room, lines: 1, used: 0.0, word: 0.0 }
    }

    /// Puts the next character and returns the number of lines so far.
    fn put(&mut self, c: char) -> u32 {
        if c == '\n' {
            *self = Self { lines: self.lines + 1, ..Self::new(self.font, self.room) };
            return self.lines;
        }
        let advance = self.font.advance(c);
        if c == ' ' {
            self.used += self.word + advance;
            self.word = 0.0;
            return self.lines;
        }
        if self.used + self.word + advance > self.room {
            self.lines += u32::from(self.used > 0.0 || self.word > 0.0);
            self.used = 0.0;
            if self.word + advance > self.room {
                self.word = 0.0;
            }
        }
        self.word += advance;
        if is_wide(c) || matches!(c, '-' | '/') {
            self.used += self.word;
            self.word = 0.0;
        }
        self.lines
    }
}

/// Whether a character takes a full square, as Chinese ones and emoji do.
fn is_wide(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' | '\u{1f300}'..='\u{3fffd}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FONT: Font = Font::plain(10.0);

    #[test]
    fn text_wraps_at_spaces_and_breaks_long_words() {
        let room = FONT.width("0123456789");
        for (text, lines) in [
            ("", 1),
            ("0123456789", 1),
            ("01234 6789", 1),
            ("0123456 89012", 2),
            ("01234567890123456789", 2),
            ("012345678901234567890", 3),
            ("a\nb", 2),
            ("一二三四五", 1),
            ("一二三四五六", 2),
        ] {
            assert_eq!(FONT.lines(text, room), lines, "{text}");
        }
    }

    #[test]
    fn long_name_is_cut_in_the_middle() {
        let room = FONT.width("web-production-01");
        assert_eq!(FONT.cut_middle("web-production-01", room), "web-production-01");
        let cut = FONT.cut_middle("web-production-with-a-long-name-01", room);
        assert!(cut.starts_with("web-") && cut.ends_with("-01") && cut.contains('…'), "{cut}");
    }

    #[test]
    fn text_is_cut_at_its_end_and_says_so() {
        let room = FONT.width("0123456789");
        assert_eq!(FONT.cut_end("0123456789", room, 1), "0123456789");
        assert_eq!(FONT.cut_end("one\n\n", room, 1), "one…");
        let long = FONT.cut_end(&"0123456789".repeat(100_000), room, 2);
        assert!(long.starts_with("0123456789") && long.ends_with('…') && long.len() < 30, "{long}");
    }

    proptest! {
        #[test]
        fn cut_text_fits(text in "\\PC{0,120}", room in 30.0..200.0_f64, lines in 1_u32..4) {
            prop_assert!(FONT.lines(&FONT.cut_end(&text, room, lines), room) <= lines);
            prop_assert!(FONT.width(&FONT.cut_middle(&text, room)) <= room);
        }
    }
}
