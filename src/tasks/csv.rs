//! Task lists as CSV, with commas, semicolons or tabs.

use super::collect::key;
use super::{Row, Rows, line_at};

pub(super) fn read(text: &str) -> Rows {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(text))
        .flexible(true)
        .has_headers(false)
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let header = match records.next() {
        None => return Rows::fault(1, "is empty; the first line names the columns, task_id among them"),
        Some(Err(error)) => return Rows::fault(1, error.to_string()),
        Some(Ok(header)) => header,
    };
    let header_line = header.position().map_or(1, csv::Position::line);
    let names: Vec<&str> = header.iter().map(str::trim).collect();
    let mut rows = Rows::default();
    rows.faults.extend(header_faults(&names).into_iter().map(|what| (Some(header_line), what)));
    if !rows.faults.is_empty() {
        return rows;
    }
    for record in records {
        match record {
            Err(error) => rows.faults.push((error.position().map(csv::Position::line), error.to_string())),
            Ok(record) => {
                let line = record.position().map_or(0, |position| {
                    // The reader counts from where the last record ended, so it names the first of the
                    // blank lines that it then passes over.
                    let start = usize::try_from(position.byte()).unwrap_or(0);
                    let rest = text.get(start..).unwrap_or_default();
                    let blank = rest.len() - rest.trim_start_matches(['\r', '\n']).len();
                    line_at(text.as_bytes().get(..start + blank).unwrap_or_default())
                });
                add_record(&mut rows, line, &names, &record);
            }
        }
    }
    rows
}

/// What is wrong with a list's column names.
pub(super) fn header_faults(names: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let earlier = names.iter().take(index).any(|other| key(other) == key(name));
        if earlier && !name.is_empty() {
            faults.push(format!("column `{name}` is there twice"));
        }
    }
    if !names.iter().any(|name| key(name) == "task_id") {
        faults.push(format!("has no column `task_id`; its columns are: {}", names.join(", ")));
    }
    faults
}

fn add_record(rows: &mut Rows, line: u64, names: &[&str], record: &csv::StringRecord) {
    // Spreadsheets leave lines of empty fields behind.
    if record.iter().all(|field| field.trim().is_empty()) {
        return;
    }
    if record.iter().skip(names.len()).any(|field| !field.trim().is_empty()) {
        let what = format!("has {} fields, but there are {} columns", record.len(), names.len());
        rows.faults.push((Some(line), what));
        return;
    }
    let fields = names.iter().enumerate().map(|(index, name)| {
        let name = if name.is_empty() { format!("column {}", index + 1) } else { (*name).to_owned() };
        (name, record.get(index).unwrap_or_default().to_owned())
    });
    rows.rows.push(Row { line, fields: fields.collect() });
}

/// The separator that the first line uses most.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for byte in first.bytes() {
        quoted ^= byte == b'"';
        for (separator, count) in &mut counts {
            *count += usize::from(!quoted && *separator == byte);
        }
    }
    // The first of equals wins, so a comma does when no separator is there.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(separator, _)| *separator)
}
