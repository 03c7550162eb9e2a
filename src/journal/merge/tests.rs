mod copy;

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::answer::normalise;
use crate::journal::line::Line;
use crate::journal::*;
use crate::model::{ClockOffset, Planned, Reconciliation, Shard, Task, TaskId, TaskList};

/// What a run received for a task. Times are in hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Response {
    Failure,
    Unreadable,
    NotFound,
    NoVerification,
    Verified(i64),
}

/// The response, the true hour when it was received, and a unique number. Only odd ones show the service's clock.
type TestResult = (Response, i64, u8);

/// A run, described by a test.
#[derive(Debug, Clone)]
struct TestRun {
    endpoint: &'static str,
    /// The hour when it started.
    started: i64,
    /// Hours by which its machine's clock is ahead.
    clock_ahead: i64,
    /// The tasks by number, with their results.
    tasks: Vec<(usize, Option<TestResult>)>,
    named: bool,
    finished: bool,
    compared: Option<Vec<usize>>,
}

fn hour(hour: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + hour * 3600).unwrap()
}

fn outcome(response: Response, mark: u8) -> Outcome {
    let failed =
        |status| Outcome::Failed(Failed { status, code: None, kind: None, message: mark.to_string() });
    let verifications = match response {
        Response::Failure => return failed(None),
        Response::NotFound => return failed(Some(404)),
        Response::Unreadable => vec![],
        Response::NoVerification => vec![],
        Response::Verified(hours) => vec![json!({
            "finished_time": hour(hours).as_millisecond(),
            "check_result": "success",
            "consistency_result": [{"dir_check": "/d", "num_total_files": 1, "num_different_files": 0,
                "num_target_miss_files": 0, "num_target_more_files": 0}],
        })],
    };
    let mut answer = json!({ "result_list": verifications, "mark": mark });
    if response == Response::Unreadable {
        answer = json!({ "mark": mark });
    }
    Outcome::Answered(Answered {
        status: 200,
        sample_data: false,
        content_range: None,
        body: answer.to_string().into_bytes(),
    })
}

fn response(outcome: &Outcome) -> (Response, u8) {
    match outcome {
        Outcome::NoTask => (Response::NotFound, 0),
        Outcome::Failed(failed) => {
            let response = if failed.status == Some(404) { Response::NotFound } else { Response::Failure };
            (response, failed.message.parse().unwrap())
        }
        Outcome::Answered(answered) => {
            let body: serde_json::Value = serde_json::from_slice(&answered.body).unwrap();
            let response = match normalise(&answered.body) {
                Err(_) => Response::Unreadable,
                Ok(answer) => answer.verifications.first().map_or(Response::NoVerification, |newest| {
                    Response::Verified(newest.finished.unwrap().duration_since(hour(0)).as_hours())
                }),
            };
            (response, body["mark"].as_u64().unwrap() as u8)
        }
    }
}

fn id(number: usize) -> TaskId {
    TaskId::new(&format!("task-{number}")).unwrap()
}

impl TestRun {
    fn header(&self) -> Header {
        let task = |(number, _): &(usize, _)| {
            let mut task = Task::new(id(*number));
            if self.named {
                task.source_name = Some(format!("server {number} of {}", self.started));
                task.labels.insert("wave".to_owned(), self.started.to_string());
            }
            task
        };
        let labels = if self.named { vec!["wave".to_owned()] } else { Vec::new() };
        let list = TaskList { labels, tasks: self.tasks.iter().map(task).collect() };
        let mut header = Header::new(hour(self.started + self.clock_ahead), self.endpoint.to_owned(), list);
        header.reconciliation = self.compared.as_ref().map(|undeclared| Reconciliation {
            not_found: self.tasks.iter().map(|(number, _)| id(*number)).take(1).collect(),
            undeclared: undeclared.iter().map(|number| Task::new(id(*number))).collect(),
        });
        header
    }

    fn write(&self, path: &Path, header: &Header) {
        let results: Vec<_> =
            self.tasks.iter().map(|(number, results_in)| (id(*number), *results_in)).collect();
        let mut lines = vec![serde_json::to_string(header).unwrap()];
        for (ordinal, task) in header.list.tasks.iter().enumerate() {
            let results_in = results
                .iter()
                .find(|(id, _)| Some(id) == task.task_id.as_ref())
                .and_then(|(_, results_in)| *results_in);
            let Some((response, received_at, mark)) = results_in else { continue };
            let record = Record {
                ordinal,
                task_id: task.task_id.clone(),
                fetched_at: hour(received_at + self.clock_ahead),
                clock_offset: (mark % 2 == 1).then(|| ClockOffset::from_secs(-3600 * self.clock_ahead)),
                attempts: 1,
                request_id: None,
                context: None,
                outcome: outcome(response, mark),
            };
            lines.push(serde_json::to_string(&Line::from(record)).unwrap());
        }
        if self.finished {
            let footer =
                Footer { finished_at: hour(self.started + self.clock_ahead + 9), recorded: lines.len() - 1 };
            lines.push(serde_json::to_string(&footer).unwrap());
        }
        std::fs::write(path, lines.join("\n") + "\n").unwrap();
    }
}

fn merged(paths: &[PathBuf]) -> Vec<u8> {
    let mut bytes = Vec::new();
    Merge::of(paths).unwrap().write_to(&mut bytes).unwrap();
    bytes
}

/// What a journal says of each task: its endpoint, its id, and the result with the hour of the service's clock.
fn results_in(path: &Path) -> Vec<(String, TaskId, Option<TestResult>)> {
    let journal = Journal::open(path).unwrap();
    let header = journal.header();
    let one = |(ordinal, task): (usize, &Task)| {
        let record = journal.record(ordinal).unwrap();
        let results_in = record.map(|record| {
            let received_at = journal.service_time(&record).duration_since(hour(0)).as_hours();
            let (response, mark) = response(&record.outcome);
            (response, received_at, mark)
        });
        (header.endpoint_of(ordinal).to_owned(), task.task_id.clone().unwrap(), results_in)
    };
    header.list.tasks.iter().enumerate().map(one).collect()
}

fn any_run() -> impl Strategy<Value = TestRun> {
    let response = prop_oneof![
        1 => Just(Response::Failure),
        1 => Just(Response::Unreadable),
        1 => Just(Response::NotFound),
        1 => Just(Response::NoVerification),
        4 => (-2_i64..5).prop_map(Response::Verified),
    ];
    let results_in = prop::option::weighted(0.8, (response, 0_i64..4, 0_u8..4));
    let tasks = prop::sample::subsequence((0..5_usize).collect::<Vec<_>>(), 0..5).prop_shuffle();
    let tasks = tasks.prop_flat_map(move |tasks| {
        let results_in = prop::collection::vec(results_in.clone(), tasks.len());
        (Just(tasks), results_in).prop_map(|(tasks, results_in)| tasks.into_iter().zip(results_in).collect())
    });
    let compared = prop::option::of(prop::sample::subsequence(vec![3_usize, 4, 5, 6], 0..3));
    (
        prop::sample::select(vec!["https://a", "https://b"]),
        (0_i64..3, -3_i64..4),
        tasks,
        any::<bool>(),
        any::<bool>(),
        compared,
    )
        .prop_map(|(endpoint, (started, clock_ahead), tasks, named, finished, compared)| TestRun {
            endpoint,
            started,
            clock_ahead,
            tasks,
            named,
            finished,
            compared,
        })
}

/// Whether `one` makes `other` obsolete.
fn makes_obsolete(one: TestResult, other: TestResult, all: &[TestResult]) -> bool {
    // A verification dated after its answer has no valid time.
    let dated = |(response, received_at, _): TestResult| match response {
        Response::Verified(verified) if verified <= received_at => Some(verified),
        _ => None,
    };
    let is_evidence = |(response, ..): TestResult| response > Response::Unreadable;
    let is_gone = |results_in: TestResult| {
        let after =
            |later: &&TestResult| is_evidence(**later) && dated(**later).is_none() && later.1 >= results_in.1;
        dated(results_in).is_some() && all.iter().any(|later| after(&later))
    };
    match (dated(one), dated(other)) {
        _ if is_evidence(one) != is_evidence(other) => is_evidence(one),
        (Some(one_verified), Some(verified)) => !is_gone(one) && (one_verified, one.1) > (verified, other.1),
        (Some(_), None) if is_evidence(one) => one.1 > other.1,
        (None, Some(_)) if is_evidence(one) => one.1 > other.1,
        (None, None) if !is_evidence(one) => (one.0, one.1) > (other.0, other.1),
        _ => one.1 > other.1,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn merge_result_is_independent_of_input_order(
        runs in prop::collection::vec(any_run(), 1..5),
        order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut paths = Vec::new();
        for (number, any_run) in runs.iter().enumerate() {
            paths.push(folder.path().join(format!("{number}.jsonl")));
            any_run.write(&paths[number], &any_run.header());
        }
        // One merged journal, and one that is given twice.
        let earlier = folder.path().join("earlier.jsonl");
        std::fs::write(&earlier, merged(&paths[..paths.len().div_ceil(2)])).unwrap();
        paths.extend([earlier, paths[0].clone()]);
        let bytes = merged(&paths);
        let shuffled: Vec<PathBuf> = order.iter().filter_map(|place| paths.get(*place).cloned()).collect();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        prop_assert_eq!(text(bytes.clone()), text(merged(&shuffled)));

        // Each task once per endpoint, with a record that no other makes obsolete.
        let whole = folder.path().join("whole.jsonl");
        std::fs::write(&whole, &bytes).unwrap();
        let mut expected = std::collections::BTreeMap::new();
        for path in &paths[..runs.len()] {
            for (endpoint, id, results_in) in results_in(path) {
                let all: &mut Vec<TestResult> = expected.entry((endpoint, id)).or_default();
                all.extend(results_in);
            }
        }
        let found = results_in(&whole);
        prop_assert_eq!(found.len(), expected.len());
        for (endpoint, id, results_in) in found {
            let all = &expected[&(endpoint, id)];
            let Some(counts) = results_in else {
                prop_assert!(all.is_empty());
                continue;
            };
            prop_assert!(all.contains(&counts));
            for other in all {
                prop_assert!(!makes_obsolete(*other, counts, all), "{other:?} {counts:?} {all:?}");
            }
        }
        let ends = paths.iter().map(|path| Journal::open(path).unwrap().ended_at());
        prop_assert_eq!(Journal::open(&whole).unwrap().ended_at(), ends.max().unwrap());
        let ends = paths.iter().map(|path| Journal::open(path).unwrap().as_of());
        prop_assert_eq!(Journal::open(&whole).unwrap().as_of(), ends.max().unwrap());
    }

    #[test]
    fn merged_shards_restore_the_original_list(
        tasks in Just((0..20_usize).map(|number| (number, Some((Response::Verified(1), 1, 7)))).collect::<Vec<_>>()).prop_shuffle(),
        of in 1_u32..6,
        lost in any::<u32>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let any_run =
            TestRun { endpoint: "https://a", started: 0, clock_ahead: 0, tasks, named: true, finished: true, compared: None };
        let whole = any_run.header();
        let shards: Vec<Shard> = (1..=of).map(|index| Shard::new(index, NonZeroU32::new(of).unwrap()).unwrap()).collect();
        let paths: Vec<PathBuf> = shards.iter().map(|shard| {
            let path = folder.path().join(shard.index().to_string());
            let mut header = whole.clone();
            let (part, list) = Part::take(*shard, header.list);
            header.list = list;
            header.shard = Some(part);
            any_run.write(&path, &header);
            path
        }).rev().collect();
        let merge = Merge::of(&paths).unwrap();
        prop_assert_eq!(&merge.header().list, &whole.list);
        prop_assert_eq!(merge.header().missing(), Default::default());

        // Without one of them, then with it.
        let lost = lost as usize % paths.len();
        let mut rest = paths.clone();
        let gone = rest.remove(lost);
        if let [_, ..] = rest.as_slice() {
            let partly = folder.path().join("partly");
            std::fs::write(&partly, merged(&rest)).unwrap();
            let missing = Journal::open(&partly).unwrap().header().missing();
            let shard = shards[shards.len() - 1 - lost];
            let of_shard = whole.list.tasks.iter().filter(|task| shard.holds(task.key())).count();
            prop_assert_eq!((missing.shards, missing.tasks), (vec![shard.to_string()], of_shard));
            // Records are in the order of the inputs, which differs here.
            let lines = |paths: &[PathBuf]| {
                let mut lines: Vec<_> = merged(paths).split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
                lines.sort();
                lines
            };
            prop_assert_eq!(lines(&[gone, partly]), lines(&paths));
        }
    }
}

fn one(started: i64, finished: bool, results_in: TestResult) -> TestRun {
    TestRun {
        endpoint: "https://a",
        started,
        clock_ahead: 0,
        tasks: vec![(0, Some(results_in))],
        named: false,
        finished,
        compared: None,
    }
}

/// The merged journal of these runs, and its warnings.
fn journal_of(runs: &[TestRun]) -> (tempfile::TempDir, Journal, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = |number: usize| folder.path().join(format!("{number}.jsonl"));
    let paths: Vec<PathBuf> = (0..runs.len()).map(path).collect();
    runs.iter().zip(&paths).for_each(|(any_run, path)| any_run.write(path, &any_run.header()));
    let warnings = Merge::of(&paths).unwrap().warnings().to_vec();
    let whole = folder.path().join("whole.jsonl");
    std::fs::write(&whole, merged(&paths)).unwrap();
    let journal = Journal::open(&whole).unwrap();
    (folder, journal, warnings)
}

#[test]
fn merge_with_unfinished_run_is_unfinished_unless_another_run_has_its_tasks() {
    let stopped = one(0, false, (Response::Verified(0), 1, 7));
    let (_folder, journal, warnings) =
        journal_of(&[stopped.clone(), TestRun { tasks: vec![(1, None)], ..stopped.clone() }]);
    assert!(!journal.is_finished() && warnings.len() == 2, "{warnings:?}");
    let (_folder, journal, warnings) =
        journal_of(&[stopped.clone(), one(2, true, (Response::Verified(0), 3, 7))]);
    assert!(journal.is_finished() && warnings.len() == 1, "{warnings:?}");
    let (_folder, journal, _) = journal_of(&[stopped, one(2, true, (Response::Failure, 3, 7))]);
    assert!(!journal.is_finished(), "the selected record is of the unfinished run");
}

#[test]
fn task_declared_in_another_list_is_not_undeclared() {
    let compared = |started, number, undeclared: &[usize]| TestRun {
        tasks: vec![(9, None), (number, None)],
        compared: Some(undeclared.to_vec()),
        ..one(started, true, (Response::Verified(0), 1, 7))
    };
    let (_folder, journal, _) = journal_of(&[compared(0, 1, &[2, 3]), compared(1, 2, &[1, 3])]);
    let found = journal.header().reconciliation.as_ref().unwrap();
    assert_eq!((&found.not_found, &found.undeclared), (&vec![id(9)], &vec![Task::new(id(3))]));
    let well = TestRun { tasks: Vec::new(), ..compared(0, 1, &[]) };
    let (_folder, journal, _) = journal_of(std::slice::from_ref(&well));
    assert!(journal.header().reconciliation.is_some());
    let (_folder, journal, warnings) = journal_of(&[well, one(0, true, (Response::Verified(0), 1, 7))]);
    assert_eq!(journal.header().reconciliation, None, "one list was not compared");
    assert!(warnings[0].contains("did not compare"), "{warnings:?}");
}

#[test]
fn merge_of_several_endpoints_adds_an_endpoint_label() {
    let b = TestRun { endpoint: "https://b", ..one(0, true, (Response::Verified(0), 1, 8)) };
    let (folder, journal, _) = journal_of(&[b, one(5, true, (Response::Verified(0), 6, 7))]);
    let labels = |journal: &Journal, label: &str| -> Vec<String> {
        journal.header().list.tasks.iter().map(|task| task.labels[label].clone()).collect()
    };
    assert_eq!(journal.header().endpoint, "https://a, https://b");
    assert_eq!(labels(&journal, "endpoint"), ["https://a", "https://b"]);
    // A label of the user is unchanged.
    let path = folder.path().join("0.jsonl");
    let mut header = Journal::open(&path).unwrap().header().clone();
    header.list.labels.push("endpoint".to_owned());
    header.list.tasks[0].labels.insert("endpoint".to_owned(), "mine".to_owned());
    std::fs::write(&path, serde_json::to_string(&header).unwrap() + "\n").unwrap();
    let again = folder.path().join("again.jsonl");
    std::fs::write(&again, merged(&[path, folder.path().join("whole.jsonl")])).unwrap();
    let journal = Journal::open(&again).unwrap();
    assert_eq!(journal.header().list.labels, ["endpoint", "endpoint (2)"]);
    assert_eq!(labels(&journal, "endpoint (2)"), ["https://a", "https://b"]);
}

#[test]
fn header_with_inconsistent_shards_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j.jsonl");
    let mut header = one(0, true, (Response::Verified(0), 1, 7)).header();
    let of = NonZeroU32::new(2).unwrap();
    let holds = |index| Shard::new(index, of).filter(|shard| shard.holds(id(0).as_str()));
    let (part, list) = Part::take(holds(1).or(holds(2)).unwrap(), header.list);
    header.list = list;
    header.shard = Some(part);
    let right = serde_json::to_string(&header).unwrap();
    let other = if right.contains(r#""index":1"#) {
        ("\"index\":1", "\"index\":2")
    } else {
        ("\"index\":2", "\"index\":1")
    };
    for (wrong, is_refused) in [
        (right.clone(), false),
        (right.replace(other.0, other.1), true),
        (right.replace("\"ordinals\":[0]", "\"ordinals\":[1]"), true),
        (right.replace("\"ordinals\":[0]", "\"ordinals\":[]"), true),
        (right.replace("\"index\":1", "\"index\":3").replace("\"index\":2", "\"index\":3"), true),
    ] {
        std::fs::write(&path, wrong.clone() + "\n").unwrap();
        let refused = matches!(Journal::open(&path), Err(JournalError::Header { .. }));
        assert_eq!(refused, is_refused, "{wrong}");
    }
}

/// The journal of a run over a plan of one server, with its task at that time.
fn write_plan(path: &Path, started: i64, task_id: Option<TaskId>, outcome: Outcome) {
    let planned = Planned {
        name: "web-01".to_owned(),
        tasks: usize::from(task_id.is_some()),
        near: Vec::new(),
        also: Vec::new(),
        doubts: Vec::new(),
    };
    let task = Task { task_id: task_id.clone(), planned: Some(Box::new(planned)), ..Task::default() };
    let list = TaskList { labels: Vec::new(), tasks: vec![task] };
    let header = Header::new(hour(started), "https://sms.example".to_owned(), list);
    let record = Record {
        ordinal: 0,
        task_id,
        fetched_at: hour(started),
        clock_offset: None,
        attempts: 1,
        request_id: None,
        context: None,
        outcome,
    };
    let footer = Footer { finished_at: hour(started), recorded: 1 };
    let lines = [
        serde_json::to_string(&header).unwrap(),
        serde_json::to_string(&Line::from(record)).unwrap(),
        serde_json::to_string(&footer).unwrap(),
    ];
    std::fs::write(path, lines.join("\n") + "\n").unwrap();
}

#[test]
fn server_with_recreated_task_is_merged_to_one_row_with_the_later_task() {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = (1..=3).map(|run| folder.path().join(format!("{run}.jsonl"))).collect();
    write_plan(&paths[0], 1, None, Outcome::NoTask);
    write_plan(&paths[1], 2, Some(id(1)), outcome(Response::Verified(2), 1));
    write_plan(&paths[2], 3, Some(id(2)), outcome(Response::Verified(3), 2));
    for (runs, task_id) in [(0..3, Some(id(2))), (0..2, Some(id(1))), (0..1, None)] {
        let bytes = merged(&paths[runs.clone()]);
        let path = folder.path().join("merged.jsonl");
        std::fs::write(&path, bytes).unwrap();
        let journal = Journal::open(&path).unwrap();
        let tasks = &journal.header().list.tasks;
        assert_eq!((tasks.len(), &tasks[0].task_id), (1, &task_id), "{runs:?}");
        assert_eq!(journal.record(0).unwrap().unwrap().task_id, task_id);
        assert!(journal.is_finished());
    }
}
