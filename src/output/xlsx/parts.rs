//! Task sheets in files of their own, when one workbook would hold too many of them or be too large.
//!
//! What a file takes is known when it is made, and not before: parts are made to be measured, and once
//! more when it is known how many there are.

use std::io::{Read as _, Write};
use std::ops::Range;
use std::path::Path;

use rust_xlsxwriter::{DocProperties, XlsxError};
use zip::ZipArchive;

use super::contents::Part;
use super::link::file_name;
use super::main_file::write_workbook;
use super::sheet::Sheet;
use super::splice::{Place, Skeleton};
use super::task_sheet::{TaskSheet, sheets};
use super::workbook::begin;
use super::{contents, task_sheet, workbook};
use crate::fs::{AtomicFile, Written};
use crate::fs::{Sealed, directory_of, place_all};
use crate::model::TOOL;
use crate::output::error::{Cause, OutputError};
use crate::output::parts::{Limits, Size, part_path, remove_others};
use crate::report::Report;
use crate::threads::parallel_map;

/// The category among a workbook's properties by which our own parts are recognised.
const CATEGORY: &str = "Part of a report";
/// Room in a part for saying how many there are, in bytes.
const ROOM: u64 = 64;
/// Parts that are made at once. Each has a thread beside it to pack it, and the rows of a task in memory.
const AT_ONCE: usize = 2;
const ADVICE: &str = ", or use --template compact, which has no sheets for tasks";

/// Writes the workbook, in parts if need be, and gives its files, the one with the Summary first.
pub(in crate::output) fn write(
    report: &Report<'_>,
    path: &Path,
    limits: &Limits,
) -> Result<Vec<Written>, OutputError> {
    let files = make(report, path, limits).map_err(OutputError::at(path))?;
    // The Summary comes last to its place: it must not lead to what is not there.
    let mut written = place_all(files)?;
    written.rotate_right(1);
    remove_others(path, &written, is_part)?;
    Ok(written)
}

/// The files of the workbook, whole but not yet at their places.
fn make(report: &Report<'_>, path: &Path, limits: &Limits) -> Result<Vec<Sealed>, Cause> {
    let sheets = sheets(report);
    let folder = directory_of(path);
    if sheets.len() <= limits.max_sheets.get() {
        let mut file = AtomicFile::create(path)?;
        write_workbook(report, None, &mut file, folder)?;
        if sheets.is_empty() {
            limits.check(file.size(), || "the Summary".to_owned(), "")?;
        }
        if limits.allow(file.size()) {
            return Ok(vec![file.seal()?]);
        }
    }
    let main = file_name(path)?;
    let measure = |range: Range<usize>| {
        let sheets = sheets.get(range).unwrap_or_default();
        let mut size = Size::default();
        // The number that takes the most room.
        write_part(
            report,
            &Part { number: sheets.len(), of: sheets.len(), main, sheets },
            &mut size,
            folder,
        )?;
        Ok(size.0 + ROOM)
    };
    let plan = plan(&sheets, limits, measure, |sheet| name_of(report, sheet))?;
    let parts: Vec<&[TaskSheet]> = plan.into_iter().filter_map(|range| sheets.get(range)).collect();
    let mut file = AtomicFile::create(path)?;
    write_workbook(report, Some(&homes(path, &parts)?), &mut file, folder)?;
    limits.check(file.size(), || "the Summary".to_owned(), ADVICE)?;
    let summary = file.seal()?;
    let of = parts.len();
    let make = |part: &Part<'_>| -> Result<Sealed, Cause> {
        let mut file = AtomicFile::create(&part_path(path, part.number))?;
        write_part(report, part, &mut file, folder)?;
        limits.check(file.size(), || format!("part {}", part.number), ADVICE)?;
        Ok(file.seal()?)
    };
    let parts: Vec<_> = (1..).zip(parts).map(|(number, sheets)| Part { number, of, main, sheets }).collect();
    let mut files = Vec::new();
    for batch in parts.chunks(AT_ONCE) {
        for file in parallel_map(batch, make) {
            files.push(file?);
        }
    }
    files.push(summary);
    Ok(files)
}

fn name_of(report: &Report<'_>, sheet: TaskSheet) -> String {
    let row = report.rows().get(sheet.ordinal);
    let name = row.and_then(|row| row.sheets.get(sheet.index));
    format!("the sheet of {}", name.map_or("a task", String::as_str))
}

/// By task: the name of the file that its first sheet stands in.
fn homes(path: &Path, parts: &[&[TaskSheet]]) -> Result<Vec<String>, Cause> {
    let mut homes = Vec::new();
    for (number, sheets) in (1..).zip(parts) {
        let part = part_path(path, number);
        let name = file_name(&part)?;
        homes.extend(sheets.iter().filter(|sheet| sheet.index == 0).map(|_| name.to_owned()));
    }
    Ok(homes)
}

/// Divides the sheets into parts that keep to the limits, as `measure` finds them. A task's sheets stay
/// together where they fit.
fn plan(
    sheets: &[TaskSheet],
    limits: &Limits,
    mut measure: impl FnMut(Range<usize>) -> Result<u64, Cause>,
    name: impl Fn(TaskSheet) -> String,
) -> Result<Vec<Range<usize>>, Cause> {
    let most = limits.max_sheets.get();
    let mut parts = Vec::new();
    let (mut first, mut count) = (0, most);
    while let Some(sheet) = sheets.get(first) {
        let mut part = first..end(sheets, first, count);
        if let Some(limit) = limits.max_bytes {
            loop {
                let size = measure(part.clone())?;
                if size <= limit {
                    count = fitting(part.len(), size, limit).clamp(part.len(), most);
                    break;
                }
                if part.len() == 1 {
                    limits.check(size, || name(*sheet), ADVICE)?;
                }
                let fewer = fitting(part.len(), size, limit).clamp(1, part.len().saturating_sub(1).max(1));
                part = first..end(sheets, first, fewer);
            }
        }
        first = part.end;
        parts.push(part);
    }
    Ok(parts)
}

/// The end of a part that begins at `first` and has at most `count` sheets, at least one.
fn end(sheets: &[TaskSheet], first: usize, count: usize) -> usize {
    let end = first.saturating_add(count.max(1)).min(sheets.len());
    let of_this_task = sheets.get(end).map_or(0, |next| next.index);
    let end_of_task_before = end.saturating_sub(of_this_task);
    if end_of_task_before > first { end_of_task_before } else { end }
}

/// How many sheets may fit into the limit, if so many take `size`: a little fewer than their share, for
/// sheets differ.
fn fitting(count: usize, size: u64, limit: u64) -> usize {
    let [count, size, limit] = [u128::try_from(count).unwrap_or(1), size.into(), limit.into()];
    usize::try_from(count * limit * 19 / 20 / size.max(1)).unwrap_or(usize::MAX)
}

pub(super) fn write_part(
    report: &Report<'_>,
    part: &Part<'_>,
    to: &mut (dyn Write + Send),
    folder: &Path,
) -> Result<(), Cause> {
    let (mut workbook, styles) = begin(&properties(report)?, report);
    contents::add(&mut workbook, report, part, &styles)?;
    let skeleton = Skeleton::new(workbook, Place { streamed: 1, before: 1 }, &styles.of_cells, |workbook| {
        task_sheet::models(workbook, report, Some(part.main), &styles)
    })?;
    skeleton.write(to, folder, part.sheets.len(), |entries| {
        entries.streamed(contents::extent(part), contents::links(report, part), |rows| {
            contents::rows(&mut Sheet::of(rows, report, &styles), report, part)
        })?;
        task_sheet::write(entries, report, part.sheets, &styles)
    })
}

pub(super) fn properties(report: &Report<'_>) -> Result<DocProperties, XlsxError> {
    Ok(workbook::properties(report)?.set_category(CATEGORY))
}

/// Whether a file is a part of some report of ours: nobody else's is removed.
fn is_part(path: &Path) -> bool {
    let properties = || -> zip::result::ZipResult<String> {
        let mut archive = ZipArchive::new(std::fs::File::open(path)?)?;
        let mut text = String::new();
        archive.by_name("docProps/core.xml")?.take(1 << 16).read_to_string(&mut text)?;
        Ok(text)
    };
    properties().is_ok_and(|text| {
        text.contains(&format!(">{CATEGORY}<")) && text.contains(&format!("<dc:creator>{TOOL}"))
    })
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use proptest::prelude::*;

    /// The sheets of tasks that have so many.
    fn sheets_of(tasks: &[usize]) -> Vec<TaskSheet> {
        let of_task = |(ordinal, sheets): (usize, &usize)| {
            (0..*sheets).map(move |index| TaskSheet { ordinal, index }).collect::<Vec<_>>()
        };
        tasks.iter().enumerate().flat_map(of_task).collect()
    }

    fn by_sheets(tasks: &[usize], most: usize) -> Vec<Range<usize>> {
        let limits = Limits { max_sheets: NonZeroUsize::new(most).unwrap(), max_bytes: None };
        plan(&sheets_of(tasks), &limits, |_| unreachable!(), |_| String::new()).unwrap()
    }

    #[test]
    fn a_tasks_sheets_stay_together_where_they_fit() {
        assert_eq!(by_sheets(&[1, 1, 1, 1, 1], 2), [0..2, 2..4, 4..5]);
        assert_eq!(by_sheets(&[1, 2, 1], 2), [0..1, 1..3, 3..4]);
        assert_eq!(by_sheets(&[1, 5, 1], 2), [0..1, 1..3, 3..5, 5..7]);
        assert!(by_sheets(&[], 2).is_empty());
    }

    proptest! {
        #[test]
        fn every_sheet_is_in_one_part_that_fits(
            tasks in prop::collection::vec(1..4_usize, 0..60),
            sizes in prop::collection::vec(1..400_u64, 180),
            most in 1..20_usize,
            limit in 400..3000_u64,
        ) {
            let sheets = sheets_of(&tasks);
            let size = |range: Range<usize>| sizes[range].iter().sum::<u64>();
            let limits = Limits { max_sheets: NonZeroUsize::new(most).unwrap(), max_bytes: Some(limit) };
            let parts = plan(&sheets, &limits, |range| Ok(size(range)), |_| String::new()).unwrap();
            prop_assert_eq!(parts.iter().cloned().flatten().collect::<Vec<_>>(), (0..sheets.len()).collect::<Vec<_>>());
            for part in parts {
                prop_assert!((1..=most).contains(&part.len()) && size(part) <= limit);
            }
        }
    }

    #[test]
    fn a_sheet_that_is_too_large_alone_is_an_error() {
        let limits = Limits { max_bytes: Some(99), ..Limits::default() };
        let size = |range: Range<usize>| Ok(if range.contains(&3) { 100 } else { 10 });
        let error = plan(&sheets_of(&[1; 9]), &limits, size, |sheet| format!("task {}", sheet.ordinal));
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with("task 3 alone takes 100 bytes, but --max-bytes allows 99"), "{error}");
    }
}
