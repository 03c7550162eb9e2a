//! `templates`: what workbooks can show.

use crate::app::console;
use crate::app::exit::{Exit, Failure};
use crate::app::template_choice::{names, read};
use crate::cli::TemplatesCommand;
use crate::model::Language;
use crate::report::Template;

pub(super) fn run(command: TemplatesCommand) -> Result<Exit, Failure> {
    match command {
        TemplatesCommand::List => {
            let names = Template::all_built_in().filter_map(|(name, _)| Template::built_in(name));
            let lines = names.map(|template| {
                format!("{:10} {}\n", template.name, template.description.text(Language::English))
            });
            console::out_lines(&lines.collect::<String>())?;
        }
        TemplatesCommand::Show { name } => {
            let source = Template::all_built_in().find(|(known, _)| *known == name).map(|(_, source)| source);
            let unknown = || Failure::usage(format!("unknown template `{name}`; templates are {}", names()));
            console::out_document(source.ok_or_else(unknown)?.as_bytes())?;
        }
        TemplatesCommand::Check { file } => {
            let template = read(&file.to_string_lossy())?;
            console::out(&format!("{}: can be used", template.name))?;
        }
    }
    Ok(Exit::Done)
}
