//! Lists of revoked public keys, as `ssh-keygen -Y verify -r` reads them.

use std::io::Read as _;
use std::path::Path;

use ssh_key::public::KeyData;

use super::error::RevokedError;
use super::text_file::public_key;

/// The largest list that is read, in bytes.
const MAX_SIZE: u64 = 16 << 20;

/// Keys whose signatures prove nothing.
#[derive(Debug, Default)]
pub struct RevokedKeys(Vec<KeyData>);

impl RevokedKeys {
    /// Reads a file of public keys, one a line; lines that begin with `#` are comments.
    ///
    /// # Errors
    /// [`RevokedError`] if a line has no key: whether it revokes one cannot be known.
    pub fn read(path: &Path) -> Result<Self, RevokedError> {
        let mut content = Vec::new();
        std::fs::File::open(path)?.take(MAX_SIZE + 1).read_to_end(&mut content)?;
        if content.starts_with(b"SSHKRL\n") {
            return Err(RevokedError::Binary);
        }
        if u64::try_from(content.len()).unwrap_or(u64::MAX) > MAX_SIZE {
            return Err(RevokedError::TooLarge);
        }
        let text = String::from_utf8_lossy(&content);
        let keys = (1..).zip(text.lines().map(str::trim));
        keys.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .map(|(number, line)| public_key(line).map_err(|_| RevokedError::Line(number)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether `key` is revoked.
    pub(super) fn contains(&self, key: &KeyData) -> bool {
        self.0.contains(key)
    }
}
