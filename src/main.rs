//! The `cutover-report` program; the library does the work.

use clap::Parser;

fn main() -> cutover_report::commands::Exit {
    cutover_report::commands::run(cutover_report::cli::Cli::parse())
}
