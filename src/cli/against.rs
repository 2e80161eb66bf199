//! `tonnage run --against`: which state is meant, how many rounds its verdicts need, and what is measured once more.

use std::path::{Path, PathBuf};

use crate::env;
use crate::error::Failure;
use crate::gate::timing::{self, TimingResult, TimingRules, TimingVerdict};
use crate::gate::{Budgets, TimingMode};
use crate::measure::Other;
use crate::record::{Against, Record, Scenario};
use crate::suite::{Checkout, CheckoutError, Suite, check_out};

/// Another state of a suite, and by which rules its times are held against ours.
pub(super) struct BaseState {
    /// As it was first asked for.
    pub(super) reference: String,
    commit: String,
    suite: Suite,
    rules: TimingRules,
    /// Keeps the files of a commit as long as they are needed.
    _files: Option<Checkout>,
}

impl BaseState {
    /// Finds what `--against` names: a git ref, or the directory of a suite. What begins with `.` or `/` is a directory; else
    /// a ref goes first.
    pub(super) fn find(suite: &Suite, named: &str) -> Result<Self, Failure> {
        // What the gate will go by is read before anything is measured.
        let rules = Budgets::of(&suite.manifest)?.options.timing;
        let path = Path::new(named);
        let folder = |rules| -> Result<Self, Failure> {
            let suite = suite.load_other(path)?;
            Ok(Self { reference: named.to_owned(), commit: String::new(), suite, rules, _files: None })
        };
        if named.starts_with(['.', '/']) {
            return folder(rules);
        }
        match check_out(suite, named, &env::checkouts()) {
            Ok(files) => Ok(Self {
                reference: named.to_owned(),
                commit: files.commit.clone(),
                suite: files.suite.clone(),
                rules,
                _files: Some(files),
            }),
            Err(CheckoutError::NoRef { .. } | CheckoutError::NoRepository { .. } | CheckoutError::NoGit(_))
                if path.exists() =>
            {
                folder(rules)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The state as measuring wants it, with what it calls a suspect.
    pub(super) fn as_other<'a>(&'a self, suspects: &'a crate::measure::Suspects<'a>) -> Other<'a> {
        Other { reference: &self.reference, commit: &self.commit, suite: &self.suite, suspects }
    }

    /// What looks slower and wants a rerun.
    pub(super) fn suspects(&self, record: &Record, against: &Against) -> Vec<(String, Scenario)> {
        let results = self.judged(record, against).into_iter();
        let suspects = results.filter(|result| result.verdict == TimingVerdict::Suspect);
        suspects.map(|result| (result.variant, result.scenario)).collect()
    }

    /// The verdicts on the times of both; none where nothing is judged.
    fn judged(&self, record: &Record, against: &Against) -> Vec<TimingResult> {
        if self.rules.mode == TimingMode::Off {
            return Vec::new();
        }
        timing::judge(&timing::pairs(record, against, &self.rules), &self.rules)
    }

    /// Rounds that the verdicts need: with fewer no slowdown can be told from chance. Zero where nothing is judged.
    pub(super) fn rounds(&self, suite: &Suite, only: &[String], scenarios: &[Scenario]) -> u32 {
        if self.rules.mode == TimingMode::Off {
            return 0;
        }
        let comparisons: usize = suite
            .variants
            .iter()
            .filter(|variant| only.is_empty() || only.contains(&variant.name))
            .filter(|variant| self.suite.variant(&variant.name).is_some())
            .map(|variant| {
                let measured = |scenario: &&Scenario| match scenario {
                    Scenario::Cold | Scenario::Warm | Scenario::Base => true,
                    Scenario::Src => variant.src.is_some(),
                    Scenario::Deps => variant.deps.is_some(),
                    Scenario::Touch => variant.src.is_some() || variant.deps.is_some(),
                    Scenario::Observed => false,
                };
                self.rules.scenarios.iter().filter(|scenario| scenarios.contains(scenario)).filter(measured).count()
            })
            .sum();
        if comparisons == 0 {
            return 0;
        }
        u32::try_from(timing::rounds_needed(comparisons, &self.rules)).unwrap_or(u32::MAX)
    }

    /// The times of both, for people.
    pub(super) fn times(&self, record: &Record, against: &Against) -> String {
        crate::report::times_table(&self.judged(record, against), &against.label())
    }

    /// The directory that was named; `None` for a commit.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        self.commit.is_empty().then(|| PathBuf::from(&self.reference))
    }
}
