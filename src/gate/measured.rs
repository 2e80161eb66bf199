//! What is judged or compared: the images of a run, of a weighing, or of a baseline.

use serde::{Deserialize, Serialize};

use crate::record::{METRICS_VERSION, Outcome, Sample, Variant};

/// Images that were measured, and how.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    /// How it is named in messages.
    pub label: String,
    /// What it was read from.
    pub kind: MeasuredKind,
    /// Version of the size definitions.
    pub metrics_version: u32,
    /// Name of the suite; empty for a weighing.
    pub suite: String,
    /// What measured it; `None` for a weighing.
    pub engine: Option<MeasuredBy>,
    /// When it was measured, UTC; empty where unknown.
    pub measured_at: String,
    /// The images.
    pub variants: Vec<Variant>,
    /// The builds; empty for a weighing or a baseline.
    pub samples: Vec<Sample>,
    /// Whether the run came to its end.
    pub complete: bool,
}

/// What a [`Measured`] was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MeasuredKind {
    /// A record of a run.
    Run,
    /// A record of builds that were imported: it has no image.
    Observed,
    /// The output of `tonnage weigh --format json`, or an image weighed just now.
    Weighing,
    /// A baseline.
    Baseline,
}

/// The engine behind a figure, for messages and for what must not be compared across kinds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MeasuredBy {
    /// `docker 28.5.2`; empty for a weighing.
    pub engine: String,
    /// How it stores images: `graphdriver`.
    pub image_store: String,
    /// `overlay2`.
    pub storage_driver: String,
    /// `buildkit`.
    pub builder: String,
}

impl Measured {
    /// Images that were weighed just now, by this version.
    pub(crate) fn of_images(variants: Vec<Variant>, label: &str) -> Self {
        Self {
            label: label.to_owned(),
            kind: MeasuredKind::Weighing,
            metrics_version: METRICS_VERSION,
            suite: String::new(),
            engine: None,
            measured_at: String::new(),
            variants,
            samples: Vec::new(),
            complete: true,
        }
    }

    /// The variant of that name.
    pub(crate) fn variant(&self, name: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.name == name)
    }
}

/// A variant of which only the name is known.
pub(super) fn blank(name: &str) -> Variant {
    Variant { name: name.to_owned(), outcome: Outcome::Ok, ..Variant::default() }
}
