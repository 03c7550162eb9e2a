//! The fuzz targets. README.md says what each of them checks.

mod answers;
mod config;
mod credentials;
mod csv;
mod diff;
mod errors;
mod history;
mod journal;
mod listings;
mod manifest;
mod merge;
mod objects;
mod requests;
mod shared;
mod signatures;
mod signing;
mod task_lists;
mod templates;
mod tickets;
mod workbook;

/// A target's name, and what it does with an input: it panics if something does not hold.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 19] = [
    ("answers", answers::run),
    ("config", config::run),
    ("credentials", credentials::run),
    ("csv", csv::run),
    ("diff", diff::run),
    ("errors", errors::run),
    ("history", history::run),
    ("journal", journal::run),
    ("listings", listings::run),
    ("manifest", manifest::run),
    ("merge", merge::run),
    ("objects", objects::run),
    ("requests", requests::run),
    ("signatures", signatures::run),
    ("signing", signing::run),
    ("task_lists", task_lists::run),
    ("templates", templates::run),
    ("tickets", tickets::run),
    ("workbook", workbook::run),
];
