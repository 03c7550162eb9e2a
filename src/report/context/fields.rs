//! The fields that are read of subtasks and of the source server.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// The names of these fields.
const NAMES: [&str; 5] = ["name", "start_date", "end_date", "progress", "os_type"];

/// The fields of an object that are [read](NAMES); none of another value. A task's listing has many others. They are
/// checked as [`Value`] does, but not kept.
#[derive(Debug, Default)]
pub(super) struct ReadFields(Vec<(&'static str, Value)>);

impl ReadFields {
    /// The value of a field; of several the last.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

impl<'de> Deserialize<'de> for ReadFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = ReadFields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_bool<E>(self, _: bool) -> Result<ReadFields, E> {
                Ok(ReadFields::default())
            }

            fn visit_i64<E>(self, _: i64) -> Result<ReadFields, E> {
                Ok(ReadFields::default())
            }

            fn visit_u64<E>(self, _: u64) -> Result<ReadFields, E> {
                Ok(ReadFields::default())
            }

            fn visit_f64<E>(self, _: f64) -> Result<ReadFields, E> {
                Ok(ReadFields::default())
            }

            fn visit_str<E>(self, _: &str) -> Result<ReadFields, E> {
                Ok(ReadFields::default())
            }

            fn visit_unit<E>(self) -> Result<ReadFields, E> {
                Ok(ReadFields::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<ReadFields, A::Error> {
                while items.next_element::<ReadFields>()?.is_some() {}
                Ok(ReadFields::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<ReadFields, A::Error> {
                let mut read = ReadFields::default();
                while let Some(FieldName(name)) = fields.next_key()? {
                    match name {
                        Some(name) => read.0.push((name, fields.next_value()?)),
                        None => drop(fields.next_value::<ReadFields>()?),
                    }
                }
                Ok(read)
            }
        }
        deserializer.deserialize_any(FieldsVisitor)
    }
}

/// The name of a field that is read; none of another.
struct FieldName(Option<&'static str>);

impl<'de> Deserialize<'de> for FieldName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl Visitor<'_> for NameVisitor {
            type Value = FieldName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field name")
            }

            fn visit_str<E>(self, name: &str) -> Result<FieldName, E> {
                Ok(FieldName(NAMES.into_iter().find(|known| *known == name)))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}
