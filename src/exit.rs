//! Every exit code of the program. They are public: scripts and CI jobs depend on them.

use std::process::ExitCode;

/// How the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: the gate failed.
    GateFailed,
    /// 2: the command line could not be understood.
    Usage,
    /// 3: the two things are not comparable, or there is no baseline.
    NotComparable,
    /// 4: the measurements do not allow a verdict.
    Inconclusive,
    /// 5: a variant failed to build or to serve; the results are kept.
    VariantFailed,
    /// 6: no usable engine.
    NoEngine,
    /// 7: a suite, an archive or a record could not be read, or results could not be written.
    Unreadable,
    /// 70: a bug in tonnage.
    Bug,
    /// 130: interrupted, after clean-up.
    Interrupted,
    /// 131: interrupted, and not cleaned up: `tonnage clean` is due.
    NotCleaned,
}

impl Exit {
    /// The number the operating system sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::GateFailed => 1,
            Self::Usage => 2,
            Self::NotComparable => 3,
            Self::Inconclusive => 4,
            Self::VariantFailed => 5,
            Self::NoEngine => 6,
            Self::Unreadable => 7,
            Self::Bug => 70,
            Self::Interrupted => 130,
            Self::NotCleaned => 131,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
