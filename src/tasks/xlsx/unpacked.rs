//! The size of a workbook once it is unpacked, before anything of it is read.

use std::io::{Cursor, Read, copy, sink};

/// Bytes that one part of a workbook may unpack to. A worksheet of 100,000 rows and 20 columns has about 90 MB.
const MAX_PART: u64 = 128 * 1024 * 1024;
/// Bytes that all parts together may unpack to.
const MAX_TOTAL: u64 = 1024 * 1024 * 1024;

/// Unpacks every part and throws it away: a part may be larger than the archive says.
///
/// # Errors
/// Which part is too large. A file that is no archive passes; its reader says what is wrong.
pub(super) fn check(content: &[u8]) -> Result<(), String> {
    check_within(content, MAX_PART, MAX_TOTAL)
}

fn check_within(content: &[u8], max_part: u64, max_total: u64) -> Result<(), String> {
    let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(content)) else { return Ok(()) };
    let mut left = max_total;
    for index in 0..archive.len() {
        let Ok(part) = archive.by_index(index) else { continue };
        let name = part.name().map(|name| name.into_owned()).unwrap_or_default();
        let limit = max_part.min(left);
        let mut size = part.size();
        if size <= limit {
            // An error in the middle of a part is for the reader to report.
            let mut counted = Counter { part: part.take(limit + 1), bytes: 0 };
            let _ = copy(&mut counted, &mut sink());
            size = counted.bytes;
        }
        match left.checked_sub(size) {
            Some(rest) if size <= max_part => left = rest,
            _ => {
                let megabytes = limit / (1024 * 1024);
                return Err(format!(
                    "unpacks to too much data (`{name}` to more than {megabytes} MiB); save the sheet with the list \
                     in a workbook of its own, or as CSV"
                ));
            }
        }
    }
    Ok(())
}

/// Counts the bytes that are read, also of a part whose end is damaged.
struct Counter<R> {
    part: R,
    bytes: u64,
}

impl<R: Read> Read for Counter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.part.read(buffer)?;
        self.bytes = self.bytes.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::write::{SimpleFileOptions, ZipWriter};

    fn archive(parts: &[usize]) -> Vec<u8> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for (index, size) in parts.iter().enumerate() {
            archive.start_file(format!("part{index}"), SimpleFileOptions::default()).unwrap();
            archive.write_all(&vec![b' '; *size]).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    #[test]
    fn parts_within_the_limits_pass() {
        assert_eq!(check_within(&archive(&[1000, 1000]), 1000, 2000), Ok(()));
        assert_eq!(check_within(b"no archive", 1, 1), Ok(()));
    }

    #[test]
    fn part_over_its_limit_is_refused() {
        assert!(check_within(&archive(&[10, 1001]), 1000, 5000).unwrap_err().contains("`part1`"));
    }

    #[test]
    fn many_parts_over_the_total_are_refused() {
        assert!(check_within(&archive(&[1000; 9]), 1000, 5000).unwrap_err().contains("`part5`"));
    }

    #[test]
    fn part_larger_than_it_says_is_never_read_further_than_it_says() {
        let mut bytes = archive(&[5000]);
        let size = 5000_u32.to_le_bytes();
        let positions: Vec<usize> =
            bytes.windows(4).enumerate().filter(|(_, window)| *window == size).map(|(at, _)| at).collect();
        assert!(!positions.is_empty());
        for at in positions {
            bytes[at..at + 4].copy_from_slice(&10_u32.to_le_bytes());
        }
        let mut archive = zip::ZipArchive::new(Cursor::new(&bytes[..])).unwrap();
        let mut content = Vec::new();
        let _ = archive.by_index(0).unwrap().read_to_end(&mut content);
        assert!(check_within(&bytes, 1000, 5000).is_err() || content.len() <= 1000, "{}", content.len());
    }
}
