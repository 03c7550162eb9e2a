//! The tasks of an account: its listings, and the contexts of its tasks.

mod contexts;
mod entry_contexts;
mod listing;

pub use contexts::read_contexts;
pub use entry_contexts::Contexts;
pub use listing::{DiscoverError, Discovered, Listed, STATES, Search, discover, list_sources, list_tasks};
