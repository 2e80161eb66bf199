//! Reads `[budget]`, `[gate]` and `[[variant]].budget`, and points at what cannot be read. Everything else in the
//! manifest is the suite's.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::rules::{Budgets, Level, Options, Rule, Rules, Vanished};
use crate::fsx;
use crate::gate::GateError;
use crate::gate::limit::{Limit, Unit};
use crate::gate::metric::{Metric, Pattern};
use crate::gate::timing::{TimingMode, TimingRules};
use crate::record::Scenario;
use crate::units::{Bytes, Nanos};

/// A value of the manifest with its place.
type Value<'a> = Spanned<DeValue<'a>>;

/// Keys of `[budget]` beside the metrics.
const STRUCTURE: [&str; 5] = ["src_reruns", "pip_cached", "serve", "root", "noise"];
const GATE: [&str; 3] = ["baseline", "vanished", "timing"];
const TIMING: [&str; 4] = ["mode", "ratio", "floor", "scenarios"];

impl Budgets {
    /// Reads the gate's part of a manifest. `shown` is the path in messages.
    pub fn read(path: &Path, shown: &Path) -> Result<Self, GateError> {
        Self::parse(&fsx::read_text(path)?, shown)
    }

    /// As [`Budgets::read`], from text.
    pub fn parse(text: &str, shown: &Path) -> Result<Self, GateError> {
        parse(text, shown)
    }
}

fn parse(text: &str, path: &Path) -> Result<Budgets, GateError> {
    let reader = Reader { text, path };
    let document = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        reader.error(at, error.message().to_lowercase(), "this is not TOML: <https://toml.io>")
    })?;
    let mut budgets = Budgets { path: path.to_path_buf(), ..Budgets::default() };
    for (key, value) in document.get_ref() {
        match key.get_ref().as_ref() {
            "budget" => reader.suite_budget(&mut budgets, value)?,
            "gate" => budgets.options = reader.options(value)?,
            "variant" => reader.variants(&mut budgets, value)?,
            _ => {}
        }
    }
    Ok(budgets)
}

struct Reader<'a> {
    text: &'a str,
    path: &'a Path,
}

impl Reader<'_> {
    fn error(&self, at: usize, message: impl Into<String>, hint: impl Into<String>) -> GateError {
        let (line, column) = self.position(at);
        GateError::Budget { path: self.path.to_path_buf(), line, column, message: message.into(), hint: hint.into() }
    }

    /// Line and column of a byte, counted from 1.
    fn position(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
    }

    fn line(&self, value: &Value<'_>) -> usize {
        self.position(value.span().start).0
    }

    fn table<'v, 'i>(&self, value: &'v Value<'i>, what: &str) -> Result<&'v DeTable<'i>, GateError> {
        value.get_ref().as_table().ok_or_else(|| {
            let found = value.get_ref().type_str();
            self.error(value.span().start, format!("`{what}` is a table, not a {found}"), format!("write `[{what}]`"))
        })
    }

    fn string<'v>(&self, value: &'v Value<'_>, what: &str, example: &str) -> Result<&'v str, GateError> {
        value.get_ref().as_str().ok_or_else(|| {
            let found = value.get_ref().type_str();
            self.error(
                value.span().start,
                format!("`{what}` is a string, not a {found}"),
                format!("write `{what} = \"{example}\"`"),
            )
        })
    }

    fn boolean(&self, value: &Value<'_>, what: &str) -> Result<bool, GateError> {
        value.get_ref().as_bool().ok_or_else(|| {
            let found = value.get_ref().type_str();
            self.error(
                value.span().start,
                format!("`{what}` is true or false, not a {found}"),
                "write `true` or `false`",
            )
        })
    }

    fn count(&self, value: &Value<'_>, what: &str) -> Result<u32, GateError> {
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|number| number.as_str().parse::<u32>().ok().filter(|_| number.radix() == 10));
        number.ok_or_else(|| {
            self.error(value.span().start, format!("`{what}` is a whole number"), format!("write `{what} = 2`"))
        })
    }

    fn unknown(&self, at: usize, key: &str, known: &[&str]) -> GateError {
        let known: Vec<String> = known.iter().map(|key| format!("`{key}`")).collect();
        self.error(at, format!("unknown key `{key}`"), format!("the keys known here are {}", known.join(", ")))
    }

    fn suite_budget(&self, budgets: &mut Budgets, value: &Value<'_>) -> Result<(), GateError> {
        let mut suite = self.rules(value, Scope::Suite)?;
        suite.line = self.line(value);
        budgets.suite = suite;
        let table = self.table(value, "budget")?;
        if let Some(variants) = table.iter().find(|(key, _)| key.get_ref() == "variant").map(|(_, value)| value) {
            for (name, value) in self.table(variants, "budget.variant")? {
                let rules = self.rules(value, Scope::Variant)?;
                self.add(budgets, name.get_ref(), name.span().start, rules)?;
            }
        }
        Ok(())
    }

    fn variants(&self, budgets: &mut Budgets, value: &Value<'_>) -> Result<(), GateError> {
        // What else a variant says, and whether it says it well, is the suite's.
        let Some(list) = value.get_ref().as_array() else { return Ok(()) };
        for value in list {
            let Some(table) = value.get_ref().as_table() else { continue };
            let of = |wanted: &str| table.iter().find(|(key, _)| key.get_ref() == wanted);
            if let (Some((_, name)), Some((key, budget))) = (of("name"), of("budget"))
                && let Some(name) = name.get_ref().as_str()
            {
                let rules = self.rules(budget, Scope::Variant)?;
                self.add(budgets, name, key.span().start, rules)?;
            }
        }
        Ok(())
    }

    fn add(&self, budgets: &mut Budgets, name: &str, at: usize, mut rules: Rules) -> Result<(), GateError> {
        rules.line = self.position(at).0;
        if budgets.variants.insert(name.to_owned(), rules).is_some() {
            return Err(self.error(
                at,
                format!("the variant `{name}` has two budgets"),
                "keep `[budget.variant.NAME]` or the variant's own `budget`",
            ));
        }
        Ok(())
    }

    fn rules(&self, value: &Value<'_>, scope: Scope) -> Result<Rules, GateError> {
        let mut rules = Rules::default();
        for (key, value) in self.table(value, "budget")? {
            let name = key.get_ref().as_ref();
            let line = self.line(value);
            if let Some(metric) = Metric::of_key(name) {
                self.limits(&mut rules.limits, &metric, name, value)?;
                continue;
            }
            match name {
                "package" | "path" => {
                    for (pattern, value) in self.table(value, name)? {
                        let glob = pattern.get_ref().as_ref();
                        let made = Pattern::new(glob, name == "path").map_err(|reason| {
                            self.error(pattern.span().start, format!("`{glob}` is no pattern: {reason}"), GLOB)
                        })?;
                        if name == "path" && !glob.starts_with(['/', '*']) {
                            return Err(self.error(
                                pattern.span().start,
                                format!("`{glob}` can match no path: paths begin with `/`"),
                                format!("write `/{glob}` or `**/{glob}`"),
                            ));
                        }
                        let metric = if name == "path" { Metric::Path(made) } else { Metric::Package(made) };
                        self.limits(&mut rules.limits, &metric, glob, value)?;
                    }
                }
                "src_reruns" => rules.structure.src_reruns = Some((self.count(value, name)?, line)),
                "pip_cached" => rules.structure.pip_cached = Some((self.boolean(value, name)?, line)),
                "serve" => rules.structure.serve = Some((self.boolean(value, name)?, line)),
                "root" => rules.structure.root = Some((self.boolean(value, name)?, line)),
                "noise" => rules.noise = Some(self.size(value, name)?),
                "variant" if scope == Scope::Suite => {}
                "engine_size" => {
                    return Err(self.error(
                        key.span().start,
                        "`engine_size` is another number on every engine and image store, so nothing can be held to it",
                        "limit `size`, which is the same everywhere",
                    ));
                }
                _ => {
                    let mut known: Vec<&str> = Metric::KEYS.into_iter().chain(STRUCTURE).collect();
                    known.extend(["package", "path"]);
                    if scope == Scope::Suite {
                        known.push("variant");
                    }
                    return Err(self.unknown(key.span().start, name, &known));
                }
            }
        }
        Ok(rules)
    }

    /// `"60 MB"`, `["60 MB", "+2 %"]`, or `{ fail = …, warn = …, noise = "1 kB" }`.
    fn limits(&self, into: &mut Vec<Rule>, metric: &Metric, key: &str, value: &Value<'_>) -> Result<(), GateError> {
        let Some(table) = value.get_ref().as_table() else {
            return self.level(into, metric, key, value, Level::Fail, None);
        };
        let noise = match table.iter().find(|(key, _)| key.get_ref() == "noise") {
            Some((_, value)) => Some(self.size(value, "noise")?),
            None => None,
        };
        for (word, value) in table {
            match word.get_ref().as_ref() {
                "warn" => self.level(into, metric, key, value, Level::Warn, noise)?,
                "fail" => self.level(into, metric, key, value, Level::Fail, noise)?,
                "noise" => {}
                other => return Err(self.unknown(word.span().start, other, &["fail", "warn", "noise"])),
            }
        }
        Ok(())
    }

    fn level(
        &self,
        into: &mut Vec<Rule>,
        metric: &Metric,
        key: &str,
        value: &Value<'_>,
        level: Level,
        noise: Option<u64>,
    ) -> Result<(), GateError> {
        let at = value.span().start;
        let text = match value.get_ref() {
            DeValue::Array(list) => {
                for value in list {
                    self.level(into, metric, key, value, level, noise)?;
                }
                return Ok(());
            }
            DeValue::String(text) => text.to_string(),
            // A bare number goes through the same reading, which refuses it for bytes and says what to write.
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            other => {
                let example = if metric.unit() == Unit::Bytes { "\"60 MB\"" } else { "12" };
                return Err(self.error(
                    at,
                    format!("the limit on `{key}` is a {}", other.type_str()),
                    format!("write `{key} = {example}` or `{key} = \"+2 %\"`"),
                ));
            }
        };
        let limit = Limit::parse(&text, metric.unit()).map_err(|error| self.error(at, error.message, error.hint))?;
        into.push(Rule { metric: metric.clone(), level, limit, noise, line: self.position(at).0 });
        Ok(())
    }

    fn size(&self, value: &Value<'_>, key: &str) -> Result<u64, GateError> {
        let at = value.span().start;
        let text = match value.get_ref() {
            DeValue::Integer(number) => number.to_string(),
            _ => self.string(value, key, "10 kB")?.to_owned(),
        };
        text.parse::<Bytes>().map(|bytes| bytes.0).map_err(|error| self.error(at, error.to_string(), error.hint()))
    }

    fn options(&self, value: &Value<'_>) -> Result<Options, GateError> {
        let mut options = Options::default();
        for (key, value) in self.table(value, "gate")? {
            match key.get_ref().as_ref() {
                "baseline" => {
                    options.baseline = Some(PathBuf::from(self.string(value, "baseline", "tonnage-baseline.json")?));
                }
                "vanished" => {
                    options.vanished = match self.string(value, "vanished", "allow")? {
                        "allow" => Vanished::Allowed,
                        "fail" => Vanished::Fails,
                        other => {
                            let at = value.span().start;
                            return Err(self.error(at, format!("`{other}` is neither `allow` nor `fail`"), VANISHED));
                        }
                    };
                }
                "timing" => options.timing = self.timing(value)?,
                other => return Err(self.unknown(key.span().start, other, &GATE)),
            }
        }
        Ok(options)
    }

    fn timing(&self, value: &Value<'_>) -> Result<TimingRules, GateError> {
        let mut rules = TimingRules::default();
        for (key, value) in self.table(value, "gate.timing")? {
            let at = value.span().start;
            match key.get_ref().as_ref() {
                "mode" => {
                    rules.mode = match self.string(value, "mode", "advisory")? {
                        "advisory" => TimingMode::Advisory,
                        "gate" => TimingMode::Gate,
                        "off" => TimingMode::Off,
                        other => {
                            return Err(self.error(
                                at,
                                format!("`{other}` is none of `advisory`, `gate`, `off`"),
                                "`gate` judges only what `tonnage run --against` measured in the same job",
                            ));
                        }
                    };
                }
                "ratio" => {
                    let text = match value.get_ref() {
                        DeValue::Float(number) => number.to_string(),
                        DeValue::Integer(number) => number.to_string(),
                        _ => String::new(),
                    };
                    rules.ratio = text.parse().ok().filter(|ratio| (1.0..=100.0).contains(ratio)).ok_or_else(|| {
                        self.error(at, "`ratio` is a number from 1 to 100", "write `ratio = 1.10` for 10 % slower")
                    })?;
                }
                "floor" => rules.floor = self.time(value)?,
                "scenarios" => {
                    let list = value.get_ref().as_array().ok_or_else(|| {
                        self.error(at, "`scenarios` is a list", "write `scenarios = [\"warm\", \"src\"]`")
                    })?;
                    rules.scenarios = list
                        .iter()
                        .map(|item| {
                            let word = self.string(item, "scenarios", "warm")?;
                            word.parse::<Scenario>()
                                .map_err(|message| self.error(item.span().start, message, "name a scenario"))
                        })
                        .collect::<Result<_, _>>()?;
                }
                other => return Err(self.unknown(key.span().start, other, &TIMING)),
            }
        }
        Ok(rules)
    }

    /// `200 ms`, `1.5 s`, `2 min`.
    fn time(&self, value: &Value<'_>) -> Result<Nanos, GateError> {
        let text = self.string(value, "floor", "200 ms")?.trim();
        let split = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let factor = match unit.trim() {
            "ms" => Some(1e-3),
            "s" => Some(1.0),
            "min" => Some(60.0),
            _ => None,
        };
        match (number.parse::<f64>(), factor) {
            (Ok(number), Some(factor)) => Ok(Nanos::from_seconds(number * factor)),
            _ => Err(self.error(
                value.span().start,
                format!("`{text}` is no time"),
                "write `200 ms`, `1.5 s` or `2 min`",
            )),
        }
    }
}

/// Where a table of rules stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// `[budget]`.
    Suite,
    /// A variant's.
    Variant,
}

const GLOB: &str = "write a glob: `/usr/share/doc/**`, `gcc*`";
const VANISHED: &str = "`fail` is the default: a variant that nobody measures any more is no improvement";

#[cfg(test)]
mod tests {
    use super::super::Structure;
    use super::*;
    use crate::error::Diagnose;

    fn failure(text: &str) -> (usize, usize, String, String) {
        let error = parse(text, Path::new("tonnage.toml")).unwrap_err();
        let hint = error.hint().unwrap();
        match error {
            GateError::Budget { line, column, message, .. } => (line, column, message, hint),
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
        let budgets = parse(text, Path::new("tonnage.toml")).unwrap();
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
        assert_eq!(budgets.variants["b"].limits[0].metric.to_string(), "wire");
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
            ("[budget]\nsize = { fial = \"1 MB\" }\n", 2, 10, "unknown key `fial`", "`fail`, `warn`, `noise`"),
            ("[budget]\nsize = true\n", 2, 8, "is a boolean", "60 MB"),
            ("[budget]\nsise = \"1 MB\"\n", 2, 1, "unknown key `sise`", "`size`"),
            ("[budget]\nengine_size = \"1 MB\"\n", 2, 1, "every engine", "`size`"),
            ("[budget]\nlayers = \"5 MB\"\n", 2, 10, "no count", "12"),
            ("[budget]\nnoise = 5\n", 2, 9, "no unit", "5MB"),
            ("[budget]\nroot = \"no\"\n", 2, 8, "true or false", "true"),
            ("[budget]\nsrc_reruns = -1\n", 2, 14, "whole number", "2"),
            ("[budget.path]\n\"usr/x\" = \"1 MB\"\n", 2, 1, "begin with `/`", "`/usr/x`"),
            ("[budget.path]\n\"/usr/[\" = \"1 MB\"\n", 2, 1, "no pattern", "glob"),
            ("[gate]\nvanished = \"maybe\"\n", 2, 12, "neither", "default"),
            ("[gate.timing]\nmode = \"on\"\n", 2, 8, "none of", "same job"),
            ("[gate.timing]\nfloor = \"2\"\n", 2, 9, "no time", "200 ms"),
            ("[gate.timing]\nratio = 0.5\n", 2, 9, "from 1", "1.10"),
            ("[gate]\nx = 1\n", 2, 1, "unknown key", "`baseline`"),
            ("budget = 5\n", 1, 10, "is a table", "[budget]"),
            ("[budget\n", 1, 8, "", "TOML"),
            (
                "[budget.variant.a]\nsize = \"1 MB\"\n[[variant]]\nname = \"a\"\nbudget = {}\n",
                5,
                1,
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

    #[test]
    fn what_is_the_suites_is_left_alone() {
        let text = "variant = 7\n[suite]\nbudget = 1\n[serve]\nport = 5000\n";
        assert!(parse(text, Path::new("x")).unwrap().is_empty());
    }
}
