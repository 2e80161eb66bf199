//! Remedies that were tried: what was kept, what was rejected, and why.

use crate::improve::{LEAST_BYTES, improved_name};
use crate::record::{Figures, Goal, Record, Trial, TrialVerdict, Variant};
use crate::report::table::{Cell, Table};
use crate::report::words;
use crate::text::{for_people, shorten};
use crate::units::{Bytes, count};

/// Longest message of an application or a build in a cell.
const LONGEST: usize = 240;

/// What was measured of the variant as it is, and of the result.
pub(crate) fn trial_ends(record: &Record) -> (Option<Figures>, Option<Figures>) {
    let first = record.variants.first().map_or("", |variant| variant.name.as_str());
    let size = |name: &str| record.variant(name).and_then(Variant::size);
    let steps = || record.trials.iter().filter(|trial| trial.is_kept_step());
    let before = steps().next().map(|trial| trial.before.clone());
    let after = steps().next_back().and_then(|trial| trial.after.clone());
    // Measured together at the end, independently of the steps.
    let whole = |figures: Option<Figures>, name: &str| match size(name) {
        Some(size_bytes) => Some(Figures { size_bytes, ..figures.unwrap_or_default() }),
        None => figures,
    };
    (whole(before, first), whole(after, &improved_name(first)))
}

/// What was kept, in order, with what was measured before and after each.
pub(crate) fn kept_trials(record: &Record) -> Table {
    let heads = "Remedy | What it does | #Before | #After | #Change | ?#Re-run after an edit | ?#To pull after an edit | \
                 ?#To pull after the base moved | ?#Downloaded after a dependency edit | ?#Startup | ?User";
    let mut table = Table::new("Kept", heads);
    let kept: Vec<&Trial> = record.trials.iter().filter(|trial| trial.is_kept_step()).collect();
    for trial in &kept {
        let Some(after) = &trial.after else { continue };
        let startup = |figures: &Figures| startup(figures).filter(|_| trial.goal == Goal::Startup);
        let user = |figures: &Figures| (trial.goal == Goal::User).then(|| for_people(words::user(&figures.user)));
        let mut row = sizes(Cell::code(&trial.remedy), &trial.what, &trial.before, after);
        row.extend([
            pair(trial.before.src_reruns, after.src_reruns),
            pair(trial.before.update_src_bytes, after.update_src_bytes),
            pair(trial.before.update_base_bytes, after.update_base_bytes),
            pair(trial.before.deps_network_bytes, after.deps_network_bytes),
            pair(startup(&trial.before), startup(after)),
            pair(user(&trial.before), user(after)),
        ]);
        table.push(row);
    }
    let (_, after) = trial_ends(record);
    if let (Some(last), Some(whole)) = (kept.last().and_then(|trial| trial.after.as_ref()), &after)
        && last.size_bytes != whole.size_bytes
    {
        let what = "the same Dockerfile, built and weighed once more";
        table.push(sizes(Cell::new("measured again"), what, last, whole));
    }
    if let (Some(first), Some(after)) = (kept.first(), &after) {
        table.push(sizes(Cell::new("total"), "", &first.before, after));
    }
    table.without_empty_columns()
}

/// What was done, and the sizes before and after it.
fn sizes(remedy: Cell, what: &str, before: &Figures, after: &Figures) -> Vec<Cell> {
    let (before, after) = (before.size_bytes, after.size_bytes);
    vec![remedy, Cell::new(what), exact(before), exact(after), Cell::new(after.since(before).exact())]
}

/// `120 ms (118–125 ms)`
fn startup(figures: &Figures) -> Option<String> {
    let interval = figures.startup_low_ns.zip(figures.startup_high_ns);
    let interval = interval.map(|(low, high)| format!(" ({low}–{high})")).unwrap_or_default();
    figures.startup_ns.map(|time| format!("{time}{interval}"))
}

fn exact(bytes: Bytes) -> Cell {
    Cell::number(bytes.exact(), bytes.0 as f64)
}

fn pair<T: ToString + PartialEq>(before: Option<T>, after: Option<T>) -> Cell {
    match (before, after) {
        (Some(before), Some(after)) if before == after => Cell::new(after.to_string()),
        (Some(before), Some(after)) => Cell::new(format!("{} → {}", before.to_string(), after.to_string())),
        _ => Cell::default(),
    }
}

/// What helps, and of which nothing says whether the image works.
pub(crate) fn unverified_trials(record: &Record) -> Table {
    let mut table = Table::new("Not verified to work", "Remedy | What it does | #Saves | Needs");
    let trials = record.trials.iter().filter(|trial| trial.verdict == TrialVerdict::Unverified);
    for trial in trials {
        let after = trial.after.as_ref().map_or(trial.before.size_bytes, |after| after.size_bytes);
        table.push(vec![
            Cell::code(&trial.remedy),
            Cell::new(&trial.what),
            exact(trial.before.size_bytes.saturating_sub(after)),
            Cell::new(trial.needs.clone()),
        ]);
    }
    if !table.rows.is_empty() {
        table.note("Add `[serve]` or `[verify]` to the suite, so that each can be proven or rejected.");
    }
    table
}

/// What was not kept, and why.
pub(crate) fn rejected_trials(record: &Record) -> Table {
    let mut table = Table::new("Rejected", "Remedy | What it does | Why");
    let is_kept = |remedy: &str| record.trials.iter().any(|trial| trial.remedy == remedy && trial.is_kept_step());
    for trial in &record.trials {
        let fine = matches!(trial.verdict, TrialVerdict::Kept | TrialVerdict::Unverified);
        if fine || is_kept(&trial.remedy) {
            continue;
        }
        let why = why(trial);
        table.push(vec![Cell::code(&trial.remedy), Cell::new(&trial.what), Cell::new(why)]);
    }
    table
}

/// Why a remedy was not kept, with the application's own message where it has one.
fn why(trial: &Trial) -> String {
    let alone = if trial.step.is_some() { " on top of the others" } else { "" };
    let log = trial.log.iter().rev().find(|line| !line.trim().is_empty());
    let said = log.map(|line| format!(": {}", for_people(line.trim()))).unwrap_or_default();
    let why = match trial.verdict {
        TrialVerdict::NoGain => format!("no gain{alone}: {}", no_gain(trial)),
        TrialVerdict::Superfluous => format!("nothing is left for it to do{alone}"),
        TrialVerdict::StartChanged => starts_otherwise(trial),
        TrialVerdict::BuildFailed => format!("it does not build{alone}: {}{said}", for_people(&trial.reason)),
        TrialVerdict::CheckFailed => {
            format!("the application no longer works{alone}: {}{said}", for_people(&trial.reason))
        }
        TrialVerdict::NotRun => "not tried: the search was stopped before".to_owned(),
        TrialVerdict::Kept | TrialVerdict::Unverified => String::new(),
    };
    shorten(&why, LONGEST)
}

fn starts_otherwise(trial: &Trial) -> String {
    let Some(after) = &trial.after else { return String::new() };
    let before = &trial.before;
    if after.user != before.user {
        let (now, then) = (words::user(&after.user), words::user(&before.user));
        return format!("it runs as `{}` instead of `{}`", for_people(now), for_people(then));
    }
    let entrypoint = |figures: &Figures| match figures.entrypoint.join(" ") {
        none if none.is_empty() => "none".to_owned(),
        entrypoint => format!("`{}`", shorten(&for_people(&entrypoint), 80)),
    };
    format!("its entrypoint is {} instead of {}", entrypoint(after), entrypoint(before))
}

fn no_gain(trial: &Trial) -> String {
    let Some(after) = &trial.after else { return "nothing was measured".to_owned() };
    let of = |figures: &Figures| match trial.goal {
        Goal::Size => figures.size_bytes.exact(),
        Goal::Rebuild => {
            let reruns = figures.src_reruns.map(|reruns| format!("{} run again", count(reruns, "instruction")));
            let base = figures.update_base_bytes.map(|bytes| format!("{bytes} to pull after the base moved"));
            let downloads = figures.deps_network_bytes.map(|bytes| format!("{bytes} downloaded"));
            let figures: Vec<String> = reruns.into_iter().chain(base).chain(downloads).collect();
            if figures.is_empty() { "unknown".to_owned() } else { figures.join(" and ") }
        }
        Goal::Startup => startup(figures).unwrap_or_else(|| "unknown".to_owned()),
        Goal::User => format!("`{}`", for_people(words::user(&figures.user))),
    };
    let limit = if trial.goal == Goal::Size { format!(" (at least {LEAST_BYTES} count)") } else { String::new() };
    format!("{} before, {} after{limit}", of(&trial.before), of(after))
}
