//! A running `serve`.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use assert_cmd::cargo::cargo_bin;

/// A running `serve`, and its address. It is ended when this is dropped.
pub struct Serving {
    pub child: Child,
    pub url: String,
}

impl Serving {
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(cargo_bin("cutover-report"));
        command.arg("serve").args(arguments).current_dir(folder).env_clear();
        Self::of(command)
    }

    /// Starts a command that is a `serve`.
    pub fn of(mut command: Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").map(str::to_owned);
        let Some(url) = url else {
            let mut stderr = String::new();
            child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
            panic!("it does not serve: {stderr}");
        };
        Self { child, url }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
