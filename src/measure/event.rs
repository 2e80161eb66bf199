//! What a run tells those who watch it.

use crate::engine::{BuildEvent, CleanReport, PullProgress};
use crate::record::{Record, Sample, Scenario, ServeState};
use crate::units::{Bytes, Nanos};

/// Something that happened in a run.
#[derive(Debug)]
pub enum Event<'a> {
    /// The plan is made.
    Planned {
        /// Builds in all.
        builds: u32,
        /// Builds that an earlier part of the run has done.
        done: u32,
    },
    /// What looks slower than the state it is measured against is built again.
    Confirming,
    /// A base image is being pulled.
    Pulling {
        /// Which one.
        reference: &'a str,
        /// How far it is.
        progress: &'a PullProgress,
    },
    /// A base image is there.
    BaseReady {
        /// Which one.
        reference: &'a str,
        /// What was used for it.
        used: &'a str,
        /// How long the pull took; `None` where it was there already.
        pulled: Option<Nanos>,
    },
    /// A base image could not be had.
    BaseMissing {
        /// Which one.
        reference: &'a str,
        /// Why.
        reason: &'a str,
    },
    /// A build begins.
    BuildStarted {
        /// Its position, counted from 1.
        position: u32,
        /// Builds in all.
        builds: u32,
        /// Which variant.
        variant: &'a str,
        /// What changed before it.
        scenario: Scenario,
        /// Round, counted from 0.
        round: u32,
        /// Whether the round is the one that is discarded.
        discarded: bool,
        /// Whether it is the variant's second build of the round, for the A/A check.
        twin: bool,
        /// About how long this build and those after it take; `None` while nothing like them was built.
        left: Option<Nanos>,
    },
    /// A build goes on.
    Build(&'a BuildEvent),
    /// A build ended and is on disk.
    BuildDone(&'a Sample),
    /// A build failed, and its variant with it.
    BuildFailed {
        /// Which variant.
        variant: &'a str,
        /// What changed before it.
        scenario: Scenario,
        /// Why.
        message: &'a str,
    },
    /// Images are being weighed.
    Weighing {
        /// Bytes of the export read so far.
        bytes: Bytes,
    },
    /// Every variant that can be built was built and weighed.
    Sizes(&'a Record),
    /// A variant is started to see whether it serves.
    Serving {
        /// Which variant.
        variant: &'a str,
        /// Which start, counted from 1.
        start: u32,
        /// Starts in all.
        starts: u32,
    },
    /// A variant was asked and answered, or not.
    Served {
        /// Which variant.
        variant: &'a str,
        /// What came of it.
        state: ServeState,
        /// Median time to the first answer.
        ready: Nanos,
        /// What was answered, or why it failed.
        detail: &'a str,
    },
    /// What the run made on the engine is being removed.
    Cleaning,
    /// It is removed.
    Cleaned(&'a CleanReport),
    /// Something people should know.
    Warning(&'a str),
}

/// Someone who watches a run.
pub trait Observer {
    /// Called for each event, in order, on the thread of the run.
    fn event(&mut self, event: &Event<'_>);
}
