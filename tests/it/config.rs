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
    let mut told = String::new();
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
        told += &format!("{text}{}\n", listed.stderr);
    }
    for arguments in [["--config", "none.toml"], ["--profile", "night"]] {
        let listed = run(folder.path(), &[&["tasks", "--endpoint", "embedded"][..], &arguments].concat());
        assert_eq!(listed.code, 2);
        told += &listed.stderr;
    }
    insta::assert_snapshot!(told);
}
