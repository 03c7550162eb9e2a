//! Signatures and lists of allowed signers. The first byte chooses what the input is: the `s`ignature, the `m`essage,
//! or the list. The others are those of a valid signature by OpenSSH.
#![no_main]

use cutover_report::sshsig::{AllowedSigners, RevokedKeys, verify};
use libfuzzer_sys::fuzz_target;

const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIHTWW28SXWmTRzkKqz7f6fEyAWSysrGr3zdpIija/wj7";
const MESSAGE: &[u8] = b"the manifest\n";
const SIGNATURE: &[u8] = b"-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgdNZbbxJdaZNHOQqrPt/p8TIBZL
KysavfN2kiKNr/CPsAAAAOY3V0b3Zlci1yZXBvcnQAAAAAAAAABnNoYTUxMgAAAFMAAAAL
c3NoLWVkMjU1MTkAAABAFLkUlexUcmmhcMpyp9sdEGC+VT91oN/nDs/OMOCR4wTezAcrqp
bmAI6bIna/lYt3FVkqVlTnkc3MSGxPSjUcCg==
-----END SSH SIGNATURE-----
";

fuzz_target!(|data: &[u8]| {
    let Some((kind, content)) = data.split_first() else { return };
    let now = "2026-11-27T12:00:00Z".parse().expect("a time");
    let revoked = RevokedKeys::default();
    let allowed = AllowedSigners::parse(&format!("ops@x.org ssh-ed25519 {KEY}"));
    match kind {
        b's' => {
            if let Ok(who) = verify(MESSAGE, content, &allowed, &revoked, None, now) {
                assert_eq!(who, "ops@x.org");
            }
            if content != SIGNATURE {
                assert!(verify(b"another", content, &allowed, &revoked, None, now).is_err());
            }
        }
        b'm' => {
            let is_valid = verify(content, SIGNATURE, &allowed, &revoked, Some("ops@x.org"), now).is_ok();
            assert_eq!(is_valid, content == MESSAGE);
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
});
