//! The values of `--fail-on` and `--only`.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::model::Verdict;
use crate::report::Change;

/// A value of `--fail-on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailOn {
    /// This verdict.
    Verdict(Verdict),
    /// Every verdict that does not pass.
    NotPassing,
    /// A task of an earlier run has this change; only with `--previous`.
    Change(Change),
    /// No verdict.
    None,
}

impl FailOn {
    /// The verdicts that a list means, in their order.
    pub fn verdicts(list: &[Self]) -> Vec<Verdict> {
        let is_meant = |verdict: &Verdict| {
            list.contains(&Self::Verdict(*verdict)) || list.contains(&Self::NotPassing) && !verdict.passes()
        };
        Verdict::ALL.into_iter().filter(is_meant).collect()
    }

    /// The changes that a list means.
    pub fn changes(list: &[Self]) -> Vec<Change> {
        list.iter()
            .filter_map(|value| if let Self::Change(change) = value { Some(*change) } else { None })
            .collect()
    }

    fn named() -> Vec<(&'static str, Self)> {
        let verdicts = Verdict::ALL.map(|verdict| (verdict.key(), Self::Verdict(verdict)));
        let changes = [Change::Worse, Change::Gone].map(|change| (change.key(), Self::Change(change)));
        let others = [("not-passing", Self::NotPassing), ("none", Self::None)];
        verdicts.into_iter().chain(others).chain(changes).collect()
    }
}

/// Reads one of a few names; shell completion offers them.
#[derive(Clone)]
pub(super) struct OneOf<T>(pub(super) fn() -> Vec<(&'static str, T)>);

/// The values of `--fail-on` of reports.
pub(super) fn verdicts() -> OneOf<FailOn> {
    OneOf(FailOn::named)
}

/// The values of `--only`.
pub(super) fn shown() -> OneOf<FailOn> {
    OneOf(|| {
        let is_shown = |value: &FailOn| matches!(value, FailOn::Verdict(_) | FailOn::NotPassing);
        FailOn::named().into_iter().filter(|(_, value)| is_shown(value)).collect()
    })
}

/// The values of `--fail-on` of `diff`.
pub(super) fn changes() -> OneOf<Change> {
    OneOf(|| Change::ALL.into_iter().map(|change| (change.key(), change)).collect())
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for OneOf<T> {
    type Value = T;

    fn parse_ref(
        &self,
        command: &clap::Command,
        option: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        let named = (self.0)();
        let name = value.to_str().map(str::trim);
        if let Some((_, found)) =
            named.iter().find(|(known, _)| name.is_some_and(|name| known.eq_ignore_ascii_case(name)))
        {
            return Ok(found.clone());
        }
        let names = PossibleValuesParser::new(named.iter().map(|(name, _)| *name));
        let error = names.parse_ref(command, option, value).err();
        Err(error.unwrap_or_else(|| clap::Error::new(clap::error::ErrorKind::InvalidValue)))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.0)().into_iter().map(|(name, _)| PossibleValue::new(name))))
    }
}

/// What is wrong with `--fail-on A B`, where the second value would be taken for a file.
pub(super) fn split_list(arguments: &[OsString]) -> Option<String> {
    let texts: Vec<&str> = arguments.iter().map(|argument| argument.to_str().unwrap_or_default()).collect();
    let is_name = |text: &str| {
        let text = text.trim_matches(',');
        FailOn::named().iter().any(|(name, _)| *name == text)
            || Change::ALL.into_iter().any(|change| change.key() == text)
    };
    for (place, text) in texts.iter().enumerate() {
        let (value, next) = match text.strip_prefix("--fail-on") {
            Some("") => (texts.get(place + 1).copied()?, place + 2),
            Some(value) => (value.strip_prefix('=').unwrap_or_default(), place + 1),
            None => continue,
        };
        let second = texts.get(next).filter(|second| is_name(second) && !Path::new(second).exists());
        if let Some(second) = second {
            let (value, second) = (value.trim_matches(','), second.trim_matches(','));
            return Some(format!(
                "--fail-on takes one list: separate its values with commas, as in --fail-on {value},{second}"
            ));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_passing_means_every_verdict_that_does_not_pass() {
        let keys = |list: &[FailOn]| FailOn::verdicts(list).into_iter().map(Verdict::key).collect::<Vec<_>>();
        assert_eq!(
            keys(&[FailOn::NotPassing]),
            [
                "fetch_failed",
                "unreadable",
                "not_verified",
                "check_failed",
                "inconsistent",
                "stale",
                "inconclusive"
            ]
        );
        assert_eq!(keys(&[FailOn::None]), [""; 0]);
        assert_eq!(keys(&[FailOn::None, FailOn::Verdict(Verdict::Accepted)]), ["accepted"]);
    }

    #[test]
    fn list_separated_by_spaces_is_detected() {
        let found = |line: &str| split_list(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        for line in [
            "x render j --fail-on stale inconsistent",
            "x render j --fail-on=stale inconsistent",
            "x render j --fail-on stale, inconsistent",
        ] {
            let message = found(line).unwrap();
            assert!(message.ends_with("as in --fail-on stale,inconsistent"), "{message}");
        }
        for line in
            ["x render --fail-on stale j", "x render j --fail-on", "x render j --fail-on a,b", "x stale"]
        {
            assert_eq!(found(line), None, "{line}");
        }
    }
}
