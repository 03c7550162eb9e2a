//! `history` of many journals, with the real program.

use std::path::Path;

use cutover_report::journal::{Answered, Failed, Footer, Header, Outcome, Part, Record, Writer};
use cutover_report::model::{ClockOffset, Shard, Task, TaskId, TaskList};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::support::{Workbook, csv, files, run};

/// What a night finds for a task: so many differences, at an age in hours, or nothing.
#[derive(Clone, Copy)]
pub(crate) enum Found {
    Differences(u64),
    /// Consistent, and verified so many hours before the run's end.
    Aged(i64),
    Failed,
    /// The journal has no record.
    Missing,
}

use Found::{Aged, Differences, Failed as FetchFailed, Missing};

/// The task id, the source id, the name, and the result.
pub(crate) type Row<'a> = (&'a str, &'a str, &'a str, Found);

pub(crate) struct Night<'a> {
    ended: &'a str,
    rows: &'a [Row<'a>],
    shard: Option<Shard>,
    offset: i64,
}

pub(crate) fn night<'a>(ended: &'a str, rows: &'a [Row<'a>]) -> Night<'a> {
    Night { ended, rows, shard: None, offset: 0 }
}

/// The journal of a run: finished, unless a record is missing. Times of verifications are on the service's clock.
pub(crate) fn write(path: &Path, night: &Night<'_>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let task = |(id, source, name, _): &Row<'_>| Task {
        source_name: Some((*name).to_owned()),
        source_id: Some((*source).to_owned()).filter(|id| !id.is_empty()),
        ..Task::new(TaskId::new(id).unwrap())
    };
    let list = TaskList { labels: Vec::new(), tasks: night.rows.iter().map(task).collect() };
    let ended: Timestamp = night.ended.parse().unwrap();
    let part = night.shard.map(|shard| Part::take(shard, list.clone()));
    let list = part.as_ref().map_or(list, |(_, list)| list.clone());
    let mut header =
        Header::new(ended - SignedDuration::from_mins(5), "https://sms.example".to_owned(), list);
    header.shard = part.map(|(part, _)| part);
    let mut writer = Writer::create(path, &header, true).unwrap();
    let mut recorded = 0;
    for (ordinal, task) in header.list.tasks.iter().enumerate() {
        let found = night.rows.iter().find(|(id, ..)| *id == task.id_text()).unwrap().3;
        let outcome = match found {
            Missing => continue,
            FetchFailed => Outcome::Failed(Failed {
                status: Some(500),
                code: None,
                kind: None,
                message: "down".to_owned(),
            }),
            Differences(count) => answer(ended, night.offset, 1, count),
            Aged(hours) => answer(ended, night.offset, hours, 0),
        };
        recorded += 1;
        let clock_offset =
            (night.offset != 0).then(|| serde_json::from_value::<ClockOffset>(night.offset.into()).unwrap());
        let record = Record {
            ordinal,
            task_id: task.task_id.clone(),
            fetched_at: ended,
            clock_offset,
            attempts: 1,
            request_id: None,
            context: None,
            outcome,
        };
        writer.append(record).unwrap();
    }
    drop(writer);
    if recorded == header.list.tasks.len() {
        let footer = Footer { finished_at: ended, recorded };
        let text = std::fs::read_to_string(path).unwrap() + &serde_json::to_string(&footer).unwrap() + "\n";
        std::fs::write(path, text).unwrap();
    }
}

fn answer(ended: Timestamp, offset: i64, hours: i64, differences: u64) -> Outcome {
    let finished = (ended.as_second() + offset - hours * 3600) * 1000;
    let check = json!({"dir_check": "/data", "num_total_files": 99, "num_different_files": differences,
                       "num_target_miss_files": 0, "num_target_more_files": 0});
    let body = json!({"result_list": [
        {"consistency_result": [check], "finished_time": finished, "check_result": "success"}
    ]});
    Outcome::Answered(Answered {
        status: 200,
        sample_data: false,
        content_range: None,
        body: body.to_string().into_bytes(),
    })
}

/// Five nights in dated folders: a task that gets fixed, one that flaps, one that is stuck, one with gaps, one that is
/// renamed, one that leaves and one that enters the list.
fn nights() -> TempDir {
    let folder = tempdir().unwrap();
    let rows: [&[Row<'_>]; 5] = [
        &[
            ("t-fixed", "", "fixed", Differences(5)),
            ("t-flap", "", "flap", Differences(0)),
            ("t-stuck", "", "stuck", Differences(7)),
            ("t-gap", "", "gap", Differences(0)),
            ("t-name", "s-1", "old-name", Differences(3)),
            ("t-left", "", "left", Differences(0)),
        ],
        &[
            ("t-fixed", "", "fixed", Differences(2)),
            ("t-flap", "", "flap", Differences(1)),
            ("t-stuck", "", "stuck", Differences(7)),
            ("t-gap", "", "gap", FetchFailed),
            ("t-name", "s-1", "new-name", Differences(4)),
            ("t-left", "", "left", Differences(0)),
        ],
        // Unfinished.
        &[
            ("t-fixed", "", "fixed", Differences(0)),
            ("t-flap", "", "flap", Differences(0)),
            ("t-stuck", "", "stuck", Differences(7)),
            ("t-gap", "", "gap", Missing),
            ("t-name-2", "s-1", "new-name", Differences(4)),
        ],
        &[
            ("t-fixed", "", "fixed", Differences(0)),
            ("t-flap", "", "flap", Aged(30)),
            ("t-stuck", "", "stuck", Differences(7)),
            ("t-gap", "", "gap", Differences(0)),
            ("t-name-2", "s-1", "new-name", Differences(1)),
        ],
        &[
            ("t-new", "", "=new", Differences(9)),
            ("t-fixed", "", "fixed", Differences(0)),
            ("t-flap", "", "flap", Differences(0)),
            ("t-stuck", "", "stuck", Differences(7)),
            ("t-gap", "", "gap", Differences(0)),
            ("t-name-2", "s-1", "new-name", Differences(1)),
        ],
    ];
    for (day, rows) in (1..).zip(rows) {
        let ended = format!("2026-11-0{day}T02:00:00Z");
        write(&folder.path().join(format!("r/2026-11-0{day}/wave.journal.jsonl")), &night(&ended, rows));
    }
    std::fs::write(folder.path().join("r/tasks.jsonl"), "{\"task_id\":\"x\"}\n").unwrap();
    folder
}

fn history(folder: &Path, arguments: &[&str]) -> Value {
    let run = run(folder, &[&["history", "--json"], arguments].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

/// The figures of a task, by its name.
fn task(history: &Value, name: &str) -> Value {
    let tasks = history["tasks"].as_array().unwrap();
    tasks.iter().find(|task| task["source_name"] == name).unwrap_or_else(|| panic!("no task {name}")).clone()
}

fn verdicts(history: &Value, name: &str) -> String {
    let verdicts = task(history, name)["verdicts"].as_array().unwrap().clone();
    verdicts.iter().map(|verdict| verdict.as_str().unwrap_or("-")).collect::<Vec<_>>().join(" ")
}

#[test]
fn history_has_the_course_of_every_task() {
    let folder = nights();
    let history = history(folder.path(), &["r"]);
    assert_eq!((&history["format"], &history["sample_data"]), (&json!(1), &json!(false)));
    let nights = history["nights"].as_array().unwrap();
    let ended: Vec<_> = nights.iter().map(|night| night["ended_at"].as_str().unwrap()).collect();
    assert_eq!(ended, (1..=5).map(|day| format!("2026-11-0{day}T02:00:00+00:00")).collect::<Vec<_>>());
    let figures: Vec<_> = nights
        .iter()
        .map(|night| {
            ["status", "tasks", "passing", "not_passing", "gaps", "not_fetched"]
                .map(|key| night[key].to_string())
                .join(" ")
        })
        .collect();
    assert_eq!(
        figures,
        [
            "\"not_ready\" 6 3 3 1 0",
            "\"incomplete\" 6 1 5 2 0",
            "\"incomplete\" 4 2 null 3 1",
            "\"not_ready\" 5 2 3 2 0",
            "\"not_ready\" 6 3 3 1 0",
        ]
    );
    assert_eq!(nights[1]["counts"]["fetch_failed"], 1);
    assert_eq!(nights[0]["journals"], json!(["r/2026-11-01/wave.journal.jsonl"]));
    let day = |day: u8| json!(format!("2026-11-0{day}T02:00:00+00:00"));
    let (bad, good, none) = ("inconsistent", "consistent", "-");
    for (name, course, first_passed, last_got_worse, changes, evidence, progress) in [
        ("fixed", [bad, bad, good, good, good], day(3), Value::Null, 1, 0, 0),
        ("flap", [good, bad, good, "stale", good], day(1), day(4), 4, 0, 0),
        ("stuck", [bad; 5], Value::Null, Value::Null, 0, 0, 4),
        ("gap", [good, none, none, good, good], day(1), Value::Null, 0, 2, 0),
        ("new-name", [bad; 5], Value::Null, day(2), 0, 0, 1),
        ("left", [good, good, none, none, none], day(1), Value::Null, 0, 3, 0),
        ("=new", [none, none, none, none, bad], Value::Null, Value::Null, 0, 4, 0),
    ] {
        assert_eq!(verdicts(&history, name), course.join(" "), "{name}");
        let found = task(&history, name);
        assert_eq!(found["first_passed"], first_passed, "{name}");
        assert_eq!(found["last_got_worse"], last_got_worse, "{name}");
        let counts = ["changes", "nights_without_evidence", "nights_without_progress"]
            .map(|key| found[key].as_u64().unwrap());
        assert_eq!(counts, [changes, evidence, progress], "{name}");
    }
    assert_eq!(task(&history, "new-name")["task_id"], "t-name-2");
    assert_eq!(task(&history, "left")["listed"], false);
    assert_eq!(history["tasks"][0]["source_name"], "stuck", "stuck longest first");
    assert!(history["judged"].as_str().unwrap().contains("judged by the options of this history"));
}

#[test]
fn every_history_output_has_the_same_tasks() {
    let folder = nights();
    let outputs = ["-o", "h.xlsx", "-o", "h.html", "-o", "h.csv", "-o", "h.json", "-o", "h-{date}.md"];
    let run = run(folder.path(), &[&["history", "r"], &outputs[..]].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.stdout, "h.xlsx\nh.html\nh.csv\nh.json\nh-2026-11-05.md\n");
    assert_eq!(
        run.stderr,
        "warning: results are missing, so the counts are too low, in these nights (1): 2026-11-03 02:00:00\n\
         Nights: 5; tasks: 7, 4 pass, 3 do not pass; without progress: 2; changed side more than once: 1; \
         no longer listed: 1\n"
    );
    let rows = csv(&folder.path().join("h.csv"));
    insta::assert_snapshot!("csv", rows.iter().map(|row| row.join(" | ")).collect::<Vec<_>>().join("\n"));
    insta::assert_snapshot!(
        "markdown",
        std::fs::read_to_string(folder.path().join("h-2026-11-05.md")).unwrap()
    );
    let json: Value = serde_json::from_slice(&std::fs::read(folder.path().join("h.json")).unwrap()).unwrap();
    let names: Vec<&str> =
        json["tasks"].as_array().unwrap().iter().map(|task| task["source_name"].as_str().unwrap()).collect();
    let of_csv: Vec<&str> = rows[1..].iter().map(|row| row[1].trim_start_matches('\'')).collect();
    assert_eq!(of_csv, names);
    let workbook = Workbook::open(&folder.path().join("h.xlsx"));
    assert_eq!(workbook.names, ["Course", "Tasks", "About"]);
    let tasks = workbook.table("Tasks", "Source server");
    assert_eq!(tasks[1..].iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), names);
    let stuck = &tasks[1];
    assert_eq!(stuck[1..4], ["Inconsistent", "4", "0"]);
    assert_eq!(stuck[7..13], ["×", "×", "×", "×", "×", "t-stuck"]);
    let gap = tasks.iter().find(|row| row[0] == "gap").unwrap();
    assert_eq!(gap[7..12], ["✓", "·", "·", "✓", "✓"]);
    let course = workbook.table("Course", "Run ended (UTC)");
    assert_eq!(course[3][1..5], ["INCOMPLETE", "2", "2", "3"]);
    assert!(workbook.says("Course", "judged by the options of this history"));
    let page = std::fs::read_to_string(folder.path().join("h.html")).unwrap();
    for text in [
        "<bdi>stuck</bdi>",
        "aria-label=\"Consistent 1, No result 2, Consistent 2\"",
        "default-src &#x27;none&#x27;",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("http://") && !page.contains("https://"), "the page loads nothing");
}

#[test]
fn history_without_outputs_prints_a_table_with_strips() {
    let folder = nights();
    let shown = run(folder.path(), &["history", "r"]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    insta::assert_snapshot!("table", shown.stdout);
    let limited = run(folder.path(), &["history", "r", "--limit", "1"]);
    assert!(limited.stdout.contains("… and 3 more"), "{}", limited.stdout);
    let quiet = run(folder.path(), &["-q", "history", "r"]);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    for (format, start) in [("csv", "Task ID,"), ("md", "**Nights: 5"), ("json", "{\n  \"format\": 1,")] {
        let run = run(folder.path(), &["history", "r", "-o", "-", "--format", format]);
        assert!(run.stdout.starts_with(start), "{}", run.stdout);
    }
}

/// Two shards of a list.
fn shards(folder: &Path, ended: [Option<&str>; 2], rows: &[Row<'_>]) {
    for (index, ended) in (1..).zip(ended) {
        let Some(ended) = ended else { continue };
        let shard = Shard::new(index, 2.try_into().unwrap());
        let name = format!("{}-{index}.jsonl", &ended[..10]);
        write(&folder.join(name), &Night { shard, ..night(ended, rows) });
    }
}

#[test]
fn shards_of_one_night_are_merged_and_a_missing_one_is_a_gap() {
    let folder = tempdir().unwrap();
    let ids: Vec<String> = (0..20).map(|n| format!("task-{n}")).collect();
    let rows = |differences: u64| -> Vec<Row<'_>> {
        ids.iter().map(|id| (id.as_str(), "", id.as_str(), Differences(differences))).collect()
    };
    shards(folder.path(), [Some("2026-11-01T23:50:00Z"), Some("2026-11-02T00:10:00Z")], &rows(5));
    shards(folder.path(), [Some("2026-11-03T00:00:00Z"), None], &rows(4));
    shards(folder.path(), [Some("2026-11-04T00:00:00Z"), Some("2026-11-04T00:10:00Z")], &rows(0));
    let history = history(folder.path(), &["."]);
    let nights = history["nights"].as_array().unwrap();
    assert_eq!(nights.len(), 3);
    let keys = ["status", "tasks", "not_passing"];
    let figures: Vec<_> =
        nights.iter().map(|night| keys.map(|key| night[key].to_string()).join(" ")).collect();
    let of_shard = Shard::new(1, 2.try_into().unwrap()).unwrap();
    let in_first = ids.iter().filter(|id| of_shard.holds(id)).count();
    assert_eq!(
        figures,
        ["\"not_ready\" 20 20", &format!("\"incomplete\" {in_first} null"), "\"ready\" 20 0"]
    );
    assert_eq!(nights[1]["gaps"], 20 - in_first);
    assert_eq!(nights[0]["journals"].as_array().unwrap().len(), 2);
    for id in &ids {
        let second = if of_shard.holds(id) { "inconsistent" } else { "-" };
        assert_eq!(verdicts(&history, id), format!("inconsistent {second} consistent"), "{id}");
        assert_eq!(task(&history, id)["changes"], 1);
    }
}

#[test]
fn nights_are_ordered_by_the_services_clock() {
    let folder = tempdir().unwrap();
    let rows = |found: Found| [("t", "", "web", found)];
    let (first, second, third) = (rows(Differences(2)), rows(Differences(1)), rows(Differences(0)));
    write(&folder.path().join("a.jsonl"), &night("2026-11-01T02:00:00Z", &first));
    // The clock of the second night's machine is three days behind: its journal says 30 October.
    let behind = Night { offset: 3 * 86_400, ..night("2026-10-30T02:00:00Z", &second) };
    write(&folder.path().join("b.jsonl"), &behind);
    write(&folder.path().join("c.jsonl"), &night("2026-11-03T02:00:00Z", &third));
    let history = history(folder.path(), &["c.jsonl", "b.jsonl", "a.jsonl"]);
    assert_eq!(task(&history, "web")["differences"], json!([2, 1, 0]));
    assert_eq!(verdicts(&history, "web"), "inconsistent inconsistent consistent", "ages are right");
    assert!(
        history["warnings"][0].as_str().unwrap().contains("clock of a machine"),
        "{}",
        history["warnings"]
    );
}

#[test]
fn nights_around_a_clock_change_are_one_column_each() {
    let folder = tempdir().unwrap();
    let rows = [("t", "", "web", Differences(1))];
    // Summer time ends on 25 October at 01:00 UTC in Berlin.
    for ended in ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"] {
        write(&folder.path().join(format!("{}.jsonl", &ended[..10])), &night(ended, &rows));
    }
    let history = history(folder.path(), &[".", "--timezone", "Europe/Berlin"]);
    let ended: Vec<_> =
        history["nights"].as_array().unwrap().iter().map(|night| night["ended_at"].clone()).collect();
    assert_eq!(
        ended,
        ["2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]
    );
}

#[test]
fn waivers_are_as_of_each_night_and_todays_options_judge_all() {
    let folder = tempdir().unwrap();
    let rows = [("t", "", "web", Differences(1)), ("u", "", "old", Aged(30))];
    for day in 1..=3 {
        write(
            &folder.path().join(format!("{day}.jsonl")),
            &night(&format!("2026-11-0{day}T02:00:00Z"), &rows),
        );
    }
    let waiver =
        "[[waiver]]\ntask = \"t\"\nmax_different = 5\nreason = \"known\"\nexpires = \"2026-11-02\"\n";
    std::fs::write(folder.path().join("w.toml"), waiver).unwrap();
    let history = history(folder.path(), &[".", "--waivers", "w.toml", "--max-age", "48h"]);
    assert_eq!(verdicts(&history, "web"), "accepted accepted inconsistent");
    assert_eq!(verdicts(&history, "old"), "consistent consistent consistent");
    assert_eq!(task(&history, "web")["changes"], 1);
}

#[test]
fn later_finished_run_of_a_night_counts_alone() {
    let folder = tempdir().unwrap();
    let early = [("t", "", "web", Differences(4)), ("u", "", "db", Differences(0))];
    let late =
        [("u", "", "db", FetchFailed), ("t", "", "web", Differences(0)), ("v", "", "new", Differences(1))];
    write(&folder.path().join("early.jsonl"), &night("2026-11-01T01:00:00Z", &early));
    write(&folder.path().join("late.jsonl"), &night("2026-11-01T05:00:00Z", &late));
    let found = history(folder.path(), &["early.jsonl", ".", "late.jsonl"]);
    assert_eq!(found["nights"].as_array().unwrap().len(), 1);
    assert_eq!(verdicts(&found, "web"), "consistent");
    assert_eq!(task(&found, "db")["verdicts"], json!([null]), "the earlier answer does not count");
    let night_of = &found["nights"][0];
    assert_eq!(night_of["journals"].as_array().unwrap().len(), 1);
    assert_eq!(night_of["superseded"], json!(["early.jsonl"]));
    assert!(
        found["warnings"][0].as_str().unwrap().starts_with("earlier runs do not count in these nights (1)"),
        "{}",
        found["warnings"]
    );
    // A run of some of the tasks, or one that is incomplete, adds its answers to those of the night.
    let part = [("t", "", "web", Differences(2)), ("u", "", "db", Missing), ("v", "", "new", Missing)];
    write(&folder.path().join("part.jsonl"), &night("2026-11-01T06:00:00Z", &part));
    let found = history(folder.path(), &["early.jsonl", "part.jsonl"]);
    assert_eq!(verdicts(&found, "web"), "inconsistent");
    assert_eq!(verdicts(&found, "db"), "consistent");
    assert_eq!(found["nights"][0]["superseded"], json!([]));
    assert_eq!(found["nights"][0]["finished"], false);
}

#[test]
fn invalid_history_arguments_are_reported_and_write_nothing() {
    let folder = nights();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    let before = files(folder.path());
    let journal = "r/2026-11-01/wave.journal.jsonl";
    for (arguments, code, words) in [
        (&[][..], 2, "JOURNAL|DIR"),
        (&["empty"], 2, "empty contains no journal"),
        (&["none.jsonl"], 1, "none.jsonl"),
        (&["r/tasks.jsonl"], 1, "is not a journal"),
        (&["r", "-o", "h.zip"], 2, ".xlsx, .html, .csv, .json or .md"),
        (&["r", "-o", "h.csv", "-o", "./h.csv"], 2, "another path"),
        (&["r", "-o", "-"], 2, "--format"),
        (&["r", "--not-before", "soon"], 2, "--not-before soon"),
    ] {
        let run = run(folder.path(), &[&["history"], arguments].concat());
        assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(words), "{arguments:?}: {}", run.stderr);
    }
    assert!(files(folder.path()) == before);
    std::fs::write(folder.path().join(journal), "{\"journal_format\":9}\n").unwrap();
    let newer = run(folder.path(), &["history", "r"]);
    assert_eq!(newer.code, 1);
    assert!(newer.stderr.contains("has journal format 9"), "{}", newer.stderr);
}

#[test]
fn same_journals_give_the_same_bytes_and_chinese_texts() {
    let folder = nights();
    let outputs = |more: &[&str]| {
        let outputs = ["-o", "z.xlsx", "-o", "z.html", "-o", "z.md"];
        let run = run(folder.path(), &[&["history"], more, &outputs, &["--language", "zh"]].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        ["z.xlsx", "z.html", "z.md"].map(|name| std::fs::read(folder.path().join(name)).unwrap())
    };
    let [_, page, text] = outputs(&["r"]);
    assert!(outputs(&["r"]) == outputs(&["r/2026-11-05", "r"]), "the order does not matter");
    let (page, text) = (String::from_utf8(page).unwrap(), String::from_utf8(text).unwrap());
    assert!(page.contains("停滞最久的在前") && page.contains("lang=\"zh-CN\""));
    assert!(text.starts_with("**共5晚，7个任务：4个通过，3个未通过"), "{text}");
    let workbook = Workbook::open(&folder.path().join("z.xlsx"));
    assert_eq!(workbook.names, ["变化趋势", "全部任务", "说明"]);
    for english in ["Nights", "without", "Status", "pass"] {
        assert!(!text.contains(english), "{english}: {text}");
    }
}

#[test]
fn sample_data_is_marked() {
    let folder = tempdir().unwrap();
    let exported = crate::support::export(folder.path(), &crate::support::sample_tasks(), &["-o", "s.csv"]);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    let history = history(folder.path(), &["s.journal.jsonl"]);
    assert_eq!(history["sample_data"], true);
    let shown = run(folder.path(), &["history", "s.journal.jsonl", "-o", "h.md"]);
    assert!(shown.stderr.contains("SAMPLE DATA"), "{}", shown.stderr);
    assert!(std::fs::read_to_string(folder.path().join("h.md")).unwrap().contains("SAMPLE DATA"));
}
