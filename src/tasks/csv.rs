//! Task lists as CSV, with commas, semicolons or tabs.
//!
//! Quotes are read more strictly than usual: a lenient reader takes everything after a quote that is
//! never closed for one field, and so loses tasks without a warning.

use super::header;
use super::headings::ColumnChoice;
use super::line::{Cell, HEADING_ROWS, Line};
use super::rows::Rows;
use super::table::{self, Surplus};
use super::text::line_breaks;

/// Spreadsheets write a semicolon where the comma is the decimal separator.
const DELIMITERS: [char; 3] = [',', ';', '\t'];

pub(super) fn read(text: &str, choices: &[ColumnChoice]) -> Rows {
    let start = Start::of(text, choices);
    let mut lines = Vec::new();
    let mut faults = Vec::new();
    for record in start.records() {
        match record {
            Ok(record) => lines.extend(record.into_line()),
            // Without the headings nothing that follows an error can be read.
            Err((line, what)) if header::find(&lines, choices).is_none() => return Rows::fault(line, what),
            Err((line, what)) => faults.push((Some(line), what)),
        }
    }
    if lines.is_empty() {
        return Rows::fault(
            1,
            "is empty; the first line must name the columns, with task_id or a server among them",
        );
    }
    let first = lines.first().map(|line| line.line);
    let missing = table::no_task_id(&lines);
    let Some(mut rows) = table::read(lines, Surplus::Refused, choices) else {
        return Rows::fault(first, missing);
    };
    rows.faults.extend(faults);
    rows
}

/// Where the records of a text begin, and what separates their fields.
struct Start<'a> {
    records: &'a str,
    delimiter: char,
    line: u64,
}

impl<'a> Start<'a> {
    fn of(text: &'a str, choices: &[ColumnChoice]) -> Self {
        if let Some((delimiter, records)) = declared_delimiter(text) {
            return Self { records, delimiter, line: 2 };
        }
        let start = |delimiter| Self { records: text, delimiter, line: 1 };
        let header = |delimiter: char| {
            let lines = start(delimiter).records().map_while(Result::ok).filter_map(Record::into_line);
            let header = header::find(&lines.take(HEADING_ROWS).collect::<Vec<_>>(), choices)?;
            Some((header.has_task_ids, header.recognized, header.names.len()))
        };
        // Of equal ones the first.
        let best = DELIMITERS.into_iter().rev().filter_map(|delimiter| Some((header(delimiter)?, delimiter)));
        start(best.max_by_key(|(header, _)| *header).map_or(',', |(_, delimiter)| delimiter))
    }

    fn records(&self) -> Records<'a> {
        Records { rest: self.records, delimiter: self.delimiter, line: self.line }
    }
}

/// The delimiter that a first line `sep=;` declares to Excel, and the text below that line.
fn declared_delimiter(text: &str) -> Option<(char, &str)> {
    let end = text.find(['\r', '\n'])?;
    let (line, rest) = text.split_at(end);
    let rest = rest.strip_prefix("\r\n").or_else(|| rest.get(1..))?;
    let line = line.trim_start_matches('\u{feff}').trim_matches(' ');
    let line = line.strip_prefix('"').and_then(|line| line.strip_suffix('"')).unwrap_or(line);
    let (name, delimiter) = line.split_at_checked(4)?;
    if !name.eq_ignore_ascii_case("sep=") {
        return None;
    }
    let mut delimiters = if delimiter == "\\t" { "\t" } else { delimiter }.chars();
    let delimiter = delimiters.next().filter(|c| *c != '"')?;
    // A spreadsheet that saved the file again may have filled the line up with delimiters.
    delimiters.all(|c| c == delimiter).then_some((delimiter, rest))
}

/// One entry of a file: the line on which it begins, and its fields.
struct Record {
    line: u64,
    fields: Vec<String>,
}

impl Record {
    /// The record as a row of a table; none if its fields are blank, as spreadsheets leave them behind.
    fn into_line(self) -> Option<Line> {
        if self.fields.iter().all(|field| field.trim().is_empty()) {
            return None;
        }
        let cells = self.fields.into_iter().map(Cell::from).enumerate().collect();
        Some(Line { line: self.line, cells })
    }
}

/// The records of a text, or what is wrong with the quotes of one, and on which line. Blank lines are
/// skipped.
struct Records<'a> {
    rest: &'a str,
    delimiter: char,
    line: u64,
}

impl Iterator for Records<'_> {
    type Item = Result<Record, (u64, String)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.take_while(|c| matches!(c, '\r' | '\n'));
        if self.rest.is_empty() {
            return None;
        }
        let line = self.line;
        let mut fields = Vec::new();
        let mut fault = None;
        loop {
            match self.field() {
                Ok(field) => fields.push(field),
                Err(what) => fault = fault.or(Some(what)),
            }
            match self.rest.strip_prefix(self.delimiter) {
                Some(rest) => self.rest = rest,
                None => break,
            }
        }
        Some(fault.map_or(Ok(Record { line, fields }), Err))
    }
}

impl<'a> Records<'a> {
    fn field(&mut self) -> Result<String, (u64, String)> {
        let opened = self.line;
        let Some(quoted) = self.rest.strip_prefix('"') else {
            return Ok(self.take_field().to_owned());
        };
        self.rest = quoted;
        let mut field = String::new();
        loop {
            field.push_str(self.take_while(|c| c != '"'));
            match self.rest.strip_prefix('"') {
                None => return Err((opened, "a quote opens here and is never closed".to_owned())),
                Some(rest) => self.rest = rest,
            }
            match self.rest.strip_prefix('"') {
                None => break,
                Some(rest) => self.rest = rest,
            }
            field.push('"');
        }
        if self.take_field().is_empty() {
            return Ok(field);
        }
        let which = if opened == self.line {
            "a quoted field".to_owned()
        } else {
            format!("the quoted field that begins on line {opened}")
        };
        let what = format!("{which} has text after its closing quote; double a quote inside a field");
        Err((self.line, what))
    }

    /// Takes the text up to the next delimiter or line break.
    fn take_field(&mut self) -> &'a str {
        let delimiter = self.delimiter;
        self.take_while(|c| c != delimiter && !matches!(c, '\r' | '\n'))
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.line += line_breaks(taken.as_bytes());
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn records(text: &str, delimiter: char) -> Result<Vec<Record>, (u64, String)> {
        Records { rest: text, delimiter, line: 1 }.collect()
    }

    proptest! {
        #[test]
        fn what_is_read_is_read_as_others_do(text in "[a,\"\r\n ]{0,40}") {
            if let Ok(records) = records(&text, ',') {
                let others = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
                let others: Vec<Vec<String>> = others
                    .into_records()
                    .map(|record| record.unwrap().iter().map(str::to_owned).collect())
                    .collect();
                prop_assert_eq!(records.into_iter().map(|record| record.fields).collect::<Vec<_>>(), others);
            }
        }

        #[test]
        fn what_others_write_is_read(
            table in prop::collection::vec(prop::collection::vec("[a;\"\r\n ]{0,5}", 2..4), 1..6),
            crlf in any::<bool>(),
        ) {
            let terminator = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
            let mut writer = csv::WriterBuilder::new()
                .delimiter(b';')
                .terminator(terminator)
                .flexible(true)
                .from_writer(Vec::new());
            table.iter().for_each(|record| writer.write_record(record).unwrap());
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let read = records(&text, ';').unwrap().into_iter().map(|record| record.fields);
            prop_assert_eq!(read.collect::<Vec<_>>(), table);
        }
    }
}
