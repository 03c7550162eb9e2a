//! Suggestions for misspelled words.

/// Minimum similarity for a suggestion, from 0 to 1.
const ALIKE: f64 = 0.75;

/// The known word most similar to `word`, if it is similar enough. Ignores case, and treats `_` as `-`.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace('_', "-");
    let word = plain(word);
    let alike = known.into_iter().map(|known| (strsim::jaro_winkler(&word, &plain(known)), known));
    let best = alike.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(alike, _)| *alike >= ALIKE).map(|(_, known)| known)
}

/// As in `; did you mean `rate`?`, or empty if no known word is similar.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_similar_word_is_suggested() {
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
