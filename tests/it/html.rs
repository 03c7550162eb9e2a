//! The page for a browser, `X.html`, as the real program writes it: what reads without script, and the data of the
//! script. `tests/acceptance/html_check.mjs` opens it in a browser.

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cutover_report::journal::{Answered, Failed, Header, Outcome, Record, Writer};
use cutover_report::model::{Planned, Task, TaskId, TaskList};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::{TempDir, tempdir};

use crate::support::{Run, run, sample_tasks};

/// Texts that would run, load or hide something if they were not escaped for their place.
const HOSTILE: [&str; 12] = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "</style><style>*{display:none}</style>",
    "\" onmouseover=\"alert(1)",
    "' onfocus='alert(1)",
    "{{ 7 * 7 }} {% raw %} ${7*7}",
    "]]><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "invoice\u{202e}gpj.exe\u{200b}\u{feff}",
    "&lt;b&gt;&amp;#60;",
    "a\u{1b}[31m\u{0}\tb",
];

fn answer(results: &Value) -> Outcome {
    let body = json!({ "result_list": results }).to_string().into_bytes();
    Outcome::Answered(Answered { status: 200, sample_data: false, content_range: None, body })
}

fn verification(directory: &str, different: u64) -> Value {
    json!({"finished_time": 1_795_222_800, "check_result": "success", "consistency_result": [{
        "dir_check": directory, "num_total_files": 1000, "num_different_files": different,
        "num_target_miss_files": 0, "num_target_more_files": 0,
    }]})
}

fn different(files: u64) -> Outcome {
    answer(&json!([verification("/data", files)]))
}

fn failed(message: &str) -> Outcome {
    let code = Some("SMS.9004".to_owned());
    Outcome::Failed(Failed { status: Some(403), code, kind: None, message: message.to_owned() })
}

fn task(id: &str, name: &str, labels: &[(&str, &str)]) -> Task {
    let labels = labels.iter().copied().collect();
    Task { source_name: Some(name.to_owned()), labels, ..Task::new(TaskId::new(id).unwrap()) }
}

/// Writes `j.jsonl`, the journal of a finished run of 2026-11-21.
fn journal(folder: &Path, labels: &[&str], tasks: &[(Task, Outcome)]) {
    let labels = labels.iter().map(|label| (*label).to_owned()).collect();
    let list = TaskList { labels, tasks: tasks.iter().map(|(task, _)| task.clone()).collect() };
    let header = Header::new("2026-11-21T01:42:00Z".parse().unwrap(), "https://sms.example".to_owned(), list);
    let mut writer = Writer::create(folder.join("j.jsonl"), &header, true).unwrap();
    for (ordinal, (task, outcome)) in tasks.iter().enumerate() {
        let record = Record {
            ordinal,
            task_id: task.task_id.clone(),
            fetched_at: header.started_at,
            attempts: 1,
            request_id: None,
            context: None,
            clock_offset: None,
            outcome: outcome.clone(),
        };
        writer.append(record).unwrap();
    }
    writer.finish().unwrap();
}

/// A folder with the journal of tasks in waves, each by name, wave and outcome.
fn waves(tasks: &[(&str, &str, Outcome)]) -> TempDir {
    let folder = tempdir().unwrap();
    let tasks: Vec<_> = tasks
        .iter()
        .enumerate()
        .map(|(n, (name, wave, outcome))| {
            (task(&format!("task-{n}"), name, &[("wave", wave)]), outcome.clone())
        })
        .collect();
    journal(folder.path(), &["wave"], &tasks);
    folder
}

/// A page, taken apart.
struct Page {
    /// All of it.
    source: String,
    /// What comes before the data.
    html: String,
    rows: Value,
    details: Vec<Value>,
    names: Value,
}

impl Page {
    fn read(path: &Path) -> Self {
        let source = std::fs::read_to_string(path).unwrap();
        let block = |start: &str| {
            let (before, rest) = source.split_once(start).unwrap_or_else(|| panic!("no {start}"));
            (before.to_owned(), rest.split_once("</script>").unwrap().0.to_owned())
        };
        let (html, rows) = block("<script type=\"application/json\" id=\"rows\">");
        let (_, details) = block("<script type=\"text/plain\" id=\"details\">");
        let details = details.trim().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let (_, names) = block("<script type=\"application/json\" id=\"names\">");
        let names = serde_json::from_str::<Value>(&names).unwrap()["names"].take();
        Self { html, names, rows: serde_json::from_str(&rows).unwrap(), details, source }
    }

    /// What an element of the page's HTML holds, without the marks around names.
    fn text(&self, open: &str) -> String {
        let (_, rest) = self.html.split_once(open).unwrap_or_else(|| panic!("no {open}"));
        rest.split_once("</").unwrap().0.replace("<bdi>", "")
    }

    fn status(&self) -> String {
        format!("{}: {}", self.text("<h1>"), self.text("</h1>\n<p>"))
    }

    fn column(&self, name: &str) -> &Value {
        &self.rows["columns"][name]
    }
}

fn render(folder: &TempDir, options: &[&str]) -> Run {
    let render = ["render", "j.jsonl", "-o", "r.html", "--max-age", "off"];
    run(folder.path(), &[&render[..], options].concat())
}

fn page(folder: &TempDir, options: &[&str]) -> Page {
    let rendered = render(folder, options);
    assert!(rendered.stdout.contains("r.html"), "{}", rendered.stderr);
    Page::read(&folder.path().join("r.html"))
}

fn export_sample(folder: &Path) {
    let tasks = sample_tasks();
    let export =
        ["export", &tasks, "--endpoint", "embedded", "--rate", "1000/s", "-o", "r.html", "-o", "x.md"];
    let exported = run(folder, &export);
    assert_eq!((exported.code, exported.stdout.lines().next()), (0, Some("r.html")), "{}", exported.stderr);
}

#[test]
fn page_reads_without_script() {
    let folder = tempdir().unwrap();
    export_sample(folder.path());
    let page = Page::read(&folder.path().join("r.html"));
    assert_eq!(page.status(), "NOT READY: 6 of 12 tasks do not pass");
    assert_eq!(page.text("<p class=\"share\">"), "6 of 12 pass · 50 %");
    assert_eq!(page.text("<title>"), "NOT READY (SAMPLE DATA): Consistency verification results");
    assert!(page.html.contains("SAMPLE DATA from the embedded service: not evidence"));
    for part in [
        "<strong class=\"number\">2</strong> <a class=\"verdict tone-bad\" href=\"#all\" data-verdict=\"inconsistent\">",
        "<th scope=\"col\"><bdi>wave</bdi></th>",
        "<td class=\"number-cell\">3 / 3</td>",
        "<bdi>db-orders-01</bdi></a></th>",
        "412 different, 6 missing",
        "By default, SMS compares the size and modification time of files, not their content",
    ] {
        assert!(page.html.contains(part), "{part}");
    }
    let manifest = std::fs::read_to_string(folder.path().join("r.manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let files = manifest["files"].as_array().unwrap();
    let file = |name: &str| files.iter().find(|file| file["path"] == name).unwrap();
    assert_eq!(page.text("<span class=\"mono\">"), file("r.journal.jsonl")["sha256"]);
    assert_eq!(file("r.html")["size"], page.source.len());
    assert_eq!(page.details.len(), 12);
}

#[test]
fn policy_allows_the_page_alone() {
    let folder = waves(&[("web", "1", different(0))]);
    let page = page(&folder, &[]);
    let policy = page.text("<meta http-equiv=\"Content-Security-Policy\" content=\"");
    let policy = policy.split_once("\">").unwrap().0.replace("&#x27;", "'").replace("&#x2f;", "/");
    let directives: Vec<&str> = policy.split("; ").collect();
    let blocks = |open: &str, close: &str| -> Vec<String> {
        let blocks = page.source.split(open).skip(1).map(|rest| rest.split_once(close).unwrap().0);
        blocks.map(|text| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))).collect()
    };
    assert_eq!(directives[0], "default-src 'none'");
    assert_eq!(directives[1], format!("style-src {}", blocks("<style>", "</style>").join(" ")));
    assert_eq!(directives[2], format!("script-src {}", blocks("<script>", "</script>").join(" ")));
    assert_eq!(blocks("<script>", "</script>").len(), 1);
    // The namespace of SVG is a name, not an address.
    let source = page.source.replace("http://www.w3.org/2000/svg", "").replace("https://sms.example", "");
    for reference in ["http:", "https:", " src=", "url(", "@import", " style=", "<link", "<iframe", "fetch("]
    {
        assert!(!source.contains(reference), "{reference}");
    }
}

#[test]
fn hostile_texts_are_escaped_in_every_place() {
    let folder = tempdir().unwrap();
    let tasks: Vec<_> = HOSTILE
        .iter()
        .enumerate()
        .map(|(n, text)| {
            let id = format!("{n}-{}", text.replace(|c: char| c.is_whitespace() || c.is_control(), "_"));
            let task = Task {
                source_id: Some((*text).to_owned()),
                ..task(&id, text, &[("wave", text), (text, text)])
            };
            (task, if n % 2 == 0 { failed(text) } else { answer(&json!([verification(text, 3)])) })
        })
        .collect();
    let labels: Vec<&str> = std::iter::once("wave").chain(HOSTILE).collect();
    journal(folder.path(), &labels, &tasks);
    for options in [&[][..], &["--group-by", HOSTILE[0]], &["--language", "zh"]] {
        let page = page(&folder, options);
        assert_eq!(page.column("server"), &json!(HOSTILE));
        assert_eq!(page.names[0], HOSTILE[1]);
        assert_eq!(page.source.matches("<script").count(), 4);
        assert_eq!(page.source.matches("</script").count(), 4);
        assert_eq!(page.source.matches("<style").count(), 2);
        assert!(!page.source.contains(['\u{202e}', '\u{200b}', '\u{feff}', '\u{1b}', '\0', '\t']));
        for text in ["<img", "<!--", "<svg/"] {
            assert!(!page.source.contains(text), "{text}");
        }
        for text in ["onmouseover=\"", "onfocus='", "href=\"javascript"] {
            assert!(!page.html.contains(text), "{text}");
        }
        assert!(page.html.contains("invoice<span class=\"odd\">U+202E</span>gpj.exe"), "{options:?}");
        assert!(page.html.contains("{{ 7 * 7 }}"), "{options:?}");
    }
}

#[test]
fn links_with_any_id_name_the_task() {
    let folder = tempdir().unwrap();
    let ids = ["a b", "任务/1", "100%", "x'\"<&>#?", "plain-1.2_3~!*()"];
    let mut tasks: Vec<_> = ids.iter().map(|id| (task(id, "web", &[]), different(1))).collect();
    let planned = Planned { name: "db 1".to_owned(), tasks: 0, near: vec![], also: vec![], doubts: vec![] };
    tasks.push((Task { planned: Some(Box::new(planned)), ..Task::default() }, answer(&json!([]))));
    journal(folder.path(), &[], &tasks);
    let page = page(&folder, &[]);
    assert_eq!(page.column("id"), &json!([&ids[..], &[""]].concat()));
    assert_eq!(page.rows["servers"], json!({"5": "db 1"}));
    assert!(page.html.contains("<a href=\"#server-db%201\"><bdi>db 1</bdi></a>"));
    let source = page.html.replace("&#x27;", "'").replace("&#x2f;", "/");
    for link in ["a%20b", "%E4%BB%BB%E5%8A%A1%2F1", "100%25", "x'%22%3C%26%3E%23%3F", "plain-1.2_3~!*()"] {
        assert!(source.contains(&format!("<a href=\"#task-{link}\">")), "{link}");
    }
}

#[test]
fn status_is_that_of_every_output() {
    for (tasks, options, status, look) in [
        (
            vec![("a", "1", failed("no")), ("b", "1", different(9)), ("c", "1", different(0))],
            &[][..],
            "INCOMPLETE: 1 of 3 tasks has no answer; 1 more does not pass",
            "incomplete",
        ),
        (vec![("a", "1", different(0)), ("b", "2", different(0))], &[], "READY: all 2 tasks pass", "ready"),
        (
            vec![("a", "1", different(0)), ("b", "2", different(0))],
            &["--only", "consistent", "--where", "wave=1"],
            "INCOMPLETE: filtered: 1 of 2 tasks; the task passes",
            "incomplete",
        ),
        (
            vec![("a", "1", different(4)), ("b", "2", different(0))],
            &["--only", "not-passing"],
            "INCOMPLETE: filtered: 1 of 2 tasks; the task does not pass",
            "incomplete",
        ),
        (vec![], &[], "INCOMPLETE: no task is listed", "incomplete"),
    ] {
        let page = page(&waves(&tasks), options);
        assert_eq!(page.status(), status);
        assert!(page.html.contains(&format!("<div class=\"banner banner-{look}\">")), "{status}");
        let shown: usize = page.rows["verdicts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|verdict| usize::try_from(verdict["tasks"].as_u64().unwrap()).unwrap())
            .sum();
        assert_eq!(page.column("id").as_array().unwrap().len(), shown);
        let all_pass = status.starts_with("READY");
        assert_eq!(page.html.contains("none: every task passes"), all_pass, "{status}");
    }
}

#[test]
fn unfinished_run_is_incomplete() {
    let folder = waves(&[("a", "1", different(0)), ("b", "1", different(0))]);
    let path = folder.path().join("j.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    std::fs::write(&path, lines[..2].join("\n") + "\n").unwrap();
    let page = page(&folder, &[]);
    assert_eq!(page.text("<h1>"), "INCOMPLETE");
    assert_eq!(page.text("<p class=\"share\">"), "1 of 2 pass · 50 %");
}

#[test]
fn ready_sample_data_never_looks_ready() {
    let folder = tempdir().unwrap();
    let export = ["export", "--endpoint", "embedded", "--rate", "1000/s", "-o", "r.html"];
    let task = ["--task", "6e1c7a52-93f4-4a0b-8d27-51b0c9e4f301"];
    assert_eq!(run(folder.path(), &[&export[..], &task].concat()).code, 0);
    let page = Page::read(&folder.path().join("r.html"));
    assert_eq!(page.status(), "READY: the task passes");
    assert!(page.html.contains("<div class=\"banner banner-sample\">"));
    assert!(page.html.contains("SAMPLE DATA from the embedded service"));
}

#[test]
fn page_names_the_worst_500_tasks_and_counts_the_others() {
    let mut tasks: Vec<_> = (0..600).map(|n| (format!("web-{n}"), different(1000 - n))).collect();
    tasks.push(("passes".to_owned(), different(0)));
    tasks.push(("late".to_owned(), answer(&json!([]))));
    let tasks: Vec<_> = tasks.iter().map(|(name, outcome)| (name.as_str(), "1", outcome.clone())).collect();
    let page = page(&waves(&tasks), &[]);
    assert_eq!(page.html.matches("<a href=\"#task-").count(), 500);
    assert_eq!(page.text("id=\"more-failing\">"), "… and 101 more");
    let place = |name: &str| page.html.find(&format!("<bdi>{name}</bdi>"));
    assert!(place("late") < place("web-0") && place("web-0") < place("web-1"), "worst first");
    assert_eq!((place("web-599"), place("passes")), (None, None));
    assert_eq!(page.column("id").as_array().unwrap().len(), 602);
    assert_eq!(page.details.len(), 602);
}

#[test]
fn groups_are_in_natural_order_and_lead_to_the_values_of_the_table() {
    let folder = waves(&[
        ("a", "wave 10", different(0)),
        ("b", " wave 2 ", different(1)),
        ("c", "", different(1)),
        ("d", "wave 2", different(0)),
    ]);
    let page = page(&folder, &[]);
    let label = &page.rows["labels"][0];
    assert_eq!(label["values"], json!(["wave 10", "wave 2", ""]));
    assert_eq!((&label["rows"], &label["is_group"]), (&json!([0, 1, 2, 1]), &json!(true)));
    assert_eq!(page.rows["groups"], json!([1, 0, 2]), "wave 2, wave 10, none");
    let name = |n: usize| page.text(&format!("data-group=\"{n}\">"));
    assert_eq!([name(0), name(1), name(2)], ["wave 2", "wave 10", "(none)"]);
    let ungrouped = tempdir().unwrap();
    journal(ungrouped.path(), &[], &[(task("t", "web", &[]), different(0))]);
    let page = self::page(&ungrouped, &[]);
    assert_eq!((&page.rows["groups"], page.html.contains("class=\"groups\"")), (&json!([]), false));
}

#[test]
fn many_groups_leave_room_for_the_tasks_that_do_not_pass() {
    let names: Vec<_> = (0..14).map(|n| (format!("web-{n}"), format!("wave {n}"))).collect();
    let tasks: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(n, (name, wave))| (name.as_str(), wave.as_str(), different(u64::from(n == 13))))
        .collect();
    let page = page(&waves(&tasks), &[]);
    let place = |text: &str| page.html.find(text).unwrap_or_else(|| panic!("{text}"));
    let fold = place("<details");
    assert!(
        place("data-group=\"13\">") < fold && place("data-group=\"8\">") < fold,
        "the one that fails, and the first"
    );
    assert!(place("data-group=\"9\">") > fold && place("data-group=\"12\">") > fold);
    assert!(page.html.contains("<summary>… and 4 more</summary>"));
}

#[test]
fn filtered_page_gives_no_rate() {
    let folder = waves(&[("a", "1", different(0)), ("b", "1", different(1)), ("c", "2", different(1))]);
    assert_eq!(page(&folder, &[]).text("class=\"share\">"), "1 of 3 pass · 33 %");
    assert_eq!(page(&folder, &["--where", "wave=1"]).text("class=\"share\">"), "1 of 2 shown pass");
}

#[test]
fn waiver_in_force_names_its_tasks_and_directories() {
    let folder = waves(&[("web", "1", different(1))]);
    let waivers = folder.path().join("w.toml");
    std::fs::write(
        &waivers,
        "[[waiver]]\ntask = \"we*\"\ndirectory = \"/da*\"\nmax_different = 1\nreason = \"cache\"\n",
    )
    .unwrap();
    let page = page(&folder, &["--waivers", waivers.to_str().unwrap()]);
    for glob in ["we*", "/da*"] {
        assert!(page.html.contains(&format!("<bdi>{glob}</bdi>")), "{glob}: {}", page.html);
    }
}

#[test]
fn page_larger_than_the_limit_leaves_out_what_is_clean_and_then_fails() {
    let folder = tempdir().unwrap();
    let mut clean: Vec<_> = (0..3000).map(|n| verification(&format!("/clean/{n}"), 0)).collect();
    let mut checks: Vec<Value> =
        clean.drain(..).map(|verification| verification["consistency_result"][0].clone()).collect();
    checks.push(verification("/differs", 1)["consistency_result"][0].clone());
    let outcome = answer(
        &json!([{"finished_time": 1_795_222_800, "check_result": "success", "consistency_result": checks}]),
    );
    journal(folder.path(), &[], &[(task("t", "web", &[]), outcome)]);
    let whole = page(&folder, &[]);
    assert_eq!(whole.details[0]["directories"].as_array().unwrap().len(), 3001);
    let limit = (whole.source.len() - 1).to_string();
    let small = page(&folder, &["--max-bytes", &limit]);
    assert!(small.source.len() < whole.source.len());
    assert_eq!(small.details[0]["directories"], json!([[0, 1000, 1, 0, 0]]));
    assert_eq!((&small.names, &small.details[0]["left_out"]), (&json!(["/differs"]), &json!(3000)));
    assert_eq!(whole.details[0]["directories"][2999], json!([2999, 1000]));
    let refused = render(&folder, &["--max-bytes", "3kB"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("r.html: the page alone takes"), "{}", refused.stderr);
    assert!(refused.stderr.contains("--only not-passing"), "{}", refused.stderr);
    assert_eq!(
        Page::read(&folder.path().join("r.html")).source,
        small.source,
        "the earlier page is unchanged"
    );
}

#[test]
fn same_journal_gives_the_same_bytes() {
    let folder = tempdir().unwrap();
    export_sample(folder.path());
    let first = std::fs::read(folder.path().join("r.html")).unwrap();
    let elsewhere = folder.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::copy(folder.path().join("r.journal.jsonl"), elsewhere.join("r.journal.jsonl")).unwrap();
    let rendered = run(&elsewhere, &["render", "r.journal.jsonl", "-o", "again.html"]);
    assert_eq!(rendered.code, 0, "{}", rendered.stderr);
    assert!(first == std::fs::read(elsewhere.join("again.html")).unwrap());
}

#[test]
fn chinese_page_has_no_english_words() {
    let folder =
        waves(&[("db", "1", different(3)), ("web", "2", different(0)), ("mail", "", answer(&json!([])))]);
    std::fs::write(folder.path().join("w.toml"), "[[waiver]]\ntask = \"none\"\nreason = \"logs\"\n").unwrap();
    let page = page(&folder, &["--language", "zh", "--waivers", "w.toml"]);
    assert!(page.html.starts_with("<!doctype html>\n<html lang=\"zh-CN\">"));
    assert_eq!(page.status(), "不具备割接条件: 3个任务中2个未通过");
    assert_eq!(page.text("<p class=\"share\">"), "3个任务中1个通过 · 33%");
    let is_chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    for (name, text) in page.rows["words"].as_object().unwrap() {
        // `… and {0} more` and the like have values.
        assert!(is_chinese(text.as_str().unwrap()), "{name}: {text}");
    }
    for verdict in page.rows["verdicts"].as_array().unwrap() {
        assert!(
            is_chinese(verdict["label"].as_str().unwrap())
                && is_chinese(verdict["meaning"].as_str().unwrap())
        );
    }
    let (_, body) = page.html.split_once("<body>").unwrap();
    let mut text = String::new();
    for piece in body.split('<').skip(1) {
        let _ = writeln!(text, "{}", piece.split_once('>').unwrap().1.trim());
    }
    let names = ["db", "web", "mail", "wave", "w.toml", "j.jsonl", "https://sms.example", "cutover-report"];
    let words = text.split(|c: char| !c.is_ascii_alphabetic() && !".:/-".contains(c));
    let known = ["SHA-256", "UTC", "SMS", "JavaScript", "Windows", "ASCII", "Btrfs"];
    for word in words.filter(|word| word.len() > 2 && word.chars().any(|c| c.is_ascii_alphabetic())) {
        let is_digest = word.chars().all(|c| c.is_ascii_hexdigit());
        let is_known = known.iter().chain(&names).any(|known| known.contains(word.trim_matches(['-', '.'])));
        assert!(is_digest || is_known, "{word} in {text}");
    }
}

#[test]
fn page_cannot_be_written_to_stdout() {
    let folder = waves(&[("web", "1", different(0))]);
    let refused = run(folder.path(), &["render", "j.jsonl", "-o", "-", "--format", "html"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{}", refused.stderr);
    assert!(refused.stderr.contains("json, csv, md"), "{}", refused.stderr);
}
