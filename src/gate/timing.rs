//! The rule for build times: when a change may fail the gate, and when nothing can be said.
//!
//! A time fails only where base and head were measured in one job and four things agree: a one-sided signed-rank
//! test (Holm-corrected over all comparisons), a ratio above the limit, a difference above an absolute floor, and a
//! rerun that was made to confirm it. docs/how-the-numbers-are-made.md has the reasons.

use serde::Serialize;

use crate::analyse::statistics::{fewest_pairs, holm};
use crate::analyse::{ENOUGH_ROUNDS, RatioEstimate, paired_ratio};
use crate::record::{Against, Outcome, Record, Sample, Scenario};
use crate::suite::manifest::TimingMode;
use crate::units::{Nanos, Ratio, count};

/// How times are judged: `[gate.timing]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TimingRules {
    /// Whether they may fail the gate.
    pub mode: TimingMode,
    /// Ratio of head to base that is allowed.
    pub ratio: f64,
    /// Difference of medians below which nothing is judged.
    pub floor: Nanos,
    /// Which scenarios.
    pub scenarios: Vec<Scenario>,
    /// Chance of any false alarm of the first test over all comparisons.
    pub alpha: f64,
}

impl Default for TimingRules {
    fn default() -> Self {
        Self {
            mode: TimingMode::Advisory,
            ratio: 1.10,
            floor: Nanos(100_000_000),
            scenarios: vec![Scenario::Cold, Scenario::Warm, Scenario::Src, Scenario::Deps],
            alpha: 0.05,
        }
    }
}

/// The builds of one variant and scenario in both states. The rounds of base and head are paired by their numbers.
#[derive(Debug, Clone)]
pub(crate) struct TimingPair<'a> {
    /// The variant.
    pub variant: &'a str,
    /// The scenario.
    pub scenario: Scenario,
    /// Builds of the base.
    pub base: Vec<&'a Sample>,
    /// Builds of the head.
    pub head: Vec<&'a Sample>,
    /// The rerun, base and head; empty where there was none.
    pub confirmation: (Vec<&'a Sample>, Vec<&'a Sample>),
    /// The step at which the engine ends layers.
    pub layer_step: Nanos,
}

/// What can be said of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub(crate) enum TimingVerdict {
    /// No slower than allowed.
    Same,
    /// Faster beyond the same limit.
    Improved,
    /// Slower: all four conditions hold.
    Slower,
    /// It looks slower and wants a rerun to confirm it.
    #[strum(to_string = "slower, not confirmed")]
    Suspect,
    /// Neither can be said.
    Inconclusive,
}

impl TimingVerdict {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        self.into()
    }
}

/// The verdict on one variant and scenario.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TimingResult {
    /// The variant.
    pub variant: String,
    /// The scenario.
    pub scenario: Scenario,
    /// What can be said.
    pub verdict: TimingVerdict,
    /// Head ÷ base, where there is a pair.
    pub estimate: Option<RatioEstimate>,
    /// p-value of "slower" after Holm's correction; 1 where there is no pair.
    pub p_adjusted: f64,
    /// Why.
    pub why: Why,
}

/// Why a time was judged as it was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Why {
    /// No round has a valid build of base and head.
    NoPair,
    /// There are too few rounds for any inference.
    FewPairs,
    /// The figures say it.
    Figures,
    /// The difference is below the step at which the engine ends layers.
    BelowStep(Nanos),
    /// So many comparisons need so many rounds.
    FewRounds {
        /// Comparisons.
        comparisons: usize,
        /// Rounds that they need.
        needed: usize,
    },
    /// A slowdown by more than this ratio is neither shown nor excluded.
    Unclear(f64),
    /// The first measurement is slower, and there is no rerun.
    First,
    /// A rerun came out at this ratio; `None` where it has no valid pair.
    Rerun(Option<f64>),
}

impl TimingResult {
    /// Why it was judged so, in one sentence.
    pub(crate) fn reason(&self) -> String {
        let Some(estimate) = self.estimate else {
            return "no round has a valid build of base and head".to_owned();
        };
        let pairs = estimate.pairs;
        let change = format!("{} → {} ({})", estimate.first, estimate.second, Ratio(estimate.ratio).as_change());
        match self.why {
            Why::FewPairs => format!("no inference from {}", count(pairs, "round")),
            Why::NoPair | Why::Figures => change,
            Why::BelowStep(step) => format!(
                "{change}; this engine ends layers at multiples of {step} on its clock, so a difference below that is \
                 not judged"
            ),
            Why::FewRounds { comparisons, needed } => {
                format!(
                    "{change}; {} need {}, there are {pairs}",
                    count(comparisons, "comparison"),
                    count(needed, "round")
                )
            }
            Why::Unclear(ratio) => {
                let limit = Ratio(ratio).as_change();
                format!("{change}; a slowdown of more than {limit} is neither shown nor excluded")
            }
            Why::First => format!("{change}, slower in the first measurement"),
            Why::Rerun(second) => {
                let second = second.map_or_else(|| "no valid pair".to_owned(), |ratio| Ratio(ratio).as_change());
                let not = if self.verdict == TimingVerdict::Slower { "" } else { "not " };
                format!("{change}, {not}confirmed by a rerun ({second})")
            }
        }
    }
}

/// The pairs of a run and what it was measured against, in the order of the record.
pub(crate) fn pairs<'a>(record: &'a Record, against: &'a Against, rules: &TimingRules) -> Vec<TimingPair<'a>> {
    let step = |record: &Record| record.environment.engine.layer_step_ns;
    let layer_step = step(record).max(step(&against.base));
    let mut found = Vec::new();
    for variant in &record.variants {
        for scenario in Scenario::ALL.into_iter().filter(|scenario| rules.scenarios.contains(scenario)) {
            let of = |samples: &'a [Sample]| -> Vec<&'a Sample> {
                let mine =
                    |sample: &&Sample| sample.variant == variant.name && sample.scenario == scenario && !sample.twin;
                samples.iter().filter(mine).collect()
            };
            let (base, head) = (of(&against.base.samples), of(&record.samples));
            // A base that does not build is not a reason to say nothing; a scenario that only one side has is.
            let broken =
                against.base.variants.iter().any(|v| v.name == variant.name && v.outcome == Outcome::BuildFailed);
            if head.is_empty() || (base.is_empty() && !broken) {
                continue;
            }
            let again = against
                .confirmations
                .iter()
                .filter(|again| again.variant == variant.name && again.scenario == scenario);
            let confirmation = again.fold((Vec::new(), Vec::new()), |mut both, again| {
                both.0.extend(&again.base);
                both.1.extend(&again.head);
                both
            });
            found.push(TimingPair { variant: &variant.name, scenario, base, head, confirmation, layer_step });
        }
    }
    found
}

/// Rounds that so many comparisons need for the test to be able to fail at all.
pub(crate) fn rounds_needed(comparisons: usize, rules: &TimingRules) -> usize {
    fewest_pairs(rules.alpha / comparisons.max(1) as f64).max(ENOUGH_ROUNDS as usize)
}

/// Judges every pair. Those that come out as [`TimingVerdict::Suspect`] want a rerun: measure it, put it into
/// `confirmation` and judge again.
pub(crate) fn judge(pairs: &[TimingPair<'_>], rules: &TimingRules) -> Vec<TimingResult> {
    let estimates: Vec<Option<RatioEstimate>> = pairs.iter().map(|pair| ratio(&pair.base, &pair.head)).collect();
    let of = |pick: fn(&RatioEstimate) -> f64| -> Vec<f64> {
        holm(&estimates.iter().map(|estimate| estimate.as_ref().map_or(1.0, pick)).collect::<Vec<f64>>())
    };
    let (slower, faster) = (of(|estimate| estimate.p_slower), of(|estimate| estimate.p_faster));
    let mut results: Vec<TimingResult> = pairs
        .iter()
        .zip(&estimates)
        .zip(slower.iter().zip(&faster))
        .map(|((pair, estimate), (slower, faster))| {
            let (verdict, why) = first(*estimate, *slower, *faster, pairs.len(), pair.layer_step, rules);
            TimingResult {
                variant: pair.variant.to_owned(),
                scenario: pair.scenario,
                verdict,
                estimate: *estimate,
                p_adjusted: *slower,
                why,
            }
        })
        .collect();
    confirm(pairs, &mut results, rules);
    results
}

fn ratio(base: &[&Sample], head: &[&Sample]) -> Option<RatioEstimate> {
    paired_ratio(base.iter().copied(), head.iter().copied())
}

/// How much longer the head's median is than the base's.
fn longer(estimate: &RatioEstimate) -> Nanos {
    estimate.second.saturating_sub(estimate.first)
}

/// Difference of medians below which nothing is judged: the rules' own, or the step at which the engine ends layers.
fn floor(estimate: &RatioEstimate, layer_step: Nanos, rules: &TimingRules) -> Nanos {
    rules.floor.max(estimate.step(layer_step))
}

/// Whether the head takes longer than allowed, by ratio and by time.
fn is_over(estimate: &RatioEstimate, layer_step: Nanos, rules: &TimingRules) -> bool {
    estimate.ratio > rules.ratio && longer(estimate) > floor(estimate, layer_step, rules)
}

/// The verdict of the first measurement alone.
fn first(
    estimate: Option<RatioEstimate>,
    slower: f64,
    faster: f64,
    comparisons: usize,
    layer_step: Nanos,
    rules: &TimingRules,
) -> (TimingVerdict, Why) {
    let Some(estimate) = estimate else { return (TimingVerdict::Inconclusive, Why::NoPair) };
    if estimate.pairs < ENOUGH_ROUNDS {
        return (TimingVerdict::Inconclusive, Why::FewPairs);
    }
    let floor = floor(&estimate, layer_step, rules);
    if is_over(&estimate, layer_step, rules) && slower <= rules.alpha {
        return (TimingVerdict::Suspect, Why::First);
    }
    let shorter = estimate.first.saturating_sub(estimate.second);
    if faster <= rules.alpha && estimate.ratio < 1.0 / rules.ratio && shorter >= estimate.step(layer_step) {
        return (TimingVerdict::Improved, Why::Figures);
    }
    let highest = estimate.interval.map_or(f64::INFINITY, |interval| interval.high);
    // What the interval allows at most, in time: below the floor nobody would notice.
    let at_most = Nanos::from_seconds((highest - 1.0) * estimate.first.as_seconds());
    if highest <= rules.ratio {
        return (TimingVerdict::Same, Why::Figures);
    }
    if highest.is_finite() && at_most <= floor {
        return (TimingVerdict::Same, if floor > rules.floor { Why::BelowStep(floor) } else { Why::Figures });
    }
    let needed = rounds_needed(comparisons, rules);
    let why = if (estimate.pairs as usize) < needed {
        Why::FewRounds { comparisons, needed }
    } else if floor > rules.floor && longer(&estimate) <= floor && estimate.ratio > rules.ratio {
        Why::BelowStep(floor)
    } else {
        Why::Unclear(rules.ratio)
    };
    (TimingVerdict::Inconclusive, why)
}

/// Turns suspects with a rerun into a final verdict.
fn confirm(pairs: &[TimingPair<'_>], results: &mut [TimingResult], rules: &TimingRules) {
    let again: Vec<(usize, Option<RatioEstimate>)> = pairs
        .iter()
        .zip(results.iter())
        .enumerate()
        .filter(|(_, (pair, result))| result.verdict == TimingVerdict::Suspect && !pair.confirmation.0.is_empty())
        .map(|(index, (pair, _))| (index, ratio(&pair.confirmation.0, &pair.confirmation.1)))
        .collect();
    let p = holm(&again.iter().map(|(_, e)| e.as_ref().map_or(1.0, |e| e.p_slower)).collect::<Vec<f64>>());
    for ((index, estimate), p) in again.into_iter().zip(p) {
        let result = &mut results[index];
        let agrees = estimate.is_some_and(|e| is_over(&e, pairs[index].layer_step, rules) && p <= rules.alpha);
        result.why = Why::Rerun(estimate.map(|estimate| estimate.ratio));
        result.verdict = if agrees { TimingVerdict::Slower } else { TimingVerdict::Inconclusive };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;
    use crate::record::Confirmation;
    use crate::testing::fixture;

    /// Noise as it is on shared machines: most rounds within 2 %, now and then one that is much slower.
    fn factor(noise: &mut SplitMix64) -> f64 {
        let bell = noise.bell();
        let spike = if noise.uniform() < 0.05 { 1.5 } else { 1.0 };
        (bell * 0.04).exp() * spike
    }

    fn samples(noise: &mut SplitMix64, rounds: u32, seconds: f64) -> Vec<Sample> {
        let like = fixture::record().samples.swap_remove(0);
        (0..rounds)
            .map(|round| Sample {
                round,
                discarded: false,
                valid: true,
                twin: false,
                wall_ns: Nanos::from_seconds(seconds * factor(noise)),
                ..like.clone()
            })
            .collect()
    }

    /// One job of `comparisons` pairs of which the first is `slower` by that ratio, with the rerun it asks for.
    fn job(noise: &mut SplitMix64, comparisons: usize, slower: f64) -> Vec<TimingVerdict> {
        let rules = TimingRules::default();
        let rounds = u32::try_from(rounds_needed(comparisons, &rules)).unwrap() + 1;
        let measure = |noise: &mut SplitMix64| -> Vec<(Vec<Sample>, Vec<Sample>)> {
            (0..comparisons)
                .map(|index| {
                    let factor = if index == 0 { slower } else { 1.0 };
                    (samples(noise, rounds, 2.0), samples(noise, rounds, 2.0 * factor))
                })
                .collect()
        };
        let (one, two) = (measure(noise), measure(noise));
        let pair = |again: bool| -> Vec<TimingPair<'_>> {
            one.iter()
                .zip(&two)
                .map(|((base, head), (base_2, head_2))| TimingPair {
                    variant: "v",
                    scenario: Scenario::Cold,
                    base: base.iter().collect(),
                    head: head.iter().collect(),
                    confirmation: if again {
                        (base_2.iter().collect(), head_2.iter().collect())
                    } else {
                        (Vec::new(), Vec::new())
                    },
                    layer_step: Nanos::ZERO,
                })
                .collect()
        };
        let first = judge(&pair(false), &rules);
        assert!(first.iter().all(|result| result.verdict != TimingVerdict::Slower), "nothing fails without a rerun");
        judge(&pair(true), &rules).into_iter().map(|result| result.verdict).collect()
    }

    #[test]
    fn equal_builds_raise_no_alarm_and_thirty_percent_is_found() {
        let mut noise = SplitMix64(1);
        let alarms = (0..60).filter(|_| job(&mut noise, 8, 1.0).contains(&TimingVerdict::Slower)).count();
        assert_eq!(alarms, 0, "of 60 jobs of 8 comparisons");
        let found = (0..30).filter(|_| job(&mut noise, 8, 1.3)[0] == TimingVerdict::Slower).count();
        assert!(found >= 24, "{found} of 30");
    }

    #[test]
    fn a_small_difference_in_time_is_the_same_however_large_the_ratio() {
        let (mut a, mut b) = (samples(&mut SplitMix64(2), 12, 0.05), samples(&mut SplitMix64(3), 12, 0.09));
        for sample in a.iter_mut().chain(&mut b) {
            sample.scenario = Scenario::Warm;
        }
        let pair = TimingPair {
            variant: "v",
            scenario: Scenario::Warm,
            base: a.iter().collect(),
            head: b.iter().collect(),
            confirmation: (Vec::new(), Vec::new()),
            layer_step: Nanos::ZERO,
        };
        assert_eq!(judge(&[pair], &TimingRules::default())[0].verdict, TimingVerdict::Same);
    }

    #[test]
    fn less_than_the_engines_step_is_not_judged() {
        let steady = |seconds: f64| -> Vec<Sample> {
            let samples = samples(&mut SplitMix64(5), 12, 1.0).into_iter();
            samples.map(|sample| Sample { wall_ns: Nanos::from_seconds(seconds), ..sample }).collect()
        };
        let verdict = |head: f64, layer_step: Nanos| {
            let (base, head) = (steady(2.0), steady(head));
            let pair = TimingPair {
                variant: "v",
                scenario: Scenario::Cold,
                base: base.iter().collect(),
                head: head.iter().collect(),
                confirmation: (base.iter().collect(), head.iter().collect()),
                layer_step,
            };
            judge(&[pair], &TimingRules::default()).swap_remove(0)
        };
        let second = Nanos(1_000_000_000);
        assert_eq!(verdict(2.9, Nanos::ZERO).verdict, TimingVerdict::Slower);
        let result = verdict(2.9, second);
        assert_eq!(result.verdict, TimingVerdict::Same);
        assert!(result.reason().contains("ends layers at multiples of 1.00 s"), "{}", result.reason());
        assert_eq!(verdict(3.1, second).verdict, TimingVerdict::Slower);
        assert_eq!(verdict(1.2, Nanos::ZERO).verdict, TimingVerdict::Improved);
        assert_eq!(verdict(1.2, second).verdict, TimingVerdict::Same);
        assert_eq!(verdict(0.9, second).verdict, TimingVerdict::Improved);
    }

    #[test]
    fn too_few_rounds_are_inconclusive_and_say_how_many_it_takes() {
        let record = fixture::record();
        let mut base = fixture::record();
        base.samples.retain(|sample| sample.round < 4);
        let against = Against { reference: "main".into(), commit: String::new(), base, confirmations: Vec::new() };
        let rules = TimingRules::default();
        let results = judge(&pairs(&record, &against, &rules), &rules);
        assert_eq!(results.len(), 16);
        assert!(results.iter().all(|result| result.verdict == TimingVerdict::Inconclusive));
        assert!(results[0].reason().contains("no inference from 3 rounds"), "{}", results[0].reason());
        assert_eq!(rounds_needed(1, &rules), 5);
        // 0.05 / 16 is first reached by 2⁻⁹.
        assert_eq!(rounds_needed(16, &rules), 9);
    }

    #[test]
    fn a_rerun_that_does_not_agree_is_inconclusive() {
        let mut noise = SplitMix64(4);
        let (base, head) = (samples(&mut noise, 9, 2.0), samples(&mut noise, 9, 3.0));
        let record = {
            let mut record = fixture::record();
            record.samples.clone_from(&head);
            record
        };
        let mut base_record = record.clone();
        base_record.samples.clone_from(&base);
        let mut against = Against {
            reference: "main".into(),
            commit: String::new(),
            base: base_record,
            confirmations: vec![Confirmation {
                variant: base[0].variant.clone(),
                scenario: base[0].scenario,
                base: base.clone(),
                head: base.clone(),
            }],
        };
        let rules = TimingRules { scenarios: Scenario::ALL.to_vec(), ..TimingRules::default() };
        let verdict = |against: &Against| judge(&pairs(&record, against, &rules), &rules).swap_remove(0);
        let result = verdict(&against);
        assert_eq!(result.verdict, TimingVerdict::Inconclusive);
        assert!(result.reason().contains("not confirmed"), "{}", result.reason());
        against.confirmations[0].head.clone_from(&head);
        assert_eq!(verdict(&against).verdict, TimingVerdict::Slower);
        against.confirmations.clear();
        assert_eq!(verdict(&against).verdict, TimingVerdict::Suspect);
    }
}
