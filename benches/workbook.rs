//! Time and memory of a workbook, compared with a plain loop over rust_xlsxwriter that writes the same cells, formats
//! and links: `cargo bench --bench workbook`, or one case with `cargo bench --bench workbook -- W1`.
//!
//! Our side is the program itself, from a journal to the file. Both run in their own processes, alternately, and the
//! fastest of three runs counts. Peak memory is reported by Linux. `W2` needs two gigabytes for the plain loop.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::cast_precision_loss, reason = "a measurement")]

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rust_xlsxwriter::{
    ConditionalFormatCell, ConditionalFormatCellRule, ConditionalFormatFormula, Format, FormatAlign,
    FormatBorder, Sparkline, Url, Workbook, Worksheet, XlsxError,
};
use serde_json::json;

/// Name, tasks, rows per task.
const CASES: [(&str, usize, usize); 3] = [("W1", 1_000, 30), ("W2", 10, 100_000), ("W3", 10_000, 30)];
const ROUNDS: usize = 3;
const TIME: i64 = 1_795_000_000_000;
/// Sampling interval of a process's memory.
const PAUSE: Duration = Duration::from_millis(2);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [plain, tasks, rows, path] = arguments.as_slice()
        && plain == "plain"
    {
        return write_plain(tasks.parse().unwrap(), rows.parse().unwrap(), Path::new(path)).unwrap();
    }
    println!("{:4} {:>16} {:>20} {:>20} {:>7}", "", "tasks x rows", "plain: s, MiB", "ours: s, MiB", "ratio");
    for (name, tasks, rows) in CASES {
        if arguments.is_empty() || arguments.iter().any(|argument| argument == name) {
            measure(name, tasks, rows);
        }
    }
}

fn measure(name: &str, tasks: usize, rows: usize) {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("j.jsonl");
    write_journal(&journal, tasks, rows).unwrap();
    let mut best = [(f64::MAX, 0.0_f64); 2];
    for _ in 0..ROUNDS {
        let mut plain = Command::new(std::env::current_exe().unwrap());
        plain.arg("plain").args([tasks.to_string(), rows.to_string()]).arg(folder.path().join("plain.xlsx"));
        let mut ours = Command::new(env!("CARGO_BIN_EXE_cutover-report"));
        ours.args(["render", "-q", "--max-age", "off", "--max-sheets", "10000"]).arg(&journal);
        ours.arg("-o").arg(folder.path().join("ours.xlsx"));
        for (command, best) in [plain, ours].into_iter().zip(&mut best) {
            let (seconds, memory) = run(command);
            *best = (best.0.min(seconds), best.1.max(memory));
        }
    }
    let [plain, ours] = best;
    let of = |(seconds, memory): (f64, f64)| format!("{seconds:.2}, {memory:.0}");
    let size = format!("{tasks} x {rows}");
    println!("{name:4} {size:>16} {:>20} {:>20} {:>7.2}", of(plain), of(ours), ours.0 / plain.0);
}

/// Seconds and peak memory, in MiB.
fn run(mut command: Command) -> (f64, f64) {
    let began = Instant::now();
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0.0_f64;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success());
            return (began.elapsed().as_secs_f64(), peak);
        }
        let told = fs::read_to_string(&status).unwrap_or_default();
        let line = told.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        peak = peak.max(kibibytes.unwrap_or_default() / 1024.0);
        std::thread::sleep(PAUSE);
    }
}

fn id(task: usize) -> String {
    format!("0f1e2d3c-4b5a-6978-8796-{task:012}")
}

fn source_id(task: usize) -> String {
    format!("5e0f1a2b-3c4d-5e6f-7081-{task:012}")
}

fn directory(task: usize, row: usize) -> String {
    format!("/srv/data/{}/directory-{row:07}", task % 97)
}

/// The verifications of a task: when each ended, and its rows.
fn verifications(rows: usize) -> impl Iterator<Item = (i64, std::ops::Range<usize>)> {
    let count = if rows < 10_000 { 3 } else { 1 };
    (0..count).map(move |n| {
        (TIME - i64::try_from(n).unwrap() * 86_400_000, n * rows / count..(n + 1) * rows / count)
    })
}

fn different(task: usize, row: usize) -> usize {
    usize::from((task + row).is_multiple_of(50))
}

fn write_journal(path: &Path, tasks: usize, rows: usize) -> std::io::Result<()> {
    let mut to = BufWriter::new(File::create(path)?);
    let time = "2026-11-21T00:00:00Z";
    let listed: Vec<_> = (0..tasks)
        .map(|task| {
            json!({"task_id": id(task), "source_name": format!("server-{task:06}"), "source_id": source_id(task),
                   "labels": {"owner": format!("team {}", task % 40)}})
        })
        .collect();
    let list = json!({"labels": ["owner"], "tasks": listed});
    let header = json!({"journal_format": 1, "tool": "bench", "started_at": time,
                        "endpoint": "https://sms.example", "list": list});
    writeln!(to, "{header}")?;
    for task in 0..tasks {
        let results = verifications(rows).map(|(finished, rows)| {
            let check = |row| {
                json!({"task_id": id(task), "dir_check": directory(task, row), "num_total_files": 1000 + row,
                       "num_different_files": different(task, row), "num_target_miss_files": 0,
                       "num_target_more_files": 0})
            };
            json!({"finished_time": finished, "check_result": "success",
                   "consistency_result": rows.map(check).collect::<Vec<_>>()})
        });
        let body = json!({"result_list": results.collect::<Vec<_>>()}).to_string();
        let record = json!({"ordinal": task, "task_id": id(task), "fetched_at": time, "attempts": 1,
                            "request_id": format!("{task:032x}"), "status": 200, "body": body});
        writeln!(to, "{record}")?;
    }
    writeln!(to, "{}", json!({"finished_at": time, "recorded": tasks}))?;
    to.flush()
}

/// Cell formats.
struct Looks {
    text: Format,
    link: Format,
    bold: Format,
    heading: Format,
    count: Format,
    share: Format,
    time: Format,
    bad: Format,
}

fn write_plain(tasks: usize, rows: usize, path: &Path) -> Result<(), XlsxError> {
    let cell = Format::new().set_border_bottom(FormatBorder::Hair).set_align(FormatAlign::Top);
    let looks = Looks {
        text: cell.clone().set_indent(1),
        link: cell.clone().set_hyperlink(),
        bold: Format::new().set_bold(),
        heading: Format::new().set_bold().set_text_wrap().set_background_color(0x33_4155),
        count: cell.clone().set_num_format("#,##0"),
        share: cell.clone().set_num_format("0.00%"),
        time: cell.set_num_format("yyyy-mm-dd hh:mm:ss"),
        bad: Format::new().set_font_color(0x99_1B1B).set_background_color(0xFE_E2E2),
    };
    let mut workbook = Workbook::new();
    let summary = workbook.add_worksheet().set_name("Summary")?;
    for column in 0..19 {
        summary.set_column_width(column, 20)?;
        summary.write_string_with_format(10, column, format!("Heading {column}"), &looks.heading)?;
    }
    let last = u32::try_from(tasks).unwrap() + 10;
    summary.autofilter(10, 0, last, 18)?;
    for task in 0..tasks {
        let row = u32::try_from(task).unwrap() + 11;
        let link = Url::new(format!("internal:'server-{task:06}'!A1"));
        let tip = "Go to the task's sheet";
        let differing: usize = verifications(rows).next().unwrap().1.map(|row| different(task, row)).sum();
        if task < 65_530 {
            summary.write_url_with_options(row, 0, link, id(task), tip, Some(&looks.link))?;
        }
        let verdict = if differing > 0 { "Inconsistent" } else { "Consistent" };
        let texts = [(1, format!("server-{task:06}")), (2, source_id(task)), (3, verdict.to_owned())];
        let more = [(5, "success".to_owned()), (12, "result_list".to_owned()), (16, format!("{task:032x}"))];
        let labels = [
            (14, String::new()),
            (15, String::new()),
            (17, String::new()),
            (18, format!("team {}", task % 40)),
        ];
        for (column, text) in texts.into_iter().chain(more).chain(labels) {
            summary.write_string_with_format(row, column, text, &looks.text)?;
        }
        summary.write_number_with_format(row, 4, days(TIME), &looks.time)?;
        for (column, count) in
            [(6, rows), (7, 1000 * rows), (8, differing), (9, 0), (10, 0), (11, 3), (13, 1)]
        {
            summary.write_number_with_format(row, column, count as f64, &looks.count)?;
        }
    }
    for task in 0..tasks {
        task_sheet(workbook.add_worksheet().set_name(format!("server-{task:06}"))?, task, rows, &looks)?;
    }
    workbook.save(path)
}

fn days(milliseconds: i64) -> f64 {
    25_569.0 + milliseconds as f64 / 86_400_000.0
}

fn task_sheet(sheet: &mut Worksheet, task: usize, rows: usize, looks: &Looks) -> Result<(), XlsxError> {
    sheet.set_row_height(0, 24)?.write_string_with_format(0, 0, format!("server-{task:06}"), &looks.bold)?;
    let tip = "Back to the Summary";
    sheet.write_url_with_options(
        1,
        0,
        Url::new("internal:'Summary'!A1"),
        "← Summary",
        tip,
        Some(&looks.link),
    )?;
    for (row, text) in [(2, "Task ID"), (3, "Verdict"), (5, "Course")] {
        sheet.write_string_with_format(row, 0, text, &looks.bold)?;
    }
    sheet.write_string_with_format(2, 1, id(task), &looks.text)?;
    sheet.write_string_with_format(3, 1, "Consistent", &looks.text)?;
    sheet.write_string_with_format(3, 2, "the newest verification found no difference", &looks.text)?;
    let course = verifications(rows).count();
    if course > 1 {
        sheet.write_string_with_format(5, 2, "differences, newest to the right", &looks.text)?;
        for column in 6..9 {
            sheet.write_number_with_format(5, column, 1.0, &looks.count)?;
        }
        let name = sheet.name();
        sheet.add_sparkline(5, 1, &Sparkline::new().set_range((name.as_str(), 5, 6, 5, 8)))?;
    }
    let headings =
        ["Verification", "Finished (UTC)", "Check result", "Directory", "Total files", "Different"];
    for (column, heading) in (0..).zip(headings.into_iter().chain(["Missing", "Redundant", "Consistent"])) {
        sheet.set_column_width(column, if column == 3 { 60 } else { 14 })?;
        sheet.write_string_with_format(6, column, heading, &looks.heading)?;
    }
    let mut at = 6;
    for (number, (finished, rows)) in (1..).zip(verifications(rows)) {
        for row in rows {
            at += 1;
            let different = different(task, row);
            sheet.write_number_with_format(at, 0, f64::from(number), &looks.count)?;
            sheet.write_number_with_format(at, 1, days(finished), &looks.time)?;
            sheet.write_string_with_format(at, 2, "success", &looks.text)?;
            sheet.write_string_with_format(at, 3, directory(task, row), &looks.text)?;
            for (column, count) in (4..).zip([1000 + row, different, 0, 0]) {
                sheet.write_number_with_format(at, column, count as f64, &looks.count)?;
            }
            let share = ((1000 + row - different) * 10_000 / (1000 + row)) as f64 / 10_000.0;
            sheet.write_number_with_format(at, 8, share, &looks.share)?;
        }
    }
    for rule in ["=AND($A8<>$A7,$A8>1)", "=$A8>1"] {
        let format = ConditionalFormatFormula::new().set_rule(rule).set_format(&looks.bad);
        sheet.add_conditional_format(7, 0, at, 8, &format)?;
    }
    for column in 5..8 {
        let rule = ConditionalFormatCellRule::GreaterThan(0);
        let format = ConditionalFormatCell::new().set_rule(rule).set_format(&looks.bad);
        sheet.add_conditional_format(7, column, at, column, &format)?;
    }
    sheet.autofilter(6, 0, at, 8)?.set_freeze_panes(7, 0)?.set_repeat_rows(6, 6)?;
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
    Ok(())
}
