//! Journals of plans that name servers: resume, shards, offline commands and changes.

use crate::plans::{DB_A, WEB, account, export, page, report, rows, small, task, with};
use crate::support::server::{Server, consistent, json as answer};
use crate::support::{csv, run};

#[test]
fn resume_continues_from_the_resolved_list_without_a_listing() {
    let tasks = vec![task("t1", WEB, 1, ""), task("t2", DB_A, 2, "")];
    let broken = Server::start(move |seen, _| match seen.path.as_str() {
        "/v3/tasks" => page(seen, "tasks", &tasks),
        "/v3/sources" => page(seen, "source_servers", &[]),
        path if path.contains("/t2/") => answer(400, "{}"),
        _ => consistent(),
    });
    let folder = with("plan.csv", "server,wave\nweb-01,1\nold-01,1\ndb-01,2\nweb-01.corp,1\n");
    let first = export(&broken, folder.path(), &["plan.csv"]);
    assert_eq!(first.code, 3, "{}", first.stderr);
    let before = broken.seen().len();
    let resumed = export(&broken, folder.path(), &["plan.csv", "--resume", "--context", "off"]);
    assert_eq!(resumed.code, 3, "{}", resumed.stderr);
    let asked: Vec<String> = broken.seen().split_off(before).into_iter().map(|seen| seen.path).collect();
    assert_eq!(asked, ["/v3/tasks/t2/consistency-result"]);
    assert_eq!(
        rows(&report(&resumed)),
        ["web-01 t1 consistent", "old-01 - not_verified", "db-01 t2 fetch_failed"]
    );
    std::fs::write(folder.path().join("plan.csv"), "server,wave\nweb-01,1\nold-02,1\ndb-01,2\n").unwrap();
    let other = export(&broken, folder.path(), &["plan.csv", "--resume"]);
    assert_eq!(other.code, 1);
    assert!(
        other.stderr.contains("task 2 of its list is old-01, but old-02 in this run"),
        "{}",
        other.stderr
    );
}

#[test]
fn offline_commands_read_the_resolved_list() {
    let server = small();
    let folder = with("plan.csv", "server,wave\nweb-01,1\nold-01,2\n");
    assert_eq!(export(&server, folder.path(), &["plan.csv"]).code, 0);
    let shown = run(folder.path(), &["show", "r.journal.jsonl"]);
    assert!(
        shown.stdout.contains("old-01") && shown.stdout.contains("no migration task"),
        "{}",
        shown.stdout
    );
    let rendered = run(
        folder.path(),
        &["render", "r.journal.jsonl", "-o", "o/", "-o", "o.md", "-o", "o.xlsx", "-o", "o.prom"],
    );
    assert_eq!(rendered.code, 0, "{}", rendered.stderr);
    let summary = csv(&folder.path().join("o/summary.csv"));
    let place = summary[0].iter().position(|heading| heading == "Task ID").unwrap();
    assert_eq!(summary[2][place], "");
    assert!(std::fs::read_to_string(folder.path().join("o.md")).unwrap().contains("old-01"));
    let zh = run(folder.path(), &["show", "r.journal.jsonl", "--language", "zh"]);
    assert!(zh.stdout.contains("未找到该服务器的迁移任务"), "{}", zh.stdout);
}

#[test]
fn shards_of_a_plan_are_merged_to_the_whole() {
    let server = small();
    let plan = "server,wave\nweb-01,1\nold-01,1\nold-02,2\ndb-01.a,2\ndb-01.b,2\nold-03,3\n";
    let folder = with("plan.csv", plan);
    let mut journals = Vec::new();
    for shard in ["1/2", "2/2"] {
        let journal = format!("{}.jsonl", &shard[..1]);
        let more = ["plan.csv", "--shard", shard, "--journal", &journal, "-q"];
        let run = export(&server, folder.path(), &more);
        assert!([0, 3].contains(&run.code), "{}", run.stderr);
        journals.push(journal);
    }
    let merged = run(folder.path(), &["merge", &journals[0], &journals[1], "-o", "m.json", "--json"]);
    assert_eq!(merged.code, 0, "{}", merged.stderr);
    assert_eq!(
        rows(&report(&merged)),
        [
            "web-01 t1 consistent",
            "old-01 - not_verified",
            "old-02 - not_verified",
            "db-01.a t2 consistent",
            "db-01.b t3 consistent",
            "old-03 - not_verified"
        ]
    );
}

#[test]
fn task_replaced_by_a_new_one_stays_one_server_in_diff() {
    let folder = with("plan.csv", "server\nweb-01\ndb-01.a\n");
    for (night, id) in [("1", "t1"), ("2", "t9")] {
        let server = account(vec![task(id, WEB, 1, "")], Vec::new());
        let journal = format!("{night}.jsonl");
        assert_eq!(export(&server, folder.path(), &["plan.csv", "--journal", &journal]).code, 0);
    }
    let diff = run(folder.path(), &["diff", "1.jsonl", "2.jsonl", "--json", "-o", "d.json"]);
    assert_eq!(diff.code, 0, "{}", diff.stderr);
    let diff = report(&diff);
    let changes: Vec<String> = diff["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| {
            format!("{} {}", task["source_server"].as_str().unwrap(), task["change"].as_str().unwrap())
        })
        .collect();
    assert_eq!(changes, ["web-01 same", "db-01.a same"], "{diff}");
    assert!(
        diff["tasks"][0]["notes"].to_string().contains("another migration task than before: t1"),
        "{diff}"
    );
}
