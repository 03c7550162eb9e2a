//! Waivers: the sample data rendered with and without.

use std::io::Read as _;
use std::path::Path;

use crate::support::{Run, Workbook, csv, files, run, sample_tasks};
use serde_json::{Value, json};
use tempfile::TempDir;

const ARCHIVE: &str = "log-archive-01";
const DATABASE: &str = "db-orders-01";
const REASON: &str = "logs rotated out after the copy";
const WAIVED: &str = "logs rotated out after the copy (J. Doe, CHG-17, until 2099-12-31)";

/// A folder with the journal of the sample data, and with the sample's waivers.
fn exported() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let list = sample_tasks();
    let arguments = [
        "export",
        &list,
        "--endpoint",
        "embedded",
        "--rate",
        "1000/s",
        "--journal",
        "j.jsonl",
        "-o",
        "first.csv",
    ];
    assert_eq!(run(folder.path(), &arguments).code, 0);
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/waivers.toml");
    std::fs::copy(sample, folder.path().join("waivers.toml")).unwrap();
    folder
}

fn render(folder: &Path, more: &[&str]) -> Run {
    run(folder, &[&["render", "j.jsonl", "--fail-on", "inconsistent"], more].concat())
}

fn task<'a>(summary: &'a Value, name: &str) -> &'a Value {
    let mut tasks = summary["tasks"].as_array().unwrap().iter();
    tasks.find(|task| task["source_server"] == name).unwrap()
}

fn summary(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The conditional formats of a sheet, in their order.
fn rules(workbook: &Path, sheet: usize) -> Vec<String> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(workbook).unwrap()).unwrap();
    let mut xml = String::new();
    archive.by_name(&format!("xl/worksheets/sheet{sheet}.xml")).unwrap().read_to_string(&mut xml).unwrap();
    let rules = xml.split("<formula>").skip(1).map(|rest| rest.split_once("</formula>").unwrap().0);
    rules.map(|rule| rule.replace("&lt;", "<").replace("&gt;", ">")).collect()
}

#[test]
fn waived_differences_are_shown_with_reason() {
    let folder = exported();
    let outputs = ["-o", "r.xlsx", "-o", "csv/", "-o", "r.json", "--waivers", "waivers.toml"];
    let rendered = render(folder.path(), &outputs);
    assert_eq!(rendered.code, 4, "db-orders-01 is waived in part alone: {}", rendered.stderr);
    assert!(rendered.stderr.contains("7 of 12 tasks pass"), "{}", rendered.stderr);
    let expired = "waivers.toml:20:1: this waiver expired on 2026-01-31; rows that it would cover: 1";
    assert!(rendered.stderr.contains(expired), "{}", rendered.stderr);
    assert!(!rendered.stderr.contains("waivers.toml:29"), "an unused one is not worth a word");

    let path = folder.path().join("r.xlsx");
    let workbook = Workbook::open(&path);
    let rows = workbook.summary();
    let verdict =
        |name: &str| rows.iter().find(|row| row["Source server"] == name).unwrap()["Verdict"].as_str();
    assert_eq!((verdict(ARCHIVE), verdict(DATABASE)), ("Accepted", "Inconsistent"));
    let table = workbook.table(ARCHIVE, "Verification");
    assert_eq!(table[0][8..], ["Consistent", "Waiver"]);
    assert_eq!([&table[1][9], &table[2][9]], ["", WAIVED]);
    assert_eq!(table[2][6..8], ["327", "41"], "what is waived is not hidden");
    let sheet = |name: &str| workbook.names.iter().position(|other| other == name).unwrap() + 1;
    let of_column = ["AND($J8<>\"\",$F8>0)".to_owned(), "0".to_owned()];
    for task in [ARCHIVE, DATABASE] {
        let rules = rules(&path, sheet(task));
        assert!(rules.windows(2).any(|pair| *pair == of_column), "what is waived looks otherwise: {rules:?}");
    }

    let about = format!("{:?}", workbook.sheets["About"]);
    for words in [
        "differences are waived as waivers.toml says",
        &format!(
            "{WAIVED}; task log-archive-01, directory /srv/archive/*; \
                  at most 0 different, 400 missing, 50 redundant; rows covered: 1"
        ),
        "EXPIRED, does not count; rows that it would cover: 1",
        "UNUSED: covers no row",
    ] {
        assert!(about.contains(words), "{words}");
    }

    for (name, column) in [(ARCHIVE, 9), (DATABASE, 9)] {
        let of_task = csv(&folder.path().join(format!("csv/tasks/{name}.csv")));
        let shown: Vec<_> =
            workbook.table(name, "Verification").iter().map(|row| row[column].clone()).collect();
        assert_eq!(of_task.iter().map(|row| row[column].clone()).collect::<Vec<_>>(), shown);
    }
    let results = csv(&folder.path().join("csv/results.csv"));
    assert_eq!(results[0].last().unwrap(), "Waiver");
    assert_eq!(results.iter().filter(|row| row.last().unwrap() == WAIVED).count(), 1);

    let json = summary(&folder.path().join("r.json"));
    assert_eq!(json["counts"]["accepted"], 1);
    assert_eq!(
        json["waivers"][0],
        json!({"task": "log-archive-01", "directory": "/srv/archive/*", "max_different": 0, "max_missing": 400,
               "max_redundant": 50, "reason": REASON, "owner": "J. Doe", "ticket": "CHG-17",
               "expires": "2099-12-31", "expired": false, "covered_rows": 1})
    );
    let outcome =
        |place: usize| (&json["waivers"][place]["expired"], &json["waivers"][place]["covered_rows"]);
    assert_eq!(outcome(2), (&json!(true), &json!(0)));
    assert_eq!(outcome(3), (&json!(false), &json!(0)));
    assert_eq!(
        task(&json, ARCHIVE)["waived"],
        json!([{"directory": "/srv/archive/2025", "different": 0, "missing": 327, "redundant": 41, "reason": REASON,
                "owner": "J. Doe", "ticket": "CHG-17", "expires": "2099-12-31"}])
    );
    assert_eq!(task(&json, ARCHIVE)["notes"], json!([format!("1 directory waived: {REASON}")]));
    assert_eq!(
        task(&json, DATABASE)["notes"],
        json!([
            "1 directory waived: WAL files are replayed at the cutover",
            "a waiver expired on 2026-01-31"
        ])
    );
    assert_eq!(task(&json, "web-prod-01")["waived"], json!([]));
}

#[test]
fn run_with_all_differences_waived_passes_fail_on() {
    let folder = exported();
    let all = "[[waiver]]\nreason = '=1+1'\nmax_different = 500\nmax_missing = 500\nmax_redundant = 500\n";
    std::fs::write(folder.path().join("all.toml"), all).unwrap();
    let rendered = render(folder.path(), &["-o", "r.json", "-o", "r.csv", "--waivers", "all.toml"]);
    assert_eq!(rendered.code, 0, "{}", rendered.stderr);
    let json = summary(&folder.path().join("r.json"));
    assert_eq!((&json["counts"]["inconsistent"], &json["counts"]["accepted"]), (&json!(0), &json!(2)));
    assert_eq!(json["waivers"][0]["covered_rows"], 6, "three rows of older verifications too");
    let results = csv(&folder.path().join("r.csv"));
    let waived = results.iter().filter(|row| row.last().unwrap() == "'=1+1");
    assert_eq!(waived.count(), 6, "a spreadsheet would not run it");
    let gate = render(folder.path(), &["-o", "r.json", "--waivers", "all.toml", "--fail-on", "accepted"]);
    assert_eq!(gate.code, 4);
}

#[test]
fn outputs_without_waivers_do_not_mention_them() {
    let folder = exported();
    let with = ["-o", "csv/", "--waivers", "waivers.toml"];
    assert_eq!(render(folder.path(), &with).code, 4);
    // A stale task file with the waivers column.
    let tasks = folder.path().join("csv/tasks");
    std::fs::copy(tasks.join(format!("{ARCHIVE}.csv")), tasks.join("gone.csv")).unwrap();
    assert_eq!(render(folder.path(), &["-o", "csv/", "-o", "r.json", "-o", "r.xlsx"]).code, 4);
    assert!(!tasks.join("gone.csv").exists(), "a file of an earlier run does not pass for one of this");
    for (path, content) in files(&folder.path().join("csv")) {
        assert!(!String::from_utf8(content).unwrap().contains("Waiver"), "{}", path.display());
    }
    let json = summary(&folder.path().join("r.json"));
    assert!(json.get("waivers").is_none() && task(&json, ARCHIVE).get("waived").is_none());
    let workbook = Workbook::open(&folder.path().join("r.xlsx"));
    assert_eq!(workbook.table(ARCHIVE, "Verification")[0].last().unwrap(), "Consistent");
}

#[test]
fn same_journal_and_waivers_give_same_bytes_in_any_language() {
    let folder = exported();
    let rendered = |out: &str| {
        let zh = ["--waivers", "waivers.toml", "--language", "zh"];
        assert_eq!(render(folder.path(), &[&["-o", out][..], &zh].concat()).code, 4);
        std::fs::read(folder.path().join(out)).unwrap()
    };
    assert!(rendered("one.xlsx") == rendered("two.xlsx"));
    assert!(rendered("one.zip") == rendered("two.zip"));
    let workbook = Workbook::open(&folder.path().join("one.xlsx"));
    let sheet = format!("{:?}", workbook.sheets[ARCHIVE]);
    for words in ["豁免", "已豁免", "有效期至2099-12-31", "1个目录的差异已豁免"] {
        assert!(sheet.contains(words), "{words}");
    }
}

#[test]
fn invalid_waiver_file_stops_before_fetching() {
    let folder = tempfile::tempdir().unwrap();
    let list = sample_tasks();
    let export = |waivers: &str, out: &str| {
        run(folder.path(), &["export", &list, "--endpoint", "embedded", "--waivers", waivers, "-o", out])
    };
    std::fs::write(folder.path().join("w.toml"), "[[waiver]]\nmax_missing = -1\n").unwrap();
    for (waivers, out, reported) in [
        (
            "w.toml",
            "r.csv",
            &["w.toml:1:1: `reason` is missing", "w.toml:2:15: `max_missing` must be a whole"][..],
        ),
        ("none.toml", "r.csv", &["cannot read waiver file none.toml: "]),
    ] {
        let refused = export(waivers, out);
        assert_eq!(refused.code, 2, "{}", refused.stderr);
        assert!(reported.iter().all(|reported| refused.stderr.contains(reported)), "{}", refused.stderr);
    }
    std::fs::write(folder.path().join("w.csv"), "[[waiver]]\nreason = 'x'\n").unwrap();
    let refused = export("w.csv", "w.csv");
    assert_eq!(refused.code, 2);
    for reported in ["w.csv:1:1: this waiver covers nothing", "-o w.csv would overwrite the waivers w.csv"] {
        assert!(refused.stderr.contains(reported), "{}", refused.stderr);
    }
    let left: Vec<_> = files(folder.path()).into_keys().collect();
    assert_eq!(left, [Path::new("w.csv"), Path::new("w.toml")], "no journal, so nothing was fetched");
}
