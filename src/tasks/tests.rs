use super::*;
use crate::model::Task;
use proptest::prelude::*;

fn read(format: Format, content: &[u8]) -> Result<Loaded, String> {
    let mut collector = collect::Collector::default();
    collector.add("list", format.read(content));
    collector.finish().map_err(|TaskListError(faults)| lines(&faults))
}

fn tasks(format: Format, content: &str) -> Vec<Task> {
    read(format, content.as_bytes()).unwrap_or_else(|error| panic!("{error}")).list.tasks
}

fn faults(format: Format, content: &str) -> String {
    match read(format, content.as_bytes()) {
        Err(faults) => faults,
        Ok(loaded) => panic!("{content} was read as {loaded:?}"),
    }
}

#[test]
fn every_format_says_the_same() {
    let expected = tasks(Format::Csv, "task_id,source_name,wave\na-1,web,7\nb-2,,\n");
    assert_eq!(expected[0].labels["wave"], "7");
    assert_eq!(expected[1], Task::new(TaskId::new("b-2").unwrap()));
    use crate::model::TaskId;
    for (format, content) in [
        (Format::Csv, "\u{feff}Task ID;Source-Name;wave\r\n\"a-1\";web;7\r\n;;\r\nb-2;;\r\n"),
        (Format::Csv, "wave\tTASK_ID\tsource_name\n7\ta-1\tweb\n\n\tb-2\n"),
        (Format::Json, r#"[{"task_id":"a-1","source_name":"web","wave":7},{"task_id":"b-2","wave":null}]"#),
        (
            Format::Json,
            r#"{"task_info":[{"task_id":"a-1","source_name":"web","wave":"7"},{"task_id":"b-2"}]}"#,
        ),
        (
            Format::JsonLines,
            "{\"task_id\":\"a-1\",\"source_name\":\"web\",\"wave\":7}\n\n{\"task_id\":\"b-2\"}",
        ),
        (Format::Yaml, "- task_id: a-1\n  source_name: web\n  wave: 7\n- {task_id: b-2, wave: ~}\n"),
        (Format::Yaml, "# plan\n\n-\n  task_id: a-1\n  source_name: web\n  wave: 7\n- task_id: b-2\n"),
        (Format::Csv, "#,task_id,source_name,wave\n,a-1,web,7\n,b-2,,\n"),
        (Format::Yaml, "task_info:\n  - task_id: a-1\n    source_name: web\n    wave: 7\n  - task_id: b-2\n"),
    ] {
        assert_eq!(tasks(format, content), expected, "{format:?} {content}");
        assert_eq!(Format::of_content(content.as_bytes()), format, "{content}");
    }
}

#[test]
fn a_quoted_line_break_is_part_of_a_label_and_lines_still_count() {
    let list = "task_id,note\na,\"one\ntwo\"\n\n,\"no id\"\n";
    assert_eq!(faults(Format::Csv, list), "list:5: task_id is empty");
    assert_eq!(tasks(Format::Csv, &list.replace(",\"no", "b,\"no"))[0].labels["note"], "one\ntwo");
}

#[test]
fn a_quote_in_the_wrong_place_loses_no_task_in_silence() {
    let unclosed = "a quote opens here and is never closed";
    assert_eq!(
        faults(Format::Csv, "task_id,source_name\n,w\na,\"web\nb,x\nc,y\n"),
        format!("list:2: task_id is empty\nlist:3: {unclosed}")
    );
    assert_eq!(faults(Format::Csv, "task_id,\"name\na,b\n"), format!("list:1: {unclosed}"));
    let goes_on = "goes on after its closing quote; write a quote inside a field twice";
    assert_eq!(
        faults(Format::Csv, "task_id,name\na,\"web\nb,\"x\n,z\nc,\"x\" y\n"),
        format!(
            "list:3: the quoted field that begins on line 2 {goes_on}\n\
             list:4: task_id is empty\nlist:5: a quoted field {goes_on}"
        )
    );
    let kept = tasks(Format::Csv, "task_id,disk,note\na,5\" disk,\"\"\"1\"\",\r\n2\"\r\n\"b\",,\"\"");
    assert_eq!(
        (kept[0].labels["disk"].as_str(), kept[0].labels["note"].as_str()),
        ("5\" disk", "\"1\",\r\n2")
    );
    assert_eq!(kept.len(), 2);
}

#[test]
fn every_line_break_counts() {
    for line_break in ["\n", "\r\n", "\r"] {
        let list = "task_id,note\n\na,\"1\n\n2\"\n,b\n".replace('\n', line_break);
        assert_eq!(faults(Format::Csv, &list), "list:6: task_id is empty", "{list:?}");
    }
}

#[test]
fn the_delimiter_is_the_one_that_gives_a_task_id() {
    for list in ["a;task_id;b,c,d,e\n;x;\n", "task_id\t\"a;b,;c\"\nx\t1\n", "\"task_id\",a;b;c\nx,\n"] {
        assert_eq!(tasks(Format::Csv, list)[0].task_id.as_str(), "x", "{list}");
    }
    let told = faults(Format::Csv, &(0..99).map(|n| format!("name {n},")).collect::<String>());
    assert!(told.chars().count() < 300, "{told}");
}

#[test]
fn labels_keep_the_order_in_which_they_appear() {
    let loaded = read(Format::Json, br#"[{"zone":"z","task_id":"a"},{"task_id":"b","area":"x","zone":"y"}]"#);
    assert_eq!(loaded.unwrap().list.labels, ["zone", "area"]);
}

#[test]
fn a_label_is_one_column_however_it_is_spelled() {
    let list =
        read(Format::JsonLines, b"{\"task_id\":1,\"Go Live\":\"x\"}\n{\"task_id\":2,\"go_live\":\"y\"}");
    let list = list.unwrap().list;
    assert_eq!(list.labels, ["Go Live"]);
    let values: Vec<&str> = list.tasks.iter().map(|task| task.labels["Go Live"].as_str()).collect();
    assert_eq!(values, ["x", "y"]);
    assert_eq!(tasks(Format::Csv, "Task\u{a0}ID,x\na,\n")[0].task_id.as_str(), "a");
    assert_eq!(tasks(Format::Csv, "\"Task\r\nID\",x\na,\n")[0].task_id.as_str(), "a");
}

#[test]
fn json_numbers_stay_as_written() {
    let list = r#"[{"task_id":12345678901234567890123,"a":1.50,"b":1e10,"c":true,"d":null,"e":"\u00e9"}]"#;
    let task = &tasks(Format::Json, list)[0];
    assert_eq!(task.task_id.as_str(), "12345678901234567890123");
    assert_eq!(task.labels.values().collect::<Vec<_>>(), ["1.50", "1e10", "true", "é"]);
}

#[test]
fn yaml_scalars_stay_as_written() {
    let scalars = [
        "0012",
        "1e10",
        "1_000",
        "0x1F",
        "-7",
        "+1.50",
        ".5",
        "1.0",
        "yes",
        "OFF",
        "true",
        ".inf",
        "-.INF",
        "1e999",
        "99999999999999999999",
        "2026-11-21",
        "12:30:45",
        "=1+2",
        "café 1",
    ];
    for scalar in scalars {
        for list in [
            format!("# é\n- task_id: {scalar} # a note\n  é: x\n"),
            format!("[{{é: x, task_id: {scalar}}}]"),
            format!("\"task_info\":\n- &all\n  task_id:   {scalar}  \n- *all\n- <<: *all"),
            format!("- task_id: &id {scalar}\r\n- task_id: *id\r\n"),
            format!("- task_id: '{scalar}'\n"),
            format!("- task_id: !!str {scalar}\n"),
            format!("- task_id: >-\n    {scalar}\n"),
            format!("- ? task_id\n  : {scalar}\n"),
        ] {
            let list = tasks(Format::Yaml, &list);
            assert_eq!((list.len(), list[0].task_id.as_str()), (1, scalar), "{list:?}");
        }
    }
}

#[test]
fn a_yaml_body_may_hold_more_than_its_tasks() {
    let items = "\n  - task_id: a\n  - task_id: b\n";
    for body in [
        format!("# wave 3\nregion: {{id: [x]}}\ntask_info:{items}notes:\n- none\n"),
        format!("\"task_info\":{items}"),
        format!("'task_info' : # here\n{items}"),
        "{region: x, task_info: [{task_id: a}, {task_id: b}]}".to_owned(),
    ] {
        assert_eq!(tasks(Format::Yaml, &body).len(), 2, "{body}");
        assert!(body.starts_with('{') || Format::of_content(body.as_bytes()) == Format::Yaml, "{body}");
    }
}

#[test]
fn every_fault_of_a_list_is_told_with_its_line() {
    let long = "x".repeat(256);
    let cases = [
        (Format::Csv, "id,name\na,b\n".to_owned()),
        (Format::Csv, format!("task_id,x\n,1\n{long},2\na,b,c\n..,1\n")),
        (Format::Csv, "task_id,Task ID\na,b\n".to_owned()),
        (Format::Csv, String::new()),
        (Format::Csv, "task_id\n".to_owned()),
        (
            Format::Json,
            "[\n{\"task_id\":\"a\"},\n{\"source_id\":\"s\"},\n{\"task_id\":[1],\"x\":{}},\n7,\n{\n\"x\":1}]"
                .to_owned(),
        ),
        (Format::Json, "[\n{\"task_id\":\"a\",\n\"x\":\"\\ud800\"},\n7, null]".to_owned()),
        (Format::Json, "[]".to_owned()),
        (Format::Json, "{\"tasks\":[]}".to_owned()),
        (Format::Json, "[\n{\"task_id\":\"a\"".to_owned()),
        (
            Format::JsonLines,
            "{\"task_id\":\"a\"}\nno\n{\"task_id\":\"\"}\n{\"task_id\":\"a\\u0000\"}".to_owned(),
        ),
        (
            Format::JsonLines,
            "{\"task_id\":\"a\",\"Task ID\":\"b\"}\n{\"task_id\":\"a\",\"task_id\":\"a\"}".to_owned(),
        ),
        (
            Format::Json,
            "[{\"task_id\":\"a\",\"Wave\":\"\",\"wave\":1},\n{\"Source-ID\":1,\"source_id\":2}]".to_owned(),
        ),
        (Format::Yaml, "- task_id: a\n- task_id: b\n  TASK_ID: c\n  Wave: 1\n  wave: 2\n".to_owned()),
        (Format::Yaml, "- task_id: a\n- name: b\n- task_id: ''\n".to_owned()),
        (
            Format::Yaml,
            "- task_id: a\n- task_id: [b]\n  wave: 1\n  zone:\n    x: 1\n- c\n- - d\n- wave: 1\n".to_owned(),
        ),
        (Format::Yaml, "tasks: 1\n".to_owned()),
        (Format::Yaml, "x: 1\ntask_info: a\n".to_owned()),
        (Format::Yaml, "task_info: []\n".to_owned()),
        (Format::Yaml, "task_info:\n".to_owned()),
        (Format::Yaml, "# none yet\n".to_owned()),
        (Format::Yaml, "a, b\n".to_owned()),
        (Format::Yaml, "- task_id: a\n- task_id: \"b\n- task_id: c\n".to_owned()),
        (Format::Yaml, "- task_id: a\n- task_id: b\n  task_id: c\n".to_owned()),
        (Format::Yaml, "- task_id: a\n---\n- task_id: b\n".to_owned()),
        (Format::Xlsx, "no workbook".to_owned()),
    ];
    let told: Vec<String> = cases.iter().map(|(format, list)| faults(*format, list)).collect();
    insta::assert_snapshot!(told.join("\n---\n").replace(&long, "x…"));
    assert!(read(Format::Csv, b"task_id\na\nb\xff\n").unwrap_err().starts_with("list:3: is not UTF-8"));
}

#[test]
fn a_task_listed_twice_is_fetched_once() {
    let loaded = read(Format::Csv, b"task_id,source_name\na,x\nb,y\na,z\n").unwrap();
    assert_eq!(loaded.list.tasks.len(), 2);
    assert_eq!(loaded.warnings, ["list:4: task a is listed already at list:2; it is fetched once"]);
}

#[test]
fn a_wave_plan_from_excel_is_read_below_its_title() {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write(1, 1, "Wave plan").unwrap();
    for (row, values) in [["Task ID", "Wave"], ["a-1", ""], ["", ""], ["b-2", "2"]].iter().enumerate() {
        for (column, value) in values.iter().enumerate() {
            sheet.write(3 + row as u32, 1 + column as u16, *value).unwrap();
        }
    }
    sheet.write(4, 2, 7).unwrap();
    let loaded = read(Format::Xlsx, &workbook.save_to_buffer().unwrap()).unwrap();
    let waves: Vec<_> = loaded.list.tasks.iter().map(|task| task.labels["Wave"].as_str()).collect();
    assert_eq!(waves, ["7", "2"]);
}

#[test]
fn cells_are_read_as_a_spreadsheet_shows_them() {
    use rust_xlsxwriter::{ExcelDateTime, Format as Look, Formula};
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    for (column, name) in (0..).zip(["Task\nID", "Wave", "Go live", "At", "Score", ""]) {
        sheet.write(0, column, name).unwrap();
    }
    sheet.write(1, 0, 12345.0).unwrap();
    sheet.write(2, 0, Formula::new("=\"b\"").set_result("b")).unwrap();
    sheet.write(3, 0, "c").unwrap();
    sheet.write(4, 0, Formula::new("=IF(1,\" \",1)").set_result(" ")).unwrap();
    sheet.merge_range(1, 1, 2, 1, "one", &Look::new()).unwrap();
    let moment = ExcelDateTime::from_ymd(2026, 11, 21).unwrap();
    let date = Look::new().set_num_format("yyyy-mm-dd");
    sheet.write_with_format(1, 2, &moment, &date).unwrap();
    sheet.write_with_format(2, 2, moment.and_hms(8, 29, 59.0).unwrap(), &date).unwrap();
    let time = ExcelDateTime::from_hms(18, 0, 0.0).unwrap();
    sheet.write_with_format(1, 3, &time, &Look::new().set_num_format("hh:mm")).unwrap();
    sheet.write(1, 4, 0.5).unwrap();
    sheet.write(1, 5, "unnamed").unwrap();
    sheet.set_row_hidden(3).unwrap();
    let list = read(Format::Xlsx, &workbook.save_to_buffer().unwrap()).unwrap().list;
    let tasks: Vec<_> = list.tasks.iter().map(|task| (task.task_id.as_str(), &task.labels)).collect();
    insta::assert_debug_snapshot!(tasks);
}

#[test]
fn every_fault_of_a_workbook_is_told_with_its_row() {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write_row(0, 0, ["task_id", "wave"]).unwrap();
    sheet.write(1, 1, "no id").unwrap();
    sheet.write(2, 0, 123_456_789_012_345_678_u64).unwrap();
    sheet.write(3, 0, "a").unwrap();
    sheet.write(3, 1, rust_xlsxwriter::Formula::new("=1/0").set_result("#DIV/0!")).unwrap();
    sheet.write(1_048_575, 16_383, "astray").unwrap();
    let told = read(Format::Xlsx, &workbook.save_to_buffer().unwrap()).unwrap_err();
    let mut cover = rust_xlsxwriter::Workbook::new();
    cover.add_worksheet().set_name("Cover").unwrap().write(0, 0, "Wave 3").unwrap();
    let without = read(Format::Xlsx, &cover.save_to_buffer().unwrap()).unwrap_err();
    insta::assert_snapshot!(format!("{told}\n---\n{without}"));
}

#[test]
fn the_sample_list_fits_the_sample_data() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/tasks.csv");
    let loaded = load(&[Source::File(path.into())], &mut std::io::empty()).unwrap();
    assert_eq!(loaded.list, crate::service::sample_tasks());
}

proptest! {
    #[test]
    fn no_content_panics(content in prop::collection::vec(any::<u8>(), 0..300)) {
        for format in [Format::Csv, Format::Json, Format::JsonLines, Format::Yaml, Format::Xlsx] {
            let _ = read(format, &content);
        }
    }

    #[test]
    fn no_text_like_a_list_panics(content in "[\\[\\]{}\",:;\\-\na-c \t']{0,80}") {
        for format in [Format::Csv, Format::Json, Format::JsonLines, Format::Yaml] {
            let _ = read(format, content.as_bytes());
        }
    }
}
