//! Task lists and result files, read by the real program.

use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use cutover_report::service::{Settings, generated_tasks};
use serde_json::Value;
use tempfile::tempdir;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::fetching::serve;
use crate::support::{csv, run};

const ID: &str = "6e1c7a52-93f4-4a0b-8d27-51b0c9e4f301";

/// Exports the task list to `r.json`.
fn export(folder: &Path, more: &[&str]) -> crate::support::Run {
    let fixed = ["export", "--endpoint", "embedded", "--rate", "1000/s", "--no-journal", "-o", "r.json"];
    run(folder, &[&fixed[..], more].concat())
}

fn tasks(folder: &Path) -> Vec<Value> {
    let text = std::fs::read(folder.join("r.json")).unwrap();
    serde_json::from_slice::<Value>(&text).unwrap()["tasks"].as_array().unwrap().clone()
}

/// An archive of these parts.
fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn formula_without_a_value_is_kept_as_text_with_a_warning() {
    let folder = tempdir().unwrap();
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write_row(0, 0, ["task_id", "wave"]).unwrap();
    sheet.write(1, 0, ID).unwrap();
    sheet.write(1, 1, rust_xlsxwriter::Formula::new("=A1&1").set_result("")).unwrap();
    // The writer stores a value for every formula; other programs may not.
    let written = book.save_to_buffer().unwrap();
    let mut original = zip::ZipArchive::new(Cursor::new(written)).unwrap();
    let mut parts = Vec::new();
    for index in 0..original.len() {
        let mut part = original.by_index(index).unwrap();
        let mut content = String::new();
        part.read_to_string(&mut content).unwrap();
        parts.push((part.name().unwrap().into_owned(), content.replace("</f><v>0</v>", "</f>")));
    }
    let parts: Vec<(&str, &str)> = parts.iter().map(|(name, content)| (&**name, &**content)).collect();
    std::fs::write(folder.path().join("plan.xlsx"), archive(&parts)).unwrap();
    let run = export(folder.path(), &["plan.xlsx"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("plan.xlsx:2: `wave` contains a formula without a value"), "{}", run.stderr);
    assert!(tasks(folder.path())[0].to_string().contains("=A1&1"));
}

#[test]
fn unknown_sheet_is_refused_with_the_names_there_are() {
    let folder = tempdir().unwrap();
    let mut book = rust_xlsxwriter::Workbook::new();
    book.add_worksheet().set_name("Notes").unwrap().set_very_hidden(true);
    let sheet = book.add_worksheet();
    sheet.set_name("Wave 3").unwrap();
    sheet.write_column(0, 0, ["task_id", ID]).unwrap();
    sheet.set_active(true);
    book.save(folder.path().join("plan.xlsx")).unwrap();
    assert_eq!(export(folder.path(), &["plan.xlsx"]).code, 0);
    assert_eq!(export(folder.path(), &["plan.xlsx", "--sheet", "Wave 3"]).code, 0);
    let unknown = export(folder.path(), &["plan.xlsx", "--sheet", "Wave 9"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("plan.xlsx: has no sheet `Wave 9`; its sheets are: `Notes`, `Wave 3`"));
    std::fs::write(folder.path().join("plan.csv"), format!("task_id\n{ID}\n")).unwrap();
    assert_eq!(export(folder.path(), &["plan.csv", "--sheet", "Wave 3"]).code, 2);
}

#[test]
fn small_workbook_that_unpacks_to_much_data_is_refused() {
    let folder = tempdir().unwrap();
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("xl/worksheets/sheet1.xml", SimpleFileOptions::default()).unwrap();
    let zeros = vec![b'0'; 1024 * 1024];
    for _ in 0..150 {
        archive.write_all(&zeros).unwrap();
    }
    std::fs::write(folder.path().join("bomb.xlsx"), archive.finish().unwrap().into_inner()).unwrap();
    let run = export(folder.path(), &["bomb.xlsx"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("bomb.xlsx: unpacks to too much data"), "{}", run.stderr);
}

#[test]
fn ids_from_standard_input_need_no_heading() {
    let folder = tempdir().unwrap();
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("cutover-report"))
        .args(["export", "-", "--endpoint", "embedded", "--no-journal", "-o", "r.json"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(format!("# tonight\n{ID}\n").as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(tasks(folder.path())[0]["task_id"], ID);
}

#[test]
fn directory_as_task_list_is_refused_with_what_to_do() {
    let folder = tempdir().unwrap();
    std::fs::create_dir(folder.path().join("plans")).unwrap();
    let run = export(folder.path(), &["plans"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("plans: is a directory; name a task list in it"), "{}", run.stderr);
}

#[test]
fn results_csv_is_uploaded_and_exported_unchanged() {
    let folder = tempdir().unwrap();
    let (_service, endpoint) = serve(Settings { generate: 1, ..Settings::default() });
    let id = generated_tasks(1).tasks[0].id_text().to_owned();
    let directories = ["'=1", "=1", "''=1", "/a b ", "\t/tab", " ", "@x", "-1", "a\nb", "\"q\"", "'a", "'"];
    let check = |directory: &&str| {
        let mut check = serde_json::json!({ "dir_check": directory });
        for name in
            ["num_total_files", "num_different_files", "num_target_miss_files", "num_target_more_files"]
        {
            check[name] = 3.into();
        }
        check
    };
    let checks: Vec<Value> = directories.iter().map(check).collect();
    let body = serde_json::json!({ "task_id": id, "consistency_result": checks });
    std::fs::write(folder.path().join("a.json"), body.to_string()).unwrap();
    std::fs::write(folder.path().join("list.csv"), format!("task_id\n{id}\n")).unwrap();
    let upload = |file: &str| {
        let run = run(folder.path(), &["upload", file, "--endpoint", &endpoint, "--auth", "none"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
    };
    let newest = |out: &str| -> Vec<Vec<String>> {
        let run =
            run(folder.path(), &["export", "list.csv", "--endpoint", &endpoint, "--auth", "none", "-o", out]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let rows = csv(&folder.path().join(out).join("results.csv"));
        let column = |name: &str| rows[0].iter().position(|heading| heading.starts_with(name)).unwrap();
        let (verification, directory) = (column("Verification"), column("Directory"));
        let newest = rows[1..].iter().filter(|row| row[verification] == "1");
        newest.map(|row| row[directory..].to_vec()).collect()
    };
    upload("a.json");
    let first = newest("r/");
    assert_eq!(first.len(), directories.len());
    upload("r/results.csv");
    assert_eq!(newest("s/"), first);
}
