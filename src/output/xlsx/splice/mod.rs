//! Workbooks of any number of sheets and rows, in little memory.
//!
//! A skeleton comes from the library that writes workbooks: the few sheets that every report has, all
//! styles, and a model of each form that a task's sheet can have, without rows. From it everything is
//! taken as it stands but for what grows with the report: the rows of one of the sheets, the sheets that
//! are cast from the models, and the lists that name them. Those are written here, and deflated on a
//! thread of their own, in the order of the workbook: the bytes do not depend on the threads.
//!
//! What a skeleton is expected to look like is checked where it is read; one that looks otherwise is an
//! error and never a spoilt workbook.

mod escape;
mod frame;
mod link;
mod lists;
mod mismatch;
mod pack;
mod pipe;
mod rows;
mod sheet_path;
#[cfg(test)]
mod tests;

use std::io::{Cursor, Read as _, Write};
use std::path::Path;

use rust_xlsxwriter::{Format, Workbook, XlsxError};
use zip::ZipArchive;

use super::workbook::COMPRESSION;
use crate::output::error::Cause;
use crate::output::zip_writer::ZipWriter;
use crate::threads::fenced;
use frame::Frame;
use lists::Sheets;
use mismatch::template_mismatch;
use pack::unwritten;
use sheet_path::{relations_path, sheet_path};

pub(super) use escape::is_escape;
pub(super) use frame::Extent;
pub(super) use link::Link;
pub(super) use pack::Entries;

const TYPES: &str = "[Content_Types].xml";
const WORKBOOK: &str = "xl/workbook.xml";
const RELATIONS: &str = "xl/_rels/workbook.xml.rels";
const PROPERTIES: &str = "docProps/app.xml";
/// The table of the streamed sheet, if it has one.
const TABLE: &str = "xl/tables/table1.xml";

/// Where the sheets of a skeleton are, by their numbers from 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The sheet whose rows are streamed.
    pub(super) streamed: usize,
    /// The last of the sheets that come before those that are added.
    pub(super) before: usize,
}

/// A workbook without the rows of its streamed sheet and without the sheets of the tasks.
pub(super) struct Skeleton {
    archive: ZipArchive<Cursor<Vec<u8>>>,
    sheets: Sheets,
    /// By the place of a style: its number in the workbook.
    styles: Vec<String>,
    streamed: Frame,
    models: Vec<Frame>,
}

impl Skeleton {
    /// Takes a workbook with the sheets that stay; `add_models` adds a model of each form of those that are to be
    /// added.
    pub(super) fn new(
        mut workbook: Workbook,
        place: Place,
        formats: &[Format],
        add_models: impl FnOnce(&mut Workbook) -> Result<(), XlsxError>,
    ) -> Result<Self, Cause> {
        let staying = workbook.worksheets().len();
        add_models(&mut workbook)?;
        let all = workbook.worksheets().len() + 1;
        let palette = workbook.add_worksheet().set_name("styles")?;
        for (column, format) in (0..).zip(formats) {
            palette.write_blank(0, column, format)?;
        }
        let names: Vec<String> = workbook.worksheets().iter().map(|sheet| sheet.name()).collect();
        let mut archive = ZipArchive::new(Cursor::new(fenced(|| workbook.save_to_buffer())??))?;
        let styles = frame::styles(&text(&mut archive, &sheet_path(all))?, formats.len())?;
        let mut frame = |number: usize| -> Result<(String, Option<String>), Cause> {
            let relations = relations_path(number);
            let has_relations = archive.index_for_name(&relations).is_some();
            let relations = has_relations.then(|| text(&mut archive, &relations)).transpose()?;
            Ok((text(&mut archive, &sheet_path(number))?, relations))
        };
        let (sheet, relations) = frame(place.streamed)?;
        let streamed = Frame::of_streamed(&sheet, relations)?;
        let mut models = Vec::new();
        for (number, name) in (1..).zip(&names).skip(staying).take(all - staying - 1) {
            let (sheet, relations) = frame(number)?;
            models.push(Frame::of_model(&sheet, relations, name)?);
        }
        let Place { streamed: number, before } = place;
        let sheets = Sheets { streamed: number, before, staying, all, added: 0 };
        Ok(Self { archive, sheets, styles, streamed, models })
    }

    /// Writes the workbook with `added` sheets, which `fill` writes after the streamed sheet. What does not fit
    /// into memory goes to unnamed files in `folder`.
    pub(super) fn write<'n>(
        mut self,
        to: &mut (dyn Write + Send),
        folder: &Path,
        added: usize,
        fill: impl FnOnce(&mut Entries<'_, 'n>) -> Result<(), Cause>,
    ) -> Result<(), Cause> {
        let sheets = Sheets { added, ..self.sheets };
        let mut zip = ZipWriter::new(to, COMPRESSION.into(), folder);
        let types = text(&mut self.archive, TYPES)?;
        pack::list(&mut zip, TYPES, |to| lists::content_types(&types, &sheets, to))?;
        let relations = text(&mut self.archive, RELATIONS)?;
        pack::list(&mut zip, RELATIONS, |to| lists::relations(&relations, &sheets, to))?;
        self.copy(&mut zip, &sheets)?;
        let frames = (self.styles.as_slice(), &self.streamed, self.models.as_slice());
        let (extent, entries) = pack::entries(&mut zip, frames, &sheets, fill)?;
        if entries.len() != added {
            return Err(template_mismatch("it has other sheets than were announced").into());
        }
        if self.archive.index_for_name(TABLE).is_some() {
            let table = lists::table(&text(&mut self.archive, TABLE)?, extent)?;
            pack::list(&mut zip, TABLE, |to| Ok(to.write_all(table.as_bytes())?))?;
        }
        let workbook = text(&mut self.archive, WORKBOOK)?;
        pack::list(&mut zip, WORKBOOK, |to| lists::workbook(&workbook, &sheets, &entries, to))?;
        let properties = text(&mut self.archive, PROPERTIES)?;
        pack::list(&mut zip, PROPERTIES, |to| lists::properties(&properties, &sheets, &entries, to))?;
        zip.finish().map_err(unwritten)
    }

    /// Copies what stays as it is.
    fn copy<W: Write>(&mut self, zip: &mut ZipWriter<W>, sheets: &Sheets) -> Result<(), Cause> {
        for index in 0..self.archive.len() {
            let part = self.archive.by_index_raw(index)?;
            let name = part.name()?.into_owned();
            let streamed = [sheet_path(sheets.streamed), relations_path(sheets.streamed)];
            let written_anew = [TYPES, WORKBOOK, RELATIONS, PROPERTIES, TABLE, &streamed[0], &streamed[1]];
            if written_anew.contains(&name.as_str()) {
                continue;
            }
            let of_sheet = (1..=sheets.all).find_map(|number| {
                [sheet_path, relations_path]
                    .into_iter()
                    .find(|path| path(number) == name)
                    .map(|path| (number, path))
            });
            match of_sheet {
                None => zip.copy(name, part).map_err(unwritten)?,
                Some((number, path)) => {
                    if let Some(number) = sheets.place(number) {
                        zip.copy(path(number), part).map_err(unwritten)?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn text(archive: &mut ZipArchive<Cursor<Vec<u8>>>, name: &str) -> Result<String, Cause> {
    let mut text = String::new();
    archive.by_name(name)?.read_to_string(&mut text)?;
    Ok(text)
}
