//! What the long help and the man pages say beside the options: examples, environment variables, exit codes.

use std::fmt::Write as _;

use super::environment::{Topic, VARIABLES, Variable};
use super::exit::Exit;

/// An example of a command.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// What it does. It names the exit code, if that is not 0.
    pub what: &'static str,
    /// The command, which a shell can run.
    pub command: &'static str,
}

/// The help of a command beside its options.
#[derive(Debug)]
pub struct Help {
    command: &'static str,
    /// At least one.
    pub examples: &'static [Example],
    topics: &'static [Topic],
    /// Codes other than 0 and 2, with what they mean here where that is not what they mean elsewhere.
    exits: &'static [(Exit, &'static str)],
}

const fn example(what: &'static str, command: &'static str) -> Example {
    Example { what, command }
}

/// All codes, as of `export`.
const EVERY: &[(Exit, &str)] = &[
    (Exit::Stopped, ""),
    (Exit::Incomplete, ""),
    (Exit::Gate, ""),
    (Exit::Credentials, ""),
    (Exit::Locked, ""),
    (Exit::Delivery, ""),
    (Exit::HungUp, ""),
    (Exit::Interrupted, ""),
    (Exit::Terminated, ""),
];
const FAILED: (Exit, &str) = (Exit::Stopped, "an error stopped the command");

/// The help of the program and of every command.
const ALL: &[Help] = &[
    Help {
        command: "",
        examples: &[
            example(
                "Write a report of sample data, without an account",
                "cutover-report export --discover --endpoint embedded -o report.xlsx",
            ),
            example("Show examples and exit codes of a command", "cutover-report help export"),
        ],
        topics: &[Topic::Configuration],
        exits: EVERY,
    },
    Help {
        command: "export",
        examples: &[
            example(
                "Write a report of sample data, without an account",
                "cutover-report export --discover --endpoint embedded -o report.xlsx",
            ),
            example(
                "Report on a migration plan as a workbook and a page",
                "cutover-report export plan.xlsx --region ap-southeast-3 \\\n    -o wave-3.xlsx -o wave-3.html",
            ),
            example(
                "Report every night; exit code 4 if a task does not pass",
                "cutover-report export wave-3.csv --region ap-southeast-3 --resume \\\n    --fail-on not-passing -o 'reports/{date}/wave-3.xlsx'",
            ),
            example(
                "Report on all tasks of the account, and print the summary as JSON",
                "cutover-report export --discover --region ap-southeast-3 -o - --format json",
            ),
            example(
                "Attach the reports to a ticket",
                "cutover-report export wave-3.csv --region ap-southeast-3 -o wave-3.xlsx \\\n    -o wave-3.md --to https://redmine.example.com/issues/17",
            ),
            example(
                "Fetch the first of two shares on this machine",
                "cutover-report export wave-3.csv --region ap-southeast-3 --shard 1/2 \\\n    -o shard-1.xlsx",
            ),
        ],
        topics: &[
            Topic::Configuration,
            Topic::Credentials,
            Topic::Network,
            Topic::Delivery,
            Topic::Signing,
            Topic::Shards,
            Topic::Storage,
        ],
        exits: EVERY,
    },
    Help {
        command: "render",
        examples: &[
            example(
                "Write a page from a journal",
                "cutover-report render wave-3.journal.jsonl -o again/wave-3.html",
            ),
            example(
                "Write the tasks of one wave that do not pass",
                "cutover-report render wave-3.journal.jsonl --only not-passing \\\n    --where wave=2 -o wave-2.xlsx",
            ),
        ],
        topics: &[Topic::Configuration, Topic::Delivery, Topic::Signing, Topic::Storage],
        exits: &[
            (Exit::Stopped, ""),
            (Exit::Incomplete, ""),
            (Exit::Gate, ""),
            (Exit::Credentials, ""),
            (Exit::Delivery, ""),
        ],
    },
    Help {
        command: "show",
        examples: &[
            example("Show the summary of a journal", "cutover-report show wave-3.journal.jsonl"),
            example(
                "Show what changed since the last run",
                "cutover-report show reports/2026-11-21/wave-3.journal.jsonl --previous",
            ),
        ],
        topics: &[Topic::Configuration, Topic::Storage],
        exits: &[
            FAILED,
            (Exit::Incomplete, "a task could not be fetched or read"),
            (Exit::Gate, "--fail-on applies"),
            (Exit::Credentials, ""),
        ],
    },
    Help {
        command: "merge",
        examples: &[example(
            "Join two shards to one report and one journal",
            "cutover-report merge shard-1.journal.jsonl shard-2.journal.jsonl \\\n    -o wave-3.xlsx -o wave-3.jsonl",
        )],
        topics: &[Topic::Configuration, Topic::Delivery, Topic::Signing, Topic::Storage],
        exits: &[
            (Exit::Stopped, ""),
            (Exit::Incomplete, ""),
            (Exit::Gate, ""),
            (Exit::Credentials, ""),
            (Exit::Locked, ""),
            (Exit::Delivery, ""),
        ],
    },
    Help {
        command: "diff",
        examples: &[
            example("Compare two journals", "cutover-report diff monday.jsonl tuesday.jsonl -o changes.xlsx"),
            example(
                "Compare a journal with the one before it",
                "cutover-report diff --previous reports/2026-11-21/wave-3.journal.jsonl",
            ),
        ],
        topics: &[Topic::Configuration, Topic::Delivery, Topic::Storage],
        exits: &[
            (Exit::Stopped, ""),
            (Exit::Gate, "a change of --fail-on occurs"),
            (Exit::Credentials, ""),
            (Exit::Delivery, "outputs written, but a delivery failed"),
        ],
    },
    Help {
        command: "history",
        examples: &[
            example("Show the course on the terminal", "cutover-report history reports"),
            example(
                "Write the course of all nights as a page and a workbook",
                "cutover-report history reports -o course.html -o course.xlsx",
            ),
        ],
        topics: &[Topic::Configuration, Topic::Storage],
        exits: &[(Exit::Stopped, ""), (Exit::Credentials, "")],
    },
    Help {
        command: "deliver",
        examples: &[
            example(
                "Show what a delivery would send",
                "cutover-report deliver wave-3.manifest.json --dry-run \\\n    --to https://redmine.example.com/issues/17",
            ),
            example(
                "Attach the files of a run to a ticket",
                "cutover-report deliver wave-3.manifest.json \\\n    --to https://redmine.example.com/issues/17",
            ),
        ],
        topics: &[Topic::Configuration, Topic::Delivery, Topic::Network, Topic::Storage],
        exits: &[
            (Exit::Stopped, "a file is missing, changed or unreadable"),
            (Exit::Credentials, ""),
            (Exit::Delivery, "a delivery failed"),
        ],
    },
    Help {
        command: "verify",
        examples: &[
            example("Check that no file was changed", "cutover-report verify wave-3.manifest.json"),
            example(
                "Check the signature too",
                "cutover-report verify wave-3.manifest.json --allowed-signers allowed_signers",
            ),
        ],
        topics: &[Topic::Configuration, Topic::Storage],
        exits: &[
            (Exit::Stopped, "a file is missing, changed or unreadable, or a signature is not valid"),
            (Exit::Credentials, ""),
        ],
    },
    Help {
        command: "tasks",
        examples: &[
            example(
                "List all tasks of the account",
                "cutover-report tasks --region ap-southeast-3 > tasks.csv",
            ),
            example(
                "Fill in the task ids of a plan",
                "cutover-report tasks --match plan.xlsx --region ap-southeast-3 -o filled.xlsx",
            ),
        ],
        topics: &[Topic::Configuration, Topic::Credentials, Topic::Network, Topic::Storage],
        exits: &[
            (Exit::Stopped, ""),
            (Exit::Incomplete, "list written, but the account may have tasks that were not listed"),
            (Exit::Credentials, ""),
        ],
    },
    Help {
        command: "upload",
        examples: &[example(
            "Upload results as the Agent does",
            "cutover-report upload results.json --region ap-southeast-3",
        )],
        topics: &[Topic::Configuration, Topic::Credentials, Topic::Network],
        exits: &[
            FAILED,
            (Exit::Incomplete, "an upload failed"),
            (Exit::Credentials, ""),
            (Exit::HungUp, "stopped by SIGHUP"),
            (Exit::Interrupted, "stopped by SIGINT"),
            (Exit::Terminated, "stopped by SIGTERM"),
        ],
    },
    Help {
        command: "server-export",
        examples: &[example(
            "Save the service's own export of the tasks of a list",
            "cutover-report server-export wave-3.csv --region ap-southeast-3 -o export/",
        )],
        topics: &[Topic::Configuration, Topic::Credentials, Topic::Network, Topic::Storage],
        exits: &[
            (Exit::Stopped, ""),
            (Exit::Incomplete, "files saved, but a batch returned no usable file"),
            (Exit::Credentials, ""),
        ],
    },
    Help {
        command: "serve",
        examples: &[
            example("Serve sample data until stopped", "cutover-report serve"),
            example(
                "Serve the tasks of a list with faults until stopped",
                "cutover-report serve --tasks wave-3.csv --faults 429=5%,slow=1%:2s,seed=7",
            ),
        ],
        topics: &[Topic::Configuration, Topic::Credentials],
        exits: &[FAILED],
    },
    Help {
        command: "doctor",
        examples: &[
            example(
                "Check access, and the folder of the reports",
                "cutover-report doctor --region ap-southeast-3 -o reports",
            ),
            example(
                "Check access to a ticket too",
                "cutover-report doctor --region ap-southeast-3 \\\n    --to https://redmine.example.com/issues/17",
            ),
        ],
        topics: &[Topic::Configuration, Topic::Credentials, Topic::Network, Topic::Delivery, Topic::Storage],
        exits: &[
            (Exit::Stopped, "a check failed"),
            (Exit::Credentials, ""),
            (Exit::Delivery, "a delivery target cannot be used"),
        ],
    },
    Help {
        command: "config",
        examples: &[
            example("Start a configuration file", "cutover-report config init > config.toml"),
            example(
                "Show the settings of export and where they come from",
                "cutover-report config show export --config config.toml",
            ),
        ],
        topics: &[Topic::Configuration],
        exits: &[FAILED],
    },
    Help {
        command: "templates",
        examples: &[
            example("Start a template", "cutover-report templates show standard > wave.toml"),
            example("Check a template", "cutover-report templates check wave.toml"),
        ],
        topics: &[Topic::Configuration],
        exits: &[FAILED],
    },
    Help {
        command: "completions",
        examples: &[example(
            "Complete commands and options in bash",
            "cutover-report completions bash > cutover-report.bash",
        )],
        topics: &[],
        exits: &[FAILED],
    },
    Help {
        command: "man",
        examples: &[example("Write the man pages to a folder", "cutover-report man share/man/man1")],
        topics: &[],
        exits: &[FAILED],
    },
];

impl Help {
    /// That of a command, by its name; that of the program for an empty name.
    pub fn of(command: &str) -> Option<&'static Self> {
        ALL.iter().find(|help| help.command == command)
    }

    /// The exit codes in ascending order, with what they mean.
    pub fn exit_codes(&self) -> impl Iterator<Item = (u8, &'static str)> {
        let of = |exit: Exit| self.exits.iter().find(|(own, _)| *own == exit);
        Exit::ALL.into_iter().filter_map(move |exit| match of(exit) {
            None if matches!(exit, Exit::Done | Exit::Usage) => Some((exit.code(), exit.meaning())),
            None => None,
            Some((_, "")) => Some((exit.code(), exit.meaning())),
            Some((_, own)) => Some((exit.code(), *own)),
        })
    }

    /// The environment variables that it reads.
    pub fn variables(&self) -> impl Iterator<Item = &'static Variable> {
        VARIABLES.iter().filter(|variable| self.topics.contains(&variable.topic))
    }

    /// The text below the options of the long help.
    fn text(&self) -> String {
        let mut text = "Examples:".to_owned();
        for Example { what, command } in self.examples {
            let _ = write!(text, "\n  # {what}\n  {command}");
        }
        if self.variables().next().is_some() {
            text += "\n\nEnvironment:";
        }
        for Variable { names, meaning, .. } in self.variables() {
            let _ = write!(text, "\n  {names}\n      {meaning}");
        }
        text += "\n\nExit codes:";
        for (code, meaning) in self.exit_codes() {
            let _ = write!(text, "\n  {code:<3}  {meaning}");
        }
        text
    }
}

/// Where settings come from; below the options of the program.
pub(super) const SETTINGS: &str = "Settings come from options, then the environment, then the configuration file. \
                                   --NAME=false turns a switch of the file off.";

/// The text below the options of a command's long help.
pub(super) fn after(command: &str) -> String {
    let text = Help::of(command).map(Help::text).unwrap_or_default();
    if command.is_empty() { format!("{SETTINGS}\n\n{text}") } else { text }
}
