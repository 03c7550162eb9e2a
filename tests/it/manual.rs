//! Man pages, completions and version.

use std::path::Path;
use std::process::Command;

use crate::support::{files, run};

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[test]
fn version_contains_the_commit() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let said = run(root, &["--version"]).stdout;
    if root.join(".git").exists() {
        let git = Command::new("git").args(["rev-parse", "HEAD"]).current_dir(root).output().unwrap();
        let commit = String::from_utf8(git.stdout).unwrap();
        let named = said.trim_end().strip_prefix(&format!("cutover-report {VERSION} ("));
        let named = named.and_then(|named| named.strip_suffix(')')).unwrap();
        assert!(named.len() >= 7 && commit.starts_with(named), "{named} is not {commit}");
    } else {
        assert_eq!(said, format!("cutover-report {VERSION}\n"));
    }
}

#[test]
fn man_writes_a_page_per_command() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("share/man1");
    let written = run(folder.path(), &["man", pages.to_str().unwrap()]);
    assert_eq!((written.code, written.stdout.as_str()), (0, ""), "{}", written.stderr);

    let pages = files(&pages);
    let page = |name: &str| String::from_utf8(pages[Path::new(name)].clone()).unwrap();
    let whole = page("cutover-report.1");
    assert_eq!(whole, run(folder.path(), &["man"]).stdout);
    assert!(whole.contains(&format!("v{VERSION}\n")), "no version alone:\n{whole}");

    let mut commands = whole.lines().filter_map(|line| line.strip_prefix("cutover\\-report\\-"));
    assert!(commands.clone().count() >= 12, "{whole}");
    assert!(commands.all(|command| {
        let name = format!("cutover-report-{}.1", command.trim_end_matches("(1)").replace("\\-", "-"));
        page(&name).contains(".SH SYNOPSIS")
    }));
    assert!(page("cutover-report-export.1").contains("\\-\\-fail\\-on"));
    assert!(page("cutover-report-templates-check.1").contains(".SH SYNOPSIS"));
}

#[test]
fn completions_work_in_common_shells() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(folder.path(), &["completions", shell]);
        assert_eq!(script.code, 0, "{}", script.stderr);
        assert!(script.stdout.contains("server-export"), "{shell}");
    }
}
