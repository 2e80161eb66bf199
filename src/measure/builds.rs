//! The builds of a plan: round by round, turn by turn, step by step.

use std::pin::pin;

use super::cancel::Halt;
use super::error::MeasureError;
use super::event::{Event, Observer as _};
use super::journal::Line;
use super::run::Run;
use super::subject::{Purpose, Subject};
use crate::engine::{BuildFailure, ImageBuilder, ImageHost};
use crate::machine::now_utc;
use crate::record::{self, Builder, Ended, Failure, FailureStage, ImageStore, Sample, SampleState, Scenario};
use crate::suite::{self, Step};

/// The builds of one variant in a row.
struct Turn<'t> {
    subject: &'t Subject<'t>,
    /// Image of its last build without an edit: what the cache holds.
    previous: &'t mut Option<String>,
}

/// Where a build stands among all.
#[derive(Clone, Copy)]
struct Place {
    /// Counted from 1.
    position: u32,
    builds: u32,
}

impl<E: ImageBuilder + ImageHost> Run<'_, E> {
    /// Makes the builds of a plan, and weighs and serves what they make.
    pub(super) async fn builds(&mut self, plan: &[Step], subjects: &[Option<Subject<'_>>]) -> Result<Ended, Halt> {
        let subject = |step: &Step| subjects[step.variant].as_ref().filter(|subject| subject.supports(step.scenario));
        let steps: Vec<Step> = plan.iter().filter(|step| subject(step).is_some()).copied().collect();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let done = count(steps.iter().filter(|step| self.diary.has_finished(step)).count());
        let mut place = Place { position: 0, builds: count(steps.len()) };
        self.observer.event(&Event::Planned { builds: place.builds, done });
        let mut previous: Vec<Option<String>> = vec![None; subjects.len()];
        'rounds: for round in suite::rounds(&steps) {
            let mut built = false;
            for steps in suite::turns(round) {
                let Some(subject) = subject(&steps[0]) else { continue };
                let mut turn = Turn { subject, previous: &mut previous[steps[0].variant] };
                if self.states.beside.is_some() {
                    // What was built in between may have put other layers of the same instructions into the cache.
                    *turn.previous = None;
                }
                for step in steps {
                    place.position += 1;
                    built = false;
                    if self.diary.has_finished(step) || self.diary.has_failed(subject.variant) {
                        continue;
                    }
                    if self.cancel.is_cancelled() {
                        return Err(Halt::Interrupted);
                    }
                    if self.options.max_time.is_some_and(|limit| self.begun.elapsed() > limit) {
                        break 'rounds;
                    }
                    built = self.build_step(&mut turn, step, place).await?;
                }
            }
            if built {
                self.weigh_and_serve(subjects).await?;
            }
        }
        self.weigh_and_serve(subjects).await?;
        let all = steps.iter().all(|step| {
            let failed = |subject: &Subject<'_>| self.diary.has_failed(subject.variant);
            self.diary.has_finished(step) || subjects[step.variant].as_ref().is_none_or(failed)
        });
        Ok(if all { Ended::Complete } else { Ended::OutOfTime })
    }

    /// Makes one build, and another before it that is not measured where the cache does not hold what the scenario takes
    /// for granted: in a turn that does not begin cold, or of a resumed run. Whether it came to be made.
    async fn build_step(&mut self, turn: &mut Turn<'_>, step: &Step, place: Place) -> Result<bool, Halt> {
        let subject = turn.subject;
        if step.scenario != Scenario::Cold && turn.previous.is_none() {
            match self.prime(subject).await? {
                Ok(id) => *turn.previous = Some(id),
                Err(failure) => {
                    self.build_failed(subject, step, failure)?;
                    return Ok(false);
                }
            }
        }
        self.observer.event(&Event::BuildStarted {
            position: place.position,
            builds: place.builds,
            variant: &subject.variant.side.label(&subject.variant.name),
            scenario: step.scenario,
            round: step.round,
            discarded: step.discarded,
            twin: step.twin,
        });
        let fresh = format!("{} {}", self.common.run, step.index);
        // What is going to be weighed keeps its files as they are: layers that variants share are the same.
        let to_weigh = !step.twin && self.diary.entry(subject.variant).is_some_and(|entry| entry.sizes.is_none());
        let leaves = leaves_equal_layers(self.engine.facts());
        let age = if leaves && !to_weigh { u64::from(step.index) + 1 } else { 0 };
        let purpose = Purpose { scenario: step.scenario, fresh: &fresh, age, twin: step.twin };
        let request = subject.request(&purpose, &self.common)?;
        let started_at = now_utc();
        let mut pass_on = |event| self.observer.event(&Event::Build(&event));
        let building = self.diary.ledger.build(self.engine, &request, subject.instructions(), &mut pass_on);
        let built = self.cancel.run_until_cancelled(pin!(building)).await??;
        match built {
            Ok(Ok(output)) => {
                let sample = subject.sample(step, turn.previous.as_deref(), output, started_at);
                if !matches!(step.scenario, Scenario::Src | Scenario::Deps) {
                    *turn.previous = Some(sample.image_id.clone());
                }
                self.build_done(sample)?;
            }
            Ok(Err(failure)) => self.build_failed(subject, step, failure)?,
            Err(error) => {
                let reason = format!("not finished: {error}");
                self.build_done(subject.unmade_sample(step, SampleState::Unfinished, reason, started_at))?;
                return Err(error.into());
            }
        }
        Ok(true)
    }

    fn build_done(&mut self, sample: Sample) -> Result<(), MeasureError> {
        self.diary.append(Line::Sample(Box::new(sample)))?;
        if let Some(sample) = self.diary.record.samples.last() {
            self.observer.event(&Event::BuildDone(sample));
        }
        Ok(())
    }

    fn build_failed(&mut self, subject: &Subject<'_>, step: &Step, failure: BuildFailure) -> Result<(), MeasureError> {
        self.say_failed(subject.variant, step.scenario, &failure.message);
        let reason = format!("the build failed: {}", failure.message);
        let sample = subject.unmade_sample(step, SampleState::Failed, reason, now_utc());
        self.diary.append(Line::Sample(Box::new(Sample { wall_ns: failure.wall_ns, ..sample })))?;
        self.diary.fail(
            subject.variant,
            Failure {
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
fn leaves_equal_layers(facts: &record::Engine) -> bool {
    facts.builder == Builder::Buildkit && facts.image_store == ImageStore::Graphdriver
}
