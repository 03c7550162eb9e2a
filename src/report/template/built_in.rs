//! The templates that come with the program, and how others are read.

use super::errors::all_errors;
use super::layout::Template;
use super::parse::{self, TemplateError};
use super::sources::BUILT_IN;

impl Template {
    /// The built-in template of this name.
    pub fn built_in(name: &str) -> Option<Self> {
        let (name, source) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
        // A test reads all of them.
        parse::template(name, source).ok()
    }

    /// The names and sources of the built-in templates.
    pub fn all_built_in() -> impl Iterator<Item = (&'static str, &'static str)> {
        BUILT_IN.iter().copied()
    }

    /// Reads a template; what it leaves out is as in `standard`.
    ///
    /// # Errors
    /// The first [`TemplateError`], with line and column. `name` is used as the file's name.
    pub fn parse(name: &str, source: &str) -> Result<Self, TemplateError> {
        parse::template(name, source)
    }

    /// Every error of a template that cannot be used.
    pub fn errors(name: &str, source: &str) -> Vec<TemplateError> {
        all_errors(name, source)
    }
}
