//! ECDSA keys whose private number begins with zero bits: OpenSSH leaves out its zero bytes, and ssh-key 0.6 refuses
//! what is shorter than the curve. That is one key of 256, and half of those of P-521.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ssh_key::PrivateKey;

use super::wire::{put_text, take_number, take_text};

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC: &[u8] = b"openssh-key-v1\0";
/// The private part is filled up to a multiple of this length.
const BLOCK: usize = 8;

/// The key of a file; none if it is no ECDSA key without a passphrase.
pub(super) fn read(file: &str) -> Option<PrivateKey> {
    let base64: String = file.trim().strip_prefix(BEGIN)?.strip_suffix(END)?.split_whitespace().collect();
    let bytes = BASE64_STANDARD.decode(base64).ok()?;
    PrivateKey::from_bytes(&filled(&bytes)?).ok()
}

/// The same key, with the zeros.
fn filled(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let (cipher, derivation, options) = (take_text(&mut rest)?, take_text(&mut rest)?, take_text(&mut rest)?);
    let keys = take_number(&mut rest)?;
    if (cipher, keys) != (b"none", 1) {
        return None;
    }
    let public = take_text(&mut rest)?;
    let mut private = take_text(&mut rest)?;

    let checks = private.split_off(..2 * size_of::<u32>())?;
    let (algorithm, curve, point) =
        (take_text(&mut private)?, take_text(&mut private)?, take_text(&mut private)?);
    let size: usize = match curve {
        b"nistp256" => 32,
        b"nistp384" => 48,
        b"nistp521" => 66,
        _ => return None,
    };
    let number = take_text(&mut private)?;
    let zeros = vec![0; size.checked_sub(number.len())?];
    let comment = take_text(&mut private)?;

    let mut with_zeros = checks.to_vec();
    for text in [algorithm, curve, point, &[&zeros[..], number].concat(), comment] {
        put_text(&mut with_zeros, text)?;
    }
    let missing = with_zeros.len().next_multiple_of(BLOCK) - with_zeros.len();
    with_zeros.extend((1..).take(missing));

    let mut key = MAGIC.to_vec();
    for text in [cipher, derivation, options] {
        put_text(&mut key, text)?;
    }
    key.extend(keys.to_be_bytes());
    put_text(&mut key, public)?;
    put_text(&mut key, &with_zeros)?;
    Some(key)
}
