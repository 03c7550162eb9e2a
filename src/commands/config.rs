//! `config`: a commented configuration file, and the settings in force.

use std::path::PathBuf;

use crate::app::console;
use crate::app::exit::{Exit, Failure};
use crate::cli::{ConfigCommand, ReadError, commented_file, settings_in_force};

pub(super) fn run(
    command: &ConfigCommand,
    file: Option<&PathBuf>,
    profile: Option<&str>,
) -> Result<Exit, Failure> {
    match command {
        ConfigCommand::Init => console::out_data(commented_file().as_bytes()),
        ConfigCommand::Show { command } => match settings_in_force(command, file, profile) {
            Ok(text) => console::out_data(text.as_bytes()),
            Err(ReadError::Config(lines)) => Err(Failure::lines(Exit::Usage, lines)),
            Err(ReadError::Command(error)) => Ok(console::command_line(&error)),
        },
    }
}
