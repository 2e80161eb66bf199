//! The versioned truth on disk: what a run saw, as raw samples and facts.
//!
//! In: what `measure` and `image` found. Out: `run.json` and its CSV files, and records read back. It knows
//! nothing of statistics: medians, intervals and verdicts are computed again from the record each time.

mod against;
pub(crate) mod csv;
mod earlier;
mod environment;
mod import;
mod reference;
mod sample;
mod schema;
mod serve;
mod shard;
mod store;
mod trial;
mod update;
mod variant;

pub(crate) use against::AGAINST_FILE;
pub use against::{Against, Confirmation};
pub(crate) use earlier::Upgrade;
pub use environment::Builder;
pub(crate) use environment::{EngineFacts, Environment, Host, ImageStore, Noise, RunningContainer};
pub(crate) use import::{Import, ImportKind};
pub(crate) use reference::{Published, PublishedMetric, Reference, ReferenceVerdict, SizeDefinition};
pub(crate) use sample::{Observed, Parts, Side, Step};
pub use sample::{Sample, SampleState, Scenario};
pub use schema::{Ended, Record};
pub(crate) use schema::{FORMAT_VERSION, METRICS_VERSION, Pull, Settings, Spent, SuiteInfo, Tool};
pub(crate) use serve::{Serve, ServeStart};
pub use serve::{ServeLimits, ServeState};
pub(crate) use shard::MOST_SHARDS;
pub use shard::{Shard, ShardBy, ShardPart};
#[cfg(feature = "testing")]
pub(crate) use store::to_json;
pub use store::{FILE, read, write};
pub(crate) use store::{MOST_VARIANTS, RecordError, major, parse};
pub(crate) use trial::{Figures, Goal, Improved, Trial, TrialVerdict};
pub(crate) use update::{Update, UpdateAgain, UpdateLayer, Updates};
pub(crate) use variant::is_root;
pub(crate) use variant::{
    Base, BaseOrigin, Duplicate, FailureStage, FileNode, Finding, Instruction, Layer, LayerOrigin, ManifestFacts,
    Reclaimable, Remainder, Sizes, StoredLayer, Variant, VariantFailure, Verified, Via, WireKind,
};
pub use variant::{Outcome, Package, PackageManager, PathSize};
