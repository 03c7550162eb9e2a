//! The tables of the reference and of the page of formats have what the program defines, and nothing else. The Chinese
//! pages are compared with the English ones in `docs.rs`.

use std::collections::BTreeSet;
use std::path::Path;

use clap::{Arg, Command, CommandFactory};
use cutover_report::cli::{Cli, Exit, Topic, VARIABLES};
use cutover_report::model::Language;
use cutover_report::report::{DETAIL, REASON, SUMMARY, WAIVER};
use cutover_report::service::Faults;
use cutover_report::tasks::suffixes;
use serde_json::Value;

use crate::docs::{code, page, tables};
use crate::support::{export, run, sample_tasks};

type Table = Vec<Vec<String>>;
type Names = BTreeSet<String>;

/// A table of the reference, by its heading and its place below it.
fn reference(heading: &str, number: usize) -> Table {
    tables(&page("docs/reference.md"), heading).swap_remove(number)
}

/// A table of the page of formats.
fn formats(heading: &str, number: usize) -> Table {
    tables(&page("docs/formats.md"), heading).swap_remove(number)
}

/// What the cells of a column have in backquotes.
fn names(table: &Table, column: usize) -> Names {
    table.iter().flat_map(|row| code(&row[column])).collect()
}

fn set<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Names {
    names.into_iter().map(|name| name.as_ref().to_owned()).collect()
}

fn command(name: &str) -> Command {
    let mut program = Cli::command();
    program.build();
    program.find_subcommand(name).unwrap().clone()
}

/// The values that an option of `export` takes.
fn values(option: &str) -> Names {
    let command = command("export");
    let option = command.get_arguments().find(|arg| arg.get_long() == Some(option)).unwrap();
    option.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect()
}

#[test]
fn tables_of_task_lists_have_every_suffix_and_headings_that_are_recognized() {
    let documented = names(&reference("Task lists", 0), 0);
    let documented: Names = documented.into_iter().filter(|name| name.starts_with('.')).collect();
    assert_eq!(documented, suffixes().map(|suffix| format!(".{suffix}")).collect());

    let folder = tempfile::tempdir().unwrap();
    let fields = reference("Task lists", 1);
    assert_eq!(names(&fields, 0), set(["task_id", "source_id", "source_name", "ip"]));
    for row in &fields {
        let field = &code(&row[0])[0];
        let value = match field.as_str() {
            "task_id" => "6e1c7a52-93f4-4a0b-8d27-51b0c9e4f301",
            "source_id" => "b2d90c14-7f35-4e68-a1c0-3d5e8f724a01",
            "source_name" => "web-prod-01",
            _ => "10.0.0.1",
        };
        let others = row[1].split([',', ';']).map(|heading| heading.trim().to_owned());
        for heading in others.chain([field.clone()]) {
            let plan = format!("{heading}\n{value}\n");
            std::fs::write(folder.path().join("plan.csv"), plan).unwrap();
            let matched = run(
                folder.path(),
                &["tasks", "--match", "plan.csv", "--endpoint", "embedded", "--rate", "1000/s"],
            );
            assert_eq!(matched.code, 0, "{heading}: {}", matched.stderr);
        }
    }
}

#[test]
fn tables_of_option_values_have_every_value() {
    assert_eq!(names(&reference("Context of tasks", 0), 0), values("context"));
    assert_eq!(names(&reference("Credentials", 0), 0), values("auth"));
    let systems = reference("Delivery", 0);
    assert_eq!(names(&systems, 0), values("ticket-system"));
    let secrets = VARIABLES.iter().filter(|variable| variable.topic == Topic::Delivery);
    assert_eq!(names(&systems, 2), set(secrets.flat_map(|variable| variable.names.split(", "))));
}

#[test]
fn table_of_outputs_has_every_suffix() {
    let folder = tempfile::tempdir().unwrap();
    let refused = run(folder.path(), &["export", "--task", "a", "--endpoint", "embedded", "-o", "x.doc"]);
    let offered = refused.stderr.split([' ', ',']).filter(|word| word.starts_with('.') && word.len() > 2);
    let offered: Names = offered.map(str::to_owned).chain(["/".to_owned()]).collect();
    let documented: Names = names(&reference("Outputs", 0), 0)
        .iter()
        .map(|name| name.trim_start_matches('X').to_owned())
        .collect();
    assert_eq!(documented, offered, "{}", refused.stderr);
}

#[test]
fn table_of_connection_has_every_option_with_its_default() {
    let command = command("export");
    let is_of = |arg: &&Arg| matches!(arg.get_help_heading(), Some("Connection" | "Rate and retries"));
    let mut expected = Names::new();
    for arg in command.get_arguments().filter(is_of) {
        let default = arg.get_default_values().first().and_then(|value| value.to_str());
        let default = default.filter(|_| arg.get_action().takes_values()).unwrap_or_default();
        expected.insert(format!("--{} {default}", arg.get_long().unwrap()));
    }
    let mut documented = Names::new();
    for row in reference("Connection", 0) {
        let options = code(&row[0]);
        let defaults: Vec<&str> = row[1].split(", ").map(|default| default.trim_matches('`')).collect();
        for (number, option) in options.iter().enumerate() {
            let option = option.split(' ').next().unwrap_or_default();
            let default = defaults.get(number).copied().unwrap_or_default();
            documented.insert(format!("{option} {default}"));
        }
    }
    // It belongs to the credentials, and its default is no value.
    documented.remove("--auth first available");
    assert_eq!(documented, expected);
}

#[test]
fn tables_of_exit_codes_have_every_code_with_its_meaning() {
    let of = |exit: Exit| (exit.code().to_string(), exit.meaning().to_owned());
    let (signals, others): (Vec<Exit>, Vec<Exit>) = Exit::ALL.into_iter().partition(|exit| exit.code() > 128);
    let mut expected: Vec<_> = others.into_iter().map(of).collect();
    let codes: Vec<String> = signals.iter().map(|exit| exit.code().to_string()).collect();
    expected.push((codes.join(", "), "stopped by SIGHUP, SIGINT, SIGTERM; the journal is kept".to_owned()));
    let readme = tables(&page("README.md"), "Exit codes").remove(0);
    let documented: Vec<_> = readme.iter().map(|row| (row[0].clone(), row[1].replace('`', ""))).collect();
    assert_eq!(documented, expected);
    let short = |table: &Table| table.iter().map(|row| row[0].replace('、', ", ")).collect::<Vec<_>>();
    for (name, heading) in [
        ("docs/reference.md", "Exit codes"),
        ("docs/zh/reference.md", "退出码"),
        ("README.zh-CN.md", "退出码"),
    ] {
        assert_eq!(short(&tables(&page(name), heading)[0]), short(&readme), "{name}");
    }
}

#[test]
fn table_of_the_environment_has_every_variable() {
    for (name, heading) in [("docs/reference.md", "Environment"), ("docs/zh/reference.md", "环境变量")] {
        let table = tables(&page(name), heading).remove(0);
        let all = VARIABLES.iter().flat_map(|variable| variable.names.split(", "));
        assert_eq!(names(&table, 1), set(all), "{name}");
    }
}

#[test]
fn table_of_faults_has_every_kind() {
    let documented = names(&reference("Faults of the embedded service", 0), 0);
    for example in &documented {
        assert!(example.parse::<Faults>().is_ok(), "{example}");
    }
    let kinds: Names =
        documented.iter().map(|example| example.split('=').next().unwrap().to_owned()).collect();
    let serve = command("serve");
    let help = serve.get_arguments().find(|arg| arg.get_long() == Some("faults")).unwrap();
    let help = help.get_long_help().unwrap().to_string();
    let (_, offered) = help.split_once("Kinds: ").unwrap();
    let offered = offered.split('.').next().unwrap().split(", ").map(|kind| kind.split(':').next().unwrap());
    let offered = offered.map(|kind| if kind.starts_with("any ") { "500" } else { kind });
    assert_eq!(kinds, set(offered));
}

#[test]
fn tables_of_columns_have_every_column_with_its_key() {
    let summary = SUMMARY.iter().chain([REASON]).map(|column| (column.heading, column.key));
    let task = DETAIL.iter().chain([WAIVER]).map(|column| (column.heading, column.key));
    for (number, expected) in [summary.collect::<Vec<_>>(), task.collect()].into_iter().enumerate() {
        let table = formats("Columns", number);
        let documented: Vec<_> =
            table.iter().map(|row| (code(&row[0]).remove(0), code(&row[1]).remove(0))).collect();
        let expected: Vec<_> =
            expected.iter().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect();
        assert_eq!(documented, expected);
        let chinese = tables(&page("docs/zh/formats.md"), "列").swap_remove(number);
        for (row, (heading, _)) in chinese.iter().zip(&expected) {
            assert_eq!(row[0], format!("`{heading}`（{}）", Language::Chinese.heading(heading)));
        }
    }
}

/// The keys of an object.
fn keys(value: &Value) -> Names {
    value.as_object().unwrap().keys().cloned().collect()
}

fn json(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

#[test]
fn tables_of_json_have_every_key() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let waivers = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/waivers.toml");
    let options = ["-q", "--reconcile", "--waivers", waivers, "-o", "r.json"];
    export(at, &sample_tasks(), &options);
    export(at, &sample_tasks(), &[&options[..], &["--previous"]].concat());
    let whole = json(at, "r.json");
    run(at, &["-q", "render", "r.journal.jsonl", "--only", "not-passing", "-o", "part.json"]);
    let written: Names = keys(&whole).union(&keys(&json(at, "part.json"))).cloned().collect();
    assert_eq!(names(&formats("Summary as JSON", 0), 0), written);
    let columns = names(&formats("Columns", 0), 1);
    let task: Names = names(&formats("Summary as JSON", 1), 0).union(&columns).cloned().collect();
    assert_eq!(task, keys(&whole["tasks"][0]));

    assert_eq!(run(at, &["-q", "history", "r.journal.jsonl", "-o", "h.json"]).code, 0);
    let history = json(at, "h.json");
    assert_eq!(names(&formats("History as JSON", 0), 0), keys(&history["tasks"][0]));
    assert_eq!(names(&formats("History as JSON", 1), 0), keys(&history["nights"][0]));
}
