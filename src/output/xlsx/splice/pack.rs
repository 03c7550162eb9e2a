//! Entries of the workbook's ZIP file: the text is made here and deflated on another thread, in the same order.

use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, Sender};
use std::thread;

use rust_xlsxwriter::XlsxError;
use rust_xlsxwriter::utility::row_col_to_cell;

use super::escape::value;
use super::frame::{Added, Extent, Frame, split};
use super::link::Link;
use super::lists::Sheets;
use super::mismatch::template_mismatch;
use super::pipe::{Chunk, Pipe};
use super::rows::Rows;
use super::sheet_path::{relations_path, sheet_path};
use crate::output::error::Cause;
use crate::output::xlsx::cell_text::first_units;
use crate::output::xlsx::link::{MAX_TIP_UNITS, escaped};
use crate::output::zip_writer::ZipWriter;
use crate::threads::refused;

/// The buffer for an entry that is written piece by piece, in bytes.
const BUFFER: usize = 1 << 16;
const LINK_TYPE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink";

/// The streamed sheet and those that are added.
pub(in crate::output::xlsx) struct Entries<'s, 'n> {
    pipe: Pipe,
    styles: &'s [String],
    streamed: &'s Frame,
    models: &'s [Frame],
    sheets: &'s Sheets,
    extent: Option<Extent>,
    added: Vec<Added<'n>>,
}

impl<'n> Entries<'_, 'n> {
    /// Writes the streamed sheet: `rows` writes those that come after its own.
    pub(in crate::output::xlsx) fn streamed<'l>(
        &mut self,
        extent: Extent,
        links: impl Iterator<Item = Link<'l>> + Clone,
        rows: impl FnOnce(&mut Rows<'_>) -> Result<(), XlsxError>,
    ) -> Result<(), XlsxError> {
        self.extent = Some(extent);
        let Self { pipe, styles, streamed, sheets, .. } = self;
        pipe.begin(sheet_path(sheets.streamed))?;
        streamed.before(&mut pipe.text, "", extent);
        let mut written = Rows::new(pipe, styles);
        rows(&mut written)?;
        written.finish()?;
        streamed.between(&mut pipe.text, "", extent);
        let has_new = !streamed.has_links && links.clone().next().is_some();
        pipe.text.push_str(if has_new { "<hyperlinks>" } else { "" });
        let mut numbers = 1..;
        for link in links.clone() {
            link.write(&mut pipe.text, &mut numbers);
            pipe.pass_on()?;
        }
        pipe.text.push_str(if has_new { "</hyperlinks>" } else { "" });
        streamed.after(&mut pipe.text, "", extent);
        let Some(relations) = &streamed.relations else {
            let leads_out = links.clone().any(|link| link.file.is_some());
            return if leads_out {
                Err(template_mismatch("its streamed sheet leads nowhere"))
            } else {
                Ok(())
            };
        };
        let end = "</Relationships>";
        let (relations, _) = split(relations, end)?;
        pipe.begin(relations_path(sheets.streamed))?;
        pipe.text.push_str(relations);
        for (number, file) in (1..).zip(links.filter_map(|link| link.file)) {
            let target = value(&escaped(&file));
            pipe.text.push_str(&format!(
                "<Relationship Id=\"link{number}\" Type=\"{LINK_TYPE}\" Target=\"{target}\" TargetMode=\"External\"/>"
            ));
            pipe.pass_on()?;
        }
        pipe.text.push_str(end);
        Ok(())
    }

    /// Adds a sheet of the form of a model, by its place; `rows` writes all its rows.
    pub(in crate::output::xlsx) fn add(
        &mut self,
        model: usize,
        name: &'n str,
        extent: Extent,
        rows: impl FnOnce(&mut Rows<'_>) -> Result<(), XlsxError>,
    ) -> Result<(), XlsxError> {
        let Self { pipe, styles, .. } = self;
        let frame = self.models.get(model).ok_or_else(|| template_mismatch("it lacks a model"))?;
        let number = self.sheets.before + self.added.len() + 1;
        pipe.begin(sheet_path(number))?;
        frame.before(&mut pipe.text, name, extent);
        let mut written = Rows::new(pipe, styles);
        rows(&mut written)?;
        written.finish()?;
        frame.between(&mut pipe.text, name, extent);
        frame.after(&mut pipe.text, name, extent);
        if let Some(relations) = &frame.relations {
            pipe.begin(relations_path(number))?;
            pipe.text.push_str(relations);
        }
        self.added.push(Added { name, model, extent });
        Ok(())
    }
}

impl Link<'_> {
    /// Writes the element; `numbers` are those of the files that links lead to, one for each.
    fn write(&self, out: &mut String, numbers: &mut impl Iterator<Item = usize>) {
        let cell = row_col_to_cell(self.cell.0, self.cell.1);
        let place = value(&format!("'{}'!A1", self.sheet.replace('\'', "''")));
        let tip = value(first_units(&self.tip, MAX_TIP_UNITS));
        out.push_str(&match (&self.file, numbers) {
            (None, _) => {
                let text = value(&self.text);
                format!(
                    "<hyperlink ref=\"{cell}\" location=\"{place}\" tooltip=\"{tip}\" display=\"{text}\"/>"
                )
            }
            (Some(_), numbers) => {
                let number = numbers.next().unwrap_or_default();
                format!(
                    "<hyperlink ref=\"{cell}\" r:id=\"link{number}\" location=\"{place}\" tooltip=\"{tip}\"/>"
                )
            }
        });
    }
}

/// Writes the entries that `fill` makes, and returns the extent of the streamed sheet and the added sheets.
pub(super) fn entries<'n, W: Write + Send>(
    zip: &mut ZipWriter<W>,
    (styles, streamed, models): (&[String], &Frame, &[Frame]),
    sheets: &Sheets,
    fill: impl FnOnce(&mut Entries<'_, 'n>) -> Result<(), Cause>,
) -> Result<(Extent, Vec<Added<'n>>), Cause> {
    let (pipe, chunks, back) = Pipe::new();
    thread::scope(|scope| {
        let packing = thread::Builder::new().spawn_scoped(scope, move || pack(zip, chunks, &back));
        let packing = packing.map_err(|error| refused(&error))?;
        let mut entries = Entries { pipe, styles, streamed, models, sheets, extent: None, added: Vec::new() };
        let filled = fill(&mut entries).and_then(|()| Ok(entries.pipe.hand_on()?));
        let Entries { pipe, extent, added, .. } = entries;
        drop(pipe);
        // An error of the writing thread comes first: it is the cause of the other one.
        packing.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        filled?;
        Ok((extent.ok_or_else(|| template_mismatch("it lacks its streamed sheet"))?, added))
    })
}

fn pack<W: Write>(
    zip: &mut ZipWriter<W>,
    chunks: Receiver<Chunk>,
    back: &Sender<String>,
) -> Result<(), Cause> {
    for Chunk { begun, text } in chunks {
        let write = |zip: &mut ZipWriter<W>, part: Range<usize>| {
            let part = text.get(part).unwrap_or_default();
            zip.write_all(part.as_bytes()).map_err(unwritten)
        };
        let mut end = 0;
        for (start, name) in begun {
            write(zip, end..start)?;
            zip.start_file(name).map_err(unwritten)?;
            end = start;
        }
        write(zip, end..text.len())?;
        // The other end is gone when the last chunks come back.
        let _ = back.send(text);
    }
    Ok(())
}

/// Writes an entry that is not long.
pub(super) fn list<W: Write>(
    zip: &mut ZipWriter<W>,
    name: &str,
    fill: impl FnOnce(&mut dyn Write) -> Result<(), Cause>,
) -> Result<(), Cause> {
    zip.start_file(name).map_err(unwritten)?;
    let mut writer = BufWriter::with_capacity(BUFFER, zip);
    fill(&mut writer)?;
    writer.flush().map_err(unwritten)
}

/// The error for a file that cannot be written.
pub(super) fn unwritten(error: io::Error) -> Cause {
    let text = format!("the workbook cannot be written: {error}");
    Cause::Io(io::Error::new(error.kind(), text))
}
