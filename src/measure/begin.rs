//! The record of a run before anything is measured, and whether an earlier part of a run can be gone on with.

use std::path::Path;

use super::error::MeasureError;
use super::options::RunOptions;
use crate::engine::ImageHost;
use crate::machine;
use crate::record::{
    self, Ended, Environment, FORMAT_VERSION, METRICS_VERSION, Outcome, Record, Reference, Settings, Shard, Spent,
    SuiteInfo, Tool, Variant,
};
use crate::suite::{self, Suite, SuiteVariant};
use crate::units::Nanos;

/// The variants that `only` names, in the suite's order.
pub(super) fn chosen<'a>(suite: &'a Suite, only: &[String]) -> Result<Vec<&'a SuiteVariant>, MeasureError> {
    if let Some(unknown) = only.iter().find(|name| suite.variant(name).is_none()) {
        return Err(MeasureError::NoSuchVariant(unknown.clone()));
    }
    Ok(suite.chosen(only))
}

/// The record of a run that has measured nothing yet.
pub(super) async fn begin_record<H: ImageHost>(
    suite: &Suite,
    variants: &[&SuiteVariant],
    engine: &H,
    options: &RunOptions,
) -> Result<Record, MeasureError> {
    let environment = Environment {
        engine: engine.facts().clone(),
        host: machine::facts(&options.out, engine.is_local()),
        noise: None,
        running_containers: engine.running().await?,
    };
    let of_part = |part| Shard {
        part,
        plan: suite::plan_digest(suite.chosen(&options.only), &options.plan),
        host: environment.fingerprint(),
        dropped: None,
    };
    let shards = options.plan.shard.map(of_part).into_iter().collect();
    Ok(Record {
        format_version: FORMAT_VERSION.into(),
        metrics_version: METRICS_VERSION,
        tool: Tool { name: "tonnage".into(), version: env!("CARGO_PKG_VERSION").into() },
        suite: SuiteInfo {
            name: suite.name.clone(),
            title: suite.title.clone(),
            digest: suite.digest.clone(),
            source: suite.source.clone(),
            commit: options.commit.clone(),
        },
        settings: Settings {
            builder: options.builder.clone(),
            platform: options.platform.clone().unwrap_or_default(),
            bases: options.bases.clone(),
            rounds: options.plan.rounds,
            scenarios: options.plan.scenarios.clone(),
            network: options.network.clone().unwrap_or_default(),
            build_arg_names: options.build_args.keys().cloned().collect(),
            ca_files: u32::try_from(suite.build.ca_files.len() + options.ca_files.len()).unwrap_or(u32::MAX),
        },
        seed: options.plan.seed,
        started_at: options.started_at.clone(),
        finished_at: String::new(),
        ended: Ended::Running,
        elapsed_ns: Nanos::ZERO,
        spent: Spent::default(),
        environment,
        pulls: Vec::new(),
        variants: variants.iter().map(|variant| begin_variant(variant)).collect(),
        samples: Vec::new(),
        trials: Vec::new(),
        improved: None,
        imports: Vec::new(),
        shards,
        findings: Vec::new(),
    })
}

pub(super) fn begin_variant(variant: &SuiteVariant) -> Variant {
    let instructions = variant.facts.instructions.iter().map(|fact| record::Instruction {
        line: fact.line,
        stage: fact.stage,
        text: fact.text.clone(),
    });
    Variant {
        name: variant.name.clone(),
        side: variant.side,
        dockerfile: variant.dockerfile.to_string_lossy().into_owned(),
        outcome: Outcome::NotRun,
        instructions: instructions.collect(),
        reference: variant.reference.as_ref().map(|claim| Reference {
            claim: claim.text.clone(),
            low_bytes: claim.low,
            high_bytes: claim.high,
            platform: String::new(),
        }),
        published: variant.published.clone(),
        ..Variant::default()
    }
}

/// A resumed run must measure the same thing in the same way.
pub(super) fn same_run(dir: &Path, earlier: &Record, now: &Record) -> Result<(), MeasureError> {
    let differs = |what: &str| MeasureError::CannotResume { dir: dir.to_path_buf(), reason: what.to_owned() };
    if earlier.metrics_version != now.metrics_version {
        return Err(differs("it was measured with other definitions"));
    }
    if earlier.suite.digest != now.suite.digest {
        return Err(differs("the suite has changed since"));
    }
    if earlier.settings != now.settings || earlier.seed != now.seed {
        return Err(differs("it was started with other options"));
    }
    let (a, b) = (&earlier.environment.engine, &now.environment.engine);
    if (&a.name, &a.version, a.image_store, a.builder, &a.storage_driver)
        != (&b.name, &b.version, b.image_store, b.builder, &b.storage_driver)
    {
        return Err(differs("it was measured on another engine"));
    }
    if earlier.shards != now.shards {
        return Err(differs("it is a shard that was measured on another machine"));
    }
    Ok(())
}
