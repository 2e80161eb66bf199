//! The record of observed builds.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::{ImportError, MOST_BUILDS};
use super::file::{FoundBuild, ImportFile};
use super::layout::KeptBuild;
use crate::analyse::proof::{self, Expected, same_instruction};
use crate::engine::ObservedBuild;
use crate::record::{
    Builder, Ended, EngineFacts, Environment, FORMAT_VERSION, FailureStage, Instruction, METRICS_VERSION, Observed,
    Outcome, Record, Sample, SampleState, Scenario, Settings, Side, Spent, Step, SuiteInfo, Tool, Variant,
    VariantFailure,
};
use crate::suite::{self, Suite, SuiteVariant, fit_name};
use crate::text::{for_people, shorten, without_url_credentials};
use crate::units::Nanos;

/// Instructions of a build that are looked for in a Dockerfile.
const LOOKED_FOR: usize = 200;

/// A build, and whose it is.
struct Named<'s> {
    file: usize,
    name: String,
    variant: Option<&'s SuiteVariant>,
    platform: String,
    kept: KeptBuild,
    build: ObservedBuild,
    began: i128,
    wall: Nanos,
    state: SampleState,
    /// Why it failed; empty where it did not.
    failure: String,
}

/// The record of the builds in these files. With a suite they are builds of its variants, all of the one that is `chosen`
/// if one is; without one they are named for what they say of themselves, or `chosen`, and the record is called `name`.
pub(crate) fn record_of(
    files: Vec<ImportFile>,
    suite: Option<&Suite>,
    name: &str,
    chosen: Option<&str>,
) -> Result<Record, ImportError> {
    let mut imports = Vec::new();
    let mut builds = Vec::new();
    for (index, file) in files.into_iter().enumerate() {
        for found in file.builds {
            builds.push(named(index, found, &file.path, suite, chosen)?);
        }
        imports.push(file.import);
        if builds.len() > MOST_BUILDS {
            return Err(ImportError::many_builds(&file.path));
        }
    }
    // As they were made, whatever the order of the files.
    builds.sort_by(|a, b| (a.began, a.file, &a.name).cmp(&(b.began, b.file, &b.name)));
    let rounds = rounds(&builds);
    let stamp = |time: Option<i128>| time.map_or_else(String::new, utc);
    let mut record = Record {
        format_version: FORMAT_VERSION.into(),
        metrics_version: METRICS_VERSION,
        tool: Tool { name: "tonnage".into(), version: env!("CARGO_PKG_VERSION").into() },
        suite: SuiteInfo {
            name: suite.map_or_else(|| name.to_owned(), |suite| suite.name.clone()),
            title: suite.map(|suite| suite.title.clone()).unwrap_or_default(),
            digest: suite.map(|suite| suite.digest.clone()).unwrap_or_default(),
            source: String::new(),
            commit: builds.last().map(|build| build.kept.commit.clone()).unwrap_or_default(),
        },
        settings: Settings {
            builder: Builder::Buildkit.to_string(),
            rounds: rounds.last().map_or(0, |last| last + 1),
            scenarios: vec![Scenario::Observed],
            ..Settings::default()
        },
        seed: 0,
        started_at: stamp(builds.iter().map(|build| build.began).min()),
        finished_at: stamp(builds.iter().map(|build| build.began.saturating_add(build.wall.0.into())).max()),
        ended: Ended::Complete,
        elapsed_ns: Nanos::ZERO,
        spent: Spent::default(),
        // What built and where: a build record says no more.
        environment: Environment {
            engine: EngineFacts { name: Builder::Buildkit.to_string(), ..EngineFacts::default() },
            ..Environment::default()
        },
        pulls: Vec::new(),
        variants: Vec::new(),
        samples: Vec::new(),
        trials: Vec::new(),
        shards: Vec::new(),
        improved: None,
        imports,
        findings: Vec::new(),
    };
    for (step, (build, round)) in builds.into_iter().zip(rounds).enumerate() {
        let (name, place) = (build.name.clone(), (u32::try_from(step).unwrap_or(u32::MAX), round));
        let newest = variant(&build);
        match record.variants.iter_mut().find(|variant| variant.name == name) {
            Some(variant) => *variant = newest,
            None => record.variants.push(newest),
        }
        record.samples.push(sample(build, place));
    }
    if let Some(suite) = suite {
        let order: BTreeMap<&str, usize> =
            suite.variants.iter().enumerate().map(|(index, variant)| (variant.name.as_str(), index)).collect();
        record.variants.sort_by_key(|variant| {
            let own = variant.name.strip_suffix(&format!(" ({})", variant.platform)).unwrap_or(&variant.name);
            order.get(own).copied()
        });
    }
    Ok(record)
}

/// Which builds belong together: those of one file, one after the other, until a variant comes again.
fn rounds(builds: &[Named<'_>]) -> Vec<u32> {
    let mut round = 0;
    let mut begin = 0;
    let mut found = Vec::with_capacity(builds.len());
    for (index, build) in builds.iter().enumerate() {
        let together = &builds[begin..index];
        if together.iter().any(|other| other.file != build.file || other.name == build.name) {
            (round, begin) = (round + 1, index);
        }
        found.push(round);
    }
    found
}

fn named<'s>(
    file: usize,
    found: FoundBuild,
    path: &Path,
    suite: Option<&'s Suite>,
    chosen: Option<&str>,
) -> Result<Named<'s>, ImportError> {
    let FoundBuild { recorded, mut kept } = found;
    let platform = recorded.platform.clone();
    if !recorded.target.is_empty() {
        kept.target.clone_from(&recorded.target);
    }
    if kept.dockerfile.is_empty() {
        kept.dockerfile.clone_from(&recorded.dockerfile);
    }
    let variant = match suite {
        Some(suite) => {
            // The order of the stages is not needed to tell which instructions there are.
            let steps = recorded.clone().fold(&[]).steps;
            let variant = variant_of(suite, &kept, &steps, chosen).map_err(|why| ImportError::NoVariant {
                path: path.to_path_buf(),
                why,
                variants: suite.variants.iter().map(|variant| variant.name.clone()).collect(),
            })?;
            Some(variant)
        }
        None => None,
    };
    let own = |name: &str| {
        let parts = [name, &kept.target, &kept.stage];
        let said = parts.into_iter().find(|part| !part.is_empty()).map(fit_name);
        said.unwrap_or_else(|| suite::name_of_dockerfile(Path::new(&kept.dockerfile), "build"))
    };
    let name = variant.map_or_else(|| own(chosen.unwrap_or_default()), |variant| variant.name.clone());
    let name = if platform.is_empty() { name } else { format!("{name} ({platform})") };
    let stages = variant.map(|variant| {
        let names = variant.facts.stages.iter().map(|stage| stage.name.clone().unwrap_or_default());
        names.map(|name| name.to_ascii_lowercase()).collect::<Vec<_>>()
    });
    let build = without_secrets(recorded.fold(&stages.unwrap_or_default()));
    let (began, wall) = match kept.span {
        Some((begin, end)) => (begin, Nanos(u64::try_from(end.saturating_sub(begin)).unwrap_or(u64::MAX))),
        None => (build.began.unwrap_or_default(), build.wall),
    };
    let said = [&build.failure, &kept.error].into_iter().find(|text| !text.is_empty());
    let failure = said.map(|text| shorten(&for_people(&without_url_credentials(text)), 500)).unwrap_or_default();
    let state = match (failure.is_empty(), build.unfinished) {
        (false, _) => SampleState::Failed,
        (true, true) => SampleState::Unfinished,
        (true, false) => SampleState::Finished,
    };
    Ok(Named { file, name, variant, platform, kept, build, began, wall, state, failure })
}

/// The variant that a build is of: the one of its target's name, or the one whose Dockerfile has its instructions. Where
/// several have, the path of the Dockerfile decides.
fn variant_of<'s>(
    suite: &'s Suite,
    kept: &KeptBuild,
    steps: &[Step],
    chosen: Option<&str>,
) -> Result<&'s SuiteVariant, String> {
    if let Some(variant) = suite.variant(chosen.unwrap_or(&kept.target)) {
        return Ok(variant);
    }
    let dockerfile = Path::new(&kept.dockerfile);
    let steps = &steps[..steps.len().min(LOOKED_FOR)];
    let known = |variant: &SuiteVariant| {
        let in_it = |step: &&Step| {
            variant.facts.instructions.iter().any(|fact| same_instruction(&fact.text, &step.instruction))
        };
        steps.iter().filter(in_it).count()
    };
    let same_file = |variant: &&SuiteVariant| {
        dockerfile.file_name().is_none() || variant.dockerfile.file_name() == dockerfile.file_name()
    };
    let ranked: Vec<((usize, usize), &SuiteVariant)> = suite
        .variants
        .iter()
        .filter(same_file)
        .map(|variant| (known(variant), variant))
        .filter(|(known, _)| known * 2 >= steps.len())
        .map(|(known, variant)| {
            let parts = variant.dockerfile.components().count();
            ((known, if dockerfile.ends_with(&variant.dockerfile) { parts } else { 0 }), variant)
        })
        .collect();
    let best = ranked.iter().map(|(rank, _)| *rank).max();
    let mut alike = ranked.iter().filter(|(rank, _)| Some(*rank) == best).map(|(_, variant)| *variant);
    match (alike.next(), alike.next()) {
        (Some(variant), None) => Ok(variant),
        (Some(one), Some(other)) => {
            Err(format!("the Dockerfiles of `{}` and `{}` both have its instructions", one.name, other.name))
        }
        (None, _) => Err("no Dockerfile of that name has its instructions".to_owned()),
    }
}

fn without_secrets(mut build: ObservedBuild) -> ObservedBuild {
    let clean = |text: &mut String| *text = without_url_credentials(text).into_owned();
    build.steps.iter_mut().for_each(|step| clean(&mut step.instruction));
    build.causes.iter_mut().for_each(clean);
    build.elsewhere.iter_mut().for_each(clean);
    clean(&mut build.failure);
    clean(&mut build.culprit);
    build
}

/// What the newest build of a variant says of it.
fn variant(build: &Named<'_>) -> Variant {
    let instructions = build.variant.into_iter().flat_map(|variant| &variant.facts.instructions);
    Variant {
        name: build.name.clone(),
        dockerfile: build.variant.map(|variant| variant.dockerfile.to_string_lossy().into_owned()).unwrap_or_default(),
        platform: build.platform.clone(),
        image_id: build.kept.image.clone(),
        outcome: match build.state {
            SampleState::Finished => Outcome::Ok,
            SampleState::Failed => Outcome::BuildFailed,
            SampleState::Unfinished => Outcome::NotRun,
        },
        failure: (build.state == SampleState::Failed).then(|| VariantFailure {
            stage: FailureStage::Build,
            scenario: Scenario::Observed.to_string(),
            instruction: build.build.culprit.clone(),
            message: build.failure.clone(),
            log: Vec::new(),
        }),
        instructions: instructions
            .map(|fact| Instruction { line: fact.line, stage: fact.stage, text: fact.text.clone() })
            .collect(),
        ..Variant::default()
    }
}

fn sample(build: Named<'_>, (step, round): (u32, u32)) -> Sample {
    let Named { file, name, variant, kept, build, began, wall, state, failure, .. } = build;
    let expected = Expected { elsewhere: build.elsewhere, pulled: build.pulled, ..Expected::default() };
    let proof = proof::judge(Scenario::Observed, &build.steps, &expected);
    let edit = variant.and_then(|variant| edit(variant, &build.causes));
    Sample {
        step,
        variant: name,
        scenario: Scenario::Observed,
        round,
        repeat: 0,
        twin: false,
        shard: None,
        discarded: false,
        wall_ns: wall,
        state,
        side: Side::Head,
        valid: proof.valid && state == SampleState::Finished,
        reason: match state {
            SampleState::Finished => proof.reason,
            SampleState::Failed => failure,
            SampleState::Unfinished => "it did not come to its end".to_owned(),
        },
        cached: proof.cached,
        cacheable: proof.cacheable,
        first_miss: proof.first_miss,
        image_id: kept.image,
        steps: build.steps,
        parts: build.parts,
        network_bytes: None,
        network_remark: String::new(),
        started_at: utc(began),
        observed: Some(Observed {
            import: u32::try_from(file).unwrap_or(u32::MAX),
            causes: build.causes,
            edit,
            commit: kept.commit,
        }),
    }
}

/// The edit that a build amounts to: nothing but copies of the edited file, and what builds on them, ran.
fn edit(variant: &SuiteVariant, causes: &[String]) -> Option<Scenario> {
    let files = [(Scenario::Src, &variant.src), (Scenario::Deps, &variant.deps)];
    let is_only = |file: &Path| {
        let copy = variant.copies(file)?;
        (!causes.is_empty() && causes.iter().all(|cause| same_instruction(&copy.text, cause))).then_some(())
    };
    files.into_iter().find_map(|(edit, file)| is_only(file.as_deref()?).map(|()| edit))
}

/// UTC, RFC 3339, whole seconds; empty for what no clock shows.
fn utc(nanos: i128) -> String {
    jiff::Timestamp::from_nanosecond(nanos)
        .map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
        .unwrap_or_default()
}
