//! The end of a run: the engine cleaned up, the record written.

use std::time::Instant;

use super::error::MeasureError;
use super::event::{Event, Observer as _};
use super::ledger::clean_after;
use super::run::Run;
use crate::engine::{CleanReport, EngineError, ImageBuilder, Removal};
use crate::exit::Exit;
use crate::machine::{self, now_utc};
use crate::record::{self, Against, Ended, Record};
use crate::units::Nanos;

/// How a run ended.
#[derive(Debug)]
pub struct RunOutcome {
    /// What was measured; it is on disk.
    pub record: Record,
    /// What it was measured against, where that was asked for; on disk as well.
    pub against: Option<Against>,
    /// The exit code that it stands for.
    pub exit: Exit,
    /// What made the engine unusable, where something did.
    pub lost: Option<EngineError>,
}

impl<E: ImageBuilder> Run<'_, E> {
    /// Removes what the run made and reports what is in doubt; `None` if nothing was removed.
    pub(super) async fn clean(&mut self) -> Option<CleanReport> {
        if self.options.keep {
            return None;
        }
        self.observer.event(&Event::Cleaning);
        let ledger = &mut self.diary.ledger;
        let cut = ledger.is_building();
        if let Err(error) = ledger.cut() {
            self.observer.event(&Event::Warning(&format!("the end of the last build is not on disk: {error}")));
        }
        let cleaned = clean_after(self.engine, ledger.ownership(), Removal::Remove, cut).await;
        match cleaned {
            Ok(report) => {
                self.observer.event(&Event::Cleaned(&report));
                for line in &report.left {
                    self.observer.event(&Event::Warning(&format!("left in place: {line}")));
                    // Not in the journal: a run that is resumed may not leave it.
                    let finding = self.diary.finding("left-on-engine", line);
                    self.diary.record.findings.push(finding);
                }
                Some(report)
            }
            Err(error) => {
                self.observer.event(&Event::Warning(&format!(
                    "what the run made on the engine could not be removed: {error}; `tonnage clean` tries again"
                )));
                None
            }
        }
    }

    /// Cleans up, and writes down how the run ended; `lost` is what made the engine unusable.
    pub(super) async fn finish(mut self, ended: Ended, lost: Option<EngineError>) -> Result<RunOutcome, MeasureError> {
        let cleaning = Instant::now();
        let is_gone = lost.as_ref().is_some_and(EngineError::is_lost);
        let cleaned = if is_gone { None } else { self.clean().await };
        self.diary.spent.cleaning_ns = Nanos::from(cleaning.elapsed());
        self.diary.account()?;
        let mut record = self.diary.record;
        record.environment.host.load_after = machine::load_average().unwrap_or_default();
        record.finished_at = now_utc();
        let (mut record, against) = match &self.states.beside {
            Some(beside) => beside.apart(record),
            None => (record, None),
        };
        record.ended = ended;
        let exit = match ended {
            Ended::EngineLost => Exit::NoEngine,
            Ended::Interrupted if cleaned.is_none() && !self.options.keep => Exit::NotCleaned,
            Ended::Interrupted => Exit::Interrupted,
            _ if record.has_failures() => Exit::VariantFailed,
            _ => Exit::Done,
        };
        record::write(&self.options.out, &record)?;
        if let Some(against) = &against {
            against.write(&self.options.out)?;
        }
        if ended == Ended::Complete {
            self.diary.journal.finish()?;
        }
        if cleaned.as_ref().is_some_and(CleanReport::is_whole) {
            self.diary.ledger.forget()?;
        }
        Ok(RunOutcome { record, against, exit, lost })
    }
}
