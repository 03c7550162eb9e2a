//! Outputs split into several files: by task sheets, and by file size.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::support::journal::{answer, journal};
use crate::support::{Run, Workbook, csv, export, files, run, sample_tasks};
use cutover_report::journal::Outcome;
use tempfile::{TempDir, tempdir};

/// A folder with the journal of tasks with these names, each with this many directories.
fn folder(names: &[&str], directories: usize) -> TempDir {
    let folder = tempdir().unwrap();
    let directories: Vec<String> =
        (0..directories).map(|n| format!("/srv/{n}/{}", n * 7919 % 1009)).collect();
    let directories: Vec<&str> = directories.iter().map(String::as_str).collect();
    let tasks: Vec<(&str, Outcome)> = names.iter().map(|name| (*name, answer(&directories))).collect();
    journal(folder.path(), &tasks);
    folder
}

fn render(folder: &Path, more: &[&str]) -> Run {
    run(folder, &[&["render", "j.jsonl", "--max-age", "off"], more].concat())
}

fn rendered(folder: &Path, more: &[&str]) -> Vec<String> {
    let run = render(folder, more);
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.stdout.lines().map(str::to_owned).collect()
}

/// The names of the files in a folder, except journal and manifests.
fn there(folder: &Path) -> Vec<PathBuf> {
    let is_output =
        |path: &PathBuf| path.extension().is_some_and(|suffix| suffix != "jsonl" && suffix != "json");
    files(folder).into_keys().filter(is_output).collect()
}

fn paths(names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(PathBuf::from).collect()
}

fn names(folder: &Path, file: &str) -> Vec<String> {
    Workbook::open(&folder.join(file)).names
}

/// The links of the sheet with this number: by cell, the file and the location in it.
fn links(file: &Path, number: usize) -> BTreeMap<String, (String, String)> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(file).unwrap()).unwrap();
    let mut elements = |path: &str, element: &str| -> Vec<BTreeMap<String, String>> {
        let mut text = String::new();
        archive.by_name(path).unwrap().read_to_string(&mut text).unwrap();
        let attributes = |tag: &str| {
            let pairs =
                tag.split("\" ").filter_map(|pair| pair.trim_end_matches(['"', '/', ' ']).split_once("=\""));
            let plain = |text: &str| text.replace("&apos;", "'").replace("&amp;", "&");
            pairs.map(|(key, value)| (key.to_owned(), plain(value))).collect()
        };
        let start = format!("<{element} ");
        text.split(&start).skip(1).map(|rest| attributes(rest.split('>').next().unwrap())).collect()
    };
    let relations: BTreeMap<String, String> =
        elements(&format!("xl/worksheets/_rels/sheet{number}.xml.rels"), "Relationship")
            .into_iter()
            .map(|mut relation| (relation.remove("Id").unwrap(), relation.remove("Target").unwrap()))
            .collect();
    let file =
        |link: &BTreeMap<String, String>| link.get("r:id").map_or(String::new(), |id| relations[id].clone());
    elements(&format!("xl/worksheets/sheet{number}.xml"), "hyperlink")
        .into_iter()
        .map(|link| (link["ref"].clone(), (file(&link), link["location"].clone())))
        .collect()
}

fn link(file: &str, location: &str) -> (String, String) {
    (file.to_owned(), location.to_owned())
}

/// The files of a folder but for manifests, which name the one that they replace.
fn reports(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = files(folder);
    found.retain(|path, _| !path.to_string_lossy().ends_with(".manifest.json"));
    found
}

#[test]
fn many_task_sheets_are_split_into_linked_parts() {
    let folder = folder(&["web", "it's", "db", "Contents", "mail"], 3);
    let at = folder.path();
    let reported = rendered(at, &["-o", "a b/wave 3.xlsx", "--max-sheets", "2"]);
    let main = "a b/wave 3.xlsx";
    let parts = ["a b/wave 3.part-001.xlsx", "a b/wave 3.part-002.xlsx", "a b/wave 3.part-003.xlsx"];
    assert_eq!(reported, [main, parts[0], parts[1], parts[2]]);
    assert_eq!(names(at, main), ["Overview", "Summary", "About"]);
    assert_eq!(names(at, parts[0]), ["Contents", "web", "it's"]);
    assert_eq!(names(at, parts[1]), ["Contents", "db", "Contents (2)"]);
    assert_eq!(names(at, parts[2]), ["Contents", "mail"]);
    assert_eq!(Workbook::open(&at.join(main)).summary().len(), 5, "the whole Summary");

    let of_main = links(&at.join(main), 2);
    assert_eq!(of_main["A2"], link("wave%203.part-001.xlsx", "'web'!A1"));
    assert_eq!(of_main["A3"], link("wave%203.part-001.xlsx", "'it''s'!A1"));
    assert_eq!(of_main["A5"], link("wave%203.part-002.xlsx", "'Contents (2)'!A1"));
    assert_eq!(of_main["A6"], link("wave%203.part-003.xlsx", "'mail'!A1"));
    let of_part = links(&at.join(parts[1]), 1);
    assert_eq!(of_part["A2"], link("wave%203.xlsx", "'Summary'!A1"));
    assert_eq!(of_part["A7"], link("", "'db'!A1"));

    let part = Workbook::open(&at.join(parts[1]));
    assert_eq!(part.sheets["Contents"][2][0], "Part 2 of 3 of wave 3.xlsx");
    assert_eq!(part.table("Contents", "Sheet")[2], ["Contents (2)", "task-3", "Consistent"]);
    assert_eq!(part.table("db", "Verification").len(), 4);

    let verified = run(at, &["verify", "a b/wave 3.manifest.json"]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    let verified: Vec<&str> = verified.stdout.lines().collect();
    assert_eq!(verified[1..3], ["ok a b/wave 3.xlsx", "ok a b/wave 3.part-001.xlsx"]);
    assert_eq!(verified.len(), 5, "the journal and four files");

    let before = reports(&at.join("a b"));
    rendered(at, &["-o", "a b/wave 3.xlsx", "--max-sheets", "2"]);
    assert!(reports(&at.join("a b")) == before, "the same bytes");
}

#[test]
fn parts_of_sample_data_are_marked() {
    let folder = tempdir().unwrap();
    let run = export(folder.path(), &sample_tasks(), &["-o", "r.xlsx", "--max-sheets", "9"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let part = Workbook::open(&folder.path().join("r.part-002.xlsx"));
    assert_eq!(part.names.len(), 4);
    for sheet in part.sheets.values() {
        assert!(sheet[1][1].to_string().starts_with("SAMPLE DATA"), "{:?}", sheet[1]);
    }
}

#[test]
fn workbook_within_max_sheets_is_not_split() {
    let folder = folder(&["web", "db"], 1);
    let at = folder.path();
    assert_eq!(rendered(at, &["-o", "r.xlsx", "--max-sheets", "2"]), ["r.xlsx"]);
    assert_eq!(links(&at.join("r.xlsx"), 2)["A2"], link("", "'web'!A1"));
    assert_eq!(rendered(at, &["-o", "c.xlsx", "--max-sheets", "1", "--template", "compact"]), ["c.xlsx"]);
    assert_eq!(render(at, &["-o", "r.xlsx", "--max-sheets", "0"]).code, 2);
}

#[test]
fn stale_parts_are_removed() {
    let folder = folder(&["a", "b", "c"], 1);
    let at = folder.path();
    rendered(at, &["-o", "r.xlsx", "--max-sheets", "1"]);
    // Files of others, files that are not parts, and parts of another report.
    std::fs::write(at.join("r.part-004.xlsx"), "mine").unwrap();
    rendered(at, &["-o", "r.part-005.xlsx"]);
    std::fs::copy(at.join("r.part-001.xlsx"), at.join("r2.part-001.xlsx")).unwrap();
    let others = ["r.part-004.xlsx", "r.part-005.xlsx", "r.xlsx", "r2.part-001.xlsx"];
    rendered(at, &["-o", "r.xlsx", "--max-sheets", "2"]);
    assert_eq!(there(at), paths(&[&["r.part-001.xlsx", "r.part-002.xlsx"], &others[..]].concat()));
    rendered(at, &["-o", "r.xlsx"]);
    assert_eq!(there(at), paths(&others));
}

/// All rows of a table in parts, each of which has the headings.
fn glued(folder: &Path, parts: &[&str]) -> Vec<Vec<String>> {
    let tables: Vec<_> = parts.iter().map(|part| csv(&folder.join(part))).collect();
    assert!(tables.iter().all(|table| table[0] == tables[0][0] && table.len() > 1));
    tables.iter().enumerate().flat_map(|(n, table)| table[usize::from(n > 0)..].to_vec()).collect()
}

#[test]
fn files_are_within_max_bytes_and_complete() {
    let names: Vec<String> = (0..12).map(|n| format!("server-{n:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let folder = folder(&names, 60);
    let at = folder.path();
    let outputs = |folder: &str, more: &[&str]| {
        let outputs = ["r.xlsx", "r.csv", "csv/"].map(|name| format!("{folder}/{name}"));
        let outputs: Vec<&str> = outputs.iter().flat_map(|name| ["-o", name]).collect();
        rendered(at, &[&outputs, more].concat())
    };
    outputs("whole", &[]);
    let reported = outputs("small", &["--max-bytes", "20kB"]);
    let small = there(&at.join("small"));
    for file in &small {
        let size = at.join("small").join(file).metadata().unwrap().len();
        assert!(size <= 20_000, "{}: {size}", file.display());
    }
    let of_kind = |suffix: &str| -> Vec<&str> {
        let is_part = |path: &&str| path.ends_with(suffix) && !path.contains("csv/");
        small.iter().map(|path| path.to_str().unwrap()).filter(is_part).collect()
    };
    assert_eq!(reported.len(), of_kind("xlsx").len() + of_kind("csv").len() + 1);
    assert_eq!(reported.iter().filter(|path| !path.ends_with('/') && !at.join(path).is_file()).count(), 0);

    // Workbooks.
    let sheets: Vec<String> = of_kind("xlsx")
        .into_iter()
        .flat_map(|part| Workbook::open(&at.join("small").join(part)).names)
        .filter(|name| name.starts_with("server-"))
        .collect();
    assert_eq!(sheets, names, "every task has its sheet, in order");
    assert!(of_kind("xlsx").len() > 3);

    // CSV, alone and in the folder.
    let whole = csv(&at.join("whole/r.csv"));
    assert!(of_kind("csv").len() > 2 && !small.contains(&PathBuf::from("r.csv")));
    assert_eq!(glued(&at.join("small"), &of_kind("csv")), whole);
    let of_results: Vec<&str> = small
        .iter()
        .filter_map(|path| path.to_str())
        .filter(|path| path.starts_with("csv/results"))
        .collect();
    assert_eq!(glued(&at.join("small"), &of_results), whole);
    assert!(small.contains(&PathBuf::from("csv/summary.csv")));

    // The same bytes again; then unsplit files, and no stale part is left.
    let before = reports(&at.join("small"));
    outputs("small", &["--max-bytes", "20kB"]);
    assert!(reports(&at.join("small")) == before, "the same bytes");
    outputs("small", &[]);
    assert_eq!(there(&at.join("small")), there(&at.join("whole")));
    // And no stale unsplit file is left beside parts.
    outputs("whole", &["--max-bytes", "20kB"]);
    assert_eq!(there(&at.join("whole")), small);
    let verified = run(at, &["-q", "verify", "small/r.manifest.json", "whole/r.manifest.json"]);
    assert_eq!((verified.code, verified.stdout.as_str()), (0, ""));
}

#[test]
fn archive_parts_contain_the_folder() {
    let folder = folder(&["web", "db", "mail", "files", "erp"], 100);
    let at = folder.path();
    let render = |to: &str, more: &[&str]| {
        let outputs = [format!("{to}/r.zip"), format!("{to}/csv/")];
        rendered(at, &[&["-o", &outputs[0], "-o", &outputs[1]], more].concat())
    };
    let reported = render("small", &["--max-bytes", "3kB"]);
    let archives: Vec<PathBuf> =
        reported.iter().filter(|path| path.ends_with(".zip")).map(|path| at.join(path)).collect();
    assert!(archives.len() > 2, "{reported:?}");
    assert_eq!(reported[0], "small/r.part-001.zip");
    for archive in &archives {
        assert!(archive.metadata().unwrap().len() <= 3000);
        zip::ZipArchive::new(std::fs::File::open(archive).unwrap())
            .unwrap()
            .extract(at.join("unpacked"))
            .unwrap();
    }
    assert_eq!(files(&at.join("unpacked")), files(&at.join("small/csv")));
    std::fs::write(at.join("small/r.part-999.zip"), "mine").unwrap();
    render("small", &[]);
    assert_eq!(there(&at.join("small"))[7..], paths(&["r.part-999.zip", "r.zip"]));
    render("small", &["--max-bytes", "3kB"]);
    assert!(!at.join("small/r.zip").exists() && at.join("small/r.part-999.zip").exists());
}

#[test]
fn file_that_cannot_be_split_is_written_with_a_warning() {
    let folder = folder(&["web"], 1);
    let run = render(folder.path(), &["-o", "r.json", "-o", "r.jsonl", "--max-bytes", "100B"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    for name in ["warning: r.json: ", "warning: r.jsonl: "] {
        assert!(run.stderr.contains(name), "{}", run.stderr);
    }
    let manifest = std::fs::read_to_string(folder.path().join("r.manifest.json")).unwrap();
    assert!(manifest.contains("\"r.json\"") && manifest.contains("\"max_bytes\": 100"), "{manifest}");
}

#[test]
fn too_large_summary_or_sheet_is_an_error_and_keeps_the_old_file() {
    let folder = folder(&["web", "db"], 4000);
    let at = folder.path();
    std::fs::write(at.join("r.xlsx"), "old").unwrap();
    for (limit, what, more) in [
        ("40kB", "the sheet of web alone takes", &[][..]),
        ("4kB", "the Summary alone takes", &["--template", "compact"]),
    ] {
        let run = render(at, &[&["-o", "r.xlsx", "-o", "r.csv", "--max-bytes", limit], more].concat());
        assert_eq!(run.code, 1);
        assert!(run.stderr.contains(&format!("r.xlsx: {what}")), "{}", run.stderr);
        assert!(
            run.stderr.contains("raise it") && run.stderr.contains("an existing file is unchanged"),
            "{}",
            run.stderr
        );
        assert!(run.stdout.contains("r.part-001.csv"), "{}", run.stdout);
        assert_eq!(std::fs::read_to_string(at.join("r.xlsx")).unwrap(), "old");
        assert!(
            there(at).iter().all(|path| path.extension().unwrap() != "xlsx" || path == Path::new("r.xlsx"))
        );
    }
    let advised = render(at, &["-o", "r.xlsx", "--max-bytes", "40kB", "--template", "compact"]);
    assert_eq!(advised.code, 0, "{}", advised.stderr);
}

#[test]
fn task_with_many_rows_is_complete() {
    let folder = folder(&["web"], 1500);
    rendered(folder.path(), &["-o", "r.xlsx", "-o", "r.csv"]);
    let sheet = Workbook::open(&folder.path().join("r.xlsx")).table("web", "Verification");
    let table = csv(&folder.path().join("r.csv"));
    assert_eq!(sheet.len(), 1501);
    let directories =
        |rows: &[Vec<String>], column: usize| rows.iter().map(|row| row[column].clone()).collect::<Vec<_>>();
    assert_eq!(directories(&sheet, 3), directories(&table, 7));
}

#[test]
fn full_disk_keeps_the_old_file() {
    let folder = folder(&["web"], 1500);
    let at = folder.path();
    std::fs::write(at.join("r.xlsx"), "old").unwrap();
    let program = assert_cmd::cargo::cargo_bin("cutover-report");
    // In blocks of 512 bytes; with the signal ignored, writing beyond the limit fails as on a full disk.
    let script = format!("trap '' XFSZ; ulimit -f 40; exec {} render j.jsonl -o r.xlsx", program.display());
    let output = std::process::Command::new("sh").args(["-c", &script]).current_dir(at).output().unwrap();
    let reported = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{reported}");
    assert!(
        reported.contains("r.xlsx: the workbook cannot be written")
            && reported.contains("an existing file is unchanged"),
        "{reported}"
    );
    assert_eq!(std::fs::read_to_string(at.join("r.xlsx")).unwrap(), "old");
    assert_eq!(there(at), paths(&["r.xlsx"]), "nothing is left behind");
}

#[test]
fn part_that_would_overwrite_another_file_is_refused() {
    let folder = tempdir().unwrap();
    let at = folder.path();
    let many: Vec<String> = (0..200).map(|n| format!("/srv/{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    journal(at, &[("web", answer(&many)), ("web.part-001", answer(&["/srv"]))]);
    let run = render(at, &["-o", "r.xlsx", "-o", "r.part-001.xlsx"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("r.part-001.xlsx would overwrite -o r.xlsx"), "{}", run.stderr);
    for (output, limit) in [("csv/", "5kB"), ("r.zip", "2kB")] {
        let run = render(at, &["-o", output, "--max-bytes", limit]);
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert!(run.stderr.contains("would create two files named"), "{}", run.stderr);
    }
    let run = render(at, &["-o", "wave#3.xlsx", "--max-sheets", "1"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("cannot link to files with #"), "{}", run.stderr);
}
