//! What the gate was asked to hold: limits and structure rules of `tonnage.toml`.
//!
//! `[budget]` counts for every variant, `[budget.variant.NAME]` and `[[variant]].budget` for one; a key there
//! replaces the suite's. Each rule remembers its line, so that a failure can say where to raise it.

mod read;
mod rules;

pub(crate) use rules::{Budgets, Level, Rule};
