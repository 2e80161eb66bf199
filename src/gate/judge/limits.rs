//! Limits on sizes and counts.

use super::input::Input;
use super::judgement::State;
use super::rule::{RuleKind, RuleResult, Verdict, at, blank};
use super::unlike::of_metric;
use crate::gate::baseline::Entry;
use crate::gate::budget::{Level, Rule};
use crate::gate::limit::{LimitKind, Unit};
use crate::gate::measured::MeasuredKind;
use crate::gate::metric::{Metric, ONLY_THE_MANIFEST, Value};
use crate::line::{Line, command, plain};
use crate::record::Variant;
use crate::units::{Bytes, SignedBytes, group_digits};

pub(super) fn judge(
    rules: &mut Vec<RuleResult>,
    input: &Input<'_>,
    variant: &Variant,
    state: &State,
    entry: Option<&Entry>,
) {
    if *state == State::New {
        rules.push(RuleResult {
            verdict: Verdict::New,
            actual: variant.size().map(|size| size.0),
            message: "it is not in the baseline yet".into(),
            next: plain("accept it with ").and(command(input.accept)),
            ..blank(&variant.name, "presence", RuleKind::Baseline)
        });
    }
    for rule in input.budgets.limits(&variant.name) {
        let noise = input.budgets.noise(&variant.name, &rule);
        let mut result = RuleResult {
            kind: if rule.limit.is_relative() { RuleKind::Baseline } else { RuleKind::Budget },
            level: rule.level,
            limit: rule.limit.to_string(),
            place: at(&input.budgets.path, rule.line),
            ..blank(&variant.name, &rule.metric.to_string(), RuleKind::Budget)
        };
        let (low, high) = match rule.metric.of(variant) {
            Value::Exact(value) => (value, value),
            Value::Between(low, high) => (low, high),
            Value::Unknown(why) => {
                let observed = input.measured.kind == MeasuredKind::Observed;
                let why = if observed { "a build record has no image" } else { why };
                result.verdict = weaker(rule.level, Verdict::Inconclusive);
                result.message = format!("{} is not known: {why}", rule.metric).into();
                if observed {
                    result.next = Line::quoting(
                        "weigh the image with `tonnage weigh`, or judge builds by a suite that only limits them",
                    );
                } else if why == ONLY_THE_MANIFEST {
                    result.next = Line::quoting("read the whole image: leave out `--manifest-only`");
                } else if let Metric::Update(edit) = rule.metric {
                    result.next =
                        plain("build the edit: ").and(command(format!("tonnage run --scenarios cold,{edit}")));
                }
                rules.push(result);
                continue;
            }
        };
        result.actual = Some(low);
        match old_value(&rule.metric, input, variant, state, entry) {
            Err(NoOldValue::New) if rule.limit.is_relative() => {
                result.verdict = Verdict::New;
                result.message =
                    format!("{} is {}, with nothing to hold it against yet", rule.metric, show(&rule, low)).into();
            }
            Err(NoOldValue::Because(why)) if rule.limit.is_relative() => {
                result.verdict = Verdict::NotComparable;
                let by = match state {
                    State::NoBaseline => "make one with ",
                    _ => "measure alike, or accept this record with ",
                };
                result.next = plain(by).and(command(input.accept));
                result.message = why;
            }
            old => {
                result.baseline = old.ok();
                result.allowed = rule.limit.allowed(result.baseline, noise);
                decide(&mut result, &rule, (low, high), input);
            }
        }
        rules.push(result);
    }
}

/// Why there is no old value.
enum NoOldValue {
    /// The variant is new.
    New,
    /// Something else: a sentence.
    Because(Line),
}

fn old_value(
    metric: &Metric,
    input: &Input<'_>,
    variant: &Variant,
    state: &State,
    entry: Option<&Entry>,
) -> Result<u64, NoOldValue> {
    let because = |why: &str| Err(NoOldValue::Because(why.into()));
    let entry = match (state, entry) {
        (State::New, _) => return Err(NoOldValue::New),
        (State::Unlike(reason), _) => {
            return because(&format!("not comparable with the baseline: {reason}"));
        }
        (State::Compared, Some(entry)) => entry,
        _ => return because("there is no baseline"),
    };
    if let Some(why) = of_metric(metric, &entry.variant, variant) {
        return Err(NoOldValue::Because(why));
    }
    if let Metric::Path(pattern) = metric {
        let kept = entry.path_bytes.get(pattern.text()).copied();
        let label = input.baseline.map_or("", |(_, label)| label);
        return kept.ok_or_else(|| {
            let before = command(label).and(" was accepted before there was a budget for ");
            NoOldValue::Because(before.and(command(pattern.text())))
        });
    }
    match metric.of(&entry.variant) {
        Value::Exact(value) | Value::Between(value, _) => Ok(value),
        Value::Unknown(why) => because(why),
    }
}

/// A rule that only warns never does worse.
fn weaker(level: Level, verdict: Verdict) -> Verdict {
    if level == Level::Warn { Verdict::Warn } else { verdict }
}

fn show(rule: &Rule, value: u64) -> String {
    rule.metric.unit().show(value)
}

fn decide(result: &mut RuleResult, rule: &Rule, (low, high): (u64, u64), input: &Input<'_>) {
    let Some(allowed) = result.allowed else { return };
    let unit = rule.metric.unit();
    let metric = &rule.metric;
    if low <= allowed && high > allowed {
        result.verdict = weaker(rule.level, Verdict::Inconclusive);
        result.message = format!(
            "{metric} is between {} and {}, the record lists no more: whether it is within {} is not known",
            show(rule, low),
            show(rule, high),
            meaning(rule, &show(rule, allowed)),
        )
        .into();
        result.next = Line::quoting("limit a whole directory (`/usr/share/doc/**`), whose size is always known");
        return;
    }
    if low > allowed {
        result.verdict = weaker(rule.level, Verdict::Fail);
        result.message = exceeded(result, rule, low, allowed).into();
        result.next = next(result, rule, input);
        return;
    }
    let (value, most) = unit.show_apart(low, allowed);
    let left = show(rule, allowed - low);
    let message = match result.baseline.filter(|_| rule.limit.is_relative()) {
        Some(old) if old == low => format!("{metric} is {value} as in the baseline"),
        Some(old) => format!("{metric} is {value} ({}), within {}", grown(unit, old, low), rule.limit),
        None if low == allowed => format!("{metric} is {value}, exactly the limit"),
        None => format!("{metric} is {value} of {most}, {left} left"),
    };
    result.message = message.into();
}

/// `size 60.1 MB exceeds 57 MiB (59.8 MB) by 332 kB`, `own grew by 700 kB (11.0 MB → 11.7 MB), more than +500 kB`.
fn exceeded(result: &RuleResult, rule: &Rule, value: u64, allowed: u64) -> String {
    let unit = rule.metric.unit();
    let metric = &rule.metric;
    let Some(old) = result.baseline.filter(|_| rule.limit.is_relative()) else {
        let (is, most) = unit.show_apart(value, allowed);
        return format!("{metric} {is} exceeds {} by {}", meaning(rule, &most), unit.show(value - allowed));
    };
    let (was, is) = unit.show_apart(old, value);
    let (growth, may) = unit.show_apart(value - old, allowed - old);
    if old == 0 && matches!(rule.limit.kind, LimitKind::GrowthPercent(_)) {
        return format!("{metric} grew by {growth} from nothing, and {} of nothing is {may}", rule.limit);
    }
    format!("{metric} grew by {growth} ({was} → {is}), more than {}", meaning(rule, &may))
}

/// The limit as written, with what it means where that is not the same amount in the same words.
fn meaning(rule: &Rule, amount: &str) -> String {
    let bare = |text: &str| text.trim_start_matches(['+', '≤', '<', '=']).replace(' ', "");
    if bare(&rule.limit.text) == bare(amount) { rule.limit.to_string() } else { format!("{} ({amount})", rule.limit) }
}

fn grown(unit: Unit, old: u64, new: u64) -> String {
    match unit {
        Unit::Bytes => SignedBytes::to_string(&(Bytes(new) - Bytes(old))),
        Unit::Count if new >= old => format!("+{}", group_digits(new - old)),
        Unit::Count => format!("-{}", group_digits(old - new)),
    }
}

fn next(result: &RuleResult, rule: &Rule, input: &Input<'_>) -> Line {
    let key = match &rule.metric {
        Metric::Package(pattern) | Metric::Path(pattern) => pattern.text().to_owned(),
        metric => metric.to_string(),
    };
    let raise = if result.place.is_empty() {
        Line::quoting("set a `[budget]` in tonnage.toml")
    } else {
        plain("raise ").and(command(&key)).and(format!(" in {}", result.place))
    };
    let start = if rule.limit.is_relative() {
        plain("accept with ").and(command(input.accept))
    } else {
        "make it smaller".into()
    };
    start.and(", or ").and(raise)
}
