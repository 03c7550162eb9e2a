//! `deliver` and `--to`: the files of a run in tickets, exactly once.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::tickets::{Fault, SECRET, System, Tickets};
use crate::support::{Run, end, run, run_with, sample_tasks};
use assert_cmd::cargo::cargo_bin;
use tempfile::{TempDir, tempdir};

const MANIFEST: &str = "r.manifest.json";

/// A finished run with two files, a folder and a ticket text.
fn exported() -> TempDir {
    let folder = tempdir().unwrap();
    let tasks = sample_tasks();
    let outputs = ["-o", "r.xlsx", "-o", "r.csv", "-o", "parts/", "-o", "t.md"];
    let first = ["export", &tasks, "--endpoint", "embedded", "--rate", "1000/s"];
    let run = run(folder.path(), &[&first[..], &outputs].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    folder
}

fn deliver(folder: &Path, tickets: &Tickets, more: &[&str]) -> Run {
    let (url, variables) = (tickets.url(), tickets.system.variables());
    let system = if tickets.system == System::JiraDc { "jira-dc" } else { "" };
    let mut arguments = vec!["deliver", MANIFEST, "--to", &url];
    if !system.is_empty() {
        arguments.extend(["--ticket-system", system]);
    }
    arguments.extend(more);
    run_with(folder, &variables, &arguments)
}

fn started(folder: &Path, tickets: &Tickets) -> Child {
    let mut command = Command::new(cargo_bin("cutover-report"));
    command.current_dir(folder).env_clear().envs(tickets.system.variables());
    command.args(["deliver", MANIFEST, "--to", &tickets.url()]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn sha256(content: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Checks that the ticket has one comment with the mark, and one copy of each file.
fn assert_complete(folder: &Path, tickets: &Tickets, context: &str) {
    let content = |name: &str| fs::read(folder.join(name)).unwrap();
    let names = ["r.csv", "r.xlsx", "t.md"];
    let expected: Vec<_> = names.map(|name| (name.to_owned(), content(name))).into();
    let files = tickets.files();
    let found: Vec<&String> = files.iter().map(|(name, _)| name).collect();
    assert!(files == expected, "{:?} {context}: {found:?}", tickets.system);
    let comments = tickets.comments();
    assert_eq!(comments.len(), 1, "{:?} {context}: {comments:?}", tickets.system);
    assert!(comments[0].contains(&sha256(&content(MANIFEST))), "{}", comments[0]);
    for name in names {
        assert!(comments[0].contains(&sha256(&content(name))), "{name}: {}", comments[0]);
    }
    assert!(comments[0].contains("do not pass"), "the text of the .md: {}", comments[0]);
}

/// Runs a test of several systems at once: deliveries mostly wait for the limit of requests a second.
fn at_once<T: Copy + Send>(cases: impl IntoIterator<Item = T>, test: impl Fn(T) + Sync) {
    std::thread::scope(|scope| {
        let test = &test;
        for case in cases {
            scope.spawn(move || test(case));
        }
    });
}

#[test]
fn deliver_attaches_every_file_and_posts_one_comment() {
    let folder = exported();
    at_once(System::ALL, |system| {
        let tickets = Tickets::start(system);
        let first = deliver(folder.path(), &tickets, &[]);
        assert_eq!(first.code, 0, "{system:?}: {}", first.stderr);
        assert!(first.stdout.starts_with(&tickets.server.url()), "{system:?}: {}", first.stdout);
        assert_complete(folder.path(), &tickets, "first");
        let changes = tickets.changes();
        let again = deliver(folder.path(), &tickets, &["-vvv"]);
        assert_eq!((again.code, &again.stdout), (0, &first.stdout), "{system:?}: {}", again.stderr);
        assert_eq!(tickets.changes(), changes, "{system:?}: nothing is changed again");
        assert!(!again.stderr.contains(SECRET), "{}", again.stderr);
    });
}

#[test]
fn killed_delivery_is_completed_by_the_next() {
    let folder = exported();
    at_once(System::ALL.into_iter().filter(|system| *system != System::JiraDc), |system| {
        let tickets = Tickets::start(system);
        'steps: for step in 0.. {
            for done in [false, true] {
                tickets.clear();
                tickets.stop_at(step, done);
                let mut child = started(folder.path(), &tickets);
                while !tickets.is_stopped() {
                    if child.try_wait().unwrap().is_some() {
                        assert!(step > 0 && end(child).code == 0);
                        break 'steps;
                    }
                    std::thread::sleep(Duration::from_millis(2));
                }
                child.kill().unwrap();
                child.wait().unwrap();
                tickets.go_on();
                tickets.heal();
                let again = deliver(folder.path(), &tickets, &[]);
                assert_eq!(again.code, 0, "{system:?} {step} {done}: {}", again.stderr);
                assert_complete(folder.path(), &tickets, &format!("killed at {step}, done: {done}"));
            }
        }
    });
}

#[test]
fn transient_error_is_retried_and_repeats_nothing() {
    let folder = exported();
    at_once(System::ALL, |system| {
        for fault in [
            Fault::Refuse { status: 429, times: 2 },
            Fault::Refuse { status: 503, times: 2 },
            Fault::DoneBut503,
        ] {
            let tickets = Tickets::start(system);
            tickets.fault(fault);
            let run = deliver(folder.path(), &tickets, &[]);
            assert_eq!(run.code, 0, "{system:?} {fault:?}: {}", run.stderr);
            assert_complete(folder.path(), &tickets, &format!("{fault:?}"));
        }
    });
}

#[test]
fn lasting_error_exits_7_and_a_later_delivery_completes_it() {
    let folder = exported();
    at_once([System::Redmine, System::Jira, System::Rt], |system| {
        for (fault, expected) in [
            (Fault::Refuse { status: 403, times: 1 }, "check its permissions"),
            (Fault::Refuse { status: 404, times: 1 }, "there is no such ticket"),
            (Fault::Refuse { status: 413, times: 1 }, "--max-bytes"),
            (Fault::Refuse { status: 422, times: 1 }, "refused by the test"),
            (Fault::Login, "an HTML page, such as a login page"),
            (Fault::Redirect, "redirects to https://elsewhere.example/x; redirects are never followed"),
        ] {
            let tickets = Tickets::start(system);
            tickets.fault(fault);
            let run = deliver(folder.path(), &tickets, &[]);
            assert_eq!((run.code, run.stdout.as_str()), (7, ""), "{system:?} {fault:?}: {}", run.stderr);
            assert!(run.stderr.contains(expected), "{system:?} {fault:?}: {}", run.stderr);
            tickets.heal();
            assert_eq!(deliver(folder.path(), &tickets, &[]).code, 0);
            assert_complete(folder.path(), &tickets, &format!("{fault:?}"));
        }
    });
}

#[test]
fn file_that_the_system_alters_or_drops_is_found() {
    let folder = exported();
    at_once(System::ALL, |system| {
        for (fault, expected) in [(Fault::Alter, "altered"), (Fault::Drop(4000), "the system")] {
            let tickets = Tickets::start(system);
            tickets.fault(fault);
            let run = deliver(folder.path(), &tickets, &[]);
            assert_eq!(run.code, 7, "{system:?} {fault:?}: {}", run.stderr);
            assert!(run.stderr.contains(expected) && run.stderr.contains("--max-bytes"), "{}", run.stderr);
            assert!(tickets.comments().is_empty(), "no comment says that the files are there");
            if (system, fault) == (System::Rt, Fault::Drop(4000)) {
                assert!(
                    run.stderr.contains("the system accepts at most 4000 bytes a file"),
                    "{}",
                    run.stderr
                );
            }
        }
    });
}

#[test]
fn refused_credentials_are_never_retried_nor_shown() {
    let folder = exported();
    let tickets = Tickets::start(System::Redmine);
    let wrong = [("REDMINE_API_KEY", "wrong-canary-0123456789")];
    let run = run_with(folder.path(), &wrong, &["-vvv", "deliver", MANIFEST, "--to", &tickets.url()]);
    assert_eq!(run.code, 7, "{}", run.stderr);
    assert!(run.stderr.contains("the credentials are refused; check $REDMINE_API_KEY"), "{}", run.stderr);
    assert!(!run.stderr.contains("wrong-canary"), "{}", run.stderr);
    assert_eq!(tickets.server.seen().len(), 1);
    let none = run_with(folder.path(), &[], &["deliver", MANIFEST, "--to", &tickets.url()]);
    assert_eq!(none.code, 5);
    assert!(none.stderr.contains("REDMINE_API_KEY is not set"), "{}", none.stderr);
    fs::write(folder.path().join("token"), format!("{SECRET}\n")).unwrap();
    let file = ["deliver", MANIFEST, "--to", &tickets.url(), "--ticket-token-file", "token"];
    let mode = std::os::unix::fs::PermissionsExt::from_mode;
    fs::set_permissions(folder.path().join("token"), mode(0o644)).unwrap();
    assert_eq!(run_with(folder.path(), &[], &file).code, 5, "others can read the file");
    fs::set_permissions(folder.path().join("token"), mode(0o600)).unwrap();
    assert_eq!(run_with(folder.path(), &[], &file).code, 0);
}

#[test]
fn changed_file_is_never_delivered() {
    let folder = exported();
    let tickets = Tickets::start(System::Redmine);
    fs::write(folder.path().join("parts/summary.csv"), "x").unwrap();
    let run = deliver(folder.path(), &tickets, &[]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("parts/summary.csv changed"), "{}", run.stderr);
    assert!(tickets.server.seen().is_empty());
}

#[test]
fn attach_chooses_files_and_dry_run_changes_nothing() {
    let folder = exported();
    let tickets = Tickets::start(System::Jira);
    let dry = deliver(folder.path(), &tickets, &["--dry-run", "--attach", "r.csv", "--attach", MANIFEST]);
    assert_eq!(dry.code, 0, "{}", dry.stderr);
    let lines: Vec<&str> = dry.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with("would upload r.csv") && lines[2].starts_with("would post the comment"));
    assert!(tickets.files().is_empty() && tickets.comments().is_empty());
    let run = deliver(folder.path(), &tickets, &["--attach", "r.csv", "--attach", MANIFEST]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let names: Vec<String> = tickets.files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["r.csv", MANIFEST]);
    let signature = format!("{MANIFEST}.sig");
    assert_eq!(deliver(folder.path(), &tickets, &["--attach", &signature]).code, 1, "there is none");
    fs::write(folder.path().join(&signature), "signature").unwrap();
    let dry = deliver(folder.path(), &tickets, &["--dry-run", "--attach", &signature]);
    assert!(dry.stdout.starts_with(&format!("would upload {signature}")), "{}{}", dry.stdout, dry.stderr);
    let unknown = deliver(folder.path(), &tickets, &["--attach", "nosuch"]);
    assert!(unknown.code == 2 && unknown.stderr.contains("--attach nosuch"), "{}", unknown.stderr);
}

#[test]
fn address_that_cannot_be_used_is_wrong_usage() {
    let folder = exported();
    for (url, expected) in [
        ("http://tickets.example/issues/1", "unencrypted"),
        ("https://me:hush-hush@tickets.example/issues/1", "has a user name or password"),
        ("https://tickets.example/", "--ticket-system"),
        ("mailto:a@x.org", "--smtp"),
    ] {
        let run = run_with(folder.path(), &[("REDMINE_API_KEY", "k")], &["deliver", MANIFEST, "--to", url]);
        assert_eq!(run.code, 2, "{url}: {}", run.stderr);
        assert!(run.stderr.contains(expected) && !run.stderr.contains("hush"), "{}", run.stderr);
    }
}

#[test]
fn export_with_failing_delivery_still_delivers_to_the_other_tickets() {
    let folder = tempdir().unwrap();
    let (broken, good) = (Tickets::start(System::Rt), Tickets::start(System::Redmine));
    broken.fault(Fault::Refuse { status: 403, times: 9 });
    let variables = [broken.system.variables(), good.system.variables()].concat();
    let (tasks, urls) = (sample_tasks(), [broken.url(), good.url()]);
    let first = ["export", &tasks, "--endpoint", "embedded", "--rate", "1000/s", "-o", "r.csv"];
    let arguments = [&first[..], &["--to", &urls[0], "--to", &urls[1]]].concat();
    let run = run_with(folder.path(), &variables, &arguments);
    assert_eq!(run.code, 7, "{}", run.stderr);
    assert!(run.stdout.starts_with(&format!("r.csv\n{}#", urls[1])), "{}", run.stdout);
    assert!(run.stderr.contains("1 of 2 deliveries failed"), "{}", run.stderr);
    assert!(run.stderr.contains("`cutover-report deliver r.manifest.json --to"), "{}", run.stderr);
    assert!(good.comments()[0].contains("do not pass"), "{}", good.comments()[0]);
    broken.heal();
    let again =
        run_with(folder.path(), &variables, &["deliver", MANIFEST, "--to", &urls[0], "--to", &urls[1]]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!((broken.comments().len(), good.comments().len()), (1, 1));
    let resumed = run_with(folder.path(), &variables, &[&arguments[..], &["--resume"]].concat());
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
    assert_eq!((broken.comments().len(), good.comments().len()), (1, 1), "the same run is delivered once");
    let gate = [&arguments[..], &["--fail-on", "not-passing"]].concat();
    broken.fault(Fault::Refuse { status: 403, times: 9 });
    assert_eq!(run_with(folder.path(), &variables, &gate).code, 4, "the verdicts win");
}

#[test]
fn doctor_with_to_looks_at_the_ticket_and_changes_nothing() {
    let folder = tempdir().unwrap();
    for system in System::ALL.into_iter().filter(|system| *system != System::JiraDc) {
        let tickets = Tickets::start(system);
        let run = run_with(
            folder.path(),
            &system.variables(),
            &["doctor", "--endpoint", "embedded", "--to", &tickets.url()],
        );
        assert_eq!(run.code, 0, "{system:?}: {}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains("can be read, 0 attachments, size limit"), "{}", run.stdout);
        assert!(tickets.server.seen().iter().all(|seen| seen.method == "GET"));
    }
    let tickets = Tickets::start(System::Redmine);
    let wrong = [("REDMINE_API_KEY", "wrong-canary-0123456789")];
    let run = run_with(folder.path(), &wrong, &["doctor", "--endpoint", "embedded", "--to", &tickets.url()]);
    assert_eq!(run.code, 7, "{}", run.stdout);
}

#[test]
fn diff_with_to_delivers_the_comparison_once() {
    let folder = exported();
    let path = folder.path();
    let tickets = Tickets::start(System::Redmine);
    let url = tickets.url();
    let diff = |outputs: &[&str]| {
        let first = ["diff", "r.journal.jsonl", "r.journal.jsonl", "--to", &url];
        run_with(path, &tickets.system.variables(), &[&first[..], outputs].concat())
    };
    for _ in 0..2 {
        let run = diff(&["-o", "changes.csv", "-o", "changes.md"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(run.stdout.lines().any(|line| line.contains("/issues/")), "{}", run.stdout);
    }
    let names: Vec<String> = tickets.files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["changes.csv", "changes.md"]);
    assert_eq!(tickets.comments().len(), 1);
    let verified = run(path, &["verify", "changes.manifest.json"]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);

    let evidence = || [MANIFEST, "r.csv"].map(|name| fs::read(path.join(name)).unwrap());
    let before = evidence();
    let refused = diff(&["-o", "r.csv"]);
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    assert!(refused.stderr.contains("it is the manifest of a run"), "{}", refused.stderr);
    assert_eq!(evidence(), before, "nothing of the run is replaced");
    let without = diff(&[]);
    assert_eq!(without.code, 2, "{}", without.stderr);
    assert!(without.stderr.contains("add -o OUT"), "{}", without.stderr);
}
