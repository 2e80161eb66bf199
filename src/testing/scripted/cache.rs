//! The layer cache of the scripted engine, and builds over it.

use std::collections::{BTreeMap, BTreeSet};

use super::archive::{Layer, ScriptImage};
use super::dockerfile::{self, Dockerfile, ScriptInstruction, below, digest};
use super::{Script, ScriptState, TroubleKind};
use crate::engine::{BuildEvent, BuildFailure, BuildOutput, BuildRequest, Downloads, EngineError};
use crate::random::SplitMix64;
use crate::record::{Builder, Parts, Step};
use crate::suite::dockerfile::Kind;
use crate::units::Nanos;

/// Key of an instruction → the layer it made.
#[derive(Debug, Default)]
pub(super) struct Cache(BTreeMap<String, Layer>);

impl Cache {
    pub(super) fn ids(&self) -> BTreeSet<String> {
        self.0.keys().cloned().collect()
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&String) -> bool) {
        self.0.retain(|id, _| keep(id));
    }
}

/// A stage as far as it is built.
#[derive(Debug, Clone, Default)]
struct Stage {
    layers: Vec<Layer>,
    settings: Vec<String>,
}

impl Stage {
    /// What decides the keys of what follows.
    fn state(&self) -> String {
        let parts: Vec<&[u8]> = self.layers.iter().map(|layer| layer.diff_id.as_bytes()).collect();
        let settings: Vec<&[u8]> = self.settings.iter().map(String::as_bytes).collect();
        digest(&[digest(&parts).as_bytes(), digest(&settings).as_bytes()])
    }
}

/// A time, give or take 5 %.
fn around(nanoseconds: u64, times: &mut SplitMix64) -> Nanos {
    Nanos(nanoseconds - nanoseconds / 20 + times.draw() % (nanoseconds / 10 + 1))
}

/// Builds; `Err` only where the script takes the engine away.
pub(super) fn build(
    script: &Script,
    store: &mut ScriptState,
    request: &BuildRequest,
    troubles: &[TroubleKind],
    observe: &mut dyn FnMut(BuildEvent),
) -> Result<Result<BuildOutput, BuildFailure>, EngineError> {
    let number = store.fresh();
    let mut times = SplitMix64(script.seed.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(number));
    let files = dockerfile::files(&request.context);
    let upload_ns = around(5_000_000, &mut times);
    let failed = |message: &str, instruction: &str, wall_ns: Nanos| {
        let (message, instruction) = (message.to_owned(), instruction.to_owned());
        let log = vec![format!("failed: {message}")];
        Ok(Err(BuildFailure { message, instruction, log, wall_ns, intermediate: Vec::new() }))
    };
    let text = files.get(&request.dockerfile).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let Some(text) = text else { return failed("failed to read dockerfile", "", upload_ns) };
    let parsed = match dockerfile::read(&text) {
        Ok(parsed) => parsed,
        Err(message) => return failed(&message, "", upload_ns),
    };
    let failing = troubles.iter().find_map(|trouble| match trouble {
        TroubleKind::Fails { instruction, message } => Some((instruction.as_str(), message.as_str())),
        _ => None,
    });
    if let Some((_, message)) = failing.filter(|(instruction, _)| instruction.is_empty()) {
        return failed(message, "", upload_ns);
    }
    let last = match request.target.as_deref().map(|target| stage_of(&parsed, target)) {
        None => parsed.stages.len() - 1,
        Some(Some(stage)) => stage,
        Some(None) => return failed("target stage could not be found", "", upload_ns),
    };
    let wanted = needed(&parsed, last, script.facts.builder);
    let mut stages: Vec<Stage> = Vec::new();
    let mut steps = Vec::new();
    let mut steps_ns = Nanos::ZERO;
    let total = parsed.instructions.iter().filter(|one| one.cacheable && wanted.contains(&one.stage)).count();
    for instruction in &parsed.instructions {
        if instruction.kind == Kind::From {
            let Some(stage) = base_of(store, &parsed, &stages, instruction) else {
                return failed("pull access denied, repository does not exist", &instruction.text, upload_ns);
            };
            stages.push(stage);
            continue;
        }
        if !wanted.contains(&instruction.stage) {
            continue;
        }
        if !instruction.cacheable {
            if let Some(stage) = stages.last_mut() {
                stage.settings.push(instruction.text.clone());
            }
            continue;
        }
        if troubles.iter().any(|trouble| matches!(trouble, TroubleKind::Lost(step) if *step <= steps.len())) {
            let action = "build an image".to_owned();
            return Err(EngineError::Lost { action, reason: "the connection broke".to_owned() });
        }
        let key = match key_of(instruction, &parsed, &stages, &files, request) {
            Ok(key) => key,
            Err(message) => return failed(&message, &instruction.text, upload_ns + steps_ns),
        };
        // BuildKit serves WORKDIR from cache in spite of `nocache`, on every version.
        let may_hit =
            !request.no_cache || (instruction.kind == Kind::Workdir && script.facts.builder == Builder::Buildkit);
        let hit = may_hit && !troubles.contains(&TroubleKind::ForgetsCache) && store.cache.0.contains_key(&key);
        let fails = failing.filter(|(part, _)| !hit && instruction.text.contains(part));
        observe(if hit {
            BuildEvent::Cached { instruction: instruction.text.clone() }
        } else {
            let (index, total) = (steps.len() as u32 + 1, total as u32);
            BuildEvent::Step { index, total, instruction: instruction.text.clone() }
        });
        if let Some((_, message)) = fails {
            return failed(message, &instruction.text, upload_ns + steps_ns);
        }
        let duration_ns = if hit { Nanos::ZERO } else { around(cost(instruction), &mut times) };
        if !hit {
            let layer = execute(instruction, &files, store.fresh());
            store.cache.0.insert(key.clone(), layer);
        }
        steps_ns += duration_ns;
        if let (Some(stage), Some(layer)) = (stages.last_mut(), store.cache.0.get(&key)) {
            stage.layers.push(layer.clone());
        }
        let stage = if parsed.stages.len() > 1 { parsed.stages[instruction.stage].0.clone() } else { String::new() };
        steps.push(Step { instruction: instruction.text.clone(), stage, cached: hit, duration_ns });
    }
    observe(BuildEvent::Exporting);
    let stage = stages.swap_remove(last);
    let mut labels = store.find(&base_name(&parsed, last)).map(|base| base.labels.clone()).unwrap_or_default();
    labels.extend(request.labels.clone());
    let image = ScriptImage::new(stage.layers, labels, &stage.settings);
    let image_id = image.id.clone();
    store.tags.extend(request.tags.iter().map(|tag| (super::named(tag), image_id.clone())));
    store.images.insert(image_id.clone(), image);
    let parts = Parts {
        upload_ns,
        resolve_ns: around(2_000_000, &mut times),
        steps_ns,
        export_ns: around(if steps_ns.0 == 0 { 10_000_000 } else { 100_000_000 }, &mut times),
        client_side: false,
    };
    Ok(Ok(BuildOutput {
        image_id,
        wall_ns: parts.upload_ns + parts.resolve_ns + parts.steps_ns + parts.export_ns,
        steps,
        elsewhere: Vec::new(),
        parts,
        pulled: troubles.contains(&TroubleKind::Pulls),
        log: vec![format!("built {}", request.dockerfile)],
        intermediate: Vec::new(),
        downloads: Downloads::Unknown("an engine in memory has no network".to_owned()),
    }))
}

fn stage_of(parsed: &Dockerfile, name: &str) -> Option<usize> {
    let named = parsed.stages.iter().position(|(stage, _)| stage.eq_ignore_ascii_case(name));
    named.or_else(|| name.parse().ok().filter(|&number| number < parsed.stages.len()))
}

/// The stages that a stage needs, itself too: BuildKit builds no others, the classic builder all before it.
fn needed(parsed: &Dockerfile, last: usize, builder: Builder) -> BTreeSet<usize> {
    if builder != Builder::Buildkit {
        return (0..=last).collect();
    }
    let mut found = BTreeSet::from([last]);
    for instruction in parsed.instructions.iter().rev().filter(|one| one.stage <= last) {
        if found.contains(&instruction.stage) {
            let base = &parsed.stages[instruction.stage].1;
            found.extend(
                instruction.from().into_iter().chain([base.as_str()]).filter_map(|name| stage_of(parsed, name)),
            );
        }
    }
    found
}

/// The image that a stage stands on in the end.
fn base_name(parsed: &Dockerfile, stage: usize) -> String {
    let name = &parsed.stages[stage].1;
    match stage_of(parsed, name) {
        Some(earlier) if earlier < stage => base_name(parsed, earlier),
        _ => name.to_owned(),
    }
}

fn base_of(state: &ScriptState, parsed: &Dockerfile, stages: &[Stage], from: &ScriptInstruction) -> Option<Stage> {
    let name = &parsed.stages[from.stage].1;
    if let Some(earlier) = stage_of(parsed, name).filter(|&stage| stage < from.stage) {
        return stages.get(earlier).cloned();
    }
    if name == "scratch" {
        return Some(Stage::default());
    }
    let layers = state.find(name)?.layers.clone();
    Some(Stage { layers, settings: vec![from.text.clone()] })
}

/// What an instruction hits by: what is below it, its text, what it copies, the arguments that its stage declares.
fn key_of(
    instruction: &ScriptInstruction,
    parsed: &Dockerfile,
    stages: &[Stage],
    files: &BTreeMap<String, Vec<u8>>,
    request: &BuildRequest,
) -> Result<String, String> {
    let below_it = stages.last().map(Stage::state).unwrap_or_default();
    let mut parts: Vec<Vec<u8>> = vec![below_it.into_bytes(), instruction.text.clone().into_bytes()];
    if matches!(instruction.kind, Kind::Copy | Kind::Add) {
        match instruction.from() {
            Some(name) => {
                let from = stage_of(parsed, name).and_then(|stage| stages.get(stage));
                parts.push(from.ok_or_else(|| format!("stage {name} not found"))?.state().into_bytes());
            }
            None => {
                for source in instruction.sources() {
                    let mut found = below(files, source).peekable();
                    if found.peek().is_none() {
                        return Err(format!("\"/{source}\" not found: not found"));
                    }
                    parts.extend(found.flat_map(|(path, content)| [path.clone().into_bytes(), content.clone()]));
                }
            }
        }
    }
    let declared = parsed.instructions.iter().filter(|one| one.stage == instruction.stage && one.kind == Kind::Arg);
    for argument in declared {
        let name = argument.text.trim_start_matches("ARG ").split('=').next().unwrap_or_default();
        parts.extend(request.build_args.get(name).map(|value| format!("{name}={value}").into_bytes()));
    }
    Ok(digest(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>()))
}

/// Times of a small Flask application, in nanoseconds.
fn cost(instruction: &ScriptInstruction) -> u64 {
    match instruction.kind {
        Kind::Run => 3_000_000_000,
        Kind::Workdir => 20_000_000,
        _ => 30_000_000,
    }
}

/// The layer that an instruction makes. A RUN makes another one each time it runs, as time stamps do it; a COPY of
/// the same files makes the same one.
fn execute(instruction: &ScriptInstruction, files: &BTreeMap<String, Vec<u8>>, number: u64) -> Layer {
    let copied = |source: &&str| below(files, source).map(|(path, content)| (path.clone(), content.clone())).collect();
    let made: Vec<(String, Vec<u8>)> = match instruction.kind {
        Kind::Run => vec![
            ("usr/lib/installed".to_owned(), vec![b'x'; 50_000]),
            ("var/stamp".to_owned(), number.to_string().into_bytes()),
        ],
        Kind::Workdir => Vec::new(),
        _ if instruction.from().is_some() => vec![("root/.local/lib".to_owned(), vec![b'y'; 30_000])],
        _ => instruction.sources().iter().flat_map(|source| -> Vec<_> { copied(source) }).collect(),
    };
    Layer::new(&instruction.text, &made)
}
