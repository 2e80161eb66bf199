//! How an image is made and what it does: cached instructions, serving, its user.

use super::input::Input;
use super::rule::{RuleKind, RuleResult, Verdict, at, blank};
use crate::analyse::follows_source_edit;
use crate::gate::budget::Level;
use crate::gate::measured::MeasuredKind;
use crate::line::{Line, code, plain};
use crate::record::{Outcome, Sample, ServeState, Step, Variant, is_root};
use crate::text::for_people;
use crate::units::count;

/// The rule on starting.
const SERVE: &str = "serve";

pub(super) fn judge(rules: &mut Vec<RuleResult>, input: &Input<'_>, variant: &Variant, samples: &[&Sample]) {
    let asked = input.budgets.structure(&variant.name);
    let place = |line: usize| at(&input.budgets.path, line);
    let kind = input.measured.kind;
    let mut builds: Vec<&Sample> =
        samples.iter().copied().filter(|sample| sample.valid && follows_source_edit(sample)).collect();
    if kind == MeasuredKind::Observed {
        // The older ones may be of another Dockerfile.
        builds = builds.pop().into_iter().collect();
    }
    if let Some((most, line)) = asked.src_reruns {
        let mut rule = RuleResult {
            limit: most.to_string(),
            allowed: Some(u64::from(most)),
            place: place(line),
            ..blank(&variant.name, "src_reruns", RuleKind::Structure)
        };
        match builds.iter().max_by_key(|sample| sample.cacheable.saturating_sub(sample.cached)) {
            None => unmeasured(&mut rule, kind, "there is no valid `src` build"),
            Some(worst) => {
                let again = worst.cacheable.saturating_sub(worst.cached);
                rule.actual = Some(u64::from(again));
                let which: Vec<&Step> = worst.steps.iter().filter(|step| !step.cached).collect();
                rule.message = plain(format!("an edit of the source runs {} again", count(again, "instruction")))
                    .and(list(&which));
                if again > most {
                    rule.verdict = Verdict::Fail;
                    rule.message = rule.message.and(format!("; at most {most} allowed"));
                    rule.next = Line::quoting("copy the source after what does not need it, or raise `src_reruns` in ")
                        .and(rule.place.clone());
                }
            }
        }
        rules.push(rule);
    }
    if let Some((true, line)) = asked.pip_cached {
        let mut rule = RuleResult {
            limit: "true".to_owned(),
            place: place(line),
            ..blank(&variant.name, "pip_cached", RuleKind::Structure)
        };
        let again = builds.iter().flat_map(|sample| &sample.steps).find(|step| runs_pip(step) && !step.cached);
        if builds.is_empty() {
            unmeasured(&mut rule, kind, "there is no valid `src` build");
        } else if let Some(step) = again {
            rule.verdict = Verdict::Fail;
            rule.message = plain("an edit of the source runs pip again: ").and(code(&step.instruction));
            rule.next = "copy the requirements and install them before the source is copied".into();
        } else {
            rule.message = "pip stays cached when the source is edited".into();
        }
        rules.push(rule);
    }
    serve(rules, asked.serve.map(|(wanted, line)| (wanted, place(line))), kind, variant);
    if let Some((false, line)) = asked.root {
        let mut rule = RuleResult {
            limit: "false".to_owned(),
            place: place(line),
            ..blank(&variant.name, "root", RuleKind::Structure)
        };
        if kind == MeasuredKind::Observed {
            rule.verdict = Verdict::Inconclusive;
            rule.message = "a build record does not say which user it runs as".into();
            rule.next = Line::quoting("weigh the image: `tonnage weigh`");
        } else if is_root(&variant.user) {
            rule.verdict = Verdict::Fail;
            rule.message = "it runs as root".into();
            rule.next = Line::quoting("add a user and a `USER` instruction to the Dockerfile");
        } else {
            rule.message = plain("it runs as ").and(code(&variant.user));
        }
        rules.push(rule);
    }
}

fn serve(rules: &mut Vec<RuleResult>, asked: Option<(bool, String)>, kind: MeasuredKind, variant: &Variant) {
    let failed = variant.outcome == Outcome::ServeFailed
        || variant.serve.as_ref().is_some_and(|serve| serve.state == ServeState::Failed);
    let must = matches!(asked, Some((true, _)));
    if !must && (!failed || asked.is_some()) {
        return;
    }
    let mut rule = RuleResult {
        level: if must { Level::Fail } else { Level::Warn },
        limit: if must { "true".to_owned() } else { String::new() },
        place: asked.map(|(_, place)| place).unwrap_or_default(),
        ..blank(&variant.name, SERVE, RuleKind::Structure)
    };
    if failed {
        let detail = variant.serve.as_ref().map(|serve| serve.detail.as_str()).unwrap_or_default();
        let detail = if detail.is_empty() { String::new() } else { format!(": {}", for_people(detail)) };
        rule.verdict = if must { Verdict::Fail } else { Verdict::Warn };
        rule.message = plain("it does not start").and(Line::quoting(&detail));
        rule.next = "see the end of its log in the report".into();
    } else if let Some(serve) = variant.serve.as_ref().filter(|serve| serve.state == ServeState::NotAsked) {
        rule.verdict = Verdict::Inconclusive;
        rule.message = Line::quoting(&for_people(&serve.detail));
        rule.next = "run it where the published port is reachable".into();
    } else if variant.serve.is_some() {
        rule.message = "it starts".into();
    } else {
        unmeasured(&mut rule, kind, "startup was not checked");
    }
    rules.push(rule);
}

/// What a weighing cannot know does not concern it; what a run or a build record should know is missing.
fn unmeasured(rule: &mut RuleResult, kind: MeasuredKind, why: &str) {
    let (verdict, message, next) = match kind {
        MeasuredKind::Run => (Verdict::Inconclusive, why, "measure the scenario, and configure `[serve]`"),
        MeasuredKind::Observed if rule.metric == SERVE => {
            (Verdict::Inconclusive, "a build record starts nothing", "start it with `tonnage run`")
        }
        MeasuredKind::Observed => (
            Verdict::Inconclusive,
            "no observed build is known to follow an edit of the source alone",
            "import builds of such a change with the suite, whose `src` says which file is the source",
        ),
        MeasuredKind::Weighing | MeasuredKind::Baseline => {
            (Verdict::Skipped, "a weighing builds and starts nothing", "")
        }
    };
    rule.verdict = verdict;
    rule.message = Line::quoting(message);
    rule.next = Line::quoting(next);
}

/// Whether a RUN calls pip: as a command, by its path or as a module.
fn runs_pip(step: &Step) -> bool {
    let words =
        step.instruction.split(|c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(' | '"' | ',' | '['));
    words.filter_map(|word| word.rsplit('/').next()).any(|word| {
        word.strip_prefix("pip")
            .is_some_and(|version| version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
    })
}

/// Which instructions, in parentheses: three by name, or as many as there are.
fn list(steps: &[&Step]) -> Line {
    let mut line = Line::default();
    for (index, step) in steps.iter().take(3).enumerate() {
        line = line.and(if index == 0 { " (" } else { ", " }).and(code(&step.instruction));
    }
    match steps.len() {
        0 => line,
        more @ 4.. => line.and(format!(" and {} more)", more - 3)),
        _ => line.and(")"),
    }
}
