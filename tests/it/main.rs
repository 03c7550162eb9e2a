//! The real program, the embedded service and the outputs, tested as a user sees them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may"
)]

mod archives;
mod authentication;
mod chinese;
mod clock;
mod config;
mod connection;
mod context;
#[cfg(unix)]
mod delivery;
mod dependencies;
mod diff;
mod discovery;
#[cfg(unix)]
mod doc_blocks;
mod doc_tables;
mod docs;
mod evidence;
mod export;
mod faults;
mod fetching;
#[cfg(unix)]
mod files;
mod fuzz;
mod help;
mod history;
mod html;
mod layers;
mod listing;
mod lists;
mod logging;
mod manual;
mod messages;
mod metrics;
mod network;
#[cfg(unix)]
mod object_journals;
#[cfg(unix)]
mod object_storage;
#[cfg(unix)]
mod on_finish;
mod plan_journals;
mod plans;
mod previous;
mod report;
#[cfg(unix)]
mod resume;
#[cfg(unix)]
mod retention;
mod service;
mod service_auth;
mod serving;
mod shards;
mod show;
#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod signing;
mod splitting;
mod support;
mod templates;
#[cfg(unix)]
mod terminal;
mod ticket;
mod verdicts;
mod waivers;
