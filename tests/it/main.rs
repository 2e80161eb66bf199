//! Process-level tests: the program as a user runs it, in a folder of its own.
//!
//! Live tests talk to the real engine and need the tiny bases (`scripts/tiny.sh`). They run where
//! `TONNAGE_TEST_LIVE=1`, as `make test` sees to; elsewhere each says that it was left out.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod action;
mod clean_live;
mod command_line;
mod context_live;
mod disk_live;
mod dockerfiles;
mod dockerfiles_live;
mod engine_address;
mod engine_gone_live;
mod engine_live;
mod failures_live;
mod fake_engine;
mod formats_live;
mod gate;
mod gate_live;
mod init;
mod init_live;
mod interrupt_live;
mod kill_live;
mod live;
mod neighbour_live;
mod network_live;
mod odd_engine;
mod old_records;
mod outputs;
mod outside;
mod podman_live;
mod private;
mod quick_start_live;
mod registry_live;
mod report;
mod results;
mod run_live;
mod sandbox;
mod scripted_run;
mod secret_live;
mod store_live;
mod weigh;
mod words;
