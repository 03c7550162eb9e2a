//! Errors of the command line and of the configuration file.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::model::{clean, is_hidden};

/// Why a command line was not read.
#[derive(Debug)]
pub enum ReadError {
    /// Errors of the configuration file, one a line.
    Config(Vec<String>),
    /// What clap prints, for an error as for `--help`.
    Command(Box<clap::Error>),
}

impl From<clap::Error> for ReadError {
    fn from(error: clap::Error) -> Self {
        Self::Command(Box::new(present(error)))
    }
}

/// The error without what arguments could do to a terminal, and with advice that applies.
fn present(mut error: clap::Error) -> clap::Error {
    let unclean: Vec<(ContextKind, ContextValue)> =
        error.context().filter_map(|(kind, value)| Some((kind, cleaned(value)?))).collect();
    for (kind, value) in unclean {
        error.insert(kind, value);
    }
    if let Some(text) = std::error::Error::source(&error).map(ToString::to_string)
        && text.chars().any(is_hidden)
        && let (Some(value), Some(option)) =
            (error.get(ContextKind::InvalidValue), error.get(ContextKind::InvalidArg))
    {
        let message = format!("invalid value '{value}' for '{option}': {}\n", clean(&text));
        return clap::Error::raw(error.kind(), message);
    }
    if error.kind() == ErrorKind::UnknownArgument {
        // "to pass '--x' as a value, use '-- --x'": no value of cutover-report begins with a dash.
        error.remove(ContextKind::Suggested);
    }
    error
}

/// A value without hidden characters; none if it has none.
fn cleaned(value: &ContextValue) -> Option<ContextValue> {
    match value {
        ContextValue::String(text) if text.chars().any(is_hidden) => {
            Some(ContextValue::String(clean(text).into_owned()))
        }
        ContextValue::Strings(texts) if texts.iter().any(|text| text.chars().any(is_hidden)) => {
            Some(ContextValue::Strings(texts.iter().map(|text| clean(text).into_owned()).collect()))
        }
        _ => None,
    }
}
