//! The terminal in Chinese: by `--language zh`, a configuration file or the locale; keys, logs and exit codes stay English.

use std::path::Path;

use crate::support::server::{Server, json};
use crate::support::{Run, export, run, run_with, sample_tasks};
use cutover_report::model::is_hidden;
use tempfile::tempdir;

const LOCALE: [(&str, &str); 1] = [("LANG", "zh_CN.UTF-8")];

fn is_chinese(text: &str) -> bool {
    text.contains(|c: char| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// Three tasks, of which the list has one twice; all are forbidden.
fn failing(folder: &Path, variables: &[(&str, &str)], more: &[&str]) -> Run {
    std::fs::write(folder.join("l.csv"), "task_id,source_name\na,web\nb,no response\nc,db\na,web\n").unwrap();
    let server = Server::start(|_, _| json(403, r#"{"error_code":"SMS.9004","error_msg":"no permission"}"#));
    let url = server.url();
    let fixed = ["export", "l.csv", "--endpoint", &url, "--auth", "none", "--context", "off", "-o", "r.json"];
    run_with(folder, variables, &[&fixed[..], more].concat())
}

#[test]
fn run_with_language_zh_has_a_chinese_terminal_and_english_logs() {
    let folder = tempdir().unwrap();
    let run = failing(folder.path(), &[], &["--language", "zh", "--log-file", "log"]);
    assert_eq!((run.code, run.stdout.as_str()), (3, "r.json\n"), "{}", run.stderr);
    for line in [
        "警告：l.csv:5：任务a已在l.csv:2列出，只获取一次",
        "报告不完整：3个任务中3个没有响应",
        "清单文件：r.manifest.json",
        "提示：3个任务权限不够（403）：请联系管理员授予sms:server:getConsistencyCheckResult",
        "运行记录：r.journal.jsonl",
    ] {
        assert!(run.stderr.lines().any(|found| found == line), "{line}\n{}", run.stderr);
    }
    let shown = run_with(folder.path(), &[], &["show", "r.journal.jsonl", "--language", "zh"]).stdout;
    assert!(shown.contains("no response (b)：SMS.9004: no permission"), "names stay: {shown}");
    let log = read(folder.path(), "log");
    assert!(!is_chinese(&log), "{log}");
    assert!(log.contains("WARN  message l.csv:5: task a is listed already at l.csv:2"), "{log}");
    assert!(log.contains("INCOMPLETE: 3 of 3 tasks have no answer"), "{log}");
}

#[test]
fn locale_sets_the_terminal_and_never_a_report() {
    let (english, chinese) = (tempdir().unwrap(), tempdir().unwrap());
    let made = export(english.path(), &sample_tasks(), &["-o", "s.json"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let journal = read(english.path(), "s.journal.jsonl");
    let outputs = ["-o", "r.md", "-o", "r.html", "-o", "csv/", "-o", "r.json"];
    for (folder, variables) in [(&english, &[][..]), (&chinese, &LOCALE)] {
        std::fs::write(folder.path().join("j.jsonl"), &journal).unwrap();
        let run = run_with(folder.path(), variables, &[&["render", "j.jsonl"], &outputs[..]].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(is_chinese(&run.stderr), !variables.is_empty(), "{}", run.stderr);
        assert!(!is_chinese(&run.stdout), "{}", run.stdout);
    }
    for name in ["r.md", "r.html", "csv/summary.csv", "r.json"] {
        assert_eq!(read(english.path(), name), read(chinese.path(), name), "{name}");
    }
}

#[test]
fn language_of_the_command_line_and_the_file_precede_the_locale() {
    let folder = tempdir().unwrap();
    let show = |variables: &[(&str, &str)], more: &[&str]| {
        let run = run_with(folder.path(), variables, &[&["show", "nosuch.jsonl"], more].concat());
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{}", run.stderr);
        run.stderr
    };
    let (english, chinese) = (
        "error: nosuch.jsonl: No such file or directory; check the path\n",
        "错误：nosuch.jsonl：文件或目录不存在；请检查路径\n",
    );
    assert_eq!(show(&LOCALE, &[]), chinese);
    assert_eq!(show(&LOCALE, &["--language", "en"]), english);
    assert_eq!(show(&[("LANG", "C")], &["--language=zh"]), chinese);
    assert_eq!(show(&[("LANG", "zh_CN.GBK")], &[]), english);
    std::fs::write(folder.path().join("c.toml"), "[profile.default]\nlanguage = \"zh\"\n").unwrap();
    assert_eq!(show(&[], &["--config", "c.toml"]), chinese);
    assert_eq!(show(&LOCALE, &["--config", "c.toml", "--language", "en"]), english);
}

#[test]
fn json_log_on_stderr_is_english() {
    let folder = tempdir().unwrap();
    let run = failing(folder.path(), &LOCALE, &["--language", "zh", "--log-format", "json"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(!is_chinese(&run.stderr), "{}", run.stderr);
    assert!(run.stderr.lines().all(|line| line.starts_with("{\"time\":")), "{}", run.stderr);
}

#[test]
fn help_has_the_options_of_the_english_help() {
    let folder = tempdir().unwrap();
    let options = |text: &str| -> Vec<String> {
        let lines = text.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
        let names = lines.filter_map(|line| line.split("  ").next());
        let mut names: Vec<String> = names.map(|name| name.trim().to_owned()).collect();
        names.sort();
        names
    };
    for command in
        ["export", "render", "show", "diff", "history", "deliver", "verify", "tasks", "serve", "doctor"]
    {
        let english = run(folder.path(), &[command, "-h"]);
        let chinese = run_with(folder.path(), &LOCALE, &[command, "-h"]);
        assert_eq!((chinese.code, chinese.stderr.as_str()), (0, ""));
        assert_eq!(options(&chinese.stdout), options(&english.stdout), "{command}");
        let long = run_with(folder.path(), &LOCALE, &[command, "--help"]);
        assert!(long.code == 0 && is_chinese(&long.stdout), "{}", long.stdout);
    }
    let help = run(folder.path(), &["export", "-h", "--language", "zh"]).stdout;
    for heading in ["参数:", "选项:", "任务:", "报告:", "鉴权:", "请求速率与重试:", "继续运行与分片:"]
    {
        assert!(help.lines().any(|line| line == heading), "{heading}\n{help}");
    }
    let untranslated: Vec<&str> =
        help.lines().filter(|line| line.starts_with("  ") && !is_chinese(line)).collect();
    assert_eq!(untranslated, [""; 0], "{help}");
    assert!(!help.contains("[default"), "{help}");
}

/// What goes wrong most often, to read through.
#[test]
fn errors_are_explained_in_chinese() {
    let folder = tempdir().unwrap();
    let at = folder.path();
    for (name, text) in [
        ("bad.csv", "task_id,owner\na,x\n,y\nb,#N/A\n"),
        ("other.csv", "asset,owner\nweb,x\n"),
        ("r.xlsx", "PK\u{3}\u{4}"),
        ("j.jsonl", "{}\n"),
        ("w.toml", "[[waiver]]\ntask = \"*\"\nmax_diferent = 1\n"),
        ("c.toml", "[profile.default]\nregon = \"x\"\nrate = 5\nquiet = 3\n"),
    ] {
        std::fs::write(at.join(name), text).unwrap();
    }
    assert_eq!(export(at, &sample_tasks(), &["-o", "r.json"]).code, 0);
    let server = Server::start(|_, _| json(401, r#"{"error_code":"APIGW.0301","error_msg":"no token"}"#));
    let url = server.url();
    let mut all = String::new();
    for arguments in [
        &["export", "nosuch.csv", "--endpoint", "embedded", "-o", "n.json"][..],
        &["export", "bad.csv", "--endpoint", "embedded", "-o", "n.json"],
        &["export", "other.csv", "--endpoint", "embedded", "-o", "n.json"],
        &["export", "--task", "a", "-o", "n.json"],
        &["export", "--task", "a", "-o", "n.json", "--region", "ap-southeast-33"],
        &["export", "--task", "a", "-o", "n.json", "--region", "ap-southeast-3"],
        &["export", "--task", "a", "-o", "n.json", "--rate", "3"],
        &["export", "--task", "a", "-o", "n.json", "--rat", "3"],
        &["export", "--task", "a", "-o", "n.json", "--timeout", "0s"],
        &["export", "--task", "a", "-o", "n.json", "--endpoint", "embedded", "--region", "cn-north-4"],
        &["export", "--task", "a", "-o", "n.json", "--fail-on", "stale", "inconsistent"],
        &["export", "--task", "a", "-o", "n.pdf", "--endpoint", "embedded"],
        &["export", "--task", "a", "-o", "r{year}.json", "--endpoint", "embedded"],
        &["export", "--task", "a", "--endpoint", "http://sms.example", "--auth", "token", "-o", "n.json"],
        &["export", "--task", "a", "--endpoint", &url, "--auth", "token", "-o", "n.json"],
        &["export", "--task", "a", "--endpoint", "embedded", "-o", "n.json", "--keep", "3"],
        &["export", "--task", "a", "--endpoint", "embedded", "-o", "n.json", "--waivers", "w.toml"],
        &["export", "--task", "a", "--endpoint", "embedded", "-o", "n.json", "--to", "https://x.example/1"],
        &["export", "--task", "a", "--endpoint", "embedded", "-o", "bad.csv/n.json"],
        &["export", "--task", "a", "--endpoint", "embedded", "-o", "r.json", "--resume"],
        &["export", "--task", "a", "--discover", "--endpoint", "embedded", "-o", "n.json"],
        &["--config", "c.toml", "doctor"],
        &["--config", "nosuch.toml", "doctor"],
        &["render", "j.jsonl", "-o", "n.json"],
        &["render", "r.journal.jsonl"],
        &["render", "r.journal.jsonl", "-o", "n.json", "--where", "wav=3"],
        &["render", "r.journal.jsonl", "-o", "n.xlsx", "--template", "standart"],
        &["diff", "r.journal.jsonl", "--previous"],
        &["history", "nosuch/"],
        &["verify", "r.xlsx"],
        &["deliver", "r.manifest.json"],
        &["merge", "r.journal.jsonl", "-o", "r.journal.jsonl"],
    ] {
        let token = arguments.contains(&"token").then_some(("SMS_AUTH_TOKEN", "t"));
        let variables: Vec<(&str, &str)> = LOCALE.into_iter().chain(token).collect();
        let failed = run_with(at, &variables, arguments);
        assert_ne!(failed.code, 0, "{arguments:?}");
        assert!(!failed.stderr.contains("error: "), "{}", failed.stderr);
        all += &format!("{}\n{}\n", arguments.join(" "), failed.stderr);
    }
    let all = all.replace(&url, "http://127.0.0.1:PORT");
    insta::assert_snapshot!(all);
}

#[test]
fn hostile_texts_are_escaped_in_chinese_too() {
    let folder = tempdir().unwrap();
    let hostile = "web\u{1b}[2J\u{202e}\nerror: forged; check the path: no response";
    let run = run_with(folder.path(), &LOCALE, &["render", hostile, "-o", "r.json"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(!run.stderr.trim_end().chars().any(is_hidden), "{:?}", run.stderr);
    assert!(run.stderr.contains("forged; check the path: no response："), "{}", run.stderr);
}
