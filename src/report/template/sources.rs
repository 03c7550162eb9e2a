//! The sources of the templates that come with the program.

use super::layout::Template;

/// The built-in templates: name and source.
pub(super) const BUILT_IN: &[(&str, &str)] = &[
    (Template::STANDARD, include_str!("../../../templates/standard.toml")),
    ("signoff", include_str!("../../../templates/signoff.toml")),
    ("compact", include_str!("../../../templates/compact.toml")),
];
