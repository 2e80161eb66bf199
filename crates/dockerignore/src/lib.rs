#![doc = include_str!("../README.md")]

mod error;
mod expression;
mod ignore;
mod path;
mod pattern;
mod read;
#[cfg(any(test, feature = "reference"))]
pub mod reference;

pub use error::{PatternError, Reason};
pub use ignore::{Client, Ignore, Verdict};
pub use path::clean;
