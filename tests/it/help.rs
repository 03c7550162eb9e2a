//! The help: its examples run, and it has the exit codes and environment variables of the program.

use std::collections::BTreeSet;
use std::path::Path;

use clap::CommandFactory;
use cutover_report::cli::{Cli, Exit, VARIABLES};

use crate::doc_blocks::{Block, EARLIER_RUN, Mark, Scene, has_tools};
use crate::messages::literals;
use crate::support::{files, run};

/// What the examples read, beside the files that the pages' commands read.
const SETUP: &str = r#"
cutover-report -q export wave-3.csv --region ap-southeast-3 --shard 1/2 -o shard-1.xlsx
cutover-report -q export wave-3.csv --region ap-southeast-3 --shard 2/2 -o shard-2.xlsx
cp -r /srv/reports reports
cp reports/2026-11-20/wave-3.journal.jsonl monday.jsonl
cp reports/2026-11-21/wave-3.journal.jsonl tuesday.jsonl
cutover-report templates show compact > wave.toml
cutover-report config init > config.toml
id=$(sed -n 2p wave-3.csv | cut -d, -f1)
printf '{"task_id":"%s","consistency_result":[{"dir_check":"/etc","num_total_files":2,"num_different_files":0,"num_target_miss_files":0,"num_target_more_files":0}]}' "$id" > results.json
"#;

/// The names of all commands; the first is empty, for the program.
fn commands() -> Vec<String> {
    let program = Cli::command();
    let names = program.get_subcommands().map(|command| command.get_name().to_owned());
    std::iter::once(String::new()).chain(names).collect()
}

/// The long help of a command.
fn long_help(command: &str) -> String {
    let arguments: Vec<&str> = ["help", command].into_iter().filter(|word| !word.is_empty()).collect();
    run(Path::new("."), &arguments).stdout
}

/// The lines of a section of the long help.
fn section<'a>(help: &'a str, heading: &str) -> Vec<&'a str> {
    let lines = help.lines().skip_while(|line| *line != heading).skip(1);
    lines.take_while(|line| !line.is_empty()).collect()
}

/// The examples in the help of a command. A comment says which exit code they have, or that they run until stopped.
fn examples<'a>(command: &str, help: &'a str) -> Vec<Block<'a>> {
    let mut found: Vec<Block<'_>> = Vec::new();
    for line in section(help, "Examples:") {
        if let Some(what) = line.strip_prefix("  # ") {
            let code =
                what.split_once("exit code ").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
            let mark = match code {
                _ if what.contains("until stopped") => Mark::UntilStopped,
                code => Mark::Exit(code.unwrap_or(0)),
            };
            let place = format!("help {command}: {what}");
            found.push(Block { place, language: "sh", text: String::new(), mark });
        } else {
            let text = &mut found.last_mut().unwrap().text;
            text.push_str(line.trim_start());
            text.push('\n');
        }
    }
    found
}

#[test]
fn examples_of_the_help_run() {
    if !has_tools() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(folder.path(), false);
    scene.must(SETUP);
    let key = Block {
        place: "key".to_owned(),
        language: "sh",
        text: "export REDMINE_API_KEY=…\n".to_owned(),
        mark: Mark::Exit(0),
    };
    scene.play(&key).unwrap();
    let mut failures = Vec::new();
    let mut run = 0;
    for command in commands() {
        let help = long_help(&command);
        scene.must(EARLIER_RUN);
        for mut block in examples(&command, &help) {
            run += 1;
            block.text = block.text.replace("\\\n", "");
            if let Err(error) = scene.play(&block) {
                failures.push(format!("{}: {error}", block.place));
            }
        }
    }
    assert!(failures.is_empty(), "{} examples failed\n\n{}", failures.len(), failures.join("\n\n"));
    assert!(run >= 30, "only {run} examples were found");
}

#[test]
fn help_and_man_page_of_every_command_have_examples_and_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(folder.path(), &["man", "pages"]).code, 0);
    let pages = files(&folder.path().join("pages"));
    for command in commands().iter().filter(|command| *command != "help") {
        let help = long_help(command);
        let found = examples(command, &help);
        assert!(!found.is_empty() && found.iter().all(|block| !block.text.is_empty()), "{command}");
        assert!(section(&help, "Examples:").iter().all(|line| line.len() <= 80), "{command}");
        let codes = section(&help, "Exit codes:");
        assert!(codes.contains(&"  0    done"), "{command}: {codes:?}");

        let name = format!("cutover-report-{command}.1").replace("-.1", ".1");
        let page = String::from_utf8(pages[Path::new(&name)].clone()).unwrap();
        for heading in [".SH \"EXIT STATUS\"", ".SH EXAMPLES"] {
            assert!(page.contains(heading), "{name}: {heading}");
        }
        let first = found[0].text.lines().next().unwrap().replace('\\', "\\\\").replace('-', "\\-");
        assert!(page.contains(&first), "{name}: {first}");
    }
    let all: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
    let help = long_help("");
    let listed =
        section(&help, "Exit codes:").into_iter().map(|line| line.split_whitespace().next().unwrap());
    assert_eq!(listed.map(|code| code.parse::<u8>().unwrap()).collect::<Vec<_>>(), all);
}

#[test]
fn short_help_of_export_fits_two_screens() {
    let help = run(Path::new("."), &["export", "-h"]).stdout;
    assert!(help.lines().count() <= 60, "{} lines\n{help}", help.lines().count());
}

/// The names of all variables in the help.
fn variables() -> BTreeSet<&'static str> {
    VARIABLES.iter().flat_map(|variable| variable.names.split(", ")).collect()
}

/// Whether a text looks like the name of a variable of a family that the program has, as in `AWS_REGION`.
fn is_variable(text: &str) -> bool {
    let family = |name: &str| name.split('_').next().unwrap_or_default().to_owned();
    let families: BTreeSet<String> = variables().into_iter().map(family).collect();
    let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.contains('_') && text.chars().all(is_name) && families.contains(&family(text))
}

/// Variables for the command of `--on-finish`, which the program sets.
const SET: &str = "CUTOVER_REPORT_";
/// Parts of names.
const PREFIXES: [&str; 4] = ["HUAWEICLOUD_SDK", "CLOUD_SDK", "HUAWEICLOUD_SDK_REGION_SMS_", "_"];

#[test]
fn every_variable_that_the_program_reads_is_in_the_help() {
    let read: BTreeSet<String> = literals()
        .into_iter()
        .filter(|(path, _)| !path.ends_with("cli/environment.rs"))
        .flat_map(|(_, texts)| texts)
        .map(|text| text.trim_start_matches('$').to_owned())
        .collect();
    let listed = variables();
    let unlisted: Vec<&String> = read
        .iter()
        .filter(|text| is_variable(text) && !listed.contains(text.as_str()))
        .filter(|text| !PREFIXES.contains(&text.as_str()) && !text.starts_with(SET))
        .collect();
    assert!(unlisted.is_empty(), "not in the help: {unlisted:?}");
    // Names that are put together, or read by a library.
    let is_made = |name: &str| name.starts_with("CLOUD_SDK") || name.contains('<') || name == "TMPDIR";
    let unread: Vec<&&str> = listed.iter().filter(|name| !read.contains(**name) && !is_made(name)).collect();
    assert!(unread.is_empty(), "not read: {unread:?}");
}
