//! Shared by commands: clients, journals and reports from options, and terminal output.

pub(crate) mod connect;
pub(crate) mod console;
pub(crate) mod contexts;
pub(crate) mod course_table;
pub(crate) mod delivery;
pub(crate) mod document_output;
pub mod exit;
pub(crate) mod export_outputs;
pub(crate) mod handling;
pub(crate) mod hints;
mod journal_files;
pub(crate) mod journal_location;
pub(crate) mod log;
pub(crate) mod nights;
mod old_run;
pub(crate) mod on_finish;
pub(crate) mod outputs;
pub(crate) mod path_conflicts;
pub(crate) mod previous;
mod remote_journal;
pub(crate) mod report_options;
pub(crate) mod reporting;
pub(crate) mod resume;
pub(crate) mod retention;
pub(crate) mod run_end;
pub(crate) mod shard;
pub(crate) mod signals;
pub(crate) mod stdout_output;
pub(crate) mod summary;
pub(crate) mod task_source;
pub(crate) mod template_choice;
pub(crate) mod terminal_language;
#[cfg(test)]
mod test_folder;
