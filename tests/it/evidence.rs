//! Evidence manifests: written by `export` and `render`, checked by `verify`.

use std::path::Path;

use crate::support::{Run, files, run, sample_tasks};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

fn export(folder: &Path, more: &[&str]) -> Run {
    let tasks = sample_tasks();
    run(folder, &[&["export", &tasks, "--endpoint", "embedded", "--rate", "1000/s"][..], more].concat())
}

fn exported(more: &[&str]) -> TempDir {
    let folder = tempdir().unwrap();
    let run = export(folder.path(), more);
    assert_eq!(run.code, 0, "{}", run.stderr);
    folder
}

fn manifest(folder: &Path, path: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join(path)).unwrap()).unwrap()
}

/// The paths in a manifest, with their roles.
fn named(manifest: &Value) -> Vec<(&str, &str)> {
    let files = manifest["files"].as_array().unwrap().iter();
    files.map(|file| (file["path"].as_str().unwrap(), file["role"].as_str().unwrap())).collect()
}

#[test]
fn every_file_of_a_run_is_in_the_manifest_and_verified() {
    let outputs = ["-o", "out/r.xlsx", "-o", "out/csv/", "-o", "other/r.zip", "--fail-on", "unreadable"];
    let folder = exported(&outputs);
    let at = folder.path();
    let mut there = files(at);
    there.remove(Path::new("out/r.manifest.json")).unwrap();
    let reported = run(at, &["verify", "out/r.manifest.json"]);
    assert_eq!((reported.code, reported.stderr.as_str()), (0, ""), "{}", reported.stdout);
    let ok: Vec<&str> = reported.stdout.lines().map(|line| line.strip_prefix("ok ").unwrap()).collect();
    assert!(ok.iter().all(|path| at.join(path).is_file()), "the paths lead to the files: {ok:?}");
    assert_eq!(ok.len(), there.len());
    let document = manifest(at, "out/r.manifest.json");
    assert_eq!(named(&document)[..2], [("r.journal.jsonl", "journal"), ("r.xlsx", "output")]);
    assert_eq!(named(&document).last(), Some(&("../other/r.zip", "output")));
    for (path, _) in named(&document) {
        assert!(path == "../other/r.zip" || there.contains_key(&Path::new("out").join(path)), "{path}");
    }
    assert_eq!(document["complete"], true);
    assert_eq!(document["counts"]["consistent"], 6);
    assert_eq!(document["settings"]["fail_on"], json!(["unreadable"]));
    let text = document.to_string();
    assert!(!text.contains(at.to_str().unwrap()), "nothing of the machine: {text}");
    let quiet = run(at, &["-q", "verify", "out/r.manifest.json"]);
    assert_eq!((quiet.code, quiet.stdout.as_str(), quiet.stderr.as_str()), (0, "", ""));
}

#[test]
fn verify_reports_every_change_of_a_file() {
    let folder = exported(&["-o", "r.xlsx", "-o", "a.csv", "-o", "b.csv", "-o", "c.json", "-o", "d.zip"]);
    let at = |name: &str| folder.path().join(name);
    let change = |name: &str, change: fn(&mut Vec<u8>)| {
        let mut content = std::fs::read(at(name)).unwrap();
        change(&mut content);
        std::fs::write(at(name), content).unwrap();
    };
    change("r.xlsx", |bytes| bytes[100] ^= 1);
    change("a.csv", |bytes| bytes.truncate(bytes.len() - 1));
    change("r.journal.jsonl", |bytes| bytes.extend(b"{}\n"));
    std::fs::remove_file(at("b.csv")).unwrap();
    std::fs::remove_file(at("d.zip")).unwrap();
    std::fs::create_dir(at("d.zip")).unwrap();
    let reported = run(folder.path(), &["-q", "verify", "r.manifest.json"]);
    assert_eq!(reported.code, 1);
    let lines: Vec<&str> = reported.stdout.lines().collect();
    assert!(lines[0].starts_with("changed r.journal.jsonl: ") && lines[0].contains(" bytes instead of "));
    assert!(lines[1].starts_with("changed r.xlsx: SHA-256 ") && lines[1].contains(" instead of "));
    assert!(lines[2].starts_with("changed a.csv: "));
    assert_eq!(lines[3..], ["missing b.csv", "changed d.zip: it is not a regular file any more"]);
    assert_eq!(reported.stderr, "error: r.manifest.json: 5 of 6 files are missing or changed\n");
    assert!(run(folder.path(), &["verify", "r.manifest.json"]).stdout.contains("ok c.json\n"));
}

#[test]
fn verify_works_in_a_moved_folder() {
    let folder = exported(&["-o", "night/r.xlsx", "-o", "night/csv/", "--journal", "night/kept.jsonl"]);
    std::fs::create_dir(folder.path().join("archive")).unwrap();
    std::fs::rename(folder.path().join("night"), folder.path().join("archive/2026")).unwrap();
    let reported = run(folder.path(), &["verify", "archive/2026/kept.manifest.json"]);
    assert_eq!(reported.code, 0, "{}", reported.stdout);
    let inside = run(&folder.path().join("archive/2026"), &["verify", "kept.manifest.json"]);
    assert!(inside.stdout.starts_with("ok kept.jsonl\nok r.xlsx\nok csv/"), "{}", inside.stdout);
}

#[test]
fn manifest_is_beside_the_journal_or_the_first_output() {
    for (arguments, path, first) in [
        (&["-o", "a/r.csv", "--journal", "j/kept.jsonl"][..], "j/kept.manifest.json", "kept.jsonl"),
        (&["-o", "a/r.csv", "--no-journal"], "a/r.manifest.json", "r.csv"),
        (&["-o", "a/csv/", "--no-journal"], "a/csv.manifest.json", "csv/summary.csv"),
        (&["--json", "--journal", "kept.jsonl"], "kept.manifest.json", "kept.jsonl"),
    ] {
        let folder = exported(arguments);
        assert_eq!(named(&manifest(folder.path(), path))[0].0, first, "{arguments:?}");
    }
    let none = exported(&["--json"]);
    assert!(files(none.path()).is_empty(), "no output, no journal, no manifest");
    let reported = export(none.path(), &["-o", "r.csv", "-o", "r.manifest.json"]);
    assert_eq!((reported.code, reported.stdout.as_str()), (2, ""), "{}", reported.stderr);
    assert!(reported.stderr.contains("the manifest r.manifest.json"), "{}", reported.stderr);
}

#[test]
fn render_gives_the_same_manifest_and_keeps_that_of_the_export() {
    let folder = exported(&["-o", "r.xlsx"]);
    let before = files(folder.path());
    for out in ["a/x.csv", "b/x.csv"] {
        let rendered = run(folder.path(), &["render", "r.journal.jsonl", "-o", out]);
        assert_eq!((rendered.code, rendered.stdout), (0, format!("{out}\n")));
        assert!(rendered.stderr.contains(&format!("manifest: {}", out.replace("csv", "manifest.json"))));
    }
    let after = files(folder.path());
    assert!(before.iter().all(|(path, content)| after.get(path) == Some(content)));
    let [one, two] = ["a", "b"].map(|name| after[&Path::new(name).join("x.manifest.json")].clone());
    assert_eq!(String::from_utf8(one).unwrap(), String::from_utf8(two).unwrap());
    let document = manifest(folder.path(), "a/x.manifest.json");
    assert_eq!(named(&document), [("../r.journal.jsonl", "journal"), ("x.csv", "output")]);
    let all = ["verify", "r.manifest.json", "a/x.manifest.json", "b/x.manifest.json"];
    assert_eq!(run(folder.path(), &all).code, 0);
}

#[test]
fn verify_reports_a_journal_that_grew() {
    let folder = exported(&["-o", "r.csv"]);
    let journal = folder.path().join("r.journal.jsonl");
    let whole = std::fs::read_to_string(&journal).unwrap();
    std::fs::write(&journal, whole.split_inclusive('\n').take(4).collect::<String>()).unwrap();
    let rendered = run(folder.path(), &["render", "r.journal.jsonl", "-o", "half.csv"]);
    assert_eq!(rendered.code, 3, "{}", rendered.stderr);
    assert_eq!(manifest(folder.path(), "half.manifest.json")["run"]["finished"], false);
    assert_eq!(run(folder.path(), &["verify", "half.manifest.json"]).code, 0);
    std::fs::write(&journal, whole).unwrap();
    let reported = run(folder.path(), &["verify", "half.manifest.json"]);
    assert!(
        reported.code == 1 && reported.stdout.starts_with("changed r.journal.jsonl: "),
        "{}",
        reported.stdout
    );
}

#[test]
fn failed_outputs_are_in_the_manifest_and_never_verified() {
    let folder = exported(&["-o", "good.csv"]);
    std::fs::write(folder.path().join("file"), "").unwrap();
    std::fs::create_dir_all(folder.path().join("csv/results.csv")).unwrap();
    let again = export(folder.path(), &["-o", "good.csv", "-o", "file/x.csv", "-o", "csv/"]);
    assert_eq!(again.code, 1, "{}", again.stderr);
    let document = manifest(folder.path(), "good.manifest.json");
    assert_eq!((&document["complete"], &document["failed"]), (&json!(false), &json!(["file/x.csv", "csv"])));
    assert_eq!(named(&document), [("good.journal.jsonl", "journal"), ("good.csv", "output")]);
    let reported = run(folder.path(), &["-q", "verify", "good.manifest.json"]);
    let never = "missing file/x.csv: the run could not write it\nmissing csv: the run could not write it\n";
    assert_eq!((reported.code, reported.stdout.as_str()), (1, never), "{}", reported.stderr);
}

#[test]
fn manifest_that_cannot_be_written_is_reported() {
    let folder = tempdir().unwrap();
    std::fs::create_dir(folder.path().join("r.manifest.json")).unwrap();
    let reported = export(folder.path(), &["-o", "r.csv"]);
    assert_eq!((reported.code, reported.stdout.as_str()), (1, "r.csv\n"));
    assert!(reported.stderr.contains("error: r.manifest.json: "), "{}", reported.stderr);
    assert!(!reported.stderr.contains("\nmanifest: "), "{}", reported.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn old_manifest_is_removed_if_the_new_one_fails() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempdir().unwrap();
    // A name that is invalid in JSON.
    let [journal, manifest] = [&b"\xff.jsonl"[..], b"\xff.manifest.json"].map(std::ffi::OsStr::from_bytes);
    std::fs::write(folder.path().join(manifest), "an earlier one").unwrap();
    let ended = std::process::Command::new(assert_cmd::cargo::cargo_bin("cutover-report"))
        .current_dir(folder.path())
        .args(["export", "--endpoint", "embedded", &sample_tasks(), "-o", "r.csv", "--journal"])
        .arg(journal)
        .output()
        .unwrap();
    let reported = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{reported}");
    assert!(
        reported.contains("is not valid Unicode")
            && reported.contains("the manifest of an earlier run is removed"),
        "{reported}"
    );
    assert!(!folder.path().join(manifest).exists() && folder.path().join("r.csv").exists());
}

#[test]
fn invalid_manifest_is_reported_and_others_are_verified() {
    let folder = exported(&["-o", "r.csv", "-o", "summary.json"]);
    let good = manifest(folder.path(), "r.manifest.json");
    let odd = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut document = good.clone();
        change(&mut document);
        std::fs::write(folder.path().join(name), document.to_string()).unwrap();
    };
    odd("later.json", &|document| document["format"] = json!(2));
    odd("path.json", &|document| document["files"][1]["path"] = json!("a/../../../etc/passwd"));
    odd("terminal.json", &|document| document["files"][1]["path"] = json!("a\u{1b}[2Jb"));
    odd("twice.json", &|document| document["files"][1] = document["files"][0].clone());
    odd("empty.json", &|document| document["files"] = json!([]));
    odd("digest.json", &|document| document["files"][0]["sha256"] = json!("00"));
    odd("size.json", &|document| document["files"][0]["size"] = json!(-1));
    std::fs::write(folder.path().join("garbage.json"), [0xff, 0, 7]).unwrap();
    let names = ["later", "path", "twice", "empty", "digest", "size", "garbage", "summary"];
    let reported: Vec<String> = names
        .iter()
        .map(|name| {
            let reported = run(folder.path(), &["verify", &format!("{name}.json"), "r.manifest.json"]);
            assert_eq!(reported.code, 2, "{name}: {}", reported.stderr);
            assert_eq!(reported.stdout, "ok r.journal.jsonl\nok r.csv\nok summary.json\n", "{name}");
            reported.stderr
        })
        .collect();
    insta::assert_snapshot!(reported.concat());
    std::fs::remove_file(folder.path().join("r.csv")).unwrap();
    let reported = run(folder.path(), &["-q", "verify", "terminal.json"]);
    assert_eq!((reported.code, reported.stdout.as_str()), (1, "missing a\\u{1b}[2Jb\n"));
    let worst = run(folder.path(), &["verify", "r.manifest.json", "garbage.json"]);
    assert_eq!(worst.code, 1, "a file that is gone weighs more");
    assert_eq!(run(folder.path(), &["verify", "none.json"]).code, 1);
}
