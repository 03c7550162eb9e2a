//! Workbooks and archives as ZIP files, read from front to back as from a pipe. The reader refuses data
//! descriptors, and checks the size and the CRC-32 of every entry.

use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::path::Path;

use crate::support::journal::{answer, journal};
use crate::support::{Workbook, files, run};
use tempfile::tempdir;
use zip::read::read_zipfile_from_stream;

/// The entries of an archive by name, as a streaming reader finds them.
fn streamed(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let bytes = std::fs::read(path).unwrap();
    let mut rest = bytes.as_slice();
    let mut entries = BTreeMap::new();
    while let Some(mut entry) = read_zipfile_from_stream(&mut rest).unwrap() {
        let name = entry.name().unwrap().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap_or_else(|error| panic!("{}: {name}: {error}", path.display()));
        assert_eq!(entry.size(), content.len() as u64, "{}: {name}", path.display());
        assert!(entries.insert(name, content).is_none(), "{}: an entry comes twice", path.display());
    }
    entries
}

fn done(folder: &Path, arguments: &[&str]) {
    let run = run(folder, arguments);
    assert_eq!(run.code, 0, "{arguments:?}: {}", run.stderr);
}

#[test]
fn workbooks_and_archives_of_every_kind_read_from_a_stream() {
    let folder = tempdir().unwrap();
    let at = folder.path();
    let directories: Vec<String> = (0..400).map(|n| format!("/srv/{n}/{}", n * 7919 % 1009)).collect();
    let directories: Vec<&str> = directories.iter().map(String::as_str).collect();
    journal(at, &[("web-01", answer(&["/etc"])), ("db-01", answer(&[]))]);
    std::fs::rename(at.join("j.jsonl"), at.join("before.jsonl")).unwrap();
    let names = ["web-01", "db-01", "财务", "a<b>", "cache"];
    let tasks: Vec<_> = names.iter().map(|name| (*name, answer(&directories))).collect();
    journal(at, &tasks);
    let render = ["render", "j.jsonl", "--max-age", "off", "-o"];
    done(at, &[&render[..], &["standard.xlsx", "-o", "whole.zip"]].concat());
    done(at, &[&render[..], &["signoff.xlsx", "--template", "signoff", "--language", "zh"]].concat());
    done(at, &[&render[..], &["compact.xlsx", "--template", "compact"]].concat());
    done(at, &[&render[..], &["divided.xlsx", "--max-sheets", "2"]].concat());
    done(at, &[&render[..], &["small.zip", "--max-bytes", "10KB"]].concat());
    done(at, &["diff", "before.jsonl", "j.jsonl", "-o", "changes.xlsx"]);

    let archives: Vec<_> = files(at)
        .into_keys()
        .filter(|path| path.extension().is_some_and(|suffix| suffix == "xlsx" || suffix == "zip"))
        .collect();
    let count =
        |start: &str| archives.iter().filter(|path| path.to_string_lossy().starts_with(start)).count();
    assert_eq!((count("divided.part-"), count("divided.xlsx")), (3, 1));
    assert!(count("small.part-") > 1, "{archives:?}");
    assert_eq!(archives.len(), 9 + count("small.part-"), "{archives:?}");
    for path in &archives {
        let entries = streamed(&at.join(path));
        let directory = zip::ZipArchive::new(std::fs::File::open(at.join(path)).unwrap()).unwrap();
        assert_eq!(entries.len(), directory.len(), "{}", path.display());
        let first = if path.extension().unwrap() == "zip" { ".csv" } else { ".xml" };
        assert!(entries.keys().any(|name| name.ends_with(first)), "{}", path.display());
    }
}

#[test]
fn csv_folder_and_archive_have_file_names_for_every_system() {
    let folder = tempdir().unwrap();
    let at = folder.path();
    // Server names, and the names of their files.
    let names = [
        ("web-01", "web-01"),
        ("WEB-01", "WEB-01 (2)"),
        ("财务报表-01", "财务报表-01"),
        ("con", "con_"),
        ("NUL.prod.example", "NUL_.prod.example"),
        ("a<b>|c\"", "a_b__c_"),
        ("a_b__c_", "a_b__c_ (2)"),
        ("caf\u{e9}", "caf\u{e9}"),
        ("cafe\u{301}", "cafe\u{301} (2)"),
        ("dot.", "dot."),
        ("tab\there", "tab_here"),
    ];
    let tasks: Vec<_> = names.iter().map(|(server, _)| (*server, answer(&["/etc"]))).collect();
    journal(at, &tasks);
    done(at, &["render", "j.jsonl", "--max-age", "off", "-o", "out/", "-o", "out.zip", "-o", "out.xlsx"]);
    let in_folder = files(&at.join("out"));
    let in_archive = streamed(&at.join("out.zip"));
    let expected: HashSet<String> = names.iter().map(|(_, file)| format!("tasks/{file}.csv")).collect();
    let of_tasks = |name: &String| name.starts_with("tasks/");
    assert_eq!(in_archive.keys().filter(|name| of_tasks(name)).cloned().collect::<HashSet<_>>(), expected);
    let in_folder: BTreeMap<String, Vec<u8>> = in_folder
        .into_iter()
        .map(|(path, content)| (path.to_string_lossy().replace('\\', "/"), content))
        .collect();
    assert_eq!(in_folder, in_archive);
    let sheets = Workbook::open(&at.join("out.xlsx")).names;
    assert!(names.iter().all(|(_, file)| sheets.contains(&(*file).to_owned())), "{sheets:?}");
}
