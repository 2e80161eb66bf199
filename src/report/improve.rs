//! What `tonnage improve` found: the answer in one line, the steps with what was measured before and after each, what was
//! rejected and why, and the changes as a unified diff.

use std::path::Path;

use serde_json::json;
use similar::TextDiff;

use super::doc::{Block, Doc};
use super::markdown::{self, Form};
use super::terminal::{self, Style};
use super::{tables, words};
use crate::exit::Exit;
use crate::improve::{ImproveEvent, Improvement, Recipe, improved_name};
use crate::line::{Line, Tone, code, image, plain, strong};
use crate::record::{Outcome, TrialVerdict, Variant};
use crate::text::{for_people, shorten};
use crate::units::{Bytes, Ratio, count};

/// Longest message of an application or a build in a cell.
const LONGEST: usize = 240;
/// Lines of context around a change.
const CONTEXT: usize = 3;

/// What is to come, for people who wait.
pub(crate) fn improve_progress(event: &ImproveEvent) -> String {
    match event {
        ImproveEvent::Planned { remedies, builds, time } => {
            let remedies = count(*remedies, "remedy").replace("remedys", "remedies");
            format!("{remedies} to try: at most {}, about {}", count(*builds, "build"), time.whole_seconds())
        }
        ImproveEvent::Combining(remedies) => format!("combining the {remedies} remedies that help"),
    }
}

/// For a terminal.
pub(crate) fn improve_terminal(found: &Improvement, style: Style) -> String {
    let diff: String = shown_diff(found);
    let mut text = terminal::write(&document(found), style);
    if !diff.is_empty() {
        text.push('\n');
        text.push_str(&diff);
    }
    text
}

/// For a comment.
pub(crate) fn improve_markdown(found: &Improvement) -> String {
    let mut doc = document(found);
    let diff = shown_diff(found);
    if !diff.is_empty() {
        doc.push(Block::Program("diff", diff));
    }
    markdown::write(&doc, Form::File)
}

/// For programs.
pub(crate) fn improve_json(found: &Improvement) -> String {
    let (before, after) = tables::trial_ends(&found.record);
    let texts = |recipe: &Recipe| json!({ "dockerfile": recipe.dockerfile, "dockerignore": recipe.ignore });
    let value = json!({
        "format_version": "1.0",
        "variant": found.variant,
        "checked": found.checked,
        "complete": found.complete,
        "before": before,
        "after": after.filter(|_| found.after.is_some()),
        "trials": found.record.trials,
        "improved": found.after.as_ref().map(texts),
        "patch": patch(found),
    });
    crate::json::pretty(&value)
}

/// The changes for `patch -p0`; empty where there are none.
pub(crate) fn patch(found: &Improvement) -> String {
    let Some(after) = &found.after else { return String::new() };
    let (before, places) = (&found.before, &found.places);
    let dockerfile = unified(Some(&before.dockerfile), &after.dockerfile, &places.dockerfile);
    let ignore = after.ignore.as_deref().map(|text| unified(before.ignore.as_deref(), text, &places.ignore));
    dockerfile + &ignore.unwrap_or_default()
}

fn unified(before: Option<&str>, after: &str, path: &Path) -> String {
    let path = path.strip_prefix(".").unwrap_or(path).display().to_string();
    let diff = TextDiff::from_lines(before.unwrap_or_default(), after);
    let old = if before.is_some() { path.as_str() } else { "/dev/null" };
    diff.unified_diff().context_radius(CONTEXT).header(old, &path).to_string()
}

/// The changes for people: nothing in them that a terminal obeys.
fn shown_diff(found: &Improvement) -> String {
    let patch = patch(found);
    let lines = patch.split('\n').map(|line| for_people(line.trim_end_matches('\r')));
    lines.collect::<Vec<_>>().join("\n")
}

/// The exit code that the result stands for.
pub(crate) fn improve_exit(found: &Improvement) -> Exit {
    let unverified = found.record.trials.iter().any(|trial| trial.verdict == TrialVerdict::Unverified);
    match found.exit {
        Exit::NoEngine | Exit::Interrupted | Exit::NotCleaned => found.exit,
        _ if works(found).is_some_and(|works| !works) => Exit::VariantFailed,
        _ if unverified => Exit::Inconclusive,
        _ => Exit::Done,
    }
}

/// The variant as it is.
fn as_it_is(found: &Improvement) -> Option<&Variant> {
    found.record.variants.iter().find(|variant| variant.name == found.variant)
}

/// Whether what the result is measured by works; `None` where that was not measured.
fn works(found: &Improvement) -> Option<bool> {
    let measured = found.record.variants.iter().filter(|variant| variant.outcome != Outcome::NotRun);
    let mut outcomes = measured.map(|variant| variant.outcome == Outcome::Ok);
    outcomes.clone().next().map(|_| outcomes.all(|works| works))
}

fn document(found: &Improvement) -> Doc {
    let mut doc = Doc::default();
    doc.push(Block::Strong(headline(found)));
    if !found.complete && as_it_is(found).is_some_and(|variant| variant.outcome == Outcome::Ok) {
        doc.push(Block::Warning(plain("Not complete: the search was stopped before it had tried everything.")));
    }
    if let Some(line) = words::stand_in_line(&found.record) {
        doc.sentence(format!("Measured on {line}."));
    }
    doc.gap();
    doc.section(tables::kept_trials(&found.record));
    doc.section(tables::unverified_trials(&found.record));
    doc.section(tables::rejected_trials(&found.record));
    doc
}

/// The answer in one sentence.
fn headline(found: &Improvement) -> Line {
    let name = image(&found.variant);
    let trials = &found.record.trials;
    let alone = trials.iter().filter(|trial| trial.step.is_none());
    let tried = count(alone.clone().count(), "remedy").replace("remedys", "remedies");
    if let Some(failed) = as_it_is(found).filter(|variant| !matches!(variant.outcome, Outcome::Ok | Outcome::NotRun)) {
        let reason = failed.failure.as_ref().map(|failure| shorten(&for_people(&failure.message), LONGEST));
        let reason = reason.unwrap_or_default();
        let log = failed.failure.iter().flat_map(|failure| &failure.log).rfind(|line| !line.trim().is_empty());
        let reason = log
            .map_or_else(|| reason.clone(), |log| format!("{reason}: {}", shorten(&for_people(log.trim()), LONGEST)));
        return strong(Tone::Bad, "nothing was tried: ").and(name).and(format!(" does not work as it is: {reason}"));
    }
    if let (Some(before), Some(after), Some(_)) =
        (tables::trial_ends(&found.record).0, tables::trial_ends(&found.record).1, &found.after)
    {
        let kept = trials.iter().filter(|trial| trial.is_kept_step()).count();
        let size = change(before.size_bytes, after.size_bytes);
        return strong(Tone::Best, size).and(format!(", {kept} of {tried} kept, {}", check(found)));
    }
    let saves = alone.filter(|trial| trial.verdict == TrialVerdict::Unverified).count();
    if saves > 0 {
        let help = if saves == 1 { "1 remedy saves".to_owned() } else { format!("{saves} remedies save") };
        return name
            .and(format!(": {help} bytes, not verified to work: the suite has neither `[serve]` nor `[verify]`"));
    }
    match trials.len() {
        0 if !found.complete => name.and(" was not improved: the search was stopped before it had tried anything"),
        0 => name.and(" cannot be improved: no remedy applies to it"),
        _ if !found.complete => name.and(" was not improved: nothing that was tried so far helps"),
        _ => name.and(format!(" cannot be improved: of {tried} none helps and works")),
    }
}

/// `875 MB → 118 MB (−86.5 %)`.
fn change(before: Bytes, after: Bytes) -> String {
    let ratio = Ratio::of(after.0, before.0).map(|ratio| ratio.as_change().replace('-', "−"));
    format!("{before} → {after} ({})", ratio.unwrap_or_default())
}

/// What says that the result works.
fn check(found: &Improvement) -> String {
    let improved = improved_name(&found.variant);
    let Some(variant) = found.record.variants.iter().find(|variant| variant.name == improved) else {
        return "the result was not measured as a whole".to_owned();
    };
    let served = variant.serve.as_ref().filter(|serve| serve.ok).map(|serve| for_people(&serve.detail));
    let verified = variant.verified.as_ref().filter(|verified| verified.ok);
    let verified = verified.map(|verified| format!("`{}` succeeded", shorten(&for_people(&verified.command), 60)));
    let checks: Vec<String> = served.into_iter().chain(verified).collect();
    match variant.outcome {
        Outcome::Ok if !checks.is_empty() => format!("verified by: {}", checks.join("; ")),
        Outcome::Ok => "not verified to work, and nothing taken away".to_owned(),
        _ => "and the result does not work".to_owned(),
    }
}

/// Which files were written.
pub(crate) fn improved_files(files: &[&Path]) -> Vec<String> {
    files.iter().map(|file| format!("wrote {}", code(&file.display().to_string()))).collect()
}
