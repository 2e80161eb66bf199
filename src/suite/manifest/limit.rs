//! A limit as it is written: `"60 MB"`, `["60 MB", "+2 %"]`, or `{ warn = …, fail = …, noise = "1 kB" }`.

use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use toml::Spanned;

/// What one metric may be.
#[derive(Debug, Clone)]
pub enum LimitValue {
    /// One limit. What it means depends on what it limits.
    One(String),
    /// Several.
    Several(Vec<Spanned<LimitValue>>),
    /// By what exceeding them means.
    Levels(Box<LimitLevels>),
}

/// Limits by what exceeding them means.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitLevels {
    /// More fails.
    pub fail: Option<Spanned<LimitValue>>,
    /// More is a warning.
    pub warn: Option<Spanned<LimitValue>>,
    /// Growth that is not judged.
    pub noise: Option<Spanned<LimitValue>>,
}

impl<'de> Deserialize<'de> for LimitValue {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        value.deserialize_any(LimitVisitor)
    }
}

struct LimitVisitor;

impl<'de> Visitor<'de> for LimitVisitor {
    type Value = LimitValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a limit such as `\"60 MB\"`, `12`, or `\"+2 %\"`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<LimitValue, E> {
        Ok(LimitValue::One(text.to_owned()))
    }

    // A bare number is refused for bytes, with what to write.
    fn visit_i64<E: Error>(self, number: i64) -> Result<LimitValue, E> {
        Ok(LimitValue::One(number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<LimitValue, E> {
        Ok(LimitValue::One(format!("{number:?}")))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<LimitValue, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(LimitValue::Several)
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<LimitValue, A::Error> {
        LimitLevels::deserialize(MapAccessDeserializer::new(table)).map(|levels| LimitValue::Levels(Box::new(levels)))
    }
}
