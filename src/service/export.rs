//! The workbook of a batch export. The service's layout is not documented; this one is simple.

use crate::threads::fenced;
use rust_xlsxwriter::{Format, Workbook, XlsxError};

use super::store::Exported;
use super::validate::Directory;

/// The media type of a workbook.
pub(super) const MEDIA_TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

const COLUMNS: [(&str, f64); 9] = [
    ("Task ID", 38.0),
    ("Source Server", 20.0),
    ("Finished", 22.0),
    ("Check Result", 13.0),
    ("Directory", 40.0),
    ("Total Files", 13.0),
    ("Different Files", 15.0),
    ("Missing Files", 14.0),
    ("Redundant Files", 16.0),
];

/// Why a workbook cannot be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExportError {
    /// The workbook writer failed.
    #[error("cannot write the workbook: {0}")]
    Workbook(#[from] XlsxError),
    /// The stored directories are invalid.
    #[error("cannot read the stored directories: {0}")]
    Stored(#[from] serde_json::Error),
    /// The service is stopping.
    #[error("the workbook was aborted")]
    Aborted,
}

/// A sheet with a row per directory of each task's newest verification; a task without a verification has one row.
pub(super) fn workbook(tasks: &[Exported]) -> Result<Vec<u8>, ExportError> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet().set_name("Consistency Results")?;
    let bold = Format::new().set_bold();
    for (column, (title, width)) in (0u16..).zip(COLUMNS) {
        sheet.write_string_with_format(0, column, title, &bold)?;
        sheet.set_column_width(column, width)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    let mut row = 1;
    for task in tasks {
        let directories: Vec<Directory> = match &task.newest {
            Some(newest) => serde_json::from_str(&newest.directories)?,
            None => Vec::new(),
        };
        let lines = directories.iter().map(Some).chain(directories.is_empty().then_some(None));
        for directory in lines {
            sheet.write_string(row, 0, &task.task_id)?;
            sheet.write_string(row, 1, task.source_name.as_deref().unwrap_or_default())?;
            if let Some(newest) = &task.newest {
                let finished = jiff::Timestamp::from_millisecond(newest.finished_time)
                    .map_or_else(|_| newest.finished_time.to_string(), |time| time.to_string());
                sheet.write_string(row, 2, finished)?;
                sheet.write_string(row, 3, &newest.check_result)?;
            }
            if let Some(directory) = directory {
                sheet.write_string(row, 4, &directory.dir_check)?;
                let counts = [
                    directory.num_total_files,
                    directory.num_different_files,
                    directory.num_target_miss_files,
                    directory.num_target_more_files,
                ];
                for (column, count) in (5u16..).zip(counts) {
                    sheet.write_number(row, column, count as f64)?;
                }
            }
            row += 1;
        }
    }
    Ok(fenced(|| workbook.save_to_buffer()).map_err(|_| ExportError::Aborted)??)
}
