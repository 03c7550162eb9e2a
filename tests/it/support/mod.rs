//! Shared by the tests: the real program, and workbooks read by an independent reader.
#![allow(dead_code, unreachable_pub, reason = "each test program uses its part")]

pub mod api;
pub mod journal;
pub mod s3;
pub mod server;
pub mod serving;
pub mod tickets;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use calamine::{Data, Reader, Xlsx};

pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs the program in `folder`, with only `variables` in the environment.
pub fn run_with(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
    let Output { status, stdout, stderr } = Command::new(cargo_bin("cutover-report"))
        .current_dir(folder)
        .env_clear()
        .envs(variables.iter().copied())
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: status.code().unwrap(), stdout: text(stdout), stderr: text(stderr) }
}

pub fn run(folder: &Path, arguments: &[&str]) -> Run {
    run_with(folder, &[], arguments)
}

/// Fetches the tasks of a list from the embedded service.
pub fn export(folder: &Path, tasks: &str, more: &[&str]) -> Run {
    let first = ["export", tasks, "--endpoint", "embedded", "--rate", "1000/s"];
    run(folder, &[&first[..], more].concat())
}

/// Waits for the end of a program that was started.
pub fn end(child: Child) -> Run {
    let ended = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: ended.status.code().unwrap_or(-1), stdout: text(ended.stdout), stderr: text(ended.stderr) }
}

/// Sends a program a signal, as in `-TERM`.
pub fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// Waits until a condition is true.
pub fn until(mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "it never came to that");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub fn sample_tasks() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/tasks.csv").display().to_string()
}

/// A sheet's cells as displayed, row by row.
pub type Rows = Vec<Vec<Data>>;

pub struct Workbook {
    pub names: Vec<String>,
    pub sheets: BTreeMap<String, Rows>,
}

impl Workbook {
    pub fn open(path: &Path) -> Self {
        let mut workbook: Xlsx<_> = calamine::open_workbook(path).unwrap();
        let names = workbook.sheet_names();
        let sheets = names.iter().map(|name| {
            let range = workbook.worksheet_range(name).unwrap();
            let formulas = workbook.worksheet_formula(name).unwrap();
            assert!(formulas.used_cells().next().is_none(), "{name} holds a formula");
            (name.clone(), range.rows().map(<[Data]>::to_vec).collect())
        });
        let sheets = sheets.collect();
        Self { names, sheets }
    }

    /// The rows of a sheet's table as texts, its headings first.
    pub fn table(&self, sheet: &str, first_heading: &str) -> Vec<Vec<String>> {
        let rows = &self.sheets[sheet];
        let start = rows.iter().position(|row| row[0] == *first_heading).unwrap();
        let text = |row: &Vec<Data>| row.iter().map(text_of).collect();
        rows[start..].iter().map(text).collect()
    }

    /// The rows of the Summary, by heading.
    pub fn summary(&self) -> Vec<BTreeMap<String, String>> {
        let table = self.table("Summary", "Source server");
        let (headings, rows) = table.split_first().unwrap();
        let row = |row: &Vec<String>| headings.iter().cloned().zip(row.iter().cloned()).collect();
        rows.iter().map(row).collect()
    }

    /// Whether a cell of a sheet has this text in it.
    pub fn says(&self, sheet: &str, text: &str) -> bool {
        self.sheets[sheet].iter().flatten().any(|cell| cell.to_string().contains(text))
    }
}

/// A cell as CSV writes it.
fn text_of(cell: &Data) -> String {
    match cell {
        Data::DateTime(time) => {
            let (year, month, day, hour, minute, second, milli) = time.to_ymd_hms_milli();
            let fraction = format!("{:.3}", f64::from(milli) / 1000.0);
            let fraction = fraction.trim_start_matches('0').trim_end_matches('0').trim_end_matches('.');
            format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}")
        }
        other => other.to_string(),
    }
}

pub fn csv(path: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path).unwrap();
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// Every file below a folder, by its path there.
pub fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = PathBuf::from(path.file_name().unwrap());
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|(below, content)| (name.join(below), content)));
        } else {
            found.insert(name, std::fs::read(&path).unwrap());
        }
    }
    found
}
