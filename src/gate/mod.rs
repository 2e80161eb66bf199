//! Budgets, baseline and analysis turned into verdicts for CI.
