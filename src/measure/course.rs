//! The course of a run, from its first base image to its last clean-up.

use std::time::Instant;

use super::against::{Beside, Other, States};
use super::begin::chosen;
use super::cancel::{Cancel, Halt};
use super::end::RunOutcome;
use super::error::MeasureError;
use super::event::{Event, Observer};
use super::options::RunOptions;
use super::run::Run;
use crate::engine::{ImageBuilder, ImageHost};
use crate::image::{Way, store_in_place};
use crate::record::{Ended, Scenario};
use crate::suite::{self, Suite, SuiteVariant};

/// Runs a suite on an engine and leaves the record in `options.out`.
///
/// A variant that fails is recorded and the others go on; an engine that goes away or cannot go on ends the run with
/// what was measured so far on disk.
pub async fn run<E: ImageBuilder + ImageHost>(
    suite: &Suite,
    engine: &E,
    options: &RunOptions,
    cancel: &Cancel,
    observer: &mut dyn Observer,
) -> Result<RunOutcome, MeasureError> {
    run_beside(suite, None, engine, options, cancel, observer).await
}

/// As [`run`], with another state of the suite, if there is one, built and weighed in between, round by round, and what
/// looks slower built once more.
pub(crate) async fn run_beside<E: ImageBuilder + ImageHost>(
    suite: &Suite,
    other: Option<&Other<'_>>,
    engine: &E,
    options: &RunOptions,
    cancel: &Cancel,
    observer: &mut dyn Observer,
) -> Result<RunOutcome, MeasureError> {
    let begun = Instant::now();
    let all = chosen(suite, &options.only)?;
    let steps = suite::plan(all.len(), &options.plan);
    let variants: Vec<_> = suite::shard_variants(all.len(), &options.plan).into_iter().map(|own| all[own]).collect();
    let set = suite.base_set(&options.bases)?;
    if options.via == Way::Store {
        // Said before anything is built.
        store_in_place(engine.facts(), engine.is_local())?;
    }
    if engine.only_builds() {
        let files = suite.build.ca_files.iter().chain(&options.ca_files).next();
        let sites = files.is_some() || !(suite.build.site_env.is_empty() && options.site_env.is_empty());
        let moved = options.plan.scenarios.contains(&Scenario::Base);
        let needs = [(sites, "CA files and variables for builds"), (moved, "builds in the scenario `base`")];
        if let Some((_, what)) = needs.into_iter().find(|(needed, _)| *needed) {
            return Err(MeasureError::NeedsEngine(what));
        }
    }
    let beside = other.map(|other| Beside::of(*other, suite, &variants, options)).transpose()?;
    let states = States { suite, variants, steps, set, beside };
    let mut run = Run::start(&states, engine, options, cancel, observer, begun).await?;
    match run.measure().await {
        Ok(ended) => run.finish(ended, None).await,
        Err(Halt::Interrupted) => run.finish(Ended::Interrupted, None).await,
        Err(Halt::Failed(MeasureError::Engine(error))) => run.finish(Ended::EngineLost, Some(error)).await,
        Err(Halt::Failed(error)) => {
            run.clean().await;
            Err(error)
        }
    }
}

impl<E: ImageBuilder + ImageHost> Run<'_, E> {
    /// Prepares the variants, makes the builds of the plan, and those that confirm what looks slower.
    async fn measure(&mut self) -> Result<Ended, Halt> {
        let states = self.states;
        let mut subjects = self.prepare(states.suite, &states.variants, &states.set).await?;
        let Some(beside) = &states.beside else {
            self.prepared();
            return self.builds(&states.steps, &subjects).await;
        };
        let others: Vec<&SuiteVariant> = beside.variants.iter().collect();
        let mut others = self.prepare(beside.other.suite, &others, &beside.set).await?;
        // A checkout has no hard links: both states are sent with those of ours.
        for other in others.iter_mut().flatten() {
            let ours = subjects.iter().flatten().find(|ours| ours.variant.name == other.variant.name);
            if let Some(ours) = ours {
                other.context.link_like(&ours.context);
            }
        }
        subjects.append(&mut others);
        self.prepared();
        let ended = self.builds(&beside.steps, &subjects).await?;
        let again = if ended == Ended::Complete { beside.confirming(&self.diary.record) } else { Vec::new() };
        if again.is_empty() {
            return Ok(ended);
        }
        self.observer.event(&Event::Confirming);
        self.builds(&again, &subjects).await
    }
}
