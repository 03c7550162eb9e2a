//! Task lists as workbooks: one worksheet, below the row that names the columns.

mod shown;
mod unpacked;

use std::collections::BTreeMap;
use std::io::Cursor;

use calamine::{
    Data, DataRef, Dimensions, Reader, SheetType, SheetVisible, Xlsx, XlsxError, XlsxFormulaMetadata,
};

use super::header;
use super::headings::ColumnChoice;
use super::line::{Cell, HEADING_ROWS, Line};
use super::rows::Rows;
use super::table::{self, Surplus};
use shown::{moment_text, number_text, rounded};

/// From here on a spreadsheet, which stores 15 digits, may not have the number that was typed.
const FIRST_INEXACT: f64 = 1e15;
/// Bytes that the cells of one worksheet may take in memory: a million rows of six short cells.
const MAX_MEMORY: usize = 512 * 1024 * 1024;
/// Bytes that a cell takes beside its text.
const CELL_SIZE: usize = 96;
/// Characters of a formula that are shown instead of a value.
const MAX_FORMULA_CHARS: usize = 255;

/// The cells of a sheet by row and column, both from 0. Blank ones are left out.
type Cells = BTreeMap<u32, BTreeMap<u32, Cell>>;

/// Reads the worksheet called `wanted`, or the first visible one.
pub(super) fn read(content: &[u8], wanted: Option<&str>, choices: &[ColumnChoice]) -> Rows {
    if let Err(what) = unpacked::check(content) {
        return Rows::fault(None, what);
    }
    let mut workbook = match Xlsx::new(Cursor::new(content)) {
        Ok(workbook) => workbook,
        Err(error) => return Rows::fault(None, format!("is not an .xlsx workbook: {error}")),
    };
    let sheet = match sheet(workbook.sheets_metadata(), wanted) {
        Ok(sheet) => sheet,
        Err(what) => return Rows::fault(None, what),
    };
    let mut memory = Memory(MAX_MEMORY);
    let read = cells(&mut workbook, &sheet, &mut memory).and_then(|cells| {
        Ok((cells, workbook.merge_cells_by_sheet_name(&sheet).map_err(|error| error.to_string())?))
    });
    let (mut cells, merged) = match read {
        Ok(read) => read,
        Err(error) => return Rows::fault(None, format!("its sheet `{sheet}` cannot be read: {error}")),
    };
    let first_rows: Vec<Line> =
        cells.iter().take(HEADING_ROWS).map(|(row, cells)| line(*row, cells.clone())).collect();
    let heading_row = header::find(&first_rows, choices).map_or(0, |header| header.lines.1);
    for region in merged.iter().filter(|region| from_one(region.start.0) > heading_row) {
        if let Err(what) = spread(&mut cells, region, &mut memory) {
            return Rows::fault(None, format!("its sheet `{sheet}` cannot be read: {what}"));
        }
    }
    let lines = cells.into_iter().map(|(row, cells)| line(row, cells)).collect();
    let missing = format!("its sheet `{sheet}` {}", table::no_task_id(&first_rows));
    table::read(lines, Surplus::Labels, choices).unwrap_or_else(|| Rows::fault(None, missing))
}

/// The name of the worksheet to read.
fn sheet(sheets: &[calamine::Sheet], wanted: Option<&str>) -> Result<String, String> {
    let worksheets = || sheets.iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let found = match wanted {
        Some(wanted) => worksheets()
            .find(|sheet| sheet.name == wanted)
            .or_else(|| worksheets().find(|sheet| sheet.name.to_lowercase() == wanted.to_lowercase())),
        None => worksheets().find(|sheet| sheet.visible == SheetVisible::Visible),
    };
    let names = || match worksheets().map(|sheet| format!("`{}`", sheet.name)).collect::<Vec<_>>() {
        names if names.is_empty() => "none".to_owned(),
        names => names.join(", "),
    };
    match (found, wanted) {
        (Some(sheet), _) => Ok(sheet.name.clone()),
        (None, Some(wanted)) => Err(format!("has no sheet `{wanted}`; its sheets are: {}", names())),
        (None, None) if worksheets().next().is_none() => Err("has no sheet".to_owned()),
        (None, None) => Err(format!("has no visible sheet; name one with --sheet: {}", names())),
    }
}

/// What is left of the memory for a worksheet.
struct Memory(usize);

impl Memory {
    fn take(&mut self, text: &str) -> Result<(), String> {
        match self.0.checked_sub(text.len() + CELL_SIZE) {
            Some(left) => {
                self.0 = left;
                Ok(())
            }
            None => Err("it has more cells than fit in memory; save the rows and columns of the list as CSV"
                .to_owned()),
        }
    }
}

fn line(row: u32, cells: BTreeMap<u32, Cell>) -> Line {
    let cells = cells.into_iter().filter_map(|(column, cell)| Some((usize::try_from(column).ok()?, cell)));
    Line { line: from_one(row), cells: cells.collect() }
}

/// Copies the text of a cell that is merged over several rows to each of them.
fn spread(cells: &mut Cells, region: &Dimensions, memory: &mut Memory) -> Result<(), String> {
    let ((first, column), last) = (region.start, region.end.0);
    // A region of a damaged file may end above its start.
    let shared = cells.get(&first).filter(|_| first <= last).and_then(|cells| cells.get(&column)).cloned();
    let Some(shared) = shared else { return Ok(()) };
    for cells in cells.range_mut(first..=last).map(|(_, cells)| cells) {
        if let std::collections::btree_map::Entry::Vacant(cell) = cells.entry(column) {
            memory.take(&shared.text)?;
            cell.insert(shared.clone());
        }
    }
    Ok(())
}

fn from_one(index: u32) -> u64 {
    u64::from(index) + 1
}

fn cells(workbook: &mut Xlsx<Cursor<&[u8]>>, sheet: &str, memory: &mut Memory) -> Result<Cells, String> {
    let failed = |error: XlsxError| error.to_string();
    let is_1904 = workbook.has_1904_epoch();
    let mut cells = Cells::new();
    let mut insert = |(row, column): (u32, u32), cell: Cell| {
        memory.take(&cell.text)?;
        cells.entry(row).or_default().insert(column, cell);
        Ok::<_, String>(())
    };
    // Number formats and formulas come from two different passes.
    let mut reader = workbook.worksheet_cells_reader(sheet).map_err(failed)?;
    while let Some((cell, style)) = reader.next_cell_with_style_id().map_err(failed)? {
        let format = reader.styles().get(style).and_then(|style| style.number_format.as_ref());
        let shown = text(cell.get_value(), |number| {
            let format = format?;
            number_text(number, &format.format_code, format.format_id, is_1904)
        });
        if let Some(shown) = shown.filter(|cell| !cell.text.trim().is_empty()) {
            insert(cell.get_position(), shown)?;
        }
    }
    drop(reader);
    let mut reader = workbook.worksheet_cells_reader(sheet).map_err(failed)?;
    while let Some(cell) = reader.next_cell_with_formula_metadata().map_err(failed)? {
        // A formula whose value is an empty text is blank; one that was never worked out has no value.
        let (DataRef::Empty, Some(formula)) = (&cell.value, &cell.formula) else { continue };
        let problem = "contains a formula without a value; open the workbook in a spreadsheet and save it";
        insert(cell.pos, Cell { text: formula_text(formula), problem: Some(problem.to_owned()) })?;
    }
    Ok(cells)
}

fn formula_text(formula: &XlsxFormulaMetadata) -> String {
    let formula = match formula {
        XlsxFormulaMetadata::Normal { formula } | XlsxFormulaMetadata::Shared { formula, .. } => formula,
        _ => "…",
    };
    std::iter::once('=').chain(formula.chars()).take(MAX_FORMULA_CHARS).collect()
}

/// A cell as a spreadsheet shows it; `shown` applies the cell's number format.
fn text(value: &DataRef<'_>, shown: impl Fn(f64) -> Option<String>) -> Option<Cell> {
    let number = |number: f64| {
        if number.abs() >= FIRST_INEXACT {
            let what = format!(
                "contains the number {number}, but a spreadsheet keeps only 15 digits; format the cell as text"
            );
            return Cell { text: number.to_string(), problem: Some(what) };
        }
        Cell::from(shown(number).unwrap_or_else(|| rounded(number)))
    };
    Some(match value {
        DataRef::Empty => return None,
        DataRef::Float(value) => number(*value),
        #[expect(clippy::cast_precision_loss, reason = "numbers of more than 15 digits are refused as ids")]
        DataRef::Int(value) => number(*value as f64),
        DataRef::DateTime(moment) => {
            let raw = || if moment.is_datetime() { moment_text(moment) } else { rounded(moment.as_f64()) };
            Cell::from(shown(moment.as_f64()).unwrap_or_else(raw))
        }
        DataRef::Bool(value) => Cell::from(if *value { "TRUE" } else { "FALSE" }.to_owned()),
        value => Cell::from(Data::from(value.clone()).to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_region_that_ends_above_its_start_changes_nothing() {
        let row = || BTreeMap::from([(0, Cell::from("t".to_owned()))]);
        let before: Cells = BTreeMap::from([(4, row()), (7, row())]);
        let mut cells = before.clone();
        spread(&mut cells, &Dimensions { start: (7, 0), end: (4, 0) }, &mut Memory(MAX_MEMORY)).unwrap();
        assert_eq!(cells, before);
    }

    #[test]
    fn cells_beyond_the_memory_limit_are_refused() {
        let mut memory = Memory(2 * CELL_SIZE + 5);
        assert!(memory.take("12345").is_ok() && memory.take("").is_ok());
        assert!(memory.take("").unwrap_err().contains("more cells than fit in memory"));
    }
}
