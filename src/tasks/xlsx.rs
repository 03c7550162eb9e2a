//! Task lists as workbooks: the first sheet, below the row that names the columns.

use std::collections::BTreeMap;
use std::io::Cursor;

use calamine::{Data, DataRef, Dimensions, ExcelDateTime, Reader, Xlsx, XlsxError};

use super::collect::key;
use super::csv::header_faults;
use super::{Row, Rows};

/// Wave plans begin with titles and notes; the column names are looked for in so many rows.
const HEADER_ROWS: usize = 50;

/// From here on a spreadsheet, which keeps 15 digits, may not hold the number that was typed.
const FIRST_INEXACT: f64 = 1e15;

/// The cells of a sheet by row and column, both from 0: a text, or what is wrong. Blank ones are left out.
type Cells = BTreeMap<u32, BTreeMap<u32, Result<String, String>>>;

pub(super) fn read(content: &[u8]) -> Rows {
    let mut workbook = match Xlsx::new(Cursor::new(content)) {
        Ok(workbook) => workbook,
        Err(error) => return Rows::fault(None, format!("is not an .xlsx workbook: {error}")),
    };
    let Some(sheet) = workbook.sheet_names().into_iter().next() else {
        return Rows::fault(None, "has no sheet");
    };
    let read = cells(&mut workbook, &sheet)
        .and_then(|cells| Ok((cells, workbook.merge_cells_by_sheet_name(&sheet)?)));
    let (mut cells, merged) = match read {
        Ok(read) => read,
        Err(error) => {
            return Rows::fault(None, format!("its first sheet, `{sheet}`, cannot be read: {error}"));
        }
    };
    let header = cells.iter().take(HEADER_ROWS).find_map(|(row, cells)| {
        let texts = cells.iter().filter_map(|(column, text)| Some((*column, text.as_deref().ok()?.trim())));
        let names: BTreeMap<u32, String> = texts.map(|(column, text)| (column, text.to_owned())).collect();
        names.values().any(|name| key(name) == "task_id").then_some((*row, names))
    });
    let Some((header_row, names)) = header else {
        return Rows::fault(None, format!("the first sheet, `{sheet}`, has no column `task_id`"));
    };
    let mut rows = Rows::default();
    let columns: Vec<&str> = names.values().map(String::as_str).collect();
    rows.faults.extend(header_faults(&columns).into_iter().map(|what| (Some(from_one(header_row)), what)));
    if !rows.faults.is_empty() {
        return rows;
    }
    for region in merged.iter().filter(|region| region.start.0 > header_row) {
        spread(&mut cells, region);
    }
    for (row, cells) in cells.split_off(&(header_row + 1)) {
        add(&mut rows, from_one(row), &names, cells);
    }
    rows
}

/// What stands in a cell over several rows is said of each of them.
fn spread(cells: &mut Cells, region: &Dimensions) {
    let ((first, column), last) = (region.start, region.end.0);
    // A region may end above its start; the rows of such a one are not told.
    let shared = cells.get(&first).filter(|_| first <= last).and_then(|cells| cells.get(&column)).cloned();
    let Some(shared) = shared else { return };
    for cells in cells.range_mut(first..=last).map(|(_, cells)| cells) {
        cells.entry(column).or_insert_with(|| shared.clone());
    }
}

fn from_one(index: u32) -> u64 {
    u64::from(index) + 1
}

fn add(
    rows: &mut Rows,
    line: u64,
    names: &BTreeMap<u32, String>,
    cells: BTreeMap<u32, Result<String, String>>,
) {
    let mut row = Row { line, fields: Vec::with_capacity(cells.len()) };
    let known_faults = rows.faults.len();
    for (column, cell) in cells {
        let name = names.get(&column).cloned().unwrap_or_else(|| format!("column {}", from_one(column)));
        match cell {
            Ok(text) => row.fields.push((name, text)),
            Err(what) => rows.faults.push((Some(line), format!("`{name}` {what}"))),
        }
    }
    if rows.faults.len() == known_faults {
        rows.rows.push(row);
    }
}

fn cells(workbook: &mut Xlsx<Cursor<&[u8]>>, sheet: &str) -> Result<Cells, XlsxError> {
    let mut cells = Cells::new();
    let mut reader = workbook.worksheet_cells_reader(sheet)?;
    while let Some(cell) = reader.next_cell_with_formula_metadata()? {
        let (row, column) = cell.pos;
        let text = match text(cell.value) {
            // A formula whose value is an empty text is blank; one that was never worked out is not.
            None if cell.formula.is_some() => Err("holds a formula without a value; open the workbook in a \
                                                   spreadsheet and save it"
                .to_owned()),
            None => continue,
            Some(Ok(text)) if text.trim().is_empty() => continue,
            Some(text) => text,
        };
        cells.entry(row).or_default().insert(column, text);
    }
    Ok(cells)
}

fn text(value: DataRef<'_>) -> Option<Result<String, String>> {
    Some(match value {
        DataRef::Empty => return None,
        DataRef::Error(error) => Err(format!("holds the error value {error}")),
        DataRef::Float(number) if number.abs() >= FIRST_INEXACT => Err(format!(
            "holds the number {number}, of which a spreadsheet keeps 15 digits; write it as a text"
        )),
        DataRef::DateTime(moment) if moment.is_datetime() => Ok(moment_text(&moment)),
        value => Ok(Data::from(value).to_string()),
    })
}

/// A date, a time of day, or both.
fn moment_text(moment: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    match (moment.as_f64() < 1.0, time.as_str()) {
        (true, _) => time,
        (false, "00:00:00") => date,
        (false, _) => format!("{date} {time}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merged_region_that_ends_above_its_start_is_passed_over() {
        let row = || BTreeMap::from([(0, Ok("t".to_owned()))]);
        let before: Cells = BTreeMap::from([(4, row()), (7, row())]);
        let mut cells = before.clone();
        spread(&mut cells, &Dimensions { start: (7, 0), end: (4, 0) });
        assert_eq!(cells, before);
    }
}
