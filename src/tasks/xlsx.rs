//! Task lists as workbooks: the first sheet, below the row that names the columns.

use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};

use super::collect::key;
use super::csv::header_faults;
use super::{Row, Rows};

/// Wave plans begin with titles and notes; the column names are looked for in so many rows.
const HEADER_ROWS: usize = 50;

pub(super) fn read(content: &[u8]) -> Rows {
    let mut workbook = match Xlsx::new(Cursor::new(content)) {
        Ok(workbook) => workbook,
        Err(error) => return Rows::fault(None, format!("is not an .xlsx workbook: {error}")),
    };
    let range = match workbook.worksheet_range_at(0) {
        None => return Rows::fault(None, "has no sheet"),
        Some(Err(error)) => return Rows::fault(None, format!("its first sheet cannot be read: {error}")),
        Some(Ok(range)) => range,
    };
    let first_row = range.start().map_or(1, |(row, _)| u64::from(row) + 1);
    let mut lines = (first_row..).zip(range.rows());
    let header = lines.by_ref().take(HEADER_ROWS).find_map(|(line, cells)| {
        let names: Vec<String> = cells.iter().map(|cell| text(cell).trim().to_owned()).collect();
        names.iter().any(|name| key(name) == "task_id").then_some((line, names))
    });
    let Some((header_line, names)) = header else {
        return Rows::fault(1, "the first sheet has no column `task_id`");
    };
    let mut rows = Rows::default();
    let columns: Vec<&str> = names.iter().map(String::as_str).collect();
    rows.faults.extend(header_faults(&columns).into_iter().map(|what| (Some(header_line), what)));
    if !rows.faults.is_empty() {
        return rows;
    }
    for (line, cells) in lines {
        if let Some(Data::Error(error)) = cells.iter().find(|cell| matches!(cell, Data::Error(_))) {
            rows.faults.push((Some(line), format!("holds the error value {error}")));
            continue;
        }
        let texts: Vec<String> = cells.iter().map(text).collect();
        if texts.iter().all(|text| text.trim().is_empty()) {
            continue;
        }
        let fields = names.iter().zip(texts).enumerate().map(|(index, (name, text))| {
            let name = if name.is_empty() { format!("column {}", index + 1) } else { name.clone() };
            (name, text)
        });
        rows.rows.push(Row { line, fields: fields.collect() });
    }
    rows
}

fn text(cell: &Data) -> String {
    match cell {
        Data::DateTime(moment) if moment.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
            if (hour, minute, second) == (0, 0, 0) {
                format!("{year:04}-{month:02}-{day:02}")
            } else {
                format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
            }
        }
        cell => cell.to_string(),
    }
}
