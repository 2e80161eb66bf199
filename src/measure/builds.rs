//! The builds of a plan: round by round, turn by turn, step by step.

use std::collections::BTreeMap;
use std::pin::pin;

use super::cancel::Halt;
use super::error::MeasureError;
use super::event::{Event, Observer as _};
use super::images::Unread;
use super::journal::JournalLine;
use super::left::left;
use super::run::{MOST_LOST, Run};
use super::subject::{Purpose, Subject};
use crate::engine::{BuildFailure, ImageBuilder, ImageHost};
use crate::machine::now_utc;
use crate::record::{
    self, Builder, Ended, FailureStage, ImageStore, Outcome, Sample, SampleState, Scenario, Variant, VariantFailure,
};
use crate::suite::{self, PlannedBuild};
use crate::units::Nanos;

/// The builds of one variant in a row.
struct Turn<'t> {
    subject: &'t Subject<'t>,
    /// Image of its last build without an edit: what the cache holds.
    previous: &'t mut Option<String>,
}

/// All builds of a run, and how far it is.
struct Course<'c> {
    /// In the order in which they are made.
    steps: &'c [PlannedBuild],
    subjects: &'c [Option<Subject<'c>>],
    /// Place of the next one in `steps`.
    next: usize,
    /// Image of the last build of each subject without an edit.
    previous: Vec<Option<String>>,
}

/// Where a build stands among all.
#[derive(Clone, Copy)]
struct BuildPosition {
    /// Counted from 1.
    position: u32,
    builds: u32,
    /// About how long it and those after it take.
    left: Option<Nanos>,
}

/// How a turn went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Went {
    /// Something was built.
    Built,
    /// There was nothing to build.
    Nowhere,
    /// There is no time for more.
    OutOfTime,
}

impl Went {
    fn goes_on(self) -> bool {
        self != Self::OutOfTime
    }
}

/// Whether a build of the plan can go before all rounds: nothing that it needs was built before it.
fn is_first_build(step: &PlannedBuild) -> bool {
    step.round == 0 && !step.twin && step.scenario == Scenario::Cold
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl<E: ImageBuilder + ImageHost> Run<'_, E> {
    /// Makes the builds of a plan, and weighs and serves what they make: first each variant once, so that the sizes are
    /// known before any round, then the rounds.
    pub(super) async fn builds(
        &mut self,
        plan: &[PlannedBuild],
        subjects: &[Option<Subject<'_>>],
    ) -> Result<Ended, Halt> {
        let subject =
            |step: &PlannedBuild| subjects[step.variant].as_ref().filter(|subject| subject.supports(step.scenario));
        let all: Vec<PlannedBuild> = plan.iter().filter(|step| subject(step).is_some()).copied().collect();
        let done = all.iter().filter(|step| self.diary.has_finished(step)).count();
        self.observer.event(&Event::Planned { builds: count(all.len()), done: count(done) });
        let (first, rest): (Vec<PlannedBuild>, Vec<PlannedBuild>) = all.iter().partition(|step| {
            let entry = subject(step).and_then(|subject| self.diary.entry(subject.variant));
            is_first_build(step) && entry.is_some_and(|entry| entry.sizes.is_none())
        });
        let steps: Vec<PlannedBuild> = [first.as_slice(), &rest].concat();
        let mut course = Course { steps: &steps, subjects, next: 0, previous: vec![None; subjects.len()] };
        let mut goes_on = true;
        for turn in suite::turns(&first) {
            goes_on = goes_on && self.turn(&mut course, turn).await?.goes_on();
        }
        goes_on = goes_on && self.build_the_others(&mut course).await?;
        self.weigh_and_serve(subjects, Unread::Waits).await?;
        // What was built in between may have put other layers of the same instructions into the cache.
        course.previous.fill(None);
        for round in suite::rounds(&rest) {
            let mut has_built = false;
            for turn in suite::turns(round) {
                if goes_on {
                    let went = self.turn(&mut course, turn).await?;
                    goes_on = went.goes_on();
                    has_built |= went == Went::Built;
                }
            }
            if has_built {
                self.weigh_and_serve(subjects, Unread::Fails).await?;
                self.weigh_updates(subjects).await?;
            }
        }
        self.weigh_and_serve(subjects, Unread::Fails).await?;
        self.weigh_updates(subjects).await?;
        let is_done = steps.iter().all(|step| {
            let failed = |subject: &Subject<'_>| self.diary.has_failed(subject.variant);
            self.diary.has_finished(step) || subjects[step.variant].as_ref().is_none_or(failed)
        });
        Ok(if is_done { Ended::Complete } else { Ended::OutOfTime })
    }

    /// Builds the variants that are still to be weighed and that the plan builds in scenarios of a filled cache only.
    /// Whether there was time for all.
    async fn build_the_others(&mut self, course: &mut Course<'_>) -> Result<bool, Halt> {
        for (index, subject) in course.subjects.iter().enumerate() {
            let step = course.steps.iter().find(|step| step.variant == index);
            let (Some(subject), Some(step)) = (subject, step.filter(|step| step.scenario != Scenario::Cold)) else {
                continue;
            };
            let is_open = |entry: &Variant| entry.sizes.is_none() && entry.outcome != Outcome::BuildFailed;
            if self.diary.entry(subject.variant).is_some_and(is_open) {
                if !self.may_build()? {
                    return Ok(false);
                }
                self.prepare_cache(subject, step, &mut course.previous[index]).await?;
            }
        }
        Ok(true)
    }

    /// Makes the builds of one variant in a row.
    async fn turn(&mut self, course: &mut Course<'_>, turn: &[PlannedBuild]) -> Result<Went, Halt> {
        let mut went = Went::Nowhere;
        if self.states.beside.is_some() {
            // What was built in between may have put other layers of the same instructions into the cache.
            course.previous[turn[0].variant] = None;
        }
        for step in turn {
            let place = course.next;
            course.next += 1;
            let Some(subject) = &course.subjects[step.variant] else { continue };
            if self.diary.has_finished(step) || self.diary.has_failed(subject.variant) {
                continue;
            }
            if !self.may_build()? {
                return Ok(Went::OutOfTime);
            }
            let ahead = course.steps[place..].iter().filter_map(|step| {
                let variant = course.subjects[step.variant].as_ref()?.variant;
                (!self.diary.has_failed(variant)).then_some((variant.name.as_str(), variant.side, step.scenario))
            });
            let place = BuildPosition {
                position: count(place + 1),
                builds: count(course.steps.len()),
                left: left(ahead, &self.diary.record.samples),
            };
            let mut turn = Turn { subject, previous: &mut course.previous[step.variant] };
            if self.build_step(&mut turn, step, place).await? {
                went = Went::Built;
            }
        }
        Ok(went)
    }

    /// Whether there is time for another build.
    fn may_build(&self) -> Result<bool, Halt> {
        if self.cancel.is_cancelled() {
            return Err(Halt::Interrupted);
        }
        Ok(self.options.max_time.is_none_or(|limit| self.begun.elapsed() <= limit))
    }

    /// Builds what the cache must hold before a build that takes it for granted. Whether it does.
    async fn prepare_cache(
        &mut self,
        subject: &Subject<'_>,
        step: &PlannedBuild,
        previous: &mut Option<String>,
    ) -> Result<bool, Halt> {
        match self.prime(subject).await? {
            Ok(id) => *previous = Some(id),
            Err(failure) => self.build_failed(subject, step, failure)?,
        }
        Ok(previous.is_some())
    }

    /// Makes one build, and another before it that is not measured where the cache does not hold what the scenario takes
    /// for granted: in a turn that does not begin cold, or of a resumed run. Whether it came to be made.
    async fn build_step(
        &mut self,
        turn: &mut Turn<'_>,
        step: &PlannedBuild,
        place: BuildPosition,
    ) -> Result<bool, Halt> {
        let subject = turn.subject;
        if step.scenario != Scenario::Cold
            && turn.previous.is_none()
            && !self.prepare_cache(subject, step, turn.previous).await?
        {
            return Ok(false);
        }
        self.observer.event(&Event::BuildStarted {
            position: place.position,
            builds: place.builds,
            variant: &subject.variant.side.label(&subject.variant.name),
            scenario: step.scenario,
            round: step.round,
            discarded: step.discarded,
            twin: step.twin,
            left: place.left,
        });
        let mut lost = 0;
        loop {
            // Of the same length each time, so that what an edit adds is as well.
            let fresh = format!("{} {lost}{:05}", self.common.run, step.index);
            // What is going to be weighed keeps its files as they are: layers that variants share are the same.
            let to_weigh = !step.twin && self.diary.entry(subject.variant).is_some_and(|entry| entry.sizes.is_none());
            let leaves = leaves_equal_layers(self.engine.facts());
            let age = if leaves && !to_weigh { u64::from(step.index) + 1 } else { 0 };
            let moved = match step.scenario {
                Scenario::Base => match self.move_bases(subject, &fresh).await? {
                    Ok(moved) => moved,
                    Err(failure) => {
                        self.build_failed(subject, step, failure)?;
                        return Ok(true);
                    }
                },
                _ => BTreeMap::new(),
            };
            let purpose = Purpose { scenario: step.scenario, fresh: &fresh, age, twin: step.twin, moved: &moved };
            let request = subject.request(&purpose, &self.common)?;
            let started_at = now_utc();
            let mut pass_on = |event| self.observer.event(&Event::Build(&event));
            let building = self.diary.ledger.build(self.engine, &request, subject.instructions(), &mut pass_on);
            let built = self.cancel.run_until_cancelled(pin!(building)).await??;
            match built {
                Ok(Ok(output)) => {
                    let sample = subject.sample(step, turn.previous.as_deref(), output, started_at);
                    if !matches!(step.scenario, Scenario::Src | Scenario::Deps | Scenario::Base) {
                        *turn.previous = Some(sample.image_id.clone());
                    }
                    self.build_done(sample)?;
                }
                Ok(Err(failure)) if failure.lost_a_layer() && lost < MOST_LOST => {
                    lost += 1;
                    let reason = format!("built again, since the engine lost a layer: {}", failure.message);
                    self.observer.event(&Event::Warning(&format!("{}: {reason}", subject.variant.name)));
                    let sample = subject.unmade_sample(step, SampleState::Unfinished, reason, started_at);
                    self.diary.append(JournalLine::Sample(Box::new(sample)))?;
                    continue;
                }
                Ok(Err(failure)) => self.build_failed(subject, step, failure)?,
                Err(error) => {
                    let reason = format!("not finished: {error}");
                    self.build_done(subject.unmade_sample(step, SampleState::Unfinished, reason, started_at))?;
                    return Err(error.into());
                }
            }
            return Ok(true);
        }
    }

    fn build_done(&mut self, sample: Sample) -> Result<(), MeasureError> {
        self.diary.append(JournalLine::Sample(Box::new(sample)))?;
        if let Some(sample) = self.diary.record.samples.last() {
            self.observer.event(&Event::BuildDone(sample));
        }
        Ok(())
    }

    fn build_failed(
        &mut self,
        subject: &Subject<'_>,
        step: &PlannedBuild,
        failure: BuildFailure,
    ) -> Result<(), MeasureError> {
        self.say_failed(subject.variant, step.scenario, &failure.message);
        let reason = format!("the build failed: {}", failure.message);
        let sample = subject.unmade_sample(step, SampleState::Failed, reason, now_utc());
        self.diary.append(JournalLine::Sample(Box::new(Sample { wall_ns: failure.wall_ns, ..sample })))?;
        self.diary.fail(
            subject.variant,
            VariantFailure {
                stage: FailureStage::Build,
                scenario: step.scenario.to_string(),
                instruction: failure.instruction,
                message: failure.message,
                log: failure.log,
            },
        )
    }
}

/// Whether the engine never removes the folder of a layer that it had already when it was built: `BuildKit` in a Docker
/// Engine with a graph driver (moby/moby#46136; `RegisterByGraphID` in its layer/migration.go). A file that is copied
/// into the root folder would be kept once for each cold build, out of reach of every clean-up, so those builds are given
/// files of another age, which neither the cache nor any size depends on.
fn leaves_equal_layers(facts: &record::EngineFacts) -> bool {
    facts.builder == Builder::Buildkit && facts.image_store == ImageStore::Graphdriver
}
