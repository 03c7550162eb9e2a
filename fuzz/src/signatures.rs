//! Signatures, lists of allowed signers and of revoked keys. The first byte chooses what the input is: the `s`ignature, the `m`essage,
//! a list of `r`evoked keys, or the list of signers. The others are those of a valid signature by OpenSSH.

use std::sync::LazyLock;

use cutover_report::sshsig::{AllowedSigners, RevokedKeys, verify};

const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIHTWW28SXWmTRzkKqz7f6fEyAWSysrGr3zdpIija/wj7";
const MESSAGE: &[u8] = b"the manifest\n";
const SIGNATURE: &[u8] = b"-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgdNZbbxJdaZNHOQqrPt/p8TIBZL
KysavfN2kiKNr/CPsAAAAOY3V0b3Zlci1yZXBvcnQAAAAAAAAABnNoYTUxMgAAAFMAAAAL
c3NoLWVkMjU1MTkAAABAFLkUlexUcmmhcMpyp9sdEGC+VT91oN/nDs/OMOCR4wTezAcrqp
bmAI6bIna/lYt3FVkqVlTnkc3MSGxPSjUcCg==
-----END SSH SIGNATURE-----
";

static ALLOWED: LazyLock<AllowedSigners> =
    LazyLock::new(|| AllowedSigners::parse(&format!("ops@x.org ssh-ed25519 {KEY}")));

pub fn run(data: &[u8]) {
    let Some((kind, content)) = data.split_first() else { return };
    let now = "2026-11-27T12:00:00Z".parse().expect("a time");
    let revoked = RevokedKeys::default();
    match kind {
        b's' => {
            if let Ok(who) = verify(MESSAGE, content, &ALLOWED, &revoked, None, now) {
                assert_eq!(who, "ops@x.org");
            }
            if content != SIGNATURE {
                assert!(verify(b"another", content, &ALLOWED, &revoked, None, now).is_err());
            }
        }
        b'm' => {
            let is_valid = verify(content, SIGNATURE, &ALLOWED, &revoked, Some("ops@x.org"), now).is_ok();
            assert_eq!(is_valid, content == MESSAGE);
        }
        b'r' => {
            let Ok(revoked) = RevokedKeys::parse(content) else { return };
            let text = String::from_utf8_lossy(content);
            let keys = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
            let is_revoked = keys.into_iter().any(|line| line.split_whitespace().nth(1) == Some(KEY));
            assert_eq!(verify(MESSAGE, SIGNATURE, &ALLOWED, &revoked, None, now).is_err(), is_revoked);
        }
        _ => {
            let Ok(text) = std::str::from_utf8(content) else { return };
            let allowed = AllowedSigners::parse(text);
            assert!(allowed.faults().count() <= text.lines().count());
            let found = verify(MESSAGE, SIGNATURE, &allowed, &revoked, None, now);
            assert!(found.is_err() || text.contains(KEY));
            if let Ok(who) = verify(MESSAGE, SIGNATURE, &allowed, &revoked, Some("ops@x.org"), now) {
                assert_eq!(who, "ops@x.org");
            }
        }
    }
}
