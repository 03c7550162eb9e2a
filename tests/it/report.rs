//! Reports of unusual journals: hostile texts, faults, full sheets.

use std::path::Path;

use crate::support::journal::{answer, journal};
use crate::support::{Workbook, csv};
use cutover_report::journal::{Answered, Failed, Outcome};
use cutover_report::model::Language;
use cutover_report::output::{self, CsvOptions, FileOptions, Target};
use cutover_report::report::{Options, Policy, Report, Template, View, Zone};
use proptest::prelude::*;

fn options(rows_per_sheet: u64) -> Options {
    let policy = Policy { max_age: None, not_before: None };
    Options {
        timezone: Zone::named("UTC").unwrap(),
        language: Language::English,
        template: Template::built_in("standard").unwrap(),
        policy,
        waivers: None,
        view: View::default(),
        needs_context: false,
        rows_per_sheet,
    }
}

fn write(report: &Report<'_>, folder: &Path, name: &str, files: &FileOptions) {
    let text = folder.join(name).display().to_string() + if name.ends_with('/') { "/" } else { "" };
    let target =
        Target::parse(&text, report.journal().header().started_at, &report.options().timezone).unwrap();
    output::write(report, &target, files, &[]).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn task_with_too_many_rows_continues_on_the_next_sheet() {
    let folder = tempfile::tempdir().unwrap();
    let many: Vec<String> = (0..7).map(|n| format!("/d{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let journal = journal(folder.path(), &[("web", answer(&many)), ("db", answer(&["/x"]))]);
    let report = Report::new(&journal, options(3)).unwrap();
    write(&report, folder.path(), "r.xlsx", &FileOptions::default());
    write(&report, folder.path(), "csv/", &FileOptions::default());
    let workbook = Workbook::open(&folder.path().join("r.xlsx"));
    assert_eq!(workbook.names, ["Overview", "Summary", "web", "web (2)", "web (3)", "db", "About"]);
    let directories: Vec<String> = ["web", "web (2)", "web (3)"]
        .iter()
        .flat_map(|sheet| workbook.table(sheet, "Verification").split_off(1))
        .map(|row| row[3].clone())
        .collect();
    assert_eq!(directories, many);
    assert_eq!(csv(&folder.path().join("csv/tasks/web.csv")).len(), 8, "a CSV file holds all");
}

#[test]
fn journal_without_tasks_is_incomplete() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path(), &[]);
    let report = Report::new(&journal, options(100)).unwrap();
    assert_eq!(report.headline(Language::English), "INCOMPLETE: no task is listed");
    for name in ["r.xlsx", "csv/", "r.zip", "r.csv", "r.json"] {
        write(&report, folder.path(), name, &FileOptions::default());
    }
    assert_eq!(Workbook::open(&folder.path().join("r.xlsx")).names, ["Overview", "Summary", "About"]);
}

#[test]
fn failed_task_has_its_reason_on_its_sheet() {
    let folder = tempfile::tempdir().unwrap();
    let failed = Failed {
        status: Some(403),
        code: Some("SMS.9004".to_owned()),
        kind: None,
        message: "not allowed".to_owned(),
    };
    let garbage = Answered {
        status: 200,
        sample_data: false,
        content_range: None,
        body: b"<title>Login</title>".to_vec(),
    };
    let journal =
        journal(folder.path(), &[("web", Outcome::Failed(failed)), ("db", Outcome::Answered(garbage))]);
    let report = Report::new(&journal, options(100)).unwrap();
    write(&report, folder.path(), "r.xlsx", &FileOptions::default());
    let workbook = Workbook::open(&folder.path().join("r.xlsx"));
    for (sheet, words) in [
        ("web", ["web", "Fetch failed", "SMS.9004; not allowed"]),
        ("db", ["db", "Unreadable", "an HTML page: Login"]),
    ] {
        let cells =
            workbook.sheets[sheet].concat().iter().map(ToString::to_string).collect::<Vec<_>>().join("|");
        assert!(words.iter().all(|word| cells.contains(word)), "{cells}");
        assert_eq!(workbook.table(sheet, "Verification").len(), 1, "headings alone");
    }
}

#[test]
fn stale_task_files_are_removed_from_the_csv_folder() {
    let folder = tempfile::tempdir().unwrap();
    let names = |tasks: &[(&str, Outcome)]| {
        let journal = journal(folder.path(), tasks);
        write(&Report::new(&journal, options(100)).unwrap(), folder.path(), "csv/", &FileOptions::default());
        std::fs::write(folder.path().join("csv/tasks/notes.csv"), "mine,not yours\n").unwrap();
        crate::support::files(&folder.path().join("csv/tasks")).into_keys().collect::<Vec<_>>()
    };
    names(&[("web", answer(&["/a"])), ("db", answer(&["/a"]))]);
    assert_eq!(names(&[("db", answer(&["/a"]))]), [Path::new("db.csv"), Path::new("notes.csv")]);
}

#[test]
fn output_that_cannot_be_written_keeps_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path(), &[("web", answer(&["/a"]))]);
    let report = Report::new(&journal, options(100)).unwrap();
    let zone = Zone::named("UTC").unwrap();
    std::fs::write(folder.path().join("file"), "old").unwrap();
    let text = folder.path().join("file/r.xlsx").display().to_string();
    let target = Target::parse(&text, report.journal().header().started_at, &zone).unwrap();
    let error = output::write(&report, &target, &FileOptions::default(), &[]).unwrap_err().to_string();
    assert!(error.contains("file/r.xlsx"), "{error}");
    assert_eq!(std::fs::read_to_string(folder.path().join("file")).unwrap(), "old");
}

/// Texts that programs misinterpret, and arbitrary ones.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "_x0041_",
            "_x005F_x0041_",
            "http://example.com",
            "internal:'Summary'!A1",
            "007",
            "1e10",
            "TRUE",
            "'quoted'",
            "../../etc/passwd",
            "a\u{0}b\u{1f}c",
            "\u{202e}gpj",
            "🦀 emoji",
            "<b>&amp;</b>",
            "]]>",
            "con",
            "财务报表",
        ])
        .prop_map(str::to_owned),
        "\\PC{1,40}",
        "[=+@\\-'\"\\[\\]:*?/\\\\\u{0}-\u{1f};,]{1,35}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_text_stays_text(texts in prop::collection::vec((hostile(), hostile()), 1..6)) {
        let folder = tempfile::tempdir().unwrap();
        let tasks: Vec<(&str, Outcome)> =
            texts.iter().map(|(name, directory)| (name.as_str(), answer(&[directory]))).collect();
        let journal = journal(folder.path(), &tasks);
        let report = Report::new(&journal, options(100)).unwrap();
        write(&report, folder.path(), "r.xlsx", &FileOptions::default());
        write(&report, folder.path(), "raw/", &FileOptions { csv: CsvOptions { raw: true, ..CsvOptions::default() }, ..FileOptions::default() });
        write(&report, folder.path(), "csv/", &FileOptions::default());

        // Characters that are invalid in XML become the replacement character.
        let carried = |text: &str| text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
        let workbook = Workbook::open(&folder.path().join("r.xlsx"));
        prop_assert_eq!(workbook.names.len(), texts.len() + 3);
        let summary = workbook.summary();
        for (n, (name, directory)) in texts.iter().enumerate() {
            let row = &summary[n];
            prop_assert_eq!(&row["Source server"], &carried(name));
            prop_assert_eq!(&row["owner"], &carried(name), "the label");
            let sheet = &workbook.names[n + 2];
            let task = workbook.table(sheet, "Verification");
            prop_assert_eq!(&task[1][3], &carried(directory));
            let file = format!("tasks/{sheet}.csv");
            prop_assert_eq!(&csv(&folder.path().join("raw").join(&file))[1][3], directory);
            let safe = &csv(&folder.path().join("csv").join(&file))[1][3];
            prop_assert!(!safe.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{}", safe);
            prop_assert!(safe == directory || safe.strip_prefix('\'') == Some(directory));
        }
    }
}
