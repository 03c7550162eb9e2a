//! The command line as it was typed.

use std::ffi::OsString;

/// The command line as it was typed.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    pub(super) arguments: Vec<OsString>,
    /// Switches of the configuration file that are off, as in `--json=false`.
    pub(super) off: Vec<String>,
}

impl Typed {
    pub(super) fn new(arguments: Vec<OsString>, off: Vec<String>) -> Self {
        Self { arguments, off }
    }
}
