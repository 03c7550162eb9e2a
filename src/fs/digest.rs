//! The SHA-256 and size of files.

use std::io::{self, Write};

use sha2::{Digest, Sha256};

/// Computes the SHA-256 and the size of what is written to it.
#[derive(Debug, Clone, Default)]
pub struct Fingerprint {
    digest: Sha256,
    size: u64,
}

impl Fingerprint {
    /// The size in bytes so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The SHA-256, and the size in bytes.
    pub fn finish(self) -> ([u8; 32], u64) {
        (self.digest.finalize().into(), self.size)
    }
}

impl Write for Fingerprint {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.digest.update(bytes);
        self.size += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_in_pieces_equals_that_of_the_whole() {
        let mut fingerprint = Fingerprint::default();
        fingerprint.write_all(b"a").unwrap();
        fingerprint.write_all(b"bc").unwrap();
        let (sha256, size) = fingerprint.finish();
        assert_eq!(hex::encode(sha256), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(size, 3);
    }
}
