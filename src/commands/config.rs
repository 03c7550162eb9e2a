//! `config`: a commented configuration file, and the settings in force.

use std::path::PathBuf;

use crate::app::console;
use crate::app::exit::{Exit, Failure};
use crate::cli::{ConfigCommand, commented_file, settings_in_force};

pub(super) fn run(
    command: &ConfigCommand,
    file: Option<&PathBuf>,
    profile: Option<&str>,
) -> Result<Exit, Failure> {
    match command {
        ConfigCommand::Init => console::out_document(commented_file().as_bytes()),
        ConfigCommand::Show { command } => {
            let text = settings_in_force(command, file, profile)
                .map_err(|lines| Failure::lines(Exit::Usage, lines))?;
            console::out_document(text.as_bytes())
        }
    }
}
