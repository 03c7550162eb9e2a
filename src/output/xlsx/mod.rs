//! Reports as workbooks: Overview or Sign-off, Summary, a sheet per task, About; the task sheets in parts if there
//! are many.

mod about;
mod cell_text;
mod cells;
mod changes;
mod contents;
mod history;
mod lines;
mod link;
mod list;
mod main_file;
mod overview;
mod palette;
mod parts;
mod reconciliation;
mod serial_number;
mod sheet;
mod splice;
mod style;
mod summary;
mod task_sheet;
mod text_size;
mod workbook;

pub(super) use changes::write as write_changes;
pub(super) use history::write as write_history;
pub(super) use list::write as write_list;
pub(super) use parts::write;
pub use task_sheet::ROWS_PER_SHEET;
