//! Task lists and outputs on `s3://`, by the real program against an S3 server.

use std::path::Path;
use std::time::Duration;

use crate::support::s3::{S3, SECRET};
use crate::support::server::{Server, consistent};
use crate::support::{csv, end, files, journal, sample_tasks, signal, until};
use serde_json::Value;
use tempfile::tempdir;

#[test]
fn remote_outputs_equal_local_outputs() {
    let folder = tempdir().unwrap();
    let s3 = S3::start();
    let kinds = ["r.xlsx", "csv/", "r.zip", "r.csv", "r.json", "r.prom", "r.md", "copy.jsonl"];
    let places = |at: &str| -> Vec<String> { kinds.iter().map(|kind| format!("{at}{kind}")).collect() };
    let options = |places: &[String]| -> Vec<String> {
        places.iter().flat_map(|place| ["-o".to_owned(), place.clone()]).collect()
    };
    let there = places("s3://b/wave 3/{date}/");
    let there = options(&there);
    let there: Vec<&str> = there.iter().map(String::as_str).collect();
    let exported = s3.export(folder.path(), &there);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    S3::assert_clean(folder.path());
    let date = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let prefix = format!("s3://b/wave 3/{date}/");
    // The ticket comes last, because it lists the others.
    let mut expected = places(&prefix);
    expected.swap(6, 7);
    assert_eq!(exported.stdout.lines().collect::<Vec<_>>(), expected);
    assert!(exported.stderr.contains(&format!("journal: {prefix}r.journal.jsonl\n")), "{}", exported.stderr);
    assert!(exported.stderr.contains(&format!("manifest: {prefix}r.manifest.json\n")), "{}", exported.stderr);

    // The remote journal gives the same bytes.
    let journal = format!("{prefix}r.journal.jsonl");
    let here = options(&places("here/"));
    let here: Vec<&str> = here.iter().map(String::as_str).collect();
    let rendered = s3.run(folder.path(), &[&["render", &journal], &here[..]].concat());
    assert_eq!(rendered.code, 0, "{}", rendered.stderr);
    let mut compared = 0;
    for (path, content) in files(&folder.path().join("here")) {
        if path == Path::new("r.manifest.json") {
            continue;
        }
        let key = format!("wave 3/{date}/{}", path.display());
        assert!(s3.get(&key) == Some(content), "{key}");
        compared += 1;
    }
    let own = ["r.journal.jsonl", "r.manifest.json"].map(|name| format!("wave 3/{date}/{name}"));
    assert_eq!(s3.keys().len(), compared + own.len(), "{:?}", s3.keys());

    let manifest = format!("{prefix}r.manifest.json");
    let verified = s3.run(folder.path(), &["verify", &manifest]);
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
    assert!(verified.stdout.contains(&format!("ok {prefix}csv/tasks/")), "{}", verified.stdout);
    s3.put(&format!("wave 3/{date}/r.csv"), "what somebody else wrote");
    let verified = s3.run(folder.path(), &["verify", &manifest]);
    assert_eq!(verified.code, 1);
    assert!(verified.stdout.contains(&format!("changed {prefix}r.csv: ")), "{}", verified.stdout);
    S3::assert_clean(folder.path());
}

#[test]
fn failed_remote_output_keeps_old_object_and_other_outputs() {
    let folder = tempdir().unwrap();
    let s3 = S3::start();
    s3.put("r.xlsx", "old");
    s3.refuse(S3::puts_of("r.xlsx"));
    let outputs = ["-o", "s3://b/r.xlsx", "-o", "s3://b/r.json", "-o", "here.csv"];
    let run = s3.export(folder.path(), &outputs);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("error: s3://b/r.xlsx: HTTP 503 Service Unavailable: Fault: As the test says; an existing file is unchanged"), "{}", run.stderr);
    assert_eq!(run.stdout, "s3://b/r.json\nhere.csv\n");
    assert_eq!(s3.text("r.xlsx"), "old");
    let manifest: Value = serde_json::from_str(&s3.text("r.manifest.json")).unwrap();
    assert_eq!((&manifest["complete"], &manifest["failed"]), (&false.into(), &serde_json::json!(["r.xlsx"])));
    // The local output has its absolute path.
    let named = folder.path().canonicalize().unwrap().join("here.csv");
    assert_eq!(manifest["files"][2]["path"], named.to_str().unwrap());
    assert_eq!(manifest["files"][0]["path"], "r.journal.jsonl");
    assert!(folder.path().join("here.csv").exists());
    S3::assert_clean(folder.path());

    s3.refuse(|_| None);
    let rendered = s3.run(folder.path(), &["render", "s3://b/r.journal.jsonl", "-o", "s3://b/r.xlsx"]);
    assert_eq!(rendered.code, 0, "{}", rendered.stderr);
    assert!(s3.get("r.xlsx").unwrap().starts_with(b"PK"));
}

#[test]
fn failed_multipart_upload_is_aborted() {
    let folder = tempdir().unwrap();
    let s3 = S3::start();
    let large = "x".repeat(3 << 20);
    let answers: Vec<_> = (0..6).map(|n| journal::answer(&[&format!("/{n}/{large}")])).collect();
    let tasks: Vec<_> = answers.into_iter().map(|answer| ("web", answer)).collect();
    journal::journal(folder.path(), &tasks);
    let whole = std::fs::read(folder.path().join("j.jsonl")).unwrap();
    let render = |out: &str| s3.run(folder.path(), &["render", "j.jsonl", "-o", out]);

    s3.put("copy.jsonl", "old");
    s3.refuse(|seen| seen.query.contains("partNumber=2").then_some(500));
    let run = render("s3://b/copy.jsonl");
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("s3://b/copy.jsonl: HTTP 500"), "{}", run.stderr);
    assert_eq!((s3.text("copy.jsonl").as_str(), s3.unfinished()), ("old", 0));

    s3.refuse(|_| None);
    assert_eq!(render("s3://b/copy.jsonl").code, 0);
    assert!(s3.get("copy.jsonl").unwrap() == whole);
    let parts = s3.requests().iter().filter(|request| request.contains("partNumber=3")).count();
    assert_eq!(parts, 1);
    // Download it again.
    let run = s3.run(folder.path(), &["render", "s3://b/copy.jsonl", "-o", "back.jsonl"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(std::fs::read(folder.path().join("back.jsonl")).unwrap() == whole);

    // A signal aborts the upload too.
    s3.refuse(|seen| {
        if seen.query.contains("partNumber=2") {
            std::thread::sleep(Duration::from_secs(1));
        }
        None
    });
    s3.put("copy.jsonl", "old");
    let child = s3.start_run(folder.path(), &[], &["render", "j.jsonl", "-o", "s3://b/copy.jsonl"]);
    let sends_second = |request: &String| request.contains("partNumber=2");
    let before = s3.requests().iter().filter(|request| sends_second(request)).count();
    until(|| s3.requests().iter().filter(|request| sends_second(request)).count() > before);
    signal(&child, "-TERM");
    assert_eq!(end(child).code, 143);
    assert_eq!((s3.text("copy.jsonl").as_str(), s3.unfinished()), ("old", 0));
    S3::assert_clean(folder.path());
}

#[test]
fn stale_objects_are_removed_and_foreign_objects_kept() {
    let folder = tempdir().unwrap();
    let s3 = S3::start();
    let run = s3.export(
        folder.path(),
        &["--journal", "j.jsonl", "-o", "s3://b/csv/", "-o", "s3://b/w.xlsx", "--max-sheets", "5"],
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    let part = |number| format!("w.part-00{number}.xlsx");
    assert!((1..=3).all(|number| s3.get(&part(number)).is_some()), "{:?}", s3.keys());
    let of_tasks = |keys: &[String]| keys.iter().filter(|key| key.starts_with("csv/tasks/")).count();
    assert_eq!(of_tasks(&s3.keys()), 12);
    s3.put("csv/tasks/notes.csv", "somebody's,notes\n");
    s3.put("csv/deeper/tasks/x.csv", s3.text("csv/results.csv"));
    s3.put("csv-2/tasks/x.csv", s3.text("csv/results.csv"));
    s3.put("w.part-009.xlsx", "no workbook");

    let rows = csv(Path::new(&sample_tasks()));
    let few: Vec<String> = rows.iter().take(4).map(|row| row[0].clone()).collect();
    std::fs::write(folder.path().join("few.csv"), few.join("\n")).unwrap();
    let fixed = ["export", "few.csv", "--endpoint", "embedded", "--rate", "1000/s", "--journal", "k.jsonl"];
    let outputs = ["-o", "s3://b/csv/", "-o", "s3://b/w.xlsx", "--max-sheets", "2"];
    let run = s3.run(folder.path(), &[&fixed[..], &outputs].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    let keys = s3.keys();
    let foreign = ["csv-2/tasks/x.csv", "csv/deeper/tasks/x.csv", "csv/tasks/notes.csv", "w.part-009.xlsx"];
    assert!(foreign.iter().all(|key| keys.iter().any(|there| there == key)), "{keys:?}");
    assert_eq!(of_tasks(&keys), 3 + 1);
    assert!(s3.get(&part(2)).is_some() && s3.get(&part(3)).is_none(), "{keys:?}");
    S3::assert_clean(folder.path());
}

#[test]
fn metrics_continue_from_the_existing_object() {
    let folder = tempdir().unwrap();
    let s3 = S3::start();
    assert_eq!(s3.export(folder.path(), &["-o", "s3://b/m.prom"]).code, 0);
    let success = |text: &str| {
        let mut lines = text.lines().filter(|line| line.starts_with("cutover_report_last_success_timestamp"));
        lines.next().unwrap().to_owned()
    };
    let first = success(&s3.text("m.prom"));
    let journal = s3.text("m.journal.jsonl");
    let unfinished: Vec<&str> = journal.lines().take(5).collect();
    s3.put("unfinished.jsonl", unfinished.join("\n") + "\n");
    let run = s3.run(folder.path(), &["render", "s3://b/unfinished.jsonl", "-o", "s3://b/m.prom"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(s3.text("m.prom").contains("last_run_success{report=\"m\"} 0"));
    assert_eq!(success(&s3.text("m.prom")), first);
}

#[test]
fn remote_journals_waivers_and_diffs_are_read_and_written() {
    let folder = tempdir().unwrap();
    let s3 = S3::start();
    let tasks = std::fs::read(sample_tasks()).unwrap();
    s3.put("plan/tasks.csv", tasks);
    s3.put("waivers.toml", "[[waiver]]\nmax_missing = 99999999\nmax_redundant = 99999999\nmax_different = 99999999\nreason = \"all\"\n");
    let fixed = ["export", "s3://b/plan/tasks.csv", "--endpoint", "embedded", "--rate", "1000/s"];
    for more in [&["-o", "s3://b/1.json"][..], &["-o", "s3://b/2.json", "--waivers", "s3://b/waivers.toml"]] {
        let run = s3.run(folder.path(), &[&fixed[..], more].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    assert!(s3.text("2.json").contains("\"accepted\""));
    let outputs = ["-o", "s3://b/c.xlsx", "-o", "s3://b/c.csv", "-o", "s3://b/c.json", "-o", "s3://b/c.md"];
    let run = s3.run(
        folder.path(),
        &[&["diff", "s3://b/1.journal.jsonl", "s3://b/2.journal.jsonl"], &outputs[..]].concat(),
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.stdout, "s3://b/c.xlsx\ns3://b/c.csv\ns3://b/c.json\ns3://b/c.md\n");
    assert_eq!(s3.keys().iter().filter(|key| key.starts_with("c.")).count(), 4);

    s3.put("bad.csv", "task_id\n\u{1}\n");
    let run =
        s3.run(folder.path(), &[&["export", "s3://b/bad.csv"], &fixed[2..], &["-o", "x.json"]].concat());
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("s3://b/bad.csv:2: "), "{}", run.stderr);
}

#[test]
fn invalid_arguments_are_reported_before_fetching() {
    let folder = tempdir().unwrap();
    let s3 = S3::start();
    s3.put("there.json", "{}");
    let service = Server::start(|_, _| consistent());
    let url = service.url();
    let tasks = sample_tasks();
    let fixed = ["export", tasks.as_str(), "--endpoint", url.as_str(), "--auth", "none"];
    let reported = |variables: &[(&str, &str)], more: &[&str]| {
        let run = s3.run_with(folder.path(), variables, &[&fixed[..], more].concat());
        assert!(!run.stderr.contains(SECRET) && !run.stderr.contains("wrong-secret"), "{}", run.stderr);
        format!("{} {}", run.code, run.stderr.replace(&s3.url(), "URL"))
    };
    let out = ["-o", "s3://b/r.json"];
    let cases = [
        reported(&[("AWS_SECRET_ACCESS_KEY", "wrong-secret")], &out),
        reported(&[("AWS_ACCESS_KEY_ID", "AKIDOFNOBODY")], &out),
        reported(&[("AWS_ACCESS_KEY_ID", "")], &out),
        reported(&[], &["-o", "s3://nobucket/r.json"]),
        reported(&[], &["-o", "s3://b"]),
        reported(&[], &["-o", "s3://b/"]),
        reported(&[], &["--journal", "j.jsonl", "-o", "s3://b/a/../r.json"]),
        reported(&[], &["--s3-endpoint", "http://me:wrong-secret@127.0.0.1:1", "-o", "s3://b/r.json"]),
        reported(&[], &["-o", "s3://b/j.jsonl", "-o", "s3://b/j.jsonl"]),
        reported(&[], &["--journal", "s3://b/r.json", "-o", "s3://b/r.json"]),
        reported(&[], &["--journal", "s3://b/there.json", "-o", "s3://b/r.json"]),
        reported(&[], &["--resume", "--journal", "s3://b/there.json", "-o", "s3://b/r.json"]),
    ];
    insta::assert_snapshot!(cases.join(""));
    let missing = ["render", "s3://b/no.jsonl", "-o", "s3://b/r.json"];
    let missing = s3.run(folder.path(), &missing);
    assert_eq!(
        (missing.code, missing.stderr.as_str()),
        (1, "error: s3://b/no.jsonl: the object does not exist\n")
    );
    assert_eq!(service.seen().len(), 0, "nothing was fetched");
    assert_eq!(s3.keys(), ["there.json"]);
    S3::assert_clean(folder.path());

    // An unreachable server, and the option that overrides the variable.
    let gone = ["--s3-endpoint", "http://127.0.0.1:1", "render", "s3://b/no.jsonl", "-o", "x.json"];
    let gone = s3.run(folder.path(), &gone);
    assert_eq!(gone.code, 1);
    assert!(gone.stderr.contains("s3://b/no.jsonl: ") && gone.stderr.contains("refused"), "{}", gone.stderr);
}

#[test]
fn s3_endpoint_is_set_by_option_environment_or_file() {
    let folder = tempdir().unwrap();
    let s3 = S3::start();
    let (url, gone) = (s3.url(), "http://127.0.0.1:1");
    let reaches = |of_file: &str, variables: &[(&str, &str)], before: &[&str]| {
        std::fs::write(
            folder.path().join("c.toml"),
            format!("[profile.default]\ns3-endpoint = \"{of_file}\"\n"),
        )
        .unwrap();
        let arguments = ["--config", "c.toml", "doctor", "--endpoint", "embedded", "-o", "s3://b/reports/"];
        let run = s3.run_with(folder.path(), variables, &[before, &arguments].concat());
        let said = run.stdout.lines().last().unwrap().to_owned();
        assert_eq!(run.code == 0, said.contains("s3://b/reports/ can be read"), "{said}");
        run.code == 0
    };
    let unset = [("AWS_ENDPOINT_URL", "")];
    assert!(reaches(&url, &unset, &[]) && !reaches(gone, &unset, &[]));
    assert!(reaches(gone, &[], &[]) && !reaches(&url, &[("AWS_ENDPOINT_URL_S3", gone)], &[]));
    assert!(reaches(gone, &[("AWS_ENDPOINT_URL", gone)], &["--s3-endpoint", &url]));
}
