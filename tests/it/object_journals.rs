//! Journals on `s3://`, by the real program against an S3 server.

use std::collections::BTreeSet;

use crate::support::s3::S3;
use crate::support::server::{Seen, Server, Stalling, json};
use crate::support::{end, files, signal, until};
use cutover_report::service::generated_tasks;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

const LATER: &str = "a-later-run";

fn put_tasks(s3: &S3, count: usize) -> Vec<String> {
    let ids: Vec<String> =
        generated_tasks(count).tasks.into_iter().map(|task| task.id_text().to_owned()).collect();
    s3.put("tasks.csv", format!("task_id\n{}\n", ids.join("\n")));
    ids
}

/// A folder, a bucket with a task list, and a service that answers the first requests and then stalls.
fn stalling(tasks: usize, answers: usize) -> (TempDir, S3, Stalling) {
    let s3 = S3::start();
    put_tasks(&s3, tasks);
    (tempdir().unwrap(), s3, Stalling::after(answers))
}

/// The arguments of a run with task list and journal in the bucket.
fn remote_run<'a>(endpoint: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = [
        "export",
        "s3://b/tasks.csv",
        "--context",
        "off",
        "--endpoint",
        endpoint,
        "--rate",
        "5000/s",
        "--concurrency",
        "4",
    ];
    [&fixed[..], more].concat()
}

/// The ids of the tasks with answers in a journal.
fn answered(journal: &str) -> BTreeSet<String> {
    let lines = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let answers = lines.filter(|line| line.get("body").is_some());
    answers.map(|line| line["task_id"].as_str().unwrap().to_owned()).collect()
}

fn asked_later(server: &Server) -> BTreeSet<String> {
    let later = |seen: &&Seen| seen.header("x-auth-token") == Some(LATER);
    let task = |seen: &Seen| seen.path.split('/').nth(3).unwrap().to_owned();
    server.seen().iter().filter(later).map(task).collect()
}

#[test]
fn killed_run_resumes_from_the_remote_journal() {
    let folder = tempdir().unwrap();
    let s3 = S3::start();
    let ids = put_tasks(&s3, 40);
    let service = Stalling::after(12);
    let url = service.server.url();
    let more = ["--auth", "none", "--journal", "s3://b/run/j.jsonl", "-o", "s3://b/r.json"];
    let mut child = s3.start_run(folder.path(), &[], &remote_run(&url, &more));
    service.stalled();
    until(|| s3.get("run/j.jsonl").is_some());
    child.kill().unwrap();
    child.wait().unwrap();
    service.release();
    let held = answered(&s3.text("run/j.jsonl"));
    assert_eq!(held.len(), 12);

    // Neither a new run nor one with another list overwrites it.
    let again = s3.run(folder.path(), &remote_run(&url, &more));
    assert_eq!(again.code, 1);
    assert!(
        again.stderr.contains("s3://b/run/j.jsonl contains an unfinished run with 12 of 40 tasks; to fetch the rest: `cutover-report export "),
        "{}",
        again.stderr
    );
    assert_eq!(answered(&s3.text("run/j.jsonl")), held);

    let more = [&more[2..], &["--resume", "--auth", "token"]].concat();
    let resumed = s3.run_with(folder.path(), &[("SMS_AUTH_TOKEN", LATER)], &remote_run(&url, &more));
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
    assert!(resumed.stderr.contains("s3://b/run/j.jsonl: resuming the run of"), "{}", resumed.stderr);
    let asked = asked_later(&service.server);
    assert!(asked.is_disjoint(&held), "nothing is asked twice");
    assert_eq!(answered(&s3.text("run/j.jsonl")), ids.into_iter().collect());
    let verified = s3.run(folder.path(), &["verify", "s3://b/run/j.manifest.json"]);
    assert_eq!((verified.code, verified.stdout.as_str()), (0, "ok s3://b/run/j.jsonl\nok s3://b/r.json\n"));
}

#[test]
fn large_journal_is_uploaded_in_parts_and_recognised() {
    let folder = tempdir().unwrap();
    let s3 = S3::start();
    put_tasks(&s3, 9);
    let service = Stalling::answering(6, || {
        // White space is recorded unchanged.
        json(200, format!("{}{}", " ".repeat(2 << 20), r#"{"result_list":[]}"#))
    });
    let url = service.server.url();
    let more = ["--auth", "none", "--journal", "s3://b/j.jsonl", "-o", "r.jsonl"];
    let child = s3.start_run(folder.path(), &[], &remote_run(&url, &more));
    service.stalled();
    // An earlier upload of fewer answers is not divided.
    until(|| s3.get("j.jsonl").is_some_and(|uploaded| uploaded.len() > 12 << 20));
    service.release();
    let run = end(child);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(s3.get("j.jsonl").unwrap() == std::fs::read(folder.path().join("r.jsonl")).unwrap());
    let begun = |request: &&String| request.starts_with("POST b/j.jsonl?uploads");
    let requests = s3.requests();
    assert!(requests.iter().filter(begun).count() >= 2 && s3.unfinished() == 0, "{requests:?}");
    let read = requests.iter().filter(|request| *request == "GET b/j.jsonl").count();
    assert_eq!(read, 1, "what it put itself needs no comparing");
}

#[test]
fn stopped_or_refused_run_uploads_its_journal() {
    let (folder, s3, service) = stalling(20, 6);
    let url = service.server.url();
    let more = ["--auth", "none", "-o", "s3://b/r.json"];
    let child = s3.start_run(folder.path(), &[], &remote_run(&url, &more));
    service.stalled();
    signal(&child, "-TERM");
    let stopped = end(child);
    service.release();
    assert_eq!(stopped.code, 143);
    let said = "s3://b/r.journal.jsonl has 6 of 20 tasks; to fetch the rest: `cutover-report export ";
    assert!(stopped.stderr.contains(said), "{}", stopped.stderr);
    assert_eq!(answered(&s3.text("r.journal.jsonl")).len(), 6);
    assert!(s3.get("r.json").is_none());
    S3::assert_clean(folder.path());
}

#[test]
fn journal_that_cannot_be_uploaded_is_kept_locally_and_reports_are_written() {
    let folder = tempdir().unwrap();
    let s3 = S3::start();
    s3.refuse(S3::puts_of("j.jsonl"));
    let run =
        s3.export(folder.path(), &["--journal", "s3://b/j.jsonl", "-o", "r.json", "-o", "s3://b/r.csv"]);
    assert_eq!(run.code, 1);
    assert_eq!(run.stdout, "r.json\ns3://b/r.csv\n");
    let (_, kept) = run.stderr.split_once("the journal could not be uploaded and is kept in ").unwrap();
    let kept = kept.lines().next().unwrap();
    let rendered = crate::support::run(folder.path(), &["render", kept, "-o", "again.json"]);
    assert_eq!(rendered.code, 0, "{}", rendered.stderr);
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert!(read("r.json") == read("again.json"));
}

#[test]
fn four_pods_of_an_indexed_job_merge_to_one_run() {
    let folder = tempdir().unwrap();
    let s3 = S3::start();
    put_tasks(&s3, 60);
    // One is killed when it has some answers, and restarted.
    let service = Stalling::after(5);
    let url = service.server.url();
    let pod = |index: usize| {
        let (journal, out) = (format!("s3://b/shards/{index}.jsonl"), format!("s3://b/shards/{index}.json"));
        let more = ["--auth", "none", "--shard", "auto/4", "--resume", "--journal", &journal, "-o", &out];
        let index = index.to_string();
        s3.start_run(folder.path(), &[("JOB_COMPLETION_INDEX", &index)], &remote_run(&url, &more))
    };
    let mut killed = pod(2);
    service.stalled();
    until(|| s3.get("shards/2.jsonl").is_some());
    let others = [pod(0), pod(1), pod(3)];
    killed.kill().unwrap();
    killed.wait().unwrap();
    service.release();
    assert_eq!(answered(&s3.text("shards/2.jsonl")).len(), 5);
    for child in others.into_iter().chain([pod(2)]) {
        let run = end(child);
        assert_eq!(run.code, 0, "{}", run.stderr);
    }

    let journals: Vec<String> = (0..4).map(|index| format!("s3://b/shards/{index}.jsonl")).collect();
    let journals: Vec<&str> = journals.iter().map(String::as_str).collect();
    let outputs = ["-o", "s3://b/all.jsonl", "-o", "all/", "-o", "s3://b/all.xlsx"];
    let merged = s3.run(folder.path(), &[&["merge"], &journals[..], &outputs].concat());
    assert_eq!(merged.code, 0, "{}", merged.stderr);
    assert_eq!(merged.stdout, "s3://b/all.jsonl\nall/\ns3://b/all.xlsx\n");
    let verified = s3.run(folder.path(), &["verify", "s3://b/all.manifest.json"]);
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
    let rendered = s3.run(folder.path(), &["render", "s3://b/all.jsonl", "-o", "again.xlsx"]);
    assert_eq!(rendered.code, 0, "{}", rendered.stderr);
    assert!(std::fs::read(folder.path().join("again.xlsx")).unwrap() == s3.get("all.xlsx").unwrap());

    let one = s3.run(folder.path(), &remote_run(&url, &["--auth", "none", "--no-journal", "-o", "one/"]));
    assert_eq!(one.code, 0, "{}", one.stderr);
    let tables = |name: &str| {
        let mut tables = files(&folder.path().join(name));
        // The server sets the verification time at each request.
        for table in tables.values_mut() {
            let text = String::from_utf8(std::mem::take(table)).unwrap();
            let is_time = |field: &str| field.starts_with("20") && field.contains('T');
            let fields = text.split(',').map(|field| if is_time(field) { "TIME" } else { field });
            *table = fields.collect::<Vec<_>>().join(",").into_bytes();
        }
        tables
    };
    assert_eq!(tables("all").len(), 62);
    assert!(
        tables("all") == tables("one"),
        "{:?}\n{:?}",
        tables("all").first_key_value(),
        tables("one").first_key_value()
    );
}

#[test]
fn run_whose_remote_journal_was_overwritten_stops_and_keeps_its_records() {
    for knows_conditions in [true, false] {
        let folder = tempdir().unwrap();
        let s3 = S3::start();
        if !knows_conditions {
            s3.pass_over_conditions();
        }
        put_tasks(&s3, 30);
        let service = Stalling::after(10);
        let url = service.server.url();
        let more = ["--auth", "none", "--journal", "s3://b/j.jsonl", "-o", "r.json"];
        let child = s3.start_run(folder.path(), &[], &remote_run(&url, &more));
        service.stalled();
        until(|| s3.get("j.jsonl").is_some());
        let other = s3.text("j.jsonl").replacen("\"started_at\":\"20", "\"started_at\":\"19", 1);
        s3.put("j.jsonl", other.clone());
        service.release();
        let run = end(child);
        assert_eq!(run.code, 6, "{}", run.stderr);
        let said = "s3://b/j.jsonl: another run wrote this journal during this run, which stops; its own records are kept in ";
        assert_eq!(run.stderr.matches(said).count(), 1, "{}", run.stderr);
        let (_, kept) = run.stderr.split_once(said).unwrap();
        let kept = std::fs::read_to_string(kept.lines().next().unwrap()).unwrap();
        assert!(answered(&kept).len() >= 10);
        assert!(s3.text("j.jsonl") == other && !folder.path().join("r.json").exists());
    }
}

#[test]
fn upload_with_lost_response_is_recognised() {
    let (folder, s3, service) = stalling(30, 10);
    let url = service.server.url();
    let more = ["--auth", "none", "--journal", "s3://b/j.jsonl", "-o", "r.json"];
    let child = s3.start_run(folder.path(), &[], &remote_run(&url, &more));
    service.stalled();
    until(|| s3.get("j.jsonl").is_some());
    // What an earlier upload of the same run leaves.
    let start: Vec<String> = s3.text("j.jsonl").lines().take(4).map(str::to_owned).collect();
    s3.put("j.jsonl", start.join("\n") + "\n");
    service.release();
    let run = end(child);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(answered(&s3.text("j.jsonl")).len(), 30);
}

#[test]
fn server_without_conditions_is_used_with_a_warning() {
    let folder = tempdir().unwrap();
    let s3 = S3::start();
    s3.refuse(|seen| (seen.header("if-none-match").is_some()).then_some(501));
    let run = s3.export(folder.path(), &["--journal", "s3://b/j.jsonl", "-o", "r.json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stderr
            .contains("warning: s3://b/j.jsonl: the server does not support conditional requests or ETags"),
        "{}",
        run.stderr
    );
    assert_eq!(answered(&s3.text("j.jsonl")).len(), 12);
}

#[test]
fn failed_upload_during_the_run_is_reported_once_and_retried() {
    let (folder, s3, service) = stalling(20, 5);
    let url = service.server.url();
    s3.refuse(S3::puts_of("j.jsonl"));
    let more = ["--auth", "none", "--journal", "s3://b/j.jsonl", "-o", "r.json"];
    let child = s3.start_run(folder.path(), &[], &remote_run(&url, &more));
    service.stalled();
    let puts = || s3.requests().iter().filter(|request| *request == "PUT b/j.jsonl").count();
    until(|| puts() >= 6);
    s3.refuse(|_| None);
    until(|| s3.get("j.jsonl").is_some());
    service.release();
    let run = end(child);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(
        run.stderr.matches("the run goes on, and the journal is uploaded again later").count(),
        1,
        "{}",
        run.stderr
    );
    assert_eq!(answered(&s3.text("j.jsonl")).len(), 20);
}

#[test]
fn servers_without_etags_or_conditions_are_used_with_a_warning() {
    for (what, set_up) in [
        ("400", Box::new(|s3: &S3| refuse_conditions(s3, 400)) as Box<dyn Fn(&S3)>),
        ("405", Box::new(|s3: &S3| refuse_conditions(s3, 405))),
        ("501", Box::new(|s3: &S3| refuse_conditions(s3, 501))),
        ("no ETag", Box::new(|s3: &S3| s3.tag_with(|_| None))),
        ("weak ETags", Box::new(|s3: &S3| s3.tag_with(|tag| Some(format!("W/{tag}"))))),
    ] {
        let folder = tempdir().unwrap();
        let s3 = S3::start();
        set_up(&s3);
        // The second run finds the journal of the first.
        for _ in 0..2 {
            let run = s3.export(folder.path(), &["--journal", "s3://b/j.jsonl", "-o", "s3://b/r.json"]);
            assert_eq!(run.code, 0, "{what}: {}", run.stderr);
            assert_eq!(answered(&s3.text("j.jsonl")).len(), 12, "{what}");
            assert!(s3.get("r.json").is_some(), "{what}");
            S3::assert_clean(folder.path());
        }
        let run = s3.export(folder.path(), &["--journal", "s3://b/j.jsonl", "-o", "r.json"]);
        let warning = "does not support conditional requests or ETags";
        assert_eq!(run.stderr.matches(warning).count(), 1, "{what}: {}", run.stderr);
    }
}

fn refuse_conditions(s3: &S3, status: u16) {
    s3.refuse(move |seen| {
        let is_conditional = seen.header("if-none-match").is_some() || seen.header("if-match").is_some();
        is_conditional.then_some(status)
    });
}
