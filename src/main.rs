//! The `cutover-report` program; the library does the work.

fn main() -> cutover_report::commands::Exit {
    cutover_report::commands::main(std::env::args_os().collect())
}
