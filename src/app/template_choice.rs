//! Reads the template of `--template`.

use crate::model::{Markup, did_you_mean, io_reason};
use crate::output::Ticket;
use crate::report::Template;

use super::exit::{Exit, Failure};

/// A built-in template, or one read from a file.
pub(crate) fn named(name: &str) -> Result<Template, Failure> {
    Template::built_in(name).map_or_else(|| read(name), Ok)
}

/// The template in `file`, validated for every ticket markup.
pub(crate) fn read(file: &str) -> Result<Template, Failure> {
    let source = std::fs::read_to_string(file).map_err(|error| {
        let near = did_you_mean(file, Template::all_built_in().map(|(name, _)| name));
        let reason = io_reason(&error);
        Failure::usage(format!(
            "cannot read template {file}: {reason}; use a file, or one of {}{near}",
            names()
        ))
    })?;
    let template = Template::parse(file, &source)
        .map_err(|_| Failure::lines(Exit::Usage, Template::errors(file, &source)))?;
    for markup in Markup::ALL {
        Ticket::of(&template, markup).map_err(Failure::usage)?;
    }
    Ok(template)
}

/// The names of the built-in templates.
pub(crate) fn names() -> String {
    Template::all_built_in().map(|(name, _)| name).collect::<Vec<_>>().join(", ")
}
