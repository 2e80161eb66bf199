//! The versioned truth on disk: what a run saw, as raw samples and facts.
//!
//! In: what `measure` and `image` found. Out: `run.json` and its CSV files, and records read back. It knows
//! nothing of statistics: medians, intervals and verdicts are computed again from the record each time.

mod against;
pub mod csv;
mod earlier;
mod environment;
mod sample;
mod schema;
mod store;
mod variant;

pub use against::{AGAINST_FILE, Against, Confirmation};
pub use earlier::Upgrade;
pub use environment::{Builder, Engine, Environment, Host, ImageStore, Noise, RunningContainer};
pub use sample::{Parts, Sample, SampleState, Scenario, Side, Step};
pub use schema::{Ended, FORMAT_VERSION, METRICS_VERSION, Pull, Record, Settings, Spent, SuiteInfo, Tool};
#[cfg(feature = "testing")]
pub use store::to_json;
pub use store::{FILE, RecordError, parse, read, write};
pub use variant::{
    Base, BaseOrigin, Duplicate, Failure, FailureStage, FileNode, Finding, Instruction, Layer, LayerOrigin, Outcome,
    Package, PackageManager, PathSize, Reclaimable, Reference, ReferenceVerdict, Remainder, Serve, ServeStart,
    ServeState, Sizes, Variant, Via, WireKind,
};
