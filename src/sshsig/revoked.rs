//! Lists of revoked public keys, as `ssh-keygen -Y verify -r` reads them.

use std::io::Read as _;
use std::path::Path;

use ssh_key::public::KeyData;

use super::error::RevokedError;
use super::text_file::public_key;

/// The largest list that is read, in bytes.
const MAX_SIZE: u64 = 16 << 20;
/// How a binary list begins.
const KRL: &[u8] = b"SSHKRL\n";

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
        if u64::try_from(content.len()).unwrap_or(u64::MAX) > MAX_SIZE && !content.starts_with(KRL) {
            return Err(RevokedError::TooLarge);
        }
        Self::parse(&content)
    }

    /// The keys of a file with this content.
    ///
    /// # Errors
    /// As of [`read`](Self::read).
    pub fn parse(content: &[u8]) -> Result<Self, RevokedError> {
        if content.starts_with(KRL) {
            return Err(RevokedError::Binary);
        }
        let text = String::from_utf8_lossy(content);
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
