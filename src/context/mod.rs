//! The build context: .dockerignore as the engine does it, a deterministic tar, one-file edits in memory.
