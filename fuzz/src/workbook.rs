//! A workbook of a described journal, read back by calamine: every row of the Summary and of the tasks' sheets.

use std::path::PathBuf;
use std::sync::LazyLock;

use super::shared::{Bytes, described, journal, report, scratch};
use calamine::{Data, Reader, Xlsx, open_workbook};
use cutover_report::output::{FileOptions, Target, write};

static JOURNAL: LazyLock<PathBuf> = LazyLock::new(|| scratch("workbook.jsonl"));
static WORKBOOK: LazyLock<PathBuf> = LazyLock::new(|| scratch("workbook.xlsx"));

pub fn run(data: &[u8]) {
    let journal = journal(&JOURNAL, described(&mut Bytes(data)).as_bytes()).expect("a journal");
    let report = report(&journal, None).expect("a report");
    let zone = &report.options().timezone;
    let target =
        Target::parse(&WORKBOOK.to_string_lossy(), journal.header().started_at, zone).expect("a target");
    write(&report, &target, &FileOptions::default(), &[]).expect("a workbook");
    let mut workbook: Xlsx<_> = open_workbook(&*WORKBOOK).expect("calamine reads it");
    let mut rows = |sheet: &str| -> Vec<Vec<String>> {
        let range = workbook.worksheet_range(sheet).expect("a sheet");
        range.rows().map(|row| row.iter().map(text).collect()).collect()
    };
    let summary = rows("Summary");
    let place = |heading: &str| summary[0].iter().position(|cell| cell == heading).expect("a column");
    let (name, id) = (place("Source server"), place("Task ID"));
    assert_eq!(summary.len(), report.rows().len() + 1);
    for (number, (row, cells)) in report.rows().iter().zip(&summary[1..]).enumerate() {
        assert_eq!(Some(cells[id].as_str()), row.task.task_id.as_ref().map(|id| id.as_str()));
        if let Some(source_name) = &row.task.source_name {
            assert_eq!(cells[name].trim(), source_name.trim());
        }
        let verifications = report.verifications(number).expect("a journal");
        let directories = verifications.iter().flat_map(|one| &one.directories);
        let mut written = directories
            .map(|check| {
                let counts = [check.total, check.different, check.missing, check.redundant];
                [vec![check.directory.trim().to_owned()], counts.map(|count| count.to_string()).to_vec()]
                    .concat()
            })
            .collect::<Vec<_>>();
        let mut read = rows(report.sheet(row))
            .into_iter()
            .filter_map(|cells| {
                let cells = cells.get(3..8)?;
                cells[0]
                    .starts_with('/')
                    .then(|| cells.iter().map(|cell| cell.trim().to_owned()).collect::<Vec<_>>())
            })
            .collect::<Vec<_>>();
        written.sort();
        read.sort();
        assert_eq!(read, written, "{}", report.sheet(row));
    }
}

fn text(cell: &Data) -> String {
    cell.to_string()
}
