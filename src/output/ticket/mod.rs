//! The text for a ticket comment: the status, groups, the worst tasks, tasks without evidence, and the hashes
//! of the attached files.
//!
//! A template has one markup. Every value that it shows is escaped for that markup, and an unknown name is an
//! error.

mod context;
mod escape;

use std::borrow::Cow;
use std::io::Write;

use minijinja::value::{Rest, Value};
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior};

use crate::model::{Language, Markup};
use crate::output::error::Cause;
use crate::output::target::Output;
use crate::output::ticket_error::TicketError;
use crate::report::{Report, Template};
use context::Context;
pub(super) use escape::escape;

/// A template of the text for a ticket comment, checked.
#[derive(Debug, Clone)]
pub struct Ticket {
    name: Cow<'static, str>,
    source: Cow<'static, str>,
    markup: Markup,
}

impl Default for Ticket {
    fn default() -> Self {
        Self::built_in(Markup::default())
    }
}

impl Ticket {
    /// The built-in template for `markup`.
    pub const fn built_in(markup: Markup) -> Self {
        let (name, source) = match markup {
            Markup::Markdown => ("markdown.j2", include_str!("../../../templates/ticket/markdown.j2")),
            Markup::Jira => ("jira.j2", include_str!("../../../templates/ticket/jira.j2")),
            Markup::Plain => ("plain.j2", include_str!("../../../templates/ticket/plain.j2")),
        };
        Self { name: Cow::Borrowed(name), source: Cow::Borrowed(source), markup }
    }

    /// A template of the user's, from the text of the file `name`.
    ///
    /// It can use what the built-in ones do: the fields of a report, and `t("English text", values…)`, which
    /// is the text in the report's language with `{0}` … replaced.
    ///
    /// # Errors
    /// When it is invalid or uses an unknown name: it is rendered with two examples.
    pub fn new(name: &str, source: &str, markup: Markup) -> Result<Self, TicketError> {
        let ticket = Self { name: name.to_owned().into(), source: source.to_owned().into(), markup };
        for example in [Context::example(), Context::bare_example()] {
            ticket.render(&example, Language::English)?;
        }
        Ok(ticket)
    }

    /// The text that `template` has for `markup`, else the built-in one.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn of(template: &Template, markup: Markup) -> Result<Self, TicketError> {
        let Some(text) = template.tickets.iter().find(|text| text.markup == markup) else {
            return Ok(Self::built_in(markup));
        };
        Self::new(&template.name, &text.source, markup)
            .map_err(|error| TicketError { line: error.line + text.lines_above, ..error })
    }

    /// Writes the text about `report` and the outputs that were written `earlier`.
    pub(super) fn write(
        &self,
        report: &Report<'_>,
        earlier: &[Output],
        to: &mut dyn Write,
    ) -> Result<(), Cause> {
        let context = Context::new(report, earlier, self.markup);
        Ok(to.write_all(self.render(&context, report.options().language)?.as_bytes())?)
    }

    fn render(&self, context: &Context, language: Language) -> Result<String, TicketError> {
        let environment = environment(self.markup, language);
        environment
            .template_from_named_str(&self.name, &self.source)
            .and_then(|template| template.render(context))
            .map_err(|error| self.error(&error))
    }

    fn error(&self, error: &minijinja::Error) -> TicketError {
        let line = error.line().unwrap_or(1);
        let mut what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        if let Some(text) = self.source.lines().nth(line.saturating_sub(1)) {
            what += &format!(" in `{}`", text.trim());
        }
        TicketError { name: self.name.clone().into_owned(), line, what }
    }
}

/// Without the engine's functions and filters: none is needed, and `safe` would skip escaping.
fn environment<'source>(markup: Markup, language: Language) -> Environment<'source> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_keep_trailing_newline(true);
    // A captured block has escaped values already, and must not be escaped twice.
    environment.set_auto_escape_callback(move |_| AutoEscape::Custom(markup.key()));
    environment.set_formatter(move |out, _, value| {
        let text = value.to_string();
        let text = if value.is_safe() { text } else { escape(markup, &text) };
        Ok(out.write_str(&text)?)
    });
    environment.add_function("t", move |text: &str, values: Rest<Value>| {
        if values.iter().any(Value::is_undefined) {
            return Err(minijinja::Error::from(ErrorKind::UndefinedError));
        }
        let values: Vec<&dyn std::fmt::Display> = values.iter().map(|value| value as _).collect();
        Ok(language.fill(text, &values))
    });
    environment
}

#[cfg(test)]
mod tests;
