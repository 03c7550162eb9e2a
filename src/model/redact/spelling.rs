//! Decodes escapes of JSON, URLs, XML and HTML.

/// Maximum digits of a character reference.
const MAX_DIGITS: usize = 8;
/// Named references, for the characters of secrets besides letters and digits.
const NAMES: [(&[u8], u8); 31] = [
    (b"amp", b'&'),
    (b"lt", b'<'),
    (b"gt", b'>'),
    (b"quot", b'"'),
    (b"apos", b'\''),
    (b"equals", b'='),
    (b"plus", b'+'),
    (b"sol", b'/'),
    (b"bsol", b'\\'),
    (b"percnt", b'%'),
    (b"colon", b':'),
    (b"semi", b';'),
    (b"lowbar", b'_'),
    (b"period", b'.'),
    (b"comma", b','),
    (b"num", b'#'),
    (b"dollar", b'$'),
    (b"excl", b'!'),
    (b"quest", b'?'),
    (b"commat", b'@'),
    (b"ast", b'*'),
    (b"lpar", b'('),
    (b"rpar", b')'),
    (b"lsqb", b'['),
    (b"lbrack", b'['),
    (b"rsqb", b']'),
    (b"rbrack", b']'),
    (b"lcub", b'{'),
    (b"rcub", b'}'),
    (b"grave", b'`'),
    (b"Hat", b'^'),
];

/// The bytes that an escape can start with. Zero is half a UTF-16 character.
pub(super) const INTRODUCERS: [u8; 4] = [b'\\', b'%', b'&', 0];

/// Whether an escape can start with `byte`.
pub(super) fn is_introducer(byte: u8) -> bool {
    INTRODUCERS.contains(&byte)
}

/// A decoded byte or character.
#[derive(Clone, Copy)]
pub(super) struct Unit {
    bytes: [u8; 4],
    length: usize,
    /// The end of its encoding in the text.
    pub(super) end: usize,
}

impl Unit {
    fn of_byte(byte: u8, end: usize) -> Self {
        Self { bytes: [byte, 0, 0, 0], length: 1, end }
    }

    fn of_char(character: char, end: usize) -> Self {
        let mut bytes = [0; 4];
        let length = character.encode_utf8(&mut bytes).len();
        Self { bytes, length, end }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    pub(super) fn byte(&self) -> Option<u8> {
        (self.length == 1).then_some(self.bytes[0])
    }

    /// The unit at `at` after decoding `layers` times.
    pub(super) fn at(text: &[u8], mut at: usize, layers: u8) -> Option<Self> {
        let Some(below) = layers.checked_sub(1) else {
            return Some(Self::of_byte(*text.get(at)?, at + 1));
        };
        if below == 0 && text.get(at) == Some(&0) {
            at += 1;
        }
        let first = Self::at(text, at, below)?;
        let mut inner = Inner { text, at: first.end, layers: below };
        let decoded = match first.byte() {
            Some(b'\\') => inner.backslash(),
            Some(b'%') => {
                inner.hex(2).and_then(|code| Some(Self::of_byte(u8::try_from(code).ok()?, inner.at)))
            }
            Some(b'&') => inner.reference(),
            _ => None,
        };
        Some(decoded.unwrap_or(first))
    }
}

/// Reads bytes after all layers but one are decoded.
struct Inner<'a> {
    text: &'a [u8],
    at: usize,
    layers: u8,
}

impl Inner<'_> {
    fn next(&mut self) -> Option<u8> {
        let unit = Unit::at(self.text, self.at, self.layers)?;
        self.at = unit.end;
        unit.byte()
    }

    fn hex(&mut self, digits: usize) -> Option<u32> {
        (0..digits).try_fold(0, |code, _| Some(code * 16 + char::from(self.next()?).to_digit(16)?))
    }

    /// Decodes an escape after a backslash, as in JSON and similar languages.
    fn backslash(&mut self) -> Option<Unit> {
        let byte = match self.next()? {
            same @ (b'"' | b'\\' | b'/' | b'\'') => same,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'x' => u8::try_from(self.hex(2)?).ok()?,
            b'u' => {
                let high = self.hex(4)?;
                if !(0xD800..0xDC00).contains(&high) {
                    return Some(Unit::of_char(char::from_u32(high)?, self.at));
                }
                let pair = (self.next()? == b'\\' && self.next()? == b'u').then(|| self.hex(4))??;
                let code = 0x10000 + ((high - 0xD800) << 10) + pair.checked_sub(0xDC00)?;
                return Some(Unit::of_char(char::from_u32(code)?, self.at));
            }
            _ => return None,
        };
        Some(Unit::of_byte(byte, self.at))
    }

    /// What follows an ampersand in XML and HTML, whose semicolon may be missing after a number.
    fn reference(&mut self) -> Option<Unit> {
        let start = self.at;
        if self.next()? != b'#' {
            self.at = start;
            return self.named();
        }
        let mark = self.at;
        let radix = if self.next().is_some_and(|byte| byte.eq_ignore_ascii_case(&b'x')) { 16 } else { 10 };
        if radix == 10 {
            self.at = mark;
        }
        let (mut code, mut any) = (0_u32, false);
        for _ in 0..MAX_DIGITS {
            let before = self.at;
            match self.next().and_then(|byte| char::from(byte).to_digit(radix)) {
                Some(digit) => code = code.checked_mul(radix)?.checked_add(digit)?,
                None => {
                    self.at = before;
                    break;
                }
            }
            any = true;
        }
        let before = self.at;
        if self.next() != Some(b';') {
            self.at = before;
        }
        Some(Unit::of_char(char::from_u32(code).filter(|_| any)?, self.at))
    }

    fn named(&mut self) -> Option<Unit> {
        let mut name = Vec::new();
        while name.len() <= MAX_DIGITS {
            match self.next()? {
                b';' => {
                    let known = NAMES.iter().find(|(known, _)| *known == name.as_slice());
                    return known.map(|(_, byte)| Unit::of_byte(*byte, self.at));
                }
                byte => name.push(byte),
            }
        }
        None
    }
}
