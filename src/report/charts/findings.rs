//! What each chart is called: the finding that its figures carry, and no more than they carry.
//!
//! Sizes are exact, so any two can be compared, if both or neither are of substitute base images. Of times only those are
//! compared whose interval leaves equality out.

use crate::analyse::{Decomposition, Estimate, VariantSummary};
use crate::record::Scenario;
use crate::report::facts::RunFacts;
use crate::report::words;
use crate::text::shorten;
use crate::units::{Bytes, Ratio};

/// Longest name or instruction in a title.
const LONGEST: usize = 60;
/// Most names in a title.
const MOST_NAMES: usize = 2;
const SUBSTITUTES: &str = " (substitute base images)";

/// `alpine is 18.4× smaller than debian`.
pub(super) fn size(summary: &[VariantSummary]) -> String {
    let best: Vec<&VariantSummary> = summary.iter().filter(|line| line.smallest).collect();
    let Some((line, size)) = best.first().and_then(|line| Some((*line, line.size?))) else {
        return "Image size".to_owned();
    };
    let mark = if line.stand_in { SUBSTITUTES } else { "" };
    let measured = summary.iter().filter(|line| line.size.is_some()).count();
    let named = names(&best);
    let (verb, each) = if best.len() == 1 { ("is", "") } else { ("are", " each") };
    let first = summary.first().filter(|first| !first.smallest && first.stand_in == line.stand_in);
    if let (Some(first), Some(ratio)) = (first, line.ratio_to_first)
        && ratio.0 < 0.995
    {
        return format!("{named} {verb} {}{mark}", words::than(ratio, &shorten(&first.name, LONGEST)));
    }
    if measured == 1 || best.len() == measured {
        return format!("{named} {verb} {size}{each}{mark}");
    }
    format!("{named} {verb} the smallest of {measured}: {size}{each}{mark}")
}

fn situation(scenario: Scenario) -> &'static str {
    match scenario {
        Scenario::Cold => "with an empty cache",
        Scenario::Warm => "if nothing changed",
        Scenario::Touch => "after a change of times only",
        Scenario::Src => "after a source edit",
        Scenario::Deps => "after a dependency edit",
        Scenario::Base => "after the base image moved",
        Scenario::Observed => "in observed builds",
    }
}

/// `slim builds 1.40× faster than debian after a source edit`.
pub(super) fn time(facts: &RunFacts<'_>, scenario: Scenario) -> String {
    let step = facts.record.environment.engine.layer_step_ns;
    let ratios = facts.ratios.iter().filter(|ratio| ratio.scenario == scenario);
    let found: Vec<_> = ratios.collect();
    let when = situation(scenario);
    let Some(first) = facts.summary.first().map(|line| shorten(&line.name, LONGEST)) else {
        return format!("Build time {when}");
    };
    let faster = found.iter().filter(|ratio| ratio.estimate.ratio < 1.0 && ratio.estimate.differs(step));
    if let Some(best) = faster.min_by(|a, b| a.estimate.ratio.total_cmp(&b.estimate.ratio)) {
        let name = shorten(&best.variant, LONGEST);
        return format!("{name} builds {} faster than {first} {when}", factor(best.estimate.ratio));
    }
    if !found.is_empty() && found.iter().all(|ratio| ratio.estimate.interval.is_some()) {
        return format!("No variant builds measurably faster than {first} {when}");
    }
    format!("Build time {when}")
}

/// `9.10×`, or `4.2 %` where it is little.
fn factor(ratio: f64) -> String {
    if ratio > 0.0 && ratio < 0.9 { Ratio(1.0 / ratio).to_string() } else { format!("{:.1} %", (1.0 - ratio) * 100.0) }
}

/// `alpine is the smallest, slim the fastest to rebuild`.
pub(super) fn size_and_time(points: &[(&str, Bytes, Estimate)]) -> String {
    let Some((smallest, ..)) = points.iter().min_by_key(|(_, size, _)| *size) else {
        return "Size against rebuild time".to_owned();
    };
    let smallest = shorten(smallest, LONGEST);
    let estimates: Vec<(&str, Estimate)> = points.iter().map(|(name, _, estimate)| (*name, *estimate)).collect();
    match fastest(&estimates) {
        Some(name) if shorten(name, LONGEST) == smallest => {
            format!("{smallest} is the smallest and the fastest to rebuild")
        }
        Some(name) => format!("{smallest} is the smallest, {} the fastest to rebuild", shorten(name, LONGEST)),
        None => format!("{smallest} is the smallest; none is clearly the fastest to rebuild"),
    }
}

/// The one whose interval is below all others; `None` where there is none.
fn fastest<'a>(estimates: &[(&'a str, Estimate)]) -> Option<&'a str> {
    let (name, best) = estimates.iter().min_by_key(|(_, estimate)| estimate.median)?;
    let high = best.high?;
    let others = estimates.iter().filter(|(other, _)| other != name);
    others.map(|(_, estimate)| estimate.low).all(|low| low.is_some_and(|low| low > high)).then_some(*name)
}

/// `slim starts fastest: 210 ms; the others take 290 ms to 410 ms`.
pub(super) fn startup(estimates: &[(&str, Estimate)]) -> String {
    let medians = || estimates.iter().map(|(_, estimate)| estimate.median);
    let (Some(low), Some(high)) = (medians().min(), medians().max()) else { return "Startup time".to_owned() };
    if let [(name, _)] = estimates {
        return format!("{} starts in {low}", shorten(name, LONGEST));
    }
    match fastest(estimates) {
        Some(name) => format!("{} starts fastest: {low}; the slowest takes {high}", shorten(name, LONGEST)),
        None => format!("Startup takes {}", words::span(low, high)),
    }
}

/// `Nodes pull 218 B of slim and 40.1 MB of naive after a source edit`: the least and the most.
pub(super) fn updates(edit: Scenario, variants: &[(&str, Bytes)]) -> String {
    let when = situation(edit);
    let least = variants.iter().min_by_key(|(_, bytes)| *bytes);
    let most = variants.iter().max_by_key(|(_, bytes)| *bytes);
    match (least, most) {
        (Some((name, least)), Some((other, most))) if least != most => {
            let (name, other) = (shorten(name, LONGEST), shorten(other, LONGEST));
            format!("Nodes pull {least} of {name} and {most} of {other} {when}")
        }
        (Some((_, bytes)), _) => format!("Nodes pull {bytes} {when}"),
        _ => "To pull after an edit".to_owned(),
    }
}

/// `Base images are 71 % to 98 % of the bytes`: of each image the bytes of its base, and all.
pub(super) fn layers(images: &[(&str, Bytes, Bytes)], stand_in: bool) -> String {
    let shares: Vec<f64> = images
        .iter()
        .filter(|(_, _, all)| *all > Bytes::ZERO)
        .map(|(_, base, all)| (100.0 * base.0 as f64 / all.0 as f64).round())
        .collect();
    let (low, high) = (shares.iter().copied().fold(f64::MAX, f64::min), shares.iter().copied().fold(0.0, f64::max));
    let mark = if stand_in { SUBSTITUTES } else { "" };
    match (shares.len(), images.first()) {
        (0, _) | (_, None) => "What the images are made of".to_owned(),
        _ if high <= 0.0 => "What the images are made of".to_owned(),
        (1, Some((name, ..))) => format!("The base image is {high} % of {}{mark}", shorten(name, LONGEST)),
        _ if (high - low).abs() < 0.5 => format!("Base images are {high} % of the bytes{mark}"),
        _ => format!("Base images are {low} % to {high} % of the bytes{mark}"),
    }
}

/// `RUN pip install … is 61 % of a cold build of debian`.
pub(super) fn cold(builds: &[&Decomposition]) -> String {
    let slowest = builds.iter().max_by_key(|build| build.wall);
    let longest = slowest.and_then(|build| Some((build, build.parts.iter().max_by_key(|part| part.median)?)));
    let Some((build, part)) = longest else { return "Where the time of a cold build goes".to_owned() };
    let share = Ratio::of(part.median.0, build.wall.0).map_or_else(String::new, Ratio::as_percent);
    let name = words::part(part);
    let mut letters = name.chars();
    let name = letters.next().map_or_else(String::new, |c| c.to_uppercase().chain(letters).collect());
    format!("{} is {share} of a cold build of {}", shorten(&name, LONGEST), shorten(&build.variant, LONGEST))
}

fn names(lines: &[&VariantSummary]) -> String {
    let names: Vec<String> = lines.iter().map(|line| shorten(&line.name, LONGEST)).collect();
    words::names(&names.iter().map(String::as_str).collect::<Vec<_>>(), MOST_NAMES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;

    #[test]
    fn sizes_are_compared_only_with_their_like() {
        let said = |record: &crate::record::Record| size(&RunFacts::of(record).summary);
        assert_eq!(said(&fixture::record()), "python3.9-alpine-multistage is 18.4× smaller than python3.9");
        assert_eq!(
            said(&fixture::stand_in()),
            "python3.9-alpine-multistage is 18.4× smaller than python3.9 (substitute base images)"
        );
        let mut mixed = fixture::stand_in();
        mixed.variants[3].bases = fixture::record().variants[3].bases.clone();
        assert_eq!(said(&mixed), "python3.9-alpine-multistage is the smallest of 4: 48.8 MB");
        let mut one = fixture::record();
        one.variants.truncate(1);
        assert_eq!(said(&one), "python3.9 is 896 MB");
        one.variants.clear();
        assert_eq!(said(&one), "Image size");
        let mut turned = fixture::record();
        turned.variants.reverse();
        assert_eq!(said(&turned), "python3.9-alpine-multistage is the smallest of 4: 48.8 MB");
        let mut equal = fixture::record();
        equal.variants[3].sizes = equal.variants[2].sizes.clone();
        let both = "python3.9-alpine and python3.9-alpine-multistage are 15.8× smaller than python3.9";
        assert_eq!(said(&equal), both);
    }

    #[test]
    fn times_are_compared_only_where_the_rounds_show_a_difference() {
        let mut record = fixture::record();
        assert!(time(&RunFacts::of(&record), Scenario::Cold).contains(" faster than python3.9 with an empty cache"));
        let few = |sample: &crate::record::Sample| sample.round <= 3;
        record.samples.retain(few);
        assert_eq!(time(&RunFacts::of(&record), Scenario::Cold), "Build time with an empty cache");
        let mut same = fixture::record();
        let first = same.variants[0].name.clone();
        same.samples.retain(|sample| sample.variant == first && !sample.twin);
        let mut copies = same.samples.clone();
        for copy in &mut copies {
            copy.variant.clone_from(&same.variants[1].name);
        }
        same.samples.extend(copies);
        let said = time(&RunFacts::of(&same), Scenario::Src);
        assert_eq!(said, "No variant builds measurably faster than python3.9 after a source edit");
    }

    #[test]
    fn the_fastest_is_named_only_where_its_interval_is_below_all_others() {
        let at = |median: u64, spread: u64| Estimate {
            median: crate::units::Nanos(median),
            low: Some(crate::units::Nanos(median - spread)),
            high: Some(crate::units::Nanos(median + spread)),
            n: 7,
            level: 0.95,
        };
        let ms = 1_000_000;
        assert_eq!(
            startup(&[("a", at(200 * ms, ms)), ("b", at(300 * ms, ms))]),
            "a starts fastest: 200 ms; the slowest takes 300 ms"
        );
        let close = [("a", at(200 * ms, 90 * ms)), ("b", at(300 * ms, 90 * ms))];
        assert_eq!(startup(&close), "Startup takes 200–300 ms");
        let points = close.map(|(name, estimate)| (name, Bytes(7), estimate));
        assert_eq!(size_and_time(&points), "a is the smallest; none is clearly the fastest to rebuild");
        assert_eq!(startup(&close[..1]), "a starts in 200 ms");
    }
}
