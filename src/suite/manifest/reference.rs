//! Published figures as they are written: `"118MB"`, or `{ size = "118MB", cold = "141.7 s" }`.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use toml::Spanned;

/// What was published of a variant.
#[derive(Debug, Clone, Default)]
pub struct ReferenceValue {
    /// The size.
    pub size: Option<Spanned<String>>,
    /// The rest.
    pub table: ReferenceTable,
}

/// Published figures by what they are of.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceTable {
    size: Option<Spanned<String>>,
    pub compressed: Option<Spanned<String>>,
    pub update_src: Option<Spanned<String>>,
    pub cold: Option<Spanned<String>>,
    pub startup: Option<Spanned<String>>,
}

impl<'de> Deserialize<'de> for ReferenceValue {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        let written = Spanned::<ReferenceForm>::deserialize(value)?;
        let span = written.span();
        Ok(match written.into_inner() {
            ReferenceForm::Size(size) => {
                Self { size: Some(Spanned::new(span, size)), table: ReferenceTable::default() }
            }
            ReferenceForm::Table(mut table) => Self { size: table.size.take(), table: *table },
        })
    }
}

enum ReferenceForm {
    Size(String),
    Table(Box<ReferenceTable>),
}

impl<'de> Deserialize<'de> for ReferenceForm {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        value.deserialize_any(ReferenceVisitor)
    }
}

struct ReferenceVisitor;

impl<'de> Visitor<'de> for ReferenceVisitor {
    type Value = ReferenceForm;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size such as `\"118MB\"`, or a table: `{ size = \"118MB\", cold = \"141.7 s\" }`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ReferenceForm, E> {
        Ok(ReferenceForm::Size(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<ReferenceForm, A::Error> {
        ReferenceTable::deserialize(MapAccessDeserializer::new(table))
            .map(|table| ReferenceForm::Table(Box::new(table)))
    }
}
