//! Sharded runs and merges, with the real program.

use std::path::{Path, PathBuf};

use crate::support::{Run, Workbook, csv, files, run, run_with, sample_tasks};
use cutover_report::service::{Service, Settings};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

/// A service with the sample data, for as long as the runtime lives.
fn serve() -> (tokio::runtime::Runtime, String) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let service =
        runtime.block_on(Service::start("127.0.0.1:0".parse().unwrap(), Settings::default())).unwrap();
    let endpoint = format!("http://{}", service.address());
    // Ended with the runtime.
    std::mem::forget(service);
    (runtime, endpoint)
}

/// The sample tasks of each of four shards, numbered from 0, computed by Python:
/// `int.from_bytes(hashlib.sha256(id.encode()).digest()[:8], "big") % 4`.
const OF_FOUR: [&[usize]; 4] = [&[0, 1, 5], &[8, 10], &[2], &[3, 4, 6, 7, 9, 11]];

fn sample_ids() -> Vec<String> {
    csv(Path::new(&sample_tasks()))[1..].iter().map(|row| row[0].clone()).collect()
}

fn export(folder: &Path, endpoint: &str, variables: &[(&str, &str)], more: &[&str]) -> Run {
    let tasks = sample_tasks();
    let fixed = ["export", &tasks, "--endpoint", endpoint, "--auth", "none", "--rate", "1000/s"];
    run_with(folder, variables, &[&fixed[..], more].concat())
}

fn json(path: PathBuf) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn ids(document: &Value) -> Vec<&str> {
    document["tasks"].as_array().unwrap().iter().map(|task| task["task_id"].as_str().unwrap()).collect()
}

/// The journals of four shards of the sample tasks, `1.jsonl` to `4.jsonl`, beside a whole run's `one/`.
fn four_shards() -> TempDir {
    let folder = tempdir().unwrap();
    let (_service, endpoint) = serve();
    for shard in 1..=4 {
        let (shard, out) = (format!("{shard}/4"), format!("{shard}.json"));
        let journal = format!("{}.jsonl", &shard[..1]);
        let run =
            export(folder.path(), &endpoint, &[], &["--shard", &shard, "--journal", &journal, "-o", &out]);
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    assert_eq!(export(folder.path(), &endpoint, &[], &["-o", "one/", "-o", "one.xlsx"]).code, 0);
    folder
}

#[test]
fn four_merged_shards_equal_one_run() {
    let folder = four_shards();
    let path = |name: &str| folder.path().join(name);
    let whole = sample_ids();
    for (shard, expected) in (1..).zip(OF_FOUR) {
        let document = json(path(&format!("{shard}.json")));
        let expected: Vec<&str> = expected.iter().map(|place| whole[*place].as_str()).collect();
        assert_eq!(ids(&document), expected, "{shard}/4");
        assert_eq!(document["run"]["shard"], serde_json::json!({"index": shard, "of": 4, "list_tasks": 12}));
    }
    let inputs = ["3.jsonl", "1.jsonl", "4.jsonl", "2.jsonl"];
    let outputs = ["-o", "all.jsonl", "-o", "all/", "-o", "all.xlsx", "-o", "all.json"];
    let merged = run(folder.path(), &[&["merge"], &inputs[..], &outputs[..]].concat());
    assert_eq!(merged.code, 0, "{}", merged.stderr);
    assert_eq!(merged.stdout, "all.jsonl\nall/\nall.xlsx\nall.json\n");

    // Every file of the CSV workbook is the same, except request ids and times.
    let (mut one, mut all) = (files(&path("one")), files(&path("all")));
    let summary = Path::new("summary.csv");
    assert!(one.remove(summary).is_some() && all.remove(summary).is_some());
    assert!(one == all && one.len() == 13);
    let table = |name: &str| -> Vec<Vec<String>> {
        let mut table = csv(&path(name).join("summary.csv"));
        let place = table[0].iter().position(|heading| heading == "Request ID").unwrap();
        table.iter_mut().for_each(|row| row[place].clear());
        table
    };
    assert_eq!(table("one"), table("all"));
    let sheets = |name: &str| Workbook::open(&path(name)).names;
    assert_eq!(sheets("one.xlsx"), sheets("all.xlsx"));
    let about = format!("{:?}", Workbook::open(&path("all.xlsx")).sheets["About"]);
    assert!(about.contains("Merged from") && about.contains("shard 4/4"), "{about}");
    let document = json(path("all.json"));
    assert_eq!(document["run"]["merged_from"].as_array().unwrap().len(), 4);
    assert_eq!(document["run"]["missing"], serde_json::json!({"shards": [], "tasks": 0}));

    // The merged journal is a normal journal.
    assert!(!path("all.jsonl.lock").exists());
    assert_eq!(run(folder.path(), &["verify", "all.manifest.json"]).code, 0);
    let rendered = run(folder.path(), &["render", "all.jsonl", "-o", "again/", "-o", "again.xlsx"]);
    assert_eq!(rendered.code, 0, "{}", rendered.stderr);
    assert_eq!(files(&path("again")), files(&path("all")));
    assert!(std::fs::read(path("again.xlsx")).unwrap() == std::fs::read(path("all.xlsx")).unwrap());
    let changes =
        run(folder.path(), &["diff", "one.journal.jsonl", "all.jsonl", "--fail-on", "worse,gone,new"]);
    assert_eq!(changes.code, 0, "{}", changes.stderr);

    // In any order, and with one of them twice.
    let again = ["merge", "4.jsonl", "2.jsonl", "1.jsonl", "2.jsonl", "3.jsonl", "-o", "other.jsonl"];
    assert_eq!(run(folder.path(), &again).code, 0);
    assert!(std::fs::read(path("other.jsonl")).unwrap() == std::fs::read(path("all.jsonl")).unwrap());
}

#[test]
fn missing_shard_is_named_in_every_output() {
    let folder = four_shards();
    let path = |name: &str| folder.path().join(name);
    let outputs =
        ["-o", "part.jsonl", "-o", "part.json", "-o", "part.xlsx", "-o", "part.prom", "-o", "part.md"];
    let merge = ["-q", "merge", "1.jsonl", "4.jsonl", "2.jsonl"];
    let merged = run(folder.path(), &[&merge[..], &outputs[..]].concat());
    assert_eq!(merged.code, 3, "{}", merged.stderr);
    assert!(merged.stderr.contains("warning: shard 3/4 is missing"), "{}", merged.stderr);
    let lost = OF_FOUR[2].len();
    let headline = format!("missing shards: 3/4, with {lost} tasks");
    assert!(
        merged.stderr.contains(&headline) && merged.stderr.contains("of 12 tasks pass"),
        "{}",
        merged.stderr
    );
    let document = json(path("part.json"));
    assert_eq!(document["run"]["missing"], serde_json::json!({"shards": ["3/4"], "tasks": lost}));
    assert_eq!(ids(&document).len(), 12 - lost);
    let workbook = Workbook::open(&path("part.xlsx"));
    for sheet in ["Overview", "About"] {
        assert!(workbook.says(sheet, &headline), "{sheet}");
    }
    assert!(std::fs::read_to_string(path("part.md")).unwrap().contains(&headline));
    let metrics = std::fs::read_to_string(path("part.prom")).unwrap();
    assert!(metrics.contains("last_run_success{report=\"part\"} 0"), "{metrics}");

    assert_eq!(run(folder.path(), &["render", "part.jsonl", "-o", "r.csv"]).code, 3, "it lacks it still");
    let gate = [&merge[..], &["-o", "g.csv", "--fail-on", "inconsistent"]].concat();
    assert_eq!(run(folder.path(), &gate).code, 4, "as elsewhere, --fail-on wins");
    let whole = run(folder.path(), &["merge", "part.jsonl", "3.jsonl", "-o", "whole.json"]);
    assert_eq!(whole.code, 0, "{}", whole.stderr);
    assert_eq!(ids(&json(path("whole.json"))), sample_ids());
    let left: Vec<PathBuf> =
        files(folder.path()).into_keys().filter(|path| path.ends_with("whole.jsonl")).collect();
    assert!(left.is_empty(), "a journal is written where one is asked for");
}

#[test]
fn auto_shard_is_read_from_the_environment() {
    let (_service, endpoint) = serve();
    let folder = tempdir().unwrap();
    let whole = sample_ids();
    for (variables, shard) in [
        (&[("JOB_COMPLETION_INDEX", "2")][..], 3),
        (&[("SLURM_ARRAY_TASK_ID", "2")], 2),
        (&[("SLURM_ARRAY_TASK_ID", "0"), ("SLURM_ARRAY_TASK_MIN", "0")], 1),
    ] {
        let run = export(folder.path(), &endpoint, variables, &["--shard", "auto/4", "-o", "s.json"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let share = format!("shard {shard}/4: {} of 12 tasks, at 250/s", OF_FOUR[shard - 1].len());
        assert!(run.stderr.contains(&share), "{}", run.stderr);
        let expected: Vec<&str> = OF_FOUR[shard - 1].iter().map(|place| whole[*place].as_str()).collect();
        assert_eq!(ids(&json(folder.path().join("s.json"))), expected);
    }
    for (variables, shard) in
        [(&[][..], "auto/4"), (&[("JOB_COMPLETION_INDEX", "4")], "auto/4"), (&[], "5/4"), (&[], "0/4")]
    {
        let run = export(folder.path(), &endpoint, variables, &["--shard", shard, "-o", "no.json"]);
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(!folder.path().join("no.json").exists());
    }
}

#[test]
fn empty_shard_is_valid() {
    let (_service, endpoint) = serve();
    let folder = tempdir().unwrap();
    let id = &sample_ids()[0];
    let mut journals = Vec::new();
    for shard in 1..=3 {
        let (shard, out) = (format!("{shard}/3"), format!("{shard}.xlsx"));
        let arguments =
            ["export", "--task", id, "--endpoint", &endpoint, "--auth", "none", "--shard", &shard];
        let exported = run(folder.path(), &[&arguments[..], &["-o", &out, "-o", "s.prom"]].concat());
        assert_eq!(exported.code, 0, "{}", exported.stderr);
        let metrics = std::fs::read_to_string(folder.path().join("s.prom")).unwrap();
        assert!(metrics.contains("last_run_success{report=\"s\"} 1"), "{metrics}");
        journals.push(format!("{}.journal.jsonl", &shard[..1]));
    }
    let journals: Vec<&str> = journals.iter().map(String::as_str).collect();
    let merged = run(folder.path(), &[&["merge"], &journals[..], &["-o", "all.json"]].concat());
    assert_eq!(merged.code, 0, "{}", merged.stderr);
    assert_eq!(ids(&json(folder.path().join("all.json"))), [id]);
}

#[test]
fn shards_divide_the_reconciliation() {
    let folder = tempdir().unwrap();
    let sample = std::fs::read_to_string(sample_tasks()).unwrap();
    let mut lines: Vec<&str> = sample.lines().collect();
    let forgotten = lines.remove(2).split(',').next().unwrap();
    lines.push("not-there,s1,ghost-01");
    std::fs::write(folder.path().join("plan.csv"), lines.join("\n")).unwrap();
    let (_service, endpoint) = serve();
    for shard in ["1/2", "2/2"] {
        let journal = format!("{}.jsonl", &shard[..1]);
        let arguments = ["export", "plan.csv", "--endpoint", &endpoint, "--auth", "none", "--reconcile"];
        let more = ["--shard", shard, "--rate", "1000/s", "--journal", &journal, "-o", "s.json"];
        run(folder.path(), &[&arguments[..], &more].concat());
    }
    let merged = run(folder.path(), &["merge", "1.jsonl", "2.jsonl", "-o", "all.json"]);
    assert_eq!(merged.code, 3, "a declared task is not there: {}", merged.stderr);
    let found = &json(folder.path().join("all.json"))["reconciliation"];
    assert_eq!(found["declared_not_found"], serde_json::json!(["not-there"]));
    assert_eq!(found["found_not_declared"].as_array().unwrap().len(), 1);
    assert_eq!(found["found_not_declared"][0]["task_id"], forgotten);
}

#[test]
fn same_id_in_two_regions_is_two_tasks() {
    let folder = tempdir().unwrap();
    let services = [serve(), serve()];
    let mut endpoints: Vec<&str> = services.iter().map(|(_, endpoint)| endpoint.as_str()).collect();
    for (number, endpoint) in endpoints.iter().enumerate() {
        let out = format!("{number}.json");
        assert_eq!(export(folder.path(), endpoint, &[], &["-o", &out]).code, 0);
    }
    endpoints.sort_unstable();
    let merge = ["merge", "0.journal.jsonl", "1.journal.jsonl", "-o", "all.jsonl", "-o", "all.json"];
    let merged = run(folder.path(), &merge);
    assert_eq!(merged.code, 0, "{}", merged.stderr);
    let document = json(folder.path().join("all.json"));
    assert_eq!(ids(&document), [sample_ids(), sample_ids()].concat());
    assert_eq!(document["run"]["endpoint"], endpoints.join(", "));
    for (place, task) in document["tasks"].as_array().unwrap().iter().enumerate() {
        assert_eq!(task["labels"]["endpoint"], endpoints[place / 12]);
    }
    let changes = |old: &str, new: &str| run(folder.path(), &["diff", old, new]).stderr;
    let with_itself = changes("all.jsonl", "all.jsonl");
    assert!(with_itself.contains("24 same;"), "{with_itself}");
    let with_one = changes("0.journal.jsonl", "all.jsonl");
    assert!(with_one.contains("12 new, 12 same;"), "{with_one}");
}

#[test]
fn invalid_merges_are_reported() {
    let folder = four_shards();
    let (_service, endpoint) = serve();
    let ids = sample_ids();
    // With another number of shards, another list, and another endpoint.
    let arguments =
        |shard: &'static str, journal: &'static str| ["--shard", shard, "--journal", journal, "-o", "x.json"];
    let path = |name: &str| folder.path().join(name);
    let endpoint_of_four = json_line(&path("1.jsonl"))["endpoint"].as_str().unwrap().to_owned();
    export(folder.path(), &endpoint, &[], &arguments("1/3", "three.jsonl"));
    export(folder.path(), &endpoint, &[], &arguments("2/4", "elsewhere.jsonl"));
    let short = ["export", "--task", &ids[0], "--endpoint", &endpoint, "--auth", "none"];
    run(folder.path(), &[&short[..], &arguments("2/4", "short.jsonl")].concat());
    for name in ["three.jsonl", "short.jsonl"] {
        let text = std::fs::read_to_string(path(name)).unwrap();
        std::fs::write(path(name), text.replacen(&endpoint, &endpoint_of_four, 1)).unwrap();
    }
    let reported = |inputs: &[&str], out: &str| {
        let run = run(folder.path(), &[&["merge"], inputs, &["-o", out]].concat());
        format!("{}: {}", run.code, run.stderr.lines().next().unwrap_or_default())
    };
    let before = std::fs::read(path("1.jsonl")).unwrap();
    std::fs::write(path("letter.txt"), "a letter\n").unwrap();
    let reported = [
        reported(&["1.jsonl", "three.jsonl"], "m.json"),
        reported(&["1.jsonl", "short.jsonl"], "m.json"),
        reported(&["1.jsonl", "letter.txt"], "m.json"),
        reported(&["1.jsonl", "2.jsonl"], "1.jsonl"),
        reported(&["1.jsonl"], "m.txt"),
    ];
    insta::assert_snapshot!(reported.join("\n"));
    assert!(!path("m.json").exists() && std::fs::read(path("1.jsonl")).unwrap() == before);

    // Shards of another endpoint are separate, and each list has its own missing shards.
    let run = run(folder.path(), &["merge", "1.jsonl", "elsewhere.jsonl", "-o", "m.json"]);
    let lacking = run.stderr.lines().filter(|line| line.starts_with("warning: shard ")).count();
    assert_eq!((run.code, lacking), (3, 6), "{}", run.stderr);
}

#[test]
fn shard_journal_resumes_only_as_the_same_shard() {
    let folder = tempdir().unwrap();
    let (_service, endpoint) = serve();
    let of_job = |index: &str| {
        let fixed = ["--shard", "auto/4", "--journal", "1.jsonl", "-o", "1.json", "--resume"];
        export(folder.path(), &endpoint, &[("JOB_COMPLETION_INDEX", index)], &fixed)
    };
    let first = of_job("0");
    assert_eq!(first.code, 0, "a pod's first run has nothing to go on with: {}", first.stderr);
    let journal = folder.path().join("1.jsonl");
    let text = std::fs::read_to_string(&journal).unwrap();
    let whole = std::fs::read(folder.path().join("1.json")).unwrap();
    // Killed while its second answer was written: header, one answer, and a truncated line.
    let kept: String = text.split_inclusive('\n').take(2).collect();
    std::fs::write(&journal, format!("{kept}{{\"task_id\":")).unwrap();
    let other = of_job("1");
    assert_eq!(other.code, 1, "{}", other.stderr);
    assert!(
        other.stderr.contains("it contains shard 1/4, but this run fetches shard 2/4"),
        "{}",
        other.stderr
    );
    let again = of_job("0");
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(again.stderr.contains("1 of 3 tasks have answers, 2 to fetch"), "{}", again.stderr);
    let ids_of = |bytes: &[u8]| -> Vec<String> {
        ids(&serde_json::from_slice(bytes).unwrap()).into_iter().map(str::to_owned).collect()
    };
    assert_eq!(ids_of(&std::fs::read(folder.path().join("1.json")).unwrap()), ids_of(&whole));
}

fn json_line(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::from_str(text.lines().next().unwrap()).unwrap()
}
