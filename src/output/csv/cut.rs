//! Cutting a CSV file between rows.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::ops::Range;

use crate::output::error::Cause;
use crate::output::parts::Limits;

/// Where the parts of a CSV file lie in it, in bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// The headings, which every part begins with.
    pub(super) headings: Range<u64>,
    /// The rows of each part; one without rows if there are none.
    pub(super) parts: Vec<Range<u64>>,
}

/// Cuts what `file` holds, so that each part is as large as the limits allow.
pub(super) fn cut(file: impl Read, limits: &Limits) -> Result<Cut, Cause> {
    let mut file = BufReader::with_capacity(1 << 16, file);
    let mut row = Vec::new();
    let headings = next_row(&mut file, &mut row)?;
    let mut parts: Vec<Range<u64>> = Vec::new();
    let mut end = headings;
    loop {
        let length = next_row(&mut file, &mut row)?;
        if length == 0 && !parts.is_empty() {
            return Ok(Cut { headings: 0..headings, parts });
        }
        limits.check(headings + length, || "a row with the headings".to_owned(), "")?;
        let next = end + length;
        match parts.last_mut() {
            Some(part) if limits.allow(headings + next - part.start) => part.end = next,
            _ => parts.push(end..next),
        }
        end = next;
    }
}

/// Reads a row and gives its length, 0 at the end. A line break between quotes does not end it.
fn next_row(file: &mut impl BufRead, row: &mut Vec<u8>) -> io::Result<u64> {
    row.clear();
    let mut quotes = 0;
    loop {
        let before = row.len();
        let read = file.read_until(b'\n', row)?;
        quotes += row.iter().skip(before).filter(|byte| **byte == b'"').count();
        if read == 0 || quotes % 2 == 0 {
            return Ok(u64::try_from(row.len()).unwrap_or(u64::MAX));
        }
    }
}

/// Copies a stretch of `file`.
pub(super) fn copy(mut file: &File, stretch: &Range<u64>, to: &mut dyn Write) -> io::Result<()> {
    file.seek(SeekFrom::Start(stretch.start))?;
    io::copy(&mut file.take(stretch.end - stretch.start), to).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limits(bytes: u64) -> Limits {
        Limits { max_bytes: Some(bytes), ..Limits::default() }
    }

    #[test]
    fn a_row_is_not_cut_though_it_has_line_breaks() {
        let text = "a,b\r\n1,\"x\r\n\"\"y\r\n\"\r\n2,z\r\n";
        let cut = |bytes| cut(text.as_bytes(), &limits(bytes));
        assert_eq!(cut(19).unwrap(), Cut { headings: 0..5, parts: vec![5..19, 19..24] });
        assert_eq!(cut(24).unwrap().parts.first(), Some(&(5..24)));
        assert!(cut(18).unwrap_err().to_string().starts_with("a row with the headings alone takes 19 bytes"));
    }

    proptest! {
        #[test]
        fn the_parts_are_the_whole(rows in prop::collection::vec("[a\",\r\n]{0,9}", 0..40), limit in 40..90_u64) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            for row in std::iter::once("headings").chain(rows.iter().map(String::as_str)) {
                writer.write_record([row, "x"]).unwrap();
            }
            let whole = writer.into_inner().unwrap();
            let Cut { headings, parts } = cut(whole.as_slice(), &limits(limit)).unwrap();
            let stretch = |range: &Range<u64>| &whole[range.start as usize..range.end as usize];
            let glued: Vec<u8> = std::iter::once(&headings).chain(&parts).flat_map(stretch).copied().collect();
            prop_assert_eq!(&glued, &whole);
            let mut read = Vec::new();
            for part in &parts {
                let text = [stretch(&headings), stretch(part)].concat();
                prop_assert!(text.len() as u64 <= limit);
                let mut reader = csv::Reader::from_reader(text.as_slice());
                read.extend(reader.records().map(|record| record.unwrap()[0].to_owned()));
            }
            prop_assert_eq!(read, rows);
        }
    }
}
