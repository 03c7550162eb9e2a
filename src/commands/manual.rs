//! `completions` and `man`: what packages ship beside the program.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::model::io_advice;

use crate::app::console;
use crate::app::exit::{Exit, Failure};

pub(super) fn completions(shell: Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "cutover-report", &mut script);
    console::out_data(&script)
}

/// Prints the page of the whole program, or writes one per command to `folder`.
pub(super) fn man(folder: Option<&Path>) -> Result<Exit, Failure> {
    // Without the commit, so that a package of the same version has the same pages.
    let program = Cli::command().version(env!("CARGO_PKG_VERSION")).disable_help_subcommand(true);
    match folder {
        Some(folder) => {
            let written =
                std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(program, folder));
            let at = |error: std::io::Error| {
                Failure::stopped(format!("{}: {}", folder.display(), io_advice(&error)))
            };
            written.map_err(at).map(|()| Exit::Done)
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(program).render(&mut page).map_err(Failure::stopped)?;
            console::out_data(&page)
        }
    }
}
