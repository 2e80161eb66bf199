//! JSON databases: read into types that keep only what is wanted.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::database::Inventory;

/// A larger one is not read: what is kept of it may take ten times as much.
const MOST: usize = 16 << 20;

/// A document; `None`, and said so, where it is none of this type.
pub(super) fn read<T: DeserializeOwned>(content: &[u8], inventory: &mut dyn Inventory) -> Option<T> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let found = (content.len() <= MOST).then(|| serde_json::from_slice(content).ok()).flatten();
    if found.is_none() {
        inventory.unreadable();
    }
    found
}

/// The keys of an object.
#[derive(Default)]
pub(super) struct Keys(pub BTreeSet<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(KeysVisitor)
    }
}

struct KeysVisitor;

impl<'de> Visitor<'de> for KeysVisitor {
    type Value = Keys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
        let mut keys = BTreeSet::new();
        while let Some((key, IgnoredAny)) = map.next_entry()? {
            keys.insert(key);
        }
        Ok(Keys(keys))
    }
}
