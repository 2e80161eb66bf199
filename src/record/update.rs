//! What an edit makes everybody pull: the layers of an edited build that the image before it did not have.

use serde::{Deserialize, Serialize};

use super::{Scenario, WireKind};
use crate::units::Bytes;

/// What must be pulled after an edit, by what was edited.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Updates {
    /// After an edit of one line of application source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub src: Option<Update>,
    /// After an edit of the requirements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deps: Option<Update>,
    /// After the base images moved: the own layers that are made anew. What of the base must be pulled depends on how it
    /// moved, and is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Update>,
}

impl Updates {
    /// The edits that are weighed.
    pub const EDITS: [Scenario; 3] = [Scenario::Src, Scenario::Deps, Scenario::Base];

    /// What an edit makes everybody pull; `None` where it was not measured, or is not an edit.
    pub fn of(&self, edit: Scenario) -> Option<&Update> {
        match edit {
            Scenario::Src => self.src.as_ref(),
            Scenario::Deps => self.deps.as_ref(),
            Scenario::Base => self.base.as_ref(),
            Scenario::Cold | Scenario::Warm | Scenario::Touch | Scenario::Observed => None,
        }
    }

    /// The place for [`Self::of`]; `None` for what is not an edit.
    pub fn of_mut(&mut self, edit: Scenario) -> Option<&mut Option<Update>> {
        match edit {
            Scenario::Src => Some(&mut self.src),
            Scenario::Deps => Some(&mut self.deps),
            Scenario::Base => Some(&mut self.base),
            Scenario::Cold | Scenario::Warm | Scenario::Touch | Scenario::Observed => None,
        }
    }

    /// Without what is another one in each run: the larger of two measurements, and no layers.
    pub fn summary(&self) -> Self {
        let of = |update: &Update| Update {
            round: 0,
            bytes: update.most_bytes(),
            compressed_bytes: update.most_compressed_bytes(),
            compressed_kind: update.compressed_kind,
            layers: Vec::new(),
            again: None,
        };
        Self { src: self.src.as_ref().map(of), deps: self.deps.as_ref().map(of), base: self.base.as_ref().map(of) }
    }

    /// All that were measured.
    pub fn all_mut(&mut self) -> impl Iterator<Item = &mut Update> {
        [&mut self.src, &mut self.deps, &mut self.base].into_iter().flatten()
    }

    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a node that has the image before the edit must pull to have the one after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Update {
    /// Round that it was measured in.
    pub round: u32,
    /// Unpacked size of the new layers, as `size` counts.
    pub bytes: Bytes,
    /// What a registry transfers for them.
    pub compressed_bytes: Bytes,
    /// Whether that was measured or estimated.
    pub compressed_kind: WireKind,
    /// The new layers, lowest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<UpdateLayer>,
    /// The same in a second round; absent until there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<UpdateAgain>,
}

impl Update {
    /// The larger of the two measurements, unpacked.
    pub fn most_bytes(&self) -> Bytes {
        self.again.as_ref().map_or(self.bytes, |again| again.bytes.max(self.bytes))
    }

    /// The larger of the two measurements, compressed.
    pub fn most_compressed_bytes(&self) -> Bytes {
        self.again.as_ref().map_or(self.compressed_bytes, |again| again.compressed_bytes.max(self.compressed_bytes))
    }

    /// Whether two rounds made layers of different unpacked sizes.
    pub fn differs(&self) -> bool {
        self.again.as_ref().is_some_and(|again| again.bytes != self.bytes)
    }
}

/// A layer that the image before did not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UpdateLayer {
    /// `sha256:` of the uncompressed tar.
    pub diff_id: String,
    /// Its part of `bytes`.
    pub size_bytes: Bytes,
    /// Its part of `compressed_bytes`.
    pub compressed_bytes: Bytes,
    /// The instruction that made it.
    pub instruction: String,
}

/// The same edit in another round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UpdateAgain {
    /// Round that it was measured in.
    pub round: u32,
    /// Unpacked size of the new layers.
    pub bytes: Bytes,
    /// What a registry transfers for them.
    pub compressed_bytes: Bytes,
    /// Paths in the new layers whose size differs between the two rounds (bounded).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differing_paths: Vec<String>,
}
