//! The language of the terminal. One process has one.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::model::Language;

static IS_CHINESE: AtomicBool = AtomicBool::new(false);

/// Sets the language.
pub(crate) fn set(language: Language) {
    IS_CHINESE.store(language == Language::Chinese, Ordering::Relaxed);
}

/// The language.
pub(crate) fn get() -> Language {
    if IS_CHINESE.load(Ordering::Relaxed) { Language::Chinese } else { Language::English }
}

/// A message in the language of the terminal.
pub(crate) fn message(english: &str) -> Cow<'_, str> {
    get().message(english)
}
