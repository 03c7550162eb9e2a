//! Numbers and texts as SSH writes them.

/// The next number; none if the bytes end before it does.
pub(super) fn take_number(rest: &mut &[u8]) -> Option<u32> {
    let (number, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    Some(u32::from_be_bytes(*number))
}

/// The next text; none if the bytes end before it does.
pub(super) fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take_number(rest)?).ok()?;
    let (text, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(text)
}

/// Appends a text; none if it is longer than the format allows.
pub(super) fn put_text(to: &mut Vec<u8>, text: &[u8]) -> Option<()> {
    to.extend(u32::try_from(text.len()).ok()?.to_be_bytes());
    to.extend(text);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_off_text_is_none() {
        for mut bytes in [&[][..], &[0, 0, 0], &[0, 0, 0, 2, 7], &[255, 255, 255, 255, 1]] {
            assert!(take_text(&mut bytes).is_none());
        }
        assert_eq!(take_text(&mut &[0, 0, 0, 1, 7, 8][..]).unwrap(), [7]);
    }

    #[test]
    fn put_text_is_taken_again() {
        let mut bytes = Vec::new();
        put_text(&mut bytes, b"key").unwrap();
        assert_eq!(take_text(&mut &bytes[..]).unwrap(), b"key");
    }
}
