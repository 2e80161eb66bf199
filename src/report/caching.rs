//! Findings on caching in words: what an edit costs that it need not cost, and scenarios that were not what they say.

use crate::analyse::{Caching, caching};
use crate::record::{Finding, Record, Scenario};
use crate::text::shorten;
use crate::units::{Bytes, Nanos, Ratio};

/// Findings on caching by variant, in the order of the record, each with the build time that it costs per change.
pub(super) fn caching_findings(record: &Record) -> Vec<(String, Finding, Nanos)> {
    let time = |found: &Caching| match found {
        Caching::EditReinstalls { cost, .. } => *cost,
        _ => Nanos::ZERO,
    };
    let found = caching(record).into_iter();
    found
        .map(|(variant, found)| (variant, time(&found), found))
        .map(|(v, time, found)| (v, finding(found), time))
        .collect()
}

fn finding(found: Caching) -> Finding {
    let (code, message, instruction, remedy) = match found {
        Caching::EditReinstalls { first, installs, wall, of_cold, cost, pull } => {
            let share = of_cold.map_or_else(String::new, |share| format!(", {:.0} % of a cold build", share.0 * 100.0));
            let installs = installs.iter().map(|name| shown(name)).collect::<Vec<_>>().join(", ");
            let pull = pull.map_or_else(String::new, |bytes| format!(", and every node pulls {bytes}"));
            let message = format!("{} before {installs}: a one-line change costs {wall}{share}{pull}", shown(&first));
            let remedy = format!(
                "copy only what {installs} reads (the requirements file) before it, and the sources after it; that saves \
                 {cost} a change"
            );
            ("edit-reinstalls", message, first, remedy)
        }
        Caching::NotProven { scenario, invalid, all, reason, first_miss } => {
            let message = if invalid == all {
                format!("no build of scenario `{scenario}` was one: {reason}")
            } else {
                format!("{invalid} of {all} builds of scenario `{scenario}` do not count: {reason}")
            };
            let remedy = match scenario {
                Scenario::Cold | Scenario::Deps | Scenario::Src | Scenario::Base => {
                    "see which instruction copies what, and whether the suite names the files that are edited"
                }
                Scenario::Warm | Scenario::Touch | Scenario::Observed => {
                    "see whether something else uses or clears the build cache, or an instruction never caches"
                }
            };
            ("scenario-not-proven", message, first_miss, remedy.to_owned())
        }
        Caching::TouchMisses(reason, first_miss) => {
            let remedy = "this builder looks at modification times: pack the context with fixed ones";
            ("touch-differs", format!("`touch` differs from `warm`: {reason}"), first_miss, remedy.to_owned())
        }
        Caching::TouchTime(estimate, interval) => {
            let (ratio, low, high) = (Ratio(estimate.ratio), Ratio(interval.low), Ratio(interval.high));
            let message = format!(
                "`touch` takes {ratio} as long as `warm` (95 % interval {low} to {high}), though every instruction is \
                 cached"
            );
            let remedy = "do not trust these times: something other than the instructions depends on the build order";
            ("touch-differs", message, String::new(), remedy.to_owned())
        }
        Caching::DownloadsDiffer(scenario, network) => {
            let rounds = network.differing.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let median = network.median;
            let message =
                format!("downloads of scenario `{scenario}` differ from their median of {median} in round {rounds}");
            let remedy = "pin the versions of what is downloaded, or measure behind a caching proxy";
            ("downloads-differ", message, String::new(), remedy.to_owned())
        }
    };
    Finding { code: code.to_owned(), message, instruction, size_bytes: Bytes::ZERO, remedy }
}

fn shown(instruction: &str) -> String {
    let line = instruction.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("`{}`", shorten(&line, 60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture::{self, NAMES};

    fn codes(record: &Record) -> Vec<(String, String)> {
        caching_findings(record).into_iter().map(|(variant, finding, _)| (variant, finding.code)).collect()
    }

    #[test]
    fn a_clean_series_has_no_finding_and_one_bad_sample_is_told() {
        let found = caching_findings(&fixture::record());
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, NAMES[1]);
        assert_eq!(
            found[0].1.message,
            "1 of 21 builds of scenario `warm` do not count: `COPY src /app` was not cached, though nothing changed"
        );
    }

    #[test]
    fn copying_everything_before_installing_is_a_finding_with_its_cost() {
        let found = caching_findings(&fixture::with_early_copy());
        let (variant, finding, time) = &found[0];
        assert_eq!((variant.as_str(), finding.code.as_str()), (NAMES[0], "edit-reinstalls"));
        assert!(
            finding.message.starts_with(
                "`COPY . .` before `RUN pip install --no-cache-dir -r requirements.txt`: a one-line change costs 5."
            ),
            "{}",
            finding.message
        );
        assert!(finding.message.contains(" % of a cold build, and every node pulls "), "{}", finding.message);
        assert_eq!(finding.instruction, "COPY . .");
        assert!(finding.remedy.contains(&format!("that saves {time} a change")), "{}", finding.remedy);
        assert!(*time > Nanos::from_seconds(5.0), "{time}");
    }

    #[test]
    fn a_scenario_without_a_valid_build_is_told() {
        let mut record = fixture::record();
        for sample in record.samples.iter_mut().filter(|sample| sample.scenario == Scenario::Deps) {
            sample.valid = false;
            sample.reason = "no instruction is known to copy the requirements file".to_owned();
        }
        let found = codes(&record);
        assert_eq!(found.iter().filter(|(_, code)| code == "scenario-not-proven").count(), 5);
    }

    #[test]
    fn a_touch_that_is_not_warm_is_told_by_proof_and_by_time() {
        let mut record = fixture::record();
        for sample in &mut record.samples {
            if sample.variant == NAMES[2] && sample.scenario == Scenario::Touch {
                sample.wall_ns = Nanos(sample.wall_ns.0 * 2);
            }
            if sample.variant == NAMES[3] && sample.scenario == Scenario::Touch {
                sample.valid = false;
                sample.reason = "`COPY src /app` was not cached, though nothing changed".to_owned();
            }
        }
        let mut found = caching_findings(&record);
        found.retain(|(variant, ..)| variant == NAMES[2] || variant == NAMES[3]);
        assert_eq!(found.len(), 2, "each is told once: {found:?}");
        assert!(found.iter().all(|(_, finding, _)| finding.code == "touch-differs"));
        assert!(found[0].1.message.contains("`touch` takes"), "{}", found[0].1.message);
        assert!(found[1].1.message.contains("was not cached"), "{}", found[1].1.message);
    }

    #[test]
    fn downloads_that_differ_are_told() {
        let mut record = fixture::record();
        for sample in record.samples.iter_mut().filter(|sample| sample.variant == NAMES[0] && sample.round == 2) {
            sample.network_bytes = sample.network_bytes.map(|bytes| Bytes(bytes.0 * 3));
        }
        let found = codes(&record);
        assert_eq!(found.iter().filter(|(_, code)| code == "downloads-differ").count(), 2, "cold and deps: {found:?}");
    }
}
