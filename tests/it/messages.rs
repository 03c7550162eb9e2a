//! Every text that the program can print, in one file to read through, and phrases that it and the pages must not have.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use clap::CommandFactory;
use cutover_report::cli::Cli;
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

/// Every string literal of the source, by lines.
fn literal_lines() -> BTreeSet<String> {
    let texts: Vec<String> = literals().into_values().flatten().collect();
    texts.iter().flat_map(|text| text.lines()).map(|line| line.trim().to_owned()).collect()
}

/// The English templates of a file of translations.
fn translated(file: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/messages/zh").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().zip(text.lines().skip(1)).filter(|(_, next)| next.starts_with("= "));
    lines.map(|(english, _)| english.to_owned()).collect()
}

/// The help of a command and of its commands and options, by paragraphs.
fn help_of(command: &clap::Command, found: &mut BTreeSet<String>) {
    let options = command.get_arguments().flat_map(|arg| [arg.get_help(), arg.get_long_help()]);
    let own = [command.get_about(), command.get_after_help()].into_iter().chain(options).flatten();
    found.extend(
        own.map(ToString::to_string).flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()),
    );
    let below = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let ends = below.lines().map(|line| line.rsplit_once("  ").map_or(line, |(_, end)| end));
    found.extend(ends.map(|end| end.trim_start_matches("# ").to_owned()));
    command.get_subcommands().for_each(|command| help_of(command, found));
}

/// A message that was reworded, or is gone, needs its translation reworded, or removed.
#[test]
fn translated_messages_are_those_of_the_source() {
    let source = literal_lines();
    let mut unknown = Vec::new();
    for file in ["connection.txt", "lists.txt", "outputs.txt", "runs.txt"] {
        let gone = translated(file).into_iter().filter(|english| !source.contains(english));
        unknown.extend(gone.map(|english| format!("{file}: {english}")));
    }
    let mut help = BTreeSet::new();
    help_of(&Cli::command(), &mut help);
    let gone =
        translated("help.txt").into_iter().map(|english| english.replace("{{", "{").replace("}}", "}"));
    unknown
        .extend(gone.filter(|english| !help.contains(english)).map(|english| format!("help.txt: {english}")));
    assert!(unknown.is_empty(), "not in the source any more:\n{}", unknown.join("\n"));
}

/// Most messages have a translation. The others are of rare commands and of formats.
#[test]
#[expect(clippy::print_stdout, reason = "--nocapture shows what is left to translate")]
fn most_messages_are_translated() {
    let done: BTreeSet<String> = ["connection.txt", "lists.txt", "outputs.txt", "runs.txt"]
        .iter()
        .flat_map(|file| translated(file))
        .collect();
    // Texts of reports have their translations in src/model/language.
    let of_terminal = |path: &str| {
        !["src/report/", "src/model/verdict.rs", "src/output/"].iter().any(|start| path.starts_with(start))
    };
    let all: BTreeSet<String> = messages()
        .into_iter()
        .filter(|(path, _)| of_terminal(path))
        .flat_map(|(_, texts)| texts)
        .flat_map(|text| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>())
        .filter(|line| is_prose(line))
        .collect();
    let missing: Vec<&String> = all.iter().filter(|line| !done.contains(*line)).collect();
    println!(
        "{} of {} messages are translated; these are not: {missing:#?}",
        all.len() - missing.len(),
        all.len()
    );
    assert!(missing.len() * 3 < all.len(), "{missing:#?}");
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
