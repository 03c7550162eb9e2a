//! Every text that the program can print, in one file to read through, and phrases that it and the pages must not have.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::LitStr;

use crate::docs::pages;
use crate::support::files;

/// Not messages: the two languages of reports, the embedded service, and what lays out workbooks and pages.
const LEFT_OUT: [&str; 5] =
    ["src/model/language", "src/service", "src/output/html", "src/output/xlsx", "src/output/zip_writer"];

/// Phrases of the first versions' prose. Write what the style of CONTRIBUTING.md asks for instead.
const OLD_PHRASES: [&str; 58] = [
    "a 429 now and then",
    "account's own part",
    "are told",
    "as it likes",
    "as they came to be",
    "at every path stands",
    "bears ",
    "by chance",
    "by its nature",
    "cannot go with",
    "come to be",
    "comes to be",
    "comes to its end",
    "did not come to",
    "does not bear",
    "for nobody",
    "given again",
    "goes for all",
    "has no say",
    "in order: no",
    "is asked for again",
    "is for nobody",
    "is put aside",
    "is told",
    "it never came to",
    "it stands there",
    "let in by",
    "lets in",
    "no more than its",
    "none stands",
    "not against intent",
    "of one's own",
    "one's own",
    "or not at all",
    "put aside",
    "said of",
    "slips",
    "so short a",
    "stands alone",
    "stands at",
    "stands beside",
    "stands for",
    "stands in",
    "stands there",
    "stood there",
    "taken away",
    "taken back",
    "takes away",
    "takes back",
    "tells apart",
    "that is none",
    "the old file or the whole new one",
    "the strangers",
    "told at",
    "told from",
    "told in",
    "wants to be",
    "whole, or not",
];

/// The Rust files below `src` that are not tests, by path from the root of the repository.
fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let is_test = |path: &Path| path.with_extension("").components().any(|step| step.as_os_str() == "tests");
    files(&root)
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|suffix| suffix == "rs") && !is_test(path))
        .map(|(path, text)| (format!("src/{}", path.display()), String::from_utf8(text).unwrap()))
        .collect()
}

/// Whether a text is one for people: at least two words, and not code, markup or a query.
fn is_prose(text: &str) -> bool {
    let is_word = |word: &&str| word.chars().filter(|c| c.is_ascii_lowercase()).count() > 1;
    let is_markup = |start: &str| text.trim_start().starts_with(start);
    text.split_whitespace().filter(is_word).count() > 1
        && !text.contains("xmlns")
        && !["<", "{%", "SELECT ", "PRAGMA "].into_iter().any(is_markup)
}

/// The string literals of code outside of its tests and comments.
fn collect(tokens: TokenStream, found: &mut BTreeSet<String>) {
    let mut is_test = false;
    let mut after_hash = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) if after_hash && group.delimiter() == Delimiter::Bracket => {
                after_hash = false;
                let attribute = group.stream().to_string();
                is_test |= attribute.starts_with("cfg (test") || attribute.starts_with("cfg(test");
                if !["doc", "expect", "allow", "cfg"].iter().any(|name| attribute.starts_with(name)) {
                    collect(group.stream(), found);
                }
                continue;
            }
            // The body of the item that `#[cfg(test)]` is for.
            TokenTree::Group(group) if is_test && group.delimiter() == Delimiter::Brace => is_test = false,
            TokenTree::Group(group) => collect(group.stream(), found),
            TokenTree::Literal(literal) => {
                if let Ok(text) = syn::parse_str::<LitStr>(&literal.to_string()) {
                    found.insert(text.value());
                }
            }
            TokenTree::Punct(mark) if mark.as_char() == ';' => is_test = false,
            TokenTree::Punct(mark) if mark.as_char() == '#' || after_hash && mark.as_char() == '!' => {
                after_hash = true;
                continue;
            }
            _ => {}
        }
        after_hash = false;
    }
}

/// The string literals of each file below `src`.
pub(crate) fn literals() -> BTreeMap<String, BTreeSet<String>> {
    let texts = |code: String| {
        let mut texts = BTreeSet::new();
        collect(code.parse().unwrap(), &mut texts);
        texts
    };
    sources().into_iter().map(|(path, code)| (path, texts(code))).collect()
}

fn messages() -> BTreeMap<String, BTreeSet<String>> {
    let mut found = literals();
    found.retain(|path, texts| {
        texts.retain(|text| is_prose(text));
        !texts.is_empty() && !LEFT_OUT.iter().any(|folder| path.starts_with(folder))
    });
    found
}

/// `{…}` is a value that is filled in.
#[test]
fn messages_are_those_of_the_file_to_read_through() {
    let mut text = String::new();
    for (path, texts) in messages() {
        text += &format!("{path}\n");
        for message in texts {
            text += &format!("  {}\n", message.trim_end().replace('\n', "\n    "));
        }
        text.push('\n');
    }
    assert!(text.lines().count() > 500, "{text}");
    insta::assert_snapshot!("messages", text);
}

#[test]
fn old_phrases_do_not_come_back() {
    let code = messages().into_iter().map(|(path, texts)| {
        let texts: Vec<String> = texts.into_iter().collect();
        (path, texts.join("\n"))
    });
    let pages = pages().into_iter().map(|(path, text)| (path.display().to_string(), text));
    let mut found = Vec::new();
    for (path, text) in code.chain(pages) {
        for (line, number) in text.lines().zip(1..) {
            let line = line.to_lowercase();
            let old = OLD_PHRASES.iter().filter(|phrase| line.contains(**phrase));
            found.extend(old.map(|phrase| format!("{path}:{number}: {phrase}: {line}")));
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}
