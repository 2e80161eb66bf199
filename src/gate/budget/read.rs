//! From the tables of a manifest to rules; what cannot be read is pointed at.

use std::time::Duration;

use toml::Spanned;

use super::rules::{Budgets, Level, Options, Rule, Rules, Structure};
use crate::gate::limit::Limit;
use crate::gate::metric::{Metric, Pattern};
use crate::gate::timing::TimingRules;
use crate::record::Scenario;
use crate::suite::SuiteError;
use crate::suite::manifest::{BudgetTable, Document, LimitValue};
use crate::units::{Bytes, Nanos};

const GLOB: &str = "write a glob: `/usr/share/doc/**`, `gcc*`";
impl Budgets {
    /// What a manifest says to the gate.
    pub(crate) fn of(manifest: &Document) -> Result<Self, SuiteError> {
        let reader = RuleReader { manifest };
        let tables = &manifest.tables;
        let mut budgets = Self {
            path: manifest.path.clone(),
            suite: reader.rules(&tables.budget)?,
            options: reader.options()?,
            ..Self::default()
        };
        for (name, table) in &tables.budget.variant {
            if let Some(inner) = table.variant.keys().next() {
                return Err(reader.error(
                    inner,
                    "a variant's budget holds no other's",
                    "write `[budget.variant.NAME]`",
                ));
            }
            reader.add(&mut budgets, name.get_ref(), name.span().start, table)?;
        }
        for variant in tables.variants.iter().map(Spanned::get_ref) {
            if let Some(table) = &variant.budget {
                reader.add(&mut budgets, variant.name.get_ref(), table.span().start, table.get_ref())?;
            }
        }
        Ok(budgets)
    }
}

#[derive(Clone, Copy)]
struct RuleReader<'a> {
    manifest: &'a Document,
}

impl RuleReader<'_> {
    fn error<T>(self, at: &Spanned<T>, message: impl Into<String>, hint: impl Into<String>) -> SuiteError {
        self.manifest.source().error(at.span().start, message, hint)
    }

    fn line<T>(self, at: &Spanned<T>) -> usize {
        self.manifest.source().line(at.span().start)
    }

    fn add(self, budgets: &mut Budgets, name: &str, at: usize, table: &BudgetTable) -> Result<(), SuiteError> {
        let source = self.manifest.source();
        let rules = Rules { line: source.line(at), ..self.rules(table)? };
        if budgets.variants.insert(name.to_owned(), rules).is_some() {
            let message = format!("the variant `{name}` has two budgets");
            return Err(source.error(at, message, "keep `[budget.variant.NAME]` or the variant's own `budget`"));
        }
        Ok(())
    }

    fn rules(self, table: &BudgetTable) -> Result<Rules, SuiteError> {
        let mut limits = Vec::new();
        let values = [
            (Metric::Size, &table.size),
            (Metric::Own, &table.own),
            (Metric::Base, &table.base),
            (Metric::Compressed, &table.compressed),
            (Metric::Rootfs, &table.rootfs),
            (Metric::Reclaimable, &table.reclaimable),
            (Metric::Duplicates, &table.duplicates),
            (Metric::Layers, &table.layers),
            (Metric::LayerCompressed, &table.layer_compressed),
            (Metric::Packages, &table.packages),
            (Metric::PackageBytes, &table.package_bytes),
            (Metric::Update(Scenario::Src), &table.update.src),
            (Metric::Update(Scenario::Deps), &table.update.deps),
            (Metric::Update(Scenario::Base), &table.update.base),
        ];
        for (metric, value) in &values {
            if let Some(value) = value {
                self.limits(&mut limits, metric, value)?;
            }
        }
        for (glob, value) in &table.package {
            self.limits(&mut limits, &Metric::Package(self.pattern(glob, false)?), value)?;
        }
        for (glob, value) in &table.path {
            let text = glob.get_ref();
            if !text.starts_with(['/', '*']) {
                let message = format!("`{text}` can match no path: paths begin with `/`");
                return Err(self.error(glob, message, format!("write `/{text}` or `**/{text}`")));
            }
            self.limits(&mut limits, &Metric::Path(self.pattern(glob, true)?), value)?;
        }
        // In the manifest's order.
        limits.sort_by_key(|(at, _)| *at);
        let flag = |value: &Option<Spanned<bool>>| value.as_ref().map(|value| (*value.get_ref(), self.line(value)));
        Ok(Rules {
            limits: limits.into_iter().map(|(_, rule)| rule).collect(),
            structure: Structure {
                src_reruns: table.src_reruns.as_ref().map(|value| (*value.get_ref(), self.line(value))),
                pip_cached: flag(&table.pip_cached),
                serve: flag(&table.serve),
                root: flag(&table.root),
            },
            noise: table.noise.as_ref().map(|value| self.size(value)).transpose()?,
            line: 0,
        })
    }

    fn pattern(self, glob: &Spanned<String>, separated: bool) -> Result<Pattern, SuiteError> {
        let text = glob.get_ref();
        Pattern::new(text, separated)
            .map_err(|reason| self.error(glob, format!("`{text}` is not a valid pattern: {reason}"), GLOB))
    }

    /// Adds the limits on a metric, each with its place.
    fn limits(
        self,
        into: &mut Vec<(usize, Rule)>,
        metric: &Metric,
        value: &Spanned<LimitValue>,
    ) -> Result<(), SuiteError> {
        let LimitValue::Levels(levels) = value.get_ref() else {
            return self.level(into, metric, value, Level::Fail, None);
        };
        let noise = levels.noise.as_ref().map(|value| self.size(value)).transpose()?;
        for (level, value) in [(Level::Fail, &levels.fail), (Level::Warn, &levels.warn)] {
            if let Some(value) = value {
                self.level(into, metric, value, level, noise)?;
            }
        }
        Ok(())
    }

    fn level(
        self,
        into: &mut Vec<(usize, Rule)>,
        metric: &Metric,
        value: &Spanned<LimitValue>,
        level: Level,
        noise: Option<u64>,
    ) -> Result<(), SuiteError> {
        match value.get_ref() {
            LimitValue::One(text) => {
                let limit =
                    Limit::parse(text, metric.unit()).map_err(|error| self.error(value, error.message, error.hint))?;
                let rule = Rule { metric: metric.clone(), level, limit, noise, line: self.line(value) };
                into.push((value.span().start, rule));
                Ok(())
            }
            LimitValue::Several(list) => list.iter().try_for_each(|one| self.level(into, metric, one, level, noise)),
            LimitValue::Levels(_) => Err(self.error(value, "a limit cannot be a table here", LIMIT)),
        }
    }

    fn size(self, value: &Spanned<LimitValue>) -> Result<u64, SuiteError> {
        let LimitValue::One(text) = value.get_ref() else {
            return Err(self.error(value, "it is one size", "write `noise = \"10 kB\"`"));
        };
        text.parse::<Bytes>().map(|bytes| bytes.0).map_err(|error| self.error(value, error.to_string(), error.hint()))
    }

    fn options(self) -> Result<Options, SuiteError> {
        let gate = &self.manifest.tables.gate;
        let timing = &gate.timing;
        let mut rules = TimingRules { mode: timing.mode, ..TimingRules::default() };
        if let Some(ratio) = &timing.ratio {
            rules.ratio = *ratio.get_ref();
            if !(1.0..=100.0).contains(&rules.ratio) {
                let hint = "write `ratio = 1.10` for 10 % slower";
                return Err(self.error(ratio, "`ratio` is a number from 1 to 100", hint));
            }
        }
        if let Some(floor) = &timing.floor {
            rules.floor = Nanos::from(self.manifest.source().time(floor, Duration::ZERO)?);
        }
        if let Some(scenarios) = &timing.scenarios {
            if scenarios.get_ref().contains(&Scenario::Observed) {
                let hint = "leave out `observed`: the times of builds elsewhere are compared with nothing";
                return Err(self.error(scenarios, "`observed` builds are not timed here", hint));
            }
            rules.scenarios.clone_from(scenarios.get_ref());
        }
        Ok(Options { baseline: gate.baseline.clone(), vanished: gate.vanished, timing: rules })
    }
}

const LIMIT: &str = "write `\"60 MB\"`, `12`, or `\"+2 %\"`";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::suite::manifest::Vanished;

    fn parse(text: &str) -> Result<Budgets, SuiteError> {
        Budgets::of(&Document::parse(Path::new("tonnage.toml"), text)?)
    }

    fn failure(text: &str) -> (usize, usize, String, String) {
        match parse(text).unwrap_err() {
            SuiteError::Manifest { line, column, message, hint, .. } => (line, column, message, hint),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn everything_that_can_be_asked_is_read_with_its_line() {
        let text = r#"
[suite]
name = "x"

[budget]
size = ["60 MB", "+2 %"]
own = { warn = "+100 kB", fail = "+1 MB", noise = "4 kB" }
layers = 12
packages = "+3"
reclaimable = "0 B"
src_reruns = 1
pip_cached = true
serve = true
root = false

[budget.package]
"gcc*" = "0 B"

[budget.path]
"/usr/share/doc/**" = { fail = "1 MiB" }

[gate]
baseline = "ci/base.json"
vanished = "allow"
timing = { mode = "gate", ratio = 1.25, floor = "0.5 s", scenarios = ["warm", "src"] }

[[variant]]
name = "a"
dockerfile = "a/Dockerfile"
budget = { size = "70 MB" }

[[variant]]
name = "b"
[variant.budget]
wire = "20 MB"
"#;
        let budgets = parse(text).unwrap();
        let lines: Vec<String> = budgets
            .suite
            .limits
            .iter()
            .map(|rule| format!("{} {:?} {} {}", rule.metric, rule.level, rule.limit, rule.line))
            .collect();
        assert_eq!(
            lines,
            [
                "size Fail 60 MB 6",
                "size Fail +2 % 6",
                "own Warn +100 kB 7",
                "own Fail +1 MB 7",
                "layers Fail 12 8",
                "packages Fail +3 9",
                "reclaimable Fail 0 B 10",
                "package gcc* Fail 0 B 17",
                "path /usr/share/doc/** Fail 1 MiB 20",
            ]
        );
        assert_eq!(budgets.suite.limits[3].noise, Some(4_000));
        assert_eq!(
            budgets.suite.structure,
            Structure {
                src_reruns: Some((1, 11)),
                pip_cached: Some((true, 12)),
                serve: Some((true, 13)),
                root: Some((false, 14))
            }
        );
        assert_eq!(budgets.variants["a"].limits[0].line, 30);
        assert_eq!(budgets.variants["b"].limits[0].metric.to_string(), "compressed");
        assert_eq!(budgets.options.vanished, Vanished::Allowed);
        assert_eq!(budgets.options.timing.floor, Nanos(500_000_000));
        assert_eq!(budgets.options.timing.scenarios, [Scenario::Warm, Scenario::Src]);
        assert_eq!(budgets.path_metrics().len(), 1);
    }

    #[test]
    fn what_cannot_be_read_is_pointed_at_with_what_to_write() {
        for (text, line, column, message, hint) in [
            ("[budget]\nsize = 60\n", 2, 8, "`60` has no unit", "`60MiB`"),
            ("[budget]\nsize = 60.5\n", 2, 8, "`60.5` has no unit", "60.5MB"),
            ("[budget]\n\nsize = [\"1 MB\", 7]\n", 3, 17, "`7` has no unit", "7MB"),
            ("[budget]\nsize = { fail = \"x\" }\n", 2, 17, "no number", "unit"),
            ("[budget]\nsize = { fial = \"1 MB\" }\n", 2, 10, "unknown key `fial`", "`fail`"),
            ("[budget]\nsize = true\n", 2, 8, "boolean `true`, expected a limit", "60 MB"),
            ("[budget]\nsise = \"1 MB\"\n", 2, 1, "unknown key `sise`", "`size`"),
            ("[budget]\nengine_size = \"1 MB\"\n", 2, 1, "every engine", "`size`"),
            ("[budget]\nlayers = \"5 MB\"\n", 2, 10, "not a count", "12"),
            ("[budget]\nnoise = 5\n", 2, 9, "no unit", "5MB"),
            ("[budget]\nroot = \"no\"\n", 2, 8, "expected a boolean", "`true` or `false`"),
            ("[budget]\nsrc_reruns = -1\n", 2, 14, "expected u32", "a whole number"),
            ("[budget.path]\n\"usr/x\" = \"1 MB\"\n", 2, 1, "begin with `/`", "`/usr/x`"),
            ("[budget.path]\n\"/usr/[\" = \"1 MB\"\n", 2, 1, "not a valid pattern", "glob"),
            ("[gate]\nvanished = \"maybe\"\n", 2, 12, "unknown value `maybe`", "`fail`"),
            ("[gate.timing]\nmode = \"always\"\n", 2, 8, "unknown value `always`", "`gate`"),
            ("[gate.timing]\nfloor = \"2\"\n", 2, 9, "not a duration", "30 s"),
            ("[gate.timing]\nratio = 0.5\n", 2, 9, "from 1", "1.10"),
            ("[gate.timing]\nscenarios = [\"observed\"]\n", 2, 13, "not timed here", "leave out"),
            ("[gate]\nx = 1\n", 2, 1, "unknown key `x`", "`baseline`"),
            ("budget = 5\n", 1, 10, "integer `5`, expected a table", "[budget]"),
            ("[budget\n", 1, 8, "unclosed table", "write `]`"),
            (
                "[budget.variant.a]\nsize = \"1 MB\"\n[[variant]]\nname = \"a\"\nbudget = {}\n",
                5,
                10,
                "two budgets",
                "keep",
            ),
        ] {
            let found = failure(text);
            assert_eq!((found.0, found.1), (line, column), "{text}: {found:?}");
            assert!(found.2.contains(message), "{text}: {}", found.2);
            assert!(found.3.contains(hint), "{text}: {}", found.3);
        }
    }
}
