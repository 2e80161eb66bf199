//! Tests that need root, for an engine of their own.

mod buildkit;
mod disk;
mod dockerfiles;
mod engine_gone;
mod frozen;
mod import;
mod linked;
mod neighbour;
mod network;
mod podman;
mod shards;
mod ssh;
