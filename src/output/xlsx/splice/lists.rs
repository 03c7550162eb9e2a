//! The parts of a workbook that name its sheets.

use std::io::Write;

use rust_xlsxwriter::XlsxError;
use rust_xlsxwriter::utility::quote_sheet_name;

use super::escape;
use super::frame::{Added, Extent, LAST_ROW, split};
use super::mismatch::template_mismatch;
use crate::output::error::Cause;

/// How many sheets there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sheets {
    /// The number of the streamed sheet.
    pub(super) streamed: usize,
    /// Of the skeleton, before those that are added.
    pub(super) before: usize,
    /// Of the skeleton, those that stay. Models and styles come after them.
    pub(super) staying: usize,
    /// Of the skeleton.
    pub(super) all: usize,
    pub(super) added: usize,
}

impl Sheets {
    /// The number of a sheet of the skeleton in the workbook; none of a model. Numbers count from 1.
    pub(super) fn place(&self, number: usize) -> Option<usize> {
        if number <= self.before {
            Some(number)
        } else {
            (number <= self.staying).then_some(number + self.added)
        }
    }

    /// The numbers of those that are added.
    fn new_numbers(&self) -> std::ops::RangeInclusive<usize> {
        self.before + 1..=self.before + self.added
    }
}

/// Lists the parts and what they are.
pub(super) fn content_types(text: &str, sheets: &Sheets, to: &mut dyn Write) -> Result<(), Cause> {
    let part = |number: usize| format!("<Override PartName=\"/xl/worksheets/sheet{number}.xml\"");
    let (head, rest) = split(text, &part(1))?;
    let (kind, _) = rest.split_once("/>").ok_or_else(|| template_mismatch("a content type has no end"))?;
    let mut skeleton = String::new();
    (1..=sheets.all).for_each(|number| skeleton.push_str(&format!("{}{kind}/>", part(number))));
    let tail = text.get(head.len()..).and_then(|text| text.strip_prefix(&skeleton));
    let tail = tail.ok_or_else(|| template_mismatch("its sheets have content types of an unknown form"))?;
    to.write_all(head.as_bytes())?;
    for number in 1..=sheets.staying + sheets.added {
        write!(to, "{}{kind}/>", part(number))?;
    }
    Ok(to.write_all(tail.as_bytes())?)
}

/// Lists the parts that the workbook leads to: the sheets by their numbers, then others.
pub(super) fn relations(text: &str, sheets: &Sheets, to: &mut dyn Write) -> Result<(), Cause> {
    let (head, rest) =
        text.split_once("<Relationship ").ok_or_else(|| template_mismatch("it has no relationships"))?;
    let (rest, tail) = split(rest, "</Relationships>")?;
    let mut others = Vec::new();
    let mut kind = None;
    for (number, relation) in (1..).zip(rest.split("<Relationship ")) {
        let relation = relation.strip_prefix(&format!("Id=\"rId{number}\" "));
        let relation = relation.ok_or_else(|| template_mismatch("its parts are not numbered"))?;
        if number > sheets.all {
            others.push(relation);
        } else {
            let target = format!(" Target=\"worksheets/sheet{number}.xml\"/>");
            let of_sheet = relation.strip_suffix(&target);
            kind =
                Some(of_sheet.ok_or_else(|| template_mismatch("its sheets are not at the expected paths"))?);
        }
    }
    let kind = kind.ok_or_else(|| template_mismatch("it has no sheets"))?;
    let last = sheets.staying + sheets.added;
    to.write_all(head.as_bytes())?;
    for number in 1..=last {
        write!(to, "<Relationship Id=\"rId{number}\" {kind} Target=\"worksheets/sheet{number}.xml\"/>")?;
    }
    for (number, relation) in (last + 1..).zip(others) {
        write!(to, "<Relationship Id=\"rId{number}\" {relation}")?;
    }
    Ok(write!(to, "</Relationships>{tail}")?)
}

/// Lists the sheets, and the names that they define: what a filter covers, what every page repeats.
pub(super) fn workbook(
    text: &str,
    sheets: &Sheets,
    added: &[Added<'_>],
    to: &mut dyn Write,
) -> Result<(), Cause> {
    let (head, rest) = split(text, "<sheets>")?;
    let (listed, rest) = split(rest, "</sheets>")?;
    let (between, rest) = split(rest, "<definedNames>")?;
    let (defined, tail) = split(rest, "</definedNames>")?;

    let mut staying = Vec::new();
    for (number, sheet) in (1..=sheets.all).zip(listed.split_inclusive("/>")) {
        let id = format!("\" sheetId=\"{number}\" r:id=\"rId{number}\"/>");
        let name = sheet.strip_prefix("<sheet name=\"").and_then(|sheet| sheet.strip_suffix(&id));
        let name = name.ok_or_else(|| template_mismatch("its sheets are listed in an unknown form"))?;
        staying.extend(sheets.place(number).map(|place| (place, name.to_owned())));
    }
    write!(to, "{head}<sheets>")?;
    let mut sheet = |number: usize, name: &str| {
        write!(to, "<sheet name=\"{name}\" sheetId=\"{number}\" r:id=\"rId{number}\"/>")
    };
    let (first, last) = staying.split_at(sheets.before.min(staying.len()));
    first.iter().try_for_each(|(number, name)| sheet(*number, name))?;
    sheets
        .new_numbers()
        .zip(added)
        .try_for_each(|(number, added)| sheet(number, &escape::value(added.name)))?;
    last.iter().try_for_each(|(number, name)| sheet(*number, name))?;
    write!(to, "</sheets>{between}<definedNames>")?;

    let mut of_models = vec![Vec::new(); sheets.all - sheets.staying];
    for name in defined.split_inclusive("</definedName>") {
        let name = Defined::read(name)?;
        match sheets.place(name.sheet + 1) {
            Some(place) => write!(to, "{}", name.of_sheet(place))?,
            None => {
                let of_model = of_models.get_mut(name.sheet - sheets.staying);
                of_model.ok_or_else(|| template_mismatch("a name is defined for no sheet"))?.push(name);
            }
        }
    }
    for (number, added) in sheets.new_numbers().zip(added) {
        let quoted = escape::text_of_element(&quote_sheet_name(added.name));
        for name in of_models.get(added.model).into_iter().flatten() {
            let (_, range) =
                name.range.rsplit_once('!').ok_or_else(|| template_mismatch("a name is no range"))?;
            let range = match range.strip_suffix(LAST_ROW) {
                Some(start) => format!("{quoted}!{start}{}", added.extent.last_row + 1),
                None => format!("{quoted}!{range}"),
            };
            write!(to, "{}", Defined { range: &range, ..*name }.of_sheet(number))?;
        }
    }
    Ok(write!(to, "</definedNames>{tail}")?)
}

/// A name that is defined for one sheet.
#[derive(Clone, Copy)]
struct Defined<'t> {
    /// The element up to the number of the sheet.
    head: &'t str,
    /// That number, from 0.
    sheet: usize,
    /// The rest of its start.
    rest: &'t str,
    range: &'t str,
}

impl<'t> Defined<'t> {
    fn read(element: &'t str) -> Result<Self, XlsxError> {
        let read = || {
            let (head, rest) = element.split_once(" localSheetId=\"")?;
            let (sheet, rest) = rest.split_once('"')?;
            let (rest, range) = rest.split_once('>')?;
            Some(Self {
                head,
                sheet: sheet.parse().ok()?,
                rest,
                range: range.strip_suffix("</definedName>")?,
            })
        };
        read().ok_or_else(|| template_mismatch("a name is defined in an unknown form"))
    }

    /// The element for the sheet of this number, from 1.
    fn of_sheet(&self, number: usize) -> String {
        let Self { head, rest, range, .. } = self;
        format!("{head} localSheetId=\"{}\"{rest}>{range}</definedName>", number - 1)
    }
}

/// Lists the names of the sheets once more, and those that they define.
pub(super) fn properties(
    text: &str,
    sheets: &Sheets,
    added: &[Added<'_>],
    to: &mut dyn Write,
) -> Result<(), Cause> {
    let (head, rest) = split(text, "<HeadingPairs>")?;
    let (_, rest) = split(rest, "</HeadingPairs><TitlesOfParts>")?;
    let (titles, tail) = split(rest, "</TitlesOfParts>")?;
    let titles = titles.split("<vt:lpstr>").skip(1).map(|title| title.split_once("</vt:lpstr>"));
    let titles: Option<Vec<&str>> = titles.map(|title| title.map(|(title, _)| title)).collect();
    let titles = titles.filter(|titles| titles.len() >= sheets.all);
    let titles = titles.ok_or_else(|| template_mismatch("its properties do not name all sheets"))?;
    let (names, ranges) = titles.split_at(sheets.all);
    let (first, rest) = names.split_at(sheets.before);
    let (last, models) = rest.split_at(sheets.staying - sheets.before);
    let models: Vec<String> = models.iter().map(|name| format!("{}!", quote_sheet_name(name))).collect();
    let is_of_model = |range: &&&str| models.iter().any(|model| range.starts_with(model.as_str()));
    let ranges: Vec<&&str> = ranges.iter().filter(|range| !is_of_model(range)).collect();

    let count = |name: &str, count: usize| {
        format!(
            "<vt:variant><vt:lpstr>{name}</vt:lpstr></vt:variant><vt:variant><vt:i4>{count}</vt:i4></vt:variant>"
        )
    };
    let (sheets, ranges_in_all) = (sheets.staying + sheets.added, ranges.len() + sheets.added);
    write!(to, "{head}<HeadingPairs><vt:vector size=\"4\" baseType=\"variant\">")?;
    write!(to, "{}{}", count("Worksheets", sheets), count("Named Ranges", ranges_in_all))?;
    write!(to, "</vt:vector></HeadingPairs><TitlesOfParts>")?;
    write!(to, "<vt:vector size=\"{}\" baseType=\"lpstr\">", sheets + ranges_in_all)?;
    let mut title = |title: &str| write!(to, "<vt:lpstr>{title}</vt:lpstr>");
    first.iter().try_for_each(|name| title(name))?;
    added.iter().try_for_each(|added| title(&escape::text_of_element(added.name)))?;
    last.iter().try_for_each(|name| title(name))?;
    ranges.iter().try_for_each(|range| title(range))?;
    for added in added {
        // Filters have no such title.
        title(&format!("{}!Print_Titles", escape::text_of_element(&quote_sheet_name(added.name))))?;
    }
    Ok(write!(to, "</vt:vector></TitlesOfParts>{tail}")?)
}

/// The table of the streamed sheet, as long as that.
pub(super) fn table(text: &str, extent: Extent) -> Result<String, XlsxError> {
    let unknown = || template_mismatch("its table has a range of an unknown form");
    let (_, range) = text.split_once(" ref=\"").ok_or_else(unknown)?;
    let (range, _) = range.split_once('"').ok_or_else(unknown)?;
    let start = range.trim_end_matches(|c: char| c.is_ascii_digit());
    let last: u32 = range.strip_prefix(start).and_then(|row| row.parse().ok()).ok_or_else(unknown)?;
    let attribute = |range: &str| format!(" ref=\"{range}\"");
    if !start.contains(':') || text.matches(&attribute(range)).count() != 2 {
        return Err(unknown());
    }
    // It has at least one row.
    let grown = format!("{start}{}", (extent.last_row + 1).max(last));
    Ok(text.replace(&attribute(range), &attribute(&grown)))
}
