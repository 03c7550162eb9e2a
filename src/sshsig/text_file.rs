//! Reads small text files: keys and lists of signers.

use std::io;
use std::path::Path;

/// The largest key, signature or list of signers that is read, in bytes.
const MAX_SIZE: u64 = 1 << 20;

/// The text of a small file.
pub(super) fn read(path: &Path) -> io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_SIZE).read_to_string(&mut text)?;
    Ok(text)
}
