//! Values as a ticket system shows them: as the text that they are, in one line, whatever they hold.
//!
//! A backslash takes a character's meaning away where the markup has that. Mentions, references,
//! emoji and bare addresses are found in the finished text, after backslashes are gone; a space of no
//! width parts these. What says itself where it leads stays: a tracker's own keys, as `OPS-17`, and
//! `web.example`, which some make a link of.

use crate::model::Markup;

/// The space of no width that parts what would be a mention or a link.
const GAP: char = '\u{200b}';

/// The text for `markup`.
pub(in crate::output) fn escape(markup: Markup, text: &str) -> String {
    match markup {
        Markup::Markdown => markdown(text),
        Markup::Jira => jira(text),
        Markup::Plain => plain(text),
    }
}

/// The text, or its beginning and `…`, so that escaped it has at most `longest` characters.
pub(super) fn cut(markup: Markup, text: &str, longest: usize) -> String {
    let fits = |text: &str| escape(markup, text).chars().count() <= longest;
    let text = plain(text);
    // Escaping makes no line shorter, so that no more than these can fit.
    let mut kept: String = text.chars().take(longest.saturating_add(1)).collect();
    if kept == text && fits(&text) {
        return text;
    }
    loop {
        kept.pop();
        let shown = format!("{}…", kept.trim_end());
        if kept.is_empty() || fits(&shown) {
            return shown;
        }
    }
}

/// One line. Marks that turn the direction of writing go too: they would turn what follows.
fn plain(text: &str) -> String {
    let is_space = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if is_space(c) { ' ' } else { c }).collect::<String>().trim().to_owned()
}

fn markdown(text: &str) -> String {
    let text = plain(text);
    // Headings, lists and underlines begin a line.
    let number = text.chars().take_while(char::is_ascii_digit).count();
    spell(&text, |at| match at.this {
        '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '$' | '%' | '!' => Spelling::Backslash,
        '_' if !at.is_inside_a_word() => Spelling::Backslash,
        // Of a reference, which would be one behind a backslash too.
        '#' if at.after().is_some_and(char::is_alphanumeric) => Spelling::Gap,
        '#' | '+' | '-' | '=' if at.head.is_empty() => Spelling::Backslash,
        '.' | ')' if number > 0 && at.head.len() == number => Spelling::Backslash,
        _ => at.address(),
    })
}

fn jira(text: &str) -> String {
    let text = plain(text);
    let begins = |start: &str| text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start));
    let is_block = text.starts_with('#')
        || begins("bq.")
        || ["h1.", "h2.", "h3.", "h4.", "h5.", "h6."].into_iter().any(begins);
    let spelt = spell(&text, |at| match at.this {
        '{' | '}' | '[' | ']' | '*' | '!' | '^' | '~' | '+' | '?' | '(' | ')' => Spelling::Backslash,
        '_' | '-' if !at.is_inside_a_word() => Spelling::Backslash,
        // Some readers end a cell at a bar whatever stands before it.
        '|' => Spelling::As("&#124;"),
        // Two backslashes break the line, and `&#64;` is an @; a backslash takes neither back.
        '\\' | '&' => Spelling::Gap,
        _ => at.address(),
    });
    if is_block { format!("{GAP}{spelt}") } else { spelt }
}

/// How a character is written.
#[derive(Debug, Clone, Copy)]
enum Spelling {
    AsItIs,
    /// After a backslash.
    Backslash,
    /// Before a [`GAP`].
    Gap,
    /// Between two.
    Apart,
    /// By this text.
    As(&'static str),
}

/// A character, and the text before and after it.
#[derive(Debug, Clone, Copy)]
struct At<'a> {
    head: &'a str,
    this: char,
    tail: &'a str,
}

impl At<'_> {
    fn before(self) -> Option<char> {
        self.head.chars().next_back()
    }

    fn after(self) -> Option<char> {
        self.tail.chars().next()
    }

    fn is_inside_a_word(self) -> bool {
        [self.before(), self.after()].into_iter().all(|c| c.is_some_and(char::is_alphanumeric))
    }

    /// Parts mentions, addresses of mail and web, emoji and emoticons; leaves `9:42` and `a: b`.
    fn address(self) -> Spelling {
        match (self.this, self.after()) {
            ('@', after) if after.is_none_or(|c| !c.is_whitespace()) => Spelling::Apart,
            (':', Some('0'..='9')) if self.before().is_some_and(|c| c.is_ascii_digit()) => Spelling::AsItIs,
            (':', Some(after)) if !after.is_whitespace() => Spelling::Gap,
            ('w' | 'W', Some('.')) if self.head.to_ascii_lowercase().ends_with("ww") => Spelling::Gap,
            _ => Spelling::AsItIs,
        }
    }
}

fn spell(text: &str, spelling: impl Fn(At<'_>) -> Spelling) -> String {
    let mut spelt = String::with_capacity(text.len() * 2);
    for (place, this) in text.char_indices() {
        let (head, rest) = text.split_at(place);
        let tail = rest.get(this.len_utf8()..).unwrap_or_default();
        match spelling(At { head, this, tail }) {
            Spelling::AsItIs => spelt.push(this),
            Spelling::Backslash => spelt.extend(['\\', this]),
            Spelling::Gap => spelt.extend([this, GAP]),
            Spelling::Apart => spelt.extend([GAP, this, GAP]),
            Spelling::As(text) => spelt.push_str(text),
        }
    }
    spelt
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `·` stands for the gap.
    fn shown(markup: Markup, text: &str) -> String {
        escape(markup, text).replace(GAP, "·")
    }

    #[test]
    fn markdown_shows_what_is_there() {
        for (text, escaped) in [
            ("web-01.prod_eu", "web-01.prod_eu"),
            ("a|b`c*d_ e", r"a\|b\`c\*d\_ e"),
            ("![x](https://x.example)", r"\!\[x\](https:·//x.example)"),
            ("<img src=x> &lt; <!--", r"\<img src=x\> \&lt; \<\!--"),
            ("@team, a@b.example, a @ b", "·@·team, a·@·b.example, a @ b"),
            ("#1 and o/r#12, #, %3", r"#·1 and o/r#·12, #, \%3"),
            ("# a", r"\# a"),
            ("- a", r"\- a"),
            ("1. a", r"1\. a"),
            ("12) a", r"12\) a"),
            ("a\r\n\n| b |\u{2028}c", r"a   \| b \| c"),
            ("    code", "code"),
            ("WWW.x.example mailto:a", "WWW·.x.example mailto:·a"),
            (":octocat: at 09:42:00, one: two", ":·octocat: at 09:42:00, one: two"),
            ("\u{202e}gpj", "gpj"),
        ] {
            assert_eq!(shown(Markup::Markdown, text), escaped, "{text}");
        }
    }

    #[test]
    fn jira_shows_what_is_there() {
        for (text, escaped) in [
            ("web-01.prod_eu", "web-01.prod_eu"),
            ("{code}[~user]|b", r"\{code\}\[\~user\]&#124;b"),
            ("!image.png! *b* _i_ -s-", r"\!image.png\! \*b\* \_i\_ \-s\-"),
            (r"C:\data\\x", r"C:·\·data\·\·x"),
            ("a@b &#64;x", "a·@·b &·#64;x"),
            ("https://x.example :D (y)", r"https:·//x.example :·D \(y\)"),
            ("h1. a", "·h1. a"),
            ("BQ. a", "·BQ. a"),
            ("# a\n* b", r"·# a \* b"),
        ] {
            assert_eq!(shown(Markup::Jira, text), escaped, "{text}");
        }
    }

    #[test]
    fn a_long_text_is_cut_by_what_it_takes() {
        assert_eq!(cut(Markup::Plain, "abcdef", 6), "abcdef");
        assert_eq!(cut(Markup::Plain, "abcdefg", 6), "abcde…");
        assert_eq!(cut(Markup::Plain, "abcd efg", 6), "abcd…");
        assert_eq!(cut(Markup::Markdown, "||||", 6), "||…");
        assert_eq!(cut(Markup::Plain, "\n        abc", 6), "abc");
        assert_eq!(cut(Markup::Jira, "", 6), "");
    }

    /// Texts of the characters that mean something somewhere.
    fn hostile() -> impl Strategy<Value = String> {
        prop_oneof![
            r"[a-c0-2 .,:;/\\|`*_{}\[\]()<>#+!@~&$^?='w\r\n-]{0,30}",
            "(https?://|www\\.|mailto:|@|#|:|!|h1\\.|bq\\.|1\\. |- ){1,4}[a-z.:]{0,8}",
            any::<String>(),
        ]
    }

    /// What is left when escaped characters are taken out.
    fn bare(escaped: &str) -> String {
        let mut bare = String::new();
        let mut characters = escaped.chars().peekable();
        while let Some(c) = characters.next() {
            if c == '\\' && characters.peek().is_some_and(char::is_ascii_punctuation) {
                characters.next();
                bare.push('·');
            } else {
                bare.push(c);
            }
        }
        bare
    }

    proptest! {
        #[test]
        fn nothing_hostile_is_left(text in hostile()) {
            for (markup, marks) in [(Markup::Markdown, r"\`*[]<>|~&$%!"), (Markup::Jira, "{}[]|*!^~+?()")] {
                let bare = bare(&escape(markup, &text));
                prop_assert!(!bare.contains(|c: char| marks.contains(c) || c.is_control()), "{}", bare);
                prop_assert!(!bare.to_lowercase().contains("://"), "{}", bare);
                prop_assert!(!bare.to_lowercase().contains("www."), "{}", bare);
                let mut pairs = bare.chars().zip(bare.chars().skip(1));
                prop_assert!(pairs.all(|(c, next)| c != '@' || next == GAP || next.is_whitespace()), "{}", bare);
            }
            prop_assert!(!escape(Markup::Jira, &text).contains(r"\\"), "a line break");
        }

        #[test]
        fn nothing_is_lost(text in hostile()) {
            let without_gaps = |text: &str| text.replace(GAP, "");
            let line = without_gaps(&plain(&text));
            for markup in Markup::ALL {
                let mut read = String::new();
                let spelt = escape(markup, &text).replace("&#124;", "|");
                let mut escaped = spelt.chars().collect::<Vec<_>>().into_iter().peekable();
                while let Some(c) = escaped.next() {
                    let escapes = markup != Markup::Plain && c == '\\';
                    match escaped.next_if(|next| escapes && next.is_ascii_punctuation()) {
                        Some(next) => read.push(next),
                        None => read.push(c),
                    }
                }
                prop_assert_eq!(without_gaps(&read), &*line);
            }
        }

        #[test]
        fn what_is_cut_fits(text in hostile(), longest in 1..20_usize) {
            for markup in Markup::ALL {
                prop_assert!(escape(markup, &cut(markup, &text, longest)).chars().count() <= longest);
            }
        }
    }
}
