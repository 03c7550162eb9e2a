//! `--previous`: what changed since the last run, with the real program.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::history::Found::{Differences, Missing};
use crate::history::{Row, night, write};
use crate::support::{Workbook, export, run, sample_tasks};

/// Nights in dated folders: the last but one is unfinished, and another report is beside it.
fn nights() -> TempDir {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join("r").join(name);
    let first: &[Row<'_>] = &[
        ("a", "", "fixed", Differences(3)),
        ("b", "", "broke", Differences(0)),
        ("c", "", "left", Differences(0)),
        ("d", "", "same", Differences(1)),
    ];
    let last: &[Row<'_>] = &[
        ("a", "", "fixed", Differences(0)),
        ("b", "", "broke", Differences(2)),
        ("d", "", "same", Differences(1)),
        ("e", "", "came", Differences(0)),
    ];
    let unfinished: &[Row<'_>] = &[("a", "", "fixed", Differences(9)), ("b", "", "broke", Missing)];
    let other: &[Row<'_>] = &[("x", "", "other", Differences(0))];
    write(&at("2026-10-01/wave.journal.jsonl"), &night("2026-10-01T02:00:00Z", last));
    write(&at("2026-11-01/wave.journal.jsonl"), &night("2026-11-01T02:00:00Z", first));
    write(&at("2026-11-02/wave.journal.jsonl"), &night("2026-11-02T02:00:00Z", unfinished));
    write(&at("2026-11-03/wave.journal.jsonl"), &night("2026-11-03T02:00:00Z", last));
    write(&at("2026-11-03/other.journal.jsonl"), &night("2026-11-03T01:00:00Z", other));
    write(&at("2026-11-04/wave.journal.jsonl"), &night("2026-11-04T02:00:00Z", first));
    std::fs::write(at("2026-11-02/tasks.jsonl"), "{\"task_id\":\"a\"}\n").unwrap();
    folder
}

const NEW: &str = "r/2026-11-03/wave.journal.jsonl";
const SINCE: &str =
    "Changes since the last run: 1 fixed, 1 worse, 1 new, 1 gone (it ended 2026-11-01 02:00:00, UTC)";

#[test]
fn diff_previous_finds_the_newest_finished_run_before() {
    let folder = nights();
    let found = run(folder.path(), &["diff", "--previous", NEW]);
    assert_eq!(found.code, 0, "{}", found.stderr);
    assert!(found.stderr.contains("compared with r/2026-11-01/wave.journal.jsonl"), "{}", found.stderr);
    assert!(found.stderr.contains("1 worse, 1 gone, 1 new, 1 fixed, 1 same"), "{}", found.stderr);
    let inside = folder.path().join("r/2026-11-03");
    let relative = run(&inside, &["diff", "--previous", "wave.journal.jsonl", "--json"]);
    assert_eq!(relative.code, 0, "{}", relative.stderr);
    let document: Value = serde_json::from_str(&relative.stdout).unwrap();
    assert_eq!(document["before"]["ended_at"], "2026-11-01T02:00:00+00:00");
    let first = run(folder.path(), &["diff", "--previous", "r/2026-10-01/wave.journal.jsonl"]);
    assert_eq!(first.code, 1);
    assert!(first.stderr.contains("no earlier finished run of this report"), "{}", first.stderr);
    let both = run(folder.path(), &["diff", "--previous", NEW, NEW]);
    assert_eq!(both.code, 2, "{}", both.stderr);
}

#[test]
fn previous_run_in_the_same_folder_is_known_by_its_tasks() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let rows: &[Row<'_>] = &[("a", "", "a", Differences(1)), ("b", "", "b", Differences(0))];
    let others: &[Row<'_>] = &[("x", "", "x", Differences(1)), ("y", "", "y", Differences(0))];
    write(&at("wave-1-2026-11-01.jsonl"), &night("2026-11-01T02:00:00Z", rows));
    write(&at("wave-2-2026-11-02.jsonl"), &night("2026-11-02T02:00:00Z", others));
    write(&at("wave-1-2026-11-03.jsonl"), &night("2026-11-03T02:00:00Z", rows));
    let found = run(folder.path(), &["diff", "--previous", "wave-1-2026-11-03.jsonl"]);
    assert!(found.stderr.contains("compared with wave-1-2026-11-01.jsonl"), "{}", found.stderr);
}

#[test]
fn every_output_has_the_changes_since_the_last_run() {
    let folder = nights();
    let outputs = ["-o", "o.xlsx", "-o", "o.html", "-o", "o.json", "-o", "o.md"];
    let rendered = run(folder.path(), &[&["render", NEW, "--previous"], &outputs[..]].concat());
    assert_eq!(rendered.code, 0, "{}", rendered.stderr);
    assert!(rendered.stderr.contains(SINCE), "{}", rendered.stderr);
    assert!(Workbook::open(&folder.path().join("o.xlsx")).says("Overview", SINCE));
    let text = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(text("o.html").contains(SINCE));
    assert!(
        text("o.md").contains("- Changes since the last run: 1 fixed, 1 worse, 1 new, 1 gone"),
        "{}",
        text("o.md")
    );
    let document: Value = serde_json::from_str(&text("o.json")).unwrap();
    let expected = json!({"journal": "r/2026-11-01/wave.journal.jsonl", "ended_at": "2026-11-01T02:00:00+00:00",
                          "worse": 1, "gone": 1, "new": 1, "better": 0, "fixed": 1, "same": 1});
    assert_eq!(document["since_last_run"], expected);
    let shown = run(folder.path(), &["show", NEW, "--previous", "r/2026-10-01/wave.journal.jsonl"]);
    assert!(shown.stdout.contains("0 fixed, 0 worse, 0 new, 0 gone"), "{}", shown.stdout);
    let part = run(folder.path(), &["show", NEW, "--previous", "--only", "not-passing"]);
    assert!(part.stdout.contains(SINCE), "all tasks are compared: {}", part.stdout);
    let plain = run(folder.path(), &["render", NEW, "-o", "p.json"]);
    assert_eq!(plain.code, 0);
    assert!(!text("p.json").contains("since_last_run"));
    let chinese = run(folder.path(), &["show", NEW, "--previous", "--language", "zh"]);
    assert!(chinese.stdout.contains("与上次运行相比：1个已修复，1个变差"), "{}", chinese.stdout);
}

#[test]
fn fail_on_changes_needs_a_run_to_compare_with() {
    let folder = nights();
    let code = |new: &str, more: &[&str]| {
        run(folder.path(), &[&["render", new, "-o", "o.json", "--fail-on"], more].concat())
    };
    assert_eq!(code(NEW, &["worse", "--previous"]).code, 4);
    assert_eq!(code(NEW, &["gone,stale", "--previous"]).code, 4);
    assert_eq!(code(NEW, &["worse,gone", "--previous=r/2026-10-01/wave.journal.jsonl"]).code, 0);
    let without = code(NEW, &["worse"]);
    assert_eq!(without.code, 2);
    assert!(
        without.stderr.contains("--fail-on worse needs a run to compare with: add --previous"),
        "{}",
        without.stderr
    );
    let first = code("r/2026-10-01/wave.journal.jsonl", &["worse", "--previous"]);
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert_eq!(first.stderr.matches("no earlier finished run of this report").count(), 1, "{}", first.stderr);
    let missing = code(NEW, &["worse", "--previous", "none.jsonl"]);
    assert_eq!(missing.code, 1, "{}", missing.stderr);
}

/// Replaces the embedded service's verdict of a task in a journal by a worse one.
fn spoil(journal: &Path) {
    let text = std::fs::read_to_string(journal).unwrap();
    let worse = text.replace("\\\"num_different_files\\\":0", "\\\"num_different_files\\\":7");
    assert_ne!(text, worse);
    std::fs::write(journal, worse).unwrap();
}

#[test]
fn export_compares_with_the_journal_that_it_replaces_and_with_dated_ones() {
    let folder = tempdir().unwrap();
    let first = export(folder.path(), &sample_tasks(), &["-o", "o.json", "--previous"]);
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert!(first.stderr.contains("no earlier finished run"), "{}", first.stderr);
    spoil(&folder.path().join("o.journal.jsonl"));
    let second = export(folder.path(), &sample_tasks(), &["-o", "o.json", "--previous"]);
    assert_eq!(second.code, 0, "{}", second.stderr);
    assert!(second.stderr.contains("Changes since the last run: "), "{}", second.stderr);
    let document: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("o.json")).unwrap()).unwrap();
    assert_eq!(document["since_last_run"]["journal"], "o.journal.jsonl");
    assert_ne!(document["since_last_run"]["same"], 12);
}

#[test]
fn manifest_names_the_run_compared_with_and_its_conditions() {
    let folder = nights();
    let settings = |more: &[&str]| -> Value {
        let rendered = run(folder.path(), &[&["render", NEW, "-o", "out/w.json"], more].concat());
        assert!(matches!(rendered.code, 0 | 4), "{}", rendered.stderr);
        let manifest = std::fs::read(folder.path().join("out/w.manifest.json")).unwrap();
        serde_json::from_slice::<Value>(&manifest).unwrap()["settings"].take()
    };
    let compared = settings(&["--previous", "--fail-on", "stale,gone,worse"]);
    let before = std::fs::read(folder.path().join("r/2026-11-01/wave.journal.jsonl")).unwrap();
    let digest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(before));
    assert_eq!(compared["previous"], json!({"name": "../r/2026-11-01/wave.journal.jsonl", "sha256": digest}));
    assert_eq!(compared["fail_on"], json!(["stale"]));
    assert_eq!(compared["fail_on_changes"], json!(["gone", "worse"]));
    let verified = run(folder.path(), &["verify", "out/w.manifest.json"]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    let plain = settings(&[]);
    let has = |key: &str| plain.as_object().unwrap().contains_key(key);
    assert!(has("fail_on") && !has("previous") && !has("fail_on_changes"), "{plain}");
}

#[cfg(unix)]
#[test]
fn journals_in_object_storage_are_read_by_prefix() {
    let folder = nights();
    let s3 = crate::support::s3::S3::start();
    for day in ["2026-10-01", "2026-11-01", "2026-11-02", "2026-11-03"] {
        let journal = std::fs::read(folder.path().join(format!("r/{day}/wave.journal.jsonl"))).unwrap();
        s3.put(&format!("night/{day}/wave.journal.jsonl"), journal);
    }
    s3.put("nightly/other.jsonl", "not a journal\n");
    s3.put("night/tasks.jsonl", "{\"task_id\":\"a\"}\n");
    let history = s3.run(folder.path(), &["history", "s3://b/night", "--json"]);
    assert_eq!(history.code, 0, "{}", history.stderr);
    let document: Value = serde_json::from_str(&history.stdout).unwrap();
    assert_eq!(document["nights"].as_array().unwrap().len(), 4);
    let journal = &document["nights"][3]["journals"][0];
    assert_eq!(journal, "s3://b/night/2026-11-03/wave.journal.jsonl");
    let diff =
        s3.run(folder.path(), &["diff", "--previous", journal.as_str().unwrap(), "-o", "s3://b/d.json"]);
    assert_eq!(diff.code, 0, "{}", diff.stderr);
    assert!(
        diff.stderr.contains("compared with s3://b/night/2026-11-01/wave.journal.jsonl"),
        "{}",
        diff.stderr
    );
    let empty = s3.run(folder.path(), &["history", "s3://b/none"]);
    assert_eq!(empty.code, 2, "{}", empty.stderr);
}
