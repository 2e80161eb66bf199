//! `tonnage doctor`: looks at engine, builders, base images, and disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::ValueHint;

use super::Terminal;
use super::registry::RegistryArgs;
use crate::credentials::{Places, Store};
use crate::engine::{BuilderChoice, Needed, Surroundings, probe};
use crate::error::{Failure, chain};
use crate::exit::Exit;
use crate::image::store_in_place;
use crate::record;
use crate::registry::{ImageReference, RegistryClient};
use crate::report::{Examination, RegistryState, no_engine};
use crate::suite::{MANIFEST_NAME, Suite};

/// Arguments of `tonnage doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct DoctorArgs {
    /// Suite whose base images to check: its directory or manifest [default: the tonnage.toml here, if any]
    #[arg(value_hint = ValueHint::AnyPath)]
    suite: Option<PathBuf>,
    /// Set of base images to check: a `[bases.NAME]` table in tonnage.toml
    #[arg(long, value_name = "NAME", default_value = "default")]
    bases: String,
    #[command(flatten)]
    allow: super::allow::AllowArgs,
    #[command(flatten)]
    engine: super::engine::EngineArgs,
    /// Builder to check
    #[arg(long, value_name = "BUILDER", default_value_t)]
    builder: BuilderChoice,
    /// Another base image to check (repeatable)
    #[arg(long = "base", value_name = "REFERENCE")]
    more_bases: Vec<String>,
    /// Also check access to an image in a registry, and show the pulls that are left if the registry says so (repeatable)
    #[arg(long = "image", value_name = "TARGET", help_heading = "Registry")]
    images: Vec<String>,
    #[command(flatten)]
    registry: RegistryArgs,
    /// Output format
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    format: DoctorFormat,
}

/// How the answer is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum DoctorFormat {
    /// A table for the terminal
    #[default]
    Table,
    /// One JSON object
    Json,
}

/// Runs `tonnage doctor`.
pub(super) fn run(args: DoctorArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let suite = suite(&args)?;
    let images: Vec<String> = args.images.iter().map(|image| args.registry.target(image.clone())).collect();
    let references: Vec<ImageReference> =
        images.iter().map(|image| ImageReference::parse(image)).collect::<Result<_, _>>()?;
    let options = args.engine.connect(args.builder);
    let found = super::engine::runtime()?
        .block_on(probe(&options, &Surroundings::from_env(), |engine| wanted(&args, suite.as_ref(), engine)));
    let store = found.engine.as_ref().map(|engine| store_in_place(&engine.facts, engine.local));
    let not_in_place = store.ok().and_then(Result::err).map(|reason| chain(&reason));
    let registries = registries(&images, &references, &args.registry)?;
    let examination = Examination { probe: &found, not_in_place, registries: &registries };
    terminal.out(&match args.format {
        DoctorFormat::Table => examination.table(),
        DoctorFormat::Json => examination.json(),
    })?;
    match &found.engine {
        Ok(_) => Ok(Exit::Done),
        Err(error) => Err(no_engine(error, &found.tried)),
    }
}

/// What registries say of images.
fn registries(
    images: &[String],
    references: &[ImageReference],
    registry: &RegistryArgs,
) -> Result<Vec<RegistryState>, Failure> {
    if references.is_empty() {
        return Ok(Vec::new());
    }
    let client = RegistryClient::new(registry.settings(), Store::read(&Places::from_env()))?;
    let runtime = super::engine::runtime()?;
    let state = |(target, reference): (&String, &ImageReference)| RegistryState {
        target: target.clone(),
        found: runtime.block_on(client.quota(reference)).map_err(Failure::from),
    };
    Ok(images.iter().zip(references).map(state).collect())
}

/// The suite that was named, else the one that is here. A suite that is not named need not be there: the engine can be
/// looked at all the same.
fn suite(args: &DoctorArgs) -> Result<Option<Suite>, Failure> {
    let here = || Some(PathBuf::from(".")).filter(|path| path.join(MANIFEST_NAME).is_file());
    let path = args.suite.clone().or_else(here);
    let suite = path.map(|path| Suite::load_allowing(&path, &args.allow.allow_outside)).transpose()?;
    if let Some(suite) = &suite {
        suite.check_bases(&suite.base_set(&args.bases)?, &[])?;
    }
    Ok(suite)
}

/// The bases of the suite on an engine, as the set has them, and those that were named; each once.
fn wanted(args: &DoctorArgs, suite: Option<&Suite>, engine: Option<&record::EngineFacts>) -> Needed {
    let mut wanted = Needed::default();
    if let Some(suite) = suite {
        let set = suite.base_set(&args.bases).unwrap_or_default();
        for variant in &suite.variants {
            let Some(engine) = engine else {
                wanted.unread.extend(variant.facts_error.iter().map(|error| variant.unread(error)));
                continue;
            };
            let known = variant.arguments(&BTreeMap::new(), variant.platform.as_deref(), engine);
            let needed = variant.external_bases(&known, engine.builder);
            wanted.bases.extend(needed.images.into_iter().map(|image| set.get(&image).cloned().unwrap_or(image)));
            wanted.unread.extend(needed.unknown.iter().map(|error| variant.unread(error)));
        }
    }
    wanted.bases.extend(args.more_bases.iter().cloned());
    let mut once = BTreeSet::new();
    wanted.bases.retain(|reference| once.insert(reference.clone()));
    wanted
}
