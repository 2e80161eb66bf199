//! The verdict on a record: its rules, its variants, and what else should be known.

use super::rule::{RuleResult, Verdict};
use crate::analyse::compare::Comparison;
use crate::exit::Exit;
use crate::gate::baseline::Accepted;
use crate::gate::timing::TimingResult;
use crate::line::Line;
use crate::units::Bytes;

/// The verdict on a record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judgement {
    /// The whole.
    pub verdict: Verdict,
    /// What was judged.
    pub record: String,
    /// When it was measured; empty where unknown.
    pub measured_at: String,
    /// What it was held against; `None` where there is no baseline.
    pub baseline: Option<String>,
    /// The rules, variant by variant.
    pub rules: Vec<RuleResult>,
    /// The variants: those of the record, then those that vanished.
    pub variants: Vec<VariantResult>,
    /// Times of this job against those of its base.
    pub timings: Vec<TimingResult>,
    /// What they were measured against.
    pub against: Option<String>,
    /// What else should be known.
    pub notes: Vec<Line>,
    /// The command that makes this record the baseline.
    pub accept: String,
    /// The command that measures again and makes that the baseline, on a machine without this record.
    pub accept_elsewhere: Option<String>,
}

/// A variant and what became of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct VariantResult {
    /// Its name.
    pub name: String,
    /// How it stands to the baseline.
    pub state: State,
    /// Its Dockerfile as it is named in annotations; empty where unknown.
    pub dockerfile: String,
    /// The line of the Dockerfile that the difference points at; 0 where unknown.
    pub line: u32,
    /// `size` now.
    pub size: Option<Bytes>,
    /// Whether it was measured on a stand-in for a base image.
    pub stand_in: bool,
    /// `size` in the baseline.
    pub baseline_size: Option<Bytes>,
    /// The reason for the difference in `size`.
    pub comparison: Option<Comparison>,
    /// Who accepted the baseline's figure, from which measurement and why.
    pub accepted: Option<Accepted>,
}

/// How a variant stands to the baseline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// In both, and alike enough to compare.
    Compared,
    /// Not in the baseline.
    New,
    /// In the baseline only.
    Vanished,
    /// In both, and not to be compared: why.
    Unlike(String),
    /// There is no baseline.
    #[default]
    NoBaseline,
    /// There is no image of it.
    NoImage,
}

impl Judgement {
    /// The exit code of the gate.
    pub(crate) fn exit(&self) -> Exit {
        match self.verdict {
            Verdict::Fail => Exit::GateFailed,
            Verdict::NotComparable => Exit::NotComparable,
            Verdict::Inconclusive => Exit::Inconclusive,
            _ => Exit::Done,
        }
    }

    /// What became of the variant of that name.
    pub(crate) fn variant(&self, name: &str) -> Option<&VariantResult> {
        self.variants.iter().find(|variant| variant.name == name)
    }

    /// The rules of a variant.
    pub(crate) fn rules_of<'a>(&'a self, variant: &'a str) -> impl Iterator<Item = &'a RuleResult> {
        self.rules.iter().filter(move |rule| rule.variant == variant)
    }

    /// The worst verdict on a variant.
    pub(crate) fn verdict_of(&self, variant: &str) -> Verdict {
        self.rules_of(variant).map(|rule| rule.verdict.counted()).max().unwrap_or(Verdict::Pass)
    }

    /// The variants with a rule that fails, warns or cannot be compared, or that are new.
    pub(crate) fn exceeding(&self) -> Vec<String> {
        let judged = |name: &String| self.verdict_of(name) >= Verdict::New;
        self.variants.iter().map(|variant| variant.name.clone()).filter(judged).collect()
    }
}
