//! What a run is asked to do. The journal keeps it, so that a resumed run needs to be told nothing again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::secret::SecretSpec;
use crate::engine::Secrets;
use crate::image::Way;
use crate::suite::PlanOptions;

/// What a run is asked to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunOptions {
    /// What the command line says besides.
    pub invocation: Invocation,
    /// Results folder.
    #[serde(skip)]
    pub out: PathBuf,
    /// Go on with the run whose journal is in `out`.
    #[serde(skip)]
    pub resume: bool,
    /// Folder of the ledgers.
    #[serde(skip)]
    pub state: PathBuf,
    /// Id of the run: value of the label on all it makes, and part of its tags.
    #[serde(skip)]
    pub run: String,
    /// Commit of the repository around the suite, for the record.
    #[serde(skip)]
    pub commit: String,
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
    #[serde(skip)]
    pub secrets: Secrets,
    /// Extra CA files besides those of the suite.
    pub ca_files: Vec<PathBuf>,
    /// Environment for builds besides that of the suite.
    pub site_env: BTreeMap<String, String>,
    /// UTC stamp of the beginning, RFC 3339.
    #[serde(skip)]
    pub started_at: String,
}

/// Where a run was told to find suite and engine; paths are absolute.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invocation {
    /// The suite: its directory or its manifest; with `dockerfiles` the directory that they are built in.
    pub suite: PathBuf,
    /// Dockerfiles that were named instead of a suite, from its directory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dockerfiles: Vec<PathBuf>,
    /// The directory of the suite that it is measured against; `None` for a commit, which [`super::Mark`] has.
    pub against: Option<PathBuf>,
    /// Address of the engine, where the command line names one.
    pub host: Option<String>,
    /// Docker context, where the command line names one.
    pub context: Option<String>,
    /// Directory of the certificates for a builder of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builder_certs: Option<PathBuf>,
    /// Where the secrets of builds are, not what they are; journals of version 0.1 do not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretSpec>,
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::record::Scenario;

    /// Options that differ from the defaults in as much as can be.
    pub(in crate::measure) fn options() -> RunOptions {
        RunOptions {
            invocation: Invocation {
                suite: "/a suite".into(),
                dockerfiles: vec!["a/Dockerfile".into()],
                against: Some("/other".into()),
                host: None,
                context: Some("lab".into()),
                builder_certs: None,
                secrets: vec!["id=a,env=A".parse().unwrap()],
            },
            out: "out".into(),
            resume: false,
            state: "state".into(),
            run: "run".into(),
            commit: String::new(),
            builder: "classic".into(),
            bases: "stand-in".into(),
            plan: PlanOptions {
                rounds: 2,
                discard_first: false,
                scenarios: vec![Scenario::Cold, Scenario::Src],
                brief: Vec::new(),
                warm_repeats: 3,
                seed: u64::MAX,
                twin: Some(1),
                shard: None,
            },
            only: vec!["a".into()],
            max_time: Some(Duration::from_millis(1_500)),
            pull_deadline: Duration::from_secs(9),
            keep: true,
            via: Way::Export,
            serve: false,
            platform: Some("linux/arm64".into()),
            network: Some("host".into()),
            build_args: BTreeMap::from([("A".to_owned(), "b=c".to_owned())]),
            secrets: Secrets::default(),
            ca_files: vec!["/ca.pem".into()],
            site_env: BTreeMap::from([("B".to_owned(), "\n".to_owned())]),
            started_at: "2026-11-01T12:00:00Z".into(),
        }
    }
}
