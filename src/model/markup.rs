//! How a text for people is marked up.

/// A way in which a ticket system reads the text of a comment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Markup {
    /// Markdown, as GitHub and GitLab have it.
    #[default]
    Markdown,
    /// The wiki markup of Jira.
    Jira,
    /// None: every character stands for itself.
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
