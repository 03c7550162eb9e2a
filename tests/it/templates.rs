//! The effect of templates, languages and time zones on a workbook.

use std::io::Read;
use std::path::Path;

use crate::support::{Workbook, files, run, run_with, sample_tasks};
use calamine::Data;
use tempfile::TempDir;

const OUTPUTS: [&str; 8] = ["-o", "r.xlsx", "-o", "csv/", "-o", "r.zip", "-o", "r.json"];

/// A folder with the journal of a run over the sample data.
fn exported() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let arguments =
        ["export", &sample_tasks(), "--endpoint", "embedded", "--rate", "1000/s", "-o", "j.jsonl", "-q"];
    let ran = run(folder.path(), &[&arguments[..], &["--journal", "run.jsonl"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    folder
}

fn render(folder: &TempDir, arguments: &[&str]) -> Workbook {
    let ran = run(folder.path(), &[&["render", "run.jsonl", "-o", "r.xlsx"], arguments].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    Workbook::open(&folder.path().join("r.xlsx"))
}

/// A part of a workbook file.
fn part(workbook: &Path, name: &str) -> String {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(workbook).unwrap()).unwrap();
    let mut text = String::new();
    archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

fn texts(workbook: &Workbook, sheet: &str) -> Vec<String> {
    workbook.sheets[sheet].iter().flatten().map(ToString::to_string).filter(|text| !text.is_empty()).collect()
}

#[test]
fn summary_is_one_page() {
    let folder = exported();
    let workbook = render(&folder, &[]);
    let path = folder.path().join("r.xlsx");
    let rows = &workbook.sheets["Summary"];
    let count = |label: &str| rows.iter().find(|row| row[0] == *label).unwrap()[1].clone();
    assert_eq!((count("Consistent"), count("Inconsistent")), (Data::Float(6.0), Data::Float(2.0)));
    let summary = part(&path, "xl/worksheets/sheet1.xml");
    for wanted in
        ["fitToPage=\"1\"", "orientation=\"landscape\"", "paperSize=\"9\"", "state=\"frozen\"", "<tablePart"]
    {
        assert!(summary.contains(wanted), "{wanted}");
    }
    let table = part(&path, "xl/tables/table1.xml");
    assert!(table.contains("<autoFilter ref=\"A12:T24\"/>"), "{table}");
    assert!(part(&path, "xl/workbook.xml").contains("Summary!$12:$12"), "the headings are on every page");
    let charts = ["xl/charts/chart1.xml", "xl/charts/chart2.xml"].map(|name| part(&path, name));
    assert!(charts[0].contains("Summary!$B$2:$B$10"));
    // The data of the second one is in About, so sorting does not move it.
    let about = texts(&workbook, "About");
    let place = about.iter().position(|text| text == "db-orders-01").unwrap();
    assert_eq!(about[place + 1], "418");
    assert!(charts[1].contains("About!$B$"));
    let archive = zip::ZipArchive::new(std::fs::File::open(&path).unwrap()).unwrap();
    let names = archive.file_names().map(|name| name.unwrap().into_owned()).collect::<Vec<_>>();
    let drawn = names.iter().filter(|name| name.starts_with("xl/charts/"));
    assert_eq!(drawn.count(), 2, "tasks' sheets have none");
}

#[test]
fn task_sheet_shows_all_verifications() {
    let folder = exported();
    let workbook = render(&folder, &[]);
    let at = workbook.names.iter().position(|name| name == "app-orders-01").unwrap() + 1;
    let sheet = part(&folder.path().join("r.xlsx"), &format!("xl/worksheets/sheet{at}.xml"));
    assert!(sheet.contains("<xm:f>'app-orders-01'!G6:I6</xm:f>"), "{sheet}");
    let course = &workbook.sheets["app-orders-01"][5];
    assert_eq!(course[6..9], [Data::Float(1634.0), Data::Float(25.0), Data::Float(0.0)]);
}

#[test]
fn compact_template_has_only_the_summary() {
    let folder = exported();
    let workbook = render(&folder, &["--template", "compact"]);
    assert_eq!(workbook.names, ["Summary"]);
    let table = workbook.table("Summary", "Task ID");
    assert_eq!(table[0][..4], ["Task ID", "Source server", "Verdict", "Last verified (UTC)"]);
    assert!(!part(&folder.path().join("r.xlsx"), "xl/worksheets/sheet1.xml").contains("<hyperlink "));
}

#[test]
fn sign_off_sheet_unlocks_only_the_input_cells() {
    let folder = exported();
    let workbook = render(&folder, &["--template", "signoff"]);
    assert_eq!(workbook.names[..2], ["Summary", "Sign-off"]);
    let said = texts(&workbook, "Sign-off");
    for wanted in [
        "1, 2, 3",
        "12 tasks",
        "6 of 12 tasks pass; 1 not verified, 1 check failed, 2 inconsistent, 1 stale, 1 inconclusive",
        "11 of 12 tasks have evidence; 6 of these pass (54.5 %)",
        "Migration lead",
        "Signature",
    ] {
        assert!(said.iter().any(|text| text == wanted), "{wanted}: {said:?}");
    }
    let sheet = part(&folder.path().join("r.xlsx"), "xl/worksheets/sheet2.xml");
    assert!(sheet.contains("<sheetProtection sheet=\"1\""), "{sheet}");
    assert!(sheet.contains("<formula1>\"Go,Go with conditions,No-go\"</formula1>"), "{sheet}");
    assert!(part(&folder.path().join("r.xlsx"), "xl/styles.xml").contains("locked=\"0\""));
}

#[test]
fn sign_off_texts_have_enough_lines() {
    let folder = exported();
    let waivers = format!("{}.toml", "accepted-differences-".repeat(4));
    std::fs::write(folder.path().join(&waivers), "").unwrap();
    let policy = ["--not-before", "2026-11-20T08:00", "--waivers", &waivers];
    let workbook = render(&folder, &[&["--template", "signoff"][..], &policy].concat());
    let rows = &workbook.sheets["Sign-off"];
    let sheet = part(&folder.path().join("r.xlsx"), "xl/worksheets/sheet2.xml");
    for (label, lines) in [("Endpoint", 1), ("Criteria", 3), ("Stale", 2)] {
        let row = rows.iter().position(|row| row[0] == *label).unwrap() + 1;
        let (_, row) = sheet.split_once(&format!("<row r=\"{row}\"")).unwrap();
        let (row, _) = row.split_once('>').unwrap();
        let wanted = format!("ht=\"{}\"", lines * 15);
        assert_eq!(row.contains(&wanted), lines > 1, "{label}: {row}");
    }
}

#[test]
fn texts_above_tables_have_enough_lines() {
    let folder = exported();
    let merged = |arguments: &[&str]| {
        render(&folder, arguments);
        let sheet = part(&folder.path().join("r.xlsx"), "xl/worksheets/sheet1.xml");
        ["D2:H3", "D2:H4", "D6:H7", "D8:H10"].map(|cells| sheet.contains(&format!("ref=\"{cells}\"")))
    };
    assert_eq!(merged(&[]), [true, false, true, true]);
    // Without evidence for a task the headline of an unfinished run needs a third line.
    let journal = std::fs::read_to_string(folder.path().join("run.jsonl")).unwrap();
    let mut lines: Vec<&str> = journal.lines().take(13).collect();
    lines[1..]
        .sort_by_key(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["ordinal"].as_u64());
    lines.truncate(11);
    let unreadable = lines[2].replacen("\"body\":\"", "\"body\":\"?", 1);
    let lines = [&lines[..2], &[unreadable.as_str()], &lines[3..]].concat();
    std::fs::write(folder.path().join("run.jsonl"), lines.join("\n") + "\n").unwrap();
    std::fs::write(folder.path().join("own.toml"), "[widths]\nverdict = 13\nlast_verified = 13\n").unwrap();
    let ran = run(folder.path(), &["render", "run.jsonl", "-o", "r.xlsx", "--template", "own.toml"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let sheet = part(&folder.path().join("r.xlsx"), "xl/worksheets/sheet1.xml");
    assert!(sheet.contains("ref=\"D2:H4\"") && sheet.contains("ref=\"D7:H8\""), "{}", ran.stderr);
    let task = part(&folder.path().join("r.xlsx"), "xl/worksheets/sheet3.xml");
    assert!(task.contains("<mergeCell ref=\"B5:I5\"/>"), "what happened has lines of its own: {task}");
}

#[test]
fn numbers_are_not_truncated_and_waived_ones_not_highlighted() {
    let folder = exported();
    let waivers = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/waivers.toml");
    let path = folder.path().join("r.xlsx");
    let rule = "AND($D13=\"Accepted\",$I13&gt;0)";
    render(&folder, &["--waivers", waivers]);
    assert!(part(&path, "xl/worksheets/sheet1.xml").replace("&quot;", "\"").contains(rule));
    render(&folder, &[]);
    assert!(!part(&path, "xl/worksheets/sheet1.xml").contains("AND($D13"));
    assert!(part(&path, "xl/styles.xml").contains("shrinkToFit=\"1\""));
}

#[test]
fn summary_without_task_ids_keeps_its_columns() {
    let folder = exported();
    let summary_of = |columns: &str| {
        let own = format!("[summary]\ncolumns = [{columns}]\nlabels = false\n");
        std::fs::write(folder.path().join("own.toml"), own).unwrap();
        let workbook = render(&folder, &["--template", "own.toml"]);
        let sheet = part(&folder.path().join("r.xlsx"), "xl/worksheets/sheet1.xml");
        (workbook.sheets["Summary"][12][..2].to_vec(), sheet)
    };
    let (cells, sheet) = summary_of(r#""different", "source_server""#);
    assert_eq!(cells, [Data::Float(0.0), Data::String("web-prod-01".to_owned())]);
    assert!(sheet.contains("<hyperlink ref=\"B13\" location=\"'web-prod-01'!A1\""), "{sheet}");
    let (cells, _) = summary_of(r#""verdict", "different""#);
    assert_eq!(cells, [Data::String("Consistent".to_owned()), Data::Float(0.0)]);
    // The columns with the counts by verdict are not collapsed.
    let (_, sheet) = summary_of(r#""verdict", "source_id", "attempts""#);
    assert_eq!(sheet.matches("hidden=\"1\"").count(), 1, "{sheet}");
}

/// The column names of the Summary's table and its headings, from the file.
fn columns_and_headings(workbook: &Path) -> (Vec<String>, Vec<String>) {
    let between = |text: &str, start: &str, end: &str| -> Vec<String> {
        let parts = text.split(start).skip(1);
        parts.map(|part| part.split_once(end).unwrap().0.to_owned()).collect()
    };
    let columns = between(&part(workbook, "xl/tables/table1.xml"), " name=\"", "\"");
    let strings = between(&part(workbook, "xl/sharedStrings.xml"), "<si><t", "</t>");
    let sheet = part(workbook, "xl/worksheets/sheet1.xml");
    let row = between(&sheet, "<row r=\"11\"", "</row>").concat();
    let string =
        |index: &String| strings[index.parse::<usize>().unwrap()].split_once('>').unwrap().1.to_owned();
    (columns.into_iter().skip(1).collect(), between(&row, "<v>", "</v>").iter().map(string).collect())
}

#[test]
fn any_label_is_its_column_name_in_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let labels = ["_x0041_", "x_x005F_x0041_", "_x004_", "q\u{fffe}r", "ΟΔΟΣ", "οδοσ", "[a#'b]", "notes"];
    let labels = labels.map(str::to_owned).into_iter().chain(["😀".repeat(200)]).collect::<Vec<_>>();
    let list = format!("task_id,{}\nt{}\n", labels.join(","), ",v".repeat(labels.len()));
    std::fs::write(folder.path().join("list.csv"), list).unwrap();
    let arguments =
        ["export", "list.csv", "--endpoint", "embedded", "--rate", "1000/s", "-o", "r.xlsx", "-q"];
    let ran = run(folder.path(), &arguments);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let path = folder.path().join("r.xlsx");
    let (columns, headings) = columns_and_headings(&path);
    assert_eq!(columns, headings);
    let shown = Workbook::open(&path).table("Summary", "Task ID")[0].split_off(18);
    let numbered = |label: &str| match label {
        "οδοσ" | "notes" => format!("{label} (2)"),
        label => label.replace('\u{fffe}', "\u{fffd}"),
    };
    let (last, others) = labels.split_last().unwrap();
    assert_eq!(shown[..others.len()], others.iter().map(|label| numbered(label)).collect::<Vec<_>>());
    assert!(shown[others.len()].len() < last.len(), "at most 255 units of UTF-16");
}

#[test]
fn custom_template_selects_the_content() {
    let folder = exported();
    let own = "[summary]\ncolumns = [\"source_server\", \"task_id\", \"different\"]\nlabels = false\n\
               [tasks]\ncolumns = [\"directory\", \"different\"]\n[headings.en]\nsource_server = \"Machine\"\n\
               [ticket]\nmarkdown = \"Outcome: {{ headline }}\\n\"\n";
    std::fs::write(folder.path().join("own.toml"), own).unwrap();
    let workbook = render(&folder, &["--template", "own.toml", "-o", "r.md"]);
    assert_eq!(workbook.table("Summary", "Machine")[0][..3], ["Machine", "Task ID", "Different"]);
    assert_eq!(workbook.table("web-prod-01", "Directory")[0][..2], ["Directory", "Different"]);
    let ticket = std::fs::read_to_string(folder.path().join("r.md")).unwrap();
    assert!(ticket.starts_with("Outcome: NOT READY: 6 of 12 tasks do not pass\n"), "{ticket}");
    assert!(!texts(&workbook, "Summary").iter().any(|text| text == "wave"), "no labels");

    std::fs::write(folder.path().join("bad.toml"), "[summary]\ncolumns = [\n\"verdikt\"]\n").unwrap();
    for arguments in [
        &["templates", "check", "bad.toml"][..],
        &["render", "run.jsonl", "-o", "r.csv", "--template", "bad.toml"],
    ] {
        let ran = run(folder.path(), arguments);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains("bad.toml:3:1: unknown column `verdikt`"), "{}", ran.stderr);
    }
    let ticket = "[ticket]\nplain = \"\"\"\none\n{{ headlin }}\"\"\"\n";
    std::fs::write(folder.path().join("bad.toml"), ticket).unwrap();
    let ran = run(folder.path(), &["templates", "check", "bad.toml"]);
    assert_eq!((ran.code, ran.stderr.contains("bad.toml:4: undefined value")), (2, true), "{}", ran.stderr);
}

#[test]
fn templates_command_lists_shows_and_checks() {
    let folder = tempfile::tempdir().unwrap();
    let listed = run(folder.path(), &["templates", "list"]).stdout;
    let names: Vec<&str> = listed.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["standard", "signoff", "compact"]);
    for name in names {
        let shown = run(folder.path(), &["templates", "show", name]);
        std::fs::write(folder.path().join("copy.toml"), shown.stdout).unwrap();
        let checked = run(folder.path(), &["templates", "check", "copy.toml"]);
        assert_eq!((checked.code, checked.stdout.as_str()), (0, "copy.toml: can be used\n"));
    }
    let unknown = run(folder.path(), &["templates", "show", "fancy"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("standard, signoff, compact"), "{}", unknown.stderr);
    assert_eq!(run(folder.path(), &["templates", "check", "none.toml"]).code, 2);
}

#[test]
fn chinese_workbook_has_no_english_label() {
    let folder = exported();
    let workbook =
        render(&folder, &["--template", "signoff", "--language", "zh", "--timezone", "Asia/Shanghai"]);
    let all: Vec<String> = workbook.names.iter().flat_map(|name| texts(&workbook, name)).collect();
    for wanted in [
        "任务ID",
        "一致",
        "未校验",
        "最近校验时间 (Asia/Shanghai)",
        "割接签字确认",
        "目的端缺少",
        "关于本报告",
    ] {
        assert!(all.iter().any(|text| text == wanted), "{wanted}");
    }
    let english =
        ["Task ID", "Verdict", "Consistent", "Notes", "Endpoint", "Criteria", "Course", "Decision", "Name"];
    let left: Vec<&String> = all.iter().filter(|text| english.contains(&text.as_str())).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// The same journal and options give the same bytes, in any zone and locale, now and later.
#[test]
fn outputs_depend_only_on_journal_and_options() {
    let folder = exported();
    let made = |name: &str, variables: &[(&str, &str)]| {
        let place = folder.path().join(name);
        std::fs::create_dir(&place).unwrap();
        let mut arguments =
            vec!["render", "../run.jsonl", "--template", "signoff", "-o", "r.md", "-o", "r.prom"];
        arguments.extend(OUTPUTS);
        let ran = run_with(&place, variables, &arguments);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        files(&place)
    };
    let one = made("one", &[("TZ", "UTC"), ("LANG", "C")]);
    // Times in archives have a resolution of two seconds: wait for the next step.
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let step = now() / 2;
    while now() / 2 == step {
        std::thread::yield_now();
    }
    let two = made("two", &[("TZ", "Asia/Shanghai"), ("LANG", "zh_CN.UTF-8"), ("LC_ALL", "zh_CN.UTF-8")]);
    let changed: Vec<_> = one.keys().filter(|name| one.get(*name) != two.get(*name)).collect();
    assert!(changed.is_empty() && one.len() == two.len(), "{changed:?}");
    assert!(one.len() > 15, "all kinds of outputs");
}
