//! Markup of ticket comments.

/// The markup of a ticket system's comments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Markup {
    /// Markdown, as in GitHub and GitLab.
    #[default]
    Markdown,
    /// The wiki markup of Jira.
    Jira,
    /// Plain text.
    Plain,
}

impl Markup {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Markdown, Self::Jira, Self::Plain];

    /// The key in options.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Markdown => "markdown",
            Self::Jira => "jira",
            Self::Plain => "plain",
        }
    }
}
