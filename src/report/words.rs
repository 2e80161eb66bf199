//! Words that tables, charts and the page share: where it was measured, on what, and how it ended.

use std::collections::BTreeSet;

use crate::analyse::trend::Creep;
use crate::analyse::{
    DriftCause, Estimate, NoiseVerdict, Overhead, Part, RatioEstimate, Reproduction, ScenarioTiming, StepTime,
};
use crate::record::{
    Base, BaseOrigin, Ended, FailureStage, LayerOrigin, Noise, Outcome, Record, Scenario, ServeLimits, SizeDefinition,
    Variant, WireKind,
};
use crate::units::{Bytes, Nanos, Ratio};

/// Said wherever fewer rounds were measured than an interval needs.
pub(super) const NO_INFERENCE: &str = "no inference";

/// The bases of the record that stand in for others, each once: `python:3.9-slim`.
pub(super) fn stand_ins(record: &Record) -> Vec<&Base> {
    let mut seen = BTreeSet::new();
    let bases = record.variants.iter().flat_map(|variant| &variant.bases);
    bases.filter(|base| base.origin == BaseOrigin::StandIn && seen.insert(base.reference.as_str())).collect()
}

/// The day a record was begun: `2026-11-23`.
pub(super) fn day(record: &Record) -> &str {
    record.started_at.get(..10).unwrap_or(&record.started_at)
}

/// Engine and what it builds and stores with: `docker 20.10.24, buildkit, overlay2 (graphdriver), linux/amd64`.
pub(super) fn engine(record: &Record) -> String {
    let engine = &record.environment.engine;
    format!(
        "{} {}, {}, {} ({}), {}/{}",
        engine.name, engine.version, engine.builder, engine.storage_driver, engine.image_store, engine.os, engine.arch
    )
}

/// The suite as a heading names it.
pub(super) fn title(record: &Record) -> &str {
    if record.suite.title.is_empty() { &record.suite.name } else { &record.suite.title }
}

/// The line below every chart.
pub(super) fn source_line(record: &Record) -> String {
    format!("{} {} · {} · {}", record.tool.name, record.tool.version, engine(record), day(record))
}

/// What stands behind each size that was measured on a substitute base image.
pub(super) const STAND_IN: &str = " (substitute)";

/// The sentence about substitutes, where there are any.
pub(super) fn stand_in_line(record: &Record) -> Option<String> {
    let names: Vec<String> = stand_ins(record).iter().map(|base| base.reference.clone()).collect();
    (!names.is_empty()).then(|| format!("locally built substitutes for {}", names.join(", ")))
}

/// Whose layer it is.
pub(super) fn origin(origin: LayerOrigin) -> &'static str {
    match origin {
        LayerOrigin::Base => "base",
        LayerOrigin::Site => "site",
        LayerOrigin::Own => "own",
    }
}

/// What a container was held to: `0.2 CPUs, 128 MB of memory, a read-only root`.
pub(super) fn limits(limits: &ServeLimits) -> String {
    let cpus = limits.nano_cpus as f64 / 1e9;
    let said = [
        (limits.nano_cpus > 0)
            .then(|| format!("{cpus} CPU{}", if limits.nano_cpus == 1_000_000_000 { "" } else { "s" })),
        (limits.memory_bytes > Bytes::ZERO).then(|| format!("{} of memory", limits.memory_bytes)),
        limits.read_only.then(|| "a read-only root".to_owned()),
        (!limits.user.is_empty()).then(|| format!("user {}", limits.user)),
    ];
    said.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The user that an image runs as.
pub(super) fn user(user: &str) -> &str {
    if user.is_empty() { "root" } else { user }
}

/// What the mark of [`compressed`] means.
pub(super) const ESTIMATED: &str = "≈: compressed here at a fixed gzip level; a real push is within 2–4 % of it.";

/// What a registry transfers, marked where it is estimated; `None` where it is not known.
pub(super) fn compressed(bytes: Bytes, kind: WireKind) -> Option<String> {
    match kind {
        WireKind::Exact => Some(bytes.to_string()),
        WireKind::Estimated => Some(format!("≈ {bytes}")),
        WireKind::Unknown => None,
    }
}

/// The beginning of a sentence that is too long for its line.
pub(super) fn beginning(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// Why there is no image of a variant; `None` where there is one.
pub(super) fn missing_short(variant: &Variant) -> Option<&'static str> {
    match variant.outcome {
        Outcome::Ok | Outcome::ServeFailed if variant.sizes.is_some() => None,
        Outcome::Ok | Outcome::ServeFailed => Some("not weighed"),
        Outcome::NotRun => Some("not run"),
        // What went wrong before there was a build is not a failed build.
        Outcome::BuildFailed if variant.failure.as_ref().is_some_and(|failure| failure.stage == FailureStage::Pull) => {
            Some("pull failed")
        }
        Outcome::BuildFailed => Some("build failed"),
    }
}

/// The same with the reason, where one is known.
pub(super) fn missing(variant: &Variant) -> Option<String> {
    let word = missing_short(variant)?;
    Some(match &variant.failure {
        Some(failure) if !failure.message.is_empty() => format!("{word}: {}", failure.message),
        _ => word.to_owned(),
    })
}

/// A size against the first one: `7.12× smaller (-86.0 %)`.
pub(super) fn against(size: Bytes, first: Bytes) -> String {
    Ratio::of(size.0, first.0).map_or_else(String::new, times_and_change)
}

/// A ratio of sizes: `7.12× smaller (-86.0 %)`; `-0.3 %` where the factor rounds to 1.
pub(super) fn times_and_change(ratio: Ratio) -> String {
    let change = ratio.as_change();
    times(ratio).map_or(change.clone(), |times| format!("{times} ({change})"))
}

/// A ratio of sizes in short: `7.12× smaller`; `-0.3 %` where the factor rounds to 1.
pub(super) fn times_or_change(ratio: Ratio) -> String {
    times(ratio).unwrap_or_else(|| ratio.as_change())
}

/// A ratio of sizes as a comparison: `7.12× smaller than NAME`.
pub(super) fn than(ratio: Ratio, name: &str) -> String {
    times(ratio).map_or_else(|| format!("{} against {name}", ratio.as_change()), |times| format!("{times} than {name}"))
}

/// `7.12× smaller`; `None` where the factor rounds to 1.
fn times(ratio: Ratio) -> Option<String> {
    match ratio.0 {
        near if (near - 1.0).abs() < 0.005 => None,
        small if small > 0.0 && small < 1.0 => Some(format!("{} smaller", Ratio(1.0 / small))),
        _ => Some(format!("{ratio} larger")),
    }
}

/// What ended the run, as a sentence.
pub(super) fn ended(record: &Record) -> &'static str {
    match record.ended {
        Ended::Complete => "run complete",
        Ended::Running => "the run is not finished or was killed: results are partial",
        Ended::OutOfTime => "the time limit was reached: results are partial",
        Ended::Interrupted => "the run was interrupted: results are partial",
        Ended::EngineLost => "the engine became unavailable: results are partial",
        Ended::ShardsMissing => "shards of the run are missing: results are partial",
    }
}

pub(crate) use crate::units::count;

/// Names one after the other, at most `most` of them: `a, b and 2 others`.
pub(super) fn names(all: &[&str], most: usize) -> String {
    match all {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [before @ .., last] if all.len() <= most => format!("{} and {last}", before.join(", ")),
        _ => {
            let shown = all.len().min(most);
            format!("{} and {}", all[..shown].join(", "), count(all.len() - shown, "other"))
        }
    }
}

/// Which variants a finding is about, of so many: `all 4 variants`, `a and b`, `the run`.
pub(super) fn about(variants: &[&str], of: usize) -> String {
    match variants.len() {
        0 => "the run".to_owned(),
        all if all == of && of > 1 => format!("all {}", count(of, "variant")),
        _ => names(variants, 3),
    }
}

/// Where on the page the proof of a build time stands.
pub(super) fn proof_anchor(scenario: Scenario, variant: usize) -> String {
    format!("proof-{scenario}-{variant}")
}

/// What changed before the builds of a scenario.
pub(super) fn scenario(scenario: Scenario) -> &'static str {
    match scenario {
        Scenario::Cold => "nothing may come from cache",
        Scenario::Warm => "nothing changed",
        Scenario::Touch => "only a file's mtime changed",
        Scenario::Src => "one line of application source changed",
        Scenario::Deps => "the requirements file changed",
        Scenario::Base => "the base images moved",
        Scenario::Observed => "whatever the build was for",
    }
}

/// Interval and rounds of an estimate: `37.1–39.0 s, n=7`, or `n=3, no inference`.
pub(super) fn interval(estimate: Estimate) -> String {
    match (estimate.low, estimate.high) {
        (Some(low), Some(high)) => format!("{}, n={}", span(low, high), estimate.n),
        _ => format!("n={}, {}", estimate.n, no_interval(estimate.n)),
    }
}

/// Why there is no interval: below 5 rounds nothing is inferred; 5 have one at 93.75 % only.
pub(super) fn no_interval(n: u32) -> &'static str {
    if n < crate::analyse::ENOUGH_ROUNDS { NO_INFERENCE } else { "no 95 % interval" }
}

/// The sentence for a chart or table in which estimates have no interval; `None` where all have one.
pub(super) fn too_few(estimates: impl Iterator<Item = Estimate>, word: &str) -> Option<String> {
    let least = estimates.filter(|estimate| estimate.low.is_none()).map(|estimate| estimate.n).min()?;
    let enough = crate::analyse::ENOUGH_ROUNDS;
    Some(if least < enough {
        format!("Fewer than {enough} {word}s allow {NO_INFERENCE}.")
    } else {
        format!("{least} {word}s are too few for a 95 % interval of the median.")
    })
}

/// Two times, the unit said once where it is the same: `37.1–39.0 s`.
pub(super) fn span(low: Nanos, high: Nanos) -> String {
    let (low, high) = (low.to_string(), high.to_string());
    match (low.split_once(' '), high.split_once(' ')) {
        (Some((value, unit)), Some((_, other))) if unit == other => format!("{value}–{high}"),
        _ => format!("{low} – {high}"),
    }
}

/// What came from cache of what can: `5/6 cached`.
pub(super) fn cached(timing: &ScenarioTiming) -> String {
    format!("{}/{} cached", timing.cached, timing.cacheable)
}

/// Why a scenario has no figure.
pub(super) fn no_valid_sample(timing: &ScenarioTiming) -> String {
    match timing.reasons.first() {
        Some(reason) => format!("no valid sample: {reason}"),
        None => "no valid sample".to_owned(),
    }
}

/// The verdict of the A/A check, as a sentence.
pub(super) fn noise(noise: &Noise) -> String {
    let what = format!("A/A check on {}", noise.variant);
    if noise.pairs < crate::analyse::ENOUGH_ROUNDS {
        return format!("{what}: {}, {NO_INFERENCE}.", count(noise.pairs as usize, "pair"));
    }
    format!(
        "{what}: {} (ratio {:.3}, 95 % interval {:.3} to {:.3}, {}).",
        match noise.verdict() {
            NoiseVerdict::Quiet => "not noisy",
            NoiseVerdict::Noisy => "noisy",
            NoiseVerdict::Unknown => "unknown",
        },
        noise.ratio,
        noise.low,
        noise.high,
        count(noise.pairs as usize, "pair")
    )
}

/// What was downloaded is counted how, or why it is not known; `None` where nothing was downloaded.
pub(super) fn downloads(record: &Record, timings: &[ScenarioTiming]) -> Option<String> {
    let mut reasons: Vec<&str> = record.samples.iter().map(|sample| sample.network_remark.as_str()).collect();
    reasons.retain(|reason| !reason.is_empty());
    reasons.sort_unstable();
    reasons.dedup();
    if !reasons.is_empty() {
        let all = record.samples.iter().all(|sample| sample.network_bytes.is_none());
        let which = if all { "Downloads are" } else { "Some downloads are" };
        return Some(format!("{which} not attributed: {}.", reasons.join("; ")));
    }
    let any = timings.iter().filter_map(|timing| timing.network.as_ref()).any(|network| network.median.0 >= 1_000);
    any.then(|| {
        "Downloaded: what RUN instructions received, counted by the kernel on the engine's bridge; their time is in \
         that of the instruction."
            .to_owned()
    })
}

/// What the engine was busy with for tonnage.
pub(super) fn time_of_the_run(spent: &Overhead) -> String {
    let Overhead { elapsed, builds, exports, serves, pulls, .. } = spent;
    format!("{elapsed}: builds {builds}, exports {exports}, starts {serves}, pulls {pulls}")
}

/// What a run costs besides what it measures.
pub(super) fn overhead(spent: &Overhead) -> String {
    let Overhead { own, share, preparing, cleaning, journal, rest, .. } = spent;
    format!(
        "{own} ({}): preparing {preparing}, cleanup by the engine {cleaning}, steps to disk {journal}, \
         the rest {rest}",
        share.as_percent()
    )
}

/// A ratio of times with its interval: `1.32× (1.28–1.36)`.
pub(super) fn ratio(estimate: &RatioEstimate) -> String {
    let ratio = Ratio(estimate.ratio);
    match estimate.interval {
        Some(at) => format!("{ratio} ({:.2}–{:.2})", at.low, at.high),
        None => ratio.to_string(),
    }
}

/// How small a difference between two series could be shown; `None` where that is not known.
pub(super) fn detectable(found: &[(Scenario, f64)]) -> Option<String> {
    let each: Vec<String> =
        found.iter().map(|(scenario, ratio)| format!("{scenario} {:.1} %", (ratio - 1.0) * 100.0)).collect();
    (!each.is_empty()).then(|| format!("Minimum detectable differences (80 % power, 5 % level): {}.", each.join(", ")))
}

/// At which step of its clock the engine ends layers and what that means for times; `None` where at none.
pub(super) fn layer_step(record: &Record) -> Option<String> {
    let engine = &record.environment.engine;
    let step = engine.layer_step_ns;
    (step > Nanos::ZERO).then(|| {
        format!(
            "at multiples of {step} on its clock ({}): a build that makes layers takes up to {step} longer, and two that \
             are less than {step} apart cannot be distinguished.",
            engine.storage_driver
        )
    })
}

/// The same as a sentence of its own.
pub(super) fn layer_step_line(record: &Record) -> Option<String> {
    layer_step(record).map(|step| format!("This engine ends layers {step}"))
}

/// What a part of a build is called.
pub(super) fn part(part: &StepTime) -> String {
    match part.part {
        Part::Upload => "sending the context".to_owned(),
        Part::Resolve => "resolving bases".to_owned(),
        Part::Export => "writing the image".to_owned(),
        Part::Other => "everything else".to_owned(),
        Part::Instruction if part.stage.is_empty() => part.instruction.clone(),
        Part::Instruction => format!("[{}] {}", part.stage, part.instruction),
    }
}

/// `+9.0 % over 30 runs, no step above 1 %`.
pub(super) fn creep(creep: &Creep) -> String {
    format!("{} over {}, no step above 1 %", creep.growth.as_change(), count(creep.runs, "run"))
}

/// Why a claim was not reproduced; empty where it was.
pub(crate) fn causes(claim: &Reproduction) -> String {
    let said = claim.causes.iter().map(|cause| match cause {
        DriftCause::NotBuilt => "no image was built".to_owned(),
        DriftCause::StandIn(base, how) => {
            let how = if how.is_empty() { String::new() } else { format!(" ({how})") };
            format!("measured on a substitute for `{base}`{how}")
        }
        DriftCause::Base(base, size) => {
            format!("the base image `{base}` alone is {size}, more than the published figure")
        }
        DriftCause::Platform(was, claimed) => {
            format!("other platform: measured on {was}, published for {claimed}")
        }
        DriftCause::Definition(definition, size) => {
            let what = match definition {
                SizeDefinition::Engine => "the size that this engine reports",
                SizeDefinition::Rootfs => "the merged file system",
                SizeDefinition::Compressed => "the compressed size",
                SizeDefinition::Base => "the base image alone",
            };
            format!("other definition: {what}, {size}, matches")
        }
        DriftCause::Site(size) => format!("extra CA files put into the base weigh {size}"),
        DriftCause::MovingTag(base, set) => {
            format!("other base version: `{base}` is a moving tag, and the set `{set}` takes what it names today")
        }
        DriftCause::Unknown(own) => format!("cause unknown: the variant's own layers weigh {own}"),
    });
    said.collect::<Vec<_>>().join("; ")
}
