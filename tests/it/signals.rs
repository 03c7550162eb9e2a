//! Runs that a signal stops, and threads that the system refuses.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use assert_cmd::cargo::cargo_bin;
use tempfile::tempdir;

use crate::files::{
    add_task_list_for_all, arguments, is_root, run_as, stalling, start, tempdir_for_all, temporary_files,
};
use crate::support::journal::{answer, journal};
use crate::support::{end, signal, until};

#[test]
fn sighup_stops_a_run_with_129_and_leaves_no_temporary_file() {
    let (folder, service) = stalling(20, 5);
    let url = service.server.url();
    let mut child = start(folder.path(), &arguments(&url, &["-o", "r.json"]));
    let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    service.stalled();
    signal(&child, "-HUP");
    let mut line = String::new();
    std::io::BufRead::read_line(&mut stderr, &mut line).unwrap();
    assert!(line.starts_with("stopping: "), "{line}");
    service.release();
    assert_eq!(end(child).code, 129);
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut stderr, &mut rest).unwrap();
    assert!(rest.contains("stopped by SIGHUP"), "{rest}");
    assert!(temporary_files(folder.path()).is_empty());
    // Not if SIGHUP is ignored.
    let (folder, service) = stalling(20, 5);
    let url = service.server.url();
    let mut command = Command::new("nohup");
    command.arg(cargo_bin("cutover-report")).args(arguments(&url, &["-o", "r.json"]));
    command.current_dir(folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    service.stalled();
    signal(&child, "-HUP");
    service.release();
    assert_eq!(end(child).code, 0);
}

#[test]
fn signals_while_reports_are_written_leave_no_temporary_file() {
    let folder = tempdir().unwrap();
    let tasks: Vec<_> = (0..2000).map(|_| ("server", answer(&["/data"]))).collect();
    journal(folder.path(), &tasks);
    for (name, code) in [("-HUP", 129), ("-TERM", 143), ("-INT", 130)] {
        let child = start(folder.path(), &["render", "j.jsonl", "-o", "csv/", "-o", "r.xlsx"]);
        until(|| folder.path().join("csv/tasks").is_dir() && !temporary_files(folder.path()).is_empty());
        signal(&child, name);
        assert_eq!(end(child).code, code);
        assert!(temporary_files(folder.path()).is_empty(), "{:?}", temporary_files(folder.path()));
        std::fs::remove_dir_all(folder.path().join("csv")).unwrap();
    }
}

#[test]
fn refused_threads_are_an_error_line_and_free_the_lock() {
    if !is_root() {
        return;
    }
    let folder = tempdir_for_all();
    add_task_list_for_all(folder.path());
    let mut codes = BTreeSet::new();
    for limit in 1..=24 {
        let limit = format!("--nproc={limit}");
        let export = ["export", "tasks.csv", "--endpoint", "embedded", "--rate", "1000/s", "--overwrite"];
        let outputs = ["-o", "r.json", "-o", "r.xlsx", "-o", "csv/", "-o", "r.zip"];
        let run = run_as(64_002, folder.path(), &["prlimit", &limit], &[&export[..], &outputs].concat());
        let errors: Vec<_> = run.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        assert!(!run.stderr.contains("panicked"), "{limit}: {}", run.stderr);
        match run.code {
            0 => assert!(errors.is_empty(), "{limit}: {}", run.stderr),
            1 => assert!(
                errors.iter().any(|line| line.contains("cannot start a thread: ")),
                "{limit}: {}",
                run.stderr
            ),
            code => panic!("{limit}: exit {code}: {}", run.stderr),
        }
        codes.insert(run.code);
        assert!(temporary_files(folder.path()).is_empty(), "{limit}: {:?}", temporary_files(folder.path()));
    }
    assert_eq!(codes, BTreeSet::from([0, 1]));
}
