//! What is built: the edit in the in-memory context, the request, and the sample with its proof.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::error::MeasureError;
use crate::analyse::proof::{self, Expected};
use crate::context::{Context, Edit, edit_line};
use crate::engine::{BuildOutput, BuildRequest, Downloads, Secrets, labels};
use crate::record::{Builder, Parts, Sample, SampleState, Scenario};
use crate::suite::dockerfile::{Arguments, rewrite_bases};
use crate::suite::{PlannedBuild, SuiteVariant};
use crate::units::Nanos;

/// A variant that is ready to be built.
pub(super) struct Subject<'a> {
    /// As the suite says.
    pub variant: &'a SuiteVariant,
    /// Its context, with the bases put into the Dockerfile.
    pub context: Context,
    /// Reference of the image that is weighed and served.
    pub tag: String,
    /// Reference of the images that the twin makes.
    pub twin_tag: String,
    /// The instructions that copy the `src` file.
    pub src_copies: Vec<String>,
    /// The instructions that copy the `deps` file.
    pub deps_copies: Vec<String>,
    /// What it is built on: the image that its Dockerfile names, and what was put in its place.
    pub bases: BTreeMap<String, String>,
    /// The build arguments as they are known.
    pub known: Arguments,
    /// Whether its images inherit the run's label from the base.
    pub inherits_label: bool,
}

/// What all builds of a run have in common.
pub(super) struct Common {
    /// Id of the run.
    pub run: String,
    /// What builds.
    pub builder: Builder,
    /// Build arguments of the command line, over those of the suite.
    pub build_args: BTreeMap<String, String>,
    /// Proxies as build arguments, under those that were given.
    pub proxies: BTreeMap<String, String>,
    /// Secrets for `RUN --mount=type=secret`.
    pub secrets: Secrets,
    /// Network mode of the command line.
    pub network: Option<String>,
    /// Platform of the command line.
    pub platform: Option<String>,
    /// Limit on one build.
    pub deadline: Duration,
}

impl Common {
    /// The platform that a variant is built for and started on.
    pub(super) fn platform(&self, variant: &SuiteVariant) -> Option<String> {
        self.platform.clone().or_else(|| variant.platform.clone())
    }
}

/// What a build is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Purpose<'f> {
    pub scenario: Scenario,
    /// Goes into an edited line; must not have been there before.
    pub fresh: &'f str,
    /// How many seconds older a cold build's files are made.
    pub age: u64,
    /// Whether it is the variant's second build of the round, whose image is not weighed.
    pub twin: bool,
    /// What takes the place of the bases, by the images that the Dockerfile names.
    pub moved: &'f BTreeMap<String, String>,
}

impl Subject<'_> {
    /// Whether the scenario can be measured: an edit needs a file to edit.
    pub(super) fn supports(&self, scenario: Scenario) -> bool {
        match scenario {
            Scenario::Cold | Scenario::Warm => true,
            Scenario::Src => self.variant.src.is_some(),
            Scenario::Deps => self.variant.deps.is_some(),
            Scenario::Touch => self.variant.src.is_some() || self.variant.deps.is_some(),
            Scenario::Base => !self.bases.is_empty(),
            Scenario::Observed => false,
        }
    }

    /// Reference of the image that a scenario makes: an edited image leaves the one that was not edited as it is. Two
    /// hyphens, which no variant's own part has: another variant's name may end in a scenario's.
    pub(super) fn tag_of(&self, scenario: Scenario) -> String {
        match scenario {
            Scenario::Cold | Scenario::Warm | Scenario::Touch | Scenario::Observed => self.tag.clone(),
            Scenario::Src | Scenario::Deps | Scenario::Base => format!("{}--{scenario}", self.tag),
        }
    }

    /// Whether a sample is of one of its builds.
    pub(super) fn made(&self, sample: &Sample) -> bool {
        (&sample.variant, sample.side) == (&self.variant.name, self.variant.side)
    }

    /// Instructions of its Dockerfile, as the ledger keeps them.
    pub(super) fn instructions(&self) -> impl Iterator<Item = &str> {
        self.variant.facts.instructions.iter().map(|fact| fact.text.as_str())
    }

    /// The request for one build.
    pub(super) fn request(&self, purpose: &Purpose<'_>, common: &Common) -> Result<BuildRequest, MeasureError> {
        let &Purpose { scenario, fresh, age, twin, moved } = purpose;
        let edits = match scenario {
            Scenario::Cold if age > 0 => vec![Edit::Age(age)],
            Scenario::Cold | Scenario::Warm | Scenario::Observed => Vec::new(),
            Scenario::Src => self.line(self.variant.src.as_deref(), fresh)?,
            Scenario::Deps => self.line(self.variant.deps.as_deref(), fresh)?,
            Scenario::Touch => self.touch(),
            Scenario::Base => self.on_other_bases(moved),
        };
        let mut build_args = self.variant.build_args.clone();
        build_args.extend(common.build_args.clone());
        for (name, value) in &common.proxies {
            build_args.entry(name.clone()).or_insert_with(|| value.clone());
        }
        if common.builder == Builder::Buildkit {
            // `nocache` empties cache mounts: this one keeps to mounts of its own (docs.docker.com, BuildKit
            // built-in build arguments).
            build_args.insert("BUILDKIT_CACHE_MOUNT_NS".to_owned(), common.run.clone());
        }
        let mut labels = self.variant.labels.clone();
        if !self.inherits_label {
            labels.insert(labels::RUN.to_owned(), common.run.clone());
        }
        Ok(BuildRequest {
            context: self.context.tar(&edits)?,
            dockerfile: self.context.dockerfile().to_owned(),
            tags: vec![if twin { self.twin_tag.clone() } else { self.tag_of(scenario) }],
            labels,
            build_args,
            secrets: common.secrets.clone(),
            images: self
                .variant
                .facts
                .syntax
                .iter()
                .chain(self.bases.values())
                .chain(moved.values())
                .cloned()
                .collect(),
            target: self.variant.target.clone(),
            platform: common.platform(self.variant),
            network: common.network.clone().or_else(|| self.variant.network.clone()),
            no_cache: scenario == Scenario::Cold,
            builder: common.builder,
            deadline: common.deadline,
        })
    }

    fn line(&self, file: Option<&Path>, fresh: &str) -> Result<Vec<Edit>, MeasureError> {
        let Some(path) = file.map(context_path) else { return Ok(Vec::new()) };
        let content = self
            .context
            .content(&path)
            .ok_or_else(|| MeasureError::NotInContext { variant: self.variant.name.clone(), path: path.clone() })?;
        let content = edit_line(&path, content, fresh);
        Ok(vec![Edit::Replace { path, content }])
    }

    /// The Dockerfile on other bases.
    fn on_other_bases(&self, bases: &BTreeMap<String, String>) -> Vec<Edit> {
        let text = rewrite_bases(&self.variant.dockerfile_text, bases, &self.known);
        vec![Edit::Replace { path: self.context.dockerfile().to_owned(), content: text.into_bytes() }]
    }

    /// A new mtime, always the same one: far from that of any file, and in the past.
    fn touch(&self) -> Vec<Edit> {
        let file = self.variant.src.as_deref().or(self.variant.deps.as_deref());
        file.map(|path| Edit::Touch { path: context_path(path), mtime: 1_000_000_000 }).into_iter().collect()
    }

    /// The sample of a build that succeeded, with its proof.
    pub(super) fn sample(
        &self,
        step: &PlannedBuild,
        previous: Option<&str>,
        output: BuildOutput,
        started_at: String,
    ) -> Sample {
        let expected = Expected {
            src_copies: self.src_copies.clone(),
            deps_copies: self.deps_copies.clone(),
            previous_image_id: previous.map(str::to_owned),
            image_id: output.image_id.clone(),
            elsewhere: output.elsewhere,
            pulled: output.pulled,
        };
        let (network_bytes, network_remark) = match output.downloads {
            Downloads::Counted(bytes) => (Some(bytes), String::new()),
            Downloads::Unknown(why) => (None, why),
        };
        let proof = proof::judge(step.scenario, &output.steps, &expected);
        Sample {
            wall_ns: output.wall_ns,
            valid: proof.valid,
            cached: proof.cached,
            cacheable: proof.cacheable,
            first_miss: proof.first_miss,
            image_id: output.image_id,
            steps: output.steps,
            parts: output.parts,
            network_bytes,
            network_remark,
            ..self.unmade_sample(step, SampleState::Finished, proof.reason, started_at)
        }
    }

    /// The sample of a build that made no image: kept with its reason, outside the statistics.
    pub(super) fn unmade_sample(
        &self,
        step: &PlannedBuild,
        state: SampleState,
        reason: String,
        started_at: String,
    ) -> Sample {
        Sample {
            step: step.index,
            variant: self.variant.name.clone(),
            scenario: step.scenario,
            round: step.round,
            repeat: step.repeat,
            twin: step.twin,
            shard: step.shard,
            discarded: step.discarded,
            state,
            side: self.variant.side,
            wall_ns: Nanos::ZERO,
            valid: false,
            reason,
            cached: 0,
            cacheable: 0,
            first_miss: None,
            image_id: String::new(),
            steps: Vec::new(),
            parts: Parts::default(),
            network_bytes: None,
            network_remark: String::new(),
            observed: None,
            started_at,
        }
    }
}

/// A path as contexts and Dockerfiles write it.
fn context_path(path: &Path) -> String {
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}
