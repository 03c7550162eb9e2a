mod xlsx;
mod yaml;

use super::error::lines;
use super::*;
use crate::model::Task;
use proptest::prelude::*;
use std::path::Path;

fn read(format: Format, content: &[u8]) -> Result<Loaded, String> {
    let mut collector = collect::Collector::new(&ListOptions::default());
    collector.add("list", format.read(content, &ListOptions::default()));
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
        faults(Format::Csv, "task_id,note\n,w\na,\"web\nb,x\nc,y\n"),
        format!("list:2: task_id is empty\nlist:3: {unclosed}")
    );
    assert_eq!(faults(Format::Csv, "task_id,\"name\na,b\n"), format!("list:1: {unclosed}"));
    let goes_on = "has text after its closing quote; double a quote inside a field";
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
        assert_eq!(tasks(Format::Csv, list)[0].id_text(), "x", "{list}");
    }
    let reported = faults(Format::Csv, &(0..99).map(|n| format!("name {n},")).collect::<String>());
    assert!(reported.chars().count() < 450, "{reported}");
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
    assert_eq!(tasks(Format::Csv, "Task\u{a0}ID,x\na,\n")[0].id_text(), "a");
    assert_eq!(tasks(Format::Csv, "\"Task\r\nID\",x\na,\n")[0].id_text(), "a");
}

#[test]
fn json_numbers_stay_as_written() {
    let list = r#"[{"task_id":12345678901234567890123,"a":1.50,"b":1e10,"c":true,"d":null,"e":"\u00e9"}]"#;
    let task = &tasks(Format::Json, list)[0];
    assert_eq!(task.id_text(), "12345678901234567890123");
    assert_eq!(task.labels.values().collect::<Vec<_>>(), ["1.50", "1e10", "true", "é"]);
}

#[test]
fn list_with_faults_reports_each_with_its_line() {
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
    let reported: Vec<String> = cases.iter().map(|(format, list)| faults(*format, list)).collect();
    insta::assert_snapshot!(reported.join("\n---\n").replace(&long, "x…"));
    assert!(read(Format::Csv, b"task_id\na\nb\xff\n").unwrap_err().starts_with("list:3: is not UTF-8"));
}

#[test]
fn declared_delimiter_is_used_and_lines_still_count() {
    for (first, delimiter) in [
        ("sep=;", ";"),
        ("\u{feff}sep=;", ";"),
        ("\"sep=;\"", ";"),
        ("SEP=,", ","),
        ("sep=\t", "\t"),
        ("sep=\\t", "\t"),
        ("sep=|", "|"),
        ("sep=,,,", ","),
    ] {
        for line_break in ["\n", "\r\n", "\r"] {
            let rows = ["task_id;wave", "a;15", ";2"].map(|row| row.replace(';', delimiter));
            let list = [&[first.to_owned()][..], &rows].concat().join(line_break);
            assert_eq!(faults(Format::Csv, &list), "list:4: task_id is empty", "{list:?}");
        }
    }
    assert_eq!(tasks(Format::Csv, "sep=;\ntask_id;a,b\nx;1,2\n")[0].labels["a,b"], "1,2");
}

#[test]
fn joined_files_are_refused_at_the_line_where_they_join() {
    let again = "repeats the headings: two files were joined here; delete this line";
    for (list, line) in [
        ("task_id,wave\na,1\ntask_id,wave\nb,2\n", 3),
        ("task_id,wave\na,1\n\u{feff}task_id,wave\nb,2\n", 3),
        ("task_id\na\ntask_id\nb\n", 3),
        ("wave,task_id\n1,a\nwave,Task ID\n", 3),
        ("task_id,source_name\na,1\n\nsource_name,task_id\n", 4),
    ] {
        assert_eq!(faults(Format::Csv, list), format!("list:{line}: {again}"), "{list:?}");
    }
    let mark = faults(Format::Csv, "wave,task_id\n1,a\n\u{feff}2,b\n");
    assert!(mark.starts_with("list:3: begins with a byte-order mark (U+FEFF)"), "{mark}");
}

#[test]
fn invisible_character_in_an_id_is_named_with_its_line() {
    for c in [
        '\u{200b}',
        '\u{feff}',
        '\u{ad}',
        '\u{202a}',
        '\u{a0}',
        '\u{2060}',
        '\u{e0020}',
        '\u{fe0f}',
        '\u{180e}',
    ] {
        let reported = faults(Format::Csv, &format!("wave,task_id\n1,ab\n1,a{c}b\n"));
        let name = format!("list:3: task_id contains the invisible character U+{:04X}", u32::from(c));
        assert!(reported.starts_with(&name), "{reported}");
        for (format, list) in [
            (Format::Json, format!("[{{\"task_id\": \"a{c}b\"}}]")),
            (Format::Yaml, format!("- task_id: a{c}b\n")),
            (Format::Txt, format!("a{c}b\n")),
        ] {
            if let Ok(loaded) = read(format, list.as_bytes()) {
                panic!("{format:?} U+{:04X}: {loaded:?}", u32::from(c));
            }
        }
    }
    assert_eq!(
        tasks(Format::Csv, "task_id,name\n\u{a0}a\u{3000},x\u{200b}y\n")[0].labels["name"],
        "x\u{200b}y"
    );
}

#[test]
fn error_value_outside_the_id_is_kept_as_text_with_a_warning() {
    let loaded = read(Format::Csv, b"task_id,wave,source_name\na,#N/A,#REF!\nb,2,x\n").unwrap();
    assert_eq!(loaded.list.tasks[0].labels["wave"], "#N/A");
    assert_eq!(
        loaded.warnings,
        [
            "list:2: `wave` is the error value #N/A; it is kept as text",
            "list:2: `source_name` is the error value #REF!; it is kept as text"
        ]
    );
    let many = format!("task_id,wave\n{}", (0..50).map(|n| format!("{n},#N/A\n")).collect::<String>());
    let warnings = read(Format::Csv, many.as_bytes()).unwrap().warnings;
    assert_eq!(
        (warnings.len(), &*warnings[3]),
        (4, "list: 47 more cells of `wave` have error values; they are kept as text")
    );
    assert_eq!(faults(Format::Csv, "task_id,wave\n#N/A,1\n"), "list:2: task_id is the error value #N/A");
    assert_eq!(faults(Format::Txt, "#N/A\n"), "list:1: task_id is the error value #N/A");
}

#[test]
fn headings_are_known_in_chinese_and_any_case() {
    for header in [
        "任务ID,源端ID,源端名称",
        "任务 id,源端_id,源端名称",
        "任务ＩＤ,源端ＩＤ,源端 名称",
        "TaskID,sourceId,Source_Name",
    ] {
        let task = &tasks(Format::Csv, &format!("{header}\na,s,web\n"))[0];
        let fields = (task.id_text(), task.source_id.as_deref(), task.source_name.as_deref());
        assert_eq!(fields, ("a", Some("s"), Some("web")), "{header}");
        assert!(task.labels.is_empty(), "{header}");
    }
    assert_eq!(
        faults(Format::Csv, "任务ID,task_id\na,b\n"),
        "list:1: `任务ID` and `task_id` are the same field"
    );
}

#[test]
fn file_of_ids_alone_is_a_list() {
    let id = "6e1c7a52-93f4-4a0b-8d27-51b0c9e4f301";
    let text = format!("\u{feff}# wave 3\r\n\r\n  {id}  # web\r\nb-2\r\n");
    for (format, list) in [
        (Format::Txt, text.clone()),
        (Format::Txt, format!("任务ID\n{id}\nb-2")),
        (Format::Txt, format!("task_id,wave\n{id},\nb-2,\n")),
        (Format::Csv, format!("{id}\nb-2\n")),
        (Format::Csv, format!("任务ID\n{id}\nb-2\n")),
    ] {
        let ids: Vec<String> = tasks(format, &list).iter().map(|task| task.id_text().to_owned()).collect();
        assert_eq!(ids, [id, "b-2"], "{list:?}");
    }
    assert_eq!(Format::of_content(text.as_bytes()), Format::Txt);
    assert_eq!(Format::of_path(Path::new("ids.TXT")), Some(Format::Txt));
    assert_eq!(
        faults(Format::Txt, "a\r\rb c\n\n\u{200b}\ntask_id\n"),
        "list:3: has more than one word; write one task id a line\n\
         list:5: task_id contains the invisible character U+200B; type the id again or delete the character\n\
         list:6: repeats the heading: two files were joined here; delete this line"
    );
    assert_eq!(
        faults(Format::Csv, "colour\nred\n"),
        "list:1: has no column `task_id`, and none that names a server (as server, hostname, source_name, source_id or \
         IP address do); its columns are: colour; name it with --column, as in --column source_name=HEADING"
    );
}

#[test]
fn many_repeated_rows_give_one_warning_with_their_number() {
    let list = format!("task_id\n{}", "a\n".repeat(100_001));
    let loaded = read(Format::Csv, list.as_bytes()).unwrap();
    assert_eq!(loaded.list.tasks.len(), 1);
    assert_eq!(
        loaded.warnings,
        [
            "list:3: task a is listed already at list:2; 100000 rows in all repeat a task, and each task is fetched once"
        ]
    );
}

#[test]
fn a_task_listed_twice_is_fetched_once() {
    let loaded = read(Format::Csv, b"task_id,source_name\na,x\nb,y\na,z\n").unwrap();
    assert_eq!(loaded.list.tasks.len(), 2);
    assert_eq!(loaded.warnings, ["list:4: task a is listed already at list:2; it is fetched once"]);
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
        for format in [Format::Csv, Format::Json, Format::JsonLines, Format::Yaml, Format::Xlsx, Format::Txt] {
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
