//! The template that `--template` names.

use crate::model::Markup;
use crate::output::Ticket;
use crate::report::Template;

use super::exit::Failure;

/// A built-in template, or one read from a file.
pub(crate) fn named(name: &str) -> Result<Template, Failure> {
    Template::built_in(name).map_or_else(|| read(name), Ok)
}

/// The template in `file`, checked for every markup that a ticket can have.
pub(crate) fn read(file: &str) -> Result<Template, Failure> {
    let source = std::fs::read_to_string(file).map_err(|error| {
        Failure::usage(format!("the template {file}: {error}; give a file, or one of {}", names()))
    })?;
    let template = Template::parse(file, &source).map_err(Failure::usage)?;
    for markup in Markup::ALL {
        Ticket::of(&template, markup).map_err(Failure::usage)?;
    }
    Ok(template)
}

/// The names of the built-in templates.
pub(crate) fn names() -> String {
    Template::all_built_in().map(|(name, _)| name).collect::<Vec<_>>().join(", ")
}
