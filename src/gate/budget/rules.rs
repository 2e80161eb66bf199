//! The rules, as they were asked for, and which of them count for a variant.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::gate::limit::{Limit, LimitKind, Percent, Unit};
use crate::gate::metric::Metric;
use crate::gate::timing::TimingRules;
use crate::suite::manifest::Vanished;

/// All that `tonnage.toml` says to the gate.
#[derive(Debug, Clone, Default)]
pub(crate) struct Budgets {
    /// The manifest, as it is named in messages; empty where there is none.
    pub path: PathBuf,
    /// For every variant.
    pub suite: Rules,
    /// For single variants, by name.
    pub variants: BTreeMap<String, Rules>,
    /// How to judge.
    pub options: Options,
}

/// How to judge: the table `[gate]`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// The baseline's path, from the manifest's folder.
    pub baseline: Option<PathBuf>,
    /// What a variant is worth that the baseline has and the record lacks.
    pub vanished: Vanished,
    /// How timings are judged.
    pub timing: TimingRules,
}

/// The rules of the suite or of a variant.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    /// Limits, in the manifest's order.
    pub limits: Vec<Rule>,
    /// Structure rules.
    pub structure: Structure,
    /// Growth in bytes that relative limits never judge.
    pub noise: Option<u64>,
    /// Line of the table, for a rule that a variant's budget names and the record has no variant for.
    pub line: usize,
}

/// One limit on one metric.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// On what.
    pub metric: Metric,
    /// What exceeding it means.
    pub level: Level,
    /// How much.
    pub limit: Limit,
    /// Its own noise floor.
    pub noise: Option<u64>,
    /// Line in the manifest, counted from 1; 0 for a rule that stands in none.
    pub line: usize,
}

/// What exceeding a limit means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// It is said.
    Warn,
    /// The gate fails.
    Fail,
}

/// Rules about how an image is made and what it does; each with its line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Structure {
    /// Most instructions that an edit of the source may run again.
    pub src_reruns: Option<(u32, usize)>,
    /// Whether pip must come from cache after an edit of the source.
    pub pip_cached: Option<(bool, usize)>,
    /// Whether it must serve.
    pub serve: Option<(bool, usize)>,
    /// Whether it may run as root.
    pub root: Option<(bool, usize)>,
}

impl Budgets {
    /// Whether nothing is asked: then growth of `size` beyond the baseline is judged by default.
    pub(crate) fn is_empty(&self) -> bool {
        let none = |rules: &Rules| rules.limits.is_empty() && rules.structure == Structure::default();
        none(&self.suite) && self.variants.values().all(none)
    }

    /// The limits of a variant: its own, and the suite's on what it does not limit itself. Where nothing is asked at
    /// all: `size` may grow 1 % (warning) and 5 % (failure) beyond the baseline.
    pub(crate) fn limits(&self, variant: &str) -> Vec<Rule> {
        if self.is_empty() {
            return vec![default_rule(Level::Warn, 1), default_rule(Level::Fail, 5)];
        }
        let own = self.variants.get(variant).map_or(&[][..], |rules| rules.limits.as_slice());
        let is_replaced = |rule: &Rule| own.iter().any(|own| own.metric == rule.metric);
        let suite = self.suite.limits.iter().filter(|rule| !is_replaced(rule));
        own.iter().chain(suite).cloned().collect()
    }

    /// The structure rules of a variant.
    pub(crate) fn structure(&self, variant: &str) -> Structure {
        let own = self.variants.get(variant).map(|rules| rules.structure).unwrap_or_default();
        let suite = self.suite.structure;
        Structure {
            src_reruns: own.src_reruns.or(suite.src_reruns),
            pip_cached: own.pip_cached.or(suite.pip_cached),
            serve: own.serve.or(suite.serve),
            root: own.root.or(suite.root),
        }
    }

    /// The noise floor of a limit in bytes: its own, its variant's, the suite's. Counts have none.
    pub(crate) fn noise(&self, variant: &str, rule: &Rule) -> u64 {
        if rule.metric.unit() != Unit::Bytes {
            return 0;
        }
        let own = self.variants.get(variant).and_then(|rules| rules.noise);
        rule.noise.or(own).or(self.suite.noise).unwrap_or(if self.is_empty() { DEFAULT_NOISE } else { 0 })
    }

    /// Every path pattern that any rule limits, for the baseline to keep their bytes.
    pub(crate) fn path_metrics(&self) -> Vec<Metric> {
        let mut found: Vec<Metric> = Vec::new();
        for rule in self.suite.limits.iter().chain(self.variants.values().flat_map(|rules| &rules.limits)) {
            if matches!(rule.metric, Metric::Path(_)) && !found.contains(&rule.metric) {
                found.push(rule.metric.clone());
            }
        }
        found
    }
}

/// Growth that the default rules do not judge.
const DEFAULT_NOISE: u64 = 100_000;

fn default_rule(level: Level, percent: u64) -> Rule {
    let limit = Limit { text: format!("+{percent} %"), kind: LimitKind::GrowthPercent(Percent::whole(percent)) };
    Rule { metric: Metric::Size, level, limit, noise: None, line: 0 }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::suite::Document;

    #[test]
    fn a_variants_key_replaces_the_suites_and_leaves_the_others() {
        let text = "[budget]\nsize = \"60 MB\"\nwire = \"+1 %\"\nnoise = \"1 kB\"\nroot = false\n\
                    [budget.variant.a]\nsize = { warn = \"70 MB\", fail = \"80 MB\" }\nroot = true\nnoise = \"2 kB\"\n";
        let budgets = Budgets::of(&Document::parse(Path::new("tonnage.toml"), text).unwrap()).unwrap();
        let shown = |variant: &str| -> Vec<String> {
            let limits = budgets.limits(variant);
            limits.iter().map(|r| format!("{} {:?} {} {}", r.metric, r.level, r.limit, r.line)).collect()
        };
        assert_eq!(shown("b"), ["size Fail 60 MB 2", "compressed Fail +1 % 3"]);
        assert_eq!(shown("a"), ["size Warn 70 MB 7", "size Fail 80 MB 7", "compressed Fail +1 % 3"]);
        assert_eq!(budgets.structure("a").root, Some((true, 8)));
        assert_eq!(budgets.structure("b").root, Some((false, 5)));
        assert_eq!(budgets.noise("a", &budgets.limits("a")[0]), 2_000);
        assert_eq!(budgets.noise("b", &budgets.limits("b")[0]), 1_000);
    }

    #[test]
    fn without_any_budget_growth_is_judged_by_default() {
        let budgets = Budgets::default();
        let limits: Vec<String> = budgets.limits("x").iter().map(|rule| rule.limit.to_string()).collect();
        assert_eq!(limits, ["+1 %", "+5 %"]);
        assert_eq!(budgets.noise("x", &budgets.limits("x")[0]), 100_000);
    }
}
