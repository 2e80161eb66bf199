//! Process-level tests.

mod context_live;
mod engine_live;
