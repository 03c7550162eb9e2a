//! The effect of templates, languages and time zones on a workbook.

use std::io::Read;
use std::path::Path;

use crate::support::{Workbook, export, files, run, run_with, sample_tasks};
use calamine::Data;
use tempfile::TempDir;

const OUTPUTS: [&str; 8] = ["-o", "r.xlsx", "-o", "csv/", "-o", "r.zip", "-o", "r.json"];

/// A folder with the journal of a run over the sample data.
fn exported() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let ran = export(folder.path(), &sample_tasks(), &["-o", "j.jsonl", "-q", "--journal", "run.jsonl"]);
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
fn summary_is_a_table_that_prints() {
    let folder = exported();
    let workbook = render(&folder, &[]);
    let path = folder.path().join("r.xlsx");
    let headings = &workbook.table("Summary", "Source server")[0];
    assert_eq!(
        headings.join("|"),
        "Source server|Verdict|Reason|Last verified (UTC)|Different|Missing at target|Redundant at target|Total files|\
         Directories|Check result|Notes|wave|owner|Task ID|Source ID|Verifications|Response shape|Attempts|Error code|\
         Error message|Request ID|Last synchronised (UTC)|Mode|Not verified directories|Task state"
    );
    let summary = part(&path, "xl/worksheets/sheet2.xml");
    for wanted in [
        "fitToPage=\"1\"",
        "orientation=\"landscape\"",
        "paperSize=\"9\"",
        "xSplit=\"1\" ySplit=\"1\" topLeftCell=\"B2\"",
        "<tablePart",
        "<tabColor rgb=\"FF6A4C93\"/>",
        "<hyperlink ref=\"A2\" location=\"'web-prod-01'!A1\"",
    ] {
        assert!(summary.contains(wanted), "{wanted}");
    }
    let table = part(&path, "xl/tables/table1.xml");
    assert!(table.contains("<autoFilter ref=\"A1:Y13\"/>"), "{table}");
    assert!(part(&path, "xl/workbook.xml").contains("Summary!$1:$1"), "the headings are on every page");
    // From Source ID on, all columns are collapsed.
    let columns = summary.split("<cols>").nth(1).and_then(|rest| rest.split("</cols>").next()).unwrap();
    let folded = columns.split("<col ").filter(|column| column.contains("hidden=\"1\""));
    assert_eq!(folded.filter(|column| column.contains("outlineLevel=\"1\"")).count(), 11, "{columns}");
}

#[test]
fn summary_folds_columns_without_values_and_those_of_the_listing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("list.csv"),
        "task_id,source_name,task_type,room\nt1,web,MIGRATE_FILE,1\nt2,db,,\n",
    )
    .unwrap();
    assert_eq!(export(folder.path(), "list.csv", &["-o", "r.xlsx", "-q"]).code, 3);
    let workbook = Workbook::open(&folder.path().join("r.xlsx"));
    let headings = &workbook.table("Summary", "Source server")[0];
    let sheet = part(&folder.path().join("r.xlsx"), "xl/worksheets/sheet2.xml");
    let is_folded = |heading: &str| {
        let place = headings.iter().position(|other| other == heading).unwrap() + 1;
        sheet.split("<col min=\"").skip(1).any(|column| {
            let number = |text: &str| text.split('"').next().unwrap().parse::<usize>().unwrap();
            let range = number(column)..=number(column.split("max=\"").nth(1).unwrap());
            range.contains(&place) && column.split("/>").next().unwrap().contains("hidden=\"1\"")
        })
    };
    for (heading, folded) in
        [("Different", true), ("Notes", true), ("task_type", true), ("room", false), ("Reason", false)]
    {
        assert_eq!(is_folded(heading), folded, "{heading}");
    }
}

#[test]
fn overview_is_one_page_that_names_status_tasks_and_evidence() {
    let folder = exported();
    let workbook = render(&folder, &[]);
    let path = folder.path().join("r.xlsx");
    let said = texts(&workbook, "Overview");
    let sha256 = hex::encode(journal_digest(&folder.path().join("run.jsonl")));
    for wanted in [
        "× NOT READY: 6 of 12 tasks do not pass",
        "6 of 12 tasks pass (50.0 %); 11 of 12 have verification results; the oldest is 72 h old (erp-legacy-01)",
        "SAMPLE DATA from the embedded service: not evidence",
        "Tasks that do not pass, worst first (6)",
        "412 different, 6 missing, 0 redundant",
        "Tasks by wave",
        "What a verification checks",
        "run.jsonl",
        &sha256,
    ] {
        assert!(said.iter().any(|text| text == wanted), "{wanted}: {said:?}");
    }
    let place = |text: &str| said.iter().position(|other| other == text).unwrap();
    let worst_first =
        ["mail-relay-01", "ci-runner-01", "db-orders-01", "log-archive-01", "erp-legacy-01", "file-share-01"];
    assert!(worst_first.is_sorted_by_key(|name| place(name)), "{said:?}");
    let overview = part(&path, "xl/worksheets/sheet1.xml");
    for wanted in [
        "paperSize=\"9\" orientation=\"portrait\"",
        "fitToPage=\"1\"",
        "location=\"'mail-relay-01'!A1\"",
        "<dataBar showValue=\"0\">",
    ] {
        assert!(overview.contains(wanted), "{wanted}: {overview}");
    }
    let chart = part(&path, "xl/charts/chart1.xml");
    assert_eq!(chart.matches("<c:ser>").count(), 6, "no part for a verdict without tasks");
    assert!(chart.contains("percentStacked") && chart.contains("Overview!$V$"), "{chart}");
}

fn journal_digest(path: &Path) -> [u8; 32] {
    use std::io::Write as _;
    let mut fingerprint = cutover_report::fs::Fingerprint::default();
    fingerprint.write_all(&std::fs::read(path).unwrap()).unwrap();
    fingerprint.finish().0
}

/// A list of so many tasks in three waves, of which none has results.
fn list_of(count: usize) -> String {
    let row = |n: usize| format!("t-{n},web-{n},{}\n", n % 3 + 1);
    "task_id,source_name,wave\n".to_owned() + &(0..count).map(row).collect::<String>()
}

#[test]
fn overview_of_many_tasks_lists_what_fits_and_counts_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("list.csv"), list_of(300)).unwrap();
    let ran = export(folder.path(), "list.csv", &["-o", "r.xlsx", "-q", "--template", "compact"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let workbook = Workbook::open(&folder.path().join("r.xlsx"));
    let said = texts(&workbook, "Overview");
    let listed = said.iter().filter(|text| text.starts_with("web-")).count();
    assert!((18..35).contains(&listed), "{listed}");
    let more = format!("… and {} more: see the sheet Summary", 300 - listed);
    assert!(said.contains(&more), "{said:?}");
    let sheet = part(&folder.path().join("r.xlsx"), "xl/worksheets/sheet1.xml");
    let heights =
        sheet.split(" ht=\"").skip(1).map(|row| row.split('"').next().unwrap().parse::<f64>().unwrap());
    assert!(heights.sum::<f64>() <= 800.0, "the page keeps text of 9 points");
    assert_eq!(workbook.summary().len(), 300);
}

#[test]
fn every_page_names_title_run_journal_and_page() {
    let folder = exported();
    let title = "title.en = 'R&D 2026 results'\n";
    std::fs::write(folder.path().join("own.toml"), title).unwrap();
    let workbook = render(&folder, &["--template", "own.toml"]);
    let digest = hex::encode(journal_digest(&folder.path().join("run.jsonl")));
    for number in 1..=workbook.names.len() {
        let sheet = part(&folder.path().join("r.xlsx"), &format!("xl/worksheets/sheet{number}.xml"));
        let footer = sheet.split("<oddFooter>").nth(1).and_then(|rest| rest.split('<').next()).unwrap();
        assert!(footer.starts_with("&amp;L&amp;10 R&amp;&amp;D "), "{footer}");
        let page = format!("&amp;R&amp;10 Journal {}, page &amp;P of &amp;N", &digest[..12]);
        assert!(footer.contains("results, run ended 20") && footer.ends_with(&page), "{footer}");
    }
}

#[test]
fn the_sheet_of_a_task_sums_up_its_earlier_verifications() {
    let folder = exported();
    let workbook = render(&folder, &[]);
    let earlier = workbook.sheets["app-orders-01"][5][1].to_string();
    assert!(earlier.starts_with("2 earlier verifications: 25 differences on 20"), "{earlier}");
    assert!(earlier.contains(", 1634 differences on 20"), "{earlier}");
    let at = workbook.names.iter().position(|name| name == "db-orders-01").unwrap() + 1;
    let sheet = part(&folder.path().join("r.xlsx"), &format!("xl/worksheets/sheet{at}.xml"));
    assert!(sheet.contains("<tabColor rgb=\"FFB3261E\"/>"), "{sheet}");
}

#[test]
fn compact_is_overview_and_summary_alone() {
    let folder = exported();
    let workbook = render(&folder, &["--template", "compact"]);
    assert_eq!(workbook.names, ["Overview", "Summary"]);
    let table = workbook.table("Summary", "Source server");
    assert_eq!(table[0][..4], ["Source server", "Verdict", "Reason", "Last verified (UTC)"]);
    for sheet in ["xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"] {
        assert!(!part(&folder.path().join("r.xlsx"), sheet).contains("<hyperlink "));
    }
}

#[test]
fn sign_off_replaces_the_overview_and_lets_people_fill_in_and_nothing_else() {
    let folder = exported();
    let waivers = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/waivers.toml");
    let workbook = render(&folder, &["--template", "signoff", "--waivers", waivers]);
    assert_eq!(workbook.names[..2], ["Sign-off", "Summary"]);
    let said = texts(&workbook, "Sign-off");
    for wanted in [
        "× NOT READY: 5 of 12 tasks do not pass; 1 passes by a waiver",
        "1, 2, 3",
        "☐ Go",
        "☐ Go with conditions",
        "☐ No-go",
        "Conditions",
        "Migration lead",
        "Signature",
        "Waivers in force (2)",
        "J. Doe",
        "2099-12-31",
        "no expiry",
    ] {
        assert!(said.iter().any(|text| text == wanted), "{wanted}: {said:?}");
    }
    // Every verdict that occurs has its worst task in the list.
    for name in ["mail-relay-01", "ci-runner-01", "db-orders-01", "erp-legacy-01", "file-share-01"] {
        assert!(said.iter().any(|text| text == name), "{name}");
    }
    let sheet = part(&folder.path().join("r.xlsx"), "xl/worksheets/sheet1.xml");
    assert!(sheet.contains("<sheetProtection sheet=\"1\""), "{sheet}");
    assert!(sheet.contains("<formula1>\"☐ Go with conditions,☒ Go with conditions\"</formula1>"), "{sheet}");
    assert!(part(&folder.path().join("r.xlsx"), "xl/styles.xml").contains("locked=\"0\""));
}

#[test]
fn long_decisions_and_roles_are_wrapped_and_not_clipped() {
    let folder = exported();
    let template = folder.path().join("long.toml");
    std::fs::write(
        &template,
        "[signoff]\ntitle = { en = \"Sign\", zh = \"签字\" }\n[[signoff.decision]]\nname = { en = \"Go once every condition is met\", zh = \"同意\" }\n\
         [[signoff.signature]]\nrole = { en = \"Head of Infrastructure Operations and Delivery\", zh = \"负责人\" }\n",
    )
    .unwrap();
    let workbook = render(&folder, &["--template", template.to_str().unwrap()]);
    let said = texts(&workbook, "Sign-off");
    let decision = "☐ Go once every condition is met";
    for wanted in [decision, "Head of Infrastructure Operations and Delivery"] {
        assert!(said.iter().any(|text| text == wanted), "{wanted}: {said:?}");
    }
    let sheet = part(&folder.path().join("r.xlsx"), "xl/worksheets/sheet1.xml");
    assert!(sheet.contains("ht=\"36\"") && sheet.contains(&format!("<formula1>\"{decision},☒")), "{sheet}");
}

#[test]
fn overview_of_an_unfinished_run_gives_every_number() {
    let folder = exported();
    let journal = std::fs::read_to_string(folder.path().join("run.jsonl")).unwrap();
    let mut lines: Vec<&str> = journal.lines().take(13).collect();
    lines[1..]
        .sort_by_key(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["ordinal"].as_u64());
    lines.truncate(11);
    let unreadable = lines[2].replacen("\"body\":\"", "\"body\":\"?", 1);
    let lines = [&lines[..2], &[unreadable.as_str()], &lines[3..]].concat();
    std::fs::write(folder.path().join("run.jsonl"), lines.join("\n") + "\n").unwrap();
    let ran = run(folder.path(), &["render", "run.jsonl", "-o", "r.xlsx"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let workbook = Workbook::open(&folder.path().join("r.xlsx"));
    let headline = "○ INCOMPLETE: the run is unfinished; 3 of 12 tasks have no readable answer; ";
    assert!(workbook.says("Overview", headline), "{:?}", texts(&workbook, "Overview"));
    let task = part(&folder.path().join("r.xlsx"), "xl/worksheets/sheet4.xml");
    assert!(task.contains("<mergeCell ref=\"B5:I5\"/>"), "what happened has lines of its own: {task}");
}

#[test]
fn numbers_are_not_truncated_and_waived_ones_not_highlighted() {
    let folder = exported();
    let waivers = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/waivers.toml");
    let path = folder.path().join("r.xlsx");
    let rule = "AND($B2=\"Accepted\",$E2&gt;0)";
    render(&folder, &["--waivers", waivers]);
    assert!(part(&path, "xl/worksheets/sheet2.xml").replace("&quot;", "\"").contains(rule));
    render(&folder, &[]);
    assert!(!part(&path, "xl/worksheets/sheet2.xml").contains("AND($B2"));
    assert!(part(&path, "xl/styles.xml").contains("shrinkToFit=\"1\""));
}

#[test]
fn summary_without_task_ids_keeps_its_columns() {
    let folder = exported();
    let summary_of = |columns: &str| {
        let own = format!("[summary]\ncolumns = [{columns}]\nlabels = false\n");
        std::fs::write(folder.path().join("own.toml"), own).unwrap();
        let workbook = render(&folder, &["--template", "own.toml"]);
        let sheet = part(&folder.path().join("r.xlsx"), "xl/worksheets/sheet2.xml");
        (workbook.sheets["Summary"][1][..2].to_vec(), sheet)
    };
    let (cells, sheet) = summary_of(r#""different", "source_server""#);
    assert_eq!(cells, [Data::Float(0.0), Data::String("web-prod-01".to_owned())]);
    assert!(sheet.contains("<hyperlink ref=\"B2\" location=\"'web-prod-01'!A1\""), "{sheet}");
    let (cells, _) = summary_of(r#""verdict", "different""#);
    assert_eq!(cells, [Data::String("Consistent".to_owned()), Data::Float(0.0)]);
    let (_, sheet) = summary_of(r#""verdict", "source_id", "attempts""#);
    assert_eq!(sheet.matches("hidden=\"1\"").count(), 2, "{sheet}");
}

/// The column names of the Summary's table and its headings, from the file.
fn columns_and_headings(workbook: &Path) -> (Vec<String>, Vec<String>) {
    let between = |text: &str, start: &str, end: &str| -> Vec<String> {
        let parts = text.split(start).skip(1);
        parts.map(|part| part.split_once(end).unwrap().0.to_owned()).collect()
    };
    let columns = between(&part(workbook, "xl/tables/table1.xml"), " name=\"", "\"");
    let strings = between(&part(workbook, "xl/sharedStrings.xml"), "<si><t", "</t>");
    let sheet = part(workbook, "xl/worksheets/sheet2.xml");
    let row = between(&sheet, "<row r=\"1\"", "</row>").concat();
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
    let ran = export(folder.path(), "list.csv", &["-o", "r.xlsx", "-q"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let path = folder.path().join("r.xlsx");
    let (columns, headings) = columns_and_headings(&path);
    assert_eq!(columns, headings);
    let shown = Workbook::open(&path).table("Summary", "Source server")[0].split_off(11);
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
        "一致率",
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

#[test]
fn csv_has_a_byte_order_mark_for_excel_if_wanted() {
    const MARK: &[u8] = "\u{feff}Task ID,".as_bytes();
    let folder = exported();
    let begins_with_mark = |options: &[&str]| {
        let ran = run(
            folder.path(),
            &[&["render", "run.jsonl", "-o", "r.csv", "-o", "csv/", "-q"], options].concat(),
        );
        assert_eq!(ran.code, 0, "{options:?}: {}", ran.stderr);
        let files =
            files(&folder.path().join("csv")).into_values().chain(std::fs::read(folder.path().join("r.csv")));
        let marks: Vec<bool> = files.map(|text| text.starts_with(&MARK[..3])).collect();
        assert!(marks.iter().all(|mark| *mark == marks[0]), "{options:?}: {marks:?}");
        marks[0]
    };
    std::fs::write(folder.path().join("on.toml"), "[profile.default]\ncsv-bom = true\n").unwrap();
    std::fs::write(folder.path().join("off.toml"), "[profile.default]\ncsv-bom = false\n").unwrap();
    for (options, wanted) in [
        (&[][..], false),
        (&["--csv-bom"], true),
        (&["--language", "zh"], true),
        (&["--language", "zh", "--csv-bom=false"], false),
        (&["--config", "on.toml"], true),
        (&["--config", "off.toml", "--language", "zh"], false),
    ] {
        assert_eq!(begins_with_mark(options), wanted, "{options:?}");
    }
    let piped = run(folder.path(), &["render", "run.jsonl", "-o", "-", "--format", "csv", "--csv-bom"]);
    assert!(piped.stdout.as_bytes().starts_with(MARK), "{}", piped.stdout);
    let history = run(folder.path(), &["history", "run.jsonl", "-o", "-", "--format", "csv", "--csv-bom"]);
    assert!(history.stdout.starts_with('\u{feff}'), "{}", history.stdout);
}
