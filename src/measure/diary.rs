//! What a run keeps of itself: the record in memory and, in step with it, the journal and the ledger on disk.

use std::rc::Rc;
use std::time::Instant;

use super::error::MeasureError;
use super::journal::{Journal, JournalLine};
use super::ledger::Ledger;
use super::masked::Masked;
use crate::record::{FailureStage, Finding, Outcome, Record, Spent, Variant, VariantFailure};
use crate::suite::{self, SuiteVariant};
use crate::units::Nanos;

/// The record, the journal, and the ledger of a run.
pub(super) struct Diary {
    pub(super) record: Record,
    pub(super) journal: Journal,
    /// What the run makes on the engine.
    pub(super) ledger: Ledger,
    /// Takes out of texts what must not be recorded.
    pub(super) masked: Rc<Masked>,
    /// What was spent since [`Self::accounted`].
    pub(super) spent: Spent,
    /// Up to when the wall time is in the record and on disk.
    pub(super) accounted: Instant,
}

impl Diary {
    /// Adds a fact, without what must not be told: on disk first, then in the record. A sample comes with an account of
    /// the time up to now.
    pub(super) fn append(&mut self, mut line: JournalLine) -> Result<(), MeasureError> {
        self.masked.line(&mut line);
        let is_sample = matches!(line, JournalLine::Sample(_));
        let lines = if is_sample { vec![line, self.elapsed()] } else { vec![line] };
        self.journal.append(&lines)?;
        for line in lines {
            line.apply(&mut self.record);
        }
        Ok(())
    }

    /// Accounts for the time up to now.
    pub(super) fn account(&mut self) -> Result<(), MeasureError> {
        let elapsed = self.elapsed();
        self.append(elapsed)
    }

    /// The time since the last account, and what it went into.
    fn elapsed(&mut self) -> JournalLine {
        let now = Instant::now();
        let elapsed = Nanos::from(now.duration_since(self.accounted));
        self.accounted = now;
        self.spent.journal_ns = self.journal.take_spent() + self.ledger.take_spent();
        JournalLine::Elapsed(elapsed, std::mem::take(&mut self.spent))
    }

    /// Adds something about the run as a whole, unless an earlier part of the run has.
    pub(super) fn find(&mut self, code: &str, message: &str) -> Result<(), MeasureError> {
        let finding = self.finding(code, message);
        if self.record.findings.contains(&finding) { Ok(()) } else { self.append(JournalLine::Finding(finding)) }
    }

    /// Something about the run as a whole, as it is recorded.
    pub(super) fn finding(&self, code: &str, message: &str) -> Finding {
        Finding { code: code.to_owned(), message: self.masked.text(message), ..Finding::default() }
    }

    /// What is known of a variant.
    pub(super) fn entry(&self, variant: &SuiteVariant) -> Option<&Variant> {
        self.record.variants.iter().find(|entry| is_of(entry, variant))
    }

    /// Whether no more is built of a variant.
    pub(super) fn has_failed(&self, variant: &SuiteVariant) -> bool {
        self.entry(variant).is_some_and(|entry| entry.outcome == Outcome::BuildFailed)
    }

    /// Whether a build of the plan came to an end.
    pub(super) fn has_finished(&self, step: &suite::PlannedBuild) -> bool {
        self.record.samples.iter().any(|sample| sample.step == step.index && sample.is_finished())
    }

    /// Changes what is known of a variant.
    pub(super) fn update(
        &mut self,
        variant: &SuiteVariant,
        change: impl FnOnce(&mut Variant),
    ) -> Result<(), MeasureError> {
        match self.record.variants.iter().position(|entry| is_of(entry, variant)) {
            Some(index) => self.update_at(index, change),
            None => Ok(()),
        }
    }

    /// The same for the variant at a place of the record.
    pub(super) fn update_at(&mut self, index: usize, change: impl FnOnce(&mut Variant)) -> Result<(), MeasureError> {
        let entry = &self.record.variants[index];
        let mut changed = entry.clone();
        change(&mut changed);
        self.masked.variant(&mut changed);
        if changed == *entry { Ok(()) } else { self.append(JournalLine::Variant(Box::new(changed))) }
    }

    /// Notes that a variant failed: no more is built of it.
    pub(super) fn fail(&mut self, variant: &SuiteVariant, failure: VariantFailure) -> Result<(), MeasureError> {
        self.update(variant, |entry| {
            entry.outcome = Outcome::BuildFailed;
            entry.failure = Some(failure);
        })
    }
}

/// What went wrong with a variant outside the builds of the plan.
pub(super) fn failure(stage: FailureStage, message: impl Into<String>) -> VariantFailure {
    VariantFailure {
        stage,
        scenario: String::new(),
        instruction: String::new(),
        message: message.into(),
        log: Vec::new(),
    }
}

/// Whether an entry of the record is that of a variant.
fn is_of(entry: &Variant, variant: &SuiteVariant) -> bool {
    (&entry.name, entry.side) == (&variant.name, variant.side)
}
