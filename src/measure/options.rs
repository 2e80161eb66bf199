//! What a run is asked to do.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::way::Way;
use crate::engine::Secrets;
use crate::suite::PlanOptions;

/// What a run is asked to do.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Results folder.
    pub out: PathBuf,
    /// Go on with the run whose journal is in `out`.
    pub resume: bool,
    /// Folder of the ledgers.
    pub state: PathBuf,
    /// Id of the run: value of the label on all it makes, and part of its tags.
    pub run: String,
    /// Builder as it was asked for, for the record.
    pub builder: String,
    /// Name of the set of bases.
    pub bases: String,
    /// Order and size of the plan.
    pub plan: PlanOptions,
    /// Names of the variants to measure; empty for all.
    pub only: Vec<String>,
    /// Time after which no further build is begun.
    pub max_time: Option<Duration>,
    /// Limit on one pull.
    pub pull_deadline: Duration,
    /// Keep what the run made on the engine.
    pub keep: bool,
    /// How the images are read to weigh them.
    pub via: Way,
    /// Whether to start the images.
    pub serve: bool,
    /// Platform over that of the suite.
    pub platform: Option<String>,
    /// Network mode over that of the suite.
    pub network: Option<String>,
    /// Build arguments over those of the suite.
    pub build_args: BTreeMap<String, String>,
    /// Secrets for `RUN --mount=type=secret`; recorded nowhere.
    pub secrets: Secrets,
    /// Extra CA files besides those of the suite.
    pub ca_files: Vec<PathBuf>,
    /// Environment for builds besides that of the suite.
    pub site_env: BTreeMap<String, String>,
    /// UTC stamp of the beginning, RFC 3339.
    pub started_at: String,
}
