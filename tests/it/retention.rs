//! `export --keep`: which older runs are removed, with the real program.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::support::{Run, export, run, sample_tasks};

/// A folder with the journal of a run, to make older runs from.
fn template() -> TempDir {
    let folder = tempdir().unwrap();
    let first = export(folder.path(), &sample_tasks(), &["-o", "t.jsonl", "--journal", "t.jsonl"]);
    assert_eq!(first.code, 0, "{}", first.stderr);
    folder
}

/// The journal of the template with other times, and with what `change` does to its header.
fn journal(folder: &Path, name: &str, started: Timestamp, change: impl FnOnce(&mut Value)) {
    let text = std::fs::read_to_string(folder.join("t.jsonl")).unwrap();
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ended = started + SignedDuration::from_mins(5);
    for line in &mut lines {
        for (key, time) in [("started_at", started), ("fetched_at", ended), ("finished_at", ended)] {
            if let Some(value) = line.get_mut(key) {
                *value = time.to_string().into();
            }
        }
    }
    change(&mut lines[0]);
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn at(date: &str) -> Timestamp {
    format!("{date}T02:15:00Z").parse().unwrap()
}

/// An older run: its journal, the other outputs, and the manifest of all.
fn old_run(folder: &Path, stem: &str, started: Timestamp, more: &[&str], change: impl FnOnce(&mut Value)) {
    let name = format!("{stem}.journal.jsonl");
    journal(folder, &name, started, change);
    let document = format!("{stem}.json");
    let outputs = [&["render", &name, "-o", &document], more].concat();
    let rendered = run(folder, &outputs);
    assert_eq!(rendered.code, 0, "{}", rendered.stderr);
}

/// Runs of three nights in dated folders, with a folder of CSV files and a file that every run replaces.
fn nights(dates: &[&str]) -> TempDir {
    let folder = template();
    for date in dates {
        let csv = format!("r/{date}/csv/");
        let more = ["-o", &csv, "-o", "latest.prom"];
        old_run(folder.path(), &format!("r/{date}/wave"), at(date), &more, |_| ());
    }
    folder
}

const OUTPUTS: [&str; 6] = ["-o", "r/{date}/wave.json", "-o", "r/{date}/csv/", "-o", "latest.prom"];

fn keep(folder: &Path, keep: &str, more: &[&str]) -> Run {
    export(folder, &sample_tasks(), &[&OUTPUTS[..], &["--keep", keep], more].concat())
}

/// The entries of a folder, sorted.
fn entries(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The dated folders of older runs.
fn dates(folder: &Path) -> Vec<String> {
    let mut dates = entries(&folder.join("r"));
    dates.retain(|name| name.starts_with("2020"));
    dates
}

#[test]
fn keep_removes_the_oldest_runs_whole_with_their_folders() {
    let folder = nights(&["2020-01-01", "2020-01-02", "2020-01-03"]);
    std::os::unix::fs::symlink("2020-01-03", folder.path().join("r/latest")).unwrap();
    let listed = keep(folder.path(), "2", &["--dry-run"]);
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    let paths: Vec<PathBuf> = listed.stdout.lines().map(PathBuf::from).collect();
    assert!(paths.iter().all(|path| path.is_file()), "{}", listed.stdout);
    assert!(listed.stderr.contains("older runs that --keep 2 would remove: 2"), "{}", listed.stderr);
    assert_eq!(dates(folder.path()).len(), 3, "nothing is removed");
    assert_eq!(entries(&folder.path().join("r")).len(), 4, "nothing is fetched");
    let kept = keep(folder.path(), "2", &["--log-file", "log.jsonl", "--log-format", "json"]);
    assert_eq!(kept.code, 0, "{}", kept.stderr);
    assert_eq!(dates(folder.path()), ["2020-01-03"]);
    assert!(paths.iter().all(|path| !path.exists()));
    assert!(kept.stderr.contains("older runs removed by --keep 2: 2"), "{}", kept.stderr);
    assert!(folder.path().join("latest.prom").is_file());
    let log = std::fs::read_to_string(folder.path().join("log.jsonl")).unwrap();
    assert_eq!(log.matches("\"event\":\"run_removed\"").count(), 2, "{log}");
    let again = keep(folder.path(), "1", &["-q"]);
    assert_eq!((again.code, again.stderr.as_str()), (0, ""));
    assert!(dates(folder.path()).is_empty());
    let left: Vec<String> = entries(&folder.path().join("r"));
    assert_eq!(left.len(), 2, "the run itself and the link: {left:?}");
}

#[test]
fn keep_counts_days_in_the_time_zone() {
    let folder = template();
    let now = Timestamp::now();
    // Noon in Shanghai of the days before today.
    let noon = |days: i64| {
        let today = now.in_tz("Asia/Shanghai").unwrap().date();
        let date = today.checked_sub(days.days()).unwrap();
        date.at(12, 0, 0, 0).in_tz("Asia/Shanghai").unwrap().timestamp()
    };
    for days in [1, 7, 8] {
        let date = noon(days).in_tz("Asia/Shanghai").unwrap().date();
        old_run(folder.path(), &format!("r/{date}/wave"), noon(days), &[], |_| ());
    }
    let more = ["-o", "r/{date}/wave.json", "--keep", "7d", "--timezone", "Asia/Shanghai"];
    let kept = export(folder.path(), &sample_tasks(), &more);
    assert_eq!(kept.code, 0, "{}", kept.stderr);
    let left = entries(&folder.path().join("r"));
    let gone = noon(8).in_tz("Asia/Shanghai").unwrap().date().to_string();
    assert!(left.len() == 3 && !left.contains(&gone), "{left:?}");
}

#[test]
fn run_with_a_changed_file_stays_whole_with_a_warning() {
    let folder = nights(&["2020-01-01", "2020-01-02"]);
    std::fs::write(folder.path().join("r/2020-01-01/csv/summary.csv"), "signed\n").unwrap();
    std::fs::write(folder.path().join("r/2020-01-02/signed.pdf"), "signed\n").unwrap();
    std::fs::write(folder.path().join("r/2020-01-02/csv/own.txt"), "mine\n").unwrap();
    let before = crate::support::files(&folder.path().join("r/2020-01-01"));
    let kept = keep(folder.path(), "1", &["-q"]);
    assert_eq!(kept.code, 0, "{}", kept.stderr);
    assert!(
        kept.stderr.contains("r/2020-01-01/csv/summary.csv was changed: 7 bytes instead of"),
        "{}",
        kept.stderr
    );
    assert_eq!(kept.stderr.lines().count(), 1, "{}", kept.stderr);
    assert_eq!(crate::support::files(&folder.path().join("r/2020-01-01")), before);
    // Other files and their folders stay.
    assert_eq!(entries(&folder.path().join("r/2020-01-02")), ["csv", "signed.pdf"]);
    assert_eq!(entries(&folder.path().join("r/2020-01-02/csv")), ["own.txt"]);
}

#[test]
fn run_of_another_list_project_or_report_stays() {
    let folder = template();
    let path = folder.path();
    old_run(path, "r/2020-01-01/wave", at("2020-01-01"), &[], |header| {
        header["endpoint"] = "https://other.example".into();
    });
    old_run(path, "r/2020-01-02/wave", at("2020-01-02"), &[], |_| ());
    for name in ["wave.journal.jsonl", "wave.manifest.json"] {
        // Another list.
        let file = path.join("r/2020-01-02").join(name);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("\"task_id\":\"", "\"task_id\":\"x")).unwrap();
    }
    let again = ["render", "r/2020-01-02/wave.journal.jsonl", "-o", "r/2020-01-02/wave.json"];
    assert!(matches!(run(path, &again).code, 0 | 3));
    old_run(path, "r/2020-01-03/wave", at("2020-01-03"), &[], |header| {
        header["account"] = json!({"project_id": "p-1"});
    });
    old_run(path, "r/2020-01-04/other", at("2020-01-04"), &[], |_| ());
    old_run(path, "r/2020-01-05-old/wave", at("2020-01-05"), &[], |_| ());
    old_run(path, "r/2020-01-06/wave", at("2020-01-06"), &[], |_| ());
    std::fs::remove_file(path.join("r/2020-01-06/wave.manifest.json")).unwrap();
    let before = crate::support::files(&path.join("r"));
    let more = ["-o", "r/{date}/wave.json", "--keep", "1", "--project-id", "p-2"];
    let kept = export(path, &sample_tasks(), &more);
    assert_eq!(kept.code, 0, "{}", kept.stderr);
    let after = crate::support::files(&path.join("r"));
    let lost: Vec<_> = before.keys().filter(|name| !after.contains_key(*name)).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn file_behind_a_symbolic_link_or_named_elsewhere_stays() {
    let folder = nights(&["2020-01-01", "2020-01-02", "2020-01-03"]);
    let path = folder.path();
    std::fs::create_dir(path.join("archive")).unwrap();
    std::fs::rename(path.join("r/2020-01-01"), path.join("archive/2020-01-01")).unwrap();
    std::os::unix::fs::symlink("../archive/2020-01-01", path.join("r/2020-01-01")).unwrap();
    std::fs::rename(path.join("r/2020-01-02/wave.json"), path.join("archive/wave.json")).unwrap();
    std::os::unix::fs::symlink("../../archive/wave.json", path.join("r/2020-01-02/wave.json")).unwrap();
    // A page of its own, made from the same journal.
    let page = ["render", "r/2020-01-03/wave.journal.jsonl", "-o", "r/2020-01-03/page.html"];
    assert_eq!(run(path, &page).code, 0);
    let before = crate::support::files(path);
    let kept = keep(path, "1", &[]);
    assert_eq!(kept.code, 0, "{}", kept.stderr);
    assert_eq!(kept.stderr.matches("is a symbolic link").count(), 2, "{}", kept.stderr);
    assert!(kept.stderr.contains("is named by another manifest in its folder"), "{}", kept.stderr);
    let after = crate::support::files(path);
    assert!(before.keys().all(|name| after.contains_key(name)));
}

#[test]
fn interrupted_removal_is_finished_by_the_next_run() {
    let folder = nights(&["2020-01-01", "2020-01-02", "2020-01-03"]);
    let path = folder.path();
    for name in ["wave.json", "csv/summary.csv", "csv/results.csv"] {
        std::fs::remove_file(path.join("r/2020-01-01").join(name)).unwrap();
    }
    std::fs::remove_file(path.join("r/2020-01-02/wave.json")).unwrap();
    std::fs::remove_dir_all(path.join("r/2020-01-02/csv")).unwrap();
    std::fs::remove_file(path.join("r/2020-01-02/wave.journal.jsonl")).unwrap();
    std::fs::write(path.join("r/2020-01-02/wave.journal.jsonl.lock"), "process 1, since then").unwrap();
    // A journal that is gone while reports are there is no interrupted removal.
    std::fs::remove_file(path.join("r/2020-01-03/wave.journal.jsonl")).unwrap();
    let kept = keep(path, "1", &[]);
    assert_eq!(kept.code, 0, "{}", kept.stderr);
    assert_eq!(dates(path), ["2020-01-03"], "{}", kept.stderr);
}

#[test]
fn unfinished_and_locked_runs_stay() {
    let folder = nights(&["2020-01-01", "2020-01-02", "2020-01-03"]);
    let path = folder.path();
    let journal = path.join("r/2020-01-03/wave.journal.jsonl");
    let text = std::fs::read_to_string(&journal).unwrap();
    let cut = text.trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n";
    std::fs::write(&journal, cut).unwrap();
    let rendered = run(path, &["render", "r/2020-01-03/wave.journal.jsonl", "-o", "r/2020-01-03/wave.json"]);
    assert_eq!(rendered.code, 0, "{}", rendered.stderr);
    let locked = path.join("r/2020-01-01/wave.journal.jsonl");
    let lock = cutover_report::journal::Lock::hold(&locked, Timestamp::now()).unwrap();
    let kept = keep(path, "1", &[]);
    assert_eq!(kept.code, 0, "{}", kept.stderr);
    assert_eq!(dates(path), ["2020-01-01", "2020-01-03"]);
    assert!(kept.stderr.contains("another process has its journal open"), "{}", kept.stderr);
    drop(lock);
    assert_eq!(keep(path, "1", &["--resume"]).code, 0);
    assert_eq!(dates(path), ["2020-01-03"], "a run that is resumed removes too");
}

#[test]
fn run_without_answers_keeps_the_last_complete_run() {
    let folder = template();
    let path = folder.path();
    let down = crate::support::server::Server::start(|_, _| crate::support::server::json(500, "{}"));
    let endpoint = down.url();
    for date in ["2020-01-01", "2020-01-02"] {
        let stem = format!("r/{date}/wave");
        old_run(path, &stem, at(date), &[], |header| header["endpoint"] = endpoint.clone().into());
    }
    let run = run(
        path,
        &[
            "export",
            &sample_tasks(),
            "--endpoint",
            &endpoint,
            "--auth",
            "none",
            "--max-attempts",
            "1",
            "--context",
            "off",
            "-o",
            "r/{date}/wave.json",
            "--keep",
            "1",
            "--rate",
            "1000/s",
        ],
    );
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert_eq!(dates(path), ["2020-01-02"], "{}", run.stderr);
}

#[test]
fn dated_names_with_time_are_runs_of_their_own() {
    let folder = template();
    let path = folder.path();
    for (day, time, start) in [
        ("2020-01-01", "021500", "02:15:00"),
        ("2020-01-01", "031500", "03:15:00"),
        ("2020-01-02", "021500", "02:15:00"),
    ] {
        let stem = format!("r/wave-{day}-{time}");
        let (csv, latest) = (format!("{stem}/"), format!("r/{day}.html"));
        let started = format!("{day}T{start}Z").parse().unwrap();
        old_run(path, &stem, started, &["-o", &csv, "-o", &latest], |_| ());
    }
    std::fs::write(path.join("r/notes.txt"), "mine").unwrap();
    let outputs = ["-o", "r/wave-{date}-{time}.json", "-o", "r/wave-{date}-{time}/", "-o", "r/{date}.html"];
    let kept = export(path, &sample_tasks(), &[&outputs[..], &["--keep", "3"]].concat());
    assert_eq!(kept.code, 0, "{}", kept.stderr);
    let left = entries(&path.join("r"));
    let of = |start: &str| left.iter().filter(|name| name.starts_with(start)).count();
    assert_eq!(of("wave-2020-01-01-021500"), 0, "{left:?}");
    assert_eq!((of("wave-2020-01-01-031500"), of("wave-2020-01-02")), (4, 4), "{left:?}");
    assert!(path.join("r/2020-01-01.html").is_file(), "the later run of the day has written it");
    assert!(path.join("r/notes.txt").is_file());

    let kept = export(path, &sample_tasks(), &[&outputs[..], &["--keep", "1"]].concat());
    assert_eq!(kept.code, 0, "{}", kept.stderr);
    assert!(!kept.stderr.contains("not removed"), "{}", kept.stderr);
    let left = entries(&path.join("r"));
    assert!(
        !left.iter().any(|name| name.contains("2020-")),
        "also what several runs of a day share: {left:?}"
    );
}

#[test]
fn run_that_later_ones_are_compared_with_stays() {
    let folder = nights(&["2020-01-01", "2020-01-02"]);
    let baseline = "r/2020-01-01/wave.journal.jsonl";
    let run = keep(folder.path(), "1", &["--previous", baseline]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(folder.path().join(baseline).is_file(), "{}", run.stderr);
    assert!(!folder.path().join("r/2020-01-02").exists(), "{}", run.stderr);
}

#[test]
fn keep_that_cannot_work_is_refused_before_anything_is_fetched() {
    let folder = tempdir().unwrap();
    for (more, what) in [
        (&["-o", "r/wave.json", "--keep", "3"][..], "needs {date} in the path of the first output"),
        (&["-o", "r/{time}.json", "--keep", "3"], "needs {date} in the path of the first output"),
        (&["--json", "--keep", "3"], "needs {date} in the path of the first output"),
        (&["-o", "r/{date}.json", "--keep", "0"], "write a whole number from 1"),
        (&["-o", "r/{date}.json", "--keep", "0d"], "write a whole number from 1"),
        (&["-o", "r/{date}.json", "--keep", "3", "--no-journal"], "cannot be used with '--no-journal'"),
        (&["-o", "r/{date}.json", "--keep", "3", "--journal", "j.jsonl"], "cannot be used with '--journal"),
        (&["-o", "s3://b/{date}/w.json", "--keep", "3"], "use the bucket's lifecycle rules"),
        (&["-o", "r/{date}.json", "-o", "s3://b/w.json", "--keep", "3"], "use the bucket's lifecycle rules"),
        (&["-o", "r/{date}.json", "--dry-run"], "add --keep, as in --keep 30"),
    ] {
        let refused = export(folder.path(), &sample_tasks(), more);
        assert_eq!(refused.code, 2, "{more:?}: {}", refused.stderr);
        assert!(refused.stderr.contains(what), "{more:?}: {}", refused.stderr);
    }
    assert!(entries(folder.path()).is_empty());
}
