//! Settings from a file.

use std::path::Path;

use crate::support::server::{Server, consistent};
use crate::support::{run, run_with};

fn write(folder: &Path, text: &str) {
    std::fs::write(folder.join("c.toml"), text).unwrap();
}

#[test]
fn command_line_overrides_environment_and_both_override_the_file() {
    let (of_file, of_flag) = (Server::start(|_, _| consistent()), Server::start(|_, _| consistent()));
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[profile.default]\nendpoint = '{}'\ntoken_file = 'missing'\noutput = ['r.csv', 'r.json']\nrate = '100/s'\n\
         concurrency = 2\nallow-http = true\ncontext = 'off'\nlisten = '127.0.0.1:0'\n[profile.raw]\nendpoint = '{}'\ncsv-raw = true\n",
        of_file.url(),
        of_file.url()
    );
    write(folder.path(), &text);
    let token = [("SMS_AUTH_TOKEN", "of-the-environment")];
    let exported =
        run_with(folder.path(), &token, &["export", "--context", "off", "--config", "c.toml", "--task", "a"]);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    assert_eq!(exported.stdout, "r.csv\nr.json\n");
    let seen = of_file.seen();
    assert_eq!(seen[0].header("x-auth-token"), Some("of-the-environment"));

    let exported = run(folder.path(), &["--config", "c.toml", "export", "--task", "a"]);
    assert_eq!(exported.code, 5, "the file's token file is used where there is no variable");
    assert!(exported.stderr.contains("missing"), "{}", exported.stderr);

    let url = of_flag.url();
    let arguments = [
        "--profile",
        "raw",
        "export",
        "--context",
        "off",
        "--config=c.toml",
        "--task",
        "a",
        "-o",
        "x.csv",
        "--endpoint",
        &url,
    ];
    let exported = run_with(folder.path(), &token, &arguments);
    assert_eq!((exported.code, exported.stdout.as_str()), (0, "x.csv\n"), "{}", exported.stderr);
    assert_eq!((of_file.seen().len(), of_flag.seen().len()), (1, 1));

    let region = [("HUAWEICLOUD_SDK_REGION_SMS_R_1", url.as_str()), token[0]];
    let arguments = ["export", "--config", "c.toml", "--task", "a", "--region", "r-1"];
    assert_eq!(run_with(folder.path(), &region, &arguments).code, 0);
    assert_eq!(of_flag.seen().len(), 2, "a region on the command line puts the file's endpoint aside");
}

#[test]
fn settings_that_conflict_with_the_command_line_are_ignored() {
    let folder = tempfile::tempdir().unwrap();
    for (text, more) in [
        ("no-journal = true", &["--task", "a", "--journal", "j.jsonl"][..]),
        ("journal = 'j.jsonl'", &["--task", "a", "--no-journal"]),
        ("reconcile = true", &["--discover"]),
        ("discover = true", &["--task", "6e1c7a52-93f4-4a0b-8d27-51b0c9e4f301"]),
    ] {
        write(folder.path(), &format!("[profile.default]\nendpoint = 'embedded'\n{text}\n"));
        let arguments = [&["export", "--config", "c.toml", "-o", "r.csv"][..], more].concat();
        let exported = run(folder.path(), &arguments);
        assert!([0, 3].contains(&exported.code), "{text}: {}", exported.stderr);
    }
}

#[test]
fn config_errors_are_reported_with_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let mut reported = String::new();
    for (text, more) in [
        ("[profile.default]\nrate = '5/s'\nrat = 1\n", vec![]),
        ("[profile.default]\npassword = 'x'\n", vec![]),
        ("[profile.default]\nrate = 1.5\n", vec![]),
        ("[profile.default]\nrate = 'fast'\n", vec![]),
        ("[profile.default]\nallow-http = 'yes'\n", vec![]),
        ("rate = '5/s'\n", vec![]),
        ("[profile.default\n", vec![]),
        ("[profile.night]\n[profile.day]\n", vec![]),
        ("", vec![]),
        ("[profile.default]\nendpoint = 'https://sms.example'\nregion = 'cn-north-4'\n", vec![]),
        ("[profile.night]\n", vec!["--profile", "noon"]),
    ] {
        write(folder.path(), text);
        let arguments = [&["tasks", "--endpoint", "embedded", "--config", "c.toml"][..], &more].concat();
        let listed = run(folder.path(), &arguments);
        assert_eq!(listed.code, 2, "{text}");
        reported += &format!("{text}{}\n", listed.stderr);
    }
    for arguments in [["--config", "none.toml"], ["--profile", "night"]] {
        let listed = run(folder.path(), &[&["tasks", "--endpoint", "embedded"][..], &arguments].concat());
        assert_eq!(listed.code, 2);
        reported += &listed.stderr;
    }
    insta::assert_snapshot!(reported);
}

#[test]
fn config_init_prints_a_file_that_is_valid() {
    let folder = tempfile::tempdir().unwrap();
    let init = run(folder.path(), &["config", "init"]);
    assert_eq!((init.code, init.stderr.as_str()), (0, ""));
    assert!(init.stdout.contains("\n[profile.default]\n") && init.stdout.contains("\n# rate = \"10/s\"\n"));
    let text = init.stdout.replace("# max-age = \"24h\"", "max-age = \"2h\"");
    write(folder.path(), &text);
    let shown = run(folder.path(), &["config", "show", "--config", "c.toml"]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    let line = shown.stdout.lines().find(|line| line.starts_with("max-age")).unwrap();
    assert!(line.starts_with("max-age = \"2h\" ") && line.contains("# c.toml:"), "{line}");
}

#[test]
fn config_show_names_the_source_of_every_setting() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[profile.night]\nregion = 'cn-north-4'\noutput = ['a.xlsx', 'b.json']\ncsv-raw = true\nfail-on = ['stale']\n";
    write(folder.path(), text);
    let environment = [("SMS_AUTH_TOKEN", "secret-token"), ("AWS_ENDPOINT_URL", "https://s3.example")];
    let show = |arguments: &[&str]| {
        run_with(
            folder.path(),
            &environment,
            &[&["--config", "c.toml", "config", "show"], arguments].concat(),
        )
    };
    let shown = show(&["--profile", "night"]);
    assert_eq!((shown.code, shown.stderr.as_str()), (0, ""), "{}", shown.stdout);
    let source = |key: &str| {
        let line = shown.stdout.lines().find(|line| line.starts_with(&format!("{key} = ")));
        line.unwrap_or_else(|| panic!("no {key}: {}", shown.stdout))
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(source("region"), "region = \"cn-north-4\" # c.toml:2:1");
    assert_eq!(source("output"), "output = [\"a.xlsx\", \"b.json\"] # c.toml:3:1");
    assert_eq!(source("csv-raw"), "csv-raw = true # c.toml:4:1");
    assert_eq!(source("rate"), "rate = \"10/s\" # default");
    assert_eq!(source("json"), "json = false # default");
    assert_eq!(source("token-file"), "token-file = \"set\" # environment variable SMS_AUTH_TOKEN");
    assert_eq!(
        source("s3-endpoint"),
        "s3-endpoint = \"https://s3.example\" # environment variable AWS_ENDPOINT_URL"
    );
    assert!(!shown.stdout.contains("secret-token"));
    assert!(toml::from_str::<toml::Table>(&shown.stdout).is_ok(), "{}", shown.stdout);
    let diff = show(&["diff", "--profile", "night"]);
    assert!(!diff.stdout.contains("stale"), "verdicts are no changes: {}", diff.stdout);
    for (arguments, words) in
        [(&["exprt"][..], "did you mean `export`?"), (&["--profile", "nigth"], "did you mean `night`?")]
    {
        let wrong = show(arguments);
        assert_eq!((wrong.code, wrong.stdout.as_str()), (2, ""));
        assert!(wrong.stderr.contains(words), "{}", wrong.stderr);
    }
}

#[test]
fn previous_in_the_file_applies_to_reports_and_not_to_diff() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "[profile.default]\nprevious = ''\nfail-on = ['worse']\n");
    let tasks = crate::support::sample_tasks();
    let exported = crate::support::export(folder.path(), &tasks, &["--config", "c.toml", "-o", "o.json"]);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    assert!(exported.stderr.contains("no earlier finished run"), "{}", exported.stderr);
    let journal = "o.journal.jsonl";
    let same = run(folder.path(), &["diff", journal, journal, "--config", "c.toml"]);
    assert_eq!(same.code, 0, "{}", same.stderr);
}
