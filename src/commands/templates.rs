//! `templates`: what workbooks can show.

use crate::cli::TemplatesCommand;
use crate::model::{Language, Markup};
use crate::output::Ticket;
use crate::report::Template;

use super::console;
use super::exit::{Exit, Failure};

pub(super) fn run(command: TemplatesCommand) -> Result<Exit, Failure> {
    match command {
        TemplatesCommand::List => {
            let names = Template::all_built_in().filter_map(|(name, _)| Template::built_in(name));
            let lines = names.map(|template| {
                format!("{:10} {}", template.name, template.description.text(Language::English))
            });
            console::out(&lines.collect::<Vec<_>>().join("\n"))?;
        }
        TemplatesCommand::Show { name } => {
            let source = Template::all_built_in().find(|(known, _)| *known == name).map(|(_, source)| source);
            let unknown = || Failure::usage(format!("there is no template `{name}`; there are {}", names()));
            console::out(source.ok_or_else(unknown)?.trim_end())?;
        }
        TemplatesCommand::Check { file } => {
            let template = read(&file.to_string_lossy())?;
            console::out(&format!("{}: can be used", template.name))?;
        }
    }
    Ok(Exit::Done)
}

/// The template that --template names: a built-in one, or a file.
pub(super) fn named(name: &str) -> Result<Template, Failure> {
    Template::built_in(name).map_or_else(|| read(name), Ok)
}

fn read(file: &str) -> Result<Template, Failure> {
    let source = std::fs::read_to_string(file).map_err(|error| {
        Failure::usage(format!("the template {file}: {error}; give a file, or one of {}", names()))
    })?;
    let template = Template::parse(file, &source).map_err(Failure::usage)?;
    for markup in Markup::ALL {
        Ticket::of(&template, markup).map_err(Failure::usage)?;
    }
    Ok(template)
}

fn names() -> String {
    Template::all_built_in().map(|(name, _)| name).collect::<Vec<_>>().join(", ")
}
