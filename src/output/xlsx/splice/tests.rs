//! The library that writes workbooks as the judge: every sheet written by it alone has the same XML, but
//! for texts that it keeps apart from their cells.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Cursor, Read as _};
use std::path::Path;

use proptest::prelude::*;
use rust_xlsxwriter::{Url, Worksheet};
use serde_json::json;
use zip::ZipArchive;

use super::frame::Frame;
use super::lists::{Sheets, content_types, relations, table};
use super::{Extent, Link};
use crate::journal::{Answered, Failed, Header, Journal, Outcome, Record, Writer};
use crate::model::{Language, Reconciliation, Task, TaskId, TaskList};
use crate::output::xlsx::contents::Part;
use crate::output::xlsx::link::escaped;
use crate::output::xlsx::main_file::write_workbook;
use crate::output::xlsx::parts::write_part;
use crate::output::xlsx::sheet::Sheet;
use crate::output::xlsx::style::Styles;
use crate::output::xlsx::summary::Summary;
use crate::output::xlsx::task_sheet::{self, sheets};
use crate::output::xlsx::workbook::{begin, properties};
use crate::output::xlsx::{about, contents, overview, reconciliation};
use crate::report::{Options, Policy, Report, Template, View, Waivers, Zone};

/// A task's name and its outcome.
type Fetched = (String, Outcome);

fn journal(folder: &Path, tasks: Vec<Fetched>, is_reconciled: bool) -> Journal {
    let path = folder.join("j.jsonl");
    let task = |(n, (name, _)): (usize, &Fetched)| Task {
        source_name: Some(name.clone()),
        labels: [("owner", name)].into_iter().collect(),
        ..Task::new(TaskId::new(&format!("task-{n}")).unwrap())
    };
    let list =
        TaskList { labels: vec!["owner".to_owned()], tasks: tasks.iter().enumerate().map(task).collect() };
    let mut header =
        Header::new("2026-11-21T00:00:00Z".parse().unwrap(), "https://sms.example".to_owned(), list);
    if is_reconciled {
        let undeclared = vec![Task::new(TaskId::new("task-of-nobody").unwrap())];
        let not_found = header.list.tasks.iter().filter_map(|task| task.task_id.clone()).take(1).collect();
        header.reconciliation = Some(Reconciliation { not_found, undeclared });
    }
    let mut writer = Writer::create(&path, &header, true).unwrap();
    for (ordinal, (_, outcome)) in tasks.into_iter().enumerate() {
        let task_id = header.list.tasks[ordinal].task_id.clone();
        let fetched_at = header.started_at;
        let request_id = Some("<r>".to_owned());
        writer
            .append(Record {
                ordinal,
                task_id,
                fetched_at,
                clock_offset: None,
                attempts: 1,
                request_id,
                context: None,
                outcome,
            })
            .unwrap();
    }
    writer.finish().unwrap();
    Journal::open(&path).unwrap()
}

/// An answer with verifications of these directories.
fn answered(verifications: &[Vec<String>], sample_data: bool) -> Outcome {
    let results = verifications.iter().enumerate().map(|(n, directories)| {
        let check = |(row, directory): (usize, &String)| {
            json!({"dir_check": directory, "num_total_files": row * 700, "num_different_files": row % 3,
                   "num_target_miss_files": n, "num_target_more_files": 0})
        };
        let checks: Vec<_> = directories.iter().enumerate().map(check).collect();
        json!({"finished_time": 1_795_000_000_123_u64 - n as u64 * 86_400_000, "check_result": "success",
               "consistency_result": checks})
    });
    let body = json!({"result_list": results.collect::<Vec<_>>()}).to_string().into_bytes();
    Outcome::Answered(Answered { status: 200, sample_data, content_range: None, body })
}

fn options(template: &str, language: Language, rows_per_sheet: u64, waivers: Option<Waivers>) -> Options {
    let template = Template::built_in(template).unwrap();
    let policy = Policy { max_age: None, not_before: None };
    let timezone = Zone::named("Asia/Shanghai").unwrap();
    Options {
        timezone,
        language,
        template,
        policy,
        waivers,
        rows_per_sheet,
        view: View::default(),
        needs_context: false,
    }
}

/// The workbook, or the part of it, as the library writes it alone.
fn plain(report: &Report<'_>, homes: Option<&[String]>, part: Option<&Part<'_>>) -> Vec<u8> {
    let made =
        if part.is_some() { crate::output::xlsx::parts::properties(report) } else { properties(report) };
    let (mut workbook, styles) = begin(&made.unwrap(), report);
    let summary = Summary::new(report);
    let template = &report.options().template;
    match part {
        None => {
            overview::add(&mut workbook, report, homes, &styles).unwrap();
            summary.add(&mut workbook, &styles).unwrap();
        }
        Some(part) => contents::add(&mut workbook, report, part, &styles).unwrap(),
    }
    let first = workbook.worksheet_from_index(usize::from(part.is_none())).unwrap();
    match part {
        None => {
            summary.links(homes).for_each(|link| link_plainly(first, link, &styles));
            summary.rows(&mut Sheet::of(first, report, &styles)).unwrap();
        }
        Some(part) => {
            contents::links(report, part).for_each(|link| link_plainly(first, link, &styles));
            contents::rows(&mut Sheet::of(first, report, &styles), report, part).unwrap();
        }
    }
    let all = if homes.is_some() { Vec::new() } else { sheets(report) };
    let columns = task_sheet::columns(report);
    for &sheet in part.map_or(all.as_slice(), |part| part.sheets) {
        let row = &report.rows()[sheet.ordinal];
        let verifications = report.verifications(sheet.ordinal).unwrap();
        let page = task_sheet::Page::new(report, row, sheet, &verifications, &columns);
        let worksheet = workbook.add_worksheet().set_name(&report.sheets(row)[sheet.index]).unwrap();
        let mut framed = Sheet::new(worksheet, report, &styles);
        framed.main = part.map(|part| part.main);
        task_sheet::frame(&mut framed, &columns, page.form(), page.extent().last_row).unwrap();
        page.cells(&mut framed).unwrap();
    }
    if part.is_none() {
        reconciliation::add(&mut workbook, report, &styles).unwrap();
        if template.about {
            about::add(&mut workbook, report, &styles).unwrap();
        }
    }
    workbook.save_to_buffer().unwrap()
}

fn link_plainly(sheet: &mut Worksheet, link: Link<'_>, styles: &Styles) {
    let place = format!("'{}'!A1", link.sheet.replace('\'', "''"));
    let target = match link.file {
        None => format!("internal:{place}"),
        Some(file) => format!("file:///{}#{place}", escaped(&file)),
    };
    let (row, column) = link.cell;
    let (target, text) = (Url::new(target), link.text);
    sheet.write_url_with_options(row, column, target, text, link.tip, Some(&styles.link)).unwrap();
}

/// All parts of a workbook, so that equal ones mean the same: styles, texts and other files stand where
/// something points to them, and lists are in order.
fn parts_of(workbook: Vec<u8>) -> BTreeMap<String, String> {
    let mut archive = ZipArchive::new(Cursor::new(workbook)).unwrap();
    let mut parts = BTreeMap::new();
    for index in 0..archive.len() {
        let mut text = String::new();
        let mut part = archive.by_index(index).unwrap();
        part.read_to_string(&mut text).unwrap();
        assert!(parts.insert(part.name().unwrap().into_owned(), text).is_none(), "it stands there twice");
    }
    let styles = parts.remove("xl/styles.xml").unwrap();
    let (formats, looks) = (cell_formats(&styles), elements(&styles, "dxfs", "dxf"));
    let texts = parts.remove("xl/sharedStrings.xml").unwrap();
    let texts: Vec<&str> =
        texts.split("<si>").skip(1).map(|text| text.split("</si>").next().unwrap()).collect();
    let files: BTreeMap<String, BTreeMap<String, String>> = parts
        .iter()
        .filter(|(name, _)| name.contains("sheets/_rels"))
        .map(|(name, text)| (name.clone(), targets(text)))
        .collect();
    for (name, text) in &mut parts {
        if let Some(sheet) = name.strip_prefix("xl/worksheets/").filter(|name| name.starts_with("sheet")) {
            let files = files.get(&format!("xl/worksheets/_rels/{sheet}.rels"));
            *text = rewritten(text, " spans=\"", "\"", |_| String::new());
            *text = rewritten(text, " x14ac:dyDescent=\"", "\"", |_| String::new());
            *text = rewritten(text, " t=\"s\"><v>", "</v>", |number| {
                format!(" t=\"inlineStr\"><is>{}</is>", texts[number.parse::<usize>().unwrap()])
            });
            *text = rewritten(text, " s=\"", "\"", |number| {
                format!(" s={}", formats[number.parse::<usize>().unwrap()])
            });
            *text = rewritten(text, " dxfId=\"", "\"", |number| {
                format!(" look={}", looks[number.parse::<usize>().unwrap()])
            });
            *text = rewritten(text, " r:id=\"", "\"", |id| format!(" to={}", files.unwrap()[id]));
        } else if name.contains("sheets/_rels") {
            *text = targets(text).into_values().collect();
        } else if !name.starts_with("xl/charts") && !name.starts_with("xl/drawings") {
            let end = if name == "xl/workbook.xml" { "</definedName>" } else { ">" };
            let text_of_lines = text.replace("<definedNames>", "\n");
            let text_of_lines = text_of_lines.replace(end, &format!("{end}\n"));
            let mut lines: Vec<&str> = text_of_lines.lines().collect();
            lines.sort();
            *text = lines.join("\n");
        }
    }
    parts
}

/// What a sheet leads to, by its id there.
fn targets(relations: &str) -> BTreeMap<String, String> {
    let relations = relations.split("<Relationship Id=\"").skip(1).map(|rest| rest.split_once('"').unwrap());
    relations.map(|(id, rest)| (id.to_owned(), rest.split_once("/>").unwrap().0.to_owned())).collect()
}

/// The formats of cells, each with what it refers to.
fn cell_formats(styles: &str) -> Vec<String> {
    let fonts = elements(styles, "fonts", "font");
    let fills = elements(styles, "fills", "fill");
    let borders = elements(styles, "borders", "border");
    let numbers = elements(styles, "numFmts", "numFmt");
    elements(styles, "cellXfs", "xf")
        .into_iter()
        .map(|format| {
            let of = |list: &[String], id: &str| list[id.parse::<usize>().unwrap()].clone();
            let format = rewritten(&format, "fontId=\"", "\"", |id| of(&fonts, id));
            let format = rewritten(&format, "fillId=\"", "\"", |id| of(&fills, id));
            let format = rewritten(&format, "borderId=\"", "\"", |id| of(&borders, id));
            rewritten(&format, "numFmtId=\"", "\"", |id| {
                let start = format!(" numFmtId=\"{id}\"");
                let own = numbers.iter().find_map(|number| number.strip_prefix(&start));
                own.map_or_else(|| id.to_owned(), str::to_owned)
            })
        })
        .collect()
}

/// The elements of a list, each from its name on.
fn elements(text: &str, list: &str, element: &str) -> Vec<String> {
    let Some((_, rest)) = text.split_once(&format!("<{list} ")) else { return Vec::new() };
    let (inner, _) = rest.split_once(&format!("</{list}>")).unwrap();
    let starts = inner.replace(&format!("<{element} "), "\n ").replace(&format!("<{element}>"), "\n");
    starts.replace(&format!("<{element}/>"), "\n").lines().skip(1).map(str::to_owned).collect()
}

/// The text with what stands between each `start` and the next `end`, and these too, replaced.
fn rewritten(text: &str, start: &str, end: &str, with: impl Fn(&str) -> String) -> String {
    let mut pieces = text.split(start);
    let mut rewritten = pieces.next().unwrap().to_owned();
    for piece in pieces {
        let (inner, rest) = piece.split_once(end).unwrap();
        write!(rewritten, "{}{rest}", with(inner)).unwrap();
    }
    rewritten
}

/// Compares a workbook with the plain one, the table of which has one row and not `rows`.
fn assert_same(spliced: Vec<u8>, plain: Vec<u8>, rows: usize) {
    let (mut spliced, plain) = (parts_of(spliced), parts_of(plain));
    if let Some(table) = spliced.get_mut("xl/tables/table1.xml") {
        let end = |rows: usize| format!("{}\"", 1 + rows.max(1));
        let shortened = |line: &str| {
            let has_range = line.contains(" ref=\"");
            assert!(!has_range || line.contains(&end(rows)), "{line}");
            if has_range { line.replace(&end(rows), &end(1)) } else { line.to_owned() }
        };
        *table = table.lines().map(shortened).collect::<Vec<_>>().join("\n");
    }
    assert!(spliced.keys().eq(plain.keys()), "{:?}\n{:?}", spliced.keys(), plain.keys());
    for (name, text) in &plain {
        let other = &spliced[name];
        // The library writes control characters in the text of a link as they are, which is no XML.
        let text = &rewritten(text, " display=\"", "\"", |text| {
            let text = text.replace('\t', "&#x9;").replace('\n', "&#xA;");
            format!(" display=\"{}\"", text.replace(|c: char| c < ' ', "\u{fffd}"))
        });
        if text != other {
            let at = text.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
            let from = |text: &str| text.chars().skip(at.saturating_sub(200)).take(400).collect::<String>();
            panic!("{name} differs\nplain:   {}\nspliced: {}", from(text), from(other));
        }
    }
}

/// Checks the workbook of a report, in one file and in parts.
fn check(report: &Report<'_>) {
    let mut spliced = Vec::new();
    write_workbook(report, None, &mut spliced, &std::env::temp_dir()).unwrap();
    assert_same(spliced, plain(report, None, None), report.rows().len());
    let all = sheets(report);
    let homes: Vec<String> = report.rows().iter().map(|_| "a %<&b.part-001.xlsx".to_owned()).collect();
    let mut spliced = Vec::new();
    write_workbook(report, Some(&homes), &mut spliced, &std::env::temp_dir()).unwrap();
    assert_same(spliced, plain(report, Some(&homes), None), report.rows().len());
    if !all.is_empty() {
        let part = Part { number: 1, of: 2, main: "a %<&b.xlsx", sheets: &all };
        let mut spliced = Vec::new();
        write_part(report, &part, &mut spliced, &std::env::temp_dir()).unwrap();
        assert_same(spliced, plain(report, None, Some(&part)), 0);
    }
}

/// Texts that XML or Excel take for something else, and any others.
fn hostile() -> impl Strategy<Value = String> {
    let picked = [
        "_x0041_",
        "_x005F_x0041_",
        "_x00",
        "a_xZZZZ_",
        "<b>&amp;\"'</b>",
        "]]>",
        " both ",
        "\n",
        "a\tb\r\n",
        "\u{0}\u{1f}",
        "\u{fffe}\u{ffff}",
        "</t></is></c>",
        "'it''s'",
        "财务报表 🦀",
        "1048576\"",
        "'model 1'!",
    ];
    prop_oneof![
        8 => prop::sample::select(picked.to_vec()).prop_map(str::to_owned),
        8 => "\\PC{0,40}",
        8 => "[<>&\"'_x0-9A-F\u{0}-\u{20}]{0,60}",
        1 => Just("😀 long".repeat(5_000)),
    ]
}

/// What came of a task.
#[derive(Debug, Clone)]
enum FakeOutcome {
    /// Verifications, by their directories; of the embedded service or not.
    Results(Vec<Vec<String>>, bool),
    Failed(String),
    Garbage,
}

impl FakeOutcome {
    fn outcome(self) -> Outcome {
        match self {
            Self::Results(verifications, sample) => answered(&verifications, sample),
            Self::Failed(message) => {
                Outcome::Failed(Failed { status: Some(403), code: None, kind: None, message })
            }
            Self::Garbage => Outcome::Answered(Answered {
                status: 200,
                sample_data: false,
                content_range: None,
                body: b"<p>".to_vec(),
            }),
        }
    }
}

fn fake_outcome() -> impl Strategy<Value = FakeOutcome> {
    let results = prop::collection::vec(prop::collection::vec(hostile(), 0..5), 0..8);
    prop_oneof![
        8 => (results, prop::bool::weighted(0.1)).prop_map(|(results, sample)| FakeOutcome::Results(results, sample)),
        1 => hostile().prop_map(FakeOutcome::Failed),
        1 => Just(FakeOutcome::Garbage),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn every_workbook_is_as_the_library_writes_it(
        tasks in prop::collection::vec((hostile(), fake_outcome()), 0..6),
        template in prop::sample::select(vec!["standard", "signoff", "compact"]),
        language in prop::sample::select(vec![Language::English, Language::Chinese]),
        rows_per_sheet in 1..9_u64,
        (is_waived, is_reconciled) in any::<(bool, bool)>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let tasks = tasks.into_iter().map(|(name, outcome)| (name, outcome.outcome())).collect();
        let journal = journal(folder.path(), tasks, is_reconciled);
        let waivers = is_waived.then(|| {
            let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/samples/waivers.toml"));
            let text = std::fs::read_to_string(path).unwrap();
            Waivers::parse(path, &text, &Zone::named("UTC").unwrap()).unwrap()
        });
        let report = Report::new(&journal, options(template, language, rows_per_sheet, waivers)).unwrap();
        check(&report);
    }
}

#[test]
fn a_skeleton_of_another_form_is_an_error() {
    let sheet =
        r#"<dimension ref="A1"/><sheetData></sheetData><autoFilter ref="A7:I1048576"/><pageMargins />"#;
    let model = |sheet: &str| Frame::of_model(sheet, None, "model 1").err().map(|error| error.to_string());
    assert_eq!(model(sheet), None);
    for (from, to) in [
        ("<dimension ref=\"A1\"/>", ""),
        ("<sheetData></sheetData>", "<sheetData/>"),
        ("</sheetData>", "</sheetData></sheetData>"),
        ("A7:I1048576", "A7:I9"),
        ("A7:I1048576", "A7:I9 B7:B1048576"),
        ("A7:I1048576", "$A$7:$I$1048576"),
        ("<pageMargins />", ""),
    ] {
        let error = model(&sheet.replace(from, to));
        assert!(error.is_some_and(|error| error.contains("cannot be filled")), "{from} as {to}");
    }

    let sheets = Sheets { streamed: 1, before: 1, staying: 1, all: 2, added: 3 };
    let part =
        |number| format!("<Override PartName=\"/xl/worksheets/sheet{number}.xml\" ContentType=\"s\"/>");
    assert!(content_types(&(part(1) + &part(2)), &sheets, &mut Vec::new()).is_ok());
    assert!(content_types(&part(1), &sheets, &mut Vec::new()).is_err());
    let relation =
        |id| format!("<Relationship Id=\"rId{id}\" Type=\"s\" Target=\"worksheets/sheet{id}.xml\"/>");
    let list = |ids: [u8; 2]| ids.map(relation).concat() + "</Relationships>";
    assert!(relations(&list([1, 2]), &sheets, &mut Vec::new()).is_ok());
    assert!(relations(&list([2, 1]), &sheets, &mut Vec::new()).is_err());
    let extent = Extent { last_row: 99, last_column: 2 };
    let grown = table(r#"<table ref="A11:T12"><autoFilter ref="A11:T12"/>"#, extent).unwrap();
    assert_eq!(grown, r#"<table ref="A11:T100"><autoFilter ref="A11:T100"/>"#);
    assert!(table(r#"<table ref="A11:T12"><autoFilter ref="A11:T13"/>"#, extent).is_err());
}
