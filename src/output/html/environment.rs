//! What the templates of all pages share: functions, escaping, language and policy.

use std::fmt::Display;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::{Rest, Value};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use sha2::{Digest, Sha256};

use super::escape;
use crate::model::Language;

/// Templates with the functions `t`, which translates, `text`, which escapes, and `style`.
pub(super) fn environment(language: Language, style: String) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_function("t", move |text: &str, values: Rest<Value>| {
        let values: Vec<&dyn Display> = values.iter().map(|value| value as _).collect();
        language.fill(text, &values)
    });
    environment.add_function("text", |text: &str| Value::from_safe_string(escape::html(text)));
    environment.add_function("style", move || Value::from_safe_string(style.clone()));
    environment
}

/// The value of a page's `lang` attribute.
pub(super) const fn lang(language: Language) -> &'static str {
    match language {
        Language::English => "en",
        Language::Chinese => "zh-CN",
    }
}

/// A policy that allows only these styles and this script, by their digests. Nothing may be loaded.
pub(super) fn policy(styles: &[&str], script: &str) -> String {
    let digest = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())));
    let styles: Vec<String> = styles.iter().map(|style| digest(style)).collect();
    format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'",
        styles.join(" "),
        digest(script)
    )
}
