//! Reads configuration files without a command line, for the fuzz targets.

use std::path::Path;
use std::sync::LazyLock;

use clap::{Command, CommandFactory};

use super::command_line::Cli;
use super::config::{DEFAULT_PROFILE, File};

static COMMAND: LazyLock<Command> = LazyLock::new(|| {
    let mut command = Cli::command();
    command.build();
    command
});

/// Checks the default profile of the file at `path` with this text.
///
/// # Errors
/// Every error of the file, with its line and column.
pub fn read_config(path: &Path, text: &str) -> Result<(), Vec<String>> {
    File { path, text }.settings(DEFAULT_PROFILE, false, &COMMAND).map(drop)
}
