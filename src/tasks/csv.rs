//! Task lists as CSV, with commas, semicolons or tabs.
//!
//! Quotes are read more strictly than usual: a lenient reader takes everything after a quote that is
//! never closed for one field, and so loses tasks without a word.

use std::collections::HashMap;

use super::collect::{key, same_field};
use super::{Row, Rows, line_breaks};

/// The semicolon is what spreadsheets write where the comma stands in numbers.
const DELIMITERS: [char; 3] = [',', ';', '\t'];

/// So many characters of a file's first line are shown; it may be no list at all.
const SHOWN_CHARS: usize = 200;

pub(super) fn read(text: &str) -> Rows {
    let mut records = Records { rest: text, delimiter: delimiter(text), line: 1 };
    let header = match records.next() {
        None => return Rows::fault(1, "is empty; the first line names the columns, task_id among them"),
        Some(Err((line, what))) => return Rows::fault(line, what),
        Some(Ok(header)) => header,
    };
    let names: Vec<&str> = header.fields.iter().map(|name| name.trim()).collect();
    let mut rows = Rows::default();
    rows.faults.extend(header_faults(&names).into_iter().map(|what| (Some(header.line), what)));
    if !rows.faults.is_empty() {
        return rows;
    }
    for record in records {
        match record {
            Err((line, what)) => rows.faults.push((Some(line), what)),
            Ok(record) => add_record(&mut rows, &names, record),
        }
    }
    rows
}

/// What is wrong with a list's column names.
pub(super) fn header_faults(names: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen = HashMap::new();
    for name in names.iter().filter(|name| !name.is_empty()) {
        if let Some(other) = seen.insert(key(name), name) {
            faults.push(same_field(other, name));
        }
    }
    if !seen.contains_key("task_id") {
        let mut shown = names.join(", ");
        if let Some((end, _)) = shown.char_indices().nth(SHOWN_CHARS) {
            shown.truncate(end);
            shown.push('…');
        }
        faults.push(format!("has no column `task_id`; its columns are: {shown}"));
    }
    faults
}

fn add_record(rows: &mut Rows, names: &[&str], Record { line, fields }: Record) {
    // Spreadsheets leave lines of empty fields behind.
    if fields.iter().all(|field| field.trim().is_empty()) {
        return;
    }
    if fields.iter().skip(names.len()).any(|field| !field.trim().is_empty()) {
        let what = format!("has {} fields, but there are {} columns", fields.len(), names.len());
        rows.faults.push((Some(line), what));
        return;
    }
    let values = fields.into_iter().chain(std::iter::repeat(String::new()));
    let fields = names.iter().zip(values).enumerate().map(|(index, (name, value))| {
        let name = if name.is_empty() { format!("column {}", index + 1) } else { (*name).to_owned() };
        (name, value)
    });
    rows.rows.push(Row { line, fields: fields.collect() });
}

/// The separator by which the header has a column `task_id`.
fn delimiter(text: &str) -> char {
    let names_task_id = |delimiter: &char| {
        let header = Records { rest: text, delimiter: *delimiter, line: 1 }.next();
        header.is_some_and(|header| {
            header.is_ok_and(|header| header.fields.iter().any(|name| key(name) == "task_id"))
        })
    };
    DELIMITERS.into_iter().find(names_task_id).unwrap_or(',')
}

/// One entry of a file: the line on which it begins, and its fields.
struct Record {
    line: u64,
    fields: Vec<String>,
}

/// The records of a text, or what is wrong with the quotes of one, and on which line. Blank lines are
/// passed over.
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
        let what = format!("{which} goes on after its closing quote; write a quote inside a field twice");
        Err((self.line, what))
    }

    /// Takes what stands before the next delimiter or line break.
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
