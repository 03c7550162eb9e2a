//! Files that are replaced, locked or lost during a run.

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::support::server::{Server, Stalling, consistent};
use crate::support::{Run, end, run, sample_tasks, signal};

/// Exports the sample tasks from the embedded service.
fn export(folder: &Path, more: &[&str]) -> Run {
    let tasks = sample_tasks();
    run(folder, &[&["export", &tasks, "--endpoint", "embedded", "--rate", "1000/s"], more].concat())
}

/// A list of tasks, and a service that answers some of them and then waits.
pub(crate) fn stalling(tasks: usize, answers: usize) -> (TempDir, Stalling) {
    let folder = tempdir().unwrap();
    let ids: String = (0..tasks).map(|number| format!("t{number}\n")).collect();
    std::fs::write(folder.path().join("tasks.csv"), "task_id\n".to_owned() + &ids).unwrap();
    (folder, Stalling::after(answers))
}

pub(crate) fn arguments<'a>(url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = [
        "export",
        "tasks.csv",
        "--context",
        "off",
        "--endpoint",
        url,
        "--auth",
        "none",
        "--rate",
        "1000/s",
        "--concurrency",
        "1",
    ];
    [&fixed[..], more].concat()
}

pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Child {
    // The tests themselves may run under nohup.
    let mut command = Command::new("env");
    command.arg("--default-signal=HUP").arg(cargo_bin("cutover-report")).args(arguments);
    command.current_dir(folder).env_clear().env("TMPDIR", folder);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Runs the program as an unprivileged user, for whom limits and modes apply.
pub(crate) fn run_as(user: u32, folder: &Path, before: &[&str], arguments: &[&str]) -> Run {
    let ids = [format!("--reuid={user}"), format!("--regid={user}")];
    let program = program_for_all();
    let mut command = Command::new("setpriv");
    command.args(&ids).arg("--clear-groups").args(before).arg(program);
    let output = command.current_dir(folder).env_clear().args(arguments).output();
    let output = output.expect("this test needs `setpriv` of util-linux, and root");
    assert_ne!(output.status.code(), Some(127), "{}", String::from_utf8_lossy(&output.stderr));
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A copy of the program that every user may run.
fn program_for_all() -> &'static Path {
    static COPY: std::sync::OnceLock<(TempDir, PathBuf)> = std::sync::OnceLock::new();
    let (_, path) = COPY.get_or_init(|| {
        let folder = tempdir_for_all();
        let path = folder.path().join("cutover-report");
        std::fs::copy(cargo_bin("cutover-report"), &path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        (folder, path)
    });
    path
}

pub(crate) fn tempdir_for_all() -> TempDir {
    let folder = tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    folder
}

/// Copies the sample list to `tasks.csv`, readable for every user.
pub(crate) fn add_task_list_for_all(folder: &Path) {
    let tasks = folder.join("tasks.csv");
    std::fs::copy(sample_tasks(), &tasks).unwrap();
    std::fs::set_permissions(&tasks, std::fs::Permissions::from_mode(0o644)).unwrap();
}

/// Whether the tests run as root, which tests of modes and limits need.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(crate) fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        eprintln!("SKIPPED: this test needs root to run the program as another user");
    }
    is_root
}

/// The temporary files in the folder or below.
pub(crate) fn temporary_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with(".cutover-report-")
            || name.starts_with("cutover-report-")
            || name.ends_with(".lock")
        {
            found.push(path);
        } else if path.is_dir() {
            found.extend(temporary_files(&path));
        }
    }
    found
}

fn answered(journal: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(journal).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter_map(|line| line["task_id"].as_str().map(str::to_owned)).collect()
}

#[test]
fn export_into_unreadable_folder_warns_and_succeeds_again_and_again() {
    if !is_root() {
        return;
    }
    let folder = tempdir_for_all();
    add_task_list_for_all(folder.path());
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    std::fs::set_permissions(&out, std::fs::Permissions::from_mode(0o333)).unwrap();
    let export = ["export", "tasks.csv", "--endpoint", "embedded", "--rate", "1000/s"];
    let outputs = ["-o", "out/r.json", "-o", "out/r.xlsx", "-o", "out/r.csv", "-o", "out/r.zip"];
    for _ in 0..2 {
        let run = run_as(64_001, folder.path(), &[], &[&export[..], &outputs].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        let warnings: Vec<_> =
            run.stderr.lines().filter(|line| line.starts_with("warning: folder")).collect();
        assert_eq!(warnings.len(), 1, "{}", run.stderr);
        assert!(warnings[0].contains("folder out cannot be synced: Permission denied"), "{}", run.stderr);
        assert!(!run.stderr.contains("unchanged"), "{}", run.stderr);
    }
    assert_eq!(answered(&out.join("r.journal.jsonl")).len(), 12);
    assert!(temporary_files(&out).is_empty());
}

#[test]
fn outputs_and_journals_that_are_no_regular_files_are_refused_before_a_request() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("tasks.csv"), "task_id\na\n").unwrap();
    let server = Server::start(|_, _| consistent());
    for (name, kind) in [("fifo", "p"), ("block", "b")] {
        let numbers: &[&str] = if kind == "b" { &["7", "99"] } else { &[] };
        let made = Command::new("mknod").arg(at(&format!("{name}.json"))).arg(kind).args(numbers).status();
        assert!(made.unwrap().success());
    }
    let _listener = std::os::unix::net::UnixListener::bind(at("socket.json")).unwrap();
    symlink("/dev/null", at("null.json")).unwrap();
    symlink("fifo.json", at("link.json")).unwrap();
    std::fs::create_dir(at("folder.jsonl")).unwrap();
    std::fs::write(at("file"), "").unwrap();
    for (option, path, what) in [
        ("-o", "fifo.json", "a FIFO"),
        ("-o", "link.json", "a FIFO"),
        ("-o", "block.json", "a device"),
        ("-o", "null.json", "a device"),
        ("-o", "socket.json", "a socket"),
        ("-o", "file/", "not a folder"),
        ("--journal", "fifo.json", "a FIFO"),
        ("--journal", "/dev/null", "a device"),
        ("--journal", "/dev/zero", "a device"),
        ("--journal", "socket.json", "a socket"),
        ("--journal", "folder.jsonl", "a directory"),
    ] {
        let other: &[&str] = if option == "-o" { &[] } else { &["-o", "r.json"] };
        let url = server.url();
        let run = run(folder.path(), &arguments(&url, &[&[option, path, "--overwrite"], other].concat()));
        assert_eq!(run.code, 2, "{path}: {}", run.stderr);
        assert!(run.stderr.contains(what), "{path}: {}", run.stderr);
    }
    assert!(server.seen().is_empty());
    assert!(temporary_files(folder.path()).is_empty());
    assert!(
        !at("fifo.json").metadata().unwrap().is_file()
            && at("null.json").symlink_metadata().unwrap().is_symlink()
    );
}

#[test]
fn render_merge_and_diff_refuse_a_fifo_as_output() {
    let folder = tempdir().unwrap();
    assert_eq!(export(folder.path(), &["-o", "r.json"]).code, 0);
    assert!(
        Command::new("mkfifo")
            .current_dir(folder.path())
            .args(["f.xlsx", "f.jsonl"])
            .status()
            .unwrap()
            .success()
    );
    let journal = "r.journal.jsonl";
    for arguments in [
        ["render", journal, "-o", "f.xlsx"].as_slice(),
        &["merge", journal, "-o", "f.xlsx"],
        &["merge", journal, "-o", "f.jsonl"],
        &["diff", journal, journal, "-o", "f.xlsx"],
    ] {
        let run = run(folder.path(), arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains("a FIFO, not a regular file"), "{}", run.stderr);
    }
}

#[test]
fn existing_outputs_keep_mode_and_owner_and_links_are_followed() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("real")).unwrap();
    for name in ["r.json", "r.xlsx", "r.journal.jsonl", "r.manifest.json", "real/there.csv"] {
        std::fs::write(at(name), "").unwrap();
        std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(0o640)).unwrap();
        if is_root() {
            std::os::unix::fs::chown(at(name), Some(1000), Some(1001)).unwrap();
        }
    }
    symlink("real/there.csv", at("link.csv")).unwrap();
    symlink("real/new.md", at("dangling.md")).unwrap();
    symlink("loop.prom", at("loop.prom")).unwrap();
    let outputs = ["-o", "r.json", "-o", "r.xlsx", "-o", "link.csv", "-o", "dangling.md", "--overwrite"];
    let run = export(folder.path(), &outputs);
    assert_eq!(run.code, 0, "{}", run.stderr);
    for name in ["r.json", "r.xlsx", "r.journal.jsonl", "r.manifest.json", "real/there.csv"] {
        let found = at(name).metadata().unwrap();
        assert!(found.len() > 0, "{name}");
        assert_eq!(found.mode() & 0o7777, 0o640, "{name}");
        if is_root() {
            assert_eq!((found.uid(), found.gid()), (1000, 1001), "{name}");
        }
    }
    assert!(at("link.csv").symlink_metadata().unwrap().is_symlink());
    assert!(at("dangling.md").symlink_metadata().unwrap().is_symlink());
    assert!(at("real/new.md").metadata().unwrap().len() > 0);
    let looped = export(folder.path(), &["-o", "loop.prom", "--journal", "other.jsonl"]);
    assert_eq!(looped.code, 1, "{}", looped.stderr);
    assert!(looped.stderr.contains("loop.prom: too many levels of symbolic links"), "{}", looped.stderr);
}

#[test]
fn second_run_on_the_same_journal_by_any_path_exits_6() {
    let (folder, service) = stalling(20, 5);
    let url = service.server.url();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("sub")).unwrap();
    symlink("..", at("sub/up")).unwrap();
    symlink("j.jsonl", at("soft.jsonl")).unwrap();
    let child = start(folder.path(), &arguments(&url, &["--journal", "j.jsonl", "-o", "r.json"]));
    service.stalled();
    std::fs::hard_link(at("j.jsonl"), at("hard.jsonl")).unwrap();
    let absolute = at("j.jsonl").display().to_string();
    for path in
        ["j.jsonl", "./j.jsonl", "soft.jsonl", "hard.jsonl", "sub/up/j.jsonl", "sub/up/hard.jsonl", &absolute]
    {
        for mode in ["--overwrite", "--resume"] {
            let run = run(folder.path(), &arguments(&url, &["--journal", path, mode, "-o", "other.json"]));
            assert_eq!(run.code, 6, "{path} {mode}: {}", run.stderr);
        }
    }
    service.release();
    let first = end(child);
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert_eq!(answered(&at("j.jsonl")).len(), 20);
    assert!(temporary_files(folder.path()).is_empty(), "{:?}", temporary_files(folder.path()));
}

#[test]
fn lock_path_that_is_a_link_or_fifo_is_refused_at_once() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("precious"), "process 1").unwrap();
    symlink("precious", at("a.jsonl.lock")).unwrap();
    symlink("missing", at("b.jsonl.lock")).unwrap();
    assert!(Command::new("mkfifo").arg(at("c.jsonl.lock")).status().unwrap().success());
    std::fs::create_dir(at("d.jsonl.lock")).unwrap();
    for name in ["a", "b", "c", "d"] {
        let journal = format!("{name}.jsonl");
        let run = export(folder.path(), &["--journal", &journal, "-o", "r.json"]);
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.contains(&format!("{journal}.lock")), "{}", run.stderr);
        assert!(!at(&journal).exists());
    }
    assert_eq!(std::fs::read_to_string(at("precious")).unwrap(), "process 1");
    assert!(!at("missing").exists());
}

/// A run whose journal `harm` changes during a request.
fn run_with_lost_journal(harm: impl FnOnce(&Path), more: &[&str]) -> (TempDir, Run) {
    let (folder, service) = stalling(20, 10);
    let url = service.server.url();
    let outputs = ["--journal", "out/j.jsonl", "-o", "r.json"];
    let child = start(folder.path(), &arguments(&url, &[&outputs, more].concat()));
    service.stalled();
    harm(&folder.path().join("out/j.jsonl"));
    service.release();
    let run = end(child);
    (folder, run)
}

#[test]
fn journal_lost_during_a_run_is_recovered_named_and_reported_from() {
    let truncate = |length: u64| {
        move |path: &Path| {
            std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
        }
    };
    let replace = |path: &Path| {
        std::fs::write(path.with_extension("new"), "of another program\n").unwrap();
        std::fs::rename(path.with_extension("new"), path).unwrap();
    };
    let append = |path: &Path| {
        use std::io::Write as _;
        std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(b"x\n").unwrap();
    };
    type Harm = Box<dyn Fn(&Path)>;
    let harms: [(&str, Harm, &[&str]); 7] = [
        ("removed", Box::new(|path| std::fs::remove_file(path).unwrap()), &[]),
        ("renamed", Box::new(|path| std::fs::rename(path, path.with_extension("old")).unwrap()), &["-q"]),
        ("removed", Box::new(|path| std::fs::remove_dir_all(path.parent().unwrap()).unwrap()), &[]),
        ("replaced", Box::new(replace), &[]),
        ("truncated", Box::new(truncate(0)), &[]),
        ("truncated", Box::new(truncate(1000)), &[]),
        ("written to", Box::new(append), &[]),
    ];
    for (what, harm, more) in harms {
        let (folder, run) = run_with_lost_journal(harm, more);
        assert_eq!(run.code, 1, "{what}: {}", run.stderr);
        let line = run.stderr.lines().find(|line| line.starts_with("warning: journal out/j.jsonl was "));
        let line = line.unwrap_or_else(|| panic!("{what}: {}", run.stderr));
        assert!(line.contains(what), "{line}");
        let (_, path) = line.split_once(" are in ").unwrap();
        let path = folder.path().join(path.split_once(" now").unwrap().0);
        assert_eq!(answered(&path).len(), 20, "{what}");
        let summary: Value =
            serde_json::from_slice(&std::fs::read(folder.path().join("r.json")).unwrap()).unwrap();
        assert_eq!(summary["counts"]["consistent"], 20, "{what}");
        assert!(temporary_files(folder.path()).is_empty(), "{:?}", temporary_files(folder.path()));
    }
}

#[test]
fn killed_runs_leave_nothing_after_the_next_one() {
    let (folder, _) = stalling(20, 5);
    let outputs = ["--no-journal", "-o", "out/r.json", "-o", "out/csv/"];
    for _ in 0..3 {
        let service = Stalling::after(5);
        let child = start(folder.path(), &arguments(&service.server.url(), &outputs));
        service.stalled();
        signal(&child, "-KILL");
        end(child);
        service.release();
    }
    assert!(!temporary_files(folder.path()).is_empty(), "a killed run leaves its folder");
    // What a run leaves that is killed during reporting.
    for parent in ["out", "out/csv", "out/csv/tasks"] {
        let dead = folder.path().join(parent).join(".cutover-report-dead");
        std::fs::create_dir_all(&dead).unwrap();
        std::fs::write(dead.join("lock"), "").unwrap();
        std::fs::write(dead.join("0"), "half").unwrap();
    }
    let service = Server::start(|_, _| consistent());
    // With its journal beside the outputs, it needs no folder in TMPDIR itself.
    let outputs = [&outputs[1..], &["--previous"]].concat();
    let last = end(start(folder.path(), &arguments(&service.url(), &outputs)));
    assert_eq!(last.code, 0, "{}", last.stderr);
    assert!(temporary_files(folder.path()).is_empty(), "{:?}", temporary_files(folder.path()));
}

#[test]
fn temporary_files_of_a_live_run_are_left_alone() {
    let (folder, service) = stalling(20, 5);
    let url = service.server.url();
    let live = start(folder.path(), &arguments(&url, &["--no-journal", "-o", "a.json"]));
    service.stalled();
    let before = temporary_files(folder.path());
    assert_eq!(before.len(), 1);
    let tasks = sample_tasks();
    let other = ["export", &tasks, "--endpoint", "embedded", "--no-journal", "-o", "b.json", "-o", "b.xlsx"];
    assert_eq!(end(start(folder.path(), &other)).code, 0);
    assert_eq!(temporary_files(folder.path()), before);
    service.release();
    let run = end(live);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(temporary_files(folder.path()).is_empty());
}

#[test]
fn document_for_a_closed_stdout_exits_1() {
    let folder = tempdir().unwrap();
    assert_eq!(export(folder.path(), &["-o", "r.json"]).code, 0);
    let program = cargo_bin("cutover-report").display().to_string();
    let shell = |redirection: &str| {
        let line = format!("{program} render r.journal.jsonl -o x.json --json {redirection}");
        Command::new("sh").current_dir(folder.path()).args(["-c", &line]).output().unwrap()
    };
    let closed = shell(">&-");
    assert_eq!(closed.status.code(), Some(1));
    assert!(String::from_utf8(closed.stderr).unwrap().contains("stdout is closed"));
    assert!(folder.path().join("x.json").exists(), "the outputs are written");
    assert_eq!(shell(">/dev/null").status.code(), Some(0));
    assert_eq!(shell(">/dev/full").status.code(), Some(1));
    for command in [
        "render r.journal.jsonl -o - --format csv",
        "show r.journal.jsonl",
        "show r.journal.jsonl --json",
        "history r.journal.jsonl",
        "diff r.journal.jsonl r.journal.jsonl",
        "config init",
        "templates show compact",
        "man",
    ] {
        let line = format!("{program} {command} >&-");
        let closed = Command::new("sh").current_dir(folder.path()).args(["-c", &line]).output().unwrap();
        let said = String::from_utf8(closed.stderr).unwrap();
        assert_eq!(
            (closed.status.code(), said.contains("stdout is closed")),
            (Some(1), true),
            "{line}: {said}"
        );
    }
}

#[test]
fn unknown_placeholder_in_an_output_exits_2() {
    let folder = tempdir().unwrap();
    let run = export(folder.path(), &["-o", "n/{Date}/x.json"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("unknown placeholder {Date}; use {date} or {time}"), "{}", run.stderr);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn output_in_a_folder_that_takes_no_files_names_the_folder() {
    let folder = tempdir().unwrap();
    let run = export(folder.path(), &["-o", "/proc/a.xlsx", "--journal", "j.jsonl"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(
        run.stderr.contains("error: /proc/a.xlsx: cannot create a file in folder /proc: "),
        "{}",
        run.stderr
    );
    let run = export(folder.path(), &["-o", "/proc/a.xlsx"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("cannot create lock file /proc/a.journal.jsonl.lock: "), "{}", run.stderr);
}
