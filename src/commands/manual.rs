//! `completions` and `man`: what packages ship beside the program.

use std::io;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::cli::{Cli, Example, Help, Variable};
use crate::model::io_advice;

use crate::app::console;
use crate::app::exit::{Exit, Failure};

pub(super) fn completions(shell: Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "cutover-report", &mut script);
    console::out_document(&script)
}

/// Prints the page of the whole program, or writes one per command to `folder`.
pub(super) fn man(folder: Option<&Path>) -> Result<Exit, Failure> {
    // Without the commit, so that a package of the same version has the same pages.
    let mut program = Cli::command().version(env!("CARGO_PKG_VERSION")).disable_help_subcommand(true);
    let Some(folder) = folder else {
        return console::out_document(&page(program).map_err(Failure::stopped)?.1);
    };
    program.build();
    let written = std::fs::create_dir_all(folder).and_then(|()| write_pages(program, folder));
    let at = |error: io::Error| Failure::stopped(format!("{}: {}", folder.display(), io_advice(&error)));
    written.map_err(at).map(|()| Exit::Done)
}

/// Writes the pages of a command and of those below it.
fn write_pages(command: Command, folder: &Path) -> io::Result<()> {
    for below in command.get_subcommands().filter(|command| !command.is_hide_set()).cloned() {
        write_pages(below, folder)?;
    }
    let (name, page) = page(command)?;
    std::fs::write(folder.join(name), page)
}

/// The page of a command, and its file's name.
fn page(command: Command) -> io::Result<(String, Vec<u8>)> {
    let name = command.get_display_name().unwrap_or_default();
    let help = Help::of(name.strip_prefix("cutover-report-").unwrap_or_default());
    let is_program = command.get_name() == "cutover-report";
    let has_commands = command.has_subcommands();
    let man = Man::new(command);
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if has_commands {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(help) = help {
        sections(help).to_writer(&mut page)?;
    }
    if is_program {
        man.render_version_section(&mut page)?;
    }
    Ok((man.get_filename(), page))
}

/// What the long help has below the options.
fn sections(help: &Help) -> Roff {
    let mut roff = Roff::new();
    let mut variables = help.variables().peekable();
    if variables.peek().is_some() {
        roff.control("SH", ["ENVIRONMENT"]);
    }
    for Variable { names, meaning, .. } in variables {
        roff.control("TP", []).text([bold(*names)]).text([roman(*meaning)]);
    }
    roff.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in help.exit_codes() {
        roff.control("TP", []).text([bold(code.to_string())]).text([roman(meaning)]);
    }
    roff.control("SH", ["EXAMPLES"]);
    for Example { what, command } in help.examples {
        roff.control("PP", []).text([roman(*what)]);
        roff.control("PP", []).control("RS", ["4"]).control("nf", []);
        for line in command.lines() {
            roff.text([roman(line)]);
        }
        roff.control("fi", []).control("RE", []);
    }
    roff
}
