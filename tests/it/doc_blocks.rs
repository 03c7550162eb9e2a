//! Runs the `sh` and `crontab` blocks of the documentation, page by page, as a reader would paste them.
//!
//! Each page has a folder of its own, in which its blocks run in order. They run as they are written, except that hosts,
//! absolute paths and `…` in place of secrets are replaced (see `Scene::localized`). `toml` blocks with a profile are
//! the configuration file. A comment above a block, which rendered pages do not show, says what is special about it:
//!
//! - `<!-- exit 4 -->`: the exit code, if it is not 0; the block has one command
//! - `<!-- runs until stopped -->`: a `serve`, which runs until the end of the page
//! - `<!-- not run: REASON -->`

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use assert_cmd::cargo::cargo_bin;

use crate::docs::pages;
use crate::support::s3::{self, S3};
use crate::support::server::{Server, json};
use crate::support::serving::Serving;
use crate::support::tickets::{self, System, Tickets};

const TOOLS: [&str; 4] = ["jq", "python3", "sh", "ssh-keygen"];
/// The newer of the two nights that every folder has. Blocks that name it run on that day.
const NIGHTS: [&str; 2] = ["2026-11-20", "2026-11-21"];

const SETUP: &str = "
mkdir ~/.ssh
ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519
cutover-report -q export wave-3.csv --region ap-southeast-3 -o /srv/reports/2026-11-20/wave-3.xlsx
cutover-report -q export wave-3.csv --region ap-southeast-3 -o /srv/reports/2026-11-21/wave-3.xlsx
";
/// For pages whose blocks do not follow each other.
pub(crate) const EARLIER_RUN: &str = "
cutover-report -q export wave-3.csv --region ap-southeast-3 -o wave-3.xlsx --sign-key ~/.ssh/id_ed25519
cutover-report -q export wave-3.csv --region ap-southeast-3 -o report.xlsx
echo \"WHO $(cat ~/.ssh/id_ed25519.pub)\" > allowed_signers
";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark<'a> {
    Exit(i32),
    UntilStopped,
    NotRun(&'a str),
}

impl<'a> Mark<'a> {
    fn parse(comment: &'a str) -> Option<Self> {
        let text = comment.trim().strip_prefix("<!--")?.strip_suffix("-->")?.trim();
        if let Some(code) = text.strip_prefix("exit ") {
            return Some(Self::Exit(code.parse().ok()?));
        }
        if text == "runs until stopped" {
            return Some(Self::UntilStopped);
        }
        let reason = text.strip_prefix("not run:")?.trim();
        (reason.len() > 5).then_some(Self::NotRun(reason))
    }
}

pub(crate) struct Block<'a> {
    /// The path and line of its first line.
    pub(crate) place: String,
    pub(crate) language: &'a str,
    pub(crate) text: String,
    pub(crate) mark: Mark<'a>,
}

impl Block<'_> {
    /// Its commands, without comments.
    fn commands(&self) -> Vec<&str> {
        let commands = self.text.lines().map(|line| line.split(" #").next().unwrap_or_default().trim_end());
        commands.filter(|command| !command.is_empty()).collect()
    }
}

/// The blocks of a page in order. Panics if a comment above one is not a mark.
fn blocks<'a>(path: &Path, page: &'a str) -> Vec<Block<'a>> {
    let mut found: Vec<Block<'_>> = Vec::new();
    let (mut is_open, mut comment) = (false, None);
    for (line, number) in page.lines().zip(1..) {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            is_open = !is_open;
            if is_open {
                let place = format!("{}:{}", path.display(), number + 1);
                let mark = comment.take().map_or(Mark::Exit(0), |comment| {
                    Mark::parse(comment).unwrap_or_else(|| panic!("{place}: not a mark: {comment}"))
                });
                found.push(Block { place, language, text: String::new(), mark });
            }
        } else if is_open {
            let text = &mut found.last_mut().unwrap().text;
            text.push_str(line.trim_start());
            text.push('\n');
        } else if !line.trim().is_empty() {
            comment = line.trim().starts_with("<!--").then_some(line);
        }
    }
    assert!(!is_open, "{}: a block has no end", path.display());
    found
}

/// The servers that the pages' hosts are replaced by.
struct Hosts {
    /// Accepts the access key that the pages write into the credentials file.
    sms: Serving,
    tickets: Tickets,
    storage: S3,
    chat: Server,
}

impl Hosts {
    fn start() -> Self {
        let mut serve = Command::new(cargo_bin("cutover-report"));
        serve.args(["serve", "--auth", "aksk"]).env_clear();
        serve.env("HUAWEICLOUD_SDK_AK", "YOUR_ACCESS_KEY").env("HUAWEICLOUD_SDK_SK", "YOUR_SECRET_KEY");
        let storage = S3::start();
        let tasks = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/tasks.csv");
        storage.put("waves/wave-3.csv", fs::read(tasks).unwrap());
        Self {
            sms: Serving::of(serve),
            tickets: Tickets::start(System::Redmine),
            storage,
            chat: Server::start(|_, _| json(200, r#"{"code":0}"#)),
        }
    }
}

/// The state of a page: the folder that replaces a machine's root, and what its blocks have set.
pub(crate) struct Scene {
    root: PathBuf,
    hosts: Hosts,
    exports: String,
    entries: Vec<(String, i32)>,
    served: Option<Serving>,
}

impl Scene {
    pub(crate) fn new(root: &Path, has_earlier_run: bool) -> Self {
        let scene = Self {
            root: root.to_owned(),
            hosts: Hosts::start(),
            exports: String::new(),
            entries: Vec::new(),
            served: None,
        };
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
        for (sample, path) in [
            ("tasks.csv", "home/samples/tasks.csv"),
            ("waivers.toml", "home/samples/waivers.toml"),
            ("plan.xlsx", "home/plan.xlsx"),
            ("tasks.csv", "home/wave-3.csv"),
            ("waivers.toml", "home/wave-3.waivers.toml"),
            ("tasks.csv", "srv/waves/wave-3.csv"),
        ] {
            scene.write(path, &fs::read(samples.join(sample)).unwrap());
        }
        scene.write("etc/cutover-report/feishu-url", scene.hosts.chat.url().as_bytes());
        scene.write("etc/cutover-report/feishu-secret", b"a secret of the chat");
        scene
            .write("home/.huaweicloud/credentials", b"[basic]\nak = YOUR_ACCESS_KEY\nsk = YOUR_SECRET_KEY\n");
        scene.write("home/.config/cutover-report/config.toml", b"[profile.default]\nrate = \"1000/s\"\n");
        scene.write("etc/cutover-report/config.toml", b"[profile.night]\nregion = \"ap-southeast-3\"\n");
        scene.write("tmp/.keep", b"");
        // `cargo test` is what runs this.
        scene.write("bin/cargo", b"#!/bin/sh -eu\ncase \"$1 ${2-}\" in test*) exit 0 ;; 'run --release') ;; *) exit 9 ;; esac\nshift 3\nexec cutover-report \"$@\"\n");
        scene.write("bin/mail", b"#!/bin/sh -eu\n[ \"$1\" = -s ]\ngrep -q tasks\n");
        for (path, mode) in
            [("home/.huaweicloud/credentials", 0o600), ("bin/cargo", 0o755), ("bin/mail", 0o755)]
        {
            fs::set_permissions(root.join(path), fs::Permissions::from_mode(mode)).unwrap();
        }
        symlink(cargo_bin("cutover-report"), root.join("bin/cutover-report")).unwrap();
        scene.must(SETUP);
        if has_earlier_run {
            scene.must(EARLIER_RUN);
        }
        scene
    }

    fn write(&self, path: &str, content: &[u8]) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// The text with the hosts, paths and secrets of this test.
    fn localized(&self, text: &str) -> String {
        let root = self.root.display();
        let hooks = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/hooks/");
        let served = self.served.as_ref().map_or_else(String::new, |serving| serving.url.clone());
        let mut text = text.to_owned();
        if NIGHTS.iter().any(|night| text.contains(night)) {
            text = text.replace("{date}", NIGHTS[1]);
        }
        for (written, here) in [
            ("https://redmine.example.com", self.hosts.tickets.server.url()),
            ("https://obs.ap-southeast-3.myhuaweicloud.com", self.hosts.storage.url()),
            ("s3://waves/", "s3://b/waves/".to_owned()),
            ("s3://reports/", "s3://b/reports/".to_owned()),
            ("http://127.0.0.1:PORT", served),
            ("/etc/cutover-report", format!("{root}/etc/cutover-report")),
            ("/srv/", format!("{root}/srv/")),
            ("/usr/share/cutover-report/hooks/", hooks.to_owned()),
            ("REDMINE_API_KEY=…", format!("REDMINE_API_KEY={}", tickets::SECRET)),
            ("AWS_ACCESS_KEY_ID=…", format!("AWS_ACCESS_KEY_ID={}", s3::KEY)),
            ("AWS_SECRET_ACCESS_KEY=…", format!("AWS_SECRET_ACCESS_KEY={}", s3::SECRET)),
        ] {
            text = text.replace(written, &here);
        }
        text
    }

    fn shell(&self, script: &str) -> Command {
        let root = &self.root;
        let sms = &self.hosts.sms.url;
        let mut command = Command::new("sh");
        command.args(["-eu", "-c", script]).current_dir(root.join("home")).env_clear();
        command.env("PATH", format!("{}/bin:{}", root.display(), std::env::var("PATH").unwrap()));
        command.env("HOME", root.join("home")).env("TMPDIR", root.join("tmp")).stdin(Stdio::null());
        for region in ["AP_SOUTHEAST_3", "CN_NORTH_4"] {
            command.env(format!("HUAWEICLOUD_SDK_REGION_SMS_{region}"), sms);
        }
        // The fake has a region of its own; OBS takes any.
        command.env("AWS_REGION", "xx-1");
        command.env("HUAWEICLOUD_SDK_PROJECT_ID", "0123456789abcdef0123456789abcdef");
        command
    }

    /// Runs a script; its exit code, and what it printed if that is not `expected`.
    fn run(&self, script: &str, expected: i32) -> Result<(), String> {
        let script = format!("{}{}", self.exports, self.localized(script));
        let output = self.shell(&script).output().unwrap();
        if output.status.code() == Some(expected) {
            return Ok(());
        }
        let printed =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Err(format!("{}, not exit code {expected}\n{script}\n{}", output.status, printed.concat()))
    }

    pub(crate) fn must(&self, script: &str) {
        self.run(script, 0).unwrap_or_else(|error| panic!("{error}"));
    }

    /// The crontab's entries, as cron runs them.
    fn crontab(&self) -> Result<(), String> {
        // The step that a page leaves to an editor.
        let token = self.root.join("etc/cutover-report/ticket-token");
        if token.exists() {
            fs::write(token, tickets::SECRET).unwrap();
        }
        self.entries.iter().try_for_each(|(command, code)| self.run(command, *code))
    }

    pub(crate) fn play(&mut self, block: &Block<'_>) -> Result<(), String> {
        match (block.language, block.mark) {
            ("toml", _) if block.text.starts_with("[profile.") => {
                self.write("etc/cutover-report/config.toml", self.localized(&block.text).as_bytes());
                self.crontab()
            }
            ("crontab", Mark::Exit(code)) => {
                let commands = block.commands().into_iter().map(|line| {
                    let fields: Vec<&str> = line.splitn(6, ' ').collect();
                    (fields[5].trim().to_owned(), code)
                });
                self.entries = commands.collect();
                Ok(())
            }
            ("sh", Mark::UntilStopped) => {
                let script = format!("{}exec {}", self.exports, self.localized(&block.text));
                self.served = Some(Serving::of(self.shell(&script)));
                Ok(())
            }
            ("sh", Mark::Exit(_)) if block.text.contains("cutover-report serve ") => {
                Err("it runs until stopped: mark it so".to_owned())
            }
            ("sh", Mark::Exit(code)) => {
                if code != 0 && block.commands().len() != 1 {
                    return Err("a block with an exit code has one command".to_owned());
                }
                self.run(&block.text, code)?;
                for export in block.commands().iter().filter(|command| command.starts_with("export ")) {
                    self.exports += &format!("{}\n", self.localized(export));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Whether all tools are installed that the blocks use; a test without them is skipped.
#[allow(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn has_tools() -> bool {
    let is_missing = |tool: &&str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        !std::env::split_paths(&path).any(|folder| folder.join(tool).exists())
    };
    let Some(tool) = TOOLS.iter().find(|tool| is_missing(tool)) else { return true };
    assert!(std::env::var_os("CUTOVER_REPORT_NO_SKIP").is_none(), "{tool} is not installed");
    eprintln!("skipped: {tool} is not installed");
    false
}

/// Whether a block runs something.
fn is_script(block: &Block<'_>) -> bool {
    ["sh", "crontab"].contains(&block.language)
}

#[test]
#[allow(clippy::print_stdout, reason = "the count of what ran is for people")]
fn blocks_of_the_documentation_run() {
    if !has_tools() {
        return;
    }
    let pages = pages();
    let pages: Vec<_> = pages.iter().map(|(path, page)| (path, blocks(path, page))).collect();
    let is_translation = |path: &Path| path.starts_with("docs/zh");
    let originals: BTreeSet<Vec<&str>> = pages
        .iter()
        .filter(|(path, _)| !is_translation(path))
        .flat_map(|(_, blocks)| blocks.iter().filter(|block| is_script(block)).map(Block::commands))
        .collect();

    let mut failures = Vec::new();
    let (mut run, mut same, mut marked) = (0, 0, Vec::new());
    std::thread::scope(|scope| {
        let mut scenes = Vec::new();
        for (path, blocks) in &pages {
            if is_translation(path) {
                for block in blocks.iter().filter(|block| is_script(block)) {
                    same += 1;
                    if !originals.contains(&block.commands()) {
                        failures.push(format!("{}: not as in the English page\n{}", block.place, block.text));
                    }
                }
                continue;
            }
            for block in blocks.iter().filter(|block| is_script(block)) {
                match block.mark {
                    Mark::NotRun(reason) => marked.push(format!("{}: {reason}", block.place)),
                    _ => run += 1,
                }
            }
            if blocks.iter().any(|block| is_script(block) && !matches!(block.mark, Mark::NotRun(_))) {
                scenes.push(scope.spawn(move || {
                    let folder = tempfile::tempdir().unwrap();
                    let mut scene = Scene::new(
                        folder.path(),
                        ["reference.md", "formats.md"].iter().any(|page| path.ends_with(page)),
                    );
                    let played = blocks.iter().map(|block| (block, scene.play(block)));
                    let failed = played.filter_map(|(block, played)| Some((block, played.err()?)));
                    failed.map(|(block, error)| format!("{}: {error}", block.place)).collect::<Vec<_>>()
                }));
            }
        }
        failures.extend(scenes.into_iter().flat_map(|scene| scene.join().unwrap()));
    });
    assert!(failures.is_empty(), "{} blocks failed\n\n{}", failures.len(), failures.join("\n\n"));
    println!("{run} blocks ran, {same} are the same in Chinese, {} are not run:", marked.len());
    println!("{}", marked.join("\n"));
    assert!(run >= 30, "only {run} blocks were found");
}

#[test]
fn marks_have_a_reason_or_an_exit_code() {
    assert_eq!(Mark::parse("<!-- exit 4 -->"), Some(Mark::Exit(4)));
    assert_eq!(Mark::parse("<!-- not run: needs root -->"), Some(Mark::NotRun("needs root")));
    for invalid in ["<!-- not run: -->", "<!-- not run -->", "<!-- exit -->", "<!-- a comment -->"] {
        assert_eq!(Mark::parse(invalid), None, "{invalid}");
    }
}
