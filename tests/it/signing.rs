//! Signed manifests: `--sign-key` and `verify --allowed-signers`, alone and together with `ssh-keygen -Y`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::{Run, run, run_with, sample_tasks, until};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

const MANIFEST: &str = "r.manifest.json";
const SIGNATURE: &str = "r.manifest.json.sig";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn public_key() -> String {
    fs::read_to_string(fixture("test-key.pub")).unwrap()
}

fn export_with(folder: &Path, variables: &[(&str, &str)], more: &[&str]) -> Run {
    let tasks = sample_tasks();
    let first = ["export", &tasks, "--endpoint", "embedded", "--rate", "1000/s"];
    run_with(folder, variables, &[&first[..], more].concat())
}

fn signed(folder: &Path) -> Run {
    let key = fixture("test-key");
    let run = export_with(folder, &[], &["-o", "r.csv", "--sign-key", key.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    run
}

fn verify(folder: &Path, allowed: &str, more: &[&str]) -> Run {
    fs::write(folder.join("allowed"), allowed).unwrap();
    run(folder, &[&["verify", MANIFEST, "--allowed-signers", "allowed"], more].concat())
}

/// Whether OpenSSH is installed; the tests that need it pass without it, and `.ci/run` requires it.
fn has_openssh() -> bool {
    Command::new("ssh-keygen").arg("-?").output().is_ok()
}

fn keygen(folder: &Path, arguments: &[&str], stdin: Option<&str>) -> bool {
    let stdin = stdin.map_or_else(Stdio::null, |name| fs::File::open(folder.join(name)).unwrap().into());
    let output =
        Command::new("ssh-keygen").current_dir(folder).args(arguments).stdin(stdin).output().unwrap();
    output.status.success()
}

fn make_key(folder: &Path, name: &str, kind: &[&str]) -> String {
    assert!(keygen(folder, &[&["-q", "-N", "", "-f", name], kind].concat(), None), "{kind:?}");
    fs::read_to_string(folder.join(format!("{name}.pub"))).unwrap()
}

fn openssh_accepts(folder: &Path) -> bool {
    let verify = ["-Y", "verify", "-f", "allowed", "-I", "ops", "-n", "cutover-report", "-s", SIGNATURE];
    keygen(folder, &verify, Some(MANIFEST))
}

#[test]
fn verify_of_signed_manifest_names_the_signer() {
    let folder = tempdir().unwrap();
    signed(folder.path());
    let allowed = format!("ops@x.org {}", public_key());
    let good = verify(folder.path(), &allowed, &[]);
    assert_eq!((good.code, good.stderr.as_str()), (0, ""));
    assert!(good.stdout.starts_with("ok signature ops@x.org\nok "), "{}", good.stdout);
    let pattern = format!("*@x.org {}", public_key());
    let named = verify(folder.path(), &pattern, &["--signer", "ops@x.org"]);
    assert_eq!((named.code, named.stdout.lines().next()), (0, Some("ok signature ops@x.org")));
    let quiet = verify(folder.path(), &allowed, &["-q"]);
    assert_eq!((quiet.code, quiet.stdout.as_str()), (0, ""));
}

#[test]
fn verify_of_signature_that_proves_nothing_exits_1() {
    let folder = tempdir().unwrap();
    signed(folder.path());
    let key = public_key();
    let other = "ops ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAUf8R0Gq6NCVmNN2BPkbJcYVaLPGIFjn4ImmxJYIJQA\n";
    for (allowed, more, expected) in [
        (other.to_owned(), &[][..], "is not in the list of allowed signers"),
        (String::new(), &[], "is not in the list of allowed signers"),
        (format!("ops {key}"), &["--signer", "boss"], "belongs to ops, not to boss"),
        (format!("ops valid-before=\"20200101Z\" {key}"), &[], "expired at 2020-01-01T00:00:00Z"),
        (format!("ops valid-after=\"29990101Z\" {key}"), &[], "is not valid before 2999-01-01T00:00:00Z"),
        (format!("ops namespaces=\"file\" {key}"), &[], "is not allowed for the namespace cutover-report"),
        (format!("ops cert-authority {key}"), &[], "is not in the list of allowed signers"),
    ] {
        let reported = verify(folder.path(), &allowed, more);
        assert_eq!(reported.code, 1, "{expected}: {}", reported.stdout);
        let first = reported.stdout.lines().next().unwrap();
        assert!(first.starts_with("bad signature: ") && first.contains(expected), "{first}");
        assert!(reported.stdout.contains("\nok r.csv"), "the files are checked too: {}", reported.stdout);
    }
    let allowed = format!("ops {key}");
    let manifest = fs::read_to_string(folder.path().join(MANIFEST)).unwrap();
    let changed = manifest.replace("\"status\": \"", "\"status\":  \"");
    assert_ne!(changed, manifest);
    fs::write(folder.path().join(MANIFEST), changed).unwrap();
    let reported = verify(folder.path(), &allowed, &[]);
    assert_eq!(reported.code, 1);
    assert!(reported.stdout.starts_with("bad signature: it does not match"), "{}", reported.stdout);
    fs::write(folder.path().join(MANIFEST), &manifest).unwrap();
    for (text, expected) in
        [(&b"hello"[..], "bad signature: it is not an SSH signature"), (b"\xff\0", "bad ")]
    {
        fs::write(folder.path().join(SIGNATURE), text).unwrap();
        let reported = verify(folder.path(), &allowed, &[]);
        assert!(reported.code == 1 && reported.stdout.starts_with(expected), "{}", reported.stdout);
    }
    fs::remove_file(folder.path().join(SIGNATURE)).unwrap();
    let reported = verify(folder.path(), &allowed, &[]);
    assert!(reported.code == 1 && reported.stdout.starts_with("missing signature\n"), "{}", reported.stdout);
    assert_eq!(run(folder.path(), &["verify", MANIFEST]).code, 0, "no signature is asked for");
}

#[test]
fn verify_with_unreadable_list_of_signers_is_wrong_usage() {
    let folder = tempdir().unwrap();
    signed(folder.path());
    let reported = run(folder.path(), &["verify", MANIFEST, "--allowed-signers", "nosuch"]);
    assert_eq!(reported.code, 2);
    assert!(reported.stderr.contains("nosuch (--allowed-signers)"), "{}", reported.stderr);
    let lines = verify(folder.path(), &format!("ops shiny {0}\nops {0}", public_key().trim()), &[]);
    assert_eq!(lines.code, 0, "{}", lines.stdout);
    assert!(
        lines.stderr.contains("allowed: line 1: unknown option shiny; the line is ignored"),
        "{}",
        lines.stderr
    );
}

#[test]
fn run_without_a_key_leaves_no_signature_of_the_manifest_before() {
    let folder = tempdir().unwrap();
    signed(folder.path());
    assert!(folder.path().join(SIGNATURE).exists());
    let again = export_with(folder.path(), &[], &["-o", "r.csv"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(!folder.path().join(SIGNATURE).exists());
    let key = fixture("test-key");
    let rendered = run(
        folder.path(),
        &["render", "r.journal.jsonl", "-o", "new/r.csv", "--sign-key", key.to_str().unwrap()],
    );
    assert_eq!(rendered.code, 0, "{}", rendered.stderr);
    assert!(folder.path().join("new").join(SIGNATURE).exists());
}

#[test]
fn key_that_cannot_sign_is_reported_before_anything_is_fetched() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("text"), "hello").unwrap();
    fs::write(folder.path().join("key.pub"), public_key()).unwrap();
    for (key, expected) in [
        ("nosuch", "cannot read it: No such file"),
        ("text", "neither an OpenSSH private key nor a public key"),
        ("key.pub", "SSH_AUTH_SOCK is not set; start ssh-agent"),
    ] {
        let reported = export_with(folder.path(), &[], &["-o", "r.csv", "--sign-key", key]);
        assert_eq!(reported.code, 2, "{}", reported.stderr);
        assert!(reported.stderr.contains(expected), "{}", reported.stderr);
        assert!(!folder.path().join("r.csv").exists() && !folder.path().join("r.journal.jsonl").exists());
    }
    let socket = folder.path().join("socket");
    let reported = export_with(
        folder.path(),
        &[("SSH_AUTH_SOCK", socket.to_str().unwrap())],
        &["-o", "r.csv", "--sign-key", "key.pub"],
    );
    assert!(reported.code == 2 && reported.stderr.contains("start ssh-agent"), "{}", reported.stderr);
    let none =
        export_with(folder.path(), &[], &["--json", "--sign-key", fixture("test-key").to_str().unwrap()]);
    assert!(none.code == 2 && none.stderr.contains("add -o OUT"), "{}", none.stderr);
}

fn previous(folder: &Path, manifest: &str) -> Value {
    let text = fs::read(folder.join(manifest)).unwrap();
    serde_json::from_slice::<Value>(&text).unwrap()["previous"].clone()
}

fn sha256(path: &Path) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn manifest_names_the_one_that_it_replaces() {
    let folder = tempdir().unwrap();
    signed(folder.path());
    assert_eq!(previous(folder.path(), MANIFEST), Value::Null);
    let before = sha256(&folder.path().join(MANIFEST));
    signed(folder.path());
    let document = previous(folder.path(), MANIFEST);
    assert_eq!((&document["name"], &document["sha256"]), (&MANIFEST.into(), &before.into()));
    let twice = fs::read(folder.path().join(MANIFEST)).unwrap();
    let key = fixture("test-key");
    let again = ["-o", "r.csv", "--sign-key", key.to_str().unwrap(), "--resume"];
    assert_eq!(export_with(folder.path(), &[], &again).code, 0);
    assert_eq!(fs::read(folder.path().join(MANIFEST)).unwrap(), twice, "the same run, reported again");
}

#[test]
fn manifest_with_date_in_its_path_names_the_newest_before_it() {
    let folder = tempdir().unwrap();
    for night in ["2026-01-01", "2026-01-02", "2999-01-01"] {
        fs::create_dir_all(folder.path().join(night)).unwrap();
        fs::write(folder.path().join(night).join(MANIFEST), night).unwrap();
    }
    let run = export_with(folder.path(), &[], &["-o", "{date}/r.csv"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let night = run.stdout.trim().split('/').next().unwrap().to_owned();
    let document = previous(folder.path(), &format!("{night}/{MANIFEST}"));
    assert_eq!(document["name"], format!("../2026-01-02/{MANIFEST}"));
    assert_eq!(document["sha256"], sha256(&folder.path().join("2026-01-02").join(MANIFEST)));
}

/// Key kinds as `ssh-keygen` makes them. P-521 is left out: the library cannot read key files whose private number
/// begins with a zero byte, as about half of them do.
const KINDS: [&[&str]; 5] = [
    &["-t", "ed25519"],
    &["-t", "ecdsa", "-b", "256"],
    &["-t", "ecdsa", "-b", "384"],
    &["-t", "ecdsa", "-b", "521"],
    &["-t", "rsa", "-b", "2048"],
];

#[test]
fn openssh_and_verify_accept_the_same_signatures() {
    if !has_openssh() {
        return;
    }
    let folder = tempdir().unwrap();
    let at = folder.path();
    assert_eq!(export_with(at, &[], &["-o", "r.csv"]).code, 0);
    for (number, kind) in KINDS.iter().enumerate() {
        let name = format!("key{number}");
        let allowed = format!("ops {}", make_key(at, &name, kind));
        // Ours, checked by OpenSSH.
        let made = run(at, &["render", "r.journal.jsonl", "-o", "r.csv", "--sign-key", &name]);
        assert_eq!(made.code, 0, "{kind:?}: {}", made.stderr);
        assert_eq!(verify(at, &allowed, &[]).code, 0, "{kind:?}");
        assert!(openssh_accepts(at), "{kind:?}");
        // OpenSSH's, checked by us.
        for namespace in ["cutover-report", "file"] {
            fs::remove_file(at.join(SIGNATURE)).unwrap();
            assert!(keygen(at, &["-Y", "sign", "-q", "-f", &name, "-n", namespace, MANIFEST], None));
            let reported = verify(at, &allowed, &["--signer", "ops"]);
            assert_eq!(
                (reported.code == 0, openssh_accepts(at)),
                (namespace != "file", namespace != "file"),
                "{kind:?}"
            );
            if namespace == "file" {
                assert!(reported.stdout.starts_with("bad signature: it is made for the namespace file"));
            }
        }
    }
}

#[test]
fn ecdsa_keys_whose_number_begins_with_zeros_sign() {
    let folder = tempdir().unwrap();
    let at = folder.path();
    assert_eq!(export_with(at, &[], &["-o", "r.csv"]).code, 0);
    for curve in ["p256", "p384", "p521"] {
        let key = fixture(&format!("short-{curve}-key"));
        let public = fs::read_to_string(key.with_extension("pub")).unwrap();
        let made =
            run(at, &["render", "r.journal.jsonl", "-o", "r.csv", "--sign-key", key.to_str().unwrap()]);
        assert_eq!(made.code, 0, "{curve}: {}", made.stderr);
        assert_eq!(verify(at, &format!("ops {public}"), &[]).code, 0, "{curve}");
        assert!(!has_openssh() || openssh_accepts(at), "{curve}");
    }
}

#[test]
fn encrypted_key_is_refused_with_the_way_to_use_it() {
    if !has_openssh() {
        return;
    }
    let folder = tempdir().unwrap();
    assert!(keygen(folder.path(), &["-q", "-t", "ed25519", "-N", "secret", "-f", "key"], None));
    let reported = export_with(folder.path(), &[], &["-o", "r.csv", "--sign-key", "key"]);
    assert_eq!(reported.code, 2);
    assert!(reported.stderr.contains("it is encrypted; load it with `ssh-add`"), "{}", reported.stderr);
}

struct SshAgent {
    child: Child,
    socket: String,
    _folder: TempDir,
}

impl Drop for SshAgent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl SshAgent {
    fn start() -> Self {
        let folder = tempdir().unwrap();
        let socket = folder.path().join("agent").to_str().unwrap().to_owned();
        let child =
            Command::new("ssh-agent").args(["-D", "-a", &socket]).stdout(Stdio::null()).spawn().unwrap();
        until(|| Path::new(&socket).exists());
        Self { child, socket, _folder: folder }
    }

    fn add(&self, key: &Path, options: &[&str]) {
        let added = Command::new("ssh-add")
            .env("SSH_AUTH_SOCK", &self.socket)
            .arg("-q")
            .args(options)
            .arg(key)
            .output()
            .unwrap();
        assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    }
}

#[test]
fn key_in_ssh_agent_signs_when_its_public_key_is_given() {
    if !has_openssh() {
        return;
    }
    let folder = tempdir().unwrap();
    let at = folder.path();
    let agent = SshAgent::start();
    let variables = [("SSH_AUTH_SOCK", agent.socket.as_str())];
    for (number, kind) in KINDS.iter().enumerate() {
        let name = format!("key{number}");
        let allowed = format!("ops {}", make_key(at, &name, kind));
        let public = format!("{name}.pub");
        let refused = export_with(at, &variables, &["-o", "r.csv", "--sign-key", &public]);
        assert_eq!(refused.code, 2, "{}", refused.stderr);
        assert!(refused.stderr.contains("ssh-agent does not hold the private key"), "{}", refused.stderr);
        agent.add(&at.join(&name), &[]);
        fs::remove_file(at.join(&name)).unwrap();
        let made = export_with(at, &variables, &["-o", "r.csv", "--sign-key", &public]);
        assert_eq!(made.code, 0, "{kind:?}: {}", made.stderr);
        assert_eq!(verify(at, &allowed, &[]).code, 0, "{kind:?}");
        assert!(openssh_accepts(at), "{kind:?}");
    }
}

#[test]
fn signature_of_revoked_key_proves_nothing() {
    let folder = tempdir().unwrap();
    let at = folder.path();
    signed(at);
    let allowed = format!("ops {}", public_key());
    let other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAUf8R0Gq6NCVmNN2BPkbJcYVaLPGIFjn4ImmxJYIJQA old";
    let own = public_key();
    for (revoked, code, expected) in [
        (format!("# keys that were lost\n\n{other}\n"), 0, "ok signature ops\n"),
        (format!("{other}\n  {own}"), 1, "bad signature: its key SHA256:"),
        (String::new(), 0, "ok signature ops\n"),
        (format!("{other}\nnonsense\n"), 2, "revoked (--revoked-keys): line 2 has no public key"),
        ("SSHKRL\n\0\0\0\0\u{1}".to_owned(), 2, "it is a binary key revocation list (KRL)"),
    ] {
        fs::write(at.join("revoked"), &revoked).unwrap();
        let reported = verify(at, &allowed, &["--revoked-keys", "revoked"]);
        let said = format!("{}{}", reported.stdout, reported.stderr);
        assert!(reported.code == code && said.contains(expected), "{revoked:?}: {} {said}", reported.code);
        assert_eq!(said.contains("is revoked"), code == 1, "{said}");
        if has_openssh() && !revoked.starts_with("SSHKRL") {
            let check =
                ["-Y", "verify", "-f", "allowed", "-I", "ops", "-n", "cutover-report", "-s", SIGNATURE];
            let check = [&check[..], &["-r", "revoked"]].concat();
            assert_eq!(keygen(at, &check, Some(MANIFEST)), code == 0, "{revoked:?}");
        }
    }
    let missing = verify(at, &allowed, &["--revoked-keys", "nosuch"]);
    assert!(missing.code == 2 && missing.stderr.contains("nosuch (--revoked-keys)"), "{}", missing.stderr);
    let alone = run(at, &["verify", MANIFEST, "--revoked-keys", "revoked"]);
    assert!(alone.code == 2 && alone.stderr.contains("--allowed-signers"), "{}", alone.stderr);
}
