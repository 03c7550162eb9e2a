//! Exports the consistency verification results of Server Migration Service tasks.
//!
//! ```text
//! task list ─► fetch (throttle · retry) ─► journal ─► answer ─► report ─► outputs ─► delivery
//!                      ▲                      │
//!               SMS API / embedded service   render · show · merge · diff start here
//! ```
//!
//! Data goes one way. Everything left of the journal may fail and is retried. Everything right of it, up to the
//! outputs, is pure and offline: the same journal and options give the same bytes. The journal keeps each answer as
//! the service sent it; only `answer` parses answers. `docs/design.md` has the layers and decisions.

pub mod answer;
pub mod app;
pub mod cli;
pub mod commands;
pub mod delivery;
pub mod fetch;
pub mod fs;
pub mod journal;
pub mod model;
pub mod net;
pub mod output;
pub mod report;
pub mod service;
pub mod sms;
pub mod sshsig;
pub mod storage;
pub mod tasks;
pub mod threads;
