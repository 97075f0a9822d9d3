//! The form of a type as serde knows it: what it would read, found out by reading it from nothing.

use serde::de::value::{Error, StrDeserializer};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use std::collections::BTreeMap;

/// The form of a type.
#[derive(Debug, Default)]
pub(crate) enum Shape {
    #[default]
    Text,
    Number,
    Flag,
    Option(Box<Shape>),
    List(Box<Shape>),
    /// By names that are not known beforehand.
    Map(Box<Shape>),
    Struct(BTreeMap<&'static str, Shape>),
    Enum(&'static [&'static str]),
}

/// A type's form, and a value of it that has everything: each option is there, each list has an entry.
pub(crate) fn of<T: for<'de> Deserialize<'de>>() -> (Shape, T) {
    let mut shape = Shape::default();
    let value = T::deserialize(Tracer(&mut shape)).expect("its form is plain");
    (shape, value)
}

struct Tracer<'a>(&'a mut Shape);

macro_rules! leaves {
    ($($read:ident => $shape:ident, $visit:ident($value:expr);)*) => {
        $(fn $read<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            *self.0 = Shape::$shape;
            visitor.$visit($value)
        })*
    };
}

impl<'de> Deserializer<'de> for Tracer<'_> {
    type Error = Error;

    leaves! {
        deserialize_bool => Flag, visit_bool(true);
        deserialize_u16 => Number, visit_u16(200);
        deserialize_u32 => Number, visit_u32(7);
        deserialize_u64 => Number, visit_u64(7);
        deserialize_i32 => Number, visit_i32(7);
        deserialize_str => Text, visit_str("text");
        deserialize_string => Text, visit_str("text");
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("a form that is not told beforehand"))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(Tracer(inner(self.0, Shape::Option)))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Items { shape: inner(self.0, Shape::List), left: 1 })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, left: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Items { shape: inner(self.0, Shape::List), left })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Entry { shape: inner(self.0, Shape::Map), told: false })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = Shape::Struct(BTreeMap::new());
        let Shape::Struct(known) = self.0 else { unreachable!() };
        visitor.visit_map(Fields { known, left: fields })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = Shape::Enum(variants);
        let first: StrDeserializer<'_, Error> = variants[0].into_deserializer();
        visitor.visit_enum(first)
    }

    forward_to_deserialize_any! {
        i8 i16 i64 i128 u8 u128 f32 f64 char bytes byte_buf unit unit_struct newtype_struct tuple_struct identifier
        ignored_any
    }
}

fn inner(shape: &mut Shape, wrap: fn(Box<Shape>) -> Shape) -> &mut Shape {
    *shape = wrap(Box::default());
    match shape {
        Shape::Option(inner) | Shape::List(inner) | Shape::Map(inner) => inner,
        _ => unreachable!("it was wrapped"),
    }
}

struct Items<'a> {
    shape: &'a mut Shape,
    left: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(Tracer(self.shape)).map(Some)
    }
}

struct Entry<'a> {
    shape: &'a mut Shape,
    told: bool,
}

impl<'de> MapAccess<'de> for Entry<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let first = !std::mem::replace(&mut self.told, true);
        first.then(|| seed.deserialize(Tracer(&mut Shape::default()))).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(Tracer(self.shape))
    }
}

struct Fields<'a> {
    known: &'a mut BTreeMap<&'static str, Shape>,
    left: &'static [&'static str],
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(field) = self.left.first() else { return Ok(None) };
        let name: StrDeserializer<'_, Error> = field.into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let (field, left) = self.left.split_first().expect("its key was asked for");
        self.left = left;
        seed.deserialize(Tracer(self.known.entry(field).or_default()))
    }
}
