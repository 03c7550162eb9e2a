//! Terminal output: cleaned texts, working suggested commands, help, and settings.

use std::path::Path;
use std::process::Command;

use crate::support::server::{Server, Stalling, consistent, json};
use crate::support::{Run, end, run, run_with};
use assert_cmd::cargo::cargo_bin;
use cutover_report::model::is_hidden;
use tempfile::tempdir;

/// A terminal title, colours, C1 controls, a bidirectional override, an invisible character and two separators.
const HOSTILE: &str = "web\x1b]0;owned\x07\x1b[31m\u{9b}2J\u{202e}fdp\u{200b}\u{2028}\u{2029}\x7f";

fn is_clean(text: &str) -> bool {
    !text.chars().any(|c| is_hidden(c) && c != '\n')
}

/// The commands that a text suggests, between backticks.
fn suggested(text: &str) -> Vec<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|text| text.starts_with("cutover-report ")).map(str::to_owned).collect()
}

/// Runs a line as a user who pastes it into a shell.
fn paste(folder: &Path, line: &str) -> Run {
    let programs = cargo_bin("cutover-report").parent().unwrap().display().to_string();
    let path = format!("{programs}:/usr/bin:/bin");
    let mut shell = Command::new("bash");
    shell.current_dir(folder).env_clear().env("PATH", path).args(["-c", line]);
    shell.stdin(std::process::Stdio::null());
    shell.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    end(shell.spawn().unwrap())
}

#[test]
fn hostile_names_in_lists_and_paths_are_escaped_on_stderr_and_in_json() {
    let folder = tempdir().unwrap();
    let server = Server::start(move |_, _| json(500, format!("{{\"error_msg\":\"{HOSTILE}\"}}")));
    let list = serde_json::json!([{ "task_id": "a", "source_name": HOSTILE, HOSTILE: HOSTILE }]);
    std::fs::write(folder.path().join("l.json"), list.to_string()).unwrap();
    let output = format!("{HOSTILE}.json");
    let url = server.url();
    let fixed = ["export", "l.json", "--endpoint", &url, "--auth", "none", "--max-attempts", "1"];
    let exported = run(folder.path(), &[&fixed[..], &["-o", &output, "--json"]].concat());
    assert_eq!(exported.code, 3, "{}", exported.stderr);
    assert!(is_clean(&exported.stderr), "{:?}", exported.stderr);
    assert!(exported.stderr.contains(r"web\u{1b}]0;owned\u{7}"), "{}", exported.stderr);
    assert!(is_clean(&exported.stdout), "{:?}", exported.stdout);
    let document: serde_json::Value = serde_json::from_str(&exported.stdout).unwrap();
    assert!(document.to_string().contains("owned"), "the values are as they were");
    let written = run(folder.path(), &[&fixed[..], &["-o", &output, "--overwrite"]].concat());
    assert_eq!(written.stdout, format!("{output}\n"), "a pipe gets paths as they are");
}

#[test]
fn hostile_arguments_and_settings_are_escaped_in_errors() {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("c.toml"), "[profile.default]\n\"ra\\u001Bte\" = 1\n").unwrap();
    let newline = format!("{HOSTILE}\nerror: forged");
    for arguments in [
        &["export", "--task", "a", "-o", "r.json", "--rate", &newline][..],
        &["export", "--task", "a", "-o", "r.json", "--language", &newline],
        &["export", "--task", "a", "-o", &newline, "--endpoint", "embedded"],
        &["export", &newline, "-o", "r.json", "--endpoint", "embedded"],
        &["render", &newline, "-o", "r.json"],
        &[&newline],
        &["export", &format!("--{newline}")],
        &["verify", &newline],
        &["templates", "show", &newline],
        &["templates", "check", &newline],
        &["--config", &newline, "tasks"],
        &["--config", "c.toml", "tasks"],
        &["--config", "c.toml", "--profile", &newline, "tasks"],
    ] {
        let failed = run(folder.path(), arguments);
        assert!([1, 2].contains(&failed.code), "{arguments:?}: {}", failed.stderr);
        assert!(is_clean(&failed.stderr), "{arguments:?}: {:?}", failed.stderr);
        assert!(!failed.stderr.contains("\nerror: forged"), "{arguments:?}: {}", failed.stderr);
    }
}

#[test]
fn tasks_with_hostile_names_are_escaped_in_json_and_exact_in_piped_csv() {
    let folder = tempdir().unwrap();
    let name = HOSTILE.to_owned();
    let server = Server::start(move |seen, _| {
        let task = serde_json::json!({ "id": "t", "name": name, "state": "RUNNING",
                                       "source_server": { "id": "s", "name": name } });
        let tasks = if seen.query.contains("offset=0") { vec![task] } else { Vec::new() };
        json(200, serde_json::json!({ "count": 1, "tasks": tasks }).to_string())
    });
    let url = server.url();
    let list =
        |format| run(folder.path(), &["tasks", "--endpoint", &url, "--auth", "none", "--format", format]);
    let listed = list("json");
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    assert!(is_clean(&listed.stdout), "{:?}", listed.stdout);
    let document: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(document[0]["source_name"].as_str().map(str::trim), Some(HOSTILE.trim()));
    assert!(list("csv").stdout.contains(HOSTILE.trim()), "a pipe gets the data as it is");
}

#[test]
fn commands_suggested_after_an_interruption_can_be_pasted() {
    let folder = tempdir().unwrap();
    let tasks: String = (0..6).map(|n| format!("task-{n}\n")).collect();
    std::fs::write(folder.path().join("wave 1.csv"), format!("task_id\n{tasks}")).unwrap();
    let stalling = Stalling::after(2);
    let url = stalling.server.url();
    let mut command = Command::new(cargo_bin("cutover-report"));
    command.current_dir(folder.path()).env_clear();
    command.args(["export", "wave 1.csv", "--endpoint", &url, "--auth", "none", "--rate", "1000/s"]);
    command.args(["--concurrency", "1", "-o", "it's.json", "-o", "csv/", "--timezone", "Asia/Shanghai"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    stalling.stalled();
    crate::support::signal(&child, "-INT");
    let stopped = end(child);
    assert_eq!(stopped.code, 130, "{}", stopped.stderr);
    stalling.release();
    let commands = suggested(&stopped.stderr);
    let [resume, render] = &commands[..] else { panic!("two commands: {}", stopped.stderr) };

    let rendered = paste(folder.path(), render);
    assert_eq!(rendered.code, 3, "{render}: {}", rendered.stderr);
    assert_eq!(rendered.stdout, "it's.json\ncsv/\n");
    let [from_render] = &suggested(&rendered.stderr)[..] else { panic!("a command: {}", rendered.stderr) };
    assert!(from_render.contains("--resume"), "{from_render}");

    // The same command again reports the unfinished journal.
    let again = run(
        folder.path(),
        &["export", "wave 1.csv", "--endpoint", &url, "--auth", "none", "-o", "it's.json", "-o", "csv/"],
    );
    assert_eq!(again.code, 1, "{}", again.stderr);
    assert_eq!(suggested(&again.stderr).len(), 2, "{}", again.stderr);

    let resumed = paste(folder.path(), resume);
    assert_eq!(resumed.code, 0, "{resume}: {}", resumed.stderr);
    assert_eq!(resumed.stdout, "it's.json\ncsv/\n");
}

#[test]
fn list_from_stdin_is_resumed_from_the_journal() {
    let folder = tempdir().unwrap();
    let server = Server::start(|_, _| consistent());
    let header = serde_json::json!({ "format": 1, "tool": "cutover-report 0.1.0",
        "started_at": "2026-11-21T00:00:00Z", "endpoint": server.url(),
        "list": { "tasks": [{ "task_id": "a" }, { "task_id": "b" }] } });
    std::fs::write(folder.path().join("j.jsonl"), format!("{header}\n")).unwrap();
    let url = server.url();
    let fixed = ["export", "-o", "r.json", "--endpoint", &url, "--auth", "none"];
    let none = run(folder.path(), &[&fixed[..], &["--resume", "--journal", "none.jsonl"]].concat());
    assert_eq!(none.code, 2, "{}", none.stderr);
    assert!(none.stderr.contains("no tasks"), "{}", none.stderr);
}

#[test]
fn failed_output_suggests_a_working_command() {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("out"), "in the way").unwrap();
    let arguments = ["export", "--task", "a", "--endpoint", "embedded", "-o", "s.csv", "-o", "out/r.json"];
    let failed = run(folder.path(), &arguments);
    assert_eq!(failed.code, 1, "{}", failed.stderr);
    std::fs::remove_file(folder.path().join("out")).unwrap();
    let commands = suggested(&failed.stderr);
    let render = commands.iter().find(|command| command.contains(" render ")).unwrap();
    let rendered = paste(folder.path(), render);
    assert_eq!(rendered.stdout, "s.csv\nout/r.json\n", "{render}: {}", rendered.stderr);
}

#[test]
fn command_line_errors_are_explained() {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("j.jsonl"), "{}\n").unwrap();
    std::fs::write(folder.path().join("r.manifest.json"), "{}\n").unwrap();
    std::fs::write(folder.path().join("r.xlsx"), "PK\x03\x04").unwrap();
    let mut all = String::new();
    for arguments in [
        &["export", "--task", "a", "-o", "r.json", "--concurrency", "0"][..],
        &["export", "--task", "a", "-o", "r.json", "--max-attempts", "-1"],
        &["export", "--task", "a", "-o", "r.json", "--fail-on", "stale", "inconsistent"],
        &["render", "j.jsonl", "-o", "r.json", "--fail-on", "stale", "inconsistent"],
        &["render", "j.jsonl", "-o", "r.json", "--fail-on", "inconsistant"],
        &["render", "j.jsonl", "-o", "r.json", "--language", "de"],
        &["render", "j.jsonl", "-o", "r.json", "--template", "standart"],
        &["export", "--task", "a", "-o", "r.json", "--concurency", "3"],
        &["export", "--task", "a", "-o", "r.json", "--nosuch"],
        &["export", "--task", "a", "-o", "r.json", "--endpoint", "embedded", "--region", "cn-north-4"],
        &["tasks", "--state", "FOO", "--endpoint", "embedded"],
        &["verify", "j.jsonl"],
        &["verify", "r.xlsx"],
        &["--config", "nosuch.toml", "tasks"],
    ] {
        let failed = run(folder.path(), arguments);
        assert_eq!(failed.code, 2, "{arguments:?}: {}", failed.stderr);
        all += &format!("{}\n{}\n", arguments.join(" "), failed.stderr);
    }
    insta::assert_snapshot!(all);
}

#[test]
fn doctor_without_credentials_checks_the_network() {
    let folder = tempdir().unwrap();
    let server = Server::start(|_, _| json(401, r#"{"error_code":"APIGW.0301","error_msg":"no token"}"#));
    let checked = run(folder.path(), &["doctor", "--endpoint", &server.url(), "--auth", "token"]);
    assert_eq!(checked.code, 5, "{}{}", checked.stdout, checked.stderr);
    assert!(checked.stdout.contains("FAIL  credentials"), "{}", checked.stdout);
    assert!(checked.stdout.contains("ok    network"), "{}", checked.stdout);
    let checked = run(folder.path(), &["doctor", "--endpoint", "http://127.0.0.1:9", "--auth", "token"]);
    assert!(checked.stdout.contains("FAIL  network"), "{}", checked.stdout);
}

#[test]
fn help_has_headings_one_line_options_and_no_empty_defaults() {
    let folder = tempdir().unwrap();
    let help = run(folder.path(), &["help", "export"]);
    assert_eq!((help.code, help.stderr.as_str()), (0, ""));
    let short = run(folder.path(), &["export", "-h"]).stdout;
    let headings: Vec<&str> =
        short.lines().filter(|line| line.ends_with(':') && !line.starts_with(' ')).collect();
    let wanted = [
        "Arguments:",
        "Options:",
        "Tasks:",
        "Outputs:",
        "Report:",
        "Delivery:",
        "Connection:",
        "Credentials:",
        "Rate and retries:",
        "Resume and shards:",
        "Logging:",
        "Global options:",
    ];
    assert_eq!(headings, wanted, "{short}");
    for command in ["export", "render", "serve", "diff", "doctor", "tasks"] {
        let help = run(folder.path(), &[command, "--help"]).stdout;
        assert!(!help.contains("[default: ]") && !help.contains("[default: 0]"), "{help}");
        assert!(run(folder.path(), &["help", command]).stdout.contains("Usage:"), "{command}");
    }
}

#[test]
fn completion_offers_the_values_of_options() {
    let folder = tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(folder.path(), &["completions", shell]).stdout;
        for value in ["not_verified", "zh", "signoff", "ap-southeast-3", "SYNCING"] {
            assert!(script.contains(value), "{shell}: {value}");
        }
    }
}

#[test]
fn config_file_is_found_by_option_then_variable_then_usual_place() {
    let folder = tempdir().unwrap();
    let home = folder.path().join("home/.config/cutover-report");
    let xdg = folder.path().join("xdg/cutover-report");
    for place in [&home, &xdg] {
        std::fs::create_dir_all(place).unwrap();
    }
    let write = |path: &Path, output: &str| {
        let text = format!("[profile.default]\nendpoint = 'embedded'\noutput = '{output}'\njson = true\n");
        std::fs::write(path, text).unwrap();
    };
    write(&home.join("config.toml"), "home.json");
    write(&xdg.join("config.toml"), "xdg.json");
    write(&folder.path().join("v.toml"), "variable.json");
    write(&folder.path().join("o.toml"), "option.json");
    let (home, xdg) = (folder.path().join("home"), folder.path().join("xdg"));
    let home = ("HOME", home.to_str().unwrap());
    let xdg = ("XDG_CONFIG_HOME", xdg.to_str().unwrap());
    let variable = ("CUTOVER_REPORT_CONFIG", "v.toml");
    for (variables, more, written) in [
        (&[home][..], &[][..], "home.json"),
        (&[home, ("XDG_CONFIG_HOME", "relative")], &[], "home.json"),
        (&[home, xdg], &[], "xdg.json"),
        (&[home, xdg, variable], &[], "variable.json"),
        (&[home, xdg, variable], &["--config", "o.toml"], "option.json"),
        (&[home, xdg, variable], &["-o", "flag.json"], "flag.json"),
    ] {
        let fixed = ["export", "--task", "a", "--json=false"];
        let exported = run_with(folder.path(), variables, &[&fixed[..], more].concat());
        assert_eq!(exported.stdout, format!("{written}\n"), "{}", exported.stderr);
        let as_json =
            run_with(folder.path(), variables, &[&["export", "--task", "a", "--overwrite"], more].concat());
        assert!(as_json.stdout.starts_with('{'), "{}", as_json.stderr);
    }
    let missing = run_with(folder.path(), &[("CUTOVER_REPORT_CONFIG", "none.toml")], &["tasks"]);
    assert_eq!(missing.code, 2);
    assert!(missing.stderr.contains("check $CUTOVER_REPORT_CONFIG"), "{}", missing.stderr);
}
