//! The text of a list, and the numbers of its lines.

/// The content as UTF-8 without a byte-order mark.
pub(super) fn text(content: &[u8]) -> Result<&str, (u64, String)> {
    match std::str::from_utf8(content) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let before = content.get(..error.valid_up_to()).unwrap_or_default();
            Err((line_at(before), "is not UTF-8; save the list as UTF-8 (in Excel: CSV UTF-8)".to_owned()))
        }
    }
}

/// The line, from 1, on which the text after `before` begins.
fn line_at(before: &[u8]) -> u64 {
    line_breaks(before) + 1
}

/// The number of line breaks in a text: LF, CR LF, or CR alone.
pub(super) fn line_breaks(text: &[u8]) -> u64 {
    let mut breaks = 0;
    let mut previous = 0;
    for byte in text {
        breaks += u64::from(*byte == b'\r' || (*byte == b'\n' && previous != b'\r'));
        previous = *byte;
    }
    breaks
}
