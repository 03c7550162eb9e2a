//! Self-contained tokens with an expiry and a MAC: nothing is stored.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use super::refused::Refused;
use super::secrets::random;

/// Issues and verifies tokens.
pub(in crate::service) struct Tokens {
    key: [u8; 32],
    life: Duration,
    issued: AtomicU64,
}

/// The part of a token that is not its MAC: the time it expires, and its number.
const CLAIM: usize = 16;

impl Tokens {
    pub(in crate::service) fn new(life: Duration) -> Self {
        Self { key: random(), life, issued: AtomicU64::new(0) }
    }

    /// Issues a token; returns it with its expiry.
    pub(super) fn issue(&self, now: Timestamp) -> (String, Timestamp) {
        let expires = now.checked_add(self.life).unwrap_or(Timestamp::MAX);
        let number = self.issued.fetch_add(1, Ordering::Relaxed);
        let mut token = expires.as_microsecond().to_be_bytes().to_vec();
        token.extend(number.to_be_bytes());
        let mac = self.mac(&token).finalize().into_bytes();
        token.extend(mac);
        (BASE64_URL_SAFE_NO_PAD.encode(token), expires)
    }

    /// Checks that `token` was issued here and has not expired.
    pub(super) fn check(&self, token: &[u8], now: Timestamp) -> Result<(), Refused> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).map_err(|_| Refused::UnknownToken)?;
        let (claim, mac) = bytes.split_first_chunk::<CLAIM>().ok_or(Refused::UnknownToken)?;
        self.mac(claim).verify_slice(mac).map_err(|_| Refused::UnknownToken)?;
        let (expires, _number) = claim.split_first_chunk().ok_or(Refused::UnknownToken)?;
        if now.as_microsecond() < i64::from_be_bytes(*expires) { Ok(()) } else { Err(Refused::ExpiredToken) }
    }

    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    fn mac(&self, claim: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("a key of any length");
        mac.update(claim);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_valid_until_it_expires() {
        let tokens = Tokens::new(Duration::from_secs(60));
        let start: Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
        let at = |token: &str, seconds| tokens.check(token.as_bytes(), start + Duration::from_secs(seconds));
        let (token, expires) = tokens.issue(start);
        assert_eq!(expires, start + Duration::from_secs(60));
        assert_eq!(at(&token, 0), Ok(()));
        assert_eq!(at(&token, 59), Ok(()));
        assert_eq!(at(&token, 60), Err(Refused::ExpiredToken));
        assert_ne!(tokens.issue(start).0, token, "tokens are unique");
    }

    #[test]
    fn foreign_token_is_unknown() {
        let tokens = Tokens::new(Duration::from_secs(60));
        let (token, _) = tokens.issue(Timestamp::UNIX_EPOCH);
        let mut later = BASE64_URL_SAFE_NO_PAD.decode(&token).unwrap();
        later[0] = 1;
        let others = Tokens::new(Duration::from_secs(60)).issue(Timestamp::UNIX_EPOCH).0;
        let long = "x".repeat(100_000);
        for text in [&BASE64_URL_SAFE_NO_PAD.encode(later), &others, "", "AAAA", "?", &token[..40], &long] {
            let refused = tokens.check(text.as_bytes(), Timestamp::UNIX_EPOCH);
            assert_eq!(refused, Err(Refused::UnknownToken), "{text}");
        }
    }
}
