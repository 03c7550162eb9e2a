//! JSON objects of a known form, with what their other fields say about an error.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, Visitor};

use super::error_fields::ErrorBody;
use super::signs::{Peeked, Signs};

/// A form of object: the names of the fields that it reads.
pub(super) trait Form {
    const FIELDS: &'static [&'static str];
}

/// A JSON object, and nothing else: serde also reads a struct from an array, by position.
pub(super) struct Object<T> {
    pub(super) value: T,
    /// The error that its other fields report.
    pub(super) error: Option<Box<ErrorBody>>,
}

impl<T> Object<T> {
    pub(super) fn read<'de, A: MapAccess<'de>>(fields: A) -> Result<Self, A::Error>
    where
        T: Form + Deserialize<'de>,
    {
        let mut signs = None;
        let watched = Watched { fields, known: T::FIELDS, unknown: None, signs: &mut signs };
        let value = T::deserialize(MapAccessDeserializer::new(watched))?;
        let error = signs.and_then(|signs| signs.error()).map(Box::new);
        Ok(Self { value, error })
    }
}

impl<'de, T: Form + Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);
        impl<'de, T: Form + Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                Object::read(map)
            }
        }
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

/// Hands known fields on, and looks into the others for signs of an error.
struct Watched<'s, A> {
    fields: A,
    known: &'static [&'static str],
    /// The field whose value comes next, if it is not a known one.
    unknown: Option<String>,
    signs: &'s mut Option<Signs>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Watched<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        self.fields.next_key_seed(Key { seed, known: self.known, unknown: &mut self.unknown })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        let Some(name) = self.unknown.take() else { return self.fields.next_value_seed(seed) };
        let value: Peeked = self.fields.next_value()?;
        self.signs.get_or_insert_default().offer(&name, value);
        // An unknown field is ignored by the form, so any value will do.
        seed.deserialize(().into_deserializer())
    }
}

/// Reads a field's name and hands it on.
struct Key<'k, S> {
    seed: S,
    known: &'static [&'static str],
    unknown: &'k mut Option<String>,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Key<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Key<'_, S> {
    type Value = S::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<S::Value, E> {
        if !self.known.contains(&name) {
            *self.unknown = Some(name.to_owned());
        }
        self.seed.deserialize(name.into_deserializer())
    }
}
