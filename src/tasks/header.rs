//! The lines of a table that name its columns: one, or two where headings are grouped.

use std::collections::HashMap;

use super::headings::{ColumnChoice, Field, field, key, plan_field, same_field};
use super::line::{Cell, HEADING_ROWS, Line, filled};

/// The headings of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// The index of its last line.
    pub(super) last: usize,
    /// The line number of its first and its last line.
    pub(super) lines: (u64, u64),
    /// The headings by column, in order.
    pub(super) names: Vec<(usize, String)>,
    /// Whether a column has task ids.
    pub(super) has_task_ids: bool,
    /// How many columns identify tasks or servers.
    pub(super) recognized: usize,
}

/// Finds the headings among the first lines of a table: the first line that names a column `task_id`, else the one
/// that names most fields of a server. A row of the table whose values look like headings, as in `gateway,VM,Server`,
/// is none.
pub(super) fn find(lines: &[Line], choices: &[ColumnChoice]) -> Option<Header> {
    let lines = lines.get(..HEADING_ROWS.min(lines.len()))?;
    let has_id = |cell: &Cell| field(&cell.text, choices) == Some(Field::TaskId);
    if let Some(index) = lines.iter().position(|line| line.cells.iter().any(|(_, cell)| has_id(cell))) {
        let line = lines.get(index)?;
        let names: Vec<_> =
            filled(line).map(|(column, cell)| (*column, cell.text.trim().to_owned())).collect();
        let recognized = names.iter().filter(|(_, name)| field(name, choices).is_some()).count();
        return Some(Header {
            last: index,
            lines: (line.line, line.line),
            names,
            has_task_ids: true,
            recognized,
        });
    }
    let recognized =
        |line: &Line| filled(line).filter(|(_, cell)| plan_field(&cell.text, choices).is_some()).count();
    // A lone cell above a table is more likely its title.
    let score = |line: &Line| (recognized(line), filled(line).count() > 1);
    let mut best: Option<(usize, (usize, bool))> = None;
    for (index, line) in lines.iter().enumerate() {
        let score = score(line);
        let is_better = |(above, best): (usize, (usize, bool))| {
            let is_row = best.1 && lines.get(above).is_some_and(|above| is_within(line, above));
            score > best && !is_row
        };
        if score.0 > 0 && best.is_none_or(is_better) {
            best = Some((index, score));
        }
    }
    let (index, _) = best?;
    let line = lines.get(index)?;
    let below = lines.get(index + 1).filter(|below| below.line == line.line + 1);
    if let Some(below) = below.filter(|below| is_second_line(line, below, choices)) {
        return Some(header(Some(line), below, index + 1, choices));
    }
    let above = index.checked_sub(1).and_then(|above| lines.get(above));
    let above =
        above.filter(|above| above.line + 1 == line.line && has_repeated(line) && filled(above).count() > 1);
    Some(header(above, line, index, choices))
}

/// Whether `line` fills only columns that `above` fills.
fn is_within(line: &Line, above: &Line) -> bool {
    let columns = texts(above);
    filled(line).all(|(column, _)| columns.contains_key(column))
}

fn has_repeated(line: &Line) -> bool {
    let mut keys: Vec<String> = filled(line).map(|(_, cell)| key(&cell.text)).collect();
    keys.sort_unstable();
    keys.windows(2).any(|pair| matches!(pair, [one, other] if one == other))
}

/// Whether `below` goes on with the headings of `line`: it names fields itself, or fills only gaps between headings.
fn is_second_line(line: &Line, below: &Line, choices: &[ColumnChoice]) -> bool {
    let upper = texts(line);
    let lower = texts(below);
    let groups = groups(&upper, &lower);
    let is_field = |text: &str| plan_field(text, choices).is_some();
    let is_heading = |column: usize, text: &str| {
        // A remark in brackets is no heading of its own.
        let is_word = text.starts_with(char::is_alphanumeric);
        is_field(text)
            || groups.get(&column).is_some_and(|group| is_word && is_field(&format!("{group} {text}")))
    };
    let fields: Vec<usize> =
        upper.iter().filter(|(_, text)| is_field(text)).map(|(column, _)| *column).collect();
    let of_fields = fields.iter().filter_map(|column| Some((*column, *lower.get(column)?)));
    if !of_fields.clone().all(|(column, text)| is_heading(column, text)) {
        return false;
    }
    if lower.iter().any(|(column, text)| is_heading(*column, text)) {
        return true;
    }
    of_fields.count() == 0 && lower.keys().any(|column| !upper.contains_key(column))
}

fn texts(line: &Line) -> HashMap<usize, &str> {
    filled(line).map(|(column, cell)| (*column, cell.text.trim())).collect()
}

/// The heading above each column of `lower`: its own, or that of the group to its left.
fn groups<'a>(upper: &HashMap<usize, &'a str>, lower: &HashMap<usize, &str>) -> HashMap<usize, &'a str> {
    let width = upper.keys().chain(lower.keys()).max().map_or(0, |last| last + 1);
    let mut groups = HashMap::new();
    let mut group = None;
    for column in 0..width {
        if let Some(own) = upper.get(&column) {
            // A heading that reaches down over both lines is no group.
            group = lower.contains_key(&column).then_some(*own);
        }
        if let (Some(group), true) = (group, lower.contains_key(&column)) {
            groups.insert(column, group);
        }
    }
    groups
}

/// The headings of `line`, with those of the line `above` where they need them.
fn header(above: Option<&Line>, line: &Line, last: usize, choices: &[ColumnChoice]) -> Header {
    let lower = texts(line);
    let upper = above.map(texts).unwrap_or_default();
    let groups = groups(&upper, &lower);
    let of = |text: &str| plan_field(text, choices);
    // Lines that say the same in two languages.
    let is_translation = !upper.is_empty() && lower.keys().all(|column| upper.contains_key(column));
    let mut counts: HashMap<String, usize> = HashMap::new();
    lower.values().for_each(|text| *counts.entry(key(text)).or_default() += 1);
    let mut columns: Vec<usize> = upper.keys().chain(lower.keys()).copied().collect();
    columns.sort_unstable();
    columns.dedup();
    let name = |column: usize| -> String {
        let own = lower.get(&column).copied();
        let (Some(own), group) = (own, groups.get(&column)) else {
            return upper.get(&column).map_or_else(String::new, |text| (*text).to_owned());
        };
        let Some(group) = group else { return own.to_owned() };
        let both = format!("{group} {own}");
        let is_unique = counts.get(&key(own)) == Some(&1);
        if is_translation && is_unique && (of(group).is_some() == of(own).is_some()) {
            (*group).to_owned()
        } else if is_unique && (of(own).is_some() || of(&both).is_none()) {
            own.to_owned()
        } else {
            both
        }
    };
    let mut names: Vec<(usize, String)> = columns.iter().map(|column| (*column, name(*column))).collect();
    if !names.iter().any(|(_, name)| of(name).is_some()) {
        // Groups of other names: the first column of a field is the server's.
        let first = names
            .iter_mut()
            .find_map(|(column, name)| Some((lower.get(column)?, name)).filter(|(own, _)| of(own).is_some()));
        if let Some((own, name)) = first {
            *name = (*own).to_owned();
        }
    }
    let recognized = names.iter().filter(|(_, name)| of(name).is_some()).count();
    let first = above.map_or(line.line, |above| above.line);
    Header { last, lines: (first, line.line), names, has_task_ids: false, recognized }
}

impl Header {
    /// Gives repeated headings of a plan a number. In a list with task ids they are errors, as is a repeated field.
    pub(super) fn number_repeated(&mut self, choices: &[ColumnChoice]) -> Vec<String> {
        let mut seen: HashMap<String, String> = HashMap::new();
        let mut errors = Vec::new();
        for (_, name) in &mut self.names {
            let of_list = field(name, choices);
            let identity =
                |name: &str| field(name, choices).map_or_else(|| key(name), |field| field.name().to_owned());
            let Some(other) = seen.insert(identity(name), name.clone()) else { continue };
            if self.has_task_ids || of_list.is_some() {
                errors.push(same_field(&other, name));
                continue;
            }
            let numbered = (2_u32..)
                .map(|number| format!("{name} ({number})"))
                .find(|numbered| !seen.contains_key(&key(numbered)));
            if let Some(numbered) = numbered {
                seen.insert(key(&numbered), numbered.clone());
                *name = numbered;
            }
        }
        errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The headings of a table whose cells are separated by `|`, and its last line.
    fn headings(table: &[&str]) -> Option<(String, u64)> {
        let lines: Vec<Line> = (1..)
            .zip(table)
            .map(|(line, row)| Line {
                line,
                cells: row.split('|').map(|text| Cell::from(text.to_owned())).enumerate().collect(),
            })
            .collect();
        let mut header = find(&lines, &[])?;
        assert_eq!(header.number_repeated(&[]), Vec::<String>::new());
        let names: Vec<String> = header.names.into_iter().map(|(_, name)| name).collect();
        Some((names.join("|"), header.lines.1))
    }

    #[test]
    fn headings_are_found_below_titles_and_over_two_lines() {
        for (table, names, last) in [
            (&["Server|IP|Wave", "web-01|10.0.0.1|1"][..], "Server|IP|Wave", 1),
            (&["Migration plan||", "||", "Server|IP|Wave", "web|1|1"], "Server|IP|Wave", 3),
            (&["Server||", "Hostname|Wave|Owner", "web|1|x"], "Hostname|Wave|Owner", 2),
            (&["Hostname|Type|Wave", "gateway|VM|1"], "Hostname|Type|Wave", 1),
            (&["Asset|ip|type", "web|10.0.0.1|server"], "Asset|ip|type", 1),
            (&["Hostname|Type|Role", "web|VM|db", "gateway|VM|server"], "Hostname|Type|Role", 1),
            (&["Host|Jane", "Hostname|IP|Wave", "web|10.0.0.1|1"], "Hostname|IP|Wave", 2),
            (&["Server|IP|Note|Note", "w|1|a|b"], "Server|IP|Note|Note (2)", 1),
            (
                &["Wave|Source server||Schedule|", "|Name|IP address|Start|End", "1|web|10.0.0.1|a|b"],
                "Wave|Source server Name|IP address|Start|End",
                2,
            ),
            (
                &["Source||Target||", "Server name|IP|Server name|IP|Wave", "a|1|b|2|1"],
                "Source Server name|Source IP|Target Server name|Target IP|Wave",
                2,
            ),
            (
                &["Old||New||", "Server name|IP|Server name|IP|Wave", "a|1|b|2|1"],
                "Server name|Old IP|New Server name|New IP|Wave",
                2,
            ),
            (&["Server|Schedule||Owner", "|Start|End|", "web|a|b|x"], "Server|Start|End|Owner", 2),
            (
                &["Server name|IP address|Wave", "主机名|IP地址|批次", "web|1|1"],
                "Server name|IP address|Wave",
                2,
            ),
            (&["Server|Note", "web|", "db|x"], "Server|Note", 1),
            (&["Server name (FQDN) *|IP", "web-01.corp|10.0.0.1"], "Server name (FQDN) *|IP", 1),
            (&["Server [new]|IP", "web-01 (old)|10.0.0.1"], "Server [new]|IP", 1),
            (&["Server|IP", "(new)|10.0.0.1"], "Server|IP", 1),
        ] {
            assert_eq!(headings(table), Some((names.to_owned(), last)), "{table:?}");
        }
        assert_eq!(headings(&["Name|Wave", "web|1"]), None);
    }
}
