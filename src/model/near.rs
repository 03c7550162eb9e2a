//! The word that was probably meant.

/// How alike two words must be to be taken for a slip of the keyboard, from 0 to 1.
const ALIKE: f64 = 0.75;

/// The known word nearest to `word`, if one is near enough to be meant. Upper and lower case, `_` and `-` count
/// as equal.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace('_', "-");
    let word = plain(word);
    let alike = known.into_iter().map(|known| (strsim::jaro_winkler(&word, &plain(known)), known));
    let best = alike.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(alike, _)| *alike >= ALIKE).map(|(_, known)| known)
}

/// As in `; did you mean `rate`?`, or nothing where no known word is near.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_word_is_named_only_when_it_is_near() {
        let known = ["rate", "region", "endpoint", "max-age"];
        for (word, near) in [
            ("rat", Some("rate")),
            ("regon", Some("region")),
            ("END_POINT", Some("endpoint")),
            ("max_age", Some("max-age")),
            ("password", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), near, "{word}");
        }
    }
}
