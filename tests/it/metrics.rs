//! Metrics: the file of `-o X.prom`, read by a strict parser.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::{Run, run, sample_tasks};
use serde_json::Value;
use tempfile::tempdir;

/// Samples by metric and labels other than `report`.
type Samples = BTreeMap<String, BTreeMap<String, f64>>;

fn read(path: &Path) -> Samples {
    let text = std::fs::read_to_string(path).unwrap();
    let report = path.file_stem().unwrap().to_str().unwrap();
    assert!(text.ends_with('\n') && !text.contains("\n\n"), "{text}");
    let mut samples = Samples::new();
    let mut lines = text.lines().peekable();
    while let Some(help) = lines.next() {
        let (name, words) = help.strip_prefix("# HELP ").unwrap().split_once(' ').unwrap();
        assert!(name.starts_with("cutover_report_") && !words.is_empty(), "{help}");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        assert_eq!(lines.next().unwrap(), format!("# TYPE {name} gauge"));
        let mut of_this = BTreeMap::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
            let (mut labels, rest) = labels(line.strip_prefix(name).unwrap());
            assert_eq!(labels.remove("report").as_deref(), Some(report), "{line}");
            let key: Vec<String> =
                labels.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
            let value = rest.strip_prefix(' ').unwrap();
            assert!(value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'), "no timestamp: {line}");
            assert!(of_this.insert(key.join(","), value.parse().unwrap()).is_none(), "twice: {line}");
        }
        assert!(!of_this.is_empty(), "{name} has no sample");
        assert!(samples.insert(name.to_owned(), of_this).is_none(), "{name} is there twice");
    }
    samples
}

/// The labels at the beginning of `text`, unescaped, and what follows them.
fn labels(text: &str) -> (BTreeMap<String, String>, &str) {
    let mut rest = text.strip_prefix('{').unwrap();
    let mut labels = BTreeMap::new();
    loop {
        let (name, after) = rest.split_once("=\"").unwrap();
        let mut value = String::new();
        let mut characters = after.char_indices();
        let end = loop {
            match characters.next().unwrap() {
                (at, '"') => break at,
                (_, '\\') => value.push(match characters.next().unwrap().1 {
                    'n' => '\n',
                    plain @ ('\\' | '"') => plain,
                    other => panic!("\\{other} is no escape"),
                }),
                (_, plain) => value.push(plain),
            }
        };
        assert!(labels.insert(name.to_owned(), value).is_none(), "{name} is there twice");
        match after[end + 1..].strip_prefix('}') {
            Some(rest) => return (labels, rest),
            None => rest = after[end + 1..].strip_prefix(',').unwrap(),
        }
    }
}

fn value(samples: &Samples, name: &str) -> Option<f64> {
    samples.get(&format!("cutover_report_{name}")).map(|samples| samples[""])
}

fn export(folder: &Path, more: &[&str]) -> Run {
    run(folder, &[&["export", "--endpoint", "embedded", "--rate", "1000/s"][..], more].concat())
}

#[test]
fn metrics_match_the_summary() {
    let folder = tempdir().unwrap();
    let tasks = sample_tasks();
    let exported = export(folder.path(), &[&tasks, "-o", "wave.prom", "-o", "summary.json"]);
    assert_eq!((exported.code, exported.stdout.as_str()), (0, "wave.prom\nsummary.json\n"));
    let samples = read(&folder.path().join("wave.prom"));
    let summary: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("summary.json")).unwrap()).unwrap();
    let by_verdict = &samples["cutover_report_tasks"];
    let counts = summary["counts"].as_object().unwrap();
    assert_eq!((by_verdict.len(), counts.len()), (9, 9));
    for (verdict, count) in counts {
        assert_eq!(Some(by_verdict[&format!("verdict={verdict}")]), count.as_f64(), "{verdict}");
    }
    let time = |text: &Value| text.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let seconds = |duration: jiff::SignedDuration| Some(duration.as_secs_f64());
    let [began, ended] = ["started_at", "ended_at"].map(|key| time(&summary["run"][key]));
    assert_eq!(value(&samples, "run_duration_seconds"), seconds(ended.duration_since(began)));
    for name in ["last_run_timestamp_seconds", "last_success_timestamp_seconds"] {
        assert_eq!(value(&samples, name), seconds(ended.as_duration()), "{name}");
    }
    let verified = summary["tasks"].as_array().unwrap().iter().map(|task| &task["last_verified"]);
    let oldest = verified.filter(|verified| !verified.is_null()).map(time).min().unwrap();
    assert_eq!(value(&samples, "oldest_verification_age_seconds"), seconds(ended.duration_since(oldest)));
    for name in ["last_run_success", "run_finished", "sample_data"] {
        assert_eq!(value(&samples, name), Some(1.0), "{name}");
    }
    assert_eq!((value(&samples, "requests"), value(&samples, "retries")), (Some(12.0), Some(0.0)));
    let again = run(folder.path(), &["render", "wave.journal.jsonl", "-o", "again/wave.prom"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    let [one, two] =
        ["wave.prom", "again/wave.prom"].map(|name| std::fs::read(folder.path().join(name)).unwrap());
    assert!(one == two, "the same journal gives the same bytes");
    assert_eq!(samples["cutover_report_build_info"][concat!("version=", env!("CARGO_PKG_VERSION"))], 1.0);
}

#[test]
fn metrics_report_retries_and_an_unfinished_run() {
    let folder = tempdir().unwrap();
    let tasks = sample_tasks();
    assert_eq!(export(folder.path(), &[&tasks, "-o", "a.prom"]).code, 0);
    let journal = std::fs::read_to_string(folder.path().join("a.journal.jsonl")).unwrap();
    let mut lines: Vec<String> = journal.lines().map(|line| format!("{line}\n")).collect();
    // Drop the footer and the last task.
    lines.truncate(12);
    lines[3] = lines[3].replacen("\"attempts\":1", "\"attempts\":4", 1);
    std::fs::write(folder.path().join("b.jsonl"), lines.concat()).unwrap();
    assert_eq!(run(folder.path(), &["render", "b.jsonl", "-o", "b.prom"]).code, 3);
    let samples = read(&folder.path().join("b.prom"));
    assert_eq!((value(&samples, "requests"), value(&samples, "retries")), (Some(14.0), Some(3.0)));
    for name in ["last_run_success", "run_finished"] {
        assert_eq!(value(&samples, name), Some(0.0), "{name}");
    }
    assert_eq!(value(&samples, "last_success_timestamp_seconds"), None);
    // All tasks, but no footer.
    std::fs::write(folder.path().join("b.jsonl"), journal.split_inclusive('\n').take(13).collect::<String>())
        .unwrap();
    assert_eq!(run(folder.path(), &["render", "b.jsonl", "-o", "b.prom"]).code, 0);
    assert_eq!(value(&read(&folder.path().join("b.prom")), "last_run_success"), Some(0.0));
}

#[test]
fn failed_run_keeps_the_last_success_time() {
    let folder = tempdir().unwrap();
    let tasks = sample_tasks();
    let path = folder.path().join("night \"1\"\\2.prom");
    let name = path.file_name().unwrap().to_str().unwrap();
    assert_eq!(export(folder.path(), &[&tasks, "-o", name, "--fail-on", "inconsistent"]).code, 4);
    let success = value(&read(&path), "last_success_timestamp_seconds");
    assert!(success.is_some(), "a finding is no failure of the run");
    for _ in 0..2 {
        assert_eq!(export(folder.path(), &["--task", "none", "-o", name]).code, 3);
        let samples = read(&path);
        assert_eq!(value(&samples, "last_run_success"), Some(0.0));
        assert_eq!(value(&samples, "last_success_timestamp_seconds"), success);
        assert!(value(&samples, "last_run_timestamp_seconds") > success);
        assert_eq!(value(&samples, "oldest_verification_age_seconds"), None);
    }
    let metric = "cutover_report_last_success_timestamp_seconds";
    let garbage = [
        String::new(),
        format!("{metric}{{}} NaN\n"),
        format!("{metric}_other 5\n"),
        format!("{metric} soon\n# {metric} 5\n"),
    ];
    let garbage = garbage.iter().map(String::as_bytes).chain([&b"\xff\xfe\n"[..]]);
    for content in garbage {
        std::fs::write(&path, content).unwrap();
        assert_eq!(export(folder.path(), &["--task", "none", "-o", name]).code, 3);
        assert_eq!(value(&read(&path), "last_success_timestamp_seconds"), None);
    }
    std::fs::write(&path, format!("{metric} 1.7e9\n")).unwrap();
    assert_eq!(export(folder.path(), &["--task", "none", "-o", name]).code, 3);
    assert_eq!(value(&read(&path), "last_success_timestamp_seconds"), Some(1.7e9));
}
