//! The labels of a task.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::iter;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// The labels of a task: values by column name, sorted by name. In JSON an object.
///
/// All texts are in one buffer, because lists may have hundreds of thousands of tasks with several labels each, and
/// labels rarely change.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// Name, value, name, value and so on, each after its length in bytes and a colon.
    texts: Box<str>,
}

impl Labels {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut rest = &*self.texts;
        let mut next = move || {
            let (length, texts) = rest.split_once(':')?;
            let (text, texts) = texts.split_at_checked(length.parse().ok()?)?;
            rest = texts;
            Some(text)
        };
        iter::from_fn(move || Some((next()?, next()?)))
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(name, _)| name)
    }

    /// The value of a label.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Sets a label.
    pub fn insert(&mut self, name: &str, value: &str) {
        *self = self.iter().chain([(name, value)]).collect();
    }

    /// Removes a label.
    pub fn remove(&mut self, name: &str) {
        *self = self.iter().filter(|(known, _)| *known != name).collect();
    }

    /// Sets all labels of `others`.
    pub fn extend(&mut self, others: Self) {
        if self.is_empty() {
            *self = others;
        } else if !others.is_empty() {
            *self = self.iter().chain(others.iter()).collect();
        }
    }
}

/// Of several values for one name, the last counts.
impl<N: AsRef<str> + Ord, V: AsRef<str>> FromIterator<(N, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(labels: I) -> Self {
        let sorted: BTreeMap<N, V> = labels.into_iter().collect();
        let mut texts = String::new();
        for text in sorted.iter().flat_map(|(name, value)| [name.as_ref(), value.as_ref()]) {
            // Writing to a string cannot fail.
            let _ = write!(texts, "{}:{text}", text.len());
        }
        Self { texts: texts.into() }
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LabelsVisitor;
        impl<'de> Visitor<'de> for LabelsVisitor {
            type Value = Labels;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
                let mut labels = Vec::new();
                while let Some(label) = map.next_entry::<String, String>()? {
                    labels.push(label);
                }
                Ok(labels.into_iter().collect())
            }
        }
        deserializer.deserialize_map(LabelsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn labels_are_like_a_map(pairs in prop::collection::vec((".{0,2}", ".{0,3}"), 0..6), name in ".{0,2}") {
            let (half, rest) = pairs.split_at(pairs.len() / 2);
            let mut map: BTreeMap<String, String> = half.iter().cloned().collect();
            let mut labels: Labels = half.iter().cloned().collect();
            map.extend(rest.iter().cloned());
            labels.extend(rest.iter().cloned().collect());
            for changed in 0..3 {
                prop_assert_eq!(labels.iter().collect::<Vec<_>>(), map.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>());
                prop_assert_eq!((labels.get(&name), labels.is_empty()), (map.get(&name).map(String::as_str), map.is_empty()));
                let json = serde_json::to_string(&map).unwrap();
                prop_assert_eq!(&serde_json::to_string(&labels).unwrap(), &json);
                prop_assert_eq!(&serde_json::from_str::<Labels>(&json).unwrap(), &labels);
                if changed == 0 {
                    map.insert(name.clone(), "new".to_owned());
                    labels.insert(&name, "new");
                } else {
                    map.remove(&name);
                    labels.remove(&name);
                }
            }
        }
    }
}
