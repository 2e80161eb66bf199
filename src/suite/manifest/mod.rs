//! The manifest as it is written: keys, types, and places. What the values mean is for whoever they are for: the suite,
//! the budgets, the gate.

mod document;
mod limit;
mod reference;
mod source;
mod tables;

pub(crate) use document::Document;
pub(crate) use limit::LimitValue;
pub(super) use reference::ReferenceValue;
pub(super) use source::ManifestText;
pub(crate) use tables::{BudgetTable, TimingMode, Vanished};
pub(super) use tables::{BuildTable, CommandValue, Manifest, ServeTable, VariantTable, VerifyTable};
