//! Tests on the engine that all of them share.

mod action;
mod clean;
mod context;
mod engine;
mod failures;
mod formats;
mod gate;
mod improve;
mod init;
mod interrupt;
mod kill;
mod odd_host;
mod quick_start;
mod registry;
mod registry_targets;
mod run;
mod secret;
mod startup;
mod store;
mod update;
mod weigh;
