//! Reads small text files: keys and lists of signers.

use std::io;
use std::path::Path;

use ssh_key::PublicKey;
use ssh_key::public::KeyData;

/// The largest key, signature or list of signers that is read, in bytes.
const MAX_SIZE: u64 = 1 << 20;

/// The text of a small file.
pub(super) fn read(path: &Path) -> io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_SIZE).read_to_string(&mut text)?;
    Ok(text)
}

/// The key of a line as in `id_ed25519.pub`.
pub(super) fn public_key(text: &str) -> Result<KeyData, String> {
    let key = PublicKey::from_openssh(text).ok().filter(|key| is_exact(key, text));
    let key = key.ok_or_else(|| "it has no public key that can be read".to_owned())?;
    Ok(key.key_data().clone())
}

/// Whether OpenSSH writes the key in the same way: ssh-key passes over wrong lengths in it, which OpenSSH refuses.
fn is_exact(key: &PublicKey, text: &str) -> bool {
    let encoded = |line: &str| line.split_whitespace().nth(1).map(str::to_owned);
    key.to_openssh().is_ok_and(|line| encoded(&line) == encoded(text))
}
