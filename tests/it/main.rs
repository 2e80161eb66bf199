//! Process-level tests.

mod engine_live;
