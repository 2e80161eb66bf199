//! Runs the steps of a plan: builds, sizes, start-up, host facts, clean-up. Knows nothing of reports.

mod weigh;

pub use weigh::{WeighError, weigh_exported};
