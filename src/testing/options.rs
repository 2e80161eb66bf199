//! What a test gives to a run: a suite, options, and nobody who watches.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::engine::Secrets;
use crate::image::Way;
use crate::measure::{Event, Invocation, Observer, RunOptions};
use crate::record::Scenario;
use crate::suite::{PlanOptions, Suite, SuiteError};

/// A run of one round after a discarded one, of every variant and scenario, that starts no image. Its results are in
/// `out` of a directory, its ledgers in `state`.
pub fn run_options(directory: &Path) -> RunOptions {
    RunOptions {
        invocation: Invocation::default(),
        out: directory.join("out"),
        resume: false,
        state: directory.join("state"),
        run: "scripted".into(),
        builder: "auto".into(),
        bases: "default".into(),
        plan: PlanOptions {
            rounds: 1,
            discard_first: true,
            scenarios: Scenario::USUAL.to_vec(),
            brief: Vec::new(),
            warm_repeats: 3,
            seed: 1,
            twin: None,
            shard: None,
        },
        only: Vec::new(),
        max_time: None,
        pull_deadline: Duration::from_secs(1),
        keep: false,
        via: Way::Auto,
        serve: false,
        platform: None,
        network: None,
        build_args: BTreeMap::new(),
        secrets: Secrets::default(),
        ca_files: Vec::new(),
        site_env: BTreeMap::new(),
        started_at: "2026-11-01T12:00:00Z".into(),
        commit: String::new(),
    }
}

/// Watches and says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&mut self, _event: &Event<'_>) {}
}

impl Suite {
    /// Reads the suite of a directory or of a manifest file, whose paths may lead nowhere outside of its repository.
    pub fn load(path: &Path) -> Result<Self, SuiteError> {
        Self::load_allowing(path, &[])
    }
}
