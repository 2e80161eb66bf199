//! The search: each remedy alone, then those that help on top of each other, in order of gain.

use std::collections::BTreeSet;
use std::time::Instant;

use globset::GlobMatcher;

use super::judge::{failure, figures, gain, starts_otherwise};
use super::recipe::{Conditions, Recipe, RecipePlaces, keeps_links};
use super::remedy::{CACHE, Content, LINK, Remedy, catalogue};
use super::trial::Trials;
use crate::engine::{EngineError, ImageBuilder, ImageHost};
use crate::exit::Exit;
use crate::fsx;
use crate::measure::{Cancel, MeasureError, Observer, RunOptions, RunOutcome};
use crate::record::{Builder, Ended, Figures, Goal, Improved, Outcome, Record, Scenario, Trial, TrialVerdict};
use crate::suite::{PlanOptions, Suite, SuiteVariant};
use crate::units::Nanos;

/// What is asked for.
#[derive(Debug)]
pub(crate) struct ImproveOptions {
    /// Which figures are to become better.
    pub goals: Vec<Goal>,
    /// Base images that may be used instead of those of the Dockerfile.
    pub allowed: Vec<(String, GlobMatcher)>,
    /// Rounds in which the variant as it is and the result are built in the end; more than one shows times.
    pub rounds: u32,
}

/// How far the search is.
#[derive(Debug)]
pub(crate) enum ImproveEvent {
    /// The variant was built as it is; what comes next.
    Planned {
        /// Remedies that apply to it.
        remedies: usize,
        /// Builds still to come, at most.
        builds: usize,
        /// About how long they take.
        time: Nanos,
    },
    /// These are combined.
    Combining(usize),
}

/// What came of the search.
#[derive(Debug)]
pub(crate) struct Improvement {
    /// Of the variant as it is and, if anything was kept, improved; with all trials.
    pub record: Record,
    /// Where its texts are.
    pub places: RecipePlaces,
    /// The ignore file as it is.
    pub ignore: Option<String>,
    /// The texts with what was kept; `None` if nothing was, or if it does not work together.
    pub after: Option<Recipe>,
    /// Whether the suite says how to tell that an image works.
    pub checked: bool,
    /// How the last run ended.
    pub exit: Exit,
    /// What made the engine unusable, where something did.
    pub lost: Option<EngineError>,
}

/// Name of the improved variant.
pub(crate) fn improved_name(variant: &str) -> String {
    format!("{variant}-improved")
}

/// Looks for what makes a variant better. `tell` is called between runs.
pub(crate) async fn improve<E: ImageBuilder + ImageHost>(
    (suite, variant): (&Suite, &SuiteVariant),
    wanted: &ImproveOptions,
    engine: &E,
    options: &RunOptions,
    cancel: &Cancel,
    (observer, tell): (&mut dyn Observer, &mut dyn FnMut(ImproveEvent)),
) -> Result<Improvement, MeasureError> {
    let whole_variant = variant;
    let mut variant = variant.clone();
    if let Some(serve) = variant.serve.as_mut().filter(|_| !wanted.goals.contains(&Goal::Startup)) {
        serve.starts = 1;
    }
    let facts = engine.facts();
    let places = RecipePlaces::of(suite, &variant, facts.builder);
    let before = Recipe {
        dockerfile: variant.dockerfile_text.clone(),
        ignore: places.ignore.is_file().then(|| fsx::read_text(&places.ignore)).transpose()?,
    };
    let conditions = Conditions {
        files: suite.files(&variant, facts.builder)?.paths().map(str::to_owned).collect(),
        args: variant.arguments(&options.build_args, options.platform.as_deref(), facts),
        target: variant.target.clone(),
        allowed: wanted.allowed.clone(),
        buildkit: facts.builder == Builder::Buildkit,
        keeps_links: keeps_links(facts),
    };
    let remedies = catalogue(&before, &conditions).into_iter().filter(|remedy| wanted.goals.contains(&remedy.goal));
    let candidates: Vec<(Remedy, Recipe)> =
        remedies.filter_map(|remedy| remedy.apply(&before, &conditions).map(|recipe| (remedy, recipe))).collect();
    // Some remedies show in one scenario only, which others need not be built in.
    let has = |name: &str| candidates.iter().any(|(remedy, _)| remedy.name == name);
    let edits = [
        (Scenario::Src, variant.src.is_some()),
        (Scenario::Deps, variant.deps.is_some() && has(CACHE)),
        (Scenario::Base, has(LINK)),
    ];
    let edits = edits.into_iter().filter_map(|(scenario, shows)| shows.then_some(scenario));
    let scenarios = [Scenario::Cold].into_iter().chain(edits).collect();
    let options = &RunOptions { plan: PlanOptions { scenarios, ..options.plan.clone() }, ..options.clone() };
    let trials = Trials { suite, variant: &variant, engine, options, cancel, begun: Instant::now() };
    let as_it_is = [(variant.name.clone(), before.clone())];
    let first = trials.measure(&as_it_is, None, observer).await?;
    let checked = variant.serve.is_some() || variant.verify.is_some();
    let base = figures(&first.record, &variant.name).filter(|_| first.exit == Exit::Done);
    let record = first.record.clone();
    let mut search =
        Search { trials, conditions, checked, stopped: false, done: Vec::new(), first: record, last: first };
    let Some(base) = base.filter(|_| !candidates.is_empty() && search.goes_on()) else {
        return Ok(search.end(before, places, None));
    };
    tell(search.plan(candidates.len(), wanted.rounds));
    let helpful = search.try_alone(candidates, &base, observer).await?;
    if helpful.len() > 1 && search.goes_on() {
        tell(ImproveEvent::Combining(helpful.len()));
    }
    let combined = search.combine(&before, &base, helpful, observer).await?;
    let Some(after) = combined else { return Ok(search.end(before, places, None)) };
    if search.goes_on() {
        let both = [(variant.name.clone(), before.clone()), (improved_name(&variant.name), after.clone())];
        let plan = PlanOptions { rounds: wanted.rounds, discard_first: wanted.rounds > 1, ..options.plan.clone() };
        let options = &RunOptions { plan, ..options.clone() };
        let variant = if wanted.rounds > 1 { whole_variant } else { &variant };
        let whole = Trials { variant, options, ..search.trials };
        search.last = whole.measure(&both, Some(&options.out), observer).await?;
        search.first = search.last.record.clone();
    }
    Ok(search.end(before, places, Some(after)))
}

/// A remedy that helps where nothing else is changed.
struct Helpful {
    remedy: Remedy,
    recipe: Recipe,
    figures: Figures,
    gain: u64,
}

struct Search<'a, E> {
    trials: Trials<'a, E>,
    conditions: Conditions,
    checked: bool,
    /// Whether anything was left out because it was to stop.
    stopped: bool,
    /// Trials that were made.
    done: Vec<Trial>,
    /// Record of the run that shows the result: of the variant as it is, until both states were measured together.
    first: Record,
    /// The last run.
    last: RunOutcome,
}

impl<E: ImageBuilder + ImageHost> Search<'_, E> {
    /// Whether there is time for more, and nobody asked to stop: asked only where more is to be done.
    fn goes_on(&mut self) -> bool {
        let ended = self.last.record.ended == Ended::Complete;
        let in_time = self.trials.options.max_time.is_none_or(|most| self.trials.begun.elapsed() < most);
        let goes_on = ended && !self.trials.cancel.is_cancelled() && in_time;
        self.stopped |= !goes_on;
        goes_on
    }

    /// How much is to come: each remedy alone, each but the first on top of the others, and both states once more.
    fn plan(&self, remedies: usize, rounds: u32) -> ImproveEvent {
        let rounds = rounds as usize + usize::from(rounds > 1);
        let builds = (2 * remedies).saturating_sub(1) + 2 * rounds;
        let once: u64 = self.first.samples.iter().map(|sample| sample.wall_ns.0).sum();
        let builds_each = self.trials.options.plan.scenarios.len();
        ImproveEvent::Planned {
            remedies,
            builds: builds * builds_each,
            time: Nanos(once.saturating_mul(builds as u64)),
        }
    }

    /// Builds each remedy alone, all in one run, and gives those that help.
    async fn try_alone(
        &mut self,
        candidates: Vec<(Remedy, Recipe)>,
        base: &Figures,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Helpful>, MeasureError> {
        let mut taken = BTreeSet::new();
        let named: Vec<(String, Recipe)> = candidates
            .iter()
            .map(|(remedy, recipe)| {
                let numbered = (2..).map(|number| format!("{}-{number}", remedy.name));
                let name = std::iter::once(remedy.name.clone()).chain(numbered).find(|name| taken.insert(name.clone()));
                (name.unwrap_or_else(|| remedy.name.clone()), recipe.clone())
            })
            .collect();
        let outcome = self.trials.measure(&named, None, observer).await?;
        let mut helpful = Vec::new();
        for ((remedy, recipe), (name, _)) in candidates.into_iter().zip(named) {
            let trial = self.judge(&remedy, None, base, (&outcome.record, &name));
            if let (TrialVerdict::Kept, Some(figures)) = (trial.verdict, trial.after.clone()) {
                let gain = gain(remedy.goal, base, &figures).unwrap_or_default();
                helpful.push(Helpful { remedy, recipe, figures, gain });
            }
            self.done.push(trial);
        }
        self.last = outcome;
        Ok(helpful)
    }

    /// Puts what helps alone on top of each other, in order of gain; what no longer helps is dropped.
    async fn combine(
        &mut self,
        before: &Recipe,
        base: &Figures,
        mut helpful: Vec<Helpful>,
        observer: &mut dyn Observer,
    ) -> Result<Option<Recipe>, MeasureError> {
        helpful.sort_by_key(|one| std::cmp::Reverse(one.gain));
        let mut kept: Option<(Recipe, Figures)> = None;
        for (step, Helpful { remedy, recipe: alone, figures: measured, .. }) in (1..).zip(helpful) {
            let Some((recipe, figures)) = kept.clone() else {
                // On top of nothing else it was measured already.
                self.done.push(trial(&remedy, Some(step), base, Some(measured.clone()), TrialVerdict::Kept));
                kept = Some((alone, measured));
                continue;
            };
            if !self.goes_on() {
                self.done.push(trial(&remedy, Some(step), &figures, None, TrialVerdict::NotRun));
                continue;
            }
            let Some(edited) = remedy.apply(&recipe, &self.conditions) else {
                self.done.push(trial(&remedy, Some(step), &figures, None, TrialVerdict::Superfluous));
                continue;
            };
            let name = remedy.name.clone();
            let outcome = self.trials.measure(&[(name.clone(), edited.clone())], None, observer).await?;
            let trial = self.judge(&remedy, Some(step), &figures, (&outcome.record, &name));
            if let (TrialVerdict::Kept, Some(after)) = (trial.verdict, trial.after.clone()) {
                kept = Some((edited, after));
            }
            self.done.push(trial);
            self.last = outcome;
        }
        Ok(kept.map(|(recipe, _)| recipe).filter(|recipe| recipe != before))
    }

    /// What came of a remedy in a run, `before` being what was measured without it.
    fn judge(&self, remedy: &Remedy, step: Option<u32>, before: &Figures, (record, name): (&Record, &str)) -> Trial {
        let after = figures(record, name);
        let Some(variant) = record.variant(name) else {
            return trial(remedy, step, before, None, TrialVerdict::NotRun);
        };
        if let Some(verdict) = failure(variant) {
            let (reason, log) = variant.failure.clone().map(|failure| (failure.message, failure.log)).unzip();
            let trial = trial(remedy, step, before, after, verdict);
            return Trial { reason: reason.unwrap_or_default(), log: log.unwrap_or_default(), ..trial };
        }
        // An edit that could not be built is not proven; only one that there is time for can fail.
        let edited = |record: &Record| {
            record.samples.iter().any(|sample| sample.variant == name && sample.scenario == Scenario::Src)
        };
        let is_whole = self.trials.variant.src.is_none() || edited(record);
        let gained = after.as_ref().and_then(|after| gain(remedy.goal, before, after));
        let otherwise = after.as_ref().is_some_and(|after| starts_otherwise(remedy.goal, before, after));
        let verdict = match gained {
            _ if otherwise => TrialVerdict::StartChanged,
            _ if !is_whole => TrialVerdict::NotRun,
            None => TrialVerdict::NoGain,
            Some(_) if remedy.content == Content::Changed && !self.checked => TrialVerdict::Unverified,
            Some(_) => TrialVerdict::Kept,
        };
        trial(remedy, step, before, after, verdict)
    }

    fn end(self, before: Recipe, places: RecipePlaces, after: Option<Recipe>) -> Improvement {
        let complete = !self.stopped && self.last.record.ended == Ended::Complete;
        let improved = improved_name(&self.trials.variant.name);
        let mut record = self.first;
        let whole = record.variant(&improved);
        let works = whole.is_none_or(|variant| matches!(variant.outcome, Outcome::Ok | Outcome::NotRun));
        let after = after.filter(|_| works);
        let patch = after.as_ref().map(|after| before.patch(after, &places)).unwrap_or_default();
        record.trials = self.done;
        record.improved = Some(Improved { complete, patch });
        let (exit, lost) = (self.last.exit, self.last.lost);
        Improvement { record, places, ignore: before.ignore, after, checked: self.checked, exit, lost }
    }
}

fn trial(remedy: &Remedy, step: Option<u32>, before: &Figures, after: Option<Figures>, verdict: TrialVerdict) -> Trial {
    Trial {
        remedy: remedy.name.clone(),
        what: remedy.what.clone(),
        needs: remedy.needs.to_owned(),
        documentation: remedy.documentation.to_owned(),
        goal: remedy.goal,
        step,
        before: before.clone(),
        after,
        verdict,
        reason: String::new(),
        log: Vec::new(),
    }
}
