//! What `tonnage improve` found: the answer in one line, the steps with what was measured before and after each, what was
//! rejected and why, and the changes as a unified diff.

use std::path::Path;

use serde_json::json;

use super::doc::{Block, Doc};
use super::facts::RunFacts;
use super::markdown::{self, Form};
use super::terminal::{self, Style};
use super::{tables, words};
use crate::exit::Exit;
use crate::improve::{ImproveEvent, Improvement, Recipe, improved_name};
use crate::line::{Line, code, command, image, plain};
use crate::record::{Outcome, Record, Trial, TrialVerdict, Variant};
use crate::text::{for_people, shorten};
use crate::units::{Bytes, Ratio, count};

/// Longest message of an application or a build in a cell.
const LONGEST: usize = 240;

/// What is to come, for people who wait.
pub(crate) fn improve_progress(event: &ImproveEvent) -> String {
    match event {
        ImproveEvent::Planned { remedies, builds, time } => {
            let remedies = count(*remedies, "remedy");
            format!("{remedies} to try: at most {}, about {}", count(*builds, "build"), time.whole_seconds())
        }
        ImproveEvent::Combining(remedies) => format!("combining the {remedies} remedies that help"),
    }
}

/// For a terminal.
pub(crate) fn improve_terminal(record: &Record, style: Style) -> String {
    let diff: String = shown_diff(record);
    let mut text = terminal::write(&document(record), style);
    if !diff.is_empty() {
        text.push('\n');
        text.push_str(&diff);
    }
    text
}

/// For a comment.
pub(crate) fn improve_markdown(record: &Record) -> String {
    let mut doc = document(record);
    let diff = shown_diff(record);
    if !diff.is_empty() {
        doc.push(Block::Program("diff", diff));
    }
    markdown::write(&doc, Form::File)
}

/// For programs.
pub(crate) fn improve_json(found: &Improvement) -> String {
    let record = &found.record;
    let (before, after) = tables::trial_ends(record);
    let texts = |recipe: &Recipe| json!({ "dockerfile": recipe.dockerfile, "dockerignore": recipe.ignore });
    let value = json!({
        "format_version": "1.0",
        "variant": as_it_is(record).map(|variant| &variant.name),
        "checked": found.checked,
        "complete": is_complete(record),
        "before": before,
        "after": after.filter(|_| kept(record) > 0),
        "trials": record.trials,
        "improved": found.after.as_ref().map(texts),
        "patch": patch(record),
    });
    crate::json::pretty(&value)
}

/// The changes for `patch -p0`; empty where there are none.
pub(crate) fn patch(record: &Record) -> &str {
    record.improved.as_ref().map_or("", |improved| improved.patch.as_str())
}

/// The changes for people: nothing in them that a terminal obeys.
fn shown_diff(record: &Record) -> String {
    // Tabs stay, since Dockerfiles are indented with them.
    let shown = |line: &str| line.split('\t').map(for_people).collect::<Vec<_>>().join("\t");
    let lines = patch(record).split('\n').map(|line| shown(line.trim_end_matches('\r')));
    lines.collect::<Vec<_>>().join("\n")
}

/// The exit code that the result stands for.
pub(crate) fn improve_exit(found: &Improvement) -> Exit {
    let unverified = found.record.trials.iter().any(|trial| trial.verdict == TrialVerdict::Unverified);
    match found.exit {
        Exit::NoEngine | Exit::Interrupted | Exit::NotCleaned => found.exit,
        _ if works(&found.record).is_some_and(|works| !works) => Exit::VariantFailed,
        _ if unverified => Exit::Inconclusive,
        _ => Exit::Done,
    }
}

/// The variant as it is.
fn as_it_is(record: &Record) -> Option<&Variant> {
    record.variants.first()
}

fn is_complete(record: &Record) -> bool {
    record.improved.as_ref().is_some_and(|improved| improved.complete)
}

/// How many remedies were kept.
fn kept(record: &Record) -> usize {
    record.trials.iter().filter(|trial| trial.is_kept_step()).count()
}

/// Whether what the result is measured by works; `None` where that was not measured.
fn works(record: &Record) -> Option<bool> {
    let measured = record.variants.iter().filter(|variant| variant.outcome != Outcome::NotRun);
    let mut outcomes = measured.map(|variant| variant.outcome == Outcome::Ok);
    outcomes.clone().next().map(|_| outcomes.all(|works| works))
}

fn document(record: &Record) -> Doc {
    let mut doc = Doc::default();
    doc.push(Block::Strong(headline(record)));
    if !is_complete(record) && as_it_is(record).is_some_and(|variant| variant.outcome == Outcome::Ok) {
        doc.push(Block::Warning(plain("Not complete: the search was stopped before it had tried everything.")));
    }
    if let Some(line) = words::stand_in_line(record) {
        doc.sentence(format!("Measured on {line}."));
    }
    doc.gap();
    doc.section(tables::kept_trials(record));
    if record.settings.rounds > 1 {
        doc.section(tables::times(&RunFacts::of(record)));
    }
    doc.section(tables::unverified_trials(record));
    doc.section(tables::rejected_trials(record));
    let is_advice = |trial: &&Trial| trial.is_kept_step() || trial.verdict == TrialVerdict::Unverified;
    for trial in record.trials.iter().filter(is_advice) {
        doc.item(command(&trial.remedy).and(": ").and(command(&trial.documentation)));
    }
    doc
}

/// The answer in one sentence.
fn headline(record: &Record) -> Line {
    let name = image(as_it_is(record).map_or("", |variant| variant.name.as_str()));
    let trials = &record.trials;
    let alone = trials.iter().filter(|trial| trial.step.is_none());
    let tried = count(alone.clone().count(), "remedy");
    let kept = kept(record);
    let is_broken = |variant: &&Variant| !matches!(variant.outcome, Outcome::Ok | Outcome::NotRun);
    if let Some(failed) = as_it_is(record).filter(is_broken) {
        let reason = failed.failure.as_ref().map(|failure| shorten(&for_people(&failure.message), LONGEST));
        let reason = reason.unwrap_or_default();
        let log = failed.failure.iter().flat_map(|failure| &failure.log).rfind(|line| !line.trim().is_empty());
        let reason = log
            .map_or_else(|| reason.clone(), |log| format!("{reason}: {}", shorten(&for_people(log.trim()), LONGEST)));
        return plain("nothing was tried: ").and(name).and(format!(" does not work as it is: {reason}"));
    }
    if let ((Some(before), Some(after)), true) = (tables::trial_ends(record), kept > 0) {
        let size = change(before.size_bytes, after.size_bytes);
        return Line::quoting(&format!("{size}, {kept} of {tried} kept, {}", check(record)));
    }
    let saves = alone.filter(|trial| trial.verdict == TrialVerdict::Unverified).count();
    if saves > 0 {
        let help = if saves == 1 { "1 remedy helps".to_owned() } else { format!("{saves} remedies help") };
        return name.and(format!(": {help}, not verified to work: the suite has neither `[serve]` nor `[verify]`"));
    }
    let complete = is_complete(record);
    match trials.len() {
        0 if !complete => name.and(" was not improved: the search was stopped before it had tried anything"),
        0 => name.and(" cannot be improved: no remedy applies to it"),
        _ if !complete => name.and(" was not improved: nothing that was tried so far helps"),
        _ => name.and(format!(" cannot be improved: of {tried} none helps and works")),
    }
}

/// `875 MB → 118 MB (−86.5 %)`.
fn change(before: Bytes, after: Bytes) -> String {
    let ratio = Ratio::of(after.0, before.0).map(|ratio| ratio.as_change().replace('-', "−"));
    format!("{before} → {after} ({})", ratio.unwrap_or_default())
}

/// What says that the result works.
fn check(record: &Record) -> String {
    let improved = improved_name(as_it_is(record).map_or("", |variant| variant.name.as_str()));
    let Some(variant) = record.variant(&improved) else {
        return "the result was not measured as a whole".to_owned();
    };
    let served = variant.serve.as_ref().filter(|serve| serve.ok).map(|serve| for_people(&serve.detail));
    let verified = variant.verified.as_ref().filter(|verified| verified.ok);
    let verified = verified.map(|verified| format!("`{}` succeeded", shorten(&for_people(&verified.command), 60)));
    let checks: Vec<String> = served.into_iter().chain(verified).collect();
    match variant.outcome {
        Outcome::Ok if !checks.is_empty() => format!("verified by: {}", checks.join("; ")),
        Outcome::Ok => "not verified to work, and nothing taken away".to_owned(),
        Outcome::NotRun => "the result was not measured as a whole".to_owned(),
        Outcome::BuildFailed | Outcome::ServeFailed => {
            let why = variant.failure.as_ref().map(|failure| shorten(&for_people(&failure.message), LONGEST));
            format!("but they do not work together, so there is no patch: {}", why.unwrap_or_default())
        }
    }
}

/// That a file was written.
pub(crate) fn improved_file(file: &Path) -> String {
    format!("wrote {}", code(&file.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::improve::RecipePlaces;
    use crate::record::{Figures, Goal, Improved};
    use crate::testing::fixture;

    fn figures(size: u64) -> Figures {
        Figures { size_bytes: Bytes(size), src_reruns: Some(2), ..Figures::default() }
    }

    fn trial(remedy: &str, step: Option<u32>, (before, after): (u64, u64), verdict: TrialVerdict) -> Trial {
        Trial {
            remedy: remedy.to_owned(),
            what: "Do something".to_owned(),
            needs: "luck".to_owned(),
            documentation: "https://example.org/why".to_owned(),
            goal: Goal::Size,
            step,
            before: figures(before),
            after: Some(figures(after)),
            verdict,
            reason: String::new(),
            log: Vec::new(),
        }
    }

    /// A search on the first variant of a record, whose second is the result where there is one.
    fn found(trials: Vec<Trial>, after: Option<&str>) -> Improvement {
        let mut record = fixture::record();
        record.variants.truncate(if after.is_some() { 2 } else { 1 });
        record.variants[0].name = "app".to_owned();
        for (variant, (name, size)) in record.variants.iter_mut().zip([("app", 3_000_000), ("app-improved", 1_000_000)])
        {
            variant.name = name.to_owned();
            variant.sizes.as_mut().unwrap().size_bytes = Bytes(size);
        }
        record.trials = trials;
        let recipe = |dockerfile: &str| Recipe { dockerfile: dockerfile.to_owned(), ignore: None };
        let places = RecipePlaces { dockerfile: "./web/Dockerfile".into(), ignore: "web/.dockerignore".into() };
        let after = after.map(|text| Recipe { ignore: Some(".git\n".to_owned()), ..recipe(text) });
        let patch = after.as_ref().map(|after| recipe("FROM a\nRUN b\n").patch(after, &places)).unwrap_or_default();
        record.improved = Some(Improved { complete: true, patch });
        Improvement { record, places, ignore: None, after, checked: true, exit: Exit::Done, lost: None }
    }

    #[test]
    fn the_steps_add_up_to_the_difference_of_two_weighings_and_the_patch_is_for_p0() {
        let broken = Trial {
            log: vec!["Traceback".to_owned(), "ImportError: \u{1b}[31mno x".to_owned(), String::new()],
            reason: "it ended with code 1".to_owned(),
            ..trial("gone", None, (3_000_000, 1), TrialVerdict::CheckFailed)
        };
        let trials = vec![
            trial("one", None, (3_000_000, 2_000_000), TrialVerdict::Kept),
            trial("two", None, (3_000_000, 1_900_000), TrialVerdict::Kept),
            broken,
            trial("two", Some(1), (3_000_000, 1_900_000), TrialVerdict::Kept),
            trial("one", Some(2), (1_900_000, 1_000_100), TrialVerdict::Kept),
        ];
        let found = found(trials, Some("FROM a\nRUN c\n"));
        let text = improve_terminal(&found.record, Style { colour: false, width: Some(200) });
        assert!(text.starts_with("3.00 MB → 1.00 MB (−66.7 %), 2 of 3 remedies kept, verified by: "), "{text}");
        // The same Dockerfile weighed once more is a row of its own, so that the sum stays exact.
        for row in ["-1,100,000 B", "-899,900 B", "measured again", "-100 B", "-2,000,000 B"] {
            assert!(text.contains(row), "{row}: {text}");
        }
        assert!(text.contains("the application no longer works: it ended with code 1: ImportError:"), "{text}");
        assert!(!text.contains('\u{1b}') && text.contains("`https://example.org/why`"), "{text}");
        assert_eq!(
            patch(&found.record),
            "--- web/Dockerfile\n+++ web/Dockerfile\n@@ -1,2 +1,2 @@\n FROM a\n-RUN b\n+RUN c\n\
             --- /dev/null\n+++ web/.dockerignore\n@@ -0,0 +1 @@\n+.git\n"
        );
        assert_eq!(improve_exit(&found), Exit::Done);
        let page = crate::report::html(&found.record).unwrap();
        assert!(page.contains("waterfall") && page.contains("measured again"));
        let charts = crate::report::charts(&found.record).unwrap();
        let waterfall = charts.iter().find(|chart| chart.name == "waterfall").unwrap();
        assert!(waterfall.svg.contains("2 kept remedies") && waterfall.svg.contains("1.10 MB"), "{}", waterfall.svg);
    }

    #[test]
    fn what_is_not_proven_is_said_and_so_is_what_cannot_be_improved() {
        for (trials, complete, said, exit) in [
            (Vec::new(), true, "app cannot be improved: no remedy applies to it", Exit::Done),
            (
                vec![trial("one", None, (3_000_000, 2_999_000), TrialVerdict::NoGain)],
                true,
                "app cannot be improved: of 1 remedy none helps and works",
                Exit::Done,
            ),
            (
                vec![trial("one", None, (3_000_000, 2_000_000), TrialVerdict::Unverified)],
                true,
                "app: 1 remedy helps, not verified to work: the suite has neither `[serve]` nor `[verify]`",
                Exit::Inconclusive,
            ),
            (
                Vec::new(),
                false,
                "app was not improved: the search was stopped before it had tried anything",
                Exit::Done,
            ),
        ] {
            let mut found = found(trials, None);
            found.record.improved = Some(Improved { complete, ..Improved::default() });
            let text = improve_terminal(&found.record, Style { colour: false, width: Some(200) });
            assert!(text.starts_with(&format!("{said}\n")), "{text}");
            assert_eq!((improve_exit(&found), patch(&found.record)), (exit, ""), "{text}");
        }
    }
}
