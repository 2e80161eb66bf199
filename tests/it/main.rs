//! Process-level tests: the program as a user runs it, in a directory of its own, without an engine.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod accept;
mod action;
mod command_line;
mod dockerfiles;
mod docs;
mod engine_address;
mod exports;
mod fake_engine;
mod gate;
mod gitlab;
mod import;
mod init;
mod merge;
mod odd_engine;
mod old_records;
mod outputs;
mod outside;
mod registry;
mod report;
mod repository;
mod results;
mod scripted_run;
mod weigh;
mod words;

#[path = "../support/action_job.rs"]
mod action_job;
#[path = "../support/pages.rs"]
mod pages;
#[path = "../support/recorded_dockerfiles.rs"]
mod recorded_dockerfiles;
#[path = "../support/release_host.rs"]
mod release_host;
#[path = "../support/sandbox.rs"]
mod sandbox;
