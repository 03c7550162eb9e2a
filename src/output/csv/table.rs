//! A table as CSV, a row at a time.

use std::borrow::Cow;
use std::fmt::{Display, Write as _};
use std::io::Write;

use csv::{Terminator, Writer, WriterBuilder};
use jiff::Timestamp;

use crate::model::Language;
use crate::output::error::Cause;
use crate::output::options::CsvOptions;
use crate::report::{Cell, Zone, notes_text};

/// UTF-8 and RFC 4180, so lines end in CR LF; English, for it is for machines too.
pub(in crate::output) struct Table<'a> {
    writer: Writer<&'a mut dyn Write>,
    zone: &'a Zone,
    raw: bool,
    /// The last time and its text: most rows have the time of the row before.
    time: (Timestamp, String),
    /// Space for a number.
    number: String,
}

impl<'a> Table<'a> {
    pub(in crate::output) fn new(
        to: &'a mut dyn Write,
        zone: &'a Zone,
        options: CsvOptions,
    ) -> Result<Self, Cause> {
        if options.bom {
            to.write_all("\u{feff}".as_bytes())?;
        }
        let writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(to);
        let time = (Timestamp::UNIX_EPOCH, zone.rfc3339(Timestamp::UNIX_EPOCH));
        Ok(Self { writer, zone, raw: options.raw, time, number: String::new() })
    }

    pub(in crate::output) fn headings(
        &mut self,
        headings: impl Iterator<Item = String>,
    ) -> Result<(), Cause> {
        self.row(headings.map(|heading| Cell::Text(Cow::Owned(heading))))
    }

    pub(in crate::output) fn row<'c>(&mut self, cells: impl Iterator<Item = Cell<'c>>) -> Result<(), Cause> {
        for cell in cells {
            match cell {
                Cell::Empty => self.writer.write_field("")?,
                Cell::Text(text) => self.text(&text)?,
                Cell::Count(count) => self.number(count)?,
                Cell::Delta(delta) => self.number(delta)?,
                Cell::Share(share) => self.number(share)?,
                Cell::Time(time) => {
                    if time != self.time.0 {
                        self.time = (time, self.zone.rfc3339(time));
                    }
                    self.writer.write_field(&self.time.1)?;
                }
                Cell::Verdict(verdict) => self.writer.write_field(verdict.key())?,
                Cell::Change(change) => self.writer.write_field(change.key())?,
                Cell::Reason(row) => self.text(&row.reason(Language::English, self.zone))?,
                Cell::Waiver(waiver) => self.text(&waiver.text(Language::English))?,
                Cell::Label(text) => self.writer.write_field(text)?,
                Cell::Notes(notes) => self.text(&notes_text(notes, Language::English))?,
            }
        }
        Ok(self.writer.write_record(None::<&[u8]>)?)
    }

    fn number(&mut self, number: impl Display) -> Result<(), Cause> {
        self.number.clear();
        // Writing to a string cannot fail.
        let _ = write!(self.number, "{number}");
        Ok(self.writer.write_field(&self.number)?)
    }

    fn text(&mut self, text: &str) -> Result<(), Cause> {
        let text = if self.raw { text.into() } else { neutralise(text) };
        Ok(self.writer.write_field(text.as_bytes())?)
    }

    pub(in crate::output) fn finish(mut self) -> Result<(), Cause> {
        Ok(self.writer.flush()?)
    }
}

/// Puts an apostrophe in front of a text that a spreadsheet would run as a formula. A text that already has
/// one there gets another, so that `upload` can restore both.
fn neutralise(text: &str) -> Cow<'_, str> {
    if text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}
