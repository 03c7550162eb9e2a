//! One file per command.

mod config;
mod deliver;
mod diff;
mod doctor;
mod export;
mod history;
mod manual;
mod merge;
mod render;
mod serve;
mod server_export;
mod show;
mod tasks;
mod templates;
mod upload;
mod verify;

use std::ffi::OsString;
use std::panic::catch_unwind;

pub use crate::app::exit::Exit;
use crate::app::exit::Failure;
use crate::app::signals::Signals;
use crate::app::{console, log, on_finish, run_end, terminal_language};
use crate::cli::{Cli, Command, ReadError};
use crate::fs::take_warnings;
use crate::storage::Storage;
use crate::threads::report_panics;

/// Runs the command of a command line, and returns the exit code.
pub fn main(arguments: Vec<OsString>) -> Exit {
    report_panics(console::error);
    let ended = catch_unwind(|| {
        let typed = arguments.clone();
        let language = Cli::terminal_language(&arguments);
        terminal_language::set(language);
        match Cli::read(arguments, language) {
            Ok(cli) => {
                // Of the command line or the configuration file.
                terminal_language::set(cli.language.unwrap_or(language));
                if let Some(command) = cli.command.on_finish() {
                    on_finish::arm(command);
                }
                logging(&cli).and_then(|()| run(cli)).unwrap_or_else(failed)
            }
            Err(ReadError::Command(error)) if !error.use_stderr() => console::command_line(&error),
            Err(error) => {
                if let Some(command) = Cli::on_finish(&typed) {
                    on_finish::arm(&command);
                }
                match error {
                    ReadError::Config(lines) => failed(Failure::lines(Exit::Usage, lines)),
                    ReadError::Command(error) => {
                        on_finish::record_failure(&error.to_string());
                        console::command_line(&error)
                    }
                }
            }
        }
    });
    take_warnings().iter().for_each(|warning| console::warning(warning));
    // A panic is reported already.
    let exit = on_finish::run(ended.unwrap_or(Exit::Stopped));
    run_end::log(exit);
    exit
}

/// Reports why a command failed, and returns the exit code.
fn failed(failure: Failure) -> Exit {
    console::failure(&failure);
    on_finish::record_failure(failure.message());
    failure.exit
}

/// Starts the log, as set by the options.
fn logging(cli: &Cli) -> Result<(), Failure> {
    let settings = log::Settings {
        verbosity: if cli.quiet { 0 } else { cli.verbose },
        format: cli.log_format,
        file: cli.log_file.as_deref(),
    };
    log::start(settings).map_err(Failure::usage)?;
    let file = cli.config_used.as_ref().map_or("none".into(), |path| path.to_string_lossy());
    tracing::info!(event = "config", file = file.as_ref(), version = crate::model::TOOL);
    Ok(())
}

fn run(cli: Cli) -> Result<Exit, Failure> {
    console::set_quiet(cli.quiet);
    let signals = Signals::listen()?;
    let storage = Storage::new(cli.s3_endpoint);
    match cli.command {
        Command::Export(args) => export::run(args, &signals, storage),
        Command::Render(args) => render::run(args, &storage),
        Command::Show(args) => show::run(&args, &storage),
        Command::Merge(args) => merge::run(&args, &storage),
        Command::Deliver(args) => deliver::run(&args, &storage),
        Command::Verify(args) => verify::run(&args, &storage),
        Command::Diff(args) => diff::run(&args, &storage),
        Command::History(args) => history::run(&args, &storage),
        Command::Tasks(args) => tasks::run(&args, &storage),
        Command::Upload(args) => upload::run(args, &signals),
        Command::ServerExport(args) => server_export::run(&args, &storage),
        Command::Doctor(args) => doctor::run(&args, &storage),
        Command::Config { command } => config::run(&command, cli.config.as_ref(), cli.profile.as_deref()),
        Command::Templates { command } => templates::run(command),
        Command::Serve(args) => serve::run(args, &storage, &signals),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { folder } => manual::man(folder.as_deref()),
    }
}
