//! What stands around the rows of a sheet.

use std::fmt::Write as _;

use rust_xlsxwriter::XlsxError;
use rust_xlsxwriter::utility::{column_number_to_name, quote_sheet_name};

use super::escape;
use super::mismatch::template_mismatch;

/// The row, from 1, in which the ranges of a model end that are to end in the last row of its data: the
/// last one that a worksheet has.
pub(super) const LAST_ROW: &str = "1048576";

/// How far a sheet goes; rows and columns from 0.
#[derive(Debug, Clone, Copy)]
pub(in crate::output::xlsx) struct Extent {
    pub(in crate::output::xlsx) last_row: u32,
    pub(in crate::output::xlsx) last_column: u16,
}

/// A sheet that was added.
pub(super) struct Added<'n> {
    pub(super) name: &'n str,
    /// The place of its model.
    pub(super) model: usize,
    pub(super) extent: Extent,
}

/// A sheet of the skeleton: its XML before the rows, between them and where links stand, and after these.
pub(super) struct Frame {
    before: Vec<Piece>,
    between: Vec<Piece>,
    after: Vec<Piece>,
    /// Whether it has links of its own, so that further ones join them.
    pub(super) has_links: bool,
    /// What it leads to.
    pub(super) relations: Option<String>,
}

#[derive(Debug, PartialEq)]
enum Piece {
    Text(String),
    /// All cells of the sheet.
    Dimension,
    /// A range from a cell of this name, in this row from 1, to this column in the last row.
    Range {
        first: String,
        row: u32,
        column: String,
    },
    /// The name of the sheet, as formulas have it.
    Name,
}

impl Frame {
    /// The streamed sheet, whose further rows come after those that it has.
    pub(super) fn of_streamed(sheet: &str, relations: Option<String>) -> Result<Self, XlsxError> {
        let (before, after) = split(sheet, "</sheetData>")?;
        Self::new(before, after, relations)
    }

    /// A model, all rows of which come from elsewhere; the name is the one that it has itself.
    pub(super) fn of_model(sheet: &str, relations: Option<String>, name: &str) -> Result<Self, XlsxError> {
        let (before, rest) = split(sheet, "<sheetData>")?;
        let (_, after) = split(rest, "</sheetData>")?;
        let mut frame = Self::new(&format!("{before}<sheetData>"), after, relations)?;
        let name = format!("{}!", quote_sheet_name(name));
        for pieces in [&mut frame.before, &mut frame.between, &mut frame.after] {
            cut(pieces, find_range)?;
            cut(pieces, |text| {
                Ok(text.split_once(&name).map(|(before, after)| (before, Piece::Name, after)))
            })?;
        }
        let is_range = |piece: &Piece| matches!(piece, Piece::Range { .. });
        if !frame.between.iter().any(is_range) {
            return Err(template_mismatch("a model has no range that ends with its rows"));
        }
        Ok(frame)
    }

    fn new(before: &str, after: &str, relations: Option<String>) -> Result<Self, XlsxError> {
        let (start, rest) = split(before, "<dimension ref=\"")?;
        let (_, before) =
            rest.split_once("\"/>").ok_or_else(|| template_mismatch("a sheet has no dimension"))?;
        let has_links = after.contains("</hyperlinks>");
        let end = if has_links { "</hyperlinks>" } else { "<pageMargins " };
        let (between, rest) = split(after, end)?;
        Ok(Self {
            before: vec![Piece::Text(start.to_owned()), Piece::Dimension, Piece::Text(before.to_owned())],
            between: vec![Piece::Text(format!("</sheetData>{between}"))],
            after: vec![Piece::Text(format!("{end}{rest}"))],
            has_links,
            relations,
        })
    }

    pub(super) fn before(&self, out: &mut String, name: &str, extent: Extent) {
        write(&self.before, out, name, extent);
    }

    pub(super) fn between(&self, out: &mut String, name: &str, extent: Extent) {
        write(&self.between, out, name, extent);
    }

    pub(super) fn after(&self, out: &mut String, name: &str, extent: Extent) {
        write(&self.after, out, name, extent);
    }
}

fn write(pieces: &[Piece], out: &mut String, name: &str, Extent { last_row, last_column }: Extent) {
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Dimension => {
                let column = column_number_to_name(last_column);
                let _ = write!(out, "<dimension ref=\"A1:{column}{}\"/>", last_row + 1);
            }
            Piece::Range { first, row, column } => {
                out.push_str(first);
                // A sheet without rows has none in its ranges but the first.
                let last = format!("{column}{}", (last_row + 1).max(*row));
                if last != *first {
                    out.push(':');
                    out.push_str(&last);
                }
            }
            Piece::Name => {
                out.push_str(&escape::text_of_element(&quote_sheet_name(name)));
                out.push('!');
            }
        }
    }
}

/// A text before a piece, the piece, and the text after it.
type Found<'t> = Option<(&'t str, Piece, &'t str)>;

/// Cuts the texts among `pieces` where `find` finds another piece.
fn cut(
    pieces: &mut Vec<Piece>,
    find: impl for<'t> Fn(&'t str) -> Result<Found<'t>, XlsxError>,
) -> Result<(), XlsxError> {
    let mut done = Vec::new();
    for piece in pieces.drain(..) {
        let Piece::Text(text) = piece else {
            done.push(piece);
            continue;
        };
        let mut rest = text.as_str();
        while let Some((before, piece, after)) = find(rest)? {
            done.extend([Piece::Text(before.to_owned()), piece]);
            rest = after;
        }
        done.push(Piece::Text(rest.to_owned()));
    }
    *pieces = done;
    Ok(())
}

/// The first attribute with a range that ends in the last row.
fn find_range(text: &str) -> Result<Found<'_>, XlsxError> {
    let Some((before, after)) = text.split_once(&format!("{LAST_ROW}\"")) else { return Ok(None) };
    let unknown = || template_mismatch("a model has a range of an unknown form");
    let (before, range) = before.rsplit_once("ref=\"").ok_or_else(unknown)?;
    let (first, column) = range.split_once(':').ok_or_else(unknown)?;
    let row = first.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let is_column = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase());
    let row = row.parse().ok().filter(|_| is_column(column)).ok_or_else(unknown)?;
    let place = text.len() - after.len() - 1;
    let range = Piece::Range { first: first.to_owned(), row, column: column.to_owned() };
    let kept = text.get(..before.len() + "ref=\"".len()).ok_or_else(unknown)?;
    // The quote that ends the attribute stays.
    Ok(Some((kept, range, text.get(place..).ok_or_else(unknown)?)))
}

/// The text before and after the only `mark` in it.
pub(super) fn split<'t>(text: &'t str, mark: &str) -> Result<(&'t str, &'t str), XlsxError> {
    text.split_once(mark)
        .filter(|(_, after)| !after.contains(mark))
        .ok_or_else(|| template_mismatch(&format!("it should have one {mark}")))
}

/// The numbers of the styles on the sheet that shows each of them once.
pub(super) fn styles(sheet: &str, count: usize) -> Result<Vec<String>, XlsxError> {
    let is_number = |text: &&str| text.parse::<u32>().is_ok();
    let cells = sheet.split(" s=\"").skip(1).map(|cell| cell.split('"').next().filter(is_number));
    let styles: Option<Vec<String>> = cells.map(|style| style.map(str::to_owned)).collect();
    styles
        .filter(|styles| styles.len() == count)
        .ok_or_else(|| template_mismatch("not every style has its number"))
}
