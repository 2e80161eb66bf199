//! The program on real engines. Plain `cargo test` lists these tests as ignored; `make test` installs what they need and runs
//! them.
//!
//! Where one cannot be run on the engine that is there, it says so past the harness; where there is no engine it fails.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod on_private;
mod on_shared;

#[path = "../support/action_job.rs"]
mod action_job;
#[path = "../support/docker.rs"]
mod docker;
#[path = "../support/holdings.rs"]
mod holdings;
#[path = "../support/pages.rs"]
mod pages;
#[path = "../support/podman.rs"]
mod podman;
#[path = "../support/private_engine.rs"]
mod private_engine;
#[path = "../support/recorded_dockerfiles.rs"]
mod recorded_dockerfiles;
#[path = "../support/registry.rs"]
mod registry;
#[path = "../support/runs.rs"]
mod runs;
#[path = "../support/sandbox.rs"]
mod sandbox;
#[path = "../support/shared_engine.rs"]
mod shared_engine;
