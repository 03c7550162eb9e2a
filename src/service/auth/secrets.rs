//! Secrets: how they are compared, and what they are made from.

use sha2::{Digest, Sha256};

/// Compares two secrets by their digests, so that timing reveals nothing about them.
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    Sha256::digest(one) == Sha256::digest(other)
}

/// Random bytes of the operating system.
#[expect(clippy::expect_used, reason = "the systems that are supported always have random bytes")]
pub(super) fn random<const LENGTH: usize>() -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).expect("random bytes of the operating system");
    bytes
}
