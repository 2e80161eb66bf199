//! Whether records are shards of one run.

use super::{MergeError, ShardRecord};
use crate::record::{Record, Settings};

/// That a shard is of the same run as the first one.
pub(super) fn same_run(first: &ShardRecord, other: &ShardRecord) -> Result<(), MergeError> {
    let (a, b) = (&first.record, &other.record);
    let differs = |difference: String, hint: &'static str| {
        Err(MergeError::OtherRun { first: first.name.clone(), name: other.name.clone(), difference, hint })
    };
    if a.suite.name != b.suite.name {
        return Err(MergeError::Foreign {
            name: other.name.clone(),
            suite: b.suite.name.clone(),
            first: first.name.clone(),
            expected: a.suite.name.clone(),
        });
    }
    if a.suite.digest != b.suite.digest {
        return differs(
            "the suite was changed in between".to_owned(),
            "measure all shards from one commit; files that git ignores are part of a build context, too",
        );
    }
    if a.metrics_version != b.metrics_version {
        let versions = format!("metric definitions {} and {}", a.metrics_version, b.metrics_version);
        return differs(versions, "measure all shards with the same version of tonnage");
    }
    if let Some(option) = other_option(a, b) {
        return differs(format!("another `{option}`"), "start all shards with the same options, `--shard` apart");
    }
    let built = |record: &Record| {
        let engine = &record.environment.engine;
        (format!("{}/{}", engine.os, engine.arch), engine.builder)
    };
    let ((platform, builder), (other_platform, other_builder)) = (built(a), built(b));
    if (&platform, builder) != (&other_platform, other_builder) {
        return differs(
            format!("built with {builder} on {platform}, and with {other_builder} on {other_platform}"),
            "measure all shards on one platform with one builder",
        );
    }
    if (first.part.of, first.part.by) != (other.part.of, other.part.by) {
        let split = |one: &ShardRecord| format!("into {} shards of the {}", one.part.of, one.part.by);
        return differs(
            format!("one run is split {}, the other {}", split(first), split(other)),
            "start all shards with the same N in `--shard I/N` and the same `--shard-by`",
        );
    }
    let plans = |record: &Record| record.shards.iter().map(|shard| shard.plan.clone()).collect::<Vec<_>>();
    if plans(a) != plans(b) {
        return differs("another plan".to_owned(), "start all shards with the same options and version of tonnage");
    }
    Ok(())
}

/// The option that two records were not measured with alike.
fn other_option(a: &Record, b: &Record) -> Option<&'static str> {
    // Whole, so that a new setting is not forgotten.
    let Settings { builder, platform, bases, rounds, scenarios, network, build_arg_names, ca_files } = &a.settings;
    let other = &b.settings;
    let options = [
        ("--builder", *builder == other.builder),
        ("--platform", *platform == other.platform),
        ("--bases", *bases == other.bases),
        ("--rounds", *rounds == other.rounds),
        ("--scenarios", *scenarios == other.scenarios),
        ("--network", *network == other.network),
        ("--build-arg", *build_arg_names == other.build_arg_names),
        ("--ca-file", *ca_files == other.ca_files),
        ("--seed", a.seed == b.seed),
    ];
    options.into_iter().find(|(_, same)| !same).map(|(option, _)| option)
}
