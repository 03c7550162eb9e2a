//! Task lists in every format. The first byte chooses it: `c`sv, `j`son, json`l`, `y`aml, `t`xt, `x`lsx,
//! or `s`, the XML of a worksheet; `u` is a file of results to upload, as CSV or `U` as JSON. Anything else is standard input, whose format is guessed.

use std::collections::HashSet;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::shared::scratch;
use cutover_report::model::TaskList;
use cutover_report::tasks::{Source, load, load_uploads};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

static PATHS: LazyLock<[PathBuf; 6]> = LazyLock::new(|| {
    ["csv", "json", "jsonl", "yaml", "txt", "xlsx"].map(|suffix| scratch(&format!("list.{suffix}")))
});

pub fn run(data: &[u8]) {
    let Some((format, content)) = data.split_first() else { return };
    let [csv, json, jsonl, yaml, txt, xlsx] = &*PATHS;
    let (path, content) = match format {
        b'c' => (csv, content),
        b'j' => (json, content),
        b'l' => (jsonl, content),
        b'y' => (yaml, content),
        b't' => (txt, content),
        b'x' => (xlsx, content),
        b'u' => return uploads(csv, content),
        b'U' => return uploads(json, content),
        b's' => (xlsx, &*workbook(content)),
        _ => return check(&[Source::Stdin], data),
    };
    std::fs::write(path, content).expect("the scratch file can be written");
    check(&[Source::File(path.clone().into())], b"");
}

/// Results to upload are those that the service takes.
fn uploads(path: &Path, content: &[u8]) {
    std::fs::write(path, content).expect("the scratch file can be written");
    match load_uploads(&[path.to_owned()]) {
        Err(error) => assert!(!error.0.is_empty(), "refused without a fault"),
        Ok(loaded) => {
            for upload in &loaded.uploads {
                assert!(upload.directories.len() <= 30);
                serde_json::from_str::<serde_json::Value>(&upload.body()).expect("JSON");
            }
        }
    }
}

fn check(sources: &[Source], mut stdin: &[u8]) {
    match load(sources, &mut stdin) {
        Err(error) => assert!(!error.0.is_empty(), "refused without a fault"),
        Ok(loaded) => well_formed(&loaded.list),
    }
}

/// A valid list has each task once, and a column for every label.
fn well_formed(list: &TaskList) {
    assert!(!list.tasks.is_empty(), "a list without a task was taken");
    // A row of a plan has no id before it is resolved.
    let mut ids = HashSet::new();
    assert!(
        list.tasks.iter().filter_map(|task| task.task_id.as_ref()).all(|id| ids.insert(id)),
        "a task is there twice"
    );
    let columns: HashSet<_> = list.labels.iter().collect();
    assert_eq!(columns.len(), list.labels.len(), "a label is there twice");
    assert!(
        list.tasks
            .iter()
            .flat_map(|task| task.labels.names())
            .all(|label| columns.contains(&label.to_owned()))
    );
    let json = serde_json::to_string(list).expect("a list can be written");
    assert_eq!(&serde_json::from_str::<TaskList>(&json).expect("and read"), list);
}

const RELATIONSHIPS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// The relationship XML from a part of a workbook to another, `b`.
fn relationship(kind: &str, target: &str) -> String {
    format!(
        "<Relationships><Relationship Id=\"b\" Type=\"{RELATIONSHIPS}/{kind}\" Target=\"{target}\"/></Relationships>"
    )
}

/// A workbook whose only sheet has this XML.
fn workbook(sheet: &[u8]) -> Vec<u8> {
    let workbook = format!(
        "<workbook xmlns:r=\"{RELATIONSHIPS}\"><sheets><sheet name=\"Plan\" r:id=\"b\"/></sheets></workbook>"
    );
    let parts = [
        ("_rels/.rels", relationship("officeDocument", "xl/workbook.xml").into_bytes()),
        ("xl/workbook.xml", workbook.into_bytes()),
        ("xl/_rels/workbook.xml.rels", relationship("worksheet", "worksheets/sheet1.xml").into_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.to_vec()),
    ];
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in parts {
        archive.start_file(name, options).expect("a part");
        archive.write_all(&content).expect("its content");
    }
    archive.finish().expect("the end of the archive").into_inner()
}
